#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Thresholds and a full pool, as two initiators of one volume see them."""

import contextlib
import struct
import sys

from daemon import INITIATOR, Node, node_pb2, run_tests
from iscsi_client import Client

MIB = 1 << 20
SECOND = INITIATOR + ":second"
THRESHOLD_REACHED = (6, 0x3807)
MODE_CHANGED = (6, 0x2A01)
FULL = (7, 0x2707)
READ, WRITE = 0x40, 0x20
SITUA, USED = 4, 16  # offsets in the mode page; USED is a descriptor


def login(node, initiator, volume="v"):
    client = Client(node.portal, initiator, "iqn.2026-11.dev.berth:n1:" + volume)
    client.login()
    return client.clear_attentions()


@contextlib.contextmanager
def one_session(size=1 << 30):
    """A node with a pool of this size, and a session with its volume."""
    with Node() as node:
        node.make_pool(size=size)
        node.make_volume("v")
        node.publish("v")
        client = login(node, INITIATOR)
        yield node, client
        client.close()


@contextlib.contextmanager
def two_sessions():
    """Of two initiators, with one volume."""
    with Node() as node:
        node.make_pool()
        node.make_volume("v")
        node.publish("v", shared=True)
        node.publish("v", SECOND, shared=True)
        first, second = login(node, INITIATOR), login(node, SECOND)
        yield node, first, second
        first.close()
        second.close()


def send(client, cdb, data):
    """Its answer; the data is asked for by the target."""
    pdu = client.send(client.scsi_pdu(cdb, WRITE, len(data)))
    client.solicited(pdu.itt, data)
    return client.finish(pdu.itt)[0]


