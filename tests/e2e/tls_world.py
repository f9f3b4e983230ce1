"""tls_world.py - production that speaks TLS, a recording of it, and what is read of that with a key log

nginx ends TLS on port 9443 and passes on to production, which writes down what
it got, as the shadow does: so there are two accounts of the truth, the client's
and production's. Segments are as long as on a network. The key log is written
by the client, or by whoever a case says.
"""
import hashlib
import os
import re
import struct
import subprocess

from cases_tls import make_authority, make_certificate, nginx
from lab import PYTHON, Process, check, check_heads, compare, need_program, wait_for

PORT, BEHIND, SHADOW = 9443, 9000, 9100
URL = f"https://127.0.0.1:{PORT}"
END = b"all that clients sent is behind this"


def told(target, body, kind="application/octet-stream", method="POST"):
    """A request as a client's word has it; see lab.told_key()."""
    return {"method": method, "target": target, "content_type": kind, "complete": True, "body_len": len(body),
            "body_sha256": hashlib.sha256(body).hexdigest()}


def post(target, body, more=""):
    """The same request in HTTP/1.1."""
    return (f"POST {target} HTTP/1.1\r\nHost: models.test\r\nContent-Type: application/octet-stream\r\n"
            f"Content-Length: {len(body)}\r\n{more}\r\n").encode() + body


