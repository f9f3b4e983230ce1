#!/usr/bin/python3
"""service.py - a small model service: the production side of recordings and tests

A bare ASGI application under uvicorn. The model is one matrix from a fixed
seed, so answers are the same on every run and no weight file is needed.
Routes follow the V1 protocol (TensorFlow Serving), V2 (KServe, Triton) with
its binary tensor extension, and OpenAI's chat completions with server-sent
events, beside health, metrics and a model load call.

With --log FILE every request is written down as it was received (one JSON
object a line: raw target, header fields, length and SHA-256 of the body). This
log, not the tool under test, is what a recording is compared with.

POST /v2/repository/models/digits/load is the tripwire: it must never be called
by a mirror. GET /tripwire tells how often it was.
"""
import argparse
import asyncio
import hashlib
import json
import sys
import time

import numpy
import uvicorn

WEIGHTS = numpy.random.default_rng(7).normal(size=(64, 10))
BODY_TYPES = {"FP32": "<f4", "FP64": "<f8", "INT32": "<i4", "INT64": "<i8", "UINT8": "u1"}


class BadRequest(Exception):
    """What the client sent is not the protocol: answered with 400."""


def probabilities(rows):
    """Class probabilities of rows of 64 numbers."""
    x = numpy.asarray(rows, dtype=float)
    if x.ndim != 2 or x.shape[1] != 64:
        raise BadRequest("rows of 64 numbers expected")
    z = x @ WEIGHTS
    z = numpy.exp(z - z.max(axis=1, keepdims=True))
    return z / z.sum(axis=1, keepdims=True)


def split_binary(request, body):
    """The JSON part of a V2 request and the bytes behind it."""
    length = request.header(b"inference-header-content-length")
    if length is None:
        return json.loads(body), b""
    if not length.isdigit() or int(length) > len(body):
        raise BadRequest("Inference-Header-Content-Length is no length inside the body")
    return json.loads(body[:int(length)]), body[int(length):]


def tensor_rows(tensor, raw):
    """One input tensor as an array, and what is left of the raw bytes."""
    size = tensor.get("parameters", {}).get("binary_data_size")
    if size is None:
        return numpy.asarray(tensor["data"], dtype=float).reshape(tensor["shape"]), raw
    values = numpy.frombuffer(raw[:size], dtype=BODY_TYPES[tensor["datatype"]])
    return values.reshape(tensor["shape"]), raw[size:]


class Request:
    """One exchange: what came in, and how to answer it."""

    def __init__(self, scope, receive, send):
        self.scope, self.receive, self.send = scope, receive, send
        self.method = scope["method"]
        query = scope["query_string"]
        self.target = (scope["raw_path"] + (b"?" + query if query else b"")).decode("latin-1")
        self.body = None

    def header(self, name):
        return next((v for n, v in self.scope["headers"] if n == name), None)

    async def read(self):
        """The whole body. Not calling this is how Expect: 100-continue is refused."""
        parts = []
        while True:
            event = await self.receive()
            if event["type"] == "http.disconnect":
                return None
            parts.append(event.get("body", b""))
            if not event.get("more_body"):
                self.body = b"".join(parts)
                return self.body

    async def answer(self, status, body, content_type="application/json", headers=()):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        fields = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body)), *headers]
        await self.send({"type": "http.response.start", "status": status, "headers": fields})
        await self.send({"type": "http.response.body", "body": body})


