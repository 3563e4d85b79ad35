#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The control API of berth-node, driven by a stock gRPC client."""

import os
import sys
import threading

import grpc
from daemon import INITIATOR, Node, node_pb2, refused, run_tests, wait_until

Code = grpc.StatusCode
MIB = 1 << 20
GIB = 1 << 30


def name_of(message, text):
    return getattr(node_pb2, message)(name=text)


def test_pool_and_volume_are_what_was_asked_for():
    with Node() as node:
        pool = node.make_pool("fast", 2 * GIB)
        assert (pool.name, pool.state, pool.volumes) == ("fast", "read-write", 0), pool
        assert pool.size == 2 * GIB and pool.free < pool.size and pool.free > GIB, pool
        volume = node.make_volume("db_1", 10 * GIB)
        assert volume.size == 10 * GIB and volume.mapped == 0 and not volume.formatted, volume
        assert volume.target_name == "iqn.2026-11.dev.berth:n1:db:1", volume.target_name
        pool = node.api.GetPool(name_of("PoolName", "fast"))
        assert pool.promised == 10 * GIB and pool.volumes == 1, pool
        # Thin: a sparse file that takes little.
        assert os.stat(node.path("fast.pool")).st_blocks * 512 < 256 * MIB


def test_repeating_a_call_changes_nothing():
    with Node() as node:
        assert node.make_pool("p") == node.make_pool("p")
        assert node.make_volume("v") == node.make_volume("v")
        assert node.publish("v", no_chap=False) == node.publish("v", no_chap=False)
        for _ in range(2):
            node.api.Unpublish(node_pb2.UnpublishRequest(volume="v"))
            node.api.DeleteVolume(name_of("VolumeName", "v"))
            node.api.DeletePool(name_of("PoolName", "p"))
        assert not os.path.exists(node.path("p.pool"))


def test_the_same_name_with_other_arguments_is_refused():
    with Node() as node:
        node.make_pool("p")
        node.make_volume("v")
        refused(Code.ALREADY_EXISTS, node.make_volume, "v", 2 * GIB)
        refused(Code.ALREADY_EXISTS, node.make_pool, "p", 2 * GIB)
        node.publish("v")
        refused(Code.ALREADY_EXISTS, lambda: node.publish("v", no_chap=False))


def test_refusals_say_what_to_do():
    with Node() as node:
        refused(Code.NOT_FOUND, node.make_volume, "v")
        node.make_pool("p")
        for name in ("", "Upper", "a/b", "../x", "x" * 65, "a b", "ä"):
            refused(Code.INVALID_ARGUMENT, node.make_volume, name)
        for size in (0, 1, 4095, 1 << 60):
            refused(Code.INVALID_ARGUMENT, node.make_volume, "v", size)
        refused(Code.NOT_FOUND, node.api.GetVolume, name_of("VolumeName", "none"))
        refused(Code.NOT_FOUND, node.api.GetPool, name_of("PoolName", "none"))
        refused(Code.INVALID_ARGUMENT, node.api.CreatePool,
                node_pb2.CreatePoolRequest(name="q", size=GIB, path="relative"))
        refused(Code.INVALID_ARGUMENT, node.api.CreatePool,
                node_pb2.CreatePoolRequest(name="q", path=node.path("missing")))
        node.make_volume("v")
        refused(Code.INVALID_ARGUMENT, node.publish, "v", "not-an-iscsi-name")
        refused(Code.FAILED_PRECONDITION, node.api.DeletePool, name_of("PoolName", "p"))
        node.publish("v")
        refused(Code.FAILED_PRECONDITION, node.api.DeleteVolume, name_of("VolumeName", "v"))
        refused(Code.INVALID_ARGUMENT, node.api.GrowVolume,
                node_pb2.GrowVolumeRequest(name="v", size=MIB))


def test_a_pool_is_never_made_over_data():
    with Node() as node:
        with open(node.path("precious"), "wb") as file:
            file.truncate(GIB)
            file.seek(GIB - 512)
            file.write(b"precious")
        text = refused(Code.ALREADY_EXISTS, node.api.CreatePool, node_pb2.CreatePoolRequest(
            name="p", path=node.path("precious")))
        assert "not blank" in text
        node.make_pool("q")
        refused(Code.ALREADY_EXISTS, node.api.CreatePool, node_pb2.CreatePoolRequest(
            name="p", path=node.path("q.pool")))


def test_a_volume_is_published_to_one_or_shared_by_all():
    other = INITIATOR + ":other"
    with Node() as node:
        node.make_pool()
        node.make_volume("v")
        first = node.publish("v", no_chap=False)
        assert first.portals == [node.portal] and first.initiator == INITIATOR
        assert len(first.chap_secret) >= 16 and first.chap_secret != first.chap_target_secret
        assert "unpublish" in refused(Code.FAILED_PRECONDITION, node.publish, "v", other)
        # Secrets are told once, to whoever publishes.
        listed = node.api.ListPublications(node_pb2.ListPublicationsRequest()).publications
        assert len(listed) == 1 and listed[0].chap_secret == ""
        node.api.Unpublish(node_pb2.UnpublishRequest(volume="v", initiator=INITIATOR))
        assert node.publish("v", no_chap=False).chap_secret != first.chap_secret
        node.api.Unpublish(node_pb2.UnpublishRequest(volume="v"))
        node.publish("v", shared=True)
        node.publish("v", other, shared=True)
        assert len(node.api.GetVolume(name_of("VolumeName", "v")).publications) == 2


