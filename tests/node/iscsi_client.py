# SPDX-License-Identifier: GPL-2.0-or-later
"""An iSCSI initiator for tests, on a raw socket: it sends exactly what a test asks for, right or
wrong, and takes answers apart. RFC 7143 gives the offsets."""
import hashlib
import socket
import struct
import time

NOP_OUT, SCSI, TASK, LOGIN, TEXT, DATA_OUT, LOGOUT, SNACK = 0, 1, 2, 3, 4, 5, 6, 0x10
NOP_IN, SCSI_RESPONSE, TASK_RESPONSE, LOGIN_RESPONSE, TEXT_RESPONSE, DATA_IN, LOGOUT_RESPONSE = (
    0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26)
R2T, ASYNC, REJECT = 0x31, 0x32, 0x3F
NONE = 0xFFFFFFFF
IMMEDIATE, FINAL = 0x40, 0x80
READ, WRITE = 0x40, 0x20

KEYS = {
    "HeaderDigest": "None", "DataDigest": "None", "InitialR2T": "No", "ImmediateData": "Yes",
    "MaxBurstLength": "262144", "FirstBurstLength": "65536", "MaxOutstandingR2T": "1",
    "MaxRecvDataSegmentLength": "262144", "DefaultTime2Wait": "2", "DefaultTime2Retain": "0",
    "MaxConnections": "1", "ErrorRecoveryLevel": "0",
}


def make_crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = make_crc_table()


def crc32c(data):
    crc = NONE
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ NONE


class Closed(Exception):
    """The target closed the connection."""


class Pdu:
    """A basic header of 48 bytes with its data; fields by offset."""

    def __init__(self, bhs=None, data=b""):
        self.bhs = bytearray(bhs or 48)
        self.data = data

    def get(self, offset, size=4):
        return int.from_bytes(self.bhs[offset:offset + size], "big")

    def put(self, offset, value, size=4):
        self.bhs[offset:offset + size] = (value % (1 << 8 * size)).to_bytes(size, "big")
        return self

    opcode = property(lambda self: self.bhs[0] & 0x3F)
    flags = property(lambda self: self.bhs[1])
    itt = property(lambda self: self.get(16))
    ttt = property(lambda self: self.get(20))
    stat_sn = property(lambda self: self.get(24))
    exp_cmd_sn = property(lambda self: self.get(28))
    max_cmd_sn = property(lambda self: self.get(32))
    reason = property(lambda self: self.bhs[2])
    response = property(lambda self: self.bhs[2])
    status = property(lambda self: self.bhs[3])
    login_status = property(lambda self: self.get(36, 2))

    def sense(self):
        """key, ASC and ASCQ as one number each: (0x5, 0x2400)."""
        if len(self.data) < 2 + 14:
            return None
        return self.data[4] & 0x0F, int.from_bytes(self.data[14:16], "big")

    def __repr__(self):
        return "<PDU %02x %s data=%d>" % (self.opcode, self.bhs.hex(" ", 4), len(self.data))


def text(pairs):
    if isinstance(pairs, dict):
        pairs = pairs.items()
    return b"".join(("%s=%s" % pair).encode() + b"\0" for pair in pairs)


def parse_text(data):
    return [tuple(pair.split("=", 1)) for pair in data.decode().split("\0")[:-1]]