class Service:
    def __init__(self, log):
        self.log = log
        self.loads = 0
        self.requests = 0

    async def __call__(self, scope, receive, send):
        assert scope["type"] == "http"
        request = Request(scope, receive, send)
        try:
            await self.route(request)
        except (BadRequest, KeyError, ValueError) as error:
            await request.answer(400, {"error": str(error)})

    def write_down(self, request, complete=True):
        """Count the request and log it, before it is answered: who has the answer can rely on the log."""
        self.requests += 1
        if self.log is None:
            return
        body = request.body
        client = request.scope["client"] or ("?", 0)
        self.log.write(json.dumps({
            "method": request.method, "target": request.target, "version": request.scope["http_version"],
            "headers": [[n.decode("latin-1"), v.decode("latin-1")] for n, v in request.scope["headers"]],
            "body_len": None if body is None else len(body),
            "body_sha256": None if body is None else hashlib.sha256(body).hexdigest(),
            "complete": complete, "client": "%s:%d" % tuple(client), "received_ns": time.time_ns(),
        }) + "\n")
        self.log.flush()

    async def route(self, request):
        path = request.scope["path"]
        if path == "/tripwire":
            await request.answer(200, {"loads": self.loads, "requests": self.requests})
            return
        if path.startswith("/refuse/"):
            await self.refuse(request, int(path.rsplit("/", 1)[1]))
            return
        if path == "/early":
            self.write_down(request, complete=False)
            await request.answer(200, {"answer": "given before the body was read"})
            return
        if await request.read() is None:
            return
        self.write_down(request)
        if path == "/v1/models/digits:predict":
            await self.predict(request)
        elif path == "/v2/models/digits/infer":
            await self.infer(request)
        elif path == "/v1/chat/completions":
            await self.chat(request)
        elif path == "/upload":
            await request.answer(200, {"stored": len(request.body)})
        elif path == "/v2/repository/models/digits/load":
            self.loads += 1
            await request.answer(200, {})
        else:
            await self.about(request, path)

    async def refuse(self, request, status):
        """The answer to Expect: 100-continue without reading the body; who doesn't ask is served."""
        if request.header(b"expect") is not None:
            self.write_down(request, complete=False)
            # "close" says that what follows is not read as this request's body (RFC 9110, 10.1.1)
            await request.answer(status, {"error": "the body was not wanted"}, headers=[(b"connection", b"close")])
        elif await request.read() is not None:
            self.write_down(request)
            await request.answer(200, {"stored": len(request.body)})

    async def predict(self, request):
        rows = json.loads(request.body)["instances"]
        await request.answer(200, {"predictions": probabilities(rows).round(6).tolist()})

    async def infer(self, request):
        head, raw = split_binary(request, request.body)
        rows, raw = tensor_rows(head["inputs"][0], raw)
        result = probabilities(rows)
        output = {"name": "p", "shape": list(result.shape), "datatype": "FP32"}
        answer = {"model_name": "digits", "id": head.get("id", ""), "outputs": [output]}
        wanted = head.get("outputs", [{}])[0].get("parameters", {})
        if not wanted.get("binary_data"):
            output["data"] = result.ravel().round(6).tolist()
            await request.answer(200, answer)
            return
        tail = result.astype("<f4").tobytes()
        output["parameters"] = {"binary_data_size": len(tail)}
        front = json.dumps(answer).encode()
        await request.answer(200, front + tail, "application/octet-stream",
                             [(b"inference-header-content-length", b"%d" % len(front))])

    async def chat(self, request):
        call = json.loads(request.body)
        words = call["messages"][-1]["content"].split()[-4:]
        base = {"id": "chatcmpl-0", "created": 0, "model": call["model"]}
        if not call.get("stream"):
            message = {"role": "assistant", "content": " ".join(words)}
            await request.answer(200, {**base, "object": "chat.completion", "choices": [
                {"index": 0, "message": message, "finish_reason": "stop"}]})
            return
        await request.send({"type": "http.response.start", "status": 200,
                            "headers": [(b"content-type", b"text/event-stream")]})
        for word in words:
            event = {**base, "object": "chat.completion.chunk",
                     "choices": [{"index": 0, "delta": {"content": word + " "}}]}
            await request.send({"type": "http.response.body", "more_body": True,
                                "body": b"data: " + json.dumps(event).encode() + b"\n\n"})
            await asyncio.sleep(0.01)
        await request.send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})

    async def about(self, request, path):
        """Health, metadata and metrics."""
        if path in ("/v2/health/live", "/v2/health/ready"):
            await request.answer(200, {})
        elif path == "/v1/models/digits":
            await request.answer(200, {"model_version_status": [{"version": "1", "state": "AVAILABLE"}]})
        elif path == "/metrics":
            await request.answer(200, b"requests_total %d\n" % self.requests, "text/plain; version=0.0.4")
        else:
            await request.answer(404, {"error": "no such route"})


def main():
    parser = argparse.ArgumentParser(description="a small model service")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--log", help="append every request to this file, one JSON object a line")
    parser.add_argument("--timeout-keep-alive", type=int, default=5, help="seconds, uvicorn's default is 5")
    args = parser.parse_args()
    log = open(args.log, "a", encoding="utf-8") if args.log else None
    uvicorn.run(Service(log), host=args.host, port=args.port, http="h11", loop="asyncio", lifespan="off",
                access_log=False, log_level="error", timeout_keep_alive=args.timeout_keep_alive)


if __name__ == "__main__":
    sys.exit(main())
