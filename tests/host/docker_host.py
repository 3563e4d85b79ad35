# SPDX-License-Identifier: GPL-2.0-or-later
"""A container host for a test: node, agent, volume driver and a real dockerd of its own.

	enter_namespace()
	with DockerHost() as host:
	    host.docker("volume", "create", "-d", "berth", "db")

Everything lives in a temporary folder and a mount namespace, so that tests can run side by side
and beside a Docker that is in use. Leaving ends all of it, in order, and then looks whether
anything was left: that is part of every test.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "node"))

from daemon import BUILD, Daemon, Node, wait_until  # noqa: E402 (the path comes first)

PLUGINS = Path("/run/docker")  # where dockerd looks for drivers, whatever it is told
DRIVER = "berth"
SUSPECT_GRACE_SECONDS = 3


def program(name):
    return BUILD / "userspace" / name.removeprefix("berth-") / name


def enter_namespace():
    """Go on in a mount namespace, with an empty folder of Docker drivers."""
    if os.getuid() != 0:
        print("mounting and Docker need root")
        sys.exit(77)
    if "BERTH_TEST_NAMESPACE" not in os.environ:
        os.environ["BERTH_TEST_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--", sys.executable, *sys.argv])
    # As in scripts/demo, which removes the folder only if nobody holds this lock.
    while True:
        PLUGINS.mkdir(exist_ok=True)
        lock = os.open(PLUGINS, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_SH)
        if PLUGINS.exists() and os.path.sameopenfile(lock, os.open(PLUGINS, os.O_RDONLY)):
            break
        os.close(lock)
    subprocess.run(["mount", "-t", "tmpfs", "berth-test", PLUGINS], check=True)


def read_or_nothing(path):
    """A file of /proc or /sys, whose owner may be gone any moment."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


