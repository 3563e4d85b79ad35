#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshots, clones and revert through the control API, with real data on the volumes."""

import itertools
import random
import struct
import sys
import time

import grpc
from daemon import INITIATOR, Node, node_pb2, refused, run_tests, wait_until
from iscsi_client import Client
from qemu import qemu_io

Code = grpc.StatusCode
KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


def snapshot(node, volume, name):
    return node.api.CreateSnapshot(node_pb2.CreateSnapshotRequest(volume=volume, name=name))


def clone(node, name, of, size=0, pool=""):
    return node.api.CreateVolume(node_pb2.CreateVolumeRequest(name=name, snapshot=of, size=size,
                                                              pool=pool))


def revert(node, volume, to):
    return node.api.RevertVolume(node_pb2.RevertVolumeRequest(volume=volume, snapshot=to))


def snapshots(node, **filters):
    request = node_pb2.ListSnapshotsRequest(**filters)
    return [s.name for s in node.api.ListSnapshots(request).snapshots]


def volume(node, name):
    return node.api.GetVolume(node_pb2.VolumeName(name=name))


def get_snapshot(node, name):
    return node.api.GetSnapshot(node_pb2.SnapshotName(name=name))


def delete_volume(node, name):
    return node.api.DeleteVolume(node_pb2.VolumeName(name=name))


def delete_snapshot(node, name):
    return node.api.DeleteSnapshot(node_pb2.SnapshotName(name=name))


def io(node, name, *commands):
    """As a host that attaches the volume, reads and writes, and lets go."""
    node.publish(name)
    qemu_io(node.url(name), *commands)
    node.api.Unpublish(node_pb2.UnpublishRequest(volume=name))


def used(node):
    return node.api.GetPool(node_pb2.PoolName(name="p")).used


def test_snapshots_and_clones_have_what_was_there_when_they_were_made():
    with Node() as node:
        node.make_pool()
        made = node.make_volume("v", 4 * GIB)
        io(node, "v", "write -P 1 0 1M", "write -P 1 4095M 4k")
        first = snapshot(node, "v", "s1")
        assert (first.volume, first.volume_uuid, first.size) == ("v", made.uuid, 4 * GIB), first
        io(node, "v", "write -P 2 512k 4k", "discard 4095M 4k")
        snapshot(node, "v", "s2")
        io(node, "v", "write -P 3 516k 4k", "write -P 3 2048M 64k")
        copy = clone(node, "c1", "s1")
        assert (copy.size, copy.snapshot, copy.snapshot_uuid) == (4 * GIB, "s1", first.uuid), copy
        assert clone(node, "c2", "s2", size=8 * GIB).size == 8 * GIB
        seen = {
            "c1": ("read -P 1 0 1M", "read -P 0 2048M 64k", "read -P 1 4095M 4k"),
            "c2": ("read -P 1 0 512k", "read -P 2 512k 4k", "read -P 1 516k 508k",
                   "read -P 0 2048M 64k", "read -P 0 4095M 4k", "read -P 0 8191M 1M"),
            "v": ("read -P 1 0 512k", "read -P 2 512k 4k", "read -P 3 516k 4k",
                  "read -P 1 520k 504k", "read -P 3 2048M 64k", "read -P 0 4095M 4k"),
        }
        for name, commands in seen.items():
            io(node, name, *commands)
        # A clone is a volume like any other; nobody else sees what is written to it.
        io(node, "c1", "write -P 9 0 64k", "read -P 9 0 64k", "read -P 1 64k 960k")
        snapshot(node, "c1", "c1-s")
        io(node, "c1", "write -P 8 0 64k")
        clone(node, "c3", "c1-s")
        seen["c1"] = ("read -P 8 0 64k", "read -P 1 64k 960k")
        seen["c3"] = ("read -P 9 0 64k", "read -P 1 64k 960k")
        for end in (node.stop, node.kill):
            for name, commands in seen.items():
                io(node, name, *commands)
            end()
            node.start()
        assert snapshots(node) == ["c1-s", "s1", "s2"]
        assert snapshots(node, volume="v") == ["s1", "s2"]
        assert get_snapshot(node, "s1").clones == 1