def write(client, offset, length=65536):
    cdb = client.write_cdb(offset // 512, length // 512)
    return send(client, cdb, bytes([7]) * length)


def command(client, cdb, data):
    status = send(client, cdb, data)
    assert status.status == 0, status.sense()


def page(client, control=0):
    status, data = client.scsi(bytes([0x1A, 8, control << 6 | 0x1C, 2, 255, 0]), READ, 255)
    assert status.status == 0, status.sense()
    return bytearray(data[4:])


def set_used_threshold(client, sets, save=False, situa=False):
    new = page(client)
    new[0] &= 0x7F
    new[SITUA] = int(situa)
    new[USED] |= 0x80
    new[USED + 4:USED + 8] = struct.pack(">I", sets)
    changed = bytes(4) + bytes(new)
    command(client, bytes([0x15, 0x11 if save else 0x10, 0, 0, len(changed), 0]), changed)


def unmap(client, offset, length):
    blocks = struct.pack(">HHIQII", 22, 16, 0, offset // 512, length // 512, 0)
    command(client, bytes([0x42, 0, 0, 0, 0, 0, 0, 0, len(blocks), 0]), blocks)


def counts(client):
    """Log page 0Ch: what can still be had and what is used, in MiB."""
    status, data = client.scsi(bytes([0x4D, 0, 0x4C, 0, 0, 0, 0, 0, 255, 0]), READ, 255)
    assert status.status == 0, status.sense()
    assert data[4:6] == b"\0\1" and data[16:18] == b"\0\2", data
    return struct.unpack(">I8xI", data[8:24])


def heard(client):
    """All unit attentions that wait, each with its INFORMATION."""
    told = []
    while True:
        status, _ = client.scsi(bytes(6))
        if status.status == 0:
            return told
        told.append((status.sense(), int.from_bytes(status.data[5:9], "big")))


def test_a_crossing_is_told_once_to_each_session_and_the_threshold_outlives_the_node():
    with two_sessions() as (node, first, second):
        set_used_threshold(first, 2, save=True)
        assert heard(first) == []
        assert heard(second) == [(MODE_CHANGED, 0)]
        for extent in range(31):
            assert write(first, extent * 65536).status == 0
        assert heard(first) == [] and heard(second) == []
        assert write(first, 31 * 65536).status == 0
        assert heard(first) == [(THRESHOLD_REACHED, USED)]
        assert heard(second) == [(THRESHOLD_REACHED, USED)]
        assert write(second, 32 * 65536).status == 0
        assert heard(first) == [] and heard(second) == []
        first.close()
        second.close()
        node.stop()
        node.start()
        again = login(node, INITIATOR)
        assert page(again)[USED + 4:USED + 8] == struct.pack(">I", 2)
        assert page(again, 3)[USED + 4:USED + 8] == struct.pack(">I", 2)
        assert heard(again) == []
        again.close()


def test_a_threshold_that_is_not_saved_ends_with_the_node():
    with one_session() as (node, client):
        set_used_threshold(client, 2, save=True)
        set_used_threshold(client, 3)
        assert page(client)[USED:USED + 8] == struct.pack(">BBHI", 0x81, 2, 0, 3)
        assert page(client, 3)[USED:USED + 8] == struct.pack(">BBHI", 0x81, 2, 0, 2)
        node.kill()
        node.start()
        again = login(node, INITIATOR)
        assert page(again)[USED:USED + 8] == struct.pack(">BBHI", 0x81, 2, 0, 2)
        again.close()


def test_a_threshold_is_told_again_only_after_it_has_receded():
    with one_session() as (_, client):
        set_used_threshold(client, 2)
        for extent in range(32):
            assert write(client, extent * 65536).status == 0
        assert heard(client) == [(THRESHOLD_REACHED, USED)]
        # Half a MiB is the least that counts as receding.
        unmap(client, 0, 7 * 65536)
        for extent in range(7):
            assert write(client, extent * 65536).status == 0
        assert heard(client) == []
        unmap(client, 0, 8 * 65536)
        for extent in range(8):
            assert write(client, extent * 65536).status == 0
        assert heard(client) == [(THRESHOLD_REACHED, USED)]


def test_with_situa_one_session_hears_of_a_crossing():
    with two_sessions() as (_, first, second):
        set_used_threshold(first, 1, situa=True)
        second.clear_attentions()
        for extent in range(16):
            assert write(first, extent * 65536).status == 0
        assert heard(second) == [(THRESHOLD_REACHED, USED)]
        assert heard(first) == []


def test_the_log_page_counts_what_was_taken():
    with one_session() as (_, client):
        available, used = counts(client)
        assert used == 0 and 900 < available < 1024, (available, used)
        for extent in range(48):
            assert write(client, extent * 65536).status == 0
        assert counts(client) == (available - 3, 3)
        unmap(client, 0, 16 * 65536)
        assert counts(client)[1] == 2


def fill(client):
    """Extent by extent, until one is refused: its number."""
    extent = 0
    while True:
        status = write(client, extent * 65536)
        if status.status != 0:
            assert status.sense() == FULL, status.sense()
            return extent
        extent += 1


def test_a_full_pool_refuses_new_blocks_and_goes_on_with_the_rest():
    with one_session(128 * MIB) as (node, client):
        node.make_volume("w")
        node.publish("w", SECOND)
        other = login(node, SECOND, "w")
        assert write(other, 0).status == 0
        end = fill(client)
        assert counts(client)[0] == 0
        # Never success and failure in turns: not here, not in the other volume, large or small.
        for extent in range(end, end + 32):
            assert write(client, extent * 65536, 4096).sense() == FULL
            assert write(other, (1 + extent) * 65536).sense() == FULL
            assert write(client, (extent - end) * 65536).status == 0
            assert write(other, 0).status == 0
        status, data = client.read(0, 128)
        assert status.status == 0 and data == bytes([7]) * 65536
        # One that is too large gives back what it had: that is no room for the next.
        unmap(client, 0, 3 * 65536)
        assert write(client, end * 65536, 4 * 65536).sense() == FULL
        assert write(client, end * 65536).sense() == FULL
        unmap(client, 3 * 65536, 16 * 65536)
        assert write(client, end * 65536).status == 0
        other.close()


def test_growth_brings_writes_back_in_the_same_session():
    with one_session(128 * MIB) as (node, client):
        end = fill(client)
        node.api.GrowPool(node_pb2.GrowPoolRequest(name="p", size=256 * MIB))
        for extent in range(end, end + 64):
            assert write(client, extent * 65536).status == 0
        assert heard(client) == []


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