class World:
    def __init__(self, lab, server="ssl_protocols TLSv1.2 TLSv1.3;", listen=f"listen 127.0.0.1:{PORT} ssl;"):
        need_program("openssl", "nginx", "tcpdump")
        self.lab, self.ns, self.read_before, self.server, self.listen = lab, lab.namespace(), 0, server, listen
        lab.ip(self.ns, "link", "set", "lo", "mtu", "1500", "gso_max_size", "1500", "gso_max_segs", "1")
        make_authority(lab)
        make_certificate(lab, "good", "IP:127.0.0.1,DNS:models.test")
        self.keys = lab.directory / "keys.log"
        self.keys.touch(0o600)
        self.production, self.shadow = lab.shadow(self.ns, BEHIND), lab.shadow(self.ns, SHADOW)
        self.env = {"SSLKEYLOGFILE": str(self.keys), "NODE_OPTIONS": f"--tls-keylog={self.keys}",
                    **{name: str(lab.directory / "ca.pem") for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
                                                                        "NODE_EXTRA_CA_CERTS")}}
        self.front = None
        self.start_front()

    def start_front(self):
        """nginx; anew, it knows no session of before."""
        if self.front:
            self.front.end()
        self.front = nginx(self.lab, self.ns, self.server, self.listen)
        self.lab.wait_listening(self.ns, PORT, self.front)

    # production's traffic

    def client(self, program, mode, count, first=0, url=URL, logs=True):
        env = dict(self.env) if logs else {name: v for name, v in self.env.items() if name not in ("SSLKEYLOGFILE", "NODE_OPTIONS")}
        return self.lab.client(self.ns, program, mode, url, count, first, env)

    def python(self, code, *args):
        """Run a client to its end; its output."""
        done = subprocess.run(self.lab.inside(self.ns, [PYTHON, "-c", code, *args]), cwd=self.lab.directory, check=False,
                              env={**os.environ, **self.env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        check(done.returncode == 0, f"client: {done.stderr[-300:]}")
        return done.stdout

    def curl(self, requests, *options, url=URL):
        """One process of curl for all @requests, (target, body) each; what it says of each answer, "STATUS VERSION CONNECTS"."""
        lines = []
        for i, (target, body) in enumerate(requests):
            path = self.lab.directory / f"body-{i}"
            path.write_bytes(body)
            lines += ["next"] * (i > 0) + [f'url = "{url}{target}"', f'data-binary = "@{path}"', 'header = "Expect:"',
                                          'header = "Content-Type: application/octet-stream"', 'output = "/dev/null"', "silent",
                                          r'write-out = "%{http_code} %{http_version} %{num_connects}\n"', *options]
        (self.lab.directory / "curl.conf").write_text("\n".join(lines))
        done = subprocess.run(self.lab.inside(self.ns, ["curl", "-K", "curl.conf"]), cwd=self.lab.directory, check=False,
                              env={**os.environ, **self.env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        check(done.returncode == 0 and len(done.stdout.splitlines()) == len(requests), f"curl: {done.returncode} {done.stderr[-300:]}")
        return done.stdout.splitlines()

    def s_client(self, *options):
        return Talker(self.lab, self.lab.inside(self.ns, ["openssl", "s_client", "-connect", f"127.0.0.1:{PORT}", "-CAfile", "ca.pem",
                                                          "-keylogfile", self.keys, *options]))

    # recordings

    def record(self, *ports):
        """Start to record; finish_recording() ends it."""
        self.path = self.lab.directory / f"{self.lab.label('recorded')}.pcap"
        which = " or ".join(f"port {port}" for port in (*(ports or (PORT,)), 9))
        self.recorder = self.lab.start(self.ns, "tcpdump", "-i", "lo", "-U", "-B", "32768", "-s", "0", "-w", self.path, which,
                                       label="tcpdump")
        wait_for("tcpdump", lambda: "listening on" in self.recorder.err)

    def finish_recording(self):
        self.python(f"import socket; socket.socket(type=socket.SOCK_DGRAM).sendto({END!r}, ('127.0.0.1', 9))")
        wait_for("the recording", lambda: END in self.path.read_bytes()[-4096:])
        self.recorder.end()
        return self.path

    # what is read of them

    def read(self, path, *args, keys=None, port=PORT):
        """(tap, report) of a recording; the shadow has got all."""
        tap = self.lab.tap(self.ns, "-r", path, "-p", port, "-x", "max", "--keylog", keys or self.keys, "-t", f"http://127.0.0.1:{SHADOW}",
                           "-m", "10s", *args)
        return tap, tap.finish()

    def arrived(self):
        """What the shadow has got since this was asked last."""
        requests = self.shadow.requests()[self.read_before:]
        self.read_before += len(requests)
        check_heads(requests, f"127.0.0.1:{SHADOW}")
        return requests

    def check_read(self, path, sent, connections=None, *args, must=None):
        """All that was @sent is read, or at least all of @must, and nothing else; the report."""
        tap, report = self.read(path, *args)
        compare(self.arrived(), sent if must is None else must, () if must is None else sent)
        fates = report["tls"]
        check(fates["read"] == fates["seen"] and connections in (None, fates["seen"]), f"{connections} connections: {fates}")
        return tap, report


class Talker(Process):
    """A program that a case speaks to by its standard input, a line or a request at a time."""

    def __init__(self, lab, command):
        label = lab.label("talker")
        self.label = label
        self.out_path, self.err_path = lab.directory / f"{label}.out", lab.directory / f"{label}.err"
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.popen = subprocess.Popen(command, cwd=lab.directory, stdin=subprocess.PIPE, stdout=out, stderr=err)
        lab.processes.append(self)

    def say(self, data):
        self.popen.stdin.write(data)
        self.popen.stdin.flush()

    def answers(self):
        return len(re.findall(r"HTTP/1\.1 200 OK", self.out))

    def ask(self, target, body, more=""):
        """A request, and wait for what is said to it."""
        before = self.answers()
        self.say(post(target, body, more))
        wait_for(f"an answer: {self.err[-200:]}", lambda: self.answers() > before)
        return told(target, body)

    def finish(self):
        self.popen.stdin.close()
        self.wait()


class Pcap:
    """A file of tcpdump's that can be damaged, packet by packet."""

    def __init__(self, path):
        data = path.read_bytes()
        self.header, self.packets, at = data[:24], [], 24
        check(struct.unpack("<I", data[:4]) == (0xa1b2c3d4,) and struct.unpack("<I", data[20:24]) == (1,), "not what tcpdump writes")
        while at < len(data):
            seconds, micros, length, _ = struct.unpack("<IIII", data[at:at + 16])
            self.packets.append(Packet(seconds + micros / 1e6, data[at:at + 16], data[at + 16:at + 16 + length]))
            at += 16 + length

    def write(self, path):
        path.write_bytes(self.header + b"".join(p.head + p.frame for p in self.packets))
        return path


class Packet:
    def __init__(self, at, head, frame):
        self.at, self.head, self.frame = at, head, frame
        self.is_tcp = frame[23] == 6
        ip = (frame[14] & 15) * 4
        self.ports = struct.unpack("!HH", frame[14 + ip:18 + ip])
        self.data = frame[14 + ip + (frame[26 + ip] >> 4) * 4:14 + struct.unpack("!H", frame[16:18])[0]] if self.is_tcp else b""

    def is_from_client(self):
        """With data."""
        return self.is_tcp and self.ports[1] == PORT and bool(self.data)

    def trade(self, other):
        """Each was captured when the other was."""
        self.frame, other.frame = other.frame, self.frame
        self.head, other.head = self.head[:8] + other.head[8:], other.head[:8] + self.head[8:]
