# SPDX-License-Identifier: GPL-2.0-or-later
"""An iSCSI target that fails to order, for the tests of berth-attach.

One LUN in memory with a volatile write cache: what was not flushed is lost when it crashes. Writes
come as immediate data (up to 256 KiB), reads leave in one Data-In. No authentication. A test
sets `verdict` to answer commands with a status of its own, `is_holding` to keep answers back,
`is_deaf` to leave NOPs alone too, and `login_status` to refuse logins; it reads `log`
(opcodes) and `most_in_flight`.
"""

import socket
import struct
import threading

BLOCK = 512
GOOD, CHECK_CONDITION, BUSY, CONFLICT, TASK_SET_FULL = 0x00, 0x02, 0x08, 0x18, 0x28

INQUIRY, READ_CAPACITY, READ, WRITE, FLUSH, UNMAP, WRITE_SAME = (
    0x12, 0x9E, 0x88, 0x8A, 0x91, 0x42, 0x93)

LOGIN_KEYS = ("HeaderDigest=None", "DataDigest=None", "InitialR2T=Yes", "ImmediateData=Yes",
              "MaxRecvDataSegmentLength=262144", "FirstBurstLength=262144",
              "MaxBurstLength=262144", "MaxOutstandingR2T=1", "MaxConnections=1",
              "ErrorRecoveryLevel=0", "DefaultTime2Wait=2", "DefaultTime2Retain=0",
              "DataPDUInOrder=Yes", "DataSequenceInOrder=Yes", "TargetPortalGroupTag=1")


def sense(key, code):
    """Fixed-format sense data (SPC-4, 4.5.3)."""
    data = bytearray(18)
    data[0], data[2], data[7] = 0x70, key, 10
    data[12], data[13] = code >> 8, code & 0xFF
    return bytes(data)


def vpd(page, body):
    return struct.pack(">BBH", 0, page, len(body)) + body


def limits_page():
    body = bytearray(60)
    struct.pack_into(">II", body, 16, 0x10000, 16)  # unmap: LBAs, descriptors
    struct.pack_into(">I", body, 24, 8)  # granularity: 4 KiB
    struct.pack_into(">Q", body, 32, 0x10000)  # write same
    return vpd(0xB0, bytes(body))


class Target:
    """Call start, and crash or stop. Everything may be changed while it runs."""

    def __init__(self, uuid, size):
        self.uuid = uuid
        self.memory = bytearray(size)
        self.lost_on_crash = {}  # offset: bytes before the write, first one wins
        self.verdict = lambda cdb: None  # or (status, sense data)
        self.login_status = 0
        self.is_holding = False
        self.is_deaf = False
        self.log = []
        self.most_in_flight = 0
        self.logins = 0
        self.isids = []
        self.resets = 0
        self.port = 0
        self.lock = threading.Condition()
        self.listener = None
        self.connections = set()

    def start(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        self.listener.listen()
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        """Go away; what was acknowledged stays."""
        with self.lock:
            listener, self.listener = self.listener, None
            if listener:
                listener.shutdown(socket.SHUT_RDWR)
                listener.close()
            for connection in list(self.connections):
                connection.close()
            self.lock.notify_all()

    def crash(self):
        """Go away, and take with us what was not flushed."""
        self.stop()
        with self.lock:
            for offset, old in self.lost_on_crash.items():
                self.memory[offset:offset + len(old)] = old
            self.lost_on_crash.clear()

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, sock)
            with self.lock:
                self.connections.add(connection)
            threading.Thread(target=connection.serve, daemon=True).start()

    def release(self):
        """Answer what was held."""
        with self.lock:
            self.is_holding = False
            self.lock.notify_all()

    def count(self, opcode):
        with self.lock:
            return self.log.count(opcode)

    # --- the disk; with the lock held ---

    def change(self, offset, data):
        for at in range(offset, offset + len(data), BLOCK):
            self.lost_on_crash.setdefault(at, bytes(self.memory[at:at + BLOCK]))
        self.memory[offset:offset + len(data)] = data

    def run(self, cdb, data):
        """(status, Data-In or sense) of one command."""
        opcode = cdb[0]
        self.log.append(opcode)
        verdict = self.verdict(cdb)
        if verdict:
            return verdict
        if opcode == INQUIRY:
            return self.inquiry(cdb[2])
        if opcode == READ_CAPACITY:
            return GOOD, struct.pack(">QIBBBB16x", len(self.memory) // BLOCK - 1, BLOCK,
                                     0, 3, 0xC0, 0)
        if opcode == FLUSH:
            self.lost_on_crash.clear()
            return GOOD, b""
        if opcode == UNMAP:
            lba, blocks = struct.unpack_from(">QI", data, 8)
            self.change(lba * BLOCK, bytes(blocks * BLOCK))
            return GOOD, b""
        lba, blocks = struct.unpack_from(">QI", cdb, 2)
        if (lba + blocks) * BLOCK > len(self.memory):
            return CHECK_CONDITION, sense(0x5, 0x2100)
        if opcode == READ:
            return GOOD, bytes(self.memory[lba * BLOCK:(lba + blocks) * BLOCK])
        if opcode == WRITE:
            self.change(lba * BLOCK, data)
            return GOOD, b""
        if opcode == WRITE_SAME:
            self.change(lba * BLOCK, data * blocks)
            return GOOD, b""
        return CHECK_CONDITION, sense(0x5, 0x2000)

    def inquiry(self, page):
        pages = {0x80: vpd(0x80, self.uuid.encode()), 0x83: vpd(0x83, b""),
                 0xB0: limits_page(), 0xB2: vpd(0xB2, bytes([0, 0xE4, 2, 0]))}
        if page in pages:
            return GOOD, pages[page]
        return CHECK_CONDITION, sense(0x5, 0x2400)