def test_a_snapshot_is_taken_under_a_host_that_writes():
    with Node() as node:
        node.make_pool()
        node.make_volume("v")
        node.publish("v")
        host = Client(node.portal, INITIATOR, "iqn.2026-11.dev.berth:n1:v").login()
        host.clear_attentions()
        for number in range(1, 9):
            block = bytes([number]) * 4096
            status, _ = host.scsi(host.write_cdb(0, 8), 0x20, 4096, block)
            assert status.status == 0, status
            snapshot(node, "v", f"s{number}")
        host.close()
        for number in range(1, 9):
            clone(node, f"c{number}", f"s{number}")
            io(node, f"c{number}", f"read -P {number} 0 4k")


def test_repeats_succeed_and_other_things_of_the_name_are_refused():
    with Node() as node:
        node.make_pool()
        node.make_pool("q")
        node.make_volume("v", pool="p")
        node.make_volume("w", pool="q")
        assert snapshot(node, "v", "s") == snapshot(node, "v", "s")
        assert clone(node, "c", "s") == clone(node, "c", "s") == clone(node, "c", "s", size=GIB)
        refused(Code.ALREADY_EXISTS, snapshot, node, "w", "s")
        refused(Code.ALREADY_EXISTS, snapshot, node, "v", "w")
        refused(Code.ALREADY_EXISTS, node.make_volume, "s")
        refused(Code.ALREADY_EXISTS, node.make_volume, "c")
        refused(Code.ALREADY_EXISTS, clone, node, "v", "s")
        snapshot(node, "v", "t")
        refused(Code.ALREADY_EXISTS, clone, node, "c", "t")
        refused(Code.ALREADY_EXISTS, clone, node, "c", "s", 2 * GIB)
        refused(Code.INVALID_ARGUMENT, clone, node, "d", "s", MIB)
        assert "pool 'p'" in refused(Code.INVALID_ARGUMENT, clone, node, "d", "s", 0, "q")
        refused(Code.NOT_FOUND, clone, node, "d", "none")
        refused(Code.NOT_FOUND, clone, node, "d", "v")
        refused(Code.NOT_FOUND, snapshot, node, "none", "x")
        refused(Code.NOT_FOUND, snapshot, node, "s", "x")
        refused(Code.INVALID_ARGUMENT, snapshot, node, "v", "Not a name")
        for _ in range(2):
            delete_snapshot(node, "s")
        assert snapshots(node) == ["t"]
        # What it was made of is gone, so nobody can tell.
        refused(Code.NOT_FOUND, clone, node, "d", "s")
        refused(Code.ALREADY_EXISTS, clone, node, "c", "s")


def test_a_snapshot_is_no_volume_and_the_sentence_says_so():
    with Node() as node:
        node.make_pool()
        node.make_volume("v")
        snapshot(node, "v", "s")
        name = node_pb2.VolumeName(name="s")
        for call, request in (
                (node.api.GetVolume, name), (node.api.MarkFormatted, name),
                (node.api.GrowVolume, node_pb2.GrowVolumeRequest(name="s", size=2 * GIB)),
                (node.api.Publish, node_pb2.PublishRequest(volume="s", initiator=INITIATOR))):
            assert "snapshot" in refused(Code.NOT_FOUND, call, request), call
        assert "volume" in refused(Code.NOT_FOUND, get_snapshot, node, "v")
        # Not success, as for what is not there: it would still be there.
        assert "snapshot delete" in refused(Code.FAILED_PRECONDITION, delete_volume, node, "s")
        assert "volume delete" in refused(Code.FAILED_PRECONDITION, delete_snapshot, node, "v")
        refused(Code.FAILED_PRECONDITION, node.api.DeletePool, node_pb2.PoolName(name="p"))
        delete_volume(node, "v")
        assert "1 snapshots" in refused(Code.FAILED_PRECONDITION, node.api.DeletePool,
                                        node_pb2.PoolName(name="p"))
        assert get_snapshot(node, "s").volume == ""
        delete_snapshot(node, "s")
        node.api.DeletePool(node_pb2.PoolName(name="p"))


