#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Thresholds and a full pool, as two initiators of one volume see them."""

import struct
import sys

from daemon import INITIATOR, Node, run_tests
from iscsi_client import Client

MIB = 1 << 20
SECOND = INITIATOR + ":second"
THRESHOLD_REACHED = (6, 0x3807)
MODE_CHANGED = (6, 0x2A01)
FULL = (7, 0x2707)
READ, WRITE = 0x40, 0x20
USED = 16  # offset of the descriptor in the mode page


def login(node, initiator):
    client = Client(node.portal, initiator, "iqn.2026-11.dev.berth:n1:v")
    client.login()
    return client.clear_attentions()


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


def set_used_threshold(client, sets, save):
    new = page(client)
    new[0] &= 0x7F
    new[USED] |= 0x80
    new[USED + 4:USED + 8] = struct.pack(">I", sets)
    changed = bytes(4) + bytes(new)
    command(client, bytes([0x15, 0x11 if save else 0x10, 0, 0, len(changed), 0]), changed)


def heard(client):
    """All unit attentions that wait, each with its INFORMATION."""
    told = []
    while True:
        status, _ = client.scsi(bytes(6))
        if status.status == 0:
            return told
        told.append((status.sense(), int.from_bytes(status.data[5:9], "big")))


def test_a_crossing_is_told_once_to_each_session_and_the_threshold_outlives_the_node():
    with Node() as node:
        node.make_pool()
        node.make_volume("v")
        node.publish("v", shared=True)
        node.publish("v", SECOND, shared=True)
        first, second = login(node, INITIATOR), login(node, SECOND)
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
        node.stop()
        node.start()
        again = login(node, INITIATOR)
        assert page(again)[USED + 4:USED + 8] == struct.pack(">I", 2)
        assert page(again, 3)[USED + 4:USED + 8] == struct.pack(">I", 2)
        assert heard(again) == []


def test_a_full_pool_refuses_new_blocks_and_goes_on_with_the_rest():
    with Node() as node:
        node.make_pool(size=128 * MIB)
        node.make_volume("v", 1 << 30)
        node.publish("v")
        client = login(node, INITIATOR)
        extent = 0
        while True:
            status = write(client, extent * 65536)
            if status.status != 0:
                break
            extent += 1
        assert status.sense() == FULL, status.sense()
        assert write(client, (extent + 1) * 65536).sense() == FULL
        assert write(client, 0).status == 0
        blocks = struct.pack(">HHIQII", 22, 16, 0, 0, 16 * 128, 0)
        command(client, bytes([0x42, 0, 0, 0, 0, 0, 0, 0, len(blocks), 0]), blocks)
        assert write(client, extent * 65536).status == 0


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
