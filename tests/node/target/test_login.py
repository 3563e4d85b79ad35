# SPDX-License-Identifier: GPL-2.0-or-later
"""Login over the wire: stages, names, keys, CHAP, limits on connections."""
import socket
import time

from target_tests import A, B, PREFIX, SECRET, TARGET_SECRET, main, settings
from iscsi_client import (FINAL, LOGIN_RESPONSE, NOP_IN, REJECT, TEXT_RESPONSE, Client, Closed,
                          Pdu, parse_text, text, wait_for)


LAST_SOURCE = [0]


def elsewhere():
    """An address that has not failed yet: those that did are answered late."""
    LAST_SOURCE[0] += 1
    return "127.0.1.%d" % LAST_SOURCE[0]


def refused(client, response, status):
    assert response.login_status == status, "login status %04x, expected %04x" % (
        response.login_status, status)
    client.expect_closed()


def refuses(server, data, status, **how):
    client = server.client()
    refused(client, client.login_step(data, **how), status)


def named(pairs):
    return text({"InitiatorName": "iqn.x:i", "TargetName": A}) + (
        pairs if isinstance(pairs, bytes) else text(pairs))


def test_other_request_first_is_refused(server):
    for opcode in (0, 1, 2, 4, 5, 6, 0x10, 0x3F):
        client = server.client()
        pdu = Pdu()
        pdu.bhs[0] = opcode
        client.send(pdu)
        refused(client, client.expect(LOGIN_RESPONSE), 0x020B)


def test_bytes_behind_the_last_login_request_are_served(server):
    client = server.client()
    client.login_step({**client.names(), "AuthMethod": "None"})
    last = client.encode(client.login_pdu({}, csg=1, nsg=3))
    nop = client.command(0, immediate=True)
    nop.put(20, 0xFFFFFFFF).data = b"ping"
    client.send_bytes(last + client.encode(nop))
    assert client.expect(LOGIN_RESPONSE).login_status == 0
    assert client.expect(NOP_IN).data == b"ping"


@settings(login_timeout_ms=500)
def test_slow_login_is_dropped_in_time(server):
    client = server.client()
    data = client.encode(client.login_pdu({**client.names(), "AuthMethod": "None"}))
    began = time.monotonic()
    try:
        for byte in data:
            client.send_bytes(bytes([byte]))
            time.sleep(0.02)
        client.receive()
    except (Closed, BrokenPipeError, ConnectionResetError):
        pass
    assert 0.3 < time.monotonic() - began < 3, "bytes must not prolong a login"


def test_half_open_connections_are_limited_per_address(server):
    clients = [server.client() for _ in range(80)]
    closed = 0
    for client in clients:
        client.sock.settimeout(0.02)
        try:
            closed += client.sock.recv(1) == b""
        except TimeoutError:
            pass
        except ConnectionResetError:
            closed += 1
    assert closed == 16, "%d of 80 were refused, 64 may stay" % closed
    server.session(source="127.0.0.9").close()
    before = server.descriptors()
    for client in clients:
        client.close()
    wait_for(lambda: server.descriptors() <= before - 64, "descriptors of closed connections")


def test_connections_cut_anywhere_leave_nothing(server):
    before = server.descriptors()
    whole = server.client()
    data = whole.encode(whole.login_pdu({**whole.names(), "AuthMethod": "None"}))
    whole.close()
    for cut in range(0, len(data), 7):
        client = server.client()
        client.send_bytes(data[:cut])
        if cut % 2:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
    wait_for(lambda: server.descriptors() <= before, "descriptors of cut connections")


def test_header_is_checked(server):
    refuses(server, named({}), 0x0205, version_min=1)
    refuses(server, named({}), 0x0200, csg=2, nsg=3)
    refuses(server, named({}), 0x0200, csg=0, nsg=2)
    refuses(server, named({}), 0x0200, csg=1, nsg=1)
    refuses(server, named({}), 0x0200, csg=1, nsg=0)
    refuses(server, named({}), 0x0200, csg=3, nsg=3)
    refuses(server, named({}), 0x0200, cont=True)
    client = server.client()
    client.send(client.login_pdu(named({})), ahs=bytes(8))
    refused(client, client.expect(LOGIN_RESPONSE), 0x0200)


