# SPDX-License-Identifier: GPL-2.0-or-later
"""berth-attach started by a test, the file that it serves, and everything cleaned up at the end."""

import ctypes
import mmap
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DEADLINE = 30  # seconds that anything may take, on a busy machine with ASan


def requires(programs=()):
    """Exit with the reason if this host cannot run the test."""
    reason = None
    if os.geteuid() != 0:
        reason = "needs root: it mounts"
    elif not os.path.exists("/dev/fuse"):
        reason = "needs /dev/fuse"
    for program in programs:
        if not shutil.which(program):
            reason = f"needs {program}"
    if reason:
        print(reason)
        sys.exit(77)


def wait_for(what, condition, seconds=DEADLINE):
    """Until condition() is true; its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def aligned(data):
    """The bytes in memory that O_DIRECT takes."""
    memory = mmap.mmap(-1, max(len(data), 1))
    memory[:len(data)] = data
    return memoryview(memory)[:len(data)]


class Rig:
    """One volume, attached. Use it in a with statement."""

    def __init__(self, program, folder=None):
        self.program = program
        self.folder = Path(folder or tempfile.mkdtemp(prefix="berth-attach-"))
        self.mount = self.folder / "mnt"
        self.mount.mkdir()
        self.log_path = self.folder / "log"
        self.process = None
        self.loops = []
        self.mounts = []

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            print(self.log(), file=sys.stderr)
        for mount in reversed(self.mounts):
            subprocess.run(["umount", mount], check=False)
        for loop in self.loops:
            subprocess.run(["losetup", "-d", loop], check=False)
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        subprocess.run(["umount", "-q", self.mount], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=False)

    def command(self, port, uuid, *more):
        return [self.program, "--portal", f"127.0.0.1:{port}", "--target",
                "iqn.2026-11.dev.berth:test:volume", "--initiator", "iqn.2026-11.dev.berth:host",
                "--uuid", uuid, "--mount", str(self.mount), *more]

    def start(self, command, secrets=""):
        """Start it and wait for its line on the ready descriptor; returns the line."""
        read_end, write_end = os.pipe()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*command, "--ready-fd", str(write_end)], stdin=subprocess.PIPE, stdout=log,
                stderr=log, pass_fds=[write_end])
        os.close(write_end)
        self.process.stdin.write(secrets.encode())
        self.process.stdin.close()
        with os.fdopen(read_end) as ready:
            return ready.readline().rstrip("\n")

    def log(self):
        return self.log_path.read_text(encoding="utf-8") if self.log_path.exists() else ""

    def wait_for_log(self, text, count=1):
        wait_for(f"{count} times in the log: {text}", lambda: self.log().count(text) >= count)

    @property
    def file(self):
        return self.mount / "volume"

    def open(self):
        return os.open(self.file, os.O_RDWR | os.O_DIRECT)

    def loop(self):
        """A loop device over the file."""
        done = subprocess.run(["losetup", "-f", "--show", "--direct-io=on", self.file],
                              check=True, capture_output=True, text=True)
        self.loops.append(done.stdout.strip())
        return self.loops[-1]

    def loop_detach(self, loop):
        subprocess.run(["losetup", "-d", loop], check=True)
        self.loops.remove(loop)

    def stop(self):
        """SIGTERM, once nobody uses the file any more (the loop device lets go late)."""
        def ended():
            self.process.send_signal(signal.SIGTERM)
            try:
                return self.process.wait(0.3) is not None
            except subprocess.TimeoutExpired:
                return False
        wait_for("berth-attach ends", ended)
        return self.process.returncode


def pwrite(fd, offset, data):
    assert os.pwritev(fd, [aligned(data)], offset) == len(data)


def pread(fd, offset, length):
    memory = aligned(bytes(length))
    assert os.preadv(fd, [memory], offset) == length
    return bytes(memory)


PUNCH_HOLE, ZERO_RANGE, KEEP_SIZE = 0x02, 0x10, 0x01

libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]


def fallocate(fd, mode, offset, length):
    if libc.fallocate(fd, mode, offset, length) != 0:
        raise OSError(ctypes.get_errno(), "fallocate")
