# SPDX-License-Identifier: GPL-2.0-or-later
"""Full feature phase over the wire: numbers, data in both directions, task management, the ends
of sessions, and what an initiator must not send."""
import os
import select
import socket
import struct
import time

from target_tests import A, B, SECRET, main, settings
from iscsi_client import (ASYNC, DATA_IN, FINAL, LOGIN_RESPONSE, LOGOUT_RESPONSE, NONE, NOP_IN, R2T,
                          READ, REJECT, SCSI_RESPONSE, TASK_RESPONSE, TEXT_RESPONSE, WRITE,
                          Closed, Pdu, parse_text, wait_for)

ABORTED = 0x0B
UNEXPECTED, AMOUNT, CRC = 0x0C0C, 0x0C0D, 0x4705
DIGESTS = {"HeaderDigest": "CRC32C", "DataDigest": "CRC32C"}


def pattern(length, seed=1):
    return (struct.pack(">I", seed * 0x01010101) + os.urandom(252)) * (length // 256)


def verify(client, lba, data):
    status, got = client.read(lba, len(data) // 512)
    assert status.status == 0 and got == data, "read back differs"


def written(client, content, lba=0, **how):
    """A WRITE of the content whose own PDU carries what `how` says; returns the request."""
    cdb = client.write_cdb(lba, len(content) // 512)
    return client.send(client.scsi_pdu(cdb, WRITE, len(content), **how))


def good(client, pdu):
    status, _ = client.finish(pdu.itt)
    assert status.status == 0, "%r %r" % (status, status.sense())


def fails(client, pdu, sense):
    status, _ = client.finish(pdu.itt)
    assert status.opcode == SCSI_RESPONSE and status.status == 2 and status.sense() == sense, (
        status, status.sense())


# --- data ---

def test_immediate_data_is_written(server):
    client = server.disk()
    data = pattern(65536)
    good(client, written(client, data, data=data))
    verify(client, 0, data)


def test_every_combination_of_unsolicited_data_is_written(server):
    sizes = (512, 4096, 16384, 65536, 131072, 1048576)
    for r2t in ("Yes", "No"):
        for immediate in ("Yes", "No"):
            client = server.disk(keys={"InitialR2T": r2t, "ImmediateData": immediate,
                                       "MaxBurstLength": "65536", "FirstBurstLength": "16384"})
            for size in sizes:
                data = pattern(size, 3)
                write_with_all_that_is_allowed(client, data, r2t == "Yes", immediate == "Yes")
                verify(client, 8, data)
            client.close()


def write_with_all_that_is_allowed(client, data, initial_r2t, immediate):
    first = min(16384, len(data))
    now = min(4096, first) if immediate else 0
    more = not initial_r2t and now < first
    pdu = written(client, data, lba=8, data=data[:now], final=not more)
    if more:
        middle = (now + first) // 2 & ~3
        client.send(client.data_out(pdu.itt, NONE, now, data[now:middle], 0, False))
        client.send(client.data_out(pdu.itt, NONE, middle, data[middle:first], 1, True))
    sent = first if more else now
    while sent < len(data):
        offset, length = client.solicited(pdu.itt, data)
        assert offset == sent and length <= 65536
        sent += length
    good(client, pdu)


def test_several_r2ts_are_outstanding(server):
    client = server.disk(keys={"MaxOutstandingR2T": "4", "MaxBurstLength": "65536",
                               "ImmediateData": "No", "InitialR2T": "Yes"})
    data = pattern(8 * 65536)
    pdu = written(client, data)
    r2ts = [client.expect(R2T) for _ in range(4)]
    client.expect_silence()
    assert [r2t.get(40) for r2t in r2ts] == [0, 65536, 131072, 196608]
    assert [r2t.get(36) for r2t in r2ts] == [0, 1, 2, 3]
    while r2ts:
        r2t = r2ts.pop(0)
        at = r2t.get(40)
        client.send(client.data_out(pdu.itt, r2t.ttt, at, data[at:at + 65536]))
        if at + 4 * 65536 < len(data):
            r2ts.append(client.expect(R2T))
    good(client, pdu)
    verify(client, 0, data)


def test_reads_are_cut_as_the_initiator_wants(server):
    client = server.disk(keys={"MaxRecvDataSegmentLength": "4096", "MaxBurstLength": "16384",
                               "FirstBurstLength": "16384"})
    data = pattern(16384)
    for lba in range(0, 128, 32):
        good(client, written(client, data, lba, data=data))
    pdu = client.send(client.scsi_pdu(struct.pack(">BBQIBB", 0x88, 0, 0, 128, 0, 0), READ, 65536))
    for number in range(16):
        part = client.expect(DATA_IN)
        assert len(part.data) == 4096 and part.get(36) == number and part.get(40) == number * 4096
        assert bool(part.flags & FINAL) == (number % 4 == 3), "F ends each burst"
        assert bool(part.flags & 1) == (number == 15), "status in the last"


def test_residuals_are_told(server):
    client = server.disk()
    data = pattern(4096)
    good(client, written(client, data, data=data))
    status, got = client.read(0, 8, edtl=8192)
    assert len(got) == 4096 and status.flags & 0x06 == 0x02 and status.get(44) == 4096
    status, got = client.read(0, 8, edtl=1024)
    assert len(got) == 1024 and status.flags & 0x06 == 0x04 and status.get(44) == 3072
    status, got = client.scsi(bytes(6), READ, 512)
    assert got == b"" and status.flags & 0x06 == 0x02 and status.get(44) == 512
    status, _ = client.scsi(client.write_cdb(0, 1), WRITE, 1024, data[:1024])
    assert status.status == 0 and status.flags & 0x06 == 0x02 and status.get(44) == 512


def test_more_data_than_the_command_takes_is_thrown_away(server):
    client = server.disk(keys={"FirstBurstLength": "65536"})
    data = pattern(65536, 5)
    good(client, written(client, data, data=data))
    over = pattern(65536, 6)
    pdu = client.send(client.scsi_pdu(client.write_cdb(0, 2), WRITE, 65536, over))
    status, _ = client.finish(pdu.itt)
    assert status.status == 0 and status.get(44) == 65536 - 1024
    verify(client, 0, over[:1024] + data[1024:])


def test_digests_protect_both_ways(server):
    client = server.disk(keys=DIGESTS)
    assert client.header_digest and client.data_digest
    data = pattern(262144)
    pdu = written(client, data, data=data[:8192])
    sent = 8192
    while sent < len(data):
        sent += client.solicited(pdu.itt, data)[1]
    good(client, pdu)
    verify(client, 0, data)
    client.nop(b"odd")
    assert client.expect(NOP_IN).data == b"odd"


def test_data_digest_error_ends_the_command(server):
    client = server.disk(keys=DIGESTS)
    data = pattern(8192)
    good(client, written(client, data, data=data))
    other = pattern(8192, 9)
    pdu = client.scsi_pdu(client.write_cdb(0, 16), WRITE, 8192, other)
    client.send(pdu, bad_data=True)
    assert client.expect(REJECT).reason == 0x02
    fails(client, pdu, (ABORTED, CRC))
    pdu = client.send(client.scsi_pdu(client.write_cdb(0, 16), WRITE, 8192, other[:4096]))
    r2t = client.expect(R2T)
    client.send(client.data_out(pdu.itt, r2t.ttt, 4096, other[4096:]), bad_data=True)
    assert client.expect(REJECT).reason == 0x02
    fails(client, pdu, (ABORTED, CRC))
    verify(client, 0, data)


def test_header_digest_error_ends_the_connection(server):
    client = server.disk(keys=DIGESTS)
    client.send(client.command(0), bad_header=True)
    client.expect_closed()


def test_wrong_data_out_ends_the_command(server):
    data = pattern(16384)
    keys = {"ImmediateData": "No", "InitialR2T": "Yes"}
    client = server.disk(keys=keys)
    good_one = written(client, data)
    client.solicited(good_one.itt, data)
    good(client, good_one)
    wrong = (lambda itt, ttt: client.data_out(itt, ttt, 512, data),
             lambda itt, ttt: client.data_out(itt, ttt, 0, data + bytes(512)),
             lambda itt, ttt: client.data_out(itt, ttt, 0, data[:512], final=True),
             lambda itt, ttt: client.data_out(itt, ttt, 0, data, final=False),
             lambda itt, ttt: client.data_out(itt, ttt, 0, data, data_sn=1),
             lambda itt, ttt: client.data_out(itt, ttt, 0, data, data_sn=27),
             lambda itt, ttt: client.data_out(itt, ttt, 0, data, data_sn=-1),
             lambda itt, ttt: client.data_out(itt, ttt, 0xFFFFFE00, data))
    for make in wrong:
        pdu = written(client, bytes(16384))
        r2t = client.expect(R2T)
        client.send(make(pdu.itt, r2t.ttt))
        fails(client, pdu, (ABORTED, AMOUNT))
        client.send(client.data_out(pdu.itt, r2t.ttt, 0, bytes(16384)))
    pdu = written(client, bytes(16384))
    client.expect(R2T)
    client.send(client.data_out(pdu.itt, NONE, 0, bytes(16384)))
    fails(client, pdu, (ABORTED, UNEXPECTED))
    verify(client, 0, data)


def test_data_out_for_nothing_is_ignored(server):
    client = server.disk(keys={"ImmediateData": "No", "InitialR2T": "Yes"})
    client.send(client.data_out(0x9999, 5, 0, bytes(512)))
    client.expect_silence(0.05)
    data = pattern(512)
    pdu = written(client, data)
    r2t = client.expect(R2T)
    client.send(client.data_out(pdu.itt, r2t.ttt ^ 0x77, 0, data))
    assert client.expect(REJECT).reason == 0x09
    client.send(client.data_out(pdu.itt, r2t.ttt, 0, data, lun=0x1234 << 48))
    good(client, pdu)
    verify(client, 0, data)


def test_unwanted_immediate_data_ends_the_command(server):
    data = pattern(32768)
    client = server.disk(keys={"ImmediateData": "No"})
    fails(client, written(client, data, data=data[:512]), (ABORTED, UNEXPECTED))
    client = server.disk(keys={"FirstBurstLength": "16384"})
    fails(client, written(client, data, data=data), (ABORTED, UNEXPECTED))
    pdu = client.send(client.scsi_pdu(client.write_cdb(0, 1), WRITE, 512, data[:1024]))
    fails(client, pdu, (ABORTED, UNEXPECTED))
    pdu = client.send(client.scsi_pdu(bytes(6), 0, 0, data[:512]))
    fails(client, pdu, (ABORTED, UNEXPECTED))


# --- numbers and refusals ---

def rejected(client, pdu, reason, **how):
    client.send(pdu, **how)
    reject = client.expect(REJECT)
    assert reject.reason == reason, "reason %02x, expected %02x" % (reject.reason, reason)
    assert reject.data[:4] == bytes(pdu.bhs[:4]), "the header comes back"


def test_wrong_requests_are_rejected(server):
    client = server.disk()
    for opcode in (0x20, 0x21, 0x3F, 0x1C, 0x08):
        pdu = client.command(opcode, immediate=True)
        rejected(client, pdu, 0x05)
    rejected(client, client.command(0x10, immediate=True), 0x05)
    rejected(client, client.scsi_pdu(bytes(6), READ | WRITE, 512), 0x09)
    rejected(client, client.scsi_pdu(bytes(6), 0, 512), 0x09)
    rejected(client, client.scsi_pdu(bytes(6), itt=NONE), 0x04)
    for ahs in (bytes(4), b"\0\x20\1\0", b"\0\1\x77\0", b"\0\4\2\0\0\0\0\0"):
        rejected(client, client.scsi_pdu(bytes(6)), 0x09, ahs=ahs)
    assert client.scsi(bytes(6))[0].status == 0, "the session goes on"


def test_too_long_a_pdu_ends_the_connection(server):
    client = server.disk()
    pdu = client.command(0)
    client.send(pdu, length=262145)
    assert client.expect(REJECT).reason == 0x04
    client.expect_closed()
    client = server.disk()
    client.send(client.login_pdu({}))
    assert client.expect(REJECT).reason == 0x04
    client.expect_closed()


def test_numbers_outside_the_window_are_ignored(server):
    client = server.disk()
    for number in (client.cmd_sn - 1, client.cmd_sn + 500, client.cmd_sn + (1 << 31)):
        client.send(client.scsi_pdu(bytes(6), cmd_sn=number))
    client.expect_silence()
    assert client.scsi(bytes(6))[0].status == 0


def test_commands_run_in_the_order_of_their_numbers(server):
    client = server.disk()
    base = client.cmd_sn
    data = [pattern(8192, seed) for seed in (1, 2, 3)]
    pdus = {}
    for number in (2, 1, 0):
        pdus[number] = client.scsi_pdu(client.write_cdb(0, 16), WRITE, 8192, data[number],
                                       attribute=2, cmd_sn=base + number)
        client.send(pdus[number])
        if number == 2:
            nop = client.nop(b"late", cmd_sn=base + 3)
            client.expect_silence(0.1)
    answers = [client.receive() for _ in range(4)]
    assert {pdu.itt for pdu in answers} == {pdu.itt for pdu in pdus.values()} | {nop.itt}
    client.cmd_sn = base + 4
    verify(client, 0, data[2])


def test_numbers_wrap(server):
    client = server.client()
    client.cmd_sn = 0xFFFFFFFE
    client.exp_stat_sn = 0xFFFFFFFD
    client.login().clear_attentions()
    for _ in range(6):
        status, _ = client.scsi(bytes(6))
        assert status.status == 0
    assert client.cmd_sn < 100 and status.exp_cmd_sn == client.cmd_sn
    assert status.stat_sn < 100


@settings(tasks=8)
def test_window_closes_and_opens(server):
    client = server.disk()
    server.ask("hold", A)
    reads = [client.send(client.scsi_pdu(struct.pack(">BBQIBB", 0x88, 0, 0, 1, 0, 0), READ, 512))
             for _ in range(8)]
    wait_for(lambda: server.ask("held", A) == "8", "eight reads in the disk")
    client.nop(immediate=True)
    nop = client.expect(NOP_IN)
    assert nop.max_cmd_sn == (nop.exp_cmd_sn - 1) % (1 << 32), "the window is closed"
    client.send(client.scsi_pdu(bytes(6), cmd_sn=client.cmd_sn))
    client.expect_silence(0.1)
    server.ask("release", A)
    last = None
    for _ in reads:
        last = client.expect(DATA_IN)
    assert last.max_cmd_sn == (last.exp_cmd_sn + 7) % (1 << 32), "the window is open"


def test_immediate_commands_are_limited(server):
    client = server.disk()
    server.ask("hold", A)
    for _ in range(8):
        client.send(client.scsi_pdu(struct.pack(">BBQIBB", 0x88, 0, 0, 1, 0, 0), READ, 512,
                                    immediate=True))
    wait_for(lambda: server.ask("held", A) == "8", "eight reads in the disk")
    rejected(client, client.scsi_pdu(bytes(6), immediate=True), 0x06)
    server.ask("release", A)
    for _ in range(8):
        client.expect(DATA_IN)


def test_tag_in_use_is_rejected(server):
    client = server.disk()
    server.ask("hold", A)
    pdu = client.send(client.scsi_pdu(struct.pack(">BBQIBB", 0x88, 0, 0, 1, 0, 0), READ, 512))
    rejected(client, client.scsi_pdu(bytes(6), itt=pdu.itt), 0x07)
    server.ask("release", A)
    client.expect(DATA_IN)
    assert client.scsi(bytes(6))[0].status == 0


# --- NOP and text ---

def test_nop_comes_back(server):
    client = server.client().login({"MaxRecvDataSegmentLength": "512"})
    client.nop(pattern(2048))
    assert len(client.expect(NOP_IN).data) == 512, "cut to what the initiator takes"
    quiet = client.command(0, immediate=True, itt=NONE).put(20, NONE)
    client.send(quiet)
    client.expect_silence(0.1)


@settings(nop_interval_ms=200, nop_timeout_ms=300)
def test_silent_initiator_is_asked_and_dropped(server):
    client = server.session()
    ping = client.expect(NOP_IN)
    assert ping.itt == NONE and ping.ttt != NONE
    client.send(client.command(0, immediate=True, itt=NONE).put(20, ping.ttt))
    assert client.expect(NOP_IN).ttt != NONE
    client.expect_closed()
    wait_for(lambda: server.ask("count", A) == "0", "the session to end")


@settings(nop_interval_ms=200, nop_timeout_ms=300)
def test_peer_that_never_reads_is_dropped(server):
    client = server.session()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sock.settimeout(5)
    try:
        while True:
            client.nop(bytes(65536), immediate=True)
    except (TimeoutError, ConnectionResetError, BrokenPipeError):
        pass
    wait_for(lambda: server.ask("count", A) == "0", "the session to end")


def test_text_of_a_normal_session(server):
    client = server.session()
    client.text({"SendTargets": "All"})
    assert parse_text(client.expect(TEXT_RESPONSE).data) == [("SendTargets", "Reject")]
    for which in ("", A):
        client.text({"SendTargets": which})
        pairs = parse_text(client.expect(TEXT_RESPONSE).data)
        assert pairs == [("TargetName", A), ("TargetAddress", server.address + ",1")]
    client.text({"SendTargets": B})
    assert client.expect(TEXT_RESPONSE).data == b""
    client.text({"MaxBurstLength": "512", "X-odd": "1"})
    assert parse_text(client.expect(TEXT_RESPONSE).data) == [
        ("MaxBurstLength", "Reject"), ("X-odd", "NotUnderstood")]
    client.text(b"", final=False, cont=True)
    part = client.expect(TEXT_RESPONSE)
    assert part.data == b"" and not part.flags & FINAL and part.ttt != NONE
    client.text(b"SendTar", ttt=part.ttt, final=False, cont=True)
    part = client.expect(TEXT_RESPONSE)
    client.text(b"gets=\0", ttt=part.ttt)
    assert ("TargetName", A) in parse_text(client.expect(TEXT_RESPONSE).data)


def test_wrong_text_is_rejected(server):
    client = server.session()
    client.text({"SendTargets": ""}, ttt=0x4242)
    assert client.expect(REJECT).reason == 0x09
    client.text(b"NoEquals\0")
    assert client.expect(REJECT).reason == 0x04
    client.text(b"A=1\0", cont=True)
    assert client.expect(REJECT).reason == 0x04
    ttt = NONE
    for _ in range(100):
        client.text(bytes(512), ttt=ttt, final=False, cont=True)
        answer = client.receive()
        if answer.opcode == REJECT:
            break
        ttt = answer.ttt
    assert answer.opcode == REJECT and answer.reason == 0x04
    assert client.nop() and client.expect(NOP_IN)


# --- task management ---

def held_read(client):
    return client.send(client.scsi_pdu(struct.pack(">BBQIBB", 0x88, 0, 0, 1, 0, 0), READ, 512))


def test_refusals_of_task_management(server):
    client = server.disk()
    for function, itt, lun, response in ((1, 0x7777, 0, 1), (2, NONE, 5 << 48, 2), (3, NONE, 0, 5),
                                         (8, 0x7777, 0, 4), (9, NONE, 0, 5), (0, NONE, 0, 5),
                                         (127, NONE, 0, 5), (5, NONE, 1 << 48, 2)):
        client.task(function, itt, lun)
        answer = client.expect(TASK_RESPONSE)
        assert answer.response == response, "function %d: %d" % (function, answer.response)


def test_abort_task_waits_for_its_io(server):
    client = server.disk()
    server.ask("hold", A)
    pdu = held_read(client)
    wait_for(lambda: server.ask("held", A) == "1", "the read in the disk")
    task = client.task(1, pdu.itt)
    client.expect_silence(0.1)
    server.ask("release", A)
    answer = client.expect(TASK_RESPONSE)
    assert answer.itt == task.itt and answer.response == 0
    client.expect_silence(0.1)


def test_abort_of_a_command_that_collects_data(server):
    client = server.disk(keys={"ImmediateData": "No", "InitialR2T": "Yes"})
    before = server.ask("touched", A)
    pdu = written(client, bytes(4096))
    r2t = client.expect(R2T)
    client.task(1, pdu.itt)
    assert client.expect(TASK_RESPONSE).response == 0
    client.send(client.data_out(pdu.itt, r2t.ttt, 0, bytes(4096)))
    client.expect_silence(0.1)
    assert server.ask("touched", A) == before


def test_sets_are_aborted_as_far_as_they_reach(server):
    for function, reaches_other in ((2, False), (4, True), (5, True), (6, True)):
        mine, other = server.disk(), server.disk(initiator="iqn.x:j")
        server.ask("hold", A)
        reads = [held_read(mine), held_read(mine)]
        others = held_read(other)
        wait_for(lambda: server.ask("held", A) == "3", "three reads in the disk")
        mine.task(function)
        mine.expect_silence(0.05)
        server.ask("release", A)
        answer = mine.expect(TASK_RESPONSE)
        assert answer.response == 0
        if reaches_other:
            other.expect_silence(0.1)
            assert other.scsi(bytes(6))[0].status == 2, "a unit attention tells of it"
        else:
            assert other.expect(DATA_IN).itt == others.itt
        assert reads
        mine.close()
        other.close()
        wait_for(lambda: server.ask("count", A) == "0", "the sessions to end")


def test_cold_reset_ends_all_sessions(server):
    mine, other = server.disk(), server.disk(initiator="iqn.x:j")
    mine.task(7)
    assert mine.expect(TASK_RESPONSE).response == 0
    mine.expect_closed()
    other.expect_closed()


# --- the end of sessions ---

def test_logout(server):
    client = server.disk()
    client.logout(reason=2)
    assert client.expect(LOGOUT_RESPONSE).response == 2
    client.logout(reason=1, cid=77)
    assert client.expect(LOGOUT_RESPONSE).response == 1
    client.logout(reason=1)
    assert client.expect(LOGOUT_RESPONSE).response == 0
    client.expect_closed()
    wait_for(lambda: server.ask("count", A) == "0", "the session to end")


def test_logout_ends_commands_first(server):
    client = server.disk()
    server.ask("hold", A)
    held_read(client)
    wait_for(lambda: server.ask("held", A) == "1", "the read in the disk")
    written(client, bytes(1048576))
    client.expect(R2T)
    client.logout()
    client.expect_silence(0.1)
    client.send(client.command(0))
    server.ask("release", A)
    assert client.expect(LOGOUT_RESPONSE).response == 0
    client.expect_closed()


def test_logout_does_not_wait_for_half_a_request(server):
    client = server.disk()
    logout = client.command(6, cmd_sn=client.cmd_sn + 1).put(20, client.cid, 2)
    client.send(logout)
    client.expect_silence(0.05)
    nop = client.command(0).put(20, NONE)
    nop.data = bytes(4096)
    client.send_bytes(client.encode(nop)[:1000])
    assert client.expect(LOGOUT_RESPONSE).response == 0


def test_connection_cut_anywhere_ends_the_session(server):
    whole = server.disk(keys={"FirstBurstLength": "65536"})
    data = whole.encode(whole.scsi_pdu(whole.write_cdb(0, 128), WRITE, 65536, bytes(65536)))
    whole.close()
    for cut in (1, 47, 48, 49, 4096, 32768, 40000, 65583):
        client = server.disk()
        server.ask("hold", A)
        held_read(client)
        wait_for(lambda: server.ask("held", A) == "1", "the read in the disk")
        fresh = client.scsi_pdu(client.write_cdb(0, 128), WRITE, 65536, bytes(65536))
        client.send_bytes((client.encode(fresh) if cut else data)[:cut])
        client.close()
        server.ask("release", A)
        wait_for(lambda: server.ask("count", A) == "0", "the session to end")


def test_new_login_replaces_the_old_session(server):
    old = server.disk()
    server.ask("hold", A)
    held_read(old)
    wait_for(lambda: server.ask("held", A) == "1", "the read in the disk")
    new = server.client()
    new.login_step({**new.names(), "AuthMethod": "None"})
    new.send(new.login_pdu({}, csg=1, nsg=3))
    old.expect_closed()
    new.expect_silence(0.1)
    server.ask("release", A)
    assert new.expect(LOGIN_RESPONSE).login_status == 0
    assert server.ask("count", A) == "1"


def test_failed_login_does_not_replace_a_session(server):
    old = server.session(B, chap=("user", SECRET)).clear_attentions()
    new = server.client(B)
    assert new.chap("user", "wrong wrong wrong").login_status == 0x0201
    assert old.scsi(bytes(6))[0].status == 0
    other = server.session(A)
    server.session(A, initiator="iqn.x:j")
    assert other.clear_attentions()


def test_withdrawn_access_ends_sessions_before_it_returns(server):
    client, stays = server.disk(), server.disk(initiator="iqn.x:j")
    server.ask("hold", A)
    for lba in range(0, 64, 8):
        written(client, bytes(4096), lba=lba, data=bytes(4096))
    wait_for(lambda: server.ask("held", A) == "8", "eight writes in the disk")
    server.tell("& access", A, "iqn.x:j")
    client.expect_closed()
    assert server.process.poll() is None
    early, _, _ = select.select([server.process.stdout], [], [], 0.2)
    assert not early, "it returned with I/O under way"
    server.tell("release", A)
    assert [server.answer(), server.answer()] == ["", ""]
    assert server.ask("count", A, "iqn.x:i") == "0"
    touched = server.ask("touched", A)
    assert stays.scsi(bytes(6))[0].status == 0, "the other session stays"
    refused = server.client()
    assert refused.login_step(refused.names()).login_status == 0x0202
    assert server.ask("touched", A) == touched


def test_changed_secret_ends_the_session(server):
    client = server.session(B, chap=("user", SECRET))
    server.ask("access", B, "iqn.x:i,user,another-secret")
    client.expect_closed()
    server.session(B, chap=("user", "another-secret"))


def test_bad_access_lists_are_refused(server):
    for entry in ("iqn.x:i,user,short", "iqn.x:i,user,%s,t,%s" % (SECRET, SECRET)):
        server.tell("access", A, entry)
        try:
            server.answer()
        except AssertionError as refusal:
            assert "secret" in str(refusal)
        else:
            raise AssertionError("accepted " + entry)
    assert server.session()


def test_removed_target_ends_its_sessions(server):
    client = server.disk()
    server.ask("remove", A)
    client.expect_closed()
    late = server.client()
    assert late.login_step(late.names()).login_status == 0x0203
    server.ask("add", A, 8)


def test_grown_disk_is_told(server):
    client = server.disk()
    server.ask("grow", A, 128)
    status, _ = client.scsi(bytes(6))
    assert status.status == 2 and status.sense() == (6, 0x2A09)


def test_drain_asks_for_logout_and_waits(server):
    polite, rude = server.disk(), server.disk(initiator="iqn.x:j")
    server.tell("drain", 3000)
    event = polite.expect(ASYNC)
    assert event.bhs[36] == 1 and event.get(42, 2) == 3
    rude.expect(ASYNC)
    began = time.monotonic()
    assert polite.scsi(bytes(6))[0].status == 0, "it may finish its work"
    polite.logout()
    assert polite.expect(LOGOUT_RESPONSE).response == 0
    polite.close()
    rude.expect_closed()
    assert server.answer() == "" and time.monotonic() - began < 6


def test_sessions_close_with_events(server):
    server.session().close()
    wait_for(lambda: server.ask("count", A) == "0", "the session to end")
    refused = server.client(A + "x")
    refused.login_step(refused.names())
    wait_for(lambda: server.ask("events") == "1 1 1", "three events")


@settings(loops=2)
def test_two_reactors_serve_their_own_targets(server):
    a = server.disk(A)
    b = server.session(B, chap=("user", SECRET)).clear_attentions()
    for client in (a, b):
        data = pattern(65536)
        good(client, written(client, data, data=data))
        verify(client, 0, data)
    new = server.session(B, chap=("user", SECRET))
    b.expect_closed()
    assert new.clear_attentions()
    server.ask("access", B, "iqn.x:j")
    new.expect_closed()
    a.logout()
    assert a.expect(LOGOUT_RESPONSE).response == 0


if __name__ == "__main__":
    main(globals())