class Connection:
    def __init__(self, target, sock):
        self.target = target
        self.sock = sock
        self.statsn = 1
        self.in_flight = 0
        self.send_lock = threading.Lock()

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the peer was faster
        self.sock.close()

    def receive(self, length):
        data = bytearray()
        while len(data) < length:
            piece = self.sock.recv(length - len(data))
            if not piece:
                raise ConnectionError
            data += piece
        return bytes(data)

    def send(self, opcode, flags, itt, expcmdsn, body=b"", status=0, extra=None):
        header = bytearray(48)
        with self.send_lock:
            struct.pack_into(">BBBB", header, 0, opcode, flags, 0, status)
            struct.pack_into(">I", header, 4, len(body))
            header[4] = 0
            struct.pack_into(">IIIII", header, 16, itt, 0xFFFFFFFF, self.statsn, expcmdsn,
                             (expcmdsn + 127) & 0xFFFFFFFF)
            if extra:
                extra(header)
            self.statsn += 1
            self.sock.sendall(bytes(header) + body + bytes(-len(body) % 4))

    def serve(self):
        try:
            while True:
                header = self.receive(48)
                length = int.from_bytes(header[5:8], "big")
                body = self.receive(length + -length % 4)[:length]
                if not self.dispatch(header, body):
                    return
        except ConnectionResetError:
            self.target.resets += 1
        except OSError:
            pass  # that's how connections end here
        finally:
            with self.target.lock:
                self.target.connections.discard(self)
            self.close()

    def dispatch(self, header, body):
        opcode = header[0] & 0x3F
        itt, _, cmdsn = struct.unpack_from(">III", header, 16)
        if opcode == 0x03:
            return self.login(header, itt, cmdsn)
        if opcode == 0x00:
            if not self.target.is_deaf:
                self.send(0x20, 0x80, itt, cmdsn)
        elif opcode == 0x06:
            self.send(0x26, 0x80, itt, cmdsn)
            return False
        elif opcode == 0x01:
            with self.target.lock:
                self.in_flight += 1
                self.target.most_in_flight = max(self.target.most_in_flight, self.in_flight)
            threading.Thread(target=self.command, daemon=True,
                             args=(header[32:48], body, itt, cmdsn + 1)).start()
        return True

    def login(self, header, itt, cmdsn):
        status = self.target.login_status
        keys = "\0".join(LOGIN_KEYS).encode() + b"\0"

        def extra(answer):
            answer[8:14] = header[8:14]
            answer[15] = 1
            struct.pack_into(">H", answer, 36, status)

        self.target.logins += 1
        self.target.isids.append(bytes(header[8:14]))
        self.send(0x23, 0x87, itt, cmdsn, b"" if status else keys, 0, extra)
        return status == 0

    def command(self, cdb, data, itt, expcmdsn):
        target = self.target
        with target.lock:
            while target.is_holding and self in target.connections:
                target.lock.wait(0.05)
            self.in_flight -= 1
            if self not in target.connections:
                return
            status, answer = target.run(cdb, data)
        try:
            if status == GOOD and answer:
                self.send_data(cdb, itt, expcmdsn, answer)
            elif status == CHECK_CONDITION:
                self.send(0x21, 0x80, itt, expcmdsn,
                          struct.pack(">H", len(answer)) + answer, status)
            else:
                self.send(0x21, 0x80, itt, expcmdsn, b"", status)
        except OSError:
            pass  # the connection went away meanwhile

    def send_data(self, cdb, itt, expcmdsn, answer):
        wanted = len(answer)
        if cdb[0] == INQUIRY:
            wanted = int.from_bytes(cdb[3:5], "big")
        elif cdb[0] == READ_CAPACITY:
            wanted = int.from_bytes(cdb[10:14], "big")
        answer = answer[:wanted]

        def extra(header):
            if len(answer) < wanted:
                header[1] |= 0x02  # underflow
                struct.pack_into(">I", header, 44, wanted - len(answer))

        self.send(0x25, 0x81, itt, expcmdsn, answer, GOOD, extra)
