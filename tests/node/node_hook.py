#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The hook: a program of the administrator's that berth-node runs for each event."""

import os
import sys
import tempfile
import time
from pathlib import Path

from daemon import INITIATOR, Node, node_pb2, run, run_tests, wait_until

MIB = 1 << 20
GIB = 1 << 30


class Hook:
    """A shell script in a folder of its own; what it prints to "$out" are the lines here."""

    def __init__(self, script):
        self._folder = tempfile.TemporaryDirectory(prefix="berth-hook-")
        self.path = Path(self._folder.name) / "hook"
        self.out = Path(self._folder.name) / "out"
        self.path.write_text(f"#!/bin/sh\nout={self.out}\n{script}\n")
        self.path.chmod(0o755)

    def lines(self):
        return self.out.read_text().splitlines() if self.out.exists() else []

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._folder.cleanup()


TELL = 'echo "$BERTH_EVENT|$BERTH_POOL|$BERTH_VOLUME|$BERTH_INITIATOR|$BERTH_TEXT" >> $out'


def test_the_hook_is_told_each_event_in_order():
    with Hook('echo "$BERTH_NODE $BERTH_AT_MS" > $out.last; ' + TELL) as hook, \
            Node("--hook", hook.path) as node:
        node.make_pool()
        node.make_volume("v")
        node.publish("v")
        node.api.GrowVolume(node_pb2.GrowVolumeRequest(name="v", size=2 * GIB))
        lines = wait_until("four lines", lambda: hook.lines()[3:] and hook.lines())
        assert lines[0] == f"pool-created|p|||on {node.path('p.pool')}", lines
        assert [line.split("|")[0] for line in lines[1:]] == [
            "volume-created", "volume-published", "volume-grown"], lines
        assert lines[2].startswith(f"volume-published|p|v|{INITIATOR}|"), lines
        name, at_ms = (hook.path.parent / "out.last").read_text().split()
        assert name == "n1" and abs(int(at_ms) / 1000 - time.time()) < 60


def test_sessions_are_not_told():
    with Hook(TELL) as hook, Node("--hook", hook.path) as node:
        node.make_pool()
        node.make_volume("v")
        node.publish("v")
        run("iscsi-inq", "-i", INITIATOR, node.url("v"))
        node.make_volume("last")
        lines = wait_until("the last", lambda: [x for x in hook.lines() if "|last|" in x] and
                           hook.lines())
        assert not any("session" in line for line in lines), lines


def test_a_slow_hook_holds_up_nobody_and_runs_one_at_a_time():
    script = 'mkdir $out.busy || echo overlap >> $out; ' + TELL + '; sleep 0.3; rmdir $out.busy'
    with Hook(script) as hook, Node("--hook", hook.path) as node:
        node.make_pool()
        started = time.monotonic()
        for number in range(5):
            node.make_volume(f"v{number}", MIB)
        assert time.monotonic() - started < 1, "volumes waited for the hook"
        lines = wait_until("six lines", lambda: hook.lines()[5:] and hook.lines())
        assert "overlap" not in lines and len(lines) == 6, lines


def test_a_hook_that_does_not_end_is_killed_with_all_it_began():
    with Hook(f'echo $$ >> $out; sleep 600 & echo $! >> $out; wait') as hook, \
            Node("--hook", hook.path, "--hook-limit", "1") as node:
        node.make_pool()
        wait_until("a run that was killed", lambda: "took too long" in node.log())
        for process in hook.lines():
            wait_until("the end of " + process, lambda p=process: not is_running(p))
        # The next event has its turn.
        node.make_volume("v")
        wait_until("another run", lambda: len(hook.lines()) >= 4)
        started = time.monotonic()
        node.stop()
        assert time.monotonic() - started < 20


def is_running(process):
    """False for a zombie too: who reaps what a killed parent left is not ours."""
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_more_events_than_wait_are_counted_as_lost():
    with Hook('until [ -e $out.go ]; do sleep 0.05; done; ' + TELL) as hook, \
            Node("--hook", hook.path) as node:
        node.make_pool()
        for number in range(100):
            node.make_volume(f"v{number}", MIB)
        (hook.path.parent / "out.go").touch()
        wait_until("a word on it", lambda: "lost=" in node.log())
        node.make_volume("last", MIB)
        wait_until("the last", lambda: any("|last|" in line for line in hook.lines()))
        assert 60 < len(hook.lines()) < 100, len(hook.lines())


def test_failures_of_the_hook_are_logged_and_change_nothing():
    with Hook("exit 3") as hook, Node("--hook", hook.path) as node:
        node.make_pool()
        wait_until("a word on it", lambda: "the hook failed" in node.log())
        assert "status=3" in node.log()
        os.unlink(hook.path)
        node.make_volume("v")
        wait_until("a word on that", lambda: "cannot run the hook" in node.log())


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
