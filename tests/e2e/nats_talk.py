"""nats_talk.py - a NATS server of Debian's, and as much of a client as tests need

The server is the real one, started for one case with files of its own. The
client speaks the protocol by hand, on one blocking socket, so that it is a
second opinion about what the program does with its own: what it may
subscribe to, what a stream holds, what a stranger can put into it.
"""
import base64
import collections
import ctypes
import json
import os
import secrets
import socket
import subprocess
import threading
import time

from lab import HERE, check, need_program, wait_for

SERVER = "nats-server"
PACKAGED = HERE.parent.parent / "packaging/nats/nats.conf"
SECRETS = {"TAP_PASSWORD": "'4711'", "REPLAYER_PASSWORD": "replays-only"}  # a number has to be in quotes
TAP, REPLAYER = "tap:4711", "replayer:replays-only"  # as in a URL
CLONE_NEWNET = 0x40000000

Message = collections.namedtuple("Message", "subject reply status headers data")


class Refused(Exception):
    """The server said -ERR; the text is what it said."""


def connected(namespace, host, port):
    """A socket that belongs to the namespace, whatever thread uses it then."""
    made = []

    def connect():
        with open(f"/var/run/netns/{namespace}", "rb") as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"setns {namespace}")
        try:
            made.append(socket.create_connection((host, port), 10))
        except OSError:
            pass # said below, by whoever wants it

    thread = threading.Thread(target=connect)
    thread.start()
    thread.join()
    check(made, f"no connection to {host}:{port} in {namespace}")
    return made[0]


