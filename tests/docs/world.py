#!/usr/bin/python3
"""world.py - the machine that our documents talk about: a service, its clients, a mirror port, shadows

    world.py serve ADDRESS CERT PORT...     HTTP on each port (TLS on those that end in 443), any POST is answered;
                                            the secrets of TLS are in home/keys.log beside CERT
    world.py load COUNT HOST:PORT...        requests as model servers get them, one after the other
    world.py load-grpc COUNT HOST:PORT...   calls of gRPC (world_grpc.py)
    world.py mirror WIRE SPAN ADDRESS       copies each packet of WIRE to SPAN, and to ADDRESS in a VXLAN

Plain sockets, and as little of it as the documents need.
"""
import asyncio
import json
import pathlib
import random
import socket
import ssl
import struct
import sys

ANSWER = json.dumps({"model_name": "digits", "outputs": [{"name": "label", "datatype": "INT64", "shape": [1], "data": [7]}],
                     "predictions": [[0.1, 0.9]]}).encode()
V2 = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [0, 1, 2, 3]}]}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
JSON = "application/json"
# what the documented servers are asked
KINDS = [
    ("POST", "/v2/models/digits/infer", JSON, json.dumps(V2)),
    ("POST", "/v1/models/digits:predict", JSON, '{"instances":[[0,1,2,3]]}'),
    ("PUT", "/predictions/digits", "image/png", "\x00\x01not quite an image"),
    ("POST", "/v1/chat/completions", JSON, json.dumps(CHAT)),
    ("POST", "/v1/completions", JSON, '{"model":"m","prompt":"Once"}'),
    ("POST", "/invocations", JSON, '{"dataframe_split":{"columns":["x"],"data":[[1]]}}'),
    ("POST", "/predict", JSON, '{"x":[0,1,2,3]}'),
    ("GET", "/v2/health/ready", JSON, ""),
]


async def answer(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"PRI * HTTP/2.0"):
                import world_grpc
                return await world_grpc.answer(head, reader, writer)
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def serve(address, certificate, ports):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.keylog_filename = pathlib.Path(certificate).parent / "home/keys.log"
    for port in ports:
        await asyncio.start_server(answer, address, port, ssl=context if port % 1000 == 443 else None)
    print("serving", flush=True)
    await asyncio.Event().wait()


def request(number):
    method, path, kind, body = KINDS[number % len(KINDS)]
    return (f"{method} {path} HTTP/1.1\r\nHost: model.example\r\nContent-Type: {kind}\r\nX-Request-Id: r{number}\r\n"
            f"X-Session-Id: s{number // 8}\r\nAuthorization: Bearer production\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


def unchecked():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def load(count, host, port):
    client, number = None, random.randrange(1 << 20)
    for i in range(count):
        if i % 20 == 0:
            source = (f"127.0.0.{random.randrange(1, 250)}" if host.startswith("127.") else "", 0)
            client = socket.create_connection((host, port), 10, source)
            if port % 1000 == 443:
                client = unchecked().wrap_socket(client)
        client.sendall(request(number + i))
        got = b""
        while not got.endswith(ANSWER):
            some = client.recv(65536)
            if not some:
                sys.exit(f"{host}:{port} closed the connection")
            got += some


def mirror(wire, span, address):
    listening = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    listening.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE: lose nothing while others have the CPU
    listening.bind((wire, 0))
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((span, 0))
    tunnel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    print("mirroring", flush=True)
    while True:
        frame = listening.recv(65600)
        if frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue  # TCP over IPv4 only, so never the tunnel's own packets
        for send in (lambda: out.send(frame), lambda: tunnel.sendto(struct.pack("!II", 0x08000000, 42 << 8) + frame, (address, 4789))):
            try:
                send()
            except OSError:
                pass  # longer than the interface takes: a mirror loses packets, too


def main(role, *args):
    if role == "serve":
        asyncio.run(serve(args[0], args[1], list(map(int, args[2:]))))
    elif role in ("load", "load-grpc"):
        if role == "load-grpc":
            import world_grpc
        for base in args[1:]:
            host, port = base.split(":")
            (load if role == "load" else world_grpc.load)(int(args[0]), host, int(port))
    else:
        mirror(*args)


if __name__ == "__main__":
    main(*sys.argv[1:])
