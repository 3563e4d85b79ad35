# SPDX-License-Identifier: GPL-2.0-or-later
"""Words: the licence line, what must not be left behind, names that say nothing, dead links."""

import re

from .tree import Finding

SPDX = re.compile(r"SPDX-License-Identifier: GPL-2\.0")
LEFT_BEHIND = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")  # in halves: this file is checked too
SAYS_NOTHING = {"util", "utils", "common", "misc", "core", "manager"}
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def has_licence(tree, path):
    """Source has one; text for people, data and the table of floors need none."""
    name = path.rsplit("/", 1)[-1]
    return (path.endswith((".c", ".h", ".py", ".proto", ".S"))
            or name in ("meson.build", "meson_options.txt", "Makefile", "Kbuild")
            or any(path == script for script, _ in tree.scripts))


def check_licence(tree, path):
    lines = tree.lines(path)
    if not any(SPDX.search(line) for line in lines[:2]):
        yield Finding(path, 1, "no licence; begin the file with SPDX-License-Identifier:"
                      " GPL-2.0-or-later")


def check_name(path):
    for part in path.split("/"):
        stem = part.split(".")[0]
        if stem.lower() in SAYS_NOTHING:
            yield Finding(path, 1, f"the name '{stem}' says nothing; name what it holds")


def check_words(tree, path):
    for number, line in enumerate(tree.lines(path), 1):
        match = LEFT_BEHIND.search(line)
        if match:
            yield Finding(path, number, f"{match.group()}: do it, or file an issue and say why"
                          " it is not done here")


def check(tree):
    for path in tree.files:
        yield from check_name(path)
        yield from check_words(tree, path)
        if has_licence(tree, path):
            yield from check_licence(tree, path)


def check_links(tree):
    """Links of the documents that lead to files of the tree."""
    for path in tree.files:
        if not path.endswith(".md"):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            for target in LINK.findall(line):
                if ":" in target:
                    continue
                if not ((tree.root / path).parent / target).exists():
                    yield Finding(path, number, f"the link to {target} leads nowhere")
