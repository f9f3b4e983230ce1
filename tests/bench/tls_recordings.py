#!/usr/bin/python3
"""tls_recordings.py - recordings by which the cost of TLS is measured, made of nothing

usage: tls_recordings.py requests DIR COUNT BODY   DIR/plain.pcap and DIR/tls.pcap: the same requests, to port 8000
       tls_recordings.py idle DIR COUNT            DIR/idle.pcap: connections that say hello, and then nothing for long

The key log is DIR/keys.log. Requests are POSTs with BODY bytes, each answered by
a few bytes, 200 on a connection; TLS 1.3 is spoken by Python's OpenSSL, over
memory. Idle connections have the handshake of one, each under a random of its
own: its secrets open what the server said behind it. Packets are 10 us apart,
in segments of 1448 bytes.
"""
import os
import pathlib
import ssl
import struct
import subprocess
import sys

PORT, MSS, ON_A_CONNECTION = 8000, 1448, 200
SYN, FIN, PSH, ACK = 2, 1, 8, 16
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class File:
    def __init__(self, path):
        self.out, self.now = open(path, "wb"), 1_700_000_000_000_000  # microseconds
        self.out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))

    def packet(self, data):
        self.now += 10
        self.out.write(struct.pack("<IIII", *divmod(self.now, 1_000_000), len(data), len(data)) + data)


class Connection:
    """TCP from the host that has @number, in raw IPv4."""

    def __init__(self, file, number):
        self.file, self.next = file, [1000, 5000]
        host = 0x0A000002 + number // 20000
        self.ends = [(struct.pack("!I", host), 20000 + number % 20000), (struct.pack("!I", 0x0AFF0001), PORT)]
        self.segment(0, SYN)
        self.segment(1, SYN | ACK)
        self.segment(0, ACK)

    def segment(self, side, flags, data=b""):
        (source, port), (target, to_port) = self.ends[side], self.ends[1 - side]
        tcp = struct.pack("!HHIIBBHHH", port, to_port, self.next[side], self.next[1 - side] if flags & ACK else 0, 0x50, flags, 65535, 0, 0)
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(data), 0, 0x4000, 64, 6, 0, source, target)
        self.file.packet(ip + tcp + data)
        self.next[side] += len(data) + bool(flags & (SYN | FIN))

    def send(self, side, data):
        for at in range(0, len(data), MSS):
            self.segment(side, PSH | ACK, data[at:at + MSS])

    def close(self):
        self.segment(0, FIN | ACK)
        self.segment(1, FIN | ACK)
        self.segment(0, ACK)


class Talk:
    """Two ends of TLS 1.3 over memory; @send gets what either says, (side, bytes)."""

    def __init__(self, directory, send):
        client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(directory / "cert.pem", directory / "key.pem")
        client.check_hostname, client.verify_mode, client.keylog_filename = False, ssl.CERT_NONE, directory / "keys.log"
        self.bios, self.out = [(ssl.MemoryBIO(), ssl.MemoryBIO()) for _ in range(2)], send
        self.ends = [client.wrap_bio(*self.bios[0], server_hostname="models.example"), server.wrap_bio(*self.bios[1], server_side=True)]
        done = [False, False]
        while not all(done):
            for side, end in enumerate(self.ends):
                try:
                    end.do_handshake()
                    done[side] = True
                except ssl.SSLWantReadError:
                    pass
                self.pass_on(side)

    def pass_on(self, side):
        data = self.bios[side][1].read()
        if data:
            self.bios[1 - side][0].write(data)
            self.out(side, data)

    def write(self, side, data):
        self.ends[side].write(data)
        self.pass_on(side)
        while data:
            data = data[len(self.ends[1 - side].read(len(data))):]


def make_certificate(directory):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=models.example", "-out", directory / "cert.pem", "-keyout", directory / "key.pem"], check=True, capture_output=True)
    (directory / "keys.log").unlink(missing_ok=True)
    os.close(os.open(directory / "keys.log", os.O_CREAT | os.O_WRONLY, 0o600))


def make_requests(directory, count, size):
    plain, tls = File(directory / "plain.pcap"), File(directory / "tls.pcap")
    body = os.urandom(size)
    head = f"POST /v1/models/m:predict HTTP/1.1\r\nHost: h\r\nContent-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n"
    for number in range(-(-count // ON_A_CONNECTION)):
        a, b = Connection(plain, number), Connection(tls, number)
        talk = Talk(directory, b.send)
        for _ in range(min(ON_A_CONNECTION, count - number * ON_A_CONNECTION)):
            for side, data in ((0, head.encode() + body), (1, ANSWER)):
                a.send(side, data)
                talk.write(side, data)
        a.close()
        b.close()


def make_idle(directory, count):
    said = []
    Talk(directory, lambda side, data: said.append((side, data)))
    hello = said[0][1]
    random = hello[11:43]
    lines = [line.split() for line in (directory / "keys.log").read_text().splitlines() if random.hex() in line]
    file = File(directory / "idle.pcap")
    with open(directory / "keys.log", "w", encoding="ascii") as keys:
        for number in range(count):
            own = number.to_bytes(4, "big") * 8
            c = Connection(file, number)
            for side, data in said:
                c.send(side, data.replace(random, own))
            for label, _, secret in lines:
                keys.write(f"{label} {own.hex()} {secret}\n")


def main():
    if len(sys.argv) < 4 or sys.argv[1] not in ("requests", "idle"):
        sys.exit(__doc__.split("\n\n")[1])
    directory = pathlib.Path(sys.argv[2])
    directory.mkdir(exist_ok=True)
    make_certificate(directory)
    if sys.argv[1] == "requests":
        make_requests(directory, int(sys.argv[3]), int(sys.argv[4]))
    else:
        make_idle(directory, int(sys.argv[3]))


if __name__ == "__main__":
    main()
