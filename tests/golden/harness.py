"""harness.py - what a golden case is, how it is run and what is compared

Theory of operation: a case is a function that fills a Capture: segments in
capture order, and the requests that must come out of them. The harness writes
the file, runs the binary as a user would (`-r FILE --dry-run -o - --report`),
and compares the events with the expectations, one connection after the other,
and the books with the equalities of docs/contract.md, "Books". Expected times are not written by
hand: they are those of the first packet in the file that carries the first and
the last byte of the request.

What is unspecified is left open on purpose: a request may be optional, and
`lost` may be a list of alternatives. Nothing else may differ.
"""
import collections
import contextlib
import copy
import hashlib
import itertools
import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass

from packets import WRAP, Conversation, Link, pcap, records

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE_S = 300  # only so that a hanging binary ends; nothing is measured against it

LOST_REASONS = ("gap", "truncated", "reset", "idle", "too_large", "malformed", "upgraded", "memory", "multipath", "urgent",
                "head_unknown", "framing", "stream_reset", "stream_long", "refused", "cut_at_end")
FILTERED = ("method", "denied", "path", "host", "header", "loop")
TARGET_SHED = ("rate", "queue", "stale", "breaker", "production", "needs_http2", "plain")
ANSWERED = ("2xx", "3xx", "4xx", "5xx")
FAILED = ("timeout", "connect", "dns", "tls", "reset", "stale", "protocol", "refused", "goaway", "stream_reset")
EVERY_REQUEST = ("-X", "any", "--allow-side-effects")


def binary():
    return os.path.abspath(os.environ.get("SHADOWTAP") or os.path.join(TOP, "build", "shadowtap"))


class Failure(Exception):
    """what differs, for the FAIL line"""


class Skip(Exception):
    """why a case cannot be run here"""


# -- cases ----------------------------------------------------------------------

CASES = {}


@dataclass
class Case:
    name: str
    function: object
    whole: bool   # the function runs the binary itself
    replays: bool # sends to a target: a Capture is also replayed into the built-in server


def case(name, sink=False):
    """a function that fills a Capture"""
    return _register(name, False, sink)


def check(name, replays=False):
    """a function that gets a Bench and runs the binary itself"""
    return _register(name, True, replays)


def _register(name, whole, replays):
    def register(function):
        if name in CASES:
            raise ValueError(f"two cases are called {name}")
        CASES[name] = Case(name, function, whole, replays)
        return function
    return register


# -- what is expected -------------------------------------------------------------

@dataclass
class Expected:
    method: str
    target: str
    body_len: int
    body_sha256: str
    src: str
    dst: str
    version: str = "1.1"
    ts_first: int = None
    ts_last: int = None
    optional: bool = False
    verdict: str = "chosen"
    reason: str = None
    headers: list = None

    def line(self):
        return f"{self.method} {self.target} ({self.body_len} bytes)"


def http_head(method, target, headers=(), version="1.1", host="model.test", newline=b"\r\n"):
    """a head, host first; headers are (name, value) of str or bytes"""
    lines = [f"{method} {target} HTTP/{version}".encode()]
    if host is not None:
        lines.append(b"Host: " + host.encode())
    for name, value in headers:
        lines.append(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()))
    return newline.join(lines) + newline * 2


def chunked(pieces, extension=b"", trailers=b""):
    return b"".join(b"%x%s\r\n%s\r\n" % (len(p), extension, p) for p in pieces) + b"0\r\n" + trailers + b"\r\n"


