# SPDX-License-Identifier: GPL-2.0-or-later
"""The files under check, and what a finding about one of them is."""

import subprocess
from functools import cached_property
from typing import NamedTuple


class Finding(NamedTuple):
    """One line for a person; sorts by place."""

    path: str
    line: int
    what: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what}"


class Tree:
    """A source tree; paths are texts relative to its root."""

    def __init__(self, root, build):
        self.root = root
        self.build = build
        self._texts = {}

    @cached_property
    def files(self):
        """Everything that git knows or would take."""
        out = subprocess.run(
            ["git", "-C", str(self.root), "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"], check=True, capture_output=True, text=True).stdout
        return sorted({path for path in out.split("\0")
                       if path and (self.root / path).is_file()})

    @cached_property
    def c_files(self):
        return [path for path in self.files if path.endswith((".c", ".h"))]

    @cached_property
    def scripts(self):
        """Path and interpreter ("python3", "bash", "sh") of what a shell or Python runs."""
        found = []
        for path in self.files:
            first = self.lines(path)[:1]
            if path.endswith(".py"):
                found.append((path, "python3"))
            elif first and first[0].startswith("#!"):
                words = first[0][2:].replace("/usr/bin/env ", "").split()
                found.append((path, words[0].rsplit("/", 1)[-1]))
        return found

    def text(self, path):
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return self._texts[path]

    def lines(self, path):
        return self.text(path).splitlines()