def test_a_change_may_name_the_uuid_that_is_meant():
    with Node() as node:
        node.make_pool()
        old = node.make_volume("v").uuid
        delete_volume(node, "v")
        node.make_volume("v")
        gone = snapshot(node, "v", "s").uuid
        delete_snapshot(node, "s")
        snapshot(node, "v", "s")
        api = node.api
        for call, request in (
                (api.CreateSnapshot, node_pb2.CreateSnapshotRequest(
                    volume="v", name="t", volume_uuid=old)),
                (api.RevertVolume, node_pb2.RevertVolumeRequest(
                    volume="v", snapshot="s", volume_uuid=old)),
                (api.GetSnapshot, node_pb2.SnapshotName(name="s", snapshot_uuid=gone)),
                (api.DeleteSnapshot, node_pb2.SnapshotName(name="s", snapshot_uuid=gone))):
            refused(Code.FAILED_PRECONDITION, call, request)
        assert snapshots(node) == ["s"]


def test_a_volume_goes_back_to_its_snapshot_when_nobody_has_it():
    with Node() as node:
        node.make_pool()
        node.make_volume("v")
        io(node, "v", "write -P 1 0 256k")
        snapshot(node, "v", "before")
        node.api.MarkFormatted(node_pb2.VolumeName(name="v"))
        node.api.GrowVolume(node_pb2.GrowVolumeRequest(name="v", size=2 * GIB))
        io(node, "v", "write -P 2 64k 128k", "write -P 2 1536M 64k")
        snapshot(node, "v", "after")
        node.publish("v")
        assert "unpublish" in refused(Code.FAILED_PRECONDITION, revert, node, "v", "before")
        qemu_io(node.url("v"), "read -P 2 64k 128k")
        node.api.Unpublish(node_pb2.UnpublishRequest(volume="v"))
        for _ in range(2):
            back = revert(node, "v", "before")
            assert back.size == GIB and not back.formatted, back
        io(node, "v", "read -P 1 0 256k", "read -P 0 256k 1M", "write -P 3 0 4k")
        node.kill()
        node.start()
        io(node, "v", "read -P 3 0 4k", "read -P 1 4k 252k")
        back = revert(node, "v", "after")
        assert back.size == 2 * GIB and back.formatted, back
        io(node, "v", "read -P 1 0 64k", "read -P 2 64k 128k", "read -P 2 1536M 64k")
        # Of another volume: refused, though a clone of it can be had.
        clone(node, "c", "before")
        assert "--snapshot" in refused(Code.INVALID_ARGUMENT, revert, node, "c", "before")
        refused(Code.NOT_FOUND, revert, node, "v", "none")
        refused(Code.NOT_FOUND, revert, node, "v", "c")


def test_whatever_the_order_of_deletion_the_rest_stays_whole():
    names = {"v": delete_volume, "s1": delete_snapshot, "s2": delete_snapshot, "c": delete_volume}
    reads = {"v": ("read -P 3 0 64k", "read -P 2 64k 64k", "read -P 1 128k 64k"),
             "c": ("read -P 4 0 64k", "read -P 1 64k 128k")}
    with Node() as node:
        node.make_pool()
        for turn, order in enumerate(itertools.permutations(names)):
            node.make_volume("v")
            io(node, "v", "write -P 1 0 192k")
            snapshot(node, "v", "s1")
            io(node, "v", "write -P 2 0 128k")
            snapshot(node, "v", "s2")
            io(node, "v", "write -P 3 0 64k")
            clone(node, "c", "s1")
            io(node, "c", "write -P 4 0 64k")
            left = list(order)
            for name in order:
                names[name](node, name)
                left.remove(name)
                if turn % 6 == 0:
                    node.kill()
                    node.start()
                for reader in set(left) & set(reads):
                    io(node, reader, *reads[reader])
                assert snapshots(node) == sorted(set(left) & {"s1", "s2"})
        wait_until("all space back", lambda: used(node) == 0)