class Link:
    """One connection. @inbox is the prefix of its own reply subjects, @tls an SSLContext."""

    def __init__(self, namespace, port=4222, host="127.0.0.1", inbox="_INBOX", tls=None, **login):
        self.socket = connected(namespace, host, port)
        self.held, self.inbox, self.errors, self.number, self.last_sid = b"", inbox, [], 0, 0
        self.waiting = collections.deque()
        self.info = json.loads(self.line().partition(b" ")[2])
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=host)
        self.send(b"CONNECT " + json.dumps({
            "verbose": False, "pedantic": False, "headers": True, "no_responders": True, "lang": "test", "version": "1", "protocol": 1,
            **login}).encode() + b"\r\nPING\r\n") # at once: what comes after it has closed would be answered by a reset
        self.until_pong()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # bytes

    def send(self, data):
        self.socket.sendall(data)

    def more(self):
        got = self.socket.recv(1 << 16)
        if not got:
            raise Refused(self.errors[0] if self.errors else "the server closed the connection")
        self.held += got

    def line(self):
        while b"\r\n" not in self.held:
            self.more()
        line, _, self.held = self.held.partition(b"\r\n")
        return line

    def exactly(self, count):
        while len(self.held) < count + 2:
            self.more()
        data, self.held = self.held[:count], self.held[count + 2:]
        return data

    # protocol

    def step(self):
        """One line of the server's; a message is put aside. Return: its first word."""
        words = self.line().decode("utf-8", "replace").split(" ")
        kind = words[0].upper()
        if kind == "PING":
            self.send(b"PONG\r\n")
        elif kind == "-ERR":
            self.errors.append(" ".join(words[1:]).strip("'"))
        elif kind in ("MSG", "HMSG"):
            with_headers = kind == "HMSG"
            reply = words[3] if len(words) == (6 if with_headers else 5) else ""
            whole = self.exactly(int(words[-1]))
            status, headers, data = "", [], whole
            if with_headers:
                head, data = whole[:int(words[-2])], whole[int(words[-2]):]
                first, *rest = head.decode().split("\r\n")
                status = first[len("NATS/1.0"):].strip()
                headers = [tuple(part.strip() for part in field.split(":", 1)) for field in rest if field]
            self.waiting.append(Message(words[1], reply, status, headers, data))
        return kind

    def round_trip(self):
        """All that was sent so far is done, and what was said about it is here."""
        self.send(b"PING\r\n")
        self.until_pong()

    def until_pong(self):
        while self.step() != "PONG": # after an error of the kind that ends it, the server closes
            pass

    def subscribe(self, subject):
        self.last_sid += 1
        self.send(f"SUB {subject} {self.last_sid}\r\n".encode())

    def publish(self, subject, data=b"", headers=(), reply=""):
        if headers:
            head = ("NATS/1.0\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers) + "\r\n").encode()
            start = f"HPUB {subject} {reply + ' ' if reply else ''}{len(head)} {len(head) + len(data)}\r\n"
            self.send(start.encode() + head + data + b"\r\n")
        else:
            self.send(f"PUB {subject} {reply + ' ' if reply else ''}{len(data)}\r\n".encode() + data + b"\r\n")

    def next(self, seconds=5.0):
        """The next message, or None."""
        end = time.monotonic() + seconds
        while not self.waiting:
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                self.step()
            except TimeoutError:
                return None
            finally:
                self.socket.settimeout(10)
        return self.waiting.popleft()

    def ask(self, subject, data=b"", headers=(), seconds=2.0):
        """A request's response; Refused if the server has said that it may not be asked, None if there was none."""
        if not self.number:
            self.name = f"{self.inbox}.{secrets.token_hex(8)}"
            self.subscribe(self.name + ".*")
        self.number += 1
        reply, before = f"{self.name}.{self.number}", len(self.errors)
        self.publish(subject, data, headers, reply)
        self.round_trip()
        if len(self.errors) > before:
            raise Refused(self.errors[-1])
        end = time.monotonic() + seconds
        while True:
            got = self.next(max(0.0, end - time.monotonic()))
            if got is None or got.subject == reply:
                return got

    def api(self, what, **said):
        """Of JetStream's API, as JSON."""
        got = self.ask("$JS.API." + what, json.dumps(said).encode() if said else b"")
        check(got is not None and not got.status, f"$JS.API.{what}: {got}")
        return json.loads(got.data)

    def stored(self, stream):
        """Every message that the stream has, first to last."""
        state = self.api(f"STREAM.INFO.{stream}")["state"]
        for number in range(state["first_seq"], state["last_seq"] + 1):
            got = self.api(f"STREAM.MSG.GET.{stream}", seq=number)
            if "message" in got:
                m = got["message"]
                head = base64.b64decode(m.get("hdrs", "")).decode().split("\r\n")[1:]
                yield Message(m["subject"], "", "", [tuple(p.strip() for p in field.split(":", 1)) for field in head if field],
                              base64.b64decode(m.get("data", "")))


def need_server():
    os.environ["PATH"] += ":/usr/sbin" # where Debian has it
    need_program(SERVER)


def wait_ready(process):
    wait_for("the NATS server to be ready", lambda: "Server is ready" in process.err or
             (not process.running() and check(False, f"{SERVER} ended at start: {process.err[-400:]}")))


def start(lab, namespace, port=4222, text=None, host="127.0.0.1", env=(), label="nats"):
    """A server with JetStream in the lab's directory; @text: its configuration, else one without users."""
    need_server()
    store = lab.directory / "jetstream"
    path = lab.directory / f"{label}.conf"
    path.write_text(text or f'listen: "{host}:{port}"\nmax_payload: 8MB\n'
                            f'jetstream {{ store_dir: "{store}", max_mem: 16MB, max_file: 2GB }}\n')
    process = lab.start(namespace, "env", *env, SERVER, "-c", path, label=label)
    wait_ready(process)
    return process


def packaged(lab):
    """packaging/nats/nats.conf with a directory of the case's own and a door for leaf nodes, and nothing else changed."""
    text = PACKAGED.read_text()
    for old, new in (('store_dir: "/var/lib/nats/jetstream"', f'store_dir: "{lab.directory}/jetstream"'), ("# leafnodes {", "leafnodes {")):
        check(text.count(old) == 1, f"{PACKAGED.name} has no {old}")
        text = text.replace(old, new)
    return text


def start_packaged(lab, namespace, text=None, label="nats"):
    return start(lab, namespace, text=text or packaged(lab), env=[f"{name}={value}" for name, value in SECRETS.items()], label=label)


def checked(config, env):
    """Whether the server takes a configuration, and what it says."""
    done = subprocess.run([SERVER, "-t", "-c", config], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, env=env)
    return done.returncode == 0, done.stdout
