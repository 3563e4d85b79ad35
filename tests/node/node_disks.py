#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What lies under a pool, for real: a sparse file, a file system that is full, a file that is cut
short or overwritten, a block device. The loop devices and mounts of a test go with it."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile

import grpc
from daemon import INITIATOR, Node, node_pb2, refused, run, run_tests, wait_until
from qemu import image, qemu_io

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


PROGRAMS = ["losetup", "mkfs.ext4", "mount", "umount"]


def requires_root_and_loop_devices():
    missing = [p for p in PROGRAMS if not shutil.which(p)]
    if os.geteuid() != 0 or missing or not os.path.exists("/dev/loop-control"):
        print("skipped: needs root, loop devices and", ", ".join(PROGRAMS))
        sys.exit(77)


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="berth-disks-") as path:
        yield path


@contextlib.contextmanager
def loop_device(path):
    device = run("losetup", "--find", "--show", path).strip()
    try:
        yield device
    finally:
        run("losetup", "--detach", device)


@contextlib.contextmanager
def small_file_system(size):
    """An ext4 of this size, mounted."""
    with folder() as path:
        with open(f"{path}/image", "wb") as file:
            file.truncate(size)
        run("mkfs.ext4", "-q", f"{path}/image")
        os.mkdir(f"{path}/mount")
        run("mount", "-o", "loop", f"{path}/image", f"{path}/mount")
        try:
            yield f"{path}/mount"
        finally:
            run("umount", f"{path}/mount")


def taken(path):
    """Bytes that the file has of its file system."""
    return os.stat(path).st_blocks * 512


def pool_of(node, name="p"):
    return node.api.GetPool(node_pb2.PoolName(name=name))


def make_pool(node, path, size=0, name="p"):
    return node.api.CreatePool(node_pb2.CreatePoolRequest(name=name, path=path, size=size))


def serve(node, name, size=GIB, pool="p"):
    node.make_volume(name, size, pool)
    node.publish(name)
    return node.url(name)


def io_fails(url, command):
    mode = ["-r"] if command.startswith("read") else []
    done = subprocess.run(["qemu-io", "-t", "none", *mode, "-c", command, image(url)],
                          capture_output=True, text=True, timeout=120, check=False)
    out = done.stdout + done.stderr
    assert any(word in out for word in ("failed", "error", "No space", "write protected")), out
    return out


def read_only_io(url, *commands):
    """What a volume that is write protected still answers."""
    out = run("qemu-io", "-r", *[word for command in commands for word in ("-c", command)],
              image(url))
    assert "failed" not in out, out


def wait_punched(node, path, most):
    wait_until("freed space leaves the backing file",
               lambda: taken(path) <= most and pool_of(node).unpunched == 0)


def test_what_is_unmapped_or_deleted_leaves_the_file():
    with Node() as node:
        path = node.path("p.pool")
        make_pool(node, path, GIB)
        empty = taken(path)
        url = serve(node, "a")
        qemu_io(url, "write -P 7 0 96M")
        assert taken(path) >= empty + 96 * MIB
        qemu_io(url, "discard 0 32M", "discard 40M 4M", "flush", "read -P 0 0 32M",
                "read -P 7 32M 8M")
        wait_punched(node, path, empty + 61 * MIB)
        assert taken(path) >= empty + 60 * MIB
        node.api.Unpublish(node_pb2.UnpublishRequest(volume="a", initiator=INITIATOR))
        node.api.DeleteVolume(node_pb2.VolumeName(name="a"))
        wait_punched(node, path, empty + MIB)


def test_space_freed_before_a_crash_leaves_the_file_after_it():
    with Node() as node:
        path = node.path("p.pool")
        make_pool(node, path, GIB)
        empty = taken(path)
        url = serve(node, "a")
        for turn in range(4):
            qemu_io(url, f"write -P {turn + 1} 0 64M", "discard 0 64M", "flush")
            node.kill()
            node.start()
            wait_punched(node, path, empty + 2 * MIB)