class Client:
    def __init__(self, address, initiator="iqn.x:i", target=None, timeout=10, source=None):
        host, port = address.rsplit(":", 1)
        self.sock = socket.create_connection((host, int(port)), timeout,
                                             (source, 0) if source else None)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.initiator, self.target = initiator, target
        self.isid, self.tsih, self.cid = b"\x80\x00\x00\x00\x00\x01", 0, 1
        self.cmd_sn, self.exp_stat_sn, self.next_itt = 1, 1, 0x10
        self.header_digest = self.data_digest = False
        self.keys = {}
        self.pending = []

    # --- PDUs ---

    def send_bytes(self, data):
        self.sock.sendall(data)

    def encode(self, pdu, ahs=b"", length=None, bad_header=False, bad_data=False):
        pdu.bhs[4] = len(ahs) // 4
        pdu.put(5, len(pdu.data) if length is None else length, 3)
        out = bytes(pdu.bhs) + ahs
        if self.header_digest:
            out += struct.pack("<I", crc32c(out) ^ bad_header)
        data = pdu.data + bytes(-len(pdu.data) % 4)
        out += data
        if self.data_digest and data:
            out += struct.pack("<I", crc32c(data) ^ bad_data)
        return out

    def send(self, pdu, **how):
        self.send_bytes(self.encode(pdu, **how))
        return pdu

    def receive_bytes(self, count):
        data = b""
        while len(data) < count:
            try:
                piece = self.sock.recv(count - len(data))
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise Closed("after %d of %d bytes" % (len(data), count))
            data += piece
        return data

    def receive(self):
        bhs = self.receive_bytes(48)
        if self.header_digest:
            digest = self.receive_bytes(4)
            assert digest == struct.pack("<I", crc32c(bhs)), "header digest of the target"
        pdu = Pdu(bhs)
        length = pdu.get(5, 3)
        if length:
            data = self.receive_bytes(length + -length % 4)
            if self.data_digest:
                digest = self.receive_bytes(4)
                assert digest == struct.pack("<I", crc32c(data)), "data digest of the target"
            pdu.data = data[:length]
        has_stat_sn = pdu.opcode not in (R2T,) and not (
            pdu.opcode == DATA_IN and not pdu.flags & 1) and not (
            pdu.opcode == NOP_IN and pdu.itt == NONE)
        if has_stat_sn:
            self.exp_stat_sn = (pdu.stat_sn + 1) % (1 << 32)
        return pdu

    def expect(self, opcode):
        pdu = self.receive()
        assert pdu.opcode == opcode, "expected PDU %02x, got %r %r" % (opcode, pdu, pdu.data[:64])
        return pdu

    def expect_closed(self):
        """Nothing more comes but the end."""
        try:
            pdu = self.receive()
        except Closed:
            return
        raise AssertionError("expected the end of the connection, got %r" % pdu)

    def expect_silence(self, seconds=0.2):
        self.sock.settimeout(seconds)
        try:
            pdu = self.receive()
        except TimeoutError:
            return
        finally:
            self.sock.settimeout(10)
        raise AssertionError("expected silence, got %r" % pdu)

    def new_itt(self):
        self.next_itt += 1
        return self.next_itt

    def command(self, opcode, immediate=False, itt=None, cmd_sn=None):
        """The common part of a request with CmdSN."""
        pdu = Pdu()
        pdu.bhs[0] = opcode | (IMMEDIATE if immediate else 0)
        pdu.bhs[1] = FINAL
        pdu.put(16, self.new_itt() if itt is None else itt)
        pdu.put(24, self.cmd_sn if cmd_sn is None else cmd_sn).put(28, self.exp_stat_sn)
        if not immediate and cmd_sn is None:
            self.cmd_sn = (self.cmd_sn + 1) % (1 << 32)
        return pdu

    # --- login ---

    def login_pdu(self, data, csg=0, nsg=1, transit=True, cont=False, version_min=0):
        pdu = Pdu(data=data if isinstance(data, bytes) else text(data))
        pdu.bhs[0] = LOGIN | IMMEDIATE
        pdu.bhs[1] = (0x80 if transit else 0) | (0x40 if cont else 0) | csg << 2 | (
            nsg if transit else 0)
        pdu.bhs[3] = version_min
        pdu.bhs[8:14] = self.isid
        pdu.put(14, self.tsih, 2).put(16, 1).put(20, self.cid, 2)
        return pdu.put(24, self.cmd_sn).put(28, self.exp_stat_sn)

    def login_step(self, data, **how):
        self.send(self.login_pdu(data, **how))
        return self.expect(LOGIN_RESPONSE)

    def names(self):
        names = {"InitiatorName": self.initiator}
        names.update({"TargetName": self.target} if self.target else {"SessionType": "Discovery"})
        return names

    def full_feature(self, response):
        self.tsih = response.get(14, 2)
        self.header_digest = self.keys.get("HeaderDigest") == "CRC32C"
        self.data_digest = self.keys.get("DataDigest") == "CRC32C"

    def login(self, keys=None, chap=None):
        """Log in, with CHAP if `chap` is (user, secret[, target secret]); the last response."""
        if chap:
            response = self.chap(*chap)
        else:
            response = self.login_step({**self.names(), "AuthMethod": "None"})
        assert response.login_status == 0, "login status %04x" % response.login_status
        response = self.login_step({**KEYS, **(keys or {})}, csg=1, nsg=3)
        assert response.login_status == 0, "login status %04x" % response.login_status
        assert response.flags & 0x83 == 0x83, "transit to full feature phase"
        self.keys = dict(parse_text(response.data))
        self.full_feature(response)
        return self

    def chap(self, user, secret, target_secret=None, algorithm="5"):
        response = self.login_step({**self.names(), "AuthMethod": "CHAP,None"}, transit=False)
        assert dict(parse_text(response.data)).get("AuthMethod") == "CHAP", response.data
        response = self.login_step({"CHAP_A": algorithm}, transit=False)
        offer = dict(parse_text(response.data))
        hash_of = {"5": hashlib.md5, "6": hashlib.sha1, "7": hashlib.sha256,
                   "8": hashlib.sha3_256}[offer["CHAP_A"]]
        challenge = bytes.fromhex(offer["CHAP_C"][2:])
        digest = hash_of(bytes([int(offer["CHAP_I"])]) + secret.encode() + challenge).hexdigest()
        answer = {"CHAP_N": user, "CHAP_R": "0x" + digest}
        ours = b"0123456789abcdef"
        if target_secret:
            answer.update({"CHAP_I": "9", "CHAP_C": "0x" + ours.hex()})
        response = self.login_step(answer)
        if target_secret and response.login_status == 0:
            expected = hash_of(b"\x09" + target_secret.encode() + ours).hexdigest()
            assert dict(parse_text(response.data))["CHAP_R"] == "0x" + expected
        return response

    # --- full feature phase ---

    def scsi_pdu(self, cdb, flags=0, edtl=0, data=b"", lun=0, final=True, attribute=1, **how):
        pdu = self.command(SCSI, **how)
        pdu.bhs[1] = (FINAL if final else 0) | flags | attribute
        pdu.put(8, lun, 8).put(20, edtl)
        pdu.bhs[32:32 + len(cdb)] = cdb
        pdu.data = data
        return pdu

    def data_out(self, itt, ttt, offset, data, data_sn=0, final=True, lun=0):
        pdu = Pdu(data=data)
        pdu.bhs[0], pdu.bhs[1] = DATA_OUT, FINAL if final else 0
        pdu.put(8, lun, 8).put(16, itt).put(20, ttt).put(28, self.exp_stat_sn)
        return pdu.put(36, data_sn).put(40, offset)

    def finish(self, itt):
        """Data-In and status of a command: (status PDU, data)."""
        data = bytearray()
        data_sn = 0
        while True:
            pdu = self.receive()
            assert pdu.itt == itt, "another command's %r" % pdu
            if pdu.opcode == SCSI_RESPONSE:
                return pdu, bytes(data)
            assert pdu.opcode == DATA_IN, "expected data or status, got %r" % pdu
            assert pdu.get(36) == data_sn and pdu.get(40) == len(data), "Data-In out of order"
            data += pdu.data
            data_sn += 1
            if pdu.flags & 1:
                return pdu, bytes(data)

    def scsi(self, cdb, flags=0, edtl=0, data=b"", **how):
        pdu = self.send(self.scsi_pdu(cdb, flags, edtl, data, **how))
        return self.finish(pdu.itt)

    def clear_attentions(self):
        for _ in range(8):
            if self.scsi(bytes(6))[0].status == 0:
                return self
        raise AssertionError("the unit is never ready")

    def read(self, lba, blocks, edtl=None):
        cdb = struct.pack(">BBQIBB", 0x88, 0, lba, blocks, 0, 0)
        return self.scsi(cdb, READ, blocks * 512 if edtl is None else edtl)

    @staticmethod
    def write_cdb(lba, blocks):
        return struct.pack(">BBQIBB", 0x8A, 0, lba, blocks, 0, 0)

    def solicited(self, itt, data, piece=8192):
        """Answer the next R2T."""
        r2t = self.expect(R2T)
        assert r2t.itt == itt
        offset, length = r2t.get(40), r2t.get(44)
        for sn, at in enumerate(range(offset, offset + length, piece)):
            end = min(at + piece, offset + length)
            self.send(self.data_out(itt, r2t.ttt, at, data[at:end], sn, end == offset + length))
        return offset, length

    def task(self, function, itt=NONE, lun=0, ref_cmd_sn=0, immediate=True):
        pdu = self.command(TASK, immediate=immediate)
        pdu.bhs[1] = FINAL | function
        pdu.put(8, lun, 8).put(20, itt).put(32, ref_cmd_sn)
        return self.send(pdu)

    def nop(self, data=b"", **how):
        pdu = self.command(NOP_OUT, **how)
        pdu.put(20, NONE).data = data
        return self.send(pdu)

    def text(self, pairs, ttt=NONE, final=True, cont=False):
        pdu = self.command(TEXT)
        pdu.bhs[1] = (FINAL if final else 0) | (0x40 if cont else 0)
        pdu.put(20, ttt).data = pairs if isinstance(pairs, bytes) else text(pairs)
        return self.send(pdu)

    def logout(self, reason=0, cid=None):
        pdu = self.command(LOGOUT, immediate=True)
        pdu.bhs[1] = FINAL | reason
        return self.send(pdu.put(20, self.cid if cid is None else cid, 2))

    def close(self):
        self.sock.close()


def wait_for(condition, what, seconds=10):
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "gave up waiting: " + what
        time.sleep(0.01)