def test_the_answer_to_a_deletion_says_what_comes_back():
    with Node() as node:
        node.make_pool()
        node.make_volume("v")
        io(node, "v", "write -P 1 0 1M")
        snapshot(node, "v", "s")
        io(node, "v", "write -P 2 0 256k")
        clone(node, "c", "s")
        shown = wait_until("a count", lambda: (s := get_snapshot(node, "s")).exact and s)
        assert (shown.written, shown.exclusive, shown.clones) == (MIB, 0, 1), shown
        deleted = delete_snapshot(node, "s")
        assert (deleted.reclaiming, deleted.kept) == (0, MIB), deleted
        assert delete_snapshot(node, "s").kept == 0
        # Now the clone alone keeps what the volume has written over.
        delete_volume(node, "c")
        wait_until("what only the clone had shown",
                   lambda: used(node) == MIB and volume(node, "v").exclusive == MIB)
        assert delete_volume(node, "v").reclaiming == MIB
        wait_until("the rest", lambda: used(node) == 0)


def preview(node, *names):
    return node.api.PreviewDelete(node_pb2.PreviewDeleteRequest(names=names)).bytes


def test_a_preview_says_what_several_deletions_give_back_together():
    with Node() as node:
        node.make_pool()
        node.make_pool("q")
        node.make_volume("v", pool="p")
        node.make_volume("w", pool="q")
        io(node, "v", "write -P 1 0 1M")
        io(node, "w", "write -P 1 0 512k")
        snapshot(node, "v", "s1")
        snapshot(node, "v", "s2")
        io(node, "v", "write -P 2 0 256k")
        assert preview(node) == 0
        # What both show goes only with both.
        assert preview(node, "s1") == preview(node, "s2") == 0
        assert preview(node, "s1", "s2") == preview(node, "s2", "s1", "s2") == 256 * KIB
        assert preview(node, "v", "s1", "s2", "w") == MIB + 256 * KIB + 512 * KIB
        assert "'none'" in refused(Code.NOT_FOUND, lambda: preview(node, "s1", "none"))
        before = used(node)
        delete_snapshot(node, "s1")
        delete_snapshot(node, "s2")
        wait_until("as foretold", lambda: used(node) == before - 256 * KIB)


BLOCKS = 512  # of 4 KiB: what the next test writes to, in 32 extents


class Host:
    """One initiator with its own idea of what each volume, and each snapshot, has."""

    def __init__(self, node):
        self.node = node
        self.blocks = {}
        self.sessions = {}

    def session(self, name):
        if name not in self.sessions:
            self.node.publish(name)
            self.sessions[name] = Client(self.node.portal, INITIATOR,
                                         "iqn.2026-11.dev.berth:n1:" + name).login()
            self.sessions[name].clear_attentions()
        return self.sessions[name]

    def hang_up(self):
        for name, session in self.sessions.items():
            session.close()
            self.node.api.Unpublish(node_pb2.UnpublishRequest(volume=name))
        self.sessions = {}

    def forget(self):
        """The node was killed: its publications are there, the sessions are not."""
        for session in self.sessions.values():
            session.close()
        self.sessions = {}

    def write(self, name, first, count, value):
        host = self.session(name)
        data = bytes([value]) * (count * 4096)
        assert host.scsi(host.write_cdb(first * 8, count * 8), 0x20, len(data),
                         data)[0].status == 0
        self.blocks[name][first:first + count] = [value] * count

    def unmap(self, name, first, count):
        data = struct.pack(">HH4xQI4x", 22, 16, first * 8, count * 8)
        cdb = struct.pack(">B6xHB", 0x42, len(data), 0)
        assert self.session(name).scsi(cdb, 0x20, len(data), data)[0].status == 0
        self.blocks[name][first:first + count] = [0] * count

    def check(self, name):
        host = self.session(name)
        for first in range(0, BLOCKS, 32):
            status, data = host.read(first * 8, 32 * 8)
            assert status.status == 0, status
            for index in range(32):
                seen, expected = data[index * 4096:(index + 1) * 4096], self.blocks[name][
                    first + index]
                assert seen == bytes([expected]) * 4096, (
                    f"{name}, block {first + index}: {seen[:8]} instead of {expected}")