def http_request(method, target, body=b"", headers=(), version="1.1", chunks=None, **more):
    headers = list(headers)
    if chunks is not None:
        return http_head(method, target, headers + [("Transfer-Encoding", "chunked")], version, **more) + chunked(chunks)
    if body or method in ("POST", "PUT", "PATCH"):
        headers.append(("Content-Length", str(len(body))))
    return http_head(method, target, headers, version, **more) + body


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def pattern(n, salt=0):
    """n bytes that differ everywhere, so that a shifted or repeated piece changes the digest"""
    block = b"".join(hashlib.sha256(b"%d.%d" % (salt, i)).digest() for i in range(min(n, 65536) // 32 + 1))
    return (block * (n // len(block) + 1))[:n]


class Capture:
    """The segments of a case in capture order, and what must come of them"""

    def __init__(self):
        self.segments = []
        self.expected = []
        self.lost = {}                  # or a list of alternatives; None: open
        self.link = Link()
        self.write = None               # function(records, linktype) -> file bytes
        self.args = []
        self.requests_args = EVERY_REQUEST
        self.ports = ("8000", None)     # run with -p and, if None is in it, without
        self.keep_times = False
        self.counters = {}              # dotted name in the report -> value
        self.order = None               # targets in the order of events, all connections together
        self._ranges = []
        self._clients = 40000

    def conversation(self, **more):
        if "client" not in more:
            self._clients += 1
            more["client"] = f"10.0.0.1:{self._clients}"
        if "start" not in more and self.segments:
            more["start"] = max(s.ts for s in self.segments) + 1_000_000
        return Conversation(self.segments, **more)

    def opened(self, **more):
        c = self.conversation(**more)
        c.handshake()
        return c

    def ask(self, c, method="POST", target="/v1/models/m:predict", body=b"", headers=(), version="1.1", chunks=None,
            raw=None, expect=True, cuts=(), mss=1448, step=None, ack=None, **expectation):
        """send a request; expect it to be found unless told otherwise"""
        data = http_request(method, target, body, headers, version, chunks) if raw is None else raw
        if chunks is not None:
            body = b"".join(chunks)
        first = c.next[True]
        sent = c.send(data, cuts, mss, step, ack)
        if expect:
            self.expect(c, method, target, body, first, c.next[True] - 1, version=version, **expectation)
        return sent

    def expect(self, c, method, target, body, first, last, version="1.1", **expectation):
        """a request whose bytes have the (unwrapped) sequence numbers first..last must be found"""
        self.expected.append(Expected(method, target, len(body), hashlib.sha256(body).hexdigest(), c.client_text,
                                      c.server_text, version, **expectation))
        self._ranges.append((c, first, last))

    @contextlib.contextmanager
    def expecting(self, c, method, target, body=b"", **expectation):
        """whatever the client sends inside is one request that must be found"""
        first = c.next[True]
        yield
        self.expect(c, method, target, body, first, c.next[True] - 1, **expectation)

    def answer(self, c, data=OK, **more):
        sent = c.reply(data, **more)
        c.client_ack()
        return sent

    # disturbances

    def drop(self, *segments):
        for s in segments:
            self.segments.remove(s)

    def move(self, segment, after):
        self.segments.remove(segment)
        self.segments.insert(self.segments.index(after) + 1, segment)

    def interleave(self, *lists):
        """the segments of several connections by turns, at the end of the capture"""
        moved = [s for turn in itertools.zip_longest(*lists) for s in turn if s is not None]
        self.drop(*moved)
        self.segments.extend(moved)

    def double_everything(self):
        self.segments[:] = [s for s in self.segments for _ in (0, 1)]

    # the file

    def settle(self):
        """times rise with the order in the file, whatever was moved; then the expected times are known"""
        if not self.keep_times:
            times = sorted(s.ts for s in self.segments)
            self.segments[:] = [copy.copy(s) for s in self.segments]
            for s, ts in zip(self.segments, times):
                s.ts = ts
        for e, (c, first, last) in zip(self.expected, self._ranges):
            e.ts_first, e.ts_last = self.first_seen(c, first), self.first_seen(c, last)

    def first_seen(self, c, seq):
        for s in self.segments:
            if s.conversation is c and s.covers(True, seq % WRAP):
                return s.ts
        raise AssertionError(f"byte {seq} of an expected request is in no packet")

    def file(self):
        recs = records(self.segments, self.link)
        return (self.write or pcap)(recs, self.link.linktype)


# -- running ------------------------------------------------------------------------

@dataclass
class Result:
    status: int
    stderr: str
    requests: list
    lost: list
    outcomes: list
    report: dict
    command: str


class Bench:
    """A temporary directory and the binary"""

    def __init__(self, directory):
        self.directory = directory
        self._reports = 0

    def path(self, name, data):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def tap(self, *args, stdin=None):
        """run the binary with exactly these arguments"""
        try:
            return subprocess.run([binary(), *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  timeout=PATIENCE_S, stdin=subprocess.DEVNULL if stdin is None else None)
        except subprocess.TimeoutExpired:
            raise Failure(f"still running after {PATIENCE_S} s: {' '.join(args)}")

    def read(self, *args, stdin=None, status=0, mode=("--dry-run",), requests=EVERY_REQUEST, expression=()):
        """read captures; args hold the -r options"""
        self._reports += 1
        report = os.path.join(self.directory, f"report{self._reports}.json")
        command = [*args, *mode, *requests, "--show-query", "-o", "-", "--report", report, *expression]
        done = self.tap(*command, stdin=stdin)
        stderr = done.stderr.decode(errors="replace")
        trouble = re.search(r"(ERROR|WARNING): \w+Sanitizer: .*|.*runtime error: .*", stderr)
        if trouble:
            frames = re.findall(r"in (\w+) \S*?(\w+/\w+\.c:\d+)", stderr[trouble.start():])
            raise Failure(" <- ".join([trouble.group(), *(f"{name} {place}" for name, place in frames[:4])]))
        if done.returncode != status:
            raise Failure(f"exit {done.returncode}, not {status}: {stderr.strip()[-300:]} [{' '.join(command)}]")
        result = Result(done.returncode, stderr, [], [], [], None, " ".join(command))
        for line in done.stdout.decode().splitlines():
            event = json.loads(line)
            {"request": result.requests, "lost": result.lost, "outcome": result.outcomes}[event["event"]].append(event)
        if status == 0:
            with open(report) as f:
                result.report = json.load(f)
        return result


# -- comparing ----------------------------------------------------------------------

def total(node):
    return sum(total(n) for n in node.values()) if isinstance(node, dict) else node


def lookup(report, dotted):
    for name in dotted.split("."):
        report = report[name]
    return report


def need(problems, where, node, names):
    missing = [n for n in names if not isinstance(node.get(n), int)]
    if missing:
        problems.append(f"{where} lacks {', '.join(missing)}")


def check_books(result, targets=0):
    """every equality of docs/contract.md, "Books"; returns what does not balance"""
    problems, report = [], result.report

    def equal(what, left, right):
        if left != right:
            problems.append(f"{what}: {left} != {right}")

    packets, requests = report["packets"], report["requests"]
    equal("packets.received = decoded + ignored + malformed", packets["received"],
          packets["decoded"] + total(packets["ignored"]) + total(packets["malformed"]))
    need(problems, "packets", packets, ("dropped_kernel",))
    need(problems, "requests.lost", requests["lost"], LOST_REASONS)
    need(problems, "requests.filtered", requests["filtered"], FILTERED)
    need(problems, "requests.shed", requests["shed"], ("handover", "memory", "stopped"))
    equal("requests.seen = complete + lost", requests["seen"], requests["complete"] + total(requests["lost"]))
    equal("requests.complete = filtered + unsampled + shed + chosen", requests["complete"],
          total(requests["filtered"]) + requests["unsampled"] + total(requests["shed"]) + requests["chosen"])
    http2 = report["http2"]
    need(problems, "http2.connections", http2["connections"], ("preface", "upgraded", "joined"))
    need(problems, "http2.heads", http2["heads"], ("whole", "part", "unknown"))
    need(problems, "http2.skipped", http2["skipped"], ("midway", "pushed", "tunnel", "over"))
    equal("http2.streams = requests + skipped", http2["streams"], http2["requests"] + total(http2["skipped"]))
    equal("http2.heads = requests + skipped.tunnel", total(http2["heads"]), http2["requests"] + http2["skipped"]["tunnel"])

    verdicts = collections.Counter(e["verdict"] for e in result.requests)
    if not requests["complete"] - requests["shed"]["memory"] <= len(result.requests) <= requests["complete"]:
        problems.append(f"{len(result.requests)} request events of {requests['complete']} complete requests")
    equal("chosen events and requests.chosen", verdicts["chosen"], requests["chosen"])
    equal("lost events and requests.lost", dict(collections.Counter(e["reason"] for e in result.lost)),
          {reason: n for reason, n in requests["lost"].items() if n})

    if len(report.get("targets", {})) != targets:
        problems.append(f"{len(report.get('targets', {}))} targets in the report, not {targets}")
    for name, t in report.get("targets", {}).items():
        need(problems, f"{name}.shed", t["shed"], TARGET_SHED)
        need(problems, f"{name}.answered", t["answered"], ANSWERED)
        need(problems, f"{name}.failed", t["failed"], FAILED)
        equal(f"{name}: chosen = unsampled + shed + sent", t["chosen"], t["unsampled"] + total(t["shed"]) + t["sent"])
        equal(f"{name}: sent = answered + failed + cancelled_at_exit", t["sent"],
              total(t["answered"]) + total(t["failed"]) + t["cancelled_at_exit"])
        equal(f"{name}.chosen and requests.chosen", t["chosen"], requests["chosen"])
        outcomes = [e for e in result.outcomes if e["target_name"] == name]
        equal(f"{name}: outcome events and sent", len(outcomes), t["sent"])
        if {e["id"] for e in outcomes} - {e["id"] for e in result.requests}:
            problems.append(f"{name}: an outcome belongs to no request event")
    return problems


def check_event(event):
    """the form of one request event"""
    problems = []
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", event["ts"]):
        problems.append(f"ts is {event['ts']!r}")
    never = {"authorization", "cookie", "proxy-authorization", "x-api-key"}
    if any(name.lower() in never for name, _ in event["headers"]):
        problems.append("a credential is shown")
    return problems


def compare_requests(expected, events):
    """in order, connection by connection"""
    problems = []
    queues = collections.defaultdict(list)
    for event in events:
        queues[event["src"], event["dst"]].append(event)
        problems += check_event(event)
    if len({e["id"] for e in events}) != len(events):
        problems.append("two events have one id")
    for e in expected:
        queue = queues[e.src, e.dst]
        got = queue[0] if queue else None
        wanted = {"method": e.method, "target": e.target, "version": e.version, "body_len": e.body_len,
                  "body_sha256": e.body_sha256, "verdict": e.verdict, "reason": e.reason}
        if e.ts_first is not None:
            wanted |= {"ts_first_ns": e.ts_first, "ts_last_ns": e.ts_last}
        differs = None if got is None else [k for k, v in wanted.items() if got.get(k) != v]
        if e.optional and differs != []:
            continue
        if got is None:
            problems.append(f"not found: {e.line()} of {e.src}")
            continue
        queue.pop(0)
        for k in differs:
            problems.append(f"{e.line()}: {k} is {got.get(k)!r}, not {wanted[k]!r}")
        if e.headers is not None:
            shown = [[name.lower(), value] for name, value in got["headers"]]
            if shown != e.headers:
                problems.append(f"{e.line()}: headers {shown}, not {e.headers}")
    for queue in queues.values():
        for event in queue:
            problems.append(f"nobody sent {event['method']} {event['target']} ({event['body_len']} bytes) of {event['src']}")
    return problems


def compare(capture, result, targets=0):
    problems = compare_requests(capture.expected, result.requests)
    lost = {reason: n for reason, n in result.report["requests"]["lost"].items() if n}
    alternatives = capture.lost if isinstance(capture.lost, list) else [capture.lost]
    if capture.lost is not None and lost not in alternatives:
        problems.append(f"lost {lost}, not {' or '.join(map(str, alternatives))}")
    if result.report["packets"]["received"] != len(capture.segments):
        problems.append(f"packets.received {result.report['packets']['received']} of {len(capture.segments)}")
    order = [e["target"] for e in result.requests]
    if capture.order is not None and order != capture.order:
        problems.append(f"events in the order {order}, not {capture.order}")
    for name, value in capture.counters.items():
        if lookup(result.report, name) != value:
            problems.append(f"{name} is {lookup(result.report, name)}, not {value}")
    return problems + check_books(result, targets)


def refused(bench, arguments, status, *words, stdin=None):
    """the arguments must be refused: this exit status, nothing on standard output, and a line that holds the words"""
    done = bench.tap(*arguments, stdin=stdin)
    text = done.stderr.decode(errors="replace")
    problems = []
    if done.returncode not in (status if isinstance(status, tuple) else (status,)):
        problems.append(f"exit {done.returncode}, not {status}")
    if done.stdout:
        problems.append(f"wrote to standard output: {done.stdout[:80]!r}")
    if not 1 <= len(text.strip().splitlines()) <= 2:
        problems.append(f"{len(text.strip().splitlines())} lines of complaint")
    problems += [f"does not say {w!r}" for w in words if w.lower() not in text.lower()]
    if problems:
        raise Failure(f"{' '.join(arguments)}: {'; '.join(problems)}: {text.strip()[:200]!r}")


def run_capture(bench, capture, sink=False):
    capture.settle()
    path = bench.path("capture.pcap", capture.file())
    modes = [(("--dry-run",), 0)]
    if sink:
        # a target that is alone on this machine, asked in order, answers all; five minutes so that load changes nothing
        modes.append((("-t", "sink:", "-x", "max", "-m", "300s"), 1))
    seen_ids = None
    for mode, targets in modes:
        for port in capture.ports:
            arguments = ["-r", path, *(["-p", port] if port else []), *capture.args]
            result = bench.read(*arguments, mode=mode, requests=capture.requests_args)
            problems = compare(capture, result, targets)
            ids = [e["id"] for e in result.requests]
            if seen_ids not in (None, ids):
                problems.append("the same packets gave other ids")
            seen_ids = ids
            if targets:
                t = next(iter(result.report["targets"].values()))
                if t["answered"]["2xx"] != result.report["requests"]["chosen"]:
                    problems.append(f"the sink answered {t['answered']['2xx']} of {result.report['requests']['chosen']}")
            if problems:
                raise Failure(f"[{' '.join(mode)}{f' -p {port}' if port else ' no -p'}] " + "; ".join(problems[:6]))


def run_case(name):
    """-> (verdict, name, text); called in a worker process"""
    the = CASES[name]
    try:
        with tempfile.TemporaryDirectory(prefix="golden.") as directory:
            bench = Bench(directory)
            if the.whole:
                the.function(bench)
            else:
                capture = Capture()
                the.function(capture)
                run_capture(bench, capture, the.replays)
    except Skip as reason:
        return "skip", name, str(reason)
    except Failure as difference:
        return "FAIL", name, str(difference)
    except Exception as error:  # a broken event or report: say where, go on with the other cases
        import traceback
        at = traceback.extract_tb(error.__traceback__)[-1]
        return "FAIL", name, f"{type(error).__name__}: {error} ({os.path.basename(at.filename)}:{at.lineno})"
    return "ok", name, ""
