# SPDX-License-Identifier: GPL-2.0-or-later
"""A real berth-node for a test: started in a folder of its own, ended whatever happens.

    with Node() as node:
        node.api.CreatePool(node_pb2.CreatePoolRequest(name="p", size=1 << 30, path=node.path("p")))
        node.kill()      # SIGKILL
        node.start()     # again, same folder, same portal

BERTH_BUILD names Meson's build folder. `api` is a stock gRPC client's stub, made from rpc/*.proto
when the test starts.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import grpc

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BERTH_BUILD", ROOT / "build" / "test"))
INITIATOR = "iqn.2026-11.dev.example:test"


def _generate_stubs():
    folder = tempfile.mkdtemp(prefix="berth-stubs-")
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I", str(ROOT / "rpc"),
                    f"--python_out={folder}", f"--grpc_python_out={folder}",
                    "node.proto", "agent.proto"], check=True)
    sys.path.insert(0, folder)
    # Imported here, so that the folder can go at once.
    import agent_pb2, agent_pb2_grpc, node_pb2, node_pb2_grpc  # noqa: E401
    subprocess.run(["rm", "-r", folder], check=True)
    return node_pb2, node_pb2_grpc, agent_pb2, agent_pb2_grpc


node_pb2, node_pb2_grpc, agent_pb2, agent_pb2_grpc = _generate_stubs()


def wait_until(what, condition, seconds=20):
    """Ask until it is true; a deadline that passes is a failure with a name."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


class Daemon:
    """A program that says READY=1 to NOTIFY_SOCKET and ends on SIGTERM."""

    def __init__(self, arguments, folder):
        self.arguments = [str(a) for a in arguments]
        self.folder = Path(folder)
        self.log_path = self.folder / (Path(self.arguments[0]).name + ".log")
        self.process = None

    def start(self, seconds=60):
        ready_path = self.folder / (Path(self.arguments[0]).name + ".ready")
        ready_path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(ready_path))
            ready.settimeout(0.1)
            with open(self.log_path, "ab") as log:
                self.process = subprocess.Popen(
                    self.arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env={**os.environ, "NOTIFY_SOCKET": str(ready_path)})
            deadline = time.monotonic() + seconds
            while True:
                try:
                    if b"READY=1" in ready.recv(4096):
                        return self
                except socket.timeout:
                    pass
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"{self.arguments[0]} did not start:\n{self.log()}")

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def kill(self):
        """The way a crash ends it."""
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=60):
        """The way an administrator ends it; it must leave in order."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.arguments[0]} did not stop:\n{self.log()}") from None
        assert status == 0, f"{self.arguments[0]} ended with {status}:\n{self.log()}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Node(Daemon):
    def __init__(self, *arguments):
        self._temporary = tempfile.TemporaryDirectory(prefix="berth-node-")
        folder = Path(self._temporary.name)
        self.portal = f"127.0.0.1:{free_port()}"
        self.address = f"unix:{folder}/api.sock"
        super().__init__([BUILD / "userspace" / "node" / "berth-node", "--listen", self.portal,
                          "--api", self.address, "--state", folder / "state",
                          "--name", "n1", *arguments], folder)
        self.channel = None

    def start(self, seconds=60):
        super().start(seconds)
        # A channel of its own for each life of the server: an old one may only find out at its
        # next call that the other end has died.
        if self.channel:
            self.channel.close()
        self.channel = grpc.insecure_channel(self.address)
        self.api = node_pb2_grpc.NodeStub(self.channel)
        return self

    def stop(self, seconds=60):
        """Whatever a test did, its pools must be sound afterwards, and every figure exact."""
        was_running = self.process is not None and self.process.poll() is None
        super().stop(seconds)
        if was_running:
            self.check_pools()

    def check_pools(self):
        state = self.folder / "state" / "node.json"
        pools = json.loads(state.read_text())["pools"] if state.exists() else []
        for pool in pools:
            if os.path.exists(pool["path"]):
                run(self.arguments[0], "check", pool["path"])

    def path(self, name):
        return str(self.folder / name)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if self.channel:
            self.channel.close()
        try:
            if kind is None:
                self.stop()
            elif self.process and self.process.poll() is None:
                self.kill()
        finally:
            if kind is not None:
                print(self.log(), file=sys.stderr)
            self._temporary.cleanup()

    # --- the few things that nearly every test begins with ---

    def make_pool(self, name="p", size=1 << 30):
        return self.api.CreatePool(node_pb2.CreatePoolRequest(
            name=name, size=size, path=self.path(name + ".pool")))

    def make_volume(self, name, size=1 << 30, pool=""):
        return self.api.CreateVolume(node_pb2.CreateVolumeRequest(name=name, size=size, pool=pool))

    def publish(self, volume, initiator=INITIATOR, no_chap=True, shared=False):
        return self.api.Publish(node_pb2.PublishRequest(
            volume=volume, initiator=initiator, no_chap=no_chap, shared=shared))

    def url(self, volume):
        return f"iscsi://{self.portal}/iqn.2026-11.dev.berth:n1:{volume}/0"


def refused(code, call, *arguments):
    """The call must be refused with this status; answers the sentence."""
    try:
        call(*arguments)
    except grpc.RpcError as error:
        assert error.code() == code, f"{error.code()} instead of {code}: {error.details()}"
        assert len(error.details()) > 10, "a refusal needs a sentence"
        return error.details()
    raise AssertionError(f"was not refused with {code}")


def run(*command, **options):
    """A program that must succeed; answers what it printed."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120,
                          errors="replace", check=False, **options)
    assert done.returncode == 0, (
        f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def run_tests(module):
    """Run every test_* of a module in order of definition; the exit status says how it went."""
    failed = 0
    for name, test in list(vars(module).items()):
        if not name.startswith("test_"):
            continue
        started = time.monotonic()
        try:
            test()
        except Exception:  # a test may fail in any way
            import traceback
            traceback.print_exc()
            failed += 1
            print(f"FAILED {name}", flush=True)
        else:
            print(f"passed {name} ({time.monotonic() - started:.1f} s)", flush=True)
    sys.exit(1 if failed else 0)
