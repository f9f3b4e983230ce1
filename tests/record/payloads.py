"""payloads.py - request bodies as clients of model servers send them

Every body is made from a number: the same number gives the same bytes, two
numbers give different bytes, so that a request can be recognised at the shadow
by its body alone and nothing random ends up in a recording.
"""
import json
import random
import struct

PREDICT = "/v1/models/digits:predict"
INFER = "/v2/models/digits/infer"
CHAT = "/v1/chat/completions"
LOAD = "/v2/repository/models/digits/load"
JSON_TYPE = "application/json"


def _row(rng):
    return [round(rng.random() * 16, 2) for _ in range(64)]


def predict(number, rows=1):
    """Body of a V1 predict call: 8x8 grey images, values 0 to 16."""
    rng = random.Random(number)
    return json.dumps({"instances": [_row(rng) for _ in range(rows)]}).encode()


def infer_json(number):
    """Body of a V2 infer call, all JSON."""
    rng = random.Random(number)
    tensor = {"name": "x", "shape": [1, 64], "datatype": "FP32", "data": _row(rng)}
    return json.dumps({"id": f"r{number}", "inputs": [tensor]}).encode()


def infer_binary(number, rows=2, binary_answer=True):
    """Headers and body of a V2 infer call with the binary tensor extension."""
    rng = random.Random(number)
    values = [v for _ in range(rows) for v in _row(rng)]
    tensor = struct.pack(f"<{len(values)}f", *values)
    head = {
        "id": f"b{number}",
        "inputs": [{"name": "x", "shape": [rows, 64], "datatype": "FP32",
                    "parameters": {"binary_data_size": len(tensor)}}],
    }
    if binary_answer:
        head["outputs"] = [{"name": "p", "parameters": {"binary_data": True}}]
    head = json.dumps(head).encode()
    headers = {"Content-Type": "application/octet-stream",
               "Inference-Header-Content-Length": str(len(head))}
    return headers, head + tensor


def chat(number, stream=True):
    """Body of an OpenAI-style chat completion call."""
    words = random.Random(number).sample(
        ["tap", "shadow", "packet", "model", "segment", "stream", "replay", "queue"], 4)
    return json.dumps({
        "model": "digits-chat", "stream": stream, "max_tokens": 12,
        "messages": [{"role": "user", "content": f"Say {' '.join(words)} number {number}"}],
    }).encode()


def blob(number, size):
    """Bytes that look like an image: all values, among them CR, LF and text that looks like a request."""
    lure = b"\r\n\r\nPOST /v1/models/digits:predict HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    return (random.Random(number).randbytes(max(0, size - len(lure))) + lure)[:size]