def test_long_request_is_refused_without_its_data(server):
    client = server.client()
    pdu = client.login_pdu(b"")
    client.send(pdu, length=8193)
    refused(client, client.expect(LOGIN_RESPONSE), 0x0200)


def test_text_is_checked(server):
    for data in (b"NoEquals\0", b"=value\0", b"x" * 64 + b"=v\0", b"X=" + b"v" * 256 + b"\0",
                 b"X=1\0X=1\0", b"X=\x01\0", b"X=\xc3\xa4\0", b"\0", b"X=1\0\0", b"X=1",
                 b"K\x80=1\0"):
        refuses(server, named(data), 0x0200)
    client = server.client()
    fill = 8192 - len(named(b""))
    data = b"".join(b"X%03d=%s\0" % (i, b"v" * 200) for i in range(fill // 206))
    data += b"Z=" + b"v" * (fill - len(data) - 2)
    refused(client, client.login_step(named(data)), 0x0200)


def test_endless_text_is_cut_off(server):
    client = server.client()
    for _ in range(200):
        response = client.login_step(b"X=1234\0", transit=False, cont=True)
        if response.login_status:
            break
    refused(client, response, 0x0302)
    client = server.client()
    response = client.login_step(b"", transit=False, cont=True)
    assert response.login_status == 0 and response.data == b""


def test_unknown_keys_are_not_understood(server):
    client = server.client()
    response = client.login_step(named([("X-a%d" % i, "b") for i in range(50)]), csg=1, nsg=3)
    answers = dict(parse_text(response.data))
    assert all(answers["X-a%d" % i] == "NotUnderstood" for i in range(50)), answers
    refuses(server, named([("a%d" % i, "b") for i in range(1000)]), 0x0302)


def test_names_are_required_and_known(server):
    refuses(server, text({"TargetName": A}), 0x0207)
    refuses(server, text({"InitiatorName": "iqn.x:i"}), 0x0207)
    refuses(server, text({"InitiatorName": "", "TargetName": A}), 0x0207)
    refuses(server, text({"InitiatorName": "iqn.x:i", "TargetName": A + "x"}), 0x0203)
    refuses(server, text({"InitiatorName": "iqn.x:k", "TargetName": A}), 0x0202)
    refuses(server, named({"SessionType": "Foo"}), 0x0209)
    refuses(server, text({"InitiatorName": "i" * 224, "TargetName": A}), 0x0200)


def test_joining_a_session_is_refused(server):
    session = server.session()
    client = server.client()
    client.tsih = session.tsih ^ 0x5555
    refused(client, client.login_step(named({})), 0x020A)
    client = server.client()
    client.tsih = session.tsih
    refused(client, client.login_step(named({})), 0x0206)
    client = server.client(initiator="iqn.x:j")
    client.tsih = session.tsih
    refused(client, client.login_step(text({"InitiatorName": "iqn.x:j", "TargetName": A})), 0x0208)
    assert session.scsi(bytes(6))


def test_login_must_stay_itself(server):
    for field, value, size in ((16, 99, 4), (8, 7, 6), (20, 9, 2), (14, 1, 2)):
        client = server.client()
        client.login_step(client.names(), transit=False)
        pdu = client.login_pdu({"AuthMethod": "None"}).put(field, value, size)
        client.send(pdu)
        refused(client, client.expect(LOGIN_RESPONSE), 0x020B)
    client = server.client()
    client.login_step({**client.names(), "AuthMethod": "None"})
    refused(client, client.login_step({}, csg=0, nsg=1), 0x0200)
    client = server.client()
    client.login_step({**client.names(), "AuthMethod": "None"})
    refused(client, client.login_step({"InitiatorName": "iqn.x:j"}, csg=1, nsg=3), 0x0200)


def test_numbers_are_checked(server):
    for bad in ("0", "-1", "16777216", "18446744073709551616", "0x", "1e3", "", "511"):
        client = server.client()
        response = client.login_step(named({"MaxBurstLength": bad}), csg=1, nsg=3)
        assert dict(parse_text(response.data))["MaxBurstLength"] == "Reject", bad
    client = server.client()
    response = client.login_step(named({"MaxBurstLength": "0x400", "FirstBurstLength": "512",
                                        "InitialR2T": "maybe"}), csg=1, nsg=3)
    answers = dict(parse_text(response.data))
    assert answers["MaxBurstLength"] == "1024" and answers["InitialR2T"] == "Reject"
    for order in (1, -1):
        keys = [("FirstBurstLength", "131072"), ("MaxBurstLength", "65536")][::order]
        refuses(server, named(keys), 0x0200, csg=1, nsg=3)
    refuses(server, named({"MaxRecvDataSegmentLength": "511"}), 0x0200, csg=1, nsg=3)
    refuses(server, named({"MaxRecvDataSegmentLength": "16777216"}), 0x0200, csg=1, nsg=3)


def test_authentication_cannot_be_skipped(server):
    for data, how in (({}, {"csg": 1, "nsg": 3}), ({}, {"csg": 0, "nsg": 1}),
                      ({}, {"csg": 0, "nsg": 3}), ({"AuthMethod": "None"}, {}),
                      ({"AuthMethod": "KRB5,SRP"}, {})):
        client = server.client(B, source=elsewhere())
        response = client.login_step({**client.names(), **data}, **how)
        if data:
            assert dict(parse_text(response.data))["AuthMethod"] == "Reject"
        refused(client, response, 0x0201)


def test_chap_lets_the_right_secret_in(server):
    for algorithm in ("5", "6", "7", "8", "99,7"):
        client = server.client(B)
        assert client.chap("user", SECRET, algorithm=algorithm).login_status == 0
        assert client.login_step({}, csg=1, nsg=3).login_status == 0
    server.session(B, chap=("user", SECRET, TARGET_SECRET), initiator="iqn.x:m")


def test_chap_keeps_wrong_answers_out(server):
    for user, secret in (("user", "wrong"), ("nobody", SECRET), ("", SECRET), ("u" * 255, SECRET)):
        client = server.client(B, source=elsewhere())
        refused(client, client.chap(user, secret), 0x0201)
    client = server.client(B, source=elsewhere())
    refused(client, client.chap("user", SECRET, TARGET_SECRET), 0x0201)
    client = server.client(B, source=elsewhere())
    client.login_step({**client.names(), "AuthMethod": "CHAP"}, transit=False)
    refused(client, client.login_step({"CHAP_A": "9,10"}, transit=False), 0x0201)
    client = server.client(B)
    client.login_step({**client.names(), "AuthMethod": "CHAP"}, transit=False)
    refused(client, client.login_step({"CHAP_N": "user", "CHAP_R": "0x00"}), 0x0200)


def challenged(server, initiator="iqn.x:m"):
    client = server.client(B, initiator=initiator, source=elsewhere())
    client.login_step({**client.names(), "AuthMethod": "CHAP"}, transit=False)
    return client, dict(parse_text(client.login_step({"CHAP_A": "5"}, transit=False).data))


def test_chap_answers_are_measured_before_they_are_read(server):
    for response in ("0x" + "0" * 30, "0x" + "0" * 64, "0x" + "0" * 31, "0x" + "zz" * 16, "0x",
                     "0b" + "A" * 127, "0b" + "A" * 2000, "0x" + "0" * 4000, "", "1234"):
        client, _ = challenged(server)
        refused(client, client.login_step({"CHAP_N": "user", "CHAP_R": response}), 0x0201)


def chap_answer(offer):
    import hashlib
    data = bytes([int(offer["CHAP_I"])]) + SECRET.encode() + bytes.fromhex(offer["CHAP_C"][2:])
    return {"CHAP_N": "user", "CHAP_R": "0x" + hashlib.md5(data).hexdigest()}


def test_initiators_challenge_is_checked(server):
    for number in ("256", "-1"):
        client, offer = challenged(server)
        keys = {**chap_answer(offer), "CHAP_I": number, "CHAP_C": "0x" + "11" * 16}
        refused(client, client.login_step(keys), 0x0200)
    for challenge in ("", "0x", "0x" + "11" * 1025):
        client, offer = challenged(server)
        keys = {**chap_answer(offer), "CHAP_I": "1", "CHAP_C": challenge}
        refused(client, client.login_step(keys), 0x0201)


def test_reflected_challenge_gets_no_answer(server):
    client, offer = challenged(server)
    other, other_offer = challenged(server)
    for conn, own, reflected in ((client, offer, offer), (other, other_offer, offer)):
        keys = {**chap_answer(own), "CHAP_I": "1", "CHAP_C": reflected["CHAP_C"]}
        response = conn.login_step(keys)
        assert b"CHAP_R" not in response.data
        refused(conn, response, 0x0201)


def test_challenges_do_not_repeat(server):
    seen = set()
    for _ in range(8):
        client, offer = challenged(server)
        seen.add(offer["CHAP_C"])
        assert len(offer["CHAP_C"]) >= 2 + 2 * 16
        client.close()
    assert len(seen) == 8


def test_guessing_is_slowed_down(server):
    delays = []
    for _ in range(5):
        client = server.client(B)
        began = time.monotonic()
        client.chap("user", "wrong wrong wrong")
        delays.append(time.monotonic() - began)
    assert delays[4] > 1.0 and delays[4] > 4 * delays[0], delays
    began = time.monotonic()
    server.session(B, chap=("user", SECRET))
    assert time.monotonic() - began < 1, "the right secret must not wait"


@settings(session_max=2)
def test_sessions_are_limited(server):
    sessions = [server.session(initiator="iqn.x:i"), server.session(initiator="iqn.x:j")]
    client = server.client(None)
    client.login_step({**client.names(), "AuthMethod": "None"})
    refused(client, client.login_step({}, csg=1, nsg=3), 0x0302)
    sessions[0].close()
    wait_for(lambda: server.ask("count", A) == "1", "the session to end")
    server.session()


def test_discovery_shows_what_the_initiator_may_see(server):
    server.ask("add", PREFIX + "c", 1)
    discovery = server.session(None)
    discovery.text({"SendTargets": "All"})
    answer = discovery.expect(TEXT_RESPONSE)
    pairs = parse_text(answer.data)
    assert sorted(value for key, value in pairs if key == "TargetName") == [A, B]
    assert ("TargetAddress", server.address + ",1") in pairs
    discovery.text({"SendTargets": A})
    assert parse_text(discovery.expect(TEXT_RESPONSE).data)[0] == ("TargetName", A)
    discovery.send(discovery.scsi_pdu(bytes(6)))
    assert discovery.expect(REJECT).reason == 0x05
    stranger = server.session(None, initiator="iqn.x:k")
    stranger.text({"SendTargets": "All"})
    assert stranger.expect(TEXT_RESPONSE).data == b""


def test_many_targets_come_in_pieces(server):
    for i in range(60):
        server.ask("add", PREFIX + "v%d" % i, 1)
        server.ask("access", PREFIX + "v%d" % i, "iqn.x:i")
    discovery = server.client(None).login({"MaxRecvDataSegmentLength": "512"})
    discovery.text({"SendTargets": "All"})
    data, pieces = b"", 0
    while True:
        answer = discovery.expect(TEXT_RESPONSE)
        assert len(answer.data) <= 512
        data += answer.data
        pieces += 1
        if answer.flags & FINAL:
            break
        assert answer.flags & 0x40 and answer.ttt != 0xFFFFFFFF
        discovery.text(b"", ttt=answer.ttt)
    names = [value for key, value in parse_text(data) if key == "TargetName"]
    assert len(set(names)) == 62 and pieces >= 9, (len(names), pieces)


if __name__ == "__main__":
    main(globals())
