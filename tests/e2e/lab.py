"""lab.py - what every end-to-end case stands on: namespaces, processes, the tap, the shadow

A Lab is one case's world: network namespaces, processes and a directory, all
with names of their own, all gone when the case ends, however it ends. Nothing
here waits for a fixed time: things are polled for, and the bounds are only
there so that a broken program cannot hold the suite up.
"""
import base64
import collections
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import books

HERE = pathlib.Path(__file__).resolve().parent
RECORD = HERE.parent / "record"
PCAPS = HERE.parent.parent / "pcaps"
PYTHON = "/usr/bin/python3"

# What may be in a replayed request: the allow-list, what is made fresh, and what marks it.
MAY_ARRIVE = {
    "content-type", "content-encoding", "accept", "x-request-id", "x-correlation-id", "seldon-model",
    "inference-header-content-length", "serve_multiplexed_model_id",
    "host", "content-length", "connection", "user-agent", "x-shadowtap",
}
DENIED = re.compile(r"/v2/repository/|/health|/metrics")


class Failed(Exception):
    """The case found a fault; the text says what."""


class Skip(Exception):
    """The case cannot run here; the text says why."""


def check(condition, text):
    if not condition:
        raise Failed(text)


def wait_for(what, condition, seconds=20.0):
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Failed(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.02)


class Process:
    """A child with its output in files, so that no pipe can fill up."""

    def __init__(self, command, directory, label):
        self.label = label
        self.out_path, self.err_path = directory / f"{label}.out", directory / f"{label}.err"
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.popen = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    @property
    def out(self):
        return self.out_path.read_text(errors="replace")

    @property
    def err(self):
        return self.err_path.read_text(errors="replace")

    def running(self):
        return self.popen.poll() is None

    def wait(self, seconds=30.0):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.label} did not end within {seconds:.0f} s; its last words: {self.err[-300:]!r}") from None

    def end(self):
        if self.running():
            self.popen.kill()
            self.popen.wait(10)


class Tap(Process):
    """shadowtap itself."""

    def wait_capturing(self):
        """Until it says that it captures: packets from then on must not be lost."""
        def said():
            check(self.running(), f"shadowtap ended at start, exit {self.popen.returncode}: {self.err[-400:]!r}")
            return re.search(r"capturing on|listening on", self.err)
        wait_for("shadowtap to say that it is listening", said)

    def interrupt(self):
        self.popen.send_signal(signal.SIGINT)

    def stop(self):
        """SIGINT, and the report of a clean end."""
        self.interrupt()
        return self.finish()

    def finish(self, seconds=60.0):
        status = self.wait(seconds)
        check(status == 0, f"shadowtap: exit {status}: {self.err[-400:]!r}")
        return self.report()

    def report(self):
        """The JSON report, its books checked."""
        report = json.loads((self.out_path.parent / f"{self.label}.json").read_text())
        faults = books.faults(report)
        check(not faults, "the books do not balance: " + "; ".join(faults))
        return report

    def events(self):
        text = (self.out_path.parent / f"{self.label}.ndjson").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def failures(self):
        """The shadow_fail lines of the log, each about one request; and how many more it says there were."""
        told = [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]
        told = [line for line in told if line["event"] == "shadow_fail"]
        return [line for line in told if line.keys() - {"event", "suppressed", "level", "ts"}], \
            sum(line.get("suppressed", 0) for line in told)


class Shadow(Process):
    """The recording shadow server."""

    def __init__(self, command, directory, label, log):
        super().__init__(command, directory, label)
        self.log = log

    def entries(self, event):
        if not self.log.exists():
            return []
        lines = self.log.read_text().split("\n")[:-1]
        return [e for e in map(json.loads, lines) if e["event"] == event]

    def requests(self):
        """Every request so far; a request that is no proper one is a fault."""
        errors = self.entries("error")
        check(not errors, f"the shadow could not understand a replay: {errors[:1]}")
        return self.entries("request")


