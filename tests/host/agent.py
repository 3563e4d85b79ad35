# SPDX-License-Identifier: GPL-2.0-or-later
"""A real berth-node and berth-agent for a test on the bare host, with the user attachment.

    with Host() as host:
        host.agent.Provision(...)
        host.kill_agent(); host.start_agent()

Whatever a test leaves behind (mounts, loop devices, berth-attach) is taken away at the end, by
its place in the test's own folder.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "node"))
from daemon import BUILD, Daemon, Node, agent_pb2, agent_pb2_grpc, wait_until  # noqa: E402

DEADLINE_S = 110


class Agent(Daemon):
    def __init__(self, folder, node, *arguments):
        self.address = f"unix:{folder}/agent.sock"
        super().__init__([BUILD / "userspace" / "agent" / "berth-agent", "--api", self.address,
                          "--state", Path(folder) / "agent", "--mounts", Path(folder) / "mounts",
                          "--node", node, "--attachment", "user",
                          "--initiator", "iqn.2026-11.dev.berth.test:agent",
                          "--attach-program", BUILD / "userspace" / "attach" / "berth-attach",
                          "--log-level", "debug", *arguments], folder)


class Host:
    """A node with a pool, and an agent."""

    def __init__(self, *arguments):
        self._temporary = tempfile.TemporaryDirectory(prefix="berth-host-")
        self.folder = Path(self._temporary.name)
        self.node = Node()
        self.process = Agent(self.folder, self.node.address, *arguments)
        self.channel = None

    def start_agent(self, die_after=None):
        """With `die_after` it kills itself after that step (docs/AGENT.md)."""
        if die_after:
            os.environ["BERTH_AGENT_DIE_AFTER"] = die_after
        try:
            self.process.start()
        finally:
            os.environ.pop("BERTH_AGENT_DIE_AFTER", None)
        if self.channel:
            self.channel.close()
        self.channel = grpc.insecure_channel(self.process.address)
        self.agent = agent_pb2_grpc.AgentStub(self.channel)

    def kill_agent(self):
        self.process.kill()

    def wait_for_death(self):
        assert self.process.process.wait(60) == -signal.SIGKILL

    # --- calls ---

    def provision(self, name, size=1 << 30, **fields):
        return self.agent.Provision(agent_pb2.ProvisionRequest(name=name, size=size, **fields),
                                    timeout=DEADLINE_S)

    def attach(self, name, holder="h1", instance="docker:1"):
        return self.agent.Attach(agent_pb2.AttachRequest(
            name=name, holder=holder, instance=instance), timeout=DEADLINE_S)

    def detach(self, name, holder="h1", instance="docker:1"):
        return self.agent.Detach(agent_pb2.DetachRequest(
            name=name, holder=holder, instance=instance), timeout=DEADLINE_S)

    def get(self, name, timeout=DEADLINE_S):
        return self.agent.Get(agent_pb2.HostVolumeName(name=name), timeout=timeout)

    def list(self, timeout=DEADLINE_S):
        return list(self.agent.List(agent_pb2.ListRequest(), timeout=timeout).volumes)

    def remove(self, name):
        return self.agent.Remove(agent_pb2.HostVolumeName(name=name), timeout=DEADLINE_S)

    def wait_for_state(self, name, state, seconds=40):
        return wait_until(f"volume {name} is {state}", lambda: self.get(name).state == state,
                          seconds)

    # --- what is in place ---

    def mounts(self):
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        return [line.split()[4] for line in lines if line.split()[4].startswith(f"{self.folder}/")]

    def loops(self):
        found = []
        for path in Path("/sys/block").glob("loop*/loop/backing_file"):
            try:
                if path.read_text().startswith(f"{self.folder}/"):
                    found.append(f"/dev/{path.parts[3]}")
            except OSError:
                pass  # detached just now
        return found

    def servers(self):
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue  # ended just now
            if any(word.startswith(f"{self.folder}/".encode()) for word in words) and \
                    words[0].endswith(b"/berth-attach"):
                found.append(int(path.parts[2]))
        return found

    def publications(self, volume):
        from daemon import node_pb2
        return list(self.node.api.GetVolume(node_pb2.VolumeName(name=volume)).publications)

    def check_nothing_left(self, *volumes):
        assert self.mounts() == [], self.mounts()
        assert self.loops() == [], self.loops()
        wait_until("berth-attach has ended", lambda: self.servers() == [])
        for volume in volumes:
            assert self.publications(volume) == []

    # --- beginning and end ---

    def __enter__(self):
        try:
            self.node.start()
            self.node.make_pool(size=8 << 30)
            self.start_agent()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def _clear_away(self):
        for mount in sorted(self.mounts(), reverse=True):
            if "/attach/" not in mount:
                subprocess.run(["umount", mount], check=False)
        for loop in self.loops():
            subprocess.run(["losetup", "-d", loop], check=False)
        for pid in self.servers():
            os.kill(pid, signal.SIGKILL)
        for mount in sorted(self.mounts(), reverse=True):
            subprocess.run(["umount", mount], check=False)

    def __exit__(self, kind, value, trace):
        if self.channel:
            self.channel.close()
        try:
            if kind is None:
                self.process.stop()
            elif self.process.process and self.process.process.poll() is None:
                self.process.kill()
        finally:
            if kind is not None:
                print(self.process.log(), file=sys.stderr)
            self._clear_away()
            self.node.__exit__(kind, value, trace)
            self._temporary.cleanup()
