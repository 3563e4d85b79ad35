# SPDX-License-Identifier: GPL-2.0-or-later
"""What other programs check: clang-format, clang-tidy, shellcheck, Python's own compiler."""

import hashlib
import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .tree import Finding

PROCESSES = 2  # the machines have two cores
TIDY = ["clang-tidy", "--quiet", "--extra-arg=-Wno-unknown-warning-option"]
SHELLCHECK = ["shellcheck", "--format=gcc", "--severity=warning", "--external-sources",
              "--source-path=SCRIPTDIR"]
DIAGNOSTIC = re.compile(r"^(.+?):(\d+):\d+: (?:warning|error|fatal error): (.+)$")


def run(command, cwd):
    return subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)


def findings_in(tree, output, folder):
    """The lines of a compiler-like program, which ran in `folder`, as findings."""
    for line in output.splitlines():
        match = DIAGNOSTIC.match(line)
        if match:
            path = (folder / match.group(1)).resolve()
            if path.is_relative_to(tree.root):
                path = path.relative_to(tree.root)
            what = match.group(3).replace(",-warnings-as-errors", "")
            yield Finding(str(path), int(match.group(2)), what)


def check_scripts(tree):
    shell = [path for path, interpreter in tree.scripts if interpreter in ("sh", "bash")]
    if shell:
        result = run(SHELLCHECK + shell, tree.root)
        yield from findings_in(tree, result.stdout, tree.root)
    for path, interpreter in tree.scripts:
        if interpreter != "python3":
            continue
        try:
            compile(tree.text(path), path, "exec", dont_inherit=True)
        except SyntaxError as error:
            yield Finding(path, error.lineno or 1, f"Python says: {error.msg}")


def check_format(tree):
    if not tree.c_files:
        return
    result = run(["clang-format", "--dry-run", "-Werror"] + tree.c_files, tree.root)
    seen = set()
    for finding in findings_in(tree, result.stderr, tree.root):
        if finding.path not in seen:  # the first place in a file is enough
            seen.add(finding.path)
            yield Finding(finding.path, finding.line,
                          "clang-format would write it otherwise; run 'make format'")


def object_headers(tree):
    """{object: the files of the tree and of the build that it was made from}, by Ninja."""
    headers = {}
    current = None
    for line in run(["ninja", "-t", "deps"], tree.build).stdout.splitlines():
        if line.startswith("    "):
            path = (tree.build / line.strip()).resolve()
            if path.is_relative_to(tree.root):
                headers[current].append(path)
        elif ": #deps" in line:
            current = line.split(": #deps")[0]
            headers[current] = []
    return headers


def compile_commands(tree):
    """One command for each C file of the tree; generated files are not ours to check."""
    commands = {}
    for entry in json.loads((tree.build / "compile_commands.json").read_text(encoding="utf-8")):
        path = (Path(entry["directory"]) / entry["file"]).resolve()
        if path.is_relative_to(tree.root) and not path.is_relative_to(tree.build):
            commands.setdefault(path, entry)
    return commands


def tidy_key(tree, entry, headers, version):
    """Changes whenever clang-tidy could say something else of the file."""
    digest = hashlib.sha256(version)
    digest.update((tree.root / ".clang-tidy").read_bytes())
    digest.update(" ".join(TIDY).encode())
    digest.update(entry["command"].encode())
    for path in sorted(headers):
        digest.update(str(path).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def tidy_file(tree, path, cached):
    if cached.exists():
        return cached.read_text(encoding="utf-8")
    result = run(TIDY + ["-p", str(cached.parent), str(path)], tree.root)
    if result.returncode < 0:
        return f"{path}:1:1: error: clang-tidy died of signal {-result.returncode}\n"
    temporary = cached.with_suffix(".new")
    temporary.write_text(result.stdout, encoding="utf-8")
    temporary.rename(cached)
    return result.stdout


def check_tidy(tree):
    # Generated headers have to be there, and Ninja then knows what each file includes.
    built = run(["ninja", "--quiet"], tree.build)
    if built.returncode != 0:
        yield Finding("meson.build", 1, f"the tree does not build; run 'ninja -C {tree.build}'")
        return
    cache = tree.build / "lint"
    cache.mkdir(exist_ok=True)
    version = run(["clang-tidy", "--version"], tree.root).stdout.encode()
    headers = object_headers(tree)
    commands = compile_commands(tree)
    # A file that is compiled twice is checked once.
    (cache / "compile_commands.json").write_text(json.dumps(list(commands.values())),
                                                 encoding="utf-8")
    work = []
    for path, entry in sorted(commands.items()):
        sources = set(headers.get(entry["output"], [])) | {path}
        work.append((path, cache / tidy_key(tree, entry, sources, version)))
    with ThreadPoolExecutor(PROCESSES) as pool:
        for output in pool.map(lambda item: tidy_file(tree, *item), work):
            yield from findings_in(tree, output, tree.build)
