# SPDX-License-Identifier: GPL-2.0-or-later
"""Initiators of others against the target: libiscsi's programs and QEMU."""
import shutil
import subprocess
import sys

from target_tests import A, B, SECRET, main

PROGRAMS = ("iscsi-ls", "iscsi-inq", "iscsi-readcapacity16", "iscsi-perf", "qemu-io", "qemu-img")


def run(*command, fails=False):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode != 0) == fails, "%s: status %d\n%s%s" % (
        " ".join(command), done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def url(server, target=A):
    return "iscsi://%s/%s/0" % (server.address, target)


def image(server, target=A, **options):
    words = {"driver": "iscsi", "transport": "tcp", "portal": server.address, "lun": "0",
             "target": target, "initiator-name": "iqn.x:i", **options}
    return ",".join("%s=%s" % word for word in words.items())


def qemu_io(server, *lines, objects=(), fails=False, **options):
    commands = [word for line in lines for word in ("-c", line)]
    return run("qemu-io", *objects, "--image-opts", *commands, image(server, **options),
               fails=fails)


def test_libiscsi_lists_targets(server):
    shown = run("iscsi-ls", "-i", "iqn.x:i", "iscsi://" + server.address)
    assert A in shown and B in shown and server.address in shown


def test_libiscsi_knows_the_disk(server):
    assert "DIRECT_ACCESS" in run("iscsi-inq", "-i", "iqn.x:i", url(server))
    shown = run("iscsi-readcapacity16", "-i", "iqn.x:i", url(server))
    assert "Total size:%d" % (64 << 20) in shown


def test_libiscsi_reads_in_parallel(server):
    shown = run("iscsi-perf", "-i", "iqn.x:i", "-m", "32", "-b", "8", "-t", "1", "-r", url(server))
    assert "finished" in shown


def test_qemu_reads_what_it_wrote(server):
    lines = ("write -P 7 0 1M", "read -P 7 0 1M", "write -P 9 4k 6M", "read -P 9 4k 6M",
             "read -P 7 0 4k", "flush", "discard 0 64k", "read -P 0 0 64k", "write -z 64k 1M",
             "read -P 0 64k 1M", "read -P 9 2M 1M")
    shown = qemu_io(server, *lines)
    assert "failed" not in shown, shown
    shown = qemu_io(server, "read -P 9 2M 1M", "write -P 5 1 511", "read -P 5 1 511",
                    **{"header-digest": "crc32c"})
    assert "failed" not in shown, shown
    assert "64 MiB" in run("qemu-img", "info", "--image-opts", image(server))


def test_qemu_proves_itself(server):
    for secret, fails in ((SECRET, False), ("wrong wrong wrong", True)):
        qemu_io(server, "write -P 7 0 1M", "read -P 7 0 1M", fails=fails, target=B,
                objects=("--object", "secret,id=s,data=" + secret), user="user",
                **{"password-secret": "s"})


if __name__ == "__main__":
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing:
        print("skipped: no " + ", ".join(missing))
        sys.exit(77)
    main(globals())