def test_everything_is_there_after_a_restart():
    with Node() as node:
        node.make_pool()
        volume = node.make_volume("v")
        secret = node.publish("v", no_chap=False).chap_secret
        node.api.MarkFormatted(name_of("VolumeName", "v"))
        for end in (node.stop, node.kill):
            end()
            node.start()
            again = node.api.GetVolume(name_of("VolumeName", "v"))
            assert again.uuid == volume.uuid and again.formatted, again
            assert node.publish("v", no_chap=False).chap_secret == secret
        assert os.stat(node.path("state/node.json")).st_mode & 0o077 == 0


def test_a_missing_pool_keeps_nothing_else_from_starting():
    with Node() as node:
        node.make_pool("p")
        node.make_pool("q")
        node.make_volume("v", pool="p")
        node.make_volume("w", pool="q")
        node.stop()
        os.rename(node.path("p.pool"), node.path("elsewhere"))
        node.start()
        pools = {p.name: p for p in node.api.ListPools(node_pb2.ListPoolsRequest()).pools}
        assert pools["p"].state == "missing" and pools["p"].state_reason, pools["p"]
        assert node.api.GetVolume(name_of("VolumeName", "w")).pool == "q"
        # Not "not found": somebody might make a new volume in its place.
        refused(Code.UNAVAILABLE, node.api.GetVolume, name_of("VolumeName", "v"))
        refused(Code.UNAVAILABLE, node.make_volume, "v")
        node.api.ImportPool(node_pb2.ImportPoolRequest(path=node.path("elsewhere")))
        assert node.api.GetVolume(name_of("VolumeName", "v")).pool == "p"


def test_a_change_is_refused_if_the_name_has_become_another_volumes():
    with Node() as node:
        node.make_pool()
        old = node.make_volume("v").uuid
        node.api.DeleteVolume(node_pb2.VolumeName(name="v", volume_uuid=old))
        node.api.DeleteVolume(node_pb2.VolumeName(name="v", volume_uuid=old))
        new = node.make_volume("v").uuid
        node.publish("v")
        chosen = node_pb2.VolumeName(name="v")
        grow = node_pb2.GrowVolumeRequest(name="v", size=2 * GIB)
        unpublish = node_pb2.UnpublishRequest(volume="v")
        for call, request in ((node.api.GetVolume, chosen), (node.api.DeleteVolume, chosen),
                              (node.api.MarkFormatted, chosen), (node.api.GrowVolume, grow),
                              (node.api.Unpublish, unpublish)):
            request.volume_uuid = old
            assert new in refused(Code.FAILED_PRECONDITION, call, request), request
            request.volume_uuid = "not a uuid"
            refused(Code.INVALID_ARGUMENT, call, request)
        volume = node.api.GetVolume(name_of("VolumeName", "v"))
        assert volume.size == GIB and not volume.formatted and len(volume.publications) == 1
        grow.volume_uuid = unpublish.volume_uuid = chosen.volume_uuid = new
        node.api.MarkFormatted(chosen)
        assert node.api.GrowVolume(grow).size == 2 * GIB
        node.api.Unpublish(unpublish)
        node.api.DeleteVolume(chosen)
        refused(Code.NOT_FOUND, node.api.GetVolume, name_of("VolumeName", "v"))


def test_long_lists_are_whole_and_in_order():
    with Node() as node:
        node.make_pool("p")
        node.make_pool("q")
        names = [f"v{number:03}" for number in range(130)]
        for name in reversed(names):
            node.make_volume(name, MIB, "p")
        node.publish("v064")
        node.publish("v128")
        node.make_volume("v050-q", MIB, "q")
        volumes = node.api.ListVolumes(node_pb2.ListVolumesRequest(pool="p")).volumes
        assert [v.name for v in volumes] == names
        assert [v.name for v in volumes if v.publications] == ["v064", "v128"]
        assert [v.name for v in node.api.ListVolumes(node_pb2.ListVolumesRequest()).volumes] == \
            names + ["v050-q"]


def test_pool_and_volume_grow():
    with Node() as node:
        node.make_pool("p", GIB)
        node.make_volume("v", GIB)
        before = node.api.GetPool(name_of("PoolName", "p"))
        pool = node.api.GrowPool(node_pb2.GrowPoolRequest(name="p", size=4 * GIB))
        assert pool.size == 4 * GIB and pool.free > before.free + 2 * GIB, pool
        volume = node.api.GrowVolume(node_pb2.GrowVolumeRequest(name="v", size=2 * GIB))
        assert volume.size == 2 * GIB


def test_events_are_told_to_whoever_watches():
    with Node() as node:
        node.make_pool()
        watch = node.api.WatchEvents(node_pb2.WatchEventsRequest())
        kinds = []
        reader = threading.Thread(target=lambda: kinds.extend(
            e.kind for _, e in zip(range(2), watch)))
        reader.start()
        # The watch sees what happens after it began; make volumes until one was seen.
        made = iter(range(1000))

        def seen_two():
            node.make_volume(f"v{next(made)}", MIB)
            return len(kinds) == 2

        wait_until("two events", seen_two)
        reader.join()
        watch.cancel()
        assert kinds == ["volume-created"] * 2, kinds


def test_two_nodes_never_share_state_or_pool():
    with Node() as node:
        node.make_pool()
        second = Node()
        second.arguments[second.arguments.index("--state") + 1] = node.path("state")
        try:
            second.start()
            raise AssertionError("a second node started on the same state")
        except AssertionError as error:
            assert "another berth-node" in str(error), error
        with Node() as third:
            text = refused(Code.FAILED_PRECONDITION, third.api.ImportPool,
                           node_pb2.ImportPoolRequest(path=node.path("p.pool")))
            assert "use" in text, text


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
