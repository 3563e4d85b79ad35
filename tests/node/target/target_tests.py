# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the target share: a target_server, and a runner. A test file holds functions
test_*(server); each gets a server of its own and prints one line."""
import os
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from iscsi_client import Client  # noqa: E402

PREFIX = "iqn.2026-11.dev.berth:t:"
A, B = PREFIX + "a", PREFIX + "b"
SECRET, TARGET_SECRET = "secretsecret12", "othersecret1234"


class Server:
    """target_server with two disks: a, open to iqn.x:i and iqn.x:j, and b, with CHAP."""

    def __init__(self, **settings):
        environment = {**os.environ, "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
                       **{key.upper(): str(value) for key, value in settings.items()}}
        self.process = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env=environment, text=True)
        self.address = self.ask("listen 127.0.0.1:0")
        self.ask("add", A, 64)
        self.ask("add", B, 64)
        self.ask("access", A, "iqn.x:i", "iqn.x:j")
        self.ask("access", B, "iqn.x:i,user," + SECRET, "iqn.x:m,user,%s,target,%s" %
                 (SECRET, TARGET_SECRET))

    def tell(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline().rstrip("\n")
        verdict, _, rest = line.partition(" ")
        assert verdict == "ok", "target_server: " + line
        return rest

    def ask(self, *words):
        self.tell(*words)
        return self.answer()

    def client(self, target=A, **how):
        return Client(self.address, target=target, **how)

    def session(self, target=A, keys=None, chap=None, **how):
        return self.client(target, **how).login(keys, chap)

    def disk(self, target=A, keys=None, **how):
        """A session whose unit attentions are taken."""
        return self.session(target, keys, **how).clear_attentions()

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def stop(self):
        """The orderly end: sanitizers find what leaked."""
        if self.process.poll() is None:
            self.tell("quit")
        self.process.stdin.close()
        status = self.process.wait(30)
        assert status == 0, "target_server ended with %d" % status


def main(tests):
    """Run all functions test_* of a module's globals() whose name holds argv[2]."""
    failed = 0
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    for name, test in list(tests.items()):
        if not name.startswith("test_") or only not in name:
            continue
        server = Server(**getattr(test, "settings", {}))
        began = time.monotonic()
        try:
            test(server)
            server.stop()
            print("ok   %s (%.2f s)" % (name, time.monotonic() - began), flush=True)
        except Exception:  # whatever it was, the next test runs
            failed += 1
            server.process.kill()
            print("FAIL %s\n%s" % (name, traceback.format_exc()), flush=True)
    sys.exit(1 if failed else 0)


def settings(**values):
    """The environment of target_server for one test."""
    def mark(test):
        test.settings = values
        return test
    return mark
