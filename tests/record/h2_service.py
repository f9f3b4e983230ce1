#!/usr/bin/python3
"""h2_service.py - an HTTP/2 server, in clear text or over TLS, that writes down every request as it came

The frames are read by python-h2, which is strict about what it takes. A
connection begins with the preface (prior knowledge) or with an HTTP/1.1 request
that asks for an upgrade to h2c, which is granted: that request is then stream 1.

With --log FILE every whole request is written down as one JSON object a line:
the pseudo-fields as method and target, the fields in their order, and length
and SHA-256 of the body. The response is JSON; one to a path that ends in
"/trailers" has a trailer, one to "/missing" is a 404.
"""
import argparse
import asyncio
import hashlib
import json
import ssl
import sys
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Stream:
    def __init__(self, headers):
        self.headers, self.digest, self.length = headers, hashlib.sha256(), 0

    def take(self, data):
        self.digest.update(data)
        self.length += len(data)


def parse_upgrade(head):
    """(method, target, fields) of an HTTP/1.1 request head."""
    line, *rest = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = line.split(" ")
    return method, target, [(n.lower(), v.strip()) for n, _, v in (field.partition(":") for field in rest)]


class Connection:
    def __init__(self, log, reader, writer):
        self.log, self.reader, self.writer = log, reader, writer
        self.client = "%s:%d" % writer.get_extra_info("peername")[:2]
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="latin-1"))
        self.streams = {}

    async def serve(self):
        start = await self.reader.readexactly(len(PREFACE))
        if start == PREFACE:
            self.h2.initiate_connection()
            await self.receive(start)
        else:
            await self.upgrade(start)
        while not self.reader.at_eof():
            data = await self.reader.read(65536)
            if not data:
                break
            await self.receive(data)

    async def upgrade(self, start):
        """The HTTP/1.1 request, its 101, and its response as that of stream 1."""
        head = start + await self.reader.readuntil(b"\r\n\r\n")
        method, target, headers = parse_upgrade(head)
        fields = dict(headers)
        body = Stream(headers)
        body.take(await self.reader.readexactly(int(fields.get("content-length", "0"))))
        self.write_down(method, target, "1.1", body)
        self.writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        self.h2.initiate_upgrade_connection(fields["http2-settings"].encode())
        self.respond(1, target, body)
        await self.flush()

    async def receive(self, data):
        for event in self.h2.receive_data(data):
            self.happened(event)
        await self.flush()

    def happened(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.streams[event.stream_id] = Stream(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self.streams[event.stream_id].take(event.data)
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.streams.pop(event.stream_id, None)
        elif isinstance(event, h2.events.StreamEnded) and event.stream_id in self.streams:
            stream = self.streams.pop(event.stream_id)
            pseudo = dict(field for field in stream.headers if field[0].startswith(":"))
            stream.headers = [field for field in stream.headers if not field[0].startswith(":")]
            self.write_down(pseudo[":method"], pseudo[":path"], "2", stream)
            self.respond(event.stream_id, pseudo[":path"], stream)

    def write_down(self, method, target, version, stream):
        if self.log is None:
            return
        self.log.write(json.dumps({
            "method": method, "target": target, "version": version, "headers": [list(field) for field in stream.headers],
            "body_len": stream.length, "body_sha256": stream.digest.hexdigest(), "complete": True, "client": self.client,
            "received_ns": time.time_ns()}) + "\n")
        self.log.flush()

    def respond(self, number, target, stream):
        path = target.partition("?")[0]
        body = json.dumps({"stream": number, "body_len": stream.length}).encode()
        status = "404" if path.endswith("/missing") else "200"
        self.h2.send_headers(number, [(":status", status), ("content-type", "application/json")])
        trailers = path.endswith("/trailers")
        self.h2.send_data(number, body, end_stream=not trailers)
        if trailers:
            self.h2.send_headers(number, [("checksum", str(stream.length))], end_stream=True)

    async def flush(self):
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()


def tls_context(files):
    """@files: certificate, key, key log."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files[:2])
    context.keylog_filename = files[2]
    context.set_alpn_protocols(["h2"])
    return context


async def serve(args):
    log = open(args.log, "a", encoding="utf-8") if args.log else None

    async def connected(reader, writer):
        try:
            await Connection(log, reader, writer).serve()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left
        except h2.exceptions.ProtocolError as error:
            print(f"h2_service.py: {error}", file=sys.stderr)
        finally:
            writer.close()

    server = await asyncio.start_server(connected, args.host, args.port, limit=1 << 20, ssl=tls_context(args.tls) if args.tls else None)
    async with server:
        await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description="an HTTP/2 server that writes down every request")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8002)
    parser.add_argument("--tls", nargs=3, metavar=("CERT", "KEY", "KEYLOG"), help="over TLS, with ALPN h2")
    parser.add_argument("--log", help="append every request to this file, one JSON object a line")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
