#!/usr/bin/python3
"""service.py HOST:PORT [LOG] - a model service of nobody's: it adds numbers up; with LOG, the id of each request that it got, a line each"""
import http.server
import json
import sys


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    log = None

    def do_POST(self):
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.log:
            self.log.write(f"{self.headers['X-Shadowtap']}\n")
            self.log.flush()
        body = json.dumps({"predictions": [sum(row) for row in said["instances"]]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


def main(where, log=None):
    host, port = where.split(":")
    if log:
        Answer.log = open(log, "a", encoding="ascii")
    server = Server((host, int(port)), Answer)
    print("serving", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
