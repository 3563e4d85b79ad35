#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Pools on their way: closed on one node, opened on another, missing, forgotten, come back."""

import os
import sys

import grpc
from daemon import INITIATOR, Node, node_pb2, refused, run_tests
from qemu import qemu_io

Code = grpc.StatusCode
MIB = 1 << 20
GIB = 1 << 30


def named(name):
    return node_pb2.PoolName(name=name)


def pools(node):
    return {p.name: p for p in node.api.ListPools(node_pb2.ListPoolsRequest()).pools}


def unpublish(node, volume):
    node.api.Unpublish(node_pb2.UnpublishRequest(volume=volume))


def take(node, path):
    return node.api.ImportPool(node_pb2.ImportPoolRequest(path=path))


def test_a_pool_goes_to_another_node_and_back_with_its_data():
    with Node() as first, Node() as second:
        path = first.make_pool().path
        made = first.make_volume("v", 4 * GIB)
        first.publish("v")
        qemu_io(first.url("v"), "write -P 7 0 1M", "write -P 9 4095M 1M")
        unpublish(first, "v")
        first.api.ExportPool(named("p"))
        assert pools(first) == {} and os.path.exists(path)
        refused(Code.NOT_FOUND, first.api.GetVolume, node_pb2.VolumeName(name="v"))
        # A repeat; and what is not there any more is not there after a restart either.
        first.api.ExportPool(named("p"))
        first.stop()
        first.start()
        assert pools(first) == {}

        assert take(second, path).volumes == 1
        assert second.api.GetVolume(node_pb2.VolumeName(name="v")).uuid == made.uuid
        second.publish("v")
        qemu_io(second.url("v"), "read -P 7 0 1M", "read -P 0 1M 1M", "read -P 9 4095M 1M",
                "write -P 5 512k 64k")
        unpublish(second, "v")
        second.kill()
        second.start()
        second.api.ExportPool(named("p"))

        take(first, path)
        first.publish("v")
        qemu_io(first.url("v"), "read -P 7 0 512k", "read -P 5 512k 64k", "read -P 7 576k 448k")


def test_a_pool_in_use_is_not_exported_and_the_refusal_says_by_whom():
    with Node() as node:
        node.make_pool()
        node.make_pool("q")
        for name in ("a", "b", "c"):
            node.make_volume(name, pool="p")
        node.make_volume("other", pool="q")
        node.publish("a")
        node.publish("c")
        node.publish("other")
        said = refused(Code.FAILED_PRECONDITION, node.api.ExportPool, named("p"))
        assert "'a'" in said and "'c'" in said and "'b'" not in said and "other" not in said, said
        qemu_io(node.url("a"), "write -P 1 0 64k", "read -P 1 0 64k")
        unpublish(node, "a")
        unpublish(node, "c")
        node.api.ExportPool(named("p"))
        assert list(pools(node)) == ["q"]


def test_names_that_are_taken_keep_a_pool_out():
    with Node() as first, Node() as second:
        same_pool = first.make_pool("p").path
        first.api.ExportPool(named("p"))
        second.make_pool("p")
        second.make_volume("db")
        assert "'p'" in refused(Code.ALREADY_EXISTS, take, second, same_pool)
        same_volume = first.make_pool("q").path
        first.make_volume("db")
        first.make_volume("web")
        first.api.ExportPool(named("q"))
        assert "'db'" in refused(Code.ALREADY_EXISTS, take, second, same_volume)
        # Nothing holds it: whoever has the names free takes it.
        take(first, same_volume)
        assert list(pools(second)) == ["p"]


def test_a_missing_pool_is_forgotten_but_not_while_it_may_be_in_use():
    with Node() as node:
        path = node.make_pool().path
        node.make_volume("v")
        node.publish("v")
        node.stop()
        os.rename(path, path + ".away")
        node.start()
        assert pools(node)["p"].state == "missing"
        assert "'v'" in refused(Code.FAILED_PRECONDITION, node.api.ExportPool, named("p"))
        unpublish(node, "v")
        # Another pool of that name is not what is missing.
        with Node() as other:
            strange = other.make_pool().path
            other.api.ExportPool(named("p"))
            refused(Code.ALREADY_EXISTS, take, node, strange)
            node.api.ExportPool(named("p"))
            take(node, strange)
            refused(Code.NOT_FOUND, node.api.GetVolume, node_pb2.VolumeName(name="v"))
            node.api.ExportPool(named("p"))
        take(node, path + ".away")
        assert node.api.GetVolume(node_pb2.VolumeName(name="v")).pool == "p"


def test_another_pool_in_a_pools_place_is_not_served():
    with Node() as node:
        for name in ("p", "q"):
            node.make_pool(name)
            node.make_volume(name + "-volume", pool=name)
            node.publish(name + "-volume", INITIATOR)
        node.stop()
        os.rename(node.path("p.pool"), node.path("x"))
        os.rename(node.path("q.pool"), node.path("p.pool"))
        os.rename(node.path("x"), node.path("q.pool"))
        node.start()
        found = pools(node)
        assert [p.state for p in found.values()] == ["missing"] * 2, found
        assert "'q'" in found["p"].state_reason, found["p"]


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
