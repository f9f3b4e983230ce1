"""broker.py - a nats-server of our own, and a client of it: enough of the protocol to publish, ask and read"""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Broker:
    """a server with JetStream on loopback, whose store outlives kill() and start()"""

    def __init__(self, extra=""):
        self.dir = tempfile.mkdtemp(prefix="shadowtap-broker-")
        self.port = free_port()
        self.process = None
        with open(os.path.join(self.dir, "nats.conf"), "w", encoding="utf-8") as f:
            f.write(f'listen: "127.0.0.1:{self.port}"\nmax_payload: 8MB\njetstream {{ store_dir: "{self.dir}/store" }}\n{extra}\n')

    def url(self, service="digits", user=""):
        return f"nats://{user}127.0.0.1:{self.port}/{service}"

    def start(self):
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.process = subprocess.Popen(["nats-server", "-c", os.path.join(self.dir, "nats.conf")], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while True:
            try:
                with Client(self.port) as c:
                    if "error" not in c.api("INFO"):
                        return self
            except (OSError, EOFError, TimeoutError):
                pass
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("nats-server does not start: " + open(os.path.join(self.dir, "log"), encoding="utf-8").read()[-2000:])
            time.sleep(0.02)

    def kill(self, signal=9):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal)
            self.process.wait()

    def empty(self):
        """as kill(), and the store is gone"""
        self.kill()
        shutil.rmtree(os.path.join(self.dir, "store"), ignore_errors=True)

    def client(self):
        return Client(self.port)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


