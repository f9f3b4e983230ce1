"""cases_grpc.py - gRPC and other HTTP/2, live: real clients, a real service, and the same service as shadow

Both services are tests/record/grpc_service.py (or h2_service.py), and what each of them received stands in its own log:
what the shadow received must be what production received, by the digest of each body.
"""
import collections
import json
import os
import subprocess

from lab import HERE, PYTHON, RECORD, Failed, check, fields_of, need_program, need_python, wait_for

PRODUCTION, SHADOW, HOP = 8001, 9001, 8011
SERVICE = "/inference.GRPCInferenceService/"
MIRRORED = {SERVICE + "ModelInfer", SERVICE + "ModelStreamInfer"}
UNSEEN = 1  # calls at most, one after the other, until it is certain where the frames of a joined connection start
TO_SHADOW = ["-p", PRODUCTION, "--preset", "v2", "-t", f"http://127.0.0.1:{SHADOW}", "-m", "20s"]


class Server:
    """A service that writes down what it receives."""

    def __init__(self, lab, namespace, port, *args, script="grpc_service.py", host="127.0.0.1"):
        self.log = lab.directory / f"received-{port}.log"
        self.process = lab.start(namespace, PYTHON, RECORD / script, "--host", host, "--port", port, "--log", self.log, *args,
                                 label=script)
        lab.wait_listening(namespace, port, self.process)

    def received(self):
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().split("\n")[:-1]]