def test_a_full_file_system_is_a_full_disk_and_nothing_else():
    with small_file_system(192 * MIB) as mount, Node() as node:
        path = f"{mount}/p.pool"
        make_pool(node, path, 2 * GIB)
        first = serve(node, "first", 4 * GIB)
        second = serve(node, "second", 4 * GIB)
        qemu_io(first, "write -P 1 0 16M", "flush")
        qemu_io(second, "write -P 2 0 16M", "flush")
        assert "No space left" in io_fails(first, "write -P 3 16M 400M")
        # What is there can be read and overwritten, and made durable; the pool is sound.
        qemu_io(first, "read -P 1 0 16M", "write -P 4 0 8M", "flush", "read -P 4 0 8M")
        qemu_io(second, "read -P 2 0 16M", "write -P 5 8M 4M", "flush")
        assert "No space left" in io_fails(second, "write -P 3 64M 200M")
        assert pool_of(node).state == "read-write"
        node.make_volume("third", GIB, "p")
        # Space that is freed goes back to the file system, so others can have it.
        qemu_io(first, "discard 8M 1G", "flush")
        wait_until("what was freed can be had", lambda: (
            os.statvfs(mount).f_bavail * os.statvfs(mount).f_frsize > 8 * MIB))
        qemu_io(second, "write -P 6 32M 8M", "flush", "read -P 6 32M 8M", "read -P 5 8M 4M")
        node.kill()
        node.start()
        qemu_io(first, "read -P 4 0 8M", "read -P 0 8M 8M")
        qemu_io(second, "read -P 2 0 8M", "read -P 5 8M 4M", "read -P 6 32M 8M")


def test_a_file_cut_short_gives_no_zeros():
    with Node() as node:
        path = node.path("p.pool")
        make_pool(node, path, GIB)
        node.make_pool("other")
        low = serve(node, "low")
        high = serve(node, "high")
        elsewhere = serve(node, "elsewhere", pool="other")
        qemu_io(low, "write -P 1 0 16M", "flush")
        qemu_io(high, "write -P 2 0 64M", "flush")
        qemu_io(elsewhere, "write -P 3 0 1M")
        cut = 64 * MIB
        os.truncate(path, cut)
        io_fails(high, "write -P 9 512M 64k")
        io_fails(high, "read -P 2 60M 4M")
        assert "write protected" in io_fails(high, "write -P 9 0 64k")
        assert os.stat(path).st_size == cut, "a write made it longer again"
        pool = wait_until("the pool says so", lambda: pool_of(node)
                          if pool_of(node).state != "read-write" else None)
        assert pool.state == "read-only" and "has become smaller" in pool.state_reason, pool
        assert "64 MiB of 1 GiB" in pool.state_reason, pool
        read_only_io(low, "read -P 1 0 16M")
        qemu_io(elsewhere, "write -P 4 0 1M", "read -P 4 0 1M")
        node.kill()
        node.start()
        pool = pool_of(node)
        assert pool.state == "missing", pool
        assert "64 MiB" in pool.state_reason or "smaller" in pool.state_reason, pool
        qemu_io(elsewhere, "read -P 4 0 1M")
        node.kill()
        os.remove(path)  # or the check at the end finds what was done to it


def test_a_pool_on_a_block_device():
    with folder() as path:
        backing = f"{path}/backing"
        with open(backing, "wb") as file:
            file.truncate(GIB)
        with loop_device(backing) as device, Node() as node:
            pool = make_pool(node, device)
            assert pool.size == GIB, pool
            empty = taken(backing)
            url = serve(node, "v", 8 * GIB)
            qemu_io(url, "write -P 7 0 64M", "write -P 8 7G 1M", "flush")
            assert taken(backing) >= empty + 64 * MIB
            # Nobody else gets it.
            try:
                os.close(os.open(device, os.O_RDWR | os.O_EXCL))
                raise AssertionError("the device could be opened exclusively by another")
            except OSError as error:
                assert error.errno == 16, error
            with Node() as second:
                sentence = refused(grpc.StatusCode.FAILED_PRECONDITION, second.api.ImportPool,
                                   node_pb2.ImportPoolRequest(path=device))
                assert "use" in sentence, sentence
            # A discard reaches what is below.
            qemu_io(url, "discard 0 64M", "flush")
            wait_punched(node, backing, empty + 3 * MIB)
            # It grows by its own means.
            os.truncate(backing, 2 * GIB)
            run("losetup", "--set-capacity", device)
            grown = node.api.GrowPool(node_pb2.GrowPoolRequest(name="p"))
            assert grown.size == 2 * GIB, grown
            qemu_io(url, "write -P 9 1G 900M", "flush")
            node.kill()
            node.start()
            qemu_io(url, "read -P 9 1G 900M", "read -P 8 7G 1M", "read -P 0 0 64M")


if __name__ == "__main__":
    requires_root_and_loop_devices()
    run_tests(sys.modules[__name__])
