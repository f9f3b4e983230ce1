#!/usr/bin/python3
"""models.py - one model service in three versions, and its clients; what each pair of answers is, is known before

usage: models.py serve ROLE PORT     ROLE is production, shadow or control
       models.py ask PORT ROUNDS     every case, so often, by requests, httpx, aiohttp and curl

The service is that of tests/record (uvicorn, numpy), and its answers are right.
A request names its case in X-Request-Id ("CASE.NUMBER"), which is forwarded;
CASES says how the shadow's answer differs and which verdict that is. The
control differs where production differs from itself, and nowhere else.
"""
import asyncio
import collections
import concurrent.futures
import gzip
import itertools
import json
import pathlib
import random
import subprocess
import sys
import time
import zlib

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "record"))

# client, what is asked, what the shadow does, verdict of the shadow, verdict of the control, reason
Case = collections.namedtuple("Case", "client call change verdict control reason", defaults=("equal", None))

LEFT_OUT = ("close", "close", "ignored")  # new ids and times in each answer, which a rule leaves out

CASES = {
    # V1 predict
    "same": Case("requests", "predict", None, "equal"),
    "float32": Case("requests", "predict", "float32", "close"),
    "formatted": Case("requests", "predict", "formatted", "equal"),
    "swapped": Case("requests", "predict", "swapped", "decision"),
    "regression": Case("requests", "regress", "higher", "value"),
    "extra": Case("requests", "predict", "extra", "schema"),
    "as-text": Case("requests", "predict", "as_text", "schema"),
    "reordered": Case("requests", "tags", "reversed", "order"),
    "ids": Case("requests", "ids", None, *LEFT_OUT),
    "ids-higher": Case("requests", "ids", "higher", "value", "close"),
    "noisy": Case("requests", "noise", None, "value", "value"),
    "gzip": Case("aiohttp", "predict", "gzip", "equal"),
    "deflate-close": Case("aiohttp", "predict", "deflate_float32", "close"),
    "gzip-broken": Case("aiohttp", "predict", "gzip_broken", "encoding", reason="damaged"),
    "refused": Case("requests", "wrong", None, "equal"),
    "refused-otherwise": Case("requests", "wrong", "422", "status", reason="code"),
    "fails": Case("requests", "predict", "503", "status", reason="class"),
    "slow": Case("curl", "predict", "slow", "error", reason="timeout"),
    # V2 infer
    "v2": Case("httpx", "infer", None, *LEFT_OUT),
    "v2-swapped": Case("httpx", "infer", "swapped", "decision", "close"),
    "v2-shape": Case("httpx", "infer", "extra", "schema", "close"),
    "binary": Case("aiohttp", "binary", None, *LEFT_OUT),
    "binary-json": Case("aiohttp", "binary", "json", *LEFT_OUT),
    "binary-close": Case("aiohttp", "binary", "nudged", "close", "close"),
    "binary-swapped": Case("aiohttp", "binary", "swapped", "decision", "close"),
    # chat
    "chat": Case("httpx", "chat", None, *LEFT_OUT),
    "chat-words": Case("httpx", "chat", "words", "value", "close"),
    "chat-model": Case("httpx", "chat", "extra", "schema", "close"),
    "stream": Case("curl", "stream", None, *LEFT_OUT),
    "stream-pieces": Case("curl", "stream", "pieces", *LEFT_OUT),
    "stream-words": Case("curl", "stream", "words", "value", "close"),
    "stream-error": Case("curl", "stream", "error", "error", "close", reason="error_event"),
    "stream-cut": Case("curl", "stream", "cut", "schema", "close"),
}
GENERATED = {"chat-words", "stream-words"}
SLOW = 30.0  # seconds; far above -m

ROWS = [[(7 * i + j) % 17 for j in range(64)] for i in range(3)]


