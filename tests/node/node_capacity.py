#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may take how much space, who hears of it, and what happens when there is none."""

import os
import struct
import sys
import tempfile
from pathlib import Path

import grpc
from daemon import INITIATOR, Node, node_pb2, refused, run_tests, wait_until
from iscsi_client import Client

Code = grpc.StatusCode
KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
FULL = (7, 0x2707)  # DATA PROTECT, SPACE ALLOCATION FAILED WRITE PROTECT


def pool(node, name="p"):
    return node.api.GetPool(node_pb2.PoolName(name=name))


def volume(node, name):
    return node.api.GetVolume(node_pb2.VolumeName(name=name))


def set_pool(node, name="p", **members):
    return node.api.SetPool(node_pb2.SetPoolRequest(name=name, **members))


def set_volume(node, name, **members):
    return node.api.SetVolume(node_pb2.SetVolumeRequest(name=name, **members))


class Disk:
    """A volume as an initiator has it."""

    def __init__(self, node, name):
        node.publish(name)
        self.session = Client(node.portal, INITIATOR, "iqn.2026-11.dev.berth:n1:" + name).login()
        self.session.clear_attentions()

    def write(self, offset, length, value=1):
        """What the target says: None, or sense key and code."""
        for at in range(offset, offset + length, 64 * KIB):
            data = bytes([value]) * min(64 * KIB, offset + length - at)
            cdb = self.session.write_cdb(at // 512, len(data) // 512)
            status, _ = self.session.scsi(cdb, 0x20, len(data), data)
            if status.status != 0:
                return status.sense()
        return None

    def fill(self, offset, step=64 * KIB):
        """Write until nothing is left; answers where."""
        while (sense := self.write(offset, step)) is None:
            offset += step
        assert sense == FULL, sense
        return offset

    def unmap(self, offset, length):
        data = struct.pack(">HH4xQI4x", 22, 16, offset // 512, length // 512)
        cdb = struct.pack(">B6xHB", 0x42, len(data), 0)
        assert self.session.scsi(cdb, 0x20, len(data), data)[0].status == 0

    def flush(self):
        assert self.session.scsi(bytes([0x35]) + bytes(9))[0].status == 0

    def byte(self, offset):
        status, data = self.session.read(offset // 512, 8)
        assert status.status == 0 and data == data[:1] * 4096
        return data[0]


class Events:
    """The hook's view: kind, pool and volume of each event, as they come."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="berth-hook-")
        self.path = Path(self._folder.name) / "hook"
        self.out = Path(self._folder.name) / "out"
        self.path.write_text('#!/bin/sh\necho "$BERTH_EVENT $BERTH_POOL $BERTH_VOLUME" >> '
                             f"{self.out}\n")
        self.path.chmod(0o755)

    def seen(self, *kinds):
        lines = self.out.read_text().splitlines() if self.out.exists() else []
        return [line.strip() for line in lines if line.split()[0] in kinds]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._folder.cleanup()


def test_a_volume_takes_no_more_than_its_limit():
    with Node() as node:
        node.make_pool("p", 256 * MIB)
        node.make_volume("v")
        node.make_volume("w")
        made = set_volume(node, "v", limit=4 * MIB)
        assert (made.limit, made.reservation) == (4 * MIB, 0), made
        disk, other = Disk(node, "v"), Disk(node, "w")
        assert disk.fill(0) == 4 * MIB
        # Not now and again, and nobody else feels it; what is there can be written over.
        assert [disk.write(8 * MIB, 64 * KIB) for _ in range(5)] == [FULL] * 5
        assert other.write(0, 8 * MIB) is None
        assert disk.write(0, 4 * MIB, 2) is None and disk.byte(4 * MIB - 4 * KIB) == 2
        assert not pool(node).full
        # Its snapshots count: what the volume writes anew is one more.
        disk.unmap(0, MIB)
        node.api.CreateSnapshot(node_pb2.CreateSnapshotRequest(volume="v", name="s"))
        assert disk.fill(MIB) == 2 * MIB
        assert volume(node, "v").charged == 4 * MIB
        node.api.DeleteSnapshot(node_pb2.SnapshotName(name="s"))
        wait_until("what the snapshot had alone", lambda: volume(node, "v").charged == 3 * MIB)
        set_volume(node, "v", limit=0)
        assert disk.write(8 * MIB, 8 * MIB) is None


def test_a_reservation_is_there_when_the_pool_is_full():
    with Node() as node:
        node.make_pool("p", 128 * MIB)
        node.make_volume("v")
        node.make_volume("w")
        free = pool(node).free
        set_volume(node, "v", reservation=16 * MIB)
        assert pool(node).reserved == 16 * MIB
        mine, other = Disk(node, "v"), Disk(node, "w")
        assert mine.write(0, 4 * MIB) is None
        assert pool(node).reserved == 12 * MIB
        assert other.fill(0) == free - 16 * MIB
        assert pool(node).full
        assert mine.write(4 * MIB, 12 * MIB) is None
        assert mine.write(16 * MIB, 64 * KIB) == FULL
        # There is nothing to reserve any more.
        assert "reserv" in refused(Code.RESOURCE_EXHAUSTED, lambda: set_volume(
            node, "w", reservation=free))
        refused(Code.INVALID_ARGUMENT, lambda: set_volume(
            node, "v", reservation=8 * MIB, limit=4 * MIB))
        assert volume(node, "v").reservation == 16 * MIB and volume(node, "v").limit == 0


def test_a_full_pool_fails_every_write_until_there_is_room():
    with Events() as events, Node("--hook", events.path) as node:
        node.make_pool("p", 256 * MIB)
        node.make_volume("v")
        disk = Disk(node, "v")
        end = disk.fill(0)
        wait_until("the event", lambda: events.seen("pool-full"))
        # A little that comes back is not enough to begin again: no success and failure in turns.
        disk.unmap(0, 64 * KIB)
        disk.flush()
        assert [disk.write(0, 64 * KIB) for _ in range(5)] == [FULL] * 5
        assert disk.write(64 * KIB, 64 * KIB, 3) is None
        assert pool(node).full
        disk.unmap(MIB, 4 * MIB)
        disk.flush()
        wait_until("room", lambda: not pool(node).full)
        assert disk.write(0, 64 * KIB) is None
        assert disk.write(MIB, 3 * MIB) is None
        disk.fill(4 * MIB)
        node.api.GrowPool(node_pb2.GrowPoolRequest(name="p", size=512 * MIB))
        assert disk.write(end, 8 * MIB) is None
        told = wait_until("four events", lambda: events.seen(
            "pool-full", "pool-has-room")[3:] and events.seen("pool-full", "pool-has-room"))
        assert told == ["pool-full p", "pool-has-room p"] * 2, told


def test_thresholds_are_told_once_until_they_have_receded():
    with Events() as events, Node("--hook", events.path) as node:
        node.make_pool("p", 512 * MIB)
        node.make_volume("v")
        node.make_volume("w")
        data = pool(node).data
        set_pool(node, threshold_percent=50)
        set_volume(node, "v", threshold_used=32 * MIB)
        set_volume(node, "w", threshold_available=data - 64 * MIB)
        disk = Disk(node, "v")

        markers = iter(range(100))

        def told():
            """All up to now: what comes after it in the same order is there."""
            marker = f"marker{next(markers)}"
            node.make_volume(marker, MIB)
            wait_until(marker, lambda: f"volume-created p {marker}" in events.seen(
                "volume-created"))
            return events.seen("pool-threshold", "volume-threshold")

        disk.write(0, 31 * MIB)
        assert told() == []
        disk.write(31 * MIB, 16 * MIB)
        assert told() == ["volume-threshold p v"]
        # Of what w can get, v takes too.
        disk.write(47 * MIB, 33 * MIB)
        assert told() == ["volume-threshold p v", "volume-threshold p w"]
        # It recedes by too little to be told again, then by enough.
        disk.unmap(0, 49 * MIB)
        disk.flush()
        disk.write(0, 4 * MIB)
        assert len(told()) == 2
        disk.unmap(0, 16 * MIB)
        disk.unmap(64 * MIB, 16 * MIB)
        disk.flush()
        disk.write(0, 32 * MIB)
        assert told()[2:] == ["volume-threshold p v"]
        disk.write(80 * MIB, data // 2 - 16 * MIB)
        assert "pool-threshold p" in told(), told()
        assert told().count("pool-threshold p") == 1


def test_a_pool_promises_no_more_than_it_may():
    with Node() as node:
        node.make_pool("p", GIB)
        data = pool(node).data
        half = data // 2 // MIB * MIB
        node.make_volume("v", half)
        assert set_pool(node, overcommit_percent=100).overcommit_percent == 100
        node.api.CreateSnapshot(node_pb2.CreateSnapshotRequest(volume="v", name="s"))
        node.make_volume("w", half)
        create = node_pb2.CreateVolumeRequest(name="c", snapshot="s")
        refused(Code.RESOURCE_EXHAUSTED, node.api.CreateVolume, create)
        refused(Code.RESOURCE_EXHAUSTED, node.make_volume, "x", 64 * MIB)
        grow = node_pb2.GrowVolumeRequest(name="v", size=GIB)
        refused(Code.RESOURCE_EXHAUSTED, node.api.GrowVolume, grow)
        # Repeats of what was granted, and what is there, go on.
        node.make_volume("w", half)
        node.kill()
        node.start()
        refused(Code.RESOURCE_EXHAUSTED, node.api.GrowVolume, grow)
        set_pool(node, overcommit_percent=300)
        node.api.GrowVolume(grow)
        assert node.api.CreateVolume(create).size == half
        set_pool(node, overcommit_percent=0)
        node.make_volume("x", 100 * GIB)


def test_what_was_set_stays_and_what_was_not_named_too():
    with Node() as node:
        node.make_pool("p", GIB)
        node.api.CreateVolume(node_pb2.CreateVolumeRequest(
            name="v", size=GIB, reservation=MIB, limit=64 * MIB))
        set_volume(node, "v", threshold_used=32 * MIB)
        set_volume(node, "v", threshold_available=8 * MIB, limit=128 * MIB)
        set_pool(node, threshold_percent=80)
        set_pool(node, overcommit_percent=500)
        for end in (node.stop, node.kill):
            end()
            node.start()
            made = volume(node, "v")
            assert (made.reservation, made.limit, made.threshold_used,
                    made.threshold_available) == (MIB, 128 * MIB, 32 * MIB, 8 * MIB), made
            has = pool(node)
            assert (has.threshold_percent, has.overcommit_percent) == (80, 500), has
        refused(Code.INVALID_ARGUMENT, lambda: set_pool(node, threshold_percent=101))
        refused(Code.NOT_FOUND, lambda: set_volume(node, "none", limit=MIB))
        node.api.CreateSnapshot(node_pb2.CreateSnapshotRequest(volume="v", name="s"))
        refused(Code.NOT_FOUND, lambda: set_volume(node, "s", limit=MIB))
        refused(Code.FAILED_PRECONDITION, lambda: set_volume(
            node, "v", limit=MIB, volume_uuid=has.uuid))


def test_a_renamed_pool_is_known_by_its_new_name_only():
    with Node() as node:
        node.make_pool("p", GIB)
        node.make_pool("q", GIB)
        node.make_volume("v", pool="p")
        disk = Disk(node, "v")
        rename = node_pb2.RenamePoolRequest(name="p", new_name="r")
        for _ in range(2):
            assert node.api.RenamePool(rename).name == "r"
        assert disk.write(0, MIB) is None
        refused(Code.NOT_FOUND, node.api.GetPool, node_pb2.PoolName(name="p"))
        refused(Code.NOT_FOUND, node.api.RenamePool,
                node_pb2.RenamePoolRequest(name="none", new_name="x"))
        refused(Code.ALREADY_EXISTS, node.api.RenamePool,
                node_pb2.RenamePoolRequest(name="r", new_name="q"))
        refused(Code.INVALID_ARGUMENT, node.api.RenamePool,
                node_pb2.RenamePoolRequest(name="r", new_name="R"))
        node.kill()
        # As if it had died before it noted the name: the pool knows it.
        state = Path(node.path("state/node.json"))
        state.write_text(state.read_text().replace('"r"', '"p"'))
        node.start()
        assert volume(node, "v").pool == "r" and pool(node, "r").state == "read-write"
        assert '"r"' in state.read_text()
        assert os.path.exists(node.path("p.pool"))


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