class Client:
    """one connection; blocking, a reader of its own inbox"""

    def __init__(self, port, timeout=5):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.settimeout(timeout)
        self.buffer = b""
        self.inbox = "_INBOX.test." + os.urandom(6).hex()
        self.next_reply = 0
        self.waiting = {}
        assert self._line().startswith(b"INFO")
        self.socket.sendall(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB ' + self.inbox.encode() + b".* 1\r\nPING\r\n")
        while self._line() != b"PONG":
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _fill(self):
        piece = self.socket.recv(1 << 16)
        if not piece:
            raise EOFError("the broker closed the connection")
        self.buffer += piece

    def _line(self):
        while b"\r\n" not in self.buffer:
            self._fill()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def _bytes(self, count):
        while len(self.buffer) < count + 2:
            self._fill()
        data, self.buffer = self.buffer[:count], self.buffer[count + 2:]
        return data

    def message(self):
        """the next message: subject, reply, header bytes, data"""
        while True:
            line = self._line()
            words = line.split()
            if words and words[0] == b"PING":
                self.socket.sendall(b"PONG\r\n")
            elif words and words[0] == b"MSG":
                return words[1].decode(), words[3].decode() if len(words) == 5 else "", b"", self._bytes(int(words[-1]))
            elif words and words[0] == b"HMSG":
                whole = self._bytes(int(words[-1]))
                head = int(words[-2])
                return words[1].decode(), words[3].decode() if len(words) == 6 else "", whole[:head], whole[head:]
            elif words and words[0] == b"-ERR":
                raise RuntimeError(line.decode())

    def subscribe(self, subject):
        self.socket.sendall(f"SUB {subject} 2\r\nPING\r\n".encode())
        while self._line() != b"PONG":
            pass

    @staticmethod
    def encoded(subject, data, headers=None, reply=""):
        if isinstance(data, str):
            data = data.encode()
        if not headers:
            return f"PUB {subject} {reply} {len(data)}\r\n".encode() + data + b"\r\n"
        head = "NATS/1.0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
        head = head.encode()
        return f"HPUB {subject} {reply} {len(head)} {len(head) + len(data)}\r\n".encode() + head + data + b"\r\n"

    def publish(self, subject, data, headers=None):
        self.socket.sendall(self.encoded(subject, data, headers))

    def flush(self):
        self.socket.sendall(b"PING\r\n")
        while self._line() != b"PONG":
            pass

    def request(self, subject, data=b"", headers=None):
        self.next_reply += 1
        self.socket.sendall(self.encoded(subject, data, headers, f"{self.inbox}.{self.next_reply}"))
        while True:
            subject_of, _, head, body = self.message()
            if subject_of.endswith(f".{self.next_reply}"):
                if b"503" in head[:14]:
                    raise RuntimeError("nobody is there for " + subject)
                return body

    def request_all(self, messages):
        """[(subject, data, headers)] published with acknowledgement, many at a time; the responses in order"""
        out, responses = [], {}
        for subject, data, headers in messages:
            self.next_reply += 1
            out.append(self.next_reply)
            self.socket.sendall(self.encoded(subject, data, headers, f"{self.inbox}.{self.next_reply}"))
            if len(out) - len(responses) > 500:
                self._take(responses)
        while len(responses) < len(out):
            self._take(responses)
        return [responses[n] for n in out]

    def _take(self, responses):
        subject, _, _, body = self.message()
        responses[int(subject.rsplit(".", 1)[1])] = json.loads(body)

    def api(self, what, body=None):
        return json.loads(self.request("$JS.API." + what, json.dumps(body) if body is not None else b""))

    def key(self, service, key):
        """the value of a key of the service's bucket, or None"""
        import base64
        got = self.api(f"STREAM.MSG.GET.KV_shadowtap_{service}", {"last_by_subj": f"$KV.shadowtap_{service}.{key}"})
        return json.loads(base64.b64decode(got["message"]["data"])) if "message" in got and got["message"].get("data") else None

    def make_stream(self, service="digits", partitions=16, **more):
        stream = {"name": f"shadowtap_{service}", "subjects": [f"st.v1.{service}.>"], "retention": "limits", "max_age": 3600 * 10**9,
                  "storage": "file", "num_replicas": 1, "discard": "old", "duplicate_window": 10 * 10**9, **more}
        got = self.api(f"STREAM.CREATE.shadowtap_{service}", stream)
        assert "error" not in got, got
        got = self.api(f"STREAM.CREATE.KV_shadowtap_{service}", {
            "name": f"KV_shadowtap_{service}", "subjects": [f"$KV.shadowtap_{service}.>"], "max_msgs_per_subject": 1, "storage": "file",
            "num_replicas": 1, "allow_rollup_hdrs": True, "deny_delete": True, "discard": "new"})
        assert "error" not in got, got
        self.request(f"$KV.shadowtap_{service}.partitions", str(partitions))


class Tap:
    """publishes requests as a tap does, without packets"""

    def __init__(self, client, name="tap-1", service="digits", partitions=16, run=None):
        self.client, self.name, self.service, self.partitions = client, name, service, partitions
        self.run = run or f"{time.time_ns()}-{os.urandom(4).hex()}"
        self.sequence = self.published = self.duplicate = 0

    def headers(self, kind, identity=None, at=None, **more):
        at = at if at is not None else time.time()
        out = {"ce-specversion": "1.0", "ce-type": f"io.shadowtap.{kind}.v1", "ce-source": f"shadowtap://{self.name}/{self.run}",
               "ce-time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1e9):09d}Z"}
        if identity:
            out.update({"ce-id": identity, "Nats-Msg-Id": identity})
        out.update(more)
        return out

    def record(self, number, body=None, at=None, path="/v1/models/m:predict", answer=False):
        identity = f"{number + 1:016x}{(number * 2654435761 + 1) & (2**64 - 1):016x}"
        body = body if body is not None else json.dumps({"instances": [number]}).encode()
        data = (f"POST {path}?n={number} HTTP/1.1\r\nHost: production\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode() + body
        partition = int(identity[16:], 16) % self.partitions
        headers = self.headers("request", identity, at, **{"ce-sequence": f"{self.sequence:016d}",
                                                           "ce-datacontenttype": "application/http;msgtype=request"})
        if answer:
            headers["ce-tap"] = "answer=1"
        self.sequence += 1
        return f"st.v1.{self.service}.req.{partition:02d}", data, headers

    def answer(self, number, body, status=200):
        identity = f"{number + 1:016x}{(number * 2654435761 + 1) & (2**64 - 1):016x}"
        data = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        partition = int(identity[16:], 16) % self.partitions
        headers = self.headers("answer", identity + "a", None, **{"ce-sequence": f"{self.sequence:016d}", "ce-tap": "result=whole;first_us=100;last_us=200",
                                                                  "ce-datacontenttype": "application/http;msgtype=response"})
        self.sequence += 1
        return f"st.v1.{self.service}.req.{partition:02d}", data, headers

    def send(self, numbers, **more):
        """publish these; how many were duplicates"""
        got = self.client.request_all([self.record(n, **more) for n in numbers])
        assert all("error" not in g for g in got), got[:3]
        again = sum(bool(g.get("duplicate")) for g in got)
        self.duplicate += again
        return again

    def heartbeat(self, final=False, **relay):
        says = {"next_sequence": self.sequence, "final": final,
                "relay": {"offered": self.sequence, "published": self.sequence, "acked": self.sequence - self.duplicate,
                          "duplicate": self.duplicate, "unknown": 0, **relay}}
        self.client.request(f"st.v1.{self.service}.tap.{self.name}", json.dumps(says),
                            self.headers("tap", f"{time.time_ns()}-{self.run}", **{"ce-datacontenttype": "application/json"}))
