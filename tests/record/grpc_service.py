#!/usr/bin/python3
"""grpc_service.py - a KServe v2 model service over gRPC: production or shadow of recordings and tests

grpcio's server with handlers that take and give bytes; the messages are those
of kserve.py. The model is one matrix from a fixed seed. --version 2 is the
next version of it: the same matrix, a little warmer, so that its probabilities
differ from the second digit on and its decisions nearly never.

With --log FILE every call is written down as it was received, one JSON object
a line: method, metadata, and length and SHA-256 of the body, which is the
messages with their five-byte prefixes. This log, not the tool under test, is
what a recording or a mirror is compared with.

RepositoryModelLoad is the tripwire: it must never be called by a mirror. It is
in the log as any other call is.

--connection-age MS and --table-size BYTES are the two settings by which an
operator makes the calls of connections readable that began before a capture:
see docs/grpc.md.
"""
import argparse
import concurrent.futures
import hashlib
import json
import sys
import threading
import time

import grpc
import numpy

import kserve
from kserve import field

WEIGHTS = numpy.random.default_rng(7).normal(size=(kserve.FEATURES, kserve.CLASSES))


class Call:
    """One call: what comes in is counted and hashed, and written down when it is whole."""

    def __init__(self, log, method, context):
        self.log, self.method, self.context = log, method, context
        self.digest, self.length, self.messages = hashlib.sha256(), 0, 0

    def took(self, message):
        body = kserve.framed(message)
        self.digest.update(body)
        self.length += len(body)
        self.messages += 1

    def write_down(self):
        self.log({
            "method": "POST", "target": self.method, "version": "2",
            "headers": [[m.key, m.value if isinstance(m.value, str) else m.value.hex()]
                        for m in self.context.invocation_metadata()],
            "body_len": self.length, "body_sha256": self.digest.hexdigest(), "messages": self.messages, "complete": True,
            "client": self.context.peer().removeprefix("ipv4:"), "received_ns": time.time_ns(),
        })


class Model:
    """The methods of the service: bytes in, bytes out; a ValueError is the client's fault."""

    def __init__(self, version):
        self.version = str(version)
        self.weights = WEIGHTS * (1 if version == 1 else 0.98)

    def infer(self, request):
        model, call_id, raw, shape, data = kserve.infer_inputs(request)
        if model != kserve.MODEL:
            raise KeyError(f"there is no model {model!r}")
        if len(shape) != 2 or shape[1] != kserve.FEATURES or len(data) != 4 * shape[0] * shape[1]:
            raise ValueError(f"rows of {kserve.FEATURES} FP32 expected")
        z = numpy.frombuffer(data, dtype="<f4").reshape(shape).astype(float) @ self.weights / kserve.FEATURES
        z = numpy.exp(z - z.max(axis=1, keepdims=True))
        answer = (z / z.sum(axis=1, keepdims=True)).astype("<f4")
        return kserve.infer_response(self.version, call_id, raw, list(answer.shape), answer.tobytes())

    def stream_infer(self, requests):
        """ModelStreamInferResponse: 1 error_message, 2 infer_response; one for each request."""
        for request in requests:
            try:
                yield field(2, self.infer(request))
            except (KeyError, ValueError, IndexError) as error:
                yield field(1, str(error))

    @staticmethod
    def yes(_request):
        """ServerLive, ServerReady, ModelReady: one bool, field 1."""
        return field(1, 1)

    def server_metadata(self, _request):
        return field(1, "grpc_service") + field(2, self.version) + field(3, "model_repository")

    def model_metadata(self, _request):
        x = kserve.tensor("x", "FP32", [1, kserve.FEATURES])
        p = kserve.tensor("p", "FP32", [1, kserve.CLASSES])
        return field(1, kserve.MODEL) + field(2, self.version) + field(3, "numpy") + field(4, x) + field(5, p)

    @staticmethod
    def load(_request):
        return b""


class Handlers(grpc.GenericRpcHandler):
    def __init__(self, model, log):
        self.model, self.log = model, log
        self.unary = {kserve.SERVICE + name: function for name, function in {
            "ModelInfer": model.infer, "ServerLive": model.yes, "ServerReady": model.yes, "ModelReady": model.yes,
            "ServerMetadata": model.server_metadata, "ModelMetadata": model.model_metadata,
            "RepositoryModelLoad": model.load}.items()}

    def service(self, details):
        if details.method == kserve.SERVICE + "ModelStreamInfer":
            return grpc.stream_stream_rpc_method_handler(lambda i, c: self.stream(Call(self.log, details.method, c), i))
        if details.method in self.unary:
            return grpc.unary_unary_rpc_method_handler(lambda m, c: self.single(Call(self.log, details.method, c), m))
        return None

    def single(self, call, message):
        call.took(message)
        call.write_down()
        try:
            return self.unary[call.method](message)
        except KeyError as error:
            call.context.abort(grpc.StatusCode.NOT_FOUND, error.args[0])
        except (ValueError, IndexError) as error:
            call.context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

    def stream(self, call, messages):
        def told():
            for message in messages:
                call.took(message)
                yield message
        yield from self.model.stream_infer(told())
        call.write_down()


class Log:
    """Lines of JSON; calls are served by several threads."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8") if path else None
        self.lock = threading.Lock()

    def __call__(self, entry):
        if self.file is not None:
            with self.lock:
                self.file.write(json.dumps(entry) + "\n")
                self.file.flush()


def main():
    parser = argparse.ArgumentParser(description="a small model service over gRPC")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--log", help="append every call to this file, one JSON object a line")
    parser.add_argument("--version", type=int, choices=(1, 2), default=1)
    parser.add_argument("--connection-age", type=int, metavar="MS", help="clients are asked to connect again after that long")
    parser.add_argument("--table-size", type=int, metavar="BYTES", help="what clients may keep in HPACK's table; 0: nothing")
    args = parser.parse_args()
    options = [("grpc.so_reuseport", 0)]
    if args.connection_age is not None:
        options += [("grpc.max_connection_age_ms", args.connection_age), ("grpc.max_connection_age_grace_ms", 1000)]
    if args.table_size is not None:
        options += [("grpc.http2.hpack_table_size.decoder", args.table_size)]
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8), options=options)
    server.add_generic_rpc_handlers([Handlers(Model(args.version), Log(args.log))])
    if not server.add_insecure_port(f"{args.host}:{args.port}"):
        sys.exit(f"grpc_service.py: cannot listen on {args.host}:{args.port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    sys.exit(main())
