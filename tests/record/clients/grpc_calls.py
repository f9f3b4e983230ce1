#!/usr/bin/python3
"""grpc_calls.py MODE BASE_URL COUNT [FIRST] - calls of a KServe v2 service, by grpcio

COUNT calls over one connection; FIRST is the number of the first body. With
HALF=N in the environment the client stops after N calls, says {"half": true}
and goes on when it has read a line: what begins in between finds a connection
that is in use already. What went out is told on stdout (sent.py).
"""
import os
import sys
import time

import grpc

from sent import sent

import kserve
from kserve import SERVICE, field, framed, infer_request

GRPC_TYPE = "application/grpc"


def told(method, *messages):
    sent("POST", SERVICE + method, framed(*messages), GRPC_TYPE, version="2")


class Client:
    def __init__(self, channel):
        self.unary = {name: channel.unary_unary(SERVICE + name) for name in (
            "ModelInfer", "ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "RepositoryModelLoad")}
        self.streams = channel.stream_stream(SERVICE + "ModelStreamInfer")

    def call(self, method, message, **more):
        self.unary[method](message, **more)
        told(method, message)

    def raw(self, n):
        """A tensor in raw_input_contents, no metadata: from the second call on the head is all indices."""
        self.call("ModelInfer", infer_request(n))

    def paced(self, n):
        """The same, eight a second."""
        time.sleep(0.125)
        self.raw(n)

    def typed(self, n):
        """A tensor in fp32_contents."""
        self.call("ModelInfer", infer_request(n, raw=False))

    def mixed(self, n):
        """A deadline, an id of its own, credentials, and now and then a batch that fills several frames."""
        metadata = [("x-request-id", f"req-{n}"), ("authorization", "Bearer not-a-secret")]
        rows = 80 if n % 8 == 5 else 1
        self.call("ModelInfer", infer_request(n, raw=n % 2 == 0, rows=rows), metadata=metadata, timeout=10)

    def binary(self, n):
        """Metadata that are bytes: grpcio's server takes them as they are, zeros and line ends as well, not in base64."""
        self.call("ModelInfer", infer_request(n), metadata=[("span-bin", bytes([n, 0, 1, 13, 10, 255]))])

    def unknown(self, n):
        """A model that does not exist: the response is one block of fields, and they are trailers."""
        message = infer_request(n, model="unknown")
        try:
            self.unary["ModelInfer"](message)
        except grpc.RpcError:
            pass
        told("ModelInfer", message)

    def stream(self, n):
        """Three requests in one call, each of them answered."""
        messages = [infer_request(3 * n + i) for i in range(3)]
        answers = list(self.streams(iter(messages)))
        if len(answers) != 3:
            sys.exit(f"grpc_calls.py: {len(answers)} answers on a stream of 3 requests")
        told("ModelStreamInfer", *messages)

    def probes(self, n):
        """What an orchestrator and a client library ask beside the work."""
        method = ("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata")[n % 5]
        self.call(method, field(1, kserve.MODEL) if method.startswith("Model") else b"")

    def load(self, _n):
        """The tripwire: no mirror may repeat this."""
        self.call("RepositoryModelLoad", field(2, kserve.MODEL))

    def all(self, n):
        """A bit of everything."""
        (self.raw, self.typed, self.mixed, self.stream, self.probes, self.unknown)[n % 6](n)


def main():
    modes = [name for name in vars(Client) if not name.startswith("_") and name != "call"]
    if len(sys.argv) not in (4, 5) or sys.argv[1] not in modes:
        sys.exit(f"usage: grpc_calls.py {'|'.join(modes)} BASE_URL COUNT [FIRST]")
    first = int(sys.argv[4]) if len(sys.argv) == 5 else 0
    half = int(os.environ.get("HALF", "0"))
    with grpc.insecure_channel(sys.argv[2].removeprefix("http://")) as channel:
        client = Client(channel)
        for n in range(first, first + int(sys.argv[3])):
            if half and n == first + half:
                print('{"half": true}', flush=True)
                sys.stdin.readline()
            getattr(client, sys.argv[1])(n)


if __name__ == "__main__":
    main()
