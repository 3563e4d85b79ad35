#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Data through berth-node, with libiscsi's programs and QEMU's client."""

import subprocess
import sys

from daemon import INITIATOR, Node, node_pb2, run, run_tests
from qemu import image, qemu_io

MIB = 1 << 20
GIB = 1 << 30


def mapped(node, volume):
    return node.api.GetVolume(node_pb2.VolumeName(name=volume)).mapped


def test_programs_of_libiscsi_see_the_volume():
    with Node() as node:
        node.make_pool()
        volume = node.make_volume("v", 10 * GIB)
        node.publish("v")
        assert volume.target_name in run("iscsi-ls", "-i", INITIATOR, "-s",
                                         f"iscsi://{node.portal}")
        serial = run("iscsi-inq", "-i", INITIATOR, "-e", "1", "-c", "128", node.url("v"))
        assert volume.uuid in serial
        assert "10737418240" in run("iscsi-readcapacity16", "-i", INITIATOR, node.url("v"))


def test_a_stranger_sees_nothing():
    with Node() as node:
        node.make_pool()
        node.make_volume("v")
        node.publish("v")
        stranger = INITIATOR + ":stranger"
        assert "berth" not in run("iscsi-ls", "-i", stranger, f"iscsi://{node.portal}")
        assert subprocess.run(["iscsi-inq", "-i", stranger, node.url("v")], capture_output=True,
                              timeout=60, check=False).returncode != 0


def test_what_was_written_is_read_and_the_rest_is_zeros():
    with Node() as node:
        node.make_pool()
        node.make_volume("v", 4 * GIB)
        node.publish("v")
        qemu_io(node.url("v"), "write -P 7 0 1M", "read -P 7 0 1M", "read -P 0 1M 1M",
                "write -P 9 4095M 1M", "read -P 9 4095M 1M", "write -P 3 512 512",
                "read -P 7 0 512", "read -P 3 512 512", "read -P 7 1024 3072", "flush")
        assert mapped(node, "v") == 2 * MIB
        qemu_io(node.url("v"), "discard 0 1M", "read -P 0 0 1M")
        assert mapped(node, "v") == MIB
        qemu_io(node.url("v"), "write -z 4095M 64k", "read -P 0 4095M 64k",
                "read -P 9 4193344k 64k")


def test_flushed_data_survives_sigkill_and_so_does_acknowledged_data():
    with Node() as node:
        node.make_pool()
        node.make_volume("v", 4 * GIB)
        node.publish("v")
        for turn in range(1, 6):
            qemu_io(node.url("v"), f"write -P {turn} {turn}M 64k", "flush")
            qemu_io(node.url("v"), f"write -P {turn + 100} {turn + 100}M 64k", cache="unsafe")
            node.kill()
            node.start()
            qemu_io(node.url("v"), *[f"read -P {t} {t}M 64k" for t in range(1, turn + 1)],
                    *[f"read -P {t + 100} {t + 100}M 64k" for t in range(1, turn + 1)])


def test_chap_lets_in_who_knows_the_secret():
    with Node() as node:
        node.make_pool()
        node.make_volume("v")
        publication = node.publish("v", no_chap=False)
        login = f"iscsi://{publication.chap_user}%{{}}@{node.url('v')[len('iscsi://'):]}"
        run("iscsi-inq", "-i", INITIATOR, login.format(publication.chap_secret))
        for wrong in (login.format("wrongwrongwrong"), node.url("v")):
            done = subprocess.run(["iscsi-inq", "-i", INITIATOR, wrong], capture_output=True,
                                  text=True, timeout=60, check=False)
            assert done.returncode != 0, done.stdout


def test_a_full_pool_fails_writes_and_growing_brings_them_back():
    with Node() as node:
        pool = node.make_pool("p", 128 * MIB)
        node.make_volume("v", 4 * GIB)
        node.publish("v")
        qemu_io(node.url("v"), "write -P 1 0 1M")
        full = subprocess.run(
            ["qemu-io", "-t", "none", "-c", f"write -P 2 1M {pool.size}", image(node.url("v"))],
            capture_output=True, text=True, timeout=120, check=False)
        assert "No space left" in full.stdout + full.stderr, full.stdout + full.stderr
        # Overwrites go on.
        qemu_io(node.url("v"), "write -P 5 0 1M", "read -P 5 0 1M")
        node.api.GrowPool(node_pb2.GrowPoolRequest(name="p", size=GIB))
        qemu_io(node.url("v"), "write -P 6 200M 64M", "read -P 6 200M 64M", "read -P 5 0 1M")


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
