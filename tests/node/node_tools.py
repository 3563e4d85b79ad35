#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""berth-node check, dump and repair on a real pool, between two lives of a real node."""

import json
import struct
import subprocess
import sys

from daemon import BUILD, Node, node_pb2, run_tests
from qemu import image, qemu_io

PROGRAM = str(BUILD / "userspace" / "node" / "berth-node")
MIB = 1 << 20
GIB = 1 << 30
LEAF = 4  # kind of a metadata block


def tool(*words, status=0):
    """Run it; answers what it said where it matters."""
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=60,
                          check=False)
    said = done.stdout + done.stderr
    assert done.returncode == status, f"{words}: {done.returncode} instead of {status}: {said}"
    return done.stderr if status == 2 else done.stdout


def tool_json(*words, status=0):
    return json.loads(tool(*words, "--json", status=status))


def break_leaves(path, layer):
    """Flip a byte in every leaf of a layer, old versions too; answers where they begin."""
    broken = []
    with open(path, "r+b") as disk:
        for zone in range(0, disk.seek(0, 2), 256 * MIB):
            disk.seek(zone)
            slots = disk.read(4 * MIB)
            for at in range(0, len(slots), 4096):
                magic, kind = struct.unpack_from("<IH", slots, at)
                owner, = struct.unpack_from("<Q", slots, at + 40)
                if (magic, kind, owner) == (0x48545242, LEAF, layer):
                    disk.seek(zone + at + 2000)
                    disk.write(bytes([slots[at + 2000] ^ 1]))
                    broken.append(zone + at)
    return broken


def read_only(volume_url, command):
    """A write-protected volume is opened as one; answers what qemu-io said."""
    done = subprocess.run(["qemu-io", "-r", "-t", "none", "-c", command, image(volume_url)],
                          capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def prepare(node):
    node.make_pool("p", GIB)
    for name, pattern in (("a", 65), ("b", 66)):
        node.make_volume(name, 4 * GIB)
        node.publish(name)
        qemu_io(node.url(name), f"write -P {pattern} 0 1M", f"write -P {pattern} 1G 1M", "flush")


def test_a_pool_in_use_is_refused_in_a_sentence():
    with Node() as node:
        node.make_pool("p", GIB)
        for command in ("check", "dump", "repair"):
            assert "in use" in tool(command, node.path("p.pool"), status=2)


def test_wrong_usage_is_told():
    assert "PATH" in tool("check", status=2)
    assert "no command" in tool("mend", "/nowhere", status=2)
    assert "No such file" in tool("check", "/nowhere", status=2)
    assert "only one" in tool("repair", "--keep", "--undo", "/nowhere", status=2)
    assert "unrecognized" in tool("check", "--undo", "/nowhere", status=2)
    for command in ("check", "dump", "repair"):
        assert "Example:" in tool(command, "--help")


def test_what_is_no_pool_is_refused():
    with Node() as node:
        path = node.path("zeros")
        with open(path, "wb") as zeros:
            zeros.truncate(128 * MIB)
        for command in ("check", "dump", "repair"):
            assert "no berth pool" in tool(command, path, status=2)


def test_a_sound_pool_is_clean_also_after_a_crash():
    with Node() as node:
        prepare(node)
        path = node.path("p.pool")
        node.kill()
        report = tool_json("check", path)
        assert report["is_sound"] and report["findings"] == [], report
        assert (report["volumes"], report["layers"]) == (2, 2), report
        assert report["used_bytes"] == 4 * MIB, report
        assert report["words_to_replay"] > 0, report
        assert "nothing to repair" in tool("repair", path)
        node.start()
        node.stop()
        report = tool_json("check", path)
        assert (report["words_to_replay"], report["used_bytes"]) == (0, 4 * MIB), report
        assert "sound: nothing was found" in tool("check", path)


def test_a_dump_shows_what_there_is():
    with Node() as node:
        prepare(node)
        path = node.path("p.pool")
        uuid = node.api.GetVolume(node_pb2.VolumeName(name="a")).uuid
        node.stop()
        dump = tool_json("dump", "--map", "a", path)
        assert dump["superblock"]["name"] == "p", dump
        volume = next(v for v in dump["volumes"] if v["name"] == "a")
        assert (volume["uuid"], volume["size_bytes"], volume["kind"]) == (uuid, 4 * GIB, "volume")
        layer = next(entry for entry in dump["layers"] if entry["layer"] == volume["layer"])
        assert (layer["head_of"], layer["mapped_bytes"]) == ("a", 2 * MIB), layer
        runs = [(run["extent"], run["count"], run["written"]) for run in dump["map"]]
        assert sum(count for _, count, _ in runs) == 32, runs
        assert runs[0][0] == 0 and runs[-1][0] < 16384 + 16, runs
        assert {written for _, _, written in runs} == {"ffff"}, runs
        text = tool("dump", "--map", "a", "--journal", path)
        assert "volume a" in text and uuid in text and "place" in text, text
        assert "no volume or snapshot 'x'" in tool("dump", "--map", "x", path, status=2)


def test_a_repaired_pool_is_looked_at_then_undone_or_kept():
    with Node() as node:
        prepare(node)
        path = node.path("p.pool")
        node.stop()
        layer = next(v for v in tool_json("dump", path)["volumes"] if v["name"] == "a")["layer"]
        broken = break_leaves(path, layer)
        report = tool_json("check", path, status=1)
        assert len(report["findings"]) == 2, report
        for finding in report["findings"]:
            assert finding["kind"] == "damaged leaf" and finding["byte"] in broken, finding
        assert "dry run" in tool("repair", "--dry-run", path, status=1)
        assert tool_json("check", path, status=1) == report
        assert "--keep" in tool("repair", path, status=1)
        assert tool_json("check", path)["lost_pages"] == 2
        assert "--undo" in tool("repair", path, status=2)

        node.start()
        assert "repaired" in node.api.GetPool(node_pb2.PoolName(name="p")).state_reason
        assert "read 1048576/1048576" in read_only(node.url("b"), "read -P 66 1G 1M")
        assert "Pattern" not in read_only(node.url("b"), "read -P 66 1G 1M")
        assert "read failed" in read_only(node.url("a"), "read 0 4k")
        node.stop()

        tool("repair", "--undo", path)
        assert tool_json("check", path, status=1) == report
        tool("repair", path, status=1)
        tool("repair", "--keep", path)
        assert "no repair" in tool("repair", "--undo", path, status=2)
        node.start()
        qemu_io(node.url("b"), "read -P 66 0 1M", "write -P 67 2G 1M", "read -P 67 2G 1M")
        qemu_io(node.url("a"), "write -P 68 3G 1M", "read -P 68 3G 1M")
        assert "read failed" in read_only(node.url("a"), "read 0 4k")
        node.stop()
        assert tool_json("check", path)["is_sound"]


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
