# SPDX-License-Identifier: GPL-2.0-or-later
"""The walls of size: lines of a function, file and header; parameters; nesting; columns."""

import json
import re
import subprocess
from typing import NamedTuple

from .tree import Finding

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
HEADER_LINES_MAX = 200
PARAMETERS_MAX = 6
NESTING_MAX = 4
COLUMNS_MAX = 100
TAB_COLUMNS = 8

FUNCTION_LINES_HABIT = 40
FILE_LINES_HABIT = 400

# The shape of a callback is its library's. Each of these types stands only in callbacks that are
# handed more parameters than we would: nghttp2's data source, libmicrohttpd's request.
FOREIGN_CALLBACK = re.compile(r"\b(?:nghttp2_data_source|MHD_Connection)\b")

# Comments and literals, which may hold braces; preprocessor lines, whose braces are a macro's.
NOT_CODE = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
        | ^[ \t]*\#(?:\\\n|[^\n])*""", re.DOTALL | re.MULTILINE | re.VERBOSE)


class Function(NamedTuple):
    path: str
    name: str
    line: int
    end: int
    parameters: str

    @property
    def lines(self):
        return self.end - self.line + 1


def functions(tree):
    """Every function with a body, by universal-ctags."""
    if not tree.c_files:
        return []
    out = subprocess.run(
        ["ctags", "--options=NONE", "--languages=C", "--langmap=C:.c.h", "--kinds-C=f",
         "--fields=+neS", "--output-format=json", "-I", "PRINTF_LIKE+,CLEANUP_FREE,CLEANUP_CLOSE",
         "-o", "-", "-L", "-"],
        cwd=tree.root, input="\n".join(tree.c_files), check=True, capture_output=True,
        text=True).stdout
    found = []
    for line in out.splitlines():
        tag = json.loads(line)
        if tag.get("_type") == "tag" and "end" in tag:
            found.append(Function(tag["path"], tag["name"], tag["line"], tag["end"],
                                  tag.get("signature", "()")))
    return found


def count_parameters(signature):
    depth = 0
    commas = 0
    for char in signature:
        depth += {"(": 1, ")": -1}.get(char, 0)
        commas += char == "," and depth == 1
    inside = signature.strip()[1:-1].strip()
    return 0 if inside in ("", "void") else commas + 1


def without_literals(text):
    """The same lines, with comments, literals and macros blanked out."""
    return NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def is_block(before, enclosing):
    """Whether the brace after the text `before` opens statements, not a list of values."""
    last = before.rstrip()
    if not last:
        return True
    if last[-1] in "{}":
        return enclosing
    if last[-1] == ")":
        return last != before  # clang-format puts no space in front of a compound literal's
    return last[-1] in ";:" or re.search(r"\b(?:else|do)$", last) is not None


def deepest_nesting(body):
    """How many blocks lie in one another inside the outermost one of a function's text."""
    stack = []
    deepest = 0
    for match in re.finditer(r"[{}]", body):
        if match.group() == "{":
            stack.append(is_block(body[:match.start()], not stack or stack[-1]))
            deepest = max(deepest, sum(stack))
        elif stack:
            stack.pop()
    return deepest - 1


def check_functions(tree):
    stripped = {}
    for function in functions(tree):
        def finding(what, function=function):
            return Finding(function.path, function.line, f"{function.name}() {what}")

        if function.path not in stripped:
            stripped[function.path] = without_literals(tree.text(function.path)).split("\n")
        body = "\n".join(stripped[function.path][function.line - 1:function.end])
        nesting = deepest_nesting(body)
        parameters = count_parameters(function.parameters)
        if function.lines > FUNCTION_LINES_MAX:
            yield finding(f"has {function.lines} lines, {FUNCTION_LINES_MAX} are the wall; keep"
                          " the decisions, move the straight work into functions of its own")
        if parameters > PARAMETERS_MAX and not FOREIGN_CALLBACK.search(function.parameters):
            yield finding(f"has {parameters} parameters, {PARAMETERS_MAX} are the wall; pass a"
                          " struct")
        if nesting > NESTING_MAX:
            yield finding(f"nests {nesting} deep, {NESTING_MAX} is the wall; return early, or"
                          " move the inner part out")


def check_file(tree, path):
    lines = tree.lines(path)
    wall = HEADER_LINES_MAX if path.endswith(".h") else FILE_LINES_MAX
    if len(lines) > wall:
        yield Finding(path, len(lines), f"{len(lines)} lines, {wall} are the wall; split the file"
                      " where its subject splits")
    for number, line in enumerate(lines, 1):
        columns = len(line.expandtabs(TAB_COLUMNS))
        if columns > COLUMNS_MAX:
            yield Finding(path, number, f"{columns} columns, {COLUMNS_MAX} are the wall; break"
                          " the line")


def measured_files(tree):
    scripts = {path for path, _ in tree.scripts}
    return [path for path in tree.files
            if path in scripts or path.endswith((".c", ".h", ".proto"))
            or path.rsplit("/", 1)[-1] in ("meson.build", "Makefile")]


def check(tree):
    yield from check_functions(tree)
    for path in measured_files(tree):
        yield from check_file(tree, path)


def summary(tree):
    """How much is larger than the habit: no finding, but to be known."""
    long_functions = sum(function.lines > FUNCTION_LINES_HABIT for function in functions(tree))
    long_files = sum(len(tree.lines(path)) > FILE_LINES_HABIT for path in measured_files(tree))
    return (f"{long_functions} functions over {FUNCTION_LINES_HABIT} lines,"
            f" {long_files} files over {FILE_LINES_HABIT}")