class DockerHost:
    def __init__(self):
        self._temporary = tempfile.TemporaryDirectory(prefix="berth-host-")
        self.folder = Path(self._temporary.name).resolve()
        self.node = Node()
        self.agent_address = f"unix:{self.folder}/agent.sock"
        self.agent = Daemon([program("berth-agent"), "--api", self.agent_address,
                             "--state", self.folder / "agent", "--mounts", self.folder / "mounts",
                             "--node", self.node.address, "--attachment", "user",
                             "--attach-program", program("berth-attach"),
                             "--suspect-grace", SUSPECT_GRACE_SECONDS], self.folder)
        self.driver = Daemon([program("berth-docker"), "--agent", self.agent_address,
                              "--socket", PLUGINS / "plugins" / f"{DRIVER}.sock"], self.folder)
        self.dockerd = None
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{self.folder}/docker.sock"}

    def __enter__(self):
        try:
            self.node.start()
            self.node.make_pool("p", 8 << 30)
            self.agent.start()
            self.driver.start()
            self.dockerd_start()
            self.image_make()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, value, trace):
        failed = kind is not None and not (kind is SystemExit and value.code == 0)
        try:
            self._end()
            left = self.left_behind()
            assert not left, f"left behind: {left}"
        except BaseException:
            failed = True
            raise
        finally:
            if failed:
                dockerd_log = read_or_nothing(self.folder / "dockerd.log").decode()
                for log in (self.node.log(), self.agent.log(), self.driver.log(), dockerd_log):
                    print("\n".join(log.splitlines()[-20:]), file=sys.stderr)
                self._end_by_force()
            self.node.__exit__(None, None, None)
            self._temporary.cleanup()

    def _end(self):
        """Containers first, then volumes, then who serves them."""
        if self.dockerd:
            for container in self.docker("ps", "--all", "--quiet").split():
                self.docker("rm", "--force", container)
            for volume in self.volumes():
                self.docker("volume", "rm", volume)
            self.dockerd.terminate()
            self.dockerd.wait(60)
        for daemon in (self.driver, self.agent, self.node):
            daemon.stop()
        # dockerd leaves a network namespace, and one that was killed its data folder.
        for mount in sorted(self._mounts("self"), reverse=True):
            if mount.startswith((f"{self.folder}/exec", f"{self.folder}/docker")):
                subprocess.run(["umount", mount], check=True)

    def _end_by_force(self):
        """After a failure: whoever bears our mark, or sees our mounts, is ours."""
        for process in Path("/proc").glob("[0-9]*"):
            if process.name != str(os.getpid()) and (
                    self._has_mark(process / "cmdline") or self._mounts(process.name)):
                os.kill(int(process.name), signal.SIGKILL)
        wait_until("they are gone", lambda: not any(
            self._has_mark(path) for path in Path("/proc").glob("[0-9]*/cmdline")))
        self._unmount_all()
        for device in Path("/sys/block").glob("loop*"):
            if self._has_mark(device / "loop" / "backing_file"):
                subprocess.run(["losetup", "--detach", f"/dev/{device.name}"], check=False)
        self._unmount_all()  # now also what the loop devices lay on

    def _unmount_all(self):
        for mount in sorted(self._mounts("self"), reverse=True):
            subprocess.run(["umount", "--quiet", mount], check=False, stderr=subprocess.DEVNULL)

    def _has_mark(self, path):
        return f"{self.folder}/".encode() in read_or_nothing(path)

    def _mounts(self, process):
        """Where something of ours is mounted, as that process sees it."""
        lines = read_or_nothing(Path("/proc", process, "mountinfo")).decode().splitlines()
        return [line.split()[4] for line in lines if f"{self.folder}/" in line]

    def left_behind(self):
        """Mounts, loop devices and processes that bear our folder's name."""
        return self._mounts("self") + [
            str(path) for path in [*Path("/sys/block").glob("loop*/loop/backing_file"),
                                   *Path("/proc").glob("[0-9]*/cmdline")]
            if self._has_mark(path)]

    # --- Docker ---

    def dockerd_start(self):
        with open(self.folder / "dockerd.log", "ab") as log:
            self.dockerd = subprocess.Popen(
                ["dockerd", "--data-root", self.folder / "docker", "--exec-root",
                 self.folder / "exec", "--host", f"unix://{self.folder}/docker.sock", "--pidfile",
                 self.folder / "dockerd.pid", "--iptables=false", "--ip6tables=false",
                 "--bridge=none"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until("dockerd answers", lambda: subprocess.run(
            ["docker", "version"], env=self.environment, capture_output=True,
            check=False).returncode == 0, seconds=60)

    def dockerd_kill(self):
        """As a crash does it."""
        self.dockerd.kill()
        self.dockerd.wait()
        # The kernel ends its containerd after it. Where init is slow to reap that, a new dockerd
        # would take it for running and wait for it in vain.
        folder = self.folder / "exec" / "containerd"
        wait_until("containerd is gone too", lambda: not any(
            f"{folder}/containerd.toml".encode() in read_or_nothing(path)
            for path in Path("/proc").glob("[0-9]*/cmdline")))
        (folder / "containerd.pid").unlink(missing_ok=True)

    def image_make(self):
        """An image named busybox, with a folder /seed that has content."""
        root = self.folder / "image"
        (root / "bin").mkdir(parents=True)
        (root / "seed").mkdir()
        (root / "seed" / "file").write_text("from the image\n")
        subprocess.run(["cp", "/bin/busybox", root / "bin" / "busybox"], check=True)
        for name in ("sh", "cat", "dd", "sleep", "ls", "stat", "sync", "df", "sha256sum", "grep"):
            (root / "bin" / name).symlink_to("busybox")
        with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(["docker", "import", "-", "busybox"], stdin=tar.stdout, check=True,
                           env=self.environment, capture_output=True)

    def docker(self, *words, status=0, seconds=120):
        """Run docker; answers what it printed, with a failure that was expected its sentence."""
        done = subprocess.run(["docker", *map(str, words)], env=self.environment, text=True,
                              capture_output=True, timeout=seconds, check=False)
        assert done.returncode == status, \
            f"docker {words}: {done.returncode}, {done.stdout}{done.stderr}"
        return done.stderr if status else done.stdout

    def volumes(self):
        return self.docker("volume", "ls", "--quiet", "--filter", f"driver={DRIVER}").split()

    def inspect(self, volume):
        return json.loads(self.docker("volume", "inspect", volume))[0]

    def state(self, volume):
        return self.inspect(volume)["Status"]["state"]

    def run(self, volume, *words):
        """In a container of its own that goes afterwards."""
        return self.docker("run", "--rm", "-v", f"{volume}:/data", "busybox", *words)

    def run_asleep(self, name, volume, *options):
        self.docker("run", "--detach", "--name", name, *options, "-v", f"{volume}:/data",
                    "busybox", "sleep", 100000)


def timed(function, *arguments):
    """What it answers, and how many seconds that took."""
    started = time.monotonic()
    return function(*arguments), time.monotonic() - started
