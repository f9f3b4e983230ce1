#!/usr/bin/python3
"""raw.py MODE BASE_URL COUNT [FIRST] - requests written by hand, for shapes that no library makes on demand

Each mode is a list of writes; TCP_NODELAY and a short pause between two writes
make each of them a segment. What was sent is told on stdout (sent.py), with
the header fields and the client's own address.
"""
import socket
import sys
import time
import urllib.parse

from sent import sent

import payloads as p

PAUSE = 0.02


class Peer:
    """A connection that knows how to wait for an answer with a length."""

    def __init__(self, base):
        url = urllib.parse.urlsplit(base)
        self.host = url.netloc
        self.socket = socket.create_connection((url.hostname, url.port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client = "%s:%d" % self.socket.getsockname()[:2]
        self.seen = b""

    def write(self, *pieces):
        for i, piece in enumerate(pieces):
            if i:
                time.sleep(PAUSE)
            self.socket.sendall(piece)

    def answer(self):
        """Read one answer; its status."""
        while b"\r\n\r\n" not in self.seen:
            self._more()
        head, self.seen = self.seen.split(b"\r\n\r\n", 1)
        fields = dict(line.split(b":", 1) for line in head.lower().split(b"\r\n")[1:])
        status = int(head.split()[1])
        length = int(fields.get(b"content-length", b"0")) if status >= 200 else 0
        while len(self.seen) < length:
            self._more()
        self.seen = self.seen[length:]
        return status

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection in the middle of an answer")
        self.seen += data

    def close(self):
        self.socket.close()


def request(peer, body, target=p.PREDICT, method="POST", version="1.1", more=(), kind=p.JSON_TYPE, length=True):
    """The head of a request, and what to tell about it."""
    fields = [["Host", peer.host], ["User-Agent", "raw/1"], ["Content-Type", kind], *map(list, more)]
    if length:
        fields.append(["Content-Length", str(len(body))])
    head = f"{method} {target} HTTP/{version}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\n"
    told = {"method": method, "target": target, "body": body, "content_type": kind,
            "headers": [[n.lower(), v] for n, v in fields], "client": peer.client, "version": version}
    return head.encode(), told


def pipelined(base, numbers):
    """Three requests in one segment, then two of which the second is cut by the segment's end."""
    peer = Peer(base)
    wire, tolds = b"", []
    for n in numbers:
        head, told = request(peer, p.predict(n))
        wire += head + told["body"]
        tolds.append(told)
        if len(tolds) % 3 == 0:
            peer.write(wire[:-200], wire[-200:]) if len(tolds) % 2 == 0 else peer.write(wire)
            wire = b""
    if wire:
        peer.write(wire)
    for told in tolds:
        assert peer.answer() == 200
        sent(**told)
    peer.close()


def java(base, numbers):
    """What Java's HttpClient sends: every request of a kept-alive connection asks for an upgrade to h2c."""
    peer = Peer(base)
    upgrade = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"),
               ("HTTP2-Settings", "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA")]
    for n in numbers:
        head, told = request(peer, p.predict(n), more=upgrade)
        peer.write(head, told["body"])
        assert peer.answer() == 200
        sent(**told)
    peer.close()


def http10(base, numbers):
    """HTTP/1.0: with keep-alive, and for the last one without."""
    peer = Peer(base)
    for n in numbers:
        last = n == numbers[-1]
        head, told = request(peer, p.predict(n), version="1.0", more=[] if last else [("Connection", "Keep-Alive")])
        peer.write(head + told["body"])
        assert peer.answer() == 200
        sent(**told)
    peer.close()


def split(base, numbers):
    """The method, a field name and the body cut over segments: "PO", "ST /v1...", one byte at a time at the end."""
    peer = Peer(base)
    for n in numbers:
        head, told = request(peer, p.predict(n))
        body = told["body"]
        peer.write(head[:2], head[2:30], head[30:-3], head[-3:-1], head[-1:] + body[:5], body[5:-2], body[-2:-1], body[-1:])
        assert peer.answer() == 200
        sent(**told)
    peer.close()


def early(base, numbers):
    """The answer comes when half of the body is out; the rest and another request follow."""
    peer = Peer(base)
    for n in numbers:
        head, told = request(peer, p.blob(n, 4000), target="/early", kind="application/octet-stream")
        peer.write(head, told["body"][:2000])
        assert peer.answer() == 200
        peer.write(told["body"][2000:])
        sent(**told)
        head, told = request(peer, p.predict(n))
        peer.write(head + told["body"])
        assert peer.answer() == 200
        sent(**told)
    peer.close()


def pause(base, numbers):
    """A body that stops for more than two seconds in its middle."""
    peer = Peer(base)
    for n in numbers:
        head, told = request(peer, p.predict(n))
        peer.write(head + told["body"][:100])
        time.sleep(2.3)
        peer.write(told["body"][100:])
        assert peer.answer() == 200
        sent(**told)
    peer.close()


def chunked(base, numbers):
    """Chunks with extensions and a trailer, sizes in either case, the last chunk cut in two."""
    peer = Peer(base)
    for n in numbers:
        body = p.blob(n, 300)
        head, told = request(peer, body, target="/upload", kind="application/octet-stream", length=False,
                             more=[("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")])
        wire = b"aF;name=\"a;b\"\r\n" + body[:175] + b"\r\n0007D\r\n" + body[175:] + b"\r\n0\r\nX-Sum: 1\r\n\r\n"
        peer.write(head + wire[:20], wire[20:-12], wire[-12:-3], wire[-3:])
        assert peer.answer() == 200
        sent(**told)
    peer.close()


def absolute(base, numbers):
    """Absolute-form targets, as proxies get them."""
    peer = Peer(base)
    for n in numbers:
        head, told = request(peer, p.predict(n), target=base + p.PREDICT)
        peer.write(head + told["body"])
        assert peer.answer() in (200, 404)
        sent(**told)
    peer.close()


def big_head(base, numbers):
    """A field value of 12 000 bytes."""
    peer = Peer(base)
    for n in numbers:
        head, told = request(peer, p.predict(n), more=[("X-Padding", f"{n}" + "x" * 12000)])
        peer.write(head + told["body"])
        assert peer.answer() in (200, 400)
        sent(**told)
    peer.close()


MODES = {"pipelined": pipelined, "java": java, "http10": http10, "split": split, "early": early,
         "pause": pause, "chunked": chunked, "absolute": absolute, "big-head": big_head}


def main():
    if len(sys.argv) not in (4, 5) or sys.argv[1] not in MODES:
        sys.exit(f"usage: raw.py {'|'.join(MODES)} BASE_URL COUNT [FIRST]")
    first = int(sys.argv[4]) if len(sys.argv) == 5 else 0
    MODES[sys.argv[1]](sys.argv[2], range(first, first + int(sys.argv[3])))


if __name__ == "__main__":
    main()
