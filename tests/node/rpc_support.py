# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests with python3-grpcio share: the echo service's modules, and its server.

Importing it exits with 77 where grpcio or its compiler is missing.
"""

import atexit
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile

try:
    import grpc
    from grpc_tools import protoc
except ImportError as error:
    print(f"skipped: {error}: install python3-grpcio and python3-grpc-tools")
    sys.exit(77)

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WAIT_S = 30

folder = tempfile.mkdtemp(prefix="berth-rpc-")
atexit.register(shutil.rmtree, folder)


def load(proto_folder, name):
    """The modules NAME_pb2 and NAME_pb2_grpc, made from NAME.proto."""
    if protoc.main(["protoc", f"-I{proto_folder}", f"--python_out={folder}",
                    f"--grpc_python_out={folder}", f"{name}.proto"]) != 0:
        sys.exit(f"protoc refuses {name}.proto")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(f"{name}_pb2"), importlib.import_module(f"{name}_pb2_grpc")


echo_pb2, echo_pb2_grpc = load(os.path.join(TESTS, "unit", "rpc"), "rpc_echo")


class EchoServer:
    """Our server as a process; `addresses` as it bound them."""

    def __init__(self, program, *arguments):
        self.process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True)
        self.addresses = []
        for argument in arguments:
            if ":" in argument:
                line = self.process.stdout.readline()
                assert line.startswith("listening "), line
                self.addresses.append(line.split()[1])

    def stub(self, address=0):
        channel = grpc.insecure_channel(self.addresses[address])
        grpc.channel_ready_future(channel).result(timeout=WAIT_S)
        return channel, echo_pb2_grpc.EchoStub(channel)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        status = self.process.wait(timeout=WAIT_S)
        self.process.stdout.close()
        return status