class Lab:
    def __init__(self, binary):
        self.binary = binary
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="shadowtap-e2e-"))
        self.directory.chmod(0o755)
        self.namespaces, self.processes, self.counter = [], [], 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.end()
        for name in self.namespaces:
            subprocess.run(["ip", "netns", "del", name], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def label(self, text):
        self.counter += 1
        return f"{text}-{self.counter}"

    @staticmethod
    def pcap(name):
        return PCAPS / f"{name}.pcap"

    # networks

    def namespace(self):
        name = self.label(f"st-{os.getpid()}")
        done = subprocess.run(["ip", "netns", "add", name], check=False, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise Skip(f"cannot make a network namespace ({done.stderr.strip()}); run as root")
        self.namespaces.append(name)
        self.ip(name, "link", "set", "lo", "up")
        return name

    def ip(self, namespace, *args):
        done = subprocess.run(["ip", "-n", namespace, *args], check=False, stderr=subprocess.PIPE, text=True)
        check(done.returncode == 0, f"ip {' '.join(args)}: {done.stderr.strip()}")

    def cable(self, here, a, there, b):
        """A pair of interfaces, up, without addresses."""
        self.ip(here, "link", "add", "name", a, "type", "veth", "peer", "name", b, "netns", there)
        for namespace, name in ((here, a), (there, b)):
            self.ip(namespace, "link", "set", name, "addrgenmode", "none")
            self.ip(namespace, "link", "set", name, "up")

    # processes

    @staticmethod
    def inside(namespace, command):
        return ["ip", "netns", "exec", namespace, *map(str, command)]

    def start(self, namespace, *command, label=None):
        process = Process(self.inside(namespace, command), self.directory, self.label(label or "process"))
        self.processes.append(process)
        return process

    def wait_listening(self, namespace, port, process, host=""):
        """Until something listens on @port, of the IPv4 address @host if one is given."""
        def listens():
            check(process.running(), f"{process.label} ended at start: {process.err[-300:]}")
            done = subprocess.run(self.inside(namespace, ["ss", "-Hltn"]), check=True, stdout=subprocess.PIPE, text=True)
            return f" {host}:{port} " in done.stdout if host else f":{port} " in done.stdout
        wait_for(f"a server on port {port}", listens)

    def service(self, namespace, port=8080, host="127.0.0.1", keep_alive=5):
        """The model service; see tests/record/service.py."""
        need_python("uvicorn", "numpy")
        process = self.start(namespace, PYTHON, RECORD / "service.py", "--host", host, "--port", port,
                             "--timeout-keep-alive", keep_alive, "--log", self.directory / f"service-{port}.log",
                             label="service")
        self.wait_listening(namespace, port, process)
        return process

    def received(self, port=8080):
        """What the service on @port logged."""
        path = self.directory / f"service-{port}.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def shadow(self, namespace, port=9000, mode="ok", host="127.0.0.1"):
        label = self.label("shadow")
        log = self.directory / f"{label}.log"
        command = [PYTHON, HERE / "shadow.py", "--host", host, "--port", port, "--mode", mode, "--log", log]
        shadow = Shadow(self.inside(namespace, command), self.directory, label, log)
        self.processes.append(shadow)
        self.wait_listening(namespace, port, shadow, host if "." in host else "")
        return shadow

    def tap(self, namespace, *args):
        """Start shadowtap with a report and an event file."""
        label = self.label("tap")
        command = [self.binary, *args, "-o", f"{label}.ndjson", "--report", f"{label}.json"]
        tap = Tap(self.inside(namespace, command), self.directory, label)
        self.processes.append(tap)
        return tap

    def live_tap(self, namespace, *args):
        # the case's directory and files are root's: stay root, so that nothing but the capture is tested
        tap = self.tap(namespace, *args)
        tap.wait_capturing()
        return tap

    def client(self, namespace, program, mode, base, count, first=0, env=None):
        """Run a client of tests/record/clients to its end; what it says it sent. @env: variables beside our own."""
        script = RECORD / "clients" / program
        runner = "node" if program.endswith(".js") else PYTHON
        done = subprocess.run(self.inside(namespace, [runner, script, mode, base, count, first]), cwd=self.directory,
                              env={**os.environ, **(env or {})}, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=60)
        check(done.returncode == 0, f"client {program} {mode}: {done.stderr[-300:]}")
        return [json.loads(line) for line in done.stdout.splitlines()]


def need_python(*modules):
    """Skip the case when the system's Python has not all of these."""
    for module in modules:
        if subprocess.run([PYTHON, "-c", f"import {module}"], check=False, stderr=subprocess.DEVNULL).returncode:
            raise Skip(f"{PYTHON} has no module {module}; see tests/packages.txt")


def need_program(*names):
    for name in names:
        if not shutil.which(name):
            raise Skip(f"no {name} in PATH; see tests/packages.txt")


def fields_of(request):
    return {name.lower(): value for name, value in request["headers"]}


def origin_form(target):
    """RFC 9112, 3.2: what a target in absolute form becomes."""
    return re.sub(r"^https?://[^/]+", "", target) or "/"


def arrived_key(request):
    """What a request at the shadow is compared by."""
    body = base64.b64decode(request["body"])
    return (request["method"], request["target"], fields_of(request).get("content-type"), len(body),
            hashlib.sha256(body).hexdigest())


def told_key(entry):
    """The same, of a client's word or of a row of an .expected.json."""
    kind = entry.get("content_type")
    if entry.get("headers"):
        kind = fields_of(entry).get("content-type", kind)
    return entry["method"], origin_form(entry["target"]), kind, entry["body_len"], entry["body_sha256"]


def mirrored(entries):
    """Those that are mirrored when nothing is asked for: whole POSTs and PUTs off the deny list."""
    return [e for e in entries if e["complete"] and e["method"] in ("POST", "PUT")
            and not DENIED.search(e["target"].partition("?")[0])]


def compare(arrived, must, may=()):
    """Fault unless exactly @must, and at most @may beyond that, arrived."""
    have = collections.Counter(map(arrived_key, arrived))
    want = collections.Counter(map(told_key, must))
    extra = have - want - collections.Counter(map(told_key, may))
    missing = want - have
    check(not missing, f"{sum(missing.values())} of {len(must)} requests never reached the shadow, "
                       f"the first: {next(iter(missing), None)}")
    check(not extra, f"{sum(extra.values())} requests at the shadow were sent by no client, "
                     f"the first: {next(iter(extra), None)}")


def check_heads(arrived, authority):
    """Each replay is marked, addressed to the shadow, and carries nothing it must not."""
    ids = set()
    for request in arrived:
        names = [name.lower() for name, _ in request["headers"]]
        fields = fields_of(request)
        stray = {n for n in names if n not in MAY_ARRIVE and not n.startswith("ce-")}
        check(not stray, f"fields that must not be forwarded: {sorted(stray)}")
        check(len(set(names)) == len(names), f"a field twice: {names}")
        check(fields.get("user-agent", "").startswith("shadowtap/"), f"User-Agent: {fields.get('user-agent')!r}")
        check(fields.get("host") == authority, f"Host: {fields.get('host')!r} instead of {authority!r}")
        check(fields.get("x-shadowtap"), "no X-Shadowtap")
        check(request["method"] in ("GET", "HEAD") or "content-length" in fields, "a POST without Content-Length")
        ids.add(fields["x-shadowtap"])
    check(len(ids) == len(arrived), f"{len(arrived)} replays with {len(ids)} ids")


def check_events(tap, report):
    """The event file says the same as the books."""
    events = tap.events()
    requests = [e for e in events if e["event"] == "request"]
    outcomes = [e for e in events if e["event"] == "outcome"]
    chosen = {e["id"] for e in requests if e["verdict"] == "chosen"}
    check(len(requests) == report["requests"]["complete"],
          f"{len(requests)} request events for {report['requests']['complete']} complete requests")
    check(len(chosen) == report["requests"]["chosen"], f"{len(chosen)} chosen ids, {report['requests']['chosen']} chosen")
    sent = sum(t["sent"] for t in report["targets"].values())
    check(len(outcomes) == sent, f"{len(outcomes)} outcome events for {sent} sent")
    check(all(e["id"] in chosen for e in outcomes), "an outcome of a request that was not chosen")
    return requests
