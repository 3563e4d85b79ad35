# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's iSCSI client: what tests write to volumes and read back."""

import json

from daemon import INITIATOR, run


def image(url):
    """QEMU takes the initiator's name from the image's options, so give them all as JSON."""
    portal, target, lun = url[len("iscsi://"):].split("/")
    return "json:" + json.dumps({"driver": "raw", "file": {
        "driver": "iscsi", "transport": "tcp", "portal": portal, "target": target,
        "lun": int(lun), "initiator-name": INITIATOR}})


def qemu_io(url, *commands, cache="none"):
    """With the cache "unsafe" nothing is ever flushed; else there is a flush at the end."""
    arguments = []
    for command in commands:
        arguments += ["-c", command]
    out = run("qemu-io", "-t", cache, *arguments, image(url))
    assert "verification failed" not in out and "failed" not in out, out
    return out
