#!/usr/bin/python3
"""shadow.py - a shadow server that writes down every request exactly as it came

Raw HTTP/1.1 over asyncio and no library in between, so that nothing tidies up
what the tool under test sends: target, field names and values, body bytes. It
is strict: a body without Content-Length, or bytes that are no request, are
logged as an error, and a test that sees one fails.

With --mode it misbehaves: hang (reads, never answers), slow (answers after
100 ms), reset (RST instead of an answer), 503, garbage (answers with bytes
that are no HTTP), close (answers and closes without saying so), stale (answers
the first request of a connection after 400 ms, and closes it at the second one,
as a server does whose patience with an idle connection ends just then).

The log has one JSON object a line: {"event":"connect"|"request"|"error", ...}.
"""
import argparse
import asyncio
import base64
import json
import socket
import struct
import sys
import time

MODES = ("ok", "hang", "slow", "reset", "503", "garbage", "close", "stale")


class Shadow:
    def __init__(self, mode, log):
        self.mode, self.log, self.connections, self.answered = mode, log, 0, set()

    def write(self, event, **fields):
        self.log.write(json.dumps({"event": event, "t_ns": time.time_ns(), **fields}) + "\n")
        self.log.flush()

    async def serve(self, reader, writer):
        self.connections += 1
        number = self.connections
        self.write("connect", conn=number)
        try:
            while await self.one(number, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            if getattr(error, "partial", b""):
                self.write("error", conn=number, what="cut short: " + repr(error.partial[:200]))
        except ValueError as error:
            self.write("error", conn=number, what=str(error))
        finally:
            writer.close()

    async def one(self, number, reader, writer):
        """One exchange; false when the connection is done."""
        head = await reader.readuntil(b"\r\n\r\n")
        t_head = time.time_ns()
        method, target, version, headers = parse_head(head[:-4])
        fields = {name.lower(): value for name, value in headers}
        if "transfer-encoding" in fields:
            raise ValueError("a replay with Transfer-Encoding")
        if sum(name.lower() == "content-length" for name, _ in headers) > 1:
            raise ValueError("two Content-Length fields")
        body = await reader.readexactly(int(fields.get("content-length", "0")))
        self.write("request", conn=number, t_head_ns=t_head, method=method, target=target, version=version,
                   headers=headers, body=base64.b64encode(body).decode())
        if self.mode == "stale" and number in self.answered:
            return False
        self.answered.add(number)
        return await self.answer(method, writer)

    async def answer(self, method, writer):
        if self.mode == "hang":
            await asyncio.sleep(3600)
        elif self.mode == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        elif self.mode == "garbage":
            writer.write(b"\x00\xffthis is no HTTP\r\n\r\n")
            await writer.drain()
            return False
        elif self.mode in ("slow", "stale"):
            await asyncio.sleep(0.1 if self.mode == "slow" else 0.4)
        status = b"503 Service Unavailable" if self.mode == "503" else b"200 OK"
        body = b'{"predictions": []}'
        head = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(head if method == "HEAD" else head + body)
        await writer.drain()
        return self.mode != "close"


def parse_head(head):
    """Request line and fields, as text that keeps every byte (latin-1)."""
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise ValueError("no request line: " + repr(lines[0][:200]))
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise ValueError("no header field: " + repr(line[:200]))
        headers.append([name, value.strip(" \t")])
    return parts[0], parts[1], parts[2], headers


async def main():
    parser = argparse.ArgumentParser(description="a shadow server that writes down every request")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--mode", choices=MODES, default="ok")
    parser.add_argument("--log", required=True)
    args = parser.parse_args()
    with open(args.log, "a", encoding="utf-8") as log:
        shadow = Shadow(args.mode, log)
        server = await asyncio.start_server(shadow.serve, args.host, args.port, limit=1 << 20, backlog=512)
        async with server:
            await server.serve_forever()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