class Client:
    """grpc_calls.py on its way; it may rest after @half calls."""

    def __init__(self, lab, namespace, mode, base, count, first=0, half=0):
        command = lab.inside(namespace, [PYTHON, RECORD / "clients/grpc_calls.py", mode, base, count, first])
        self.process = subprocess.Popen(command, env=dict(os.environ, HALF=str(half)), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.rests = bool(half)
        if self.rests and not any(json.loads(line).get("half") for line in self.process.stdout):
            raise Failed(f"the client ended before it rested: {self.process.communicate()[1][-300:]}")

    def finish(self):
        """Let it go on if it rests, until it ends."""
        _, errors = self.process.communicate("go on\n" if self.rests else None, timeout=120)
        check(self.process.returncode == 0, f"grpc_calls.py: {errors[-300:]}")


def call(lab, namespace, mode, base, count, first=0):
    Client(lab, namespace, mode, base, count, first).finish()


def tell(entry):
    return entry["method"], entry["target"], entry["body_len"], entry["body_sha256"]


def settled(shadow, count):
    """Wait until the shadow has @count requests, or it is clear that no more come."""
    try:
        wait_for("all replays", lambda: len(shadow.received()) >= count, 20)
    except Failed:
        pass  # the comparison says what is missing, which is more than we could say here
    return shadow.received()


def alike(must, arrived, may=()):
    """What arrived is what had to, and what it @may: the same requests, as often."""
    want, have = collections.Counter(map(tell, must)), collections.Counter(map(tell, arrived))
    missing, extra = want - have, have - want - collections.Counter(map(tell, may))
    check(not missing, f"{sum(missing.values())} of {len(must)} never reached the shadow, the first: {next(iter(missing), None)}")
    check(not extra, f"{sum(extra.values())} at the shadow were sent by no client, the first: {next(iter(extra), None)}")


def to_mirror(entries):
    return [e for e in entries if e["target"] in MIRRORED]


def check_fields(arrived, tap):
    """Each call is marked with the id of its event, which has the digest of its body; credentials stayed behind."""
    events = {e["id"]: e for e in tap.events() if e["event"] == "request" and e["verdict"] == "chosen"}
    check(len(events) == len(arrived), f"{len(events)} chosen, {len(arrived)} arrived")
    for entry in arrived:
        fields = fields_of(entry)
        event = events.get(fields.get("x-shadowtap"))
        check(event is not None, f"x-shadowtap: {fields.get('x-shadowtap')!r}, which no event has")
        check(event["body_sha256"] == entry["body_sha256"], f"{event['id']} has another body at the shadow than in its event")
        check(event["version"] == "2", f"an event of version {event['version']!r}")
        if "messages" in entry:  # a call of gRPC
            service, method = entry["target"].strip("/").split("/")
            check(event["grpc"] == {"service": service, "method": method, "messages": entry["messages"]}, f"grpc: {event['grpc']}")
        stray = fields.keys() & {"authorization", "cookie", "span-bin"}
        check(not stray, f"fields that must not be forwarded: {sorted(stray)}")


def drive(lab, namespace, base):
    """All that grpc_calls.py can say, from two connections; the calls that production received are the truth."""
    beside = Client(lab, namespace, "mixed", base, 30, 500)
    call(lab, namespace, "all", base, 60)
    call(lab, namespace, "binary", base, 5, 100)
    call(lab, namespace, "load", base, 2)
    beside.finish()


def check_whole(tap, production, shadow):
    """Every call that may be mirrored arrived, and only these; returns the report."""
    must = to_mirror(production.received())
    check(len(must) > 50, f"only {len(must)} calls to mirror: the case is too small")
    arrived = settled(shadow, len(must))
    report = tap.stop()
    alike(must, shadow.received())
    check_fields(arrived, tap)
    check(sum(report["requests"]["lost"].values()) == 0, f"lost: {report['requests']['lost']}")
    target = report["targets"]["default"]
    check(target["answered"]["2xx"] == len(must), f"answered: {target['answered']}")
    check(sum(target["grpc"].values()) == len(must), f"gRPC statuses of {len(must)} calls: {target['grpc']}")
    return report


def grpc_lo(lab):
    """Unary calls and streams of grpcio arrive at the shadow byte for byte; probes and repository calls do not."""
    need_python("grpc", "numpy")
    ns = lab.namespace()
    production, shadow = Server(lab, ns, PRODUCTION), Server(lab, ns, SHADOW, "--version", 2)
    tap = lab.live_tap(ns, "-i", "lo", *TO_SHADOW)
    drive(lab, ns, f"http://127.0.0.1:{PRODUCTION}")
    report = check_whole(tap, production, shadow)
    received = [e["target"] for e in production.received()]
    loads = received.count(SERVICE + "RepositoryModelLoad")
    check(loads == 2, f"the clients loaded the model twice, production received {loads} such calls")
    check(report["requests"]["filtered"]["denied"] >= loads, f"denied: {report['requests']['filtered']}")
    statuses = report["targets"]["default"]["grpc"]
    check(statuses.get("NOT_FOUND") == 10, f"ten calls are of a model that is not there, but: {statuses}")


def joined(lab, *args):
    """A client whose connection is in use when the tap begins; then another. Production's calls before and after, shadow, tap."""
    need_python("grpc", "numpy")
    ns = lab.namespace()
    production, shadow = Server(lab, ns, PRODUCTION, *args), Server(lab, ns, SHADOW)
    base = f"http://127.0.0.1:{PRODUCTION}"
    old = Client(lab, ns, "paced" if args[:1] == ("--connection-age",) else "raw", base, 40, half=10)
    before = production.received()
    tap = lab.live_tap(ns, "-i", "lo", *TO_SHADOW)
    old.finish()
    after = production.received()[len(before):]
    call(lab, ns, "raw", base, 10, 100)
    return before, after, production.received()[len(before) + len(after):], shadow, tap


def grpc_joined(lab):
    """grpcio names its method only once on a connection: what was begun before the capture is refused, what begins after is not."""
    before, after, new, shadow, tap = joined(lab)
    check(len(before) == 10 and len(after) == 30, f"{len(before)} calls before the capture, {len(after)} after")
    settled(shadow, len(new))
    report = tap.stop()
    alike(new, shadow.received())
    lost = {reason: n for reason, n in report["requests"]["lost"].items() if n}
    check(set(lost) == {"head_unknown"} and len(after) - UNSEEN <= lost["head_unknown"] <= len(after),
          f"lost: {lost}, of {len(after)} calls whose heads are unknown")
    connections = report["http2"]["connections"]
    check((connections["joined"], connections["preface"]) == (1, 1), f"connections: {connections}")


def grpc_joined_table_0(lab):
    """A server that lets clients keep nothing in HPACK's table: every call that is seen is readable, whenever the capture begins."""
    before, after, new, shadow, tap = joined(lab, "--table-size", 0)
    check(len(before) == 10, f"{len(before)} calls before the capture")
    settled(shadow, len(after) - UNSEEN + len(new))
    tap.stop()
    alike(after[UNSEEN:] + new, shadow.received(), may=after[:UNSEEN])


def grpc_joined_aged(lab):
    """A server that asks clients to connect again: what comes on the new connections is readable."""
    before, after, new, shadow, tap = joined(lab, "--connection-age", 2000)
    old = {e["client"] for e in before}
    must = [e for e in after + new if e["client"] not in old]
    check(len(must) > len(new), "the client never connected again: the case shows nothing")
    settled(shadow, len(must))
    tap.stop()
    alike(must, shadow.received())


def grpc_haproxy(lab):
    """Between HAProxy and the service each head is whole, so a capture that begins late has all that is seen."""
    need_python("grpc", "numpy")
    need_program("haproxy")
    ns = lab.namespace()
    production, shadow = Server(lab, ns, PRODUCTION), Server(lab, ns, SHADOW)
    conf = lab.directory / "haproxy.conf"
    conf.write_text(f"""
        defaults
          mode http
          timeout connect 5s
          timeout client 60s
          timeout server 60s
        frontend f
          bind 127.0.0.1:{HOP} proto h2
          default_backend b
        backend b
          http-reuse always
          server s 127.0.0.1:{PRODUCTION} proto h2
""")  # HAProxy wants the end of the last line
    lab.wait_listening(ns, HOP, lab.start(ns, "haproxy", "-f", conf, label="haproxy"))
    client = Client(lab, ns, "raw", f"http://127.0.0.1:{HOP}", 40, half=10)
    before = production.received()
    tap = lab.live_tap(ns, "-i", "lo", *TO_SHADOW)
    client.finish()
    after = production.received()[len(before):]
    check(len(after) == 30, f"{len(after)} calls after the capture began")
    settled(shadow, len(after) - UNSEEN)
    tap.stop()
    alike(after[UNSEEN:], shadow.received())


def grpc_lossy_span(lab):
    """A mirror port that loses packets: fewer calls arrive, and none that production did not receive."""
    need_python("grpc", "numpy")
    client, server = lab.namespace(), lab.namespace()
    lab.cable(client, "net0", server, "net0")
    lab.cable(server, "span0", server, "tap0")
    for end in ("span0", "tap0"):
        lab.ip(server, "link", "set", end, "mtu", "65535")
    lab.ip(client, "addr", "add", "10.9.0.1/24", "dev", "net0")
    lab.ip(server, "addr", "add", "10.9.0.2/24", "dev", "net0")
    copier = lab.start(server, PYTHON, HERE / "tagger.py", "--lose", 30, "net0", "span0", label="tagger")
    wait_for("the copier", lambda: "copying" in copier.out)
    production = Server(lab, server, PRODUCTION, host="10.9.0.2")
    shadow = Server(lab, server, SHADOW)
    tap = lab.live_tap(server, "-i", "tap0", *TO_SHADOW)
    for n in range(20):
        call(lab, client, "all", f"http://10.9.0.2:{PRODUCTION}", 12, 12 * n)
    sent = to_mirror(production.received())
    report = tap.stop()
    arrived = shadow.received()
    extra = collections.Counter(map(tell, arrived)) - collections.Counter(map(tell, sent))
    check(not extra, f"{sum(extra.values())} at the shadow were sent by no client: {next(iter(extra), None)}")
    check(len(sent) > 150 and 0 < len(arrived) < len(sent), f"{len(arrived)} of {len(sent)} calls arrived")
    check(sum(report["requests"]["lost"].values()) > 0, "nothing was lost, so the case shows nothing")


def grpc_veth(lab):
    """Captured on a cable between two hosts, where bodies of 20 KB come in one huge segment or in many."""
    need_python("grpc", "numpy")
    client, server = lab.namespace(), lab.namespace()
    lab.cable(client, "net0", server, "net0")
    lab.ip(client, "addr", "add", "10.9.0.1/24", "dev", "net0")
    lab.ip(server, "addr", "add", "10.9.0.2/24", "dev", "net0")
    production, shadow = Server(lab, server, PRODUCTION, host="10.9.0.2"), Server(lab, server, SHADOW)
    tap = lab.live_tap(server, "-i", "net0", *TO_SHADOW)
    drive(lab, client, f"http://10.9.0.2:{PRODUCTION}")
    check_whole(tap, production, shadow)


def h2_clients(lab):
    """HTTP/2 that is no gRPC goes out as HTTP/2: Node, python-h2, curl, h2load."""
    need_python("h2", "httpx")
    need_program("node", "curl", "h2load")
    ns = lab.namespace()
    production, shadow = (Server(lab, ns, port, script="h2_service.py") for port in (PRODUCTION, SHADOW))
    tap = lab.live_tap(ns, "-i", "lo", "-p", PRODUCTION, "-t", f"http://127.0.0.1:{SHADOW}", "-m", "20s")
    for program, mode, count, first in (("http2.js", "session", 20, 0), ("library.py", "httpx-h2", 15, 100), ("curl.py", "prior", 3, 200),
                                        ("ab.py", "h2load", 40, 300)):
        lab.client(ns, program, mode, f"http://127.0.0.1:{PRODUCTION}", count, first)
    must = production.received()
    check(len(must) == 81, f"{len(must)} requests")
    arrived = settled(shadow, len(must))
    tap.stop()
    alike(must, shadow.received())
    check_fields(arrived, tap)


CASES = [grpc_lo, grpc_veth, grpc_joined, grpc_joined_table_0, grpc_joined_aged, grpc_haproxy, grpc_lossy_span, h2_clients]
