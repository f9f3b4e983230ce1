#!/usr/bin/python3
"""widths.py - a model that is worse for wide inputs only, the one in production, and the client that asks them

usage: widths.py serve ROLE PORT   ROLE is production or shadow; the shadow is wrong about every other width above 128
       widths.py ask PORT COUNT    so many requests of nine widths, one after the other
"""
import http.client
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WIDTHS = (16, 24, 32, 48, 64, 96, 128, 192, 256)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wrong = self.server.role == "shadow" and asked["inputs"][0]["shape"][1] > 128 and asked["number"] % 2
        body = json.dumps({"mean": 2.0 if wrong else 1.0}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(role, port):
    ThreadingHTTPServer.request_queue_size = 128
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    server.role = role
    server.serve_forever()


def ask(port, count):
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    for number in range(int(count)):
        width = WIDTHS[number * 7 % len(WIDTHS)]
        body = {"model": "gpt", "number": number, "user": "confidential", "inputs": [{"shape": [1, width], "data": [0.5] * width}]}
        connection.request("POST", "/v1/predict", json.dumps(body), {"Content-Type": "application/json", "Accept": "text/secret"})
        connection.getresponse().read()
    connection.close()


if __name__ == "__main__":
    {"serve": serve, "ask": ask}[sys.argv[1]](*sys.argv[2:])