class Versions:
    """The routes of all versions."""

    def __init__(self, role):
        self.role, self.numbers = role, itertools.count()
        self.random = random.Random(role)

    async def __call__(self, scope, receive, send):
        request = service.Request(scope, receive, send)
        if await request.read() is None:
            return
        name = (request.header(b"x-request-id") or b"same.0").decode().rsplit(".", 1)[0]
        case = CASES[name]
        change = case.change if self.role == "shadow" else None
        if change == "slow":
            await asyncio.sleep(SLOW)
        if change in ("503", "422"):
            await request.answer(int(change), {"error": "not this time"})
            return
        if case.call in ("chat", "stream"):
            await self.chat(request, change)
        elif case.call in ("infer", "binary"):
            await self.infer(request, change)
        else:
            await self.predict(request, case.call, change)

    async def predict(self, request, call, change):
        number = next(self.numbers)
        if call == "wrong":
            await request.answer(400, {"error": "rows of 64 numbers expected"})
            return
        answer = {
            "predict": lambda: {"predictions": service.probabilities(json.loads(request.body)["instances"])},
            "regress": lambda: {"predictions": numpy.array([20.5, 31.25])},
            "tags": lambda: {"tags": ["a", "b", "c"]},
            "ids": lambda: {"id": f"{self.role}-{number}", "created": time.time(), "mean": 0.5},
            "noise": lambda: {"mean": 0.5, "room": {"temperature": 20 + self.random.random()}},
        }[call]()
        headers = []
        if change == "extra":
            answer["explanation"] = "new in this version"
        elif change == "reversed":
            answer["tags"].reverse()
        elif change == "higher":
            key = "mean" if call == "ids" else "predictions"
            answer[key] = answer[key] * 1.1
        elif change == "swapped":
            answer["predictions"] = numpy.roll(answer["predictions"], 1, axis=1)
        elif change in ("float32", "deflate_float32"):
            answer["predictions"] = answer["predictions"].astype("f4").astype("f8")
        if "predictions" in answer:
            answer["predictions"] = answer["predictions"].tolist()
        if change == "as_text":
            answer["predictions"] = [[str(x) for x in row] for row in answer["predictions"]]
        body = json.dumps(answer).encode()
        if change == "formatted":
            rows = ",\r\n\t".join("[" + " , ".join(f"{x:.17e}" for x in row) + "]" for row in answer["predictions"])
            body = b'{ "predict\\u0069ons" : [' + rows.encode() + b"] }\n"
        elif change in ("gzip", "gzip_broken"):
            body, headers = gzip.compress(body), [(b"content-encoding", b"gzip")]
            body = body[:len(body) // 2] if change == "gzip_broken" else body
        elif change == "deflate_float32":
            body, headers = zlib.compress(body), [(b"content-encoding", b"deflate")]
        await request.answer(200, body, headers=headers)

    async def infer(self, request, change):
        head, raw = service.split_binary(request, request.body)
        rows, raw = service.tensor_rows(head["inputs"][0], raw)
        result = service.probabilities(rows).astype("<f4")
        if change == "swapped":
            result = numpy.roll(result, 1, axis=1)
        elif change == "nudged":
            result = result * numpy.float32(1 + 1e-6)
        output = {"name": "p", "shape": list(result.shape), "datatype": "FP32"}
        answer = {"model_name": "digits", "id": f"{self.role}-{next(self.numbers)}", "outputs": [output]}
        if change == "extra":
            answer["outputs"].append({"name": "q", "shape": [1], "datatype": "FP32", "data": [1.0]})
        if change == "json" or not head.get("outputs", [{}])[0].get("parameters", {}).get("binary_data"):
            output["data"] = result.ravel().astype("f8").tolist()
            await request.answer(200, answer)
            return
        tail = result.tobytes()
        output["parameters"] = {"binary_data_size": len(tail)}
        front = json.dumps(answer).encode()
        await request.answer(200, front + tail, "application/octet-stream", [(b"inference-header-content-length", b"%d" % len(front))])

    async def chat(self, request, change):
        call, number = json.loads(request.body), next(self.numbers)
        text = "nobody can tell before Monday" if change == "words" else "the answer to everything is forty two"
        base = {"id": f"chatcmpl-{self.role}-{number}", "created": int(time.time()), "model": call["model"]}
        if call.get("stream"):
            await self.stream(request, base, text, change)
            return
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        if change == "extra":
            choice["reasons"] = ["new in this version"]
        await request.answer(200, {**base, "object": "chat.completion", "choices": [choice],
                                   "usage": {"prompt_tokens": 5, "completion_tokens": len(text.split()), "total_tokens": 5 + len(text.split())}})

    async def stream(self, request, base, text, change):
        size = 3 if change == "pieces" else 8
        pieces = [text[i:i + size] for i in range(0, len(text), size)]
        events = [{"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]} for piece in pieces]
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if change == "error":
            events[2:] = [{"error": {"message": "out of memory", "code": 500}}]
        elif change == "cut":
            del events[-2:]
        await request.send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for event in events:
            data = json.dumps(event if "error" in event else {**base, "object": "chat.completion.chunk", **event}).encode()
            await request.send({"type": "http.response.body", "more_body": True, "body": b"data: " + data + b"\n\n"})
            await asyncio.sleep(0.002)
        await request.send({"type": "http.response.body", "body": b"" if change in ("cut", "error") else b"data: [DONE]\n\n"})


def asked(name, number):
    """(path, headers, body) of a request."""
    call = CASES[name].call
    headers = {"Content-Type": "application/json", "X-Request-Id": f"{name}.{number}", "X-Tenant": f"t{number % 2}"}
    if call in ("chat", "stream"):
        body = {"model": "words-7b", "stream": call == "stream", "messages": [{"role": "user", "content": f"question {number} of {name}"}]}
        return "/v1/chat/completions", headers, json.dumps(body).encode()
    if call == "infer":
        data = [x for row in ROWS for x in row]
        return "/v2/models/digits/infer", headers, json.dumps(
            {"id": f"{name}-{number}", "inputs": [{"name": "x", "shape": [3, 64], "datatype": "FP32", "data": data}]}).encode()
    if call == "binary":
        tail = numpy.array(ROWS, dtype="<f4").tobytes()
        head = json.dumps({"inputs": [{"name": "x", "shape": [3, 64], "datatype": "FP32", "parameters": {"binary_data_size": len(tail)}}],
                           "outputs": [{"name": "p", "parameters": {"binary_data": True}}], "id": f"{name}-{number}"}).encode()
        headers |= {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
        return "/v2/models/digits/infer", headers, head + tail
    client = name if call == "ids" else f"{name}-{number}"  # the same request again, which has another answer each time
    return "/v1/models/digits:predict", headers, json.dumps({"instances": ROWS, "client": client}).encode()


def with_requests(base, calls):
    with requests.Session() as session:
        for path, headers, body in calls:
            session.post(base + path, data=body, headers=headers, timeout=20)


def with_httpx(base, calls):
    with httpx.Client(timeout=20) as client:
        for path, headers, body in calls:
            client.post(base + path, content=body, headers=headers)


def with_curl(base, calls):
    for path, headers, body in calls:
        fields = [x for name, value in headers.items() for x in ("-H", f"{name}: {value}")]
        subprocess.run(["curl", "-sSN", "-m", "20", *fields, "--data-binary", "@-", base + path], input=body, check=True,
                       stdout=subprocess.DEVNULL)


def with_aiohttp(base, calls):
    async def post(session, path, headers, body):
        async with session.post(base + path, data=body, headers=headers) as answer:
            await answer.read()

    async def all_of_them():
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=3)) as session:
            await asyncio.gather(*(post(session, *call) for call in calls))
    asyncio.run(all_of_them())


def ask(port, rounds):
    by_client = collections.defaultdict(list)
    for number in range(rounds):
        for name, case in CASES.items():
            by_client[case.client].append(asked(name, number))
    base = f"http://127.0.0.1:{port}"
    clients = {"requests": with_requests, "httpx": with_httpx, "curl": with_curl, "aiohttp": with_aiohttp}
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
        for one in [pool.submit(clients[name], base, calls) for name, calls in by_client.items()]:
            one.result()


if __name__ == "__main__":
    import numpy
    if sys.argv[1] == "serve":
        import service
        import uvicorn
        uvicorn.run(Versions(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[3]), http="h11", loop="asyncio", lifespan="off",
                    access_log=False, log_level="error", timeout_keep_alive=30)
    else:
        import aiohttp
        import httpx
        import requests
        ask(int(sys.argv[2]), int(sys.argv[3]))
