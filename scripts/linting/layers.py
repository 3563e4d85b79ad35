# SPDX-License-Identifier: GPL-2.0-or-later
"""The floors: which folder may include which, and which library, as userspace/LAYERS states."""

import re

from .tree import Finding

LAYERS = "userspace/LAYERS"
INCLUDE = re.compile(r'\s*#\s*include\s+([<"])([^>"]+)[>"]')

# The C library and the kernel's own headers belong to everybody.
SYSTEM_FOLDERS = ("sys", "linux", "net", "netinet", "arpa", "asm", "scsi", "sanitizer")
SYSTEM_HEADERS = set(
    "assert byteswap ctype dirent dlfcn endian err errno error fcntl float fnmatch ftw getopt glob"
    " grp ifaddrs inttypes iso646 langinfo libgen limits locale malloc math mntent netdb paths poll"
    " pthread pwd regex sched search semaphore setjmp signal spawn stdalign stdarg stdatomic"
    " stdbool stddef stdint stdio stdio_ext stdlib stdnoreturn string strings sysexits syslog"
    " termios threads time uchar unistd utime wchar wctype cpuid immintrin".split())


class Layers:
    """What LAYERS says: folders = {folder: set it may include}, libraries = [(prefixes, set)]."""

    def __init__(self):
        self.folders = {}
        self.libraries = []
        self.line_of = {}

    def library_of(self, header):
        """Who may include the header; None if it belongs to no library that is listed."""
        for prefixes, users in self.libraries:
            if any(header == prefix or (not prefix.endswith(".h") and header.startswith(prefix))
                   for prefix in prefixes):
                return users
        return None


def parse(tree):
    layers = Layers()
    for number, line in enumerate(tree.lines(LAYERS), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        name, _, users = line.partition(":")
        if name.startswith("@"):
            prefixes = [word.lstrip("@") for word in name.split()]
            layers.libraries.append((prefixes, set(users.split())))
        else:
            layers.folders[name] = set(users.split())
            layers.line_of[name] = number
    return layers


def folder_of(path):
    """The folder as LAYERS calls it; None for tests and everything else."""
    parts = path.split("/")
    if parts[0] == "rpc" and len(parts) > 1:
        return "rpc"
    if parts[0] == "userspace" and len(parts) > 2:
        return parts[1]
    return None


def header_exists(tree, folder, header):
    """A header of the tree, or one that protoc-c makes out of a .proto of the tree."""
    base = "" if folder == "rpc" else "userspace/"
    generated = re.sub(r"\.pb-c\.h$", ".proto", header)
    return (tree.root / base / header).is_file() or (tree.root / base / generated).is_file()


def check_own_include(tree, layers, path, header):
    own = folder_of(path)
    folder = header.split("/")[0]
    if "/" not in header:
        return f'"{header}" names no folder; write "{own}/{header}"'
    if folder not in layers.folders:
        return f'"{header}": {LAYERS} knows no folder \'{folder}\'; includes begin with one of its'
    if folder != own and folder not in layers.folders.get(own, ()):
        return (f"{own}/ may not include {folder}/ (see {LAYERS}); move what is needed to a lower"
                " floor, or let a higher one connect the two")
    if not header_exists(tree, folder, header):
        return f'"{header}" does not exist'
    return None


def check_library_include(layers, path, header):
    own = folder_of(path)
    users = layers.library_of(header)
    if users is not None:
        if own in users:
            return None
        return (f"{own}/ may not include <{header}>; {LAYERS} gives it to"
                f" {', '.join(sorted(users)) or 'nobody'}")
    folder, _, name = header.rpartition("/")
    if folder.split("/")[0] in SYSTEM_FOLDERS or (not folder and name[:-2] in SYSTEM_HEADERS):
        return None
    return f"<{header}> is not of the C library; give its library a line in {LAYERS}"


def check_test_include(tree, path, header):
    """Tests may reach every folder, but they too name it."""
    bases = (tree.root, tree.root / "userspace", tree.root / "tests")
    generated = re.sub(r"\.pb-c\.h$", ".proto", header)
    if "/" not in header:
        return f'"{header}" names no folder; write it from the top, "{path.rsplit("/", 1)[0]}/..."'
    if not any((base / name).is_file() for base in bases for name in (header, generated)):
        return f'"{header}" does not exist'
    return None


def check_file(tree, layers, path):
    for number, line in enumerate(tree.lines(path), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, header = match.groups()
        what = None
        if folder_of(path):
            if quote == '"':
                what = check_own_include(tree, layers, path, header)
            else:
                what = check_library_include(layers, path, header)
        elif path.startswith("tests/") and quote == '"':
            what = check_test_include(tree, path, header)
        if what:
            yield Finding(path, number, what)


def check_table(tree, layers):
    """The table names the folders that are there, each before those that stand on it."""
    present = {folder_of(path) for path in tree.c_files} - {None}
    for folder in present - layers.folders.keys():
        yield Finding(LAYERS, 1, f"the folder '{folder}' has no line; say what it may include")
    above = set()
    for folder, lower in layers.folders.items():
        for name in lower - above:
            yield Finding(LAYERS, layers.line_of[folder],
                          f"'{folder}' stands on '{name}', which has no line above it")
        above.add(folder)


def check(tree):
    if LAYERS not in tree.files:
        yield Finding(LAYERS, 1, "there is no such file; it says which folder may include which")
        return
    layers = parse(tree)
    yield from check_table(tree, layers)
    for path in tree.c_files:
        yield from check_file(tree, layers, path)