def test_forty_snapshots_with_clones_are_deleted_in_any_order():
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    with Node("--cache", "1M") as node:
        node.make_pool()
        node.make_volume("v")
        host = Host(node)
        host.blocks["v"] = [0] * BLOCKS
        volumes, kept = ["v"], []
        for number in range(40):
            for _ in range(8):
                name, first = dice.choice(volumes), dice.randrange(BLOCKS - 16)
                if dice.random() < 0.25:
                    host.unmap(name, first, dice.randrange(1, 17))
                else:
                    host.write(name, first, dice.randrange(1, 17), dice.randrange(1, 256))
            of = dice.choice(volumes)
            snapshot(node, of, f"s{number}")
            kept.append(f"s{number}")
            host.blocks[f"s{number}"] = list(host.blocks[of])
            if number % 10 == 4:
                of = dice.choice(kept)
                clone(node, f"c{number}", of)
                volumes.append(f"c{number}")
                host.blocks[f"c{number}"] = list(host.blocks[of])
        for number in range(len(kept)):
            gone = kept.pop(dice.randrange(len(kept)))
            delete_snapshot(node, gone)
            if number % 8 == 3:
                # While merges go on: by what is left, and by what a new clone shows.
                host.check(dice.choice(volumes))
                of = dice.choice(kept)
                name = f"look{number}"
                clone(node, name, of)
                host.blocks[name] = host.blocks[of]
                host.check(name)
                host.hang_up()
                delete_volume(node, name)
            if number in (10, 30):
                node.kill()
                host.forget()
                node.start()
        for name in volumes:
            host.check(name)
        pool = node_pb2.PoolName(name="p")
        wait_until("all merged", lambda: node.api.GetPool(pool).reclaiming == 0)
        for name in volumes:
            host.check(name)
        host.hang_up()
        assert preview(node, *volumes) == used(node)
        wait_until("all counted", lambda: all(volume(node, name).exact for name in volumes))
        for name in dice.sample(volumes, len(volumes)):
            delete_volume(node, name)
        wait_until("all space back", lambda: used(node) == 0)


def test_a_thousand_snapshots_are_listed_quickly():
    with Node() as node:
        node.make_pool()
        node.make_volume("v")
        for number in range(1000):
            snapshot(node, "v", f"s{number:04}")
        started = time.monotonic()
        listed = snapshots(node)
        took = time.monotonic() - started
        assert listed == [f"s{number:04}" for number in range(1000)]
        assert took < 2, took
        print(f"1000 snapshots listed in {took * 1000:.0f} ms")
        started = time.monotonic()
        assert len(node.api.ListVolumes(node_pb2.ListVolumesRequest()).volumes) == 1
        print(f"their volume in {(time.monotonic() - started) * 1000:.0f} ms")
        node.kill()
        node.start()
        assert len(snapshots(node)) == 1000
        for number in random.sample(range(1000), 1000):
            delete_snapshot(node, f"s{number:04}")
        wait_until("one layer", lambda: volume(node, "v").depth == 1, 60)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
