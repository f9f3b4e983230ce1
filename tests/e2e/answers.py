#!/usr/bin/python3
"""answers.py - two models whose answers are known, and the client that asks them

usage: answers.py serve ROLE PORT       ROLE is production, shadow or control
       answers.py ask PORT ROUNDS       each case, so often, over a kept connection
       answers.py ask_for_silence PORT  one request that is never answered
       answers.py ask_on PORT CASE      that case, 500 a second, until it is stopped

A request names the case it is in; CASES says what production and shadow answer
to it, so the verdict of every pair is known before. The control answers as
production does, but for the case "noise", where it differs as the shadow does.
"""
import http.client
import itertools
import json
import socket
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

JSON = "application/json"


def js(value, status=200):
    return status, JSON, json.dumps(value).encode()


# case: (production, shadow), each (status, type, body), or a word for how no answer is given
CASES = {
    "equal": (js({"predictions": [[0.25, 0.75]]}), js({"predictions": [[0.25, 0.75]]})),
    "close": (js({"predictions": [[0.25, 0.75]]}), js({"predictions": [[0.2500001, 0.7499999]]})),
    "decision": (js({"predictions": [[0.1, 0.9]]}), js({"predictions": [[0.9, 0.1]]})),
    "value": (js({"mean": 1.0, "note": "confidential"}), js({"mean": 2.0, "note": "confidential"})),
    "order": (js({"tags": ["a", "b", "c"]}), js({"tags": ["c", "a", "b"]})),
    "schema": (js({"mean": 1.0, "unit": "m"}), js({"mean": 1.0})),
    "encoding": (js({"mean": 1.0}), (200, "image/png", b"\x89PNG\r\n\x1a\n\0\0\0\0")),
    "status": (js({"mean": 1.0}), js({"error": "no such model"}, 404)),
    "error": (js({"mean": 1.0}), "reset"),
    "noise": (js({"mean": 1.0, "seconds": 1.0}), js({"mean": 1.0, "seconds": 3.0})),
    "not_comparable": (js({"mean": [0.5] * 20000}), js({"mean": [0.5] * 20000})),  # above --max-answer
}
# of the clients: no file of ours may have one of them
CREDENTIALS = {"Authorization": "Bearer hidden-token", "Cookie": "session=hidden-cookie", "X-Api-Key": "hidden-key"}
VERDICTS = {case: case for case in CASES} | {"noise": "value"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        case = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["case"]
        if case == "silence":
            time.sleep(3600)
        answer = CASES[case][self.server.role == "shadow" or (self.server.role == "control" and case == "noise")]
        if answer == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        status, kind, body = answer
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if self.server.role == "production" and case == "close":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(body), 7):
                piece = body[at:at + 7]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(role, port):
    ThreadingHTTPServer.request_queue_size = 128  # its 5 would make a quick replay wait for the second SYN
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    server.role = role
    server.serve_forever()


def ask(port, rounds):
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    for number in range(int(rounds)):
        for case in CASES:
            body = json.dumps({"case": case, "number": number})
            connection.request("POST", "/v1/models/m:predict", body, {"Content-Type": JSON, "X-Tenant": f"t{number % 2}", **CREDENTIALS})
            connection.getresponse().read()
            time.sleep(0.002)
    connection.close()


def ask_on(port, case):
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    for number in itertools.count():
        connection.request("POST", "/v1/models/m:predict", json.dumps({"case": case, "number": number}), {"Content-Type": JSON})
        connection.getresponse().read()
        time.sleep(0.002)


def ask_for_silence(port):
    """A request that production never answers."""
    with socket.create_connection(("127.0.0.1", int(port))) as connection:
        body = json.dumps({"case": "silence"}).encode()
        connection.sendall(b"POST /v1/models/m:predict HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        time.sleep(3600)


if __name__ == "__main__":
    {"serve": serve, "ask": ask, "ask_for_silence": ask_for_silence, "ask_on": ask_on}[sys.argv[1]](*sys.argv[2:])
