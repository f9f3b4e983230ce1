"""cases_admin.py - --admin: what it says is true, it changes what it should, and nobody can make it cost anything"""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import books
import nats_talk
from lab import Failed, check, mirrored, need_program, need_python, wait_for

TREE = pathlib.Path(__file__).resolve().parents[2]
ALERTS = TREE / "packaging" / "prometheus" / "alerts.yml"
DASHBOARD = TREE / "packaging" / "grafana" / "shadowtap.json"
BASE = "http://127.0.0.1:8080"
ADMIN = "http://127.0.0.1:9090"
METRIC = re.compile(r"\b(?:shadowtap|process)_[a-z0-9_]+\b")


def run(lab, namespace, *command, seconds=60, fine=True):
    done = subprocess.run(lab.inside(namespace, command), cwd=lab.directory, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=seconds)
    check(not fine or done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr[-300:]} {done.stdout[-300:]}")
    return done


class Http:
    """curl at one address of --admin."""

    def __init__(self, lab, namespace, base=ADMIN, *options):
        need_program("curl")
        self.lab, self.namespace, self.base, self.options = lab, namespace, base, options

    def __call__(self, path, *options, seconds=10):
        """(status, body); status 0: no answer"""
        done = run(self.lab, self.namespace, "curl", "-sS", "-m", seconds, "-w", "\n%{http_code}", *self.options, *options,
                   self.base + path, fine=False)
        body, _, status = done.stdout.rpartition("\n")
        return int(status or 0), body

    def ok(self, path, *options):
        status, body = self(path, *options)
        check(status == 200, f"{path}: {status} {body[:200]!r}")
        return body

    def sample(self, share):
        return self("/sample", "-X", "PUT", "-d", share)


def series(text):
    """{'name{labels}': value} of an exposition"""
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if not line.startswith("#")}


class Rig:
    """A service, a shadow, and a live tap with --admin."""

    def __init__(self, lab, *args, admin="127.0.0.1:9090"):
        need_python("requests", "uvicorn", "numpy")
        self.lab, self.ns = lab, lab.namespace()
        lab.service(self.ns)
        self.shadow = lab.shadow(self.ns)
        self.tap = lab.live_tap(self.ns, "-i", "lo", "-t", "http://127.0.0.1:9000", "-m", "10s", "--admin", admin, *args)
        self.http = Http(lab, self.ns)
        self.sent, self.arrived = 0, 0

    def send(self, count):
        told = mirrored(self.lab.client(self.ns, "library.py", "requests", BASE, count, 1000 + self.sent))
        self.sent += count
        return told

    def expect(self, told):
        self.arrived += len(told)
        wait_for(f"{self.arrived} requests at the shadow", lambda: len(self.shadow.requests()) >= self.arrived)
        check(len(self.shadow.requests()) == self.arrived, f"{len(self.shadow.requests())} requests at the shadow, not {self.arrived}")

    def rest(self):
        """Until nothing is in the making or under way: then the books hold while the program runs."""
        def calm():
            now = json.loads(self.http.ok("/stats"))
            return now["requests"]["chosen"] == len(self.shadow.requests()) and not books.faults(now) and now
        return wait_for("books that balance", calm)


def admin_speaks(lab):
    """TCP: every route, the sample at once, the same books as the report; and its own requests are never mirrored."""
    rig = Rig(lab, "-S", "0%")  # no -p: the capture sees the admin's connections too
    http = rig.http
    check(http("/healthz") == (200, "ok\n"), f"/healthz: {http('/healthz')}")
    check(http("/nothing")[0] == 404 and http("/metrics", "-X", "POST", "-d", "x")[0] == 405, "404 and 405")
    done = run(lab, rig.ns, "curl", "-sS", "-I", ADMIN + "/metrics")
    check("200 OK" in done.stdout and "version=0.0.4" in done.stdout, f"HEAD: {done.stdout!r}")
    rig.send(10)
    for share, told in (("100%", "100%\n"), ("0", "0%\n"), ("1", "100%\n")):
        check(http.sample(share) == (200, told), f"PUT {share}: {http('/sample')}")
        sent = rig.send(10)
        if told != "0%\n":
            rig.expect(sent)
    check("sample 0% -> 100%, asked for at --admin" in rig.tap.err, f"the change is not told: {rig.tap.err[-300:]!r}")
    check(http.sample("20")[0] == 400 and http("/sample") == (200, "100%\n"), "PUT 20")
    for name, value in (("Origin", "http://x"), ("Host", "evil.example")):
        check(http("/sample", "-X", "PUT", "-d", "1%", "-H", f"{name}: {value}")[0] == 403, f"PUT with {name}")
    now = rig.rest()
    metrics = series(http.ok("/metrics"))
    check(metrics["shadowtap_sample_ratio"] == 1 == now["sample"], "the sample of /metrics and /stats")
    check(sum(v for k, v in metrics.items() if k.startswith('shadowtap_exchanges_total{target="default"'))
          == now["targets"]["default"]["sent"] == rig.arrived, "sent, in /metrics and /stats")
    check(metrics['shadowtap_exchange_duration_seconds_count{target="default"}'] == rig.arrived, "a duration of each answer")
    check(metrics["process_resident_memory_bytes"] > 1e6 and metrics["process_cpu_seconds_total"] > 0, "of ourselves")
    report = rig.tap.stop()
    check(len(rig.shadow.requests()) == rig.arrived, "something else arrived")
    loop = report["requests"]["filtered"]["loop"]
    check(loop == 6 + rig.arrived, f"6 PUTs and {rig.arrived} replays could have been mirrored: {report['requests']['filtered']}")


def admin_and_hang_up(lab):
    """What PUT set holds until SIGHUP, which says so; a ramp takes no PUT; a draining tap says 503."""
    conf = lab.directory / "tap.conf"
    conf.write_text("sample = 50%\n")
    rig = Rig(lab, "-f", conf)
    check(rig.http.sample("10%") == (200, "10%\n"), "PUT 10%")
    rig.tap.popen.send_signal(signal.SIGHUP)
    wait_for("a word about the sample", lambda: "sample 10% -> 50%" in rig.tap.err)
    check(rig.http("/sample") == (200, "50%\n"), "the file's sample is in force again")
    report = rig.tap.stop()
    check(report["sample"] == 0.5, f"sample {report['sample']}")

    ramp = lab.live_tap(rig.ns, "-i", "lo", "-p", "8080", "-t", "http://127.0.0.1:9001", "--ramp", "0%..10%/1h", "--breaker", "1",
                        "-X", "any", "--admin", "127.0.0.1:9090", "-m", "5s")
    check(rig.http.sample("10%")[0] == 409, "a ramp")
    ramp.stop()

    hang = lab.shadow(rig.ns, port=9002, mode="hang")
    tap = lab.live_tap(rig.ns, "-i", "lo", "-p", "8080", "-t", "http://127.0.0.1:9002", "-t", "dead=http://127.0.0.1:9001",
                       "--breaker", "1", "--admin", "127.0.0.1:9090", "-m", "20s")
    rig.send(2)
    wait_for("an open breaker", lambda: "dead cannot be reached" in rig.http.ok("/healthz"))
    tap.interrupt()
    wait_for("503", lambda: rig.http("/healthz") == (503, "stopping\n"))
    tap.interrupt()
    tap.finish()
    hang.end()


def admin_unix(lab):
    """A Unix socket: 0600, ours alone, as nobody and in the sandbox; a stale one is replaced, a living one is not."""
    need_program("setpriv", "curl")
    ns, path = lab.namespace(), lab.directory / "admin.sock"
    args = ("-i", "lo", "-p", "8080", "-t", "sink:", "--admin", f"unix:{path}")
    before = os.umask(0)
    try:
        tap = lab.live_tap(ns, *args)
    finally:
        os.umask(before)
    http = Http(lab, ns, "http://tap", "--unix-socket", path)
    check(http.ok("/healthz") == "ok\n" and http.sample("5%") == (200, "5%\n"), "over the socket")
    page = http.ok("/")
    check("<span>live, as of 20" in page and page.endswith("</html>\n") and "<script" not in page, f"the page: {page[:300]!r}")
    check(http("/reload", "-X", "POST")[0] == 409, "there is no file to read again")
    check(path.stat().st_mode & 0o777 == 0o600, f"mode {path.stat().st_mode:o}")
    done = run(lab, ns, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "curl", "-sS", "--unix-socket", path,
               "http://tap/sample", fine=False)
    check(done.returncode == 7, f"another user connects: {done.stdout!r} {done.stderr!r}")
    second = lab.tap(ns, *args)
    check(second.wait() == 1 and "another program listens there" in second.err, f"a second tap: {second.err!r}")
    report = tap.stop()
    check(report["sample"] == 0.05, f"sample {report['sample']}")
    check(path.is_socket(), "the file stays")
    again = lab.live_tap(ns, *args)
    check(http.ok("/sample") == "100%\n", "a stale socket is replaced")
    again.popen.kill()
    again.wait()
    path.unlink()
    path.write_text("mine")
    third = lab.tap(ns, *args)
    check(third.wait() == 1 and "cannot listen" in third.err and path.read_text() == "mine", f"a file: {third.err!r}")


def admin_port(lab):
    """A port in use is an error before anything is captured; IPv6; over the network it can only be read."""
    ns = lab.namespace()
    lab.ip(ns, "addr", "add", "192.0.2.1/32", "dev", "lo")
    args = ("-i", "lo", "-t", "sink:")
    tap = lab.live_tap(ns, *args, "--admin", "[::1]:9090")
    check(Http(lab, ns, "http://[::1]:9090").sample("5%") == (200, "5%\n"), "IPv6")
    second = lab.tap(ns, *args, "--admin", "[::1]:9090")
    check(second.wait() == 1, f"exit {second.popen.returncode}")
    check("cannot listen on [::1]:9090 for --admin: Address already in use" in second.err and "capturing" not in second.err,
          f"a port in use: {second.err!r}")
    away = lab.tap(ns, *args, "--admin", "192.0.2.2:9090")
    check(away.wait() == 1 and "does not have that address" in away.err, f"not our address: {away.err!r}")
    report = tap.stop()
    check(report["requests"]["filtered"]["loop"] == 1, f"{report['requests']}")
    for listen, address in (("0.0.0.0:9090", "192.0.2.1"), ("0.0.0.0:9090", "127.0.0.1"), ("192.0.2.1:9090", "192.0.2.1"),
                            ("[::]:9090", "192.0.2.1")):
        tap = lab.live_tap(ns, *args, "--admin", listen)
        http = Http(lab, ns, f"http://{address}:9090")
        check(http.sample("5%")[0] == 403 and http.ok("/sample") == "100%\n", f"{listen}: PUT from {address}")
        check(http("/reload", "-X", "POST")[0] == 403, f"{listen}: POST /reload from {address}")
        check(http.ok("/healthz", "-H", "Host: tap.example") == "ok\n", f"{listen}: a name as Host")
        report = tap.stop()
        check(report["requests"]["filtered"]["loop"] == 1 and report["requests"]["chosen"] == 0,
              f"{listen} at {address}: {report['requests']}")


def speak(path, *pieces, seconds=15):
    """Everything that comes for these bytes."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(path))  # waits while the queue is full
        s.settimeout(seconds)
        got = b""
        try:
            try:
                for piece in pieces:
                    s.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it was answered before it was heard out
            while True:
                more = s.recv(65536)
                if not more:
                    return got
                got += more
        except ConnectionResetError:
            return got
        except socket.timeout:
            raise Failed(f"nothing within {seconds} s; so far {got[:100]!r}") from None


def admin_bounds(lab):
    """Slow, huge, many, and those that never read: each is answered or closed, and the next one is served."""
    ns, path = lab.namespace(), lab.directory / "admin.sock"
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", "sink:", "--admin", f"unix:{path}")
    get, close = b"GET /sample HTTP/1.1\r\nHost: x\r\n", b"Connection: close\r\n\r\n"
    check(speak(path, get, close).startswith(b"HTTP/1.1 200 "), "cut in two")
    check(speak(path, get, b"X: " + b"a" * 100000).startswith(b"HTTP/1.1 431 "), "a huge head")
    check(speak(path, b"PUT /sample HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", b"a" * 1000000)
          .startswith(b"HTTP/1.1 413 "), "a huge body")
    check(speak(path, b"\x16\x03\x01" * 100).startswith(b"HTTP/1.1 400 "), "no HTTP")

    many = []
    try:
        for _ in range(16):  # slow ones, in every place there is
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(20)
            s.connect(str(path))
            s.sendall(get)
            many.append(s)
        # one more is served, and the oldest of the slow ones makes room for it
        check(speak(path, get, close).startswith(b"HTTP/1.1 200 "), "slow heads keep a whole one out")
        answers = [s.recv(100) for s in many]
        check(answers[0] == b"" and all(a.startswith(b"HTTP/1.1 408 ") for a in answers[1:]), f"slow heads: {answers}")
    finally:
        for s in many:
            s.close()
    wait_for("room again", lambda: speak(path, get, close).startswith(b"HTTP/1.1 200 "))

    # idle connections make room
    many = [socket.socket(socket.AF_UNIX) for _ in range(16)]
    try:
        for s in many:
            s.settimeout(20)
            s.connect(str(path))
            s.sendall(get + b"\r\n")
        check(all(s.recv(1000).startswith(b"HTTP/1.1 200 ") for s in many), "16 kept connections")
        check(speak(path, get, close).startswith(b"HTTP/1.1 200 "), "an idle connection does not make room")
    finally:
        for s in many:
            s.close()
    tap.stop()


def admin_health_has_room(lab):
    """Connections that say nothing, or half a head, in every place and in the queue: /healthz is answered all the same."""
    ns, path = lab.namespace(), lab.directory / "admin.sock"
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", "sink:", "--admin", f"unix:{path}")
    for first in (b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"):
        idle = []
        try:
            for number in range(60):
                s = socket.socket(socket.AF_UNIX)
                idle.append(s)
                s.connect(str(path))
                s.sendall(first)
                if number >= 30:
                    got = speak(path, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    check(got.startswith(b"HTTP/1.1 200 "), f"{len(idle)} connections with {first!r}: {got[:60]!r}")
        finally:
            for s in idle:
                s.close()
    tap.stop()


def admin_hammered(lab):
    """Four floods at --admin change nothing for the mirror: everything chosen arrives, nothing is dropped."""
    need_program("ab")
    rig = Rig(lab, "-p", "8080", "--stats-every", "1s")
    floods = [lab.start(rig.ns, "ab", *keep, "-q", "-r", "-s", "30", "-c", "25", "-t", "60", "-n", "10000000", ADMIN + "/metrics", label="ab")
              for keep in ((), ("-k",), (), ("-k",))]
    rig.expect(rig.send(20))
    check(all(flood.running() for flood in floods), f"a flood ended: {floods[0].err!r}")
    before = cpu_of(rig.tap)
    began = time.monotonic()
    for _ in range(3):
        rig.expect(rig.send(50))
    share = (cpu_of(rig.tap) - before) / (time.monotonic() - began)
    for flood in floods:
        flood.end()
    wait_for("an answer", lambda: rig.http("/metrics")[0] == 200)
    check(share < 0.5, f"{share:.0%} of a core under the flood")
    report = rig.tap.stop()
    check(report["packets"]["dropped_kernel"] == 0, f"{report['packets']}")
    target = report["targets"]["default"]
    check(target["sent"] == target["answered"]["2xx"] == rig.arrived, f"{target}")


def cpu_of(tap):
    fields = pathlib.Path(f"/proc/{tap.popen.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def families(text):
    """[(name, type, labels, help)] of an exposition; labels None: it has no sample"""
    found, labels = [], {}
    for line in text.splitlines():
        word = line.split(" ", 3)
        if line.startswith("# HELP"):
            found.append([word[2], "", None, word[3]])
        elif line.startswith("# TYPE"):
            found[-1][1] = word[3]
        else:
            labels = re.findall(r'(\w+)="', line.rpartition(" ")[0])
            found[-1][2] = [name for name in labels if name != "le"]
    return [(name, kind, names if names is None else ", ".join(f"`{label}`" for label in names), told) for name, kind, names, told in found]


def with_family(lab, ns, port, name):
    """What the program that listens there exposes, once that has this family."""
    done = subprocess.run(lab.inside(ns, ["curl", "-sS", "-m", "5", f"http://127.0.0.1:{port}/metrics"]), check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout if f"# TYPE {name} " in done.stdout else None


def metrics_documented(lab):
    """promtool accepts /metrics; docs/metrics.md lists it; the dashboard and the alerts use nothing else."""
    need_program("curl", "promtool")
    nats_talk.need_server()
    ns = lab.namespace()
    nats_talk.start(lab, ns)
    broker = "nats://127.0.0.1:4222/digits"
    lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", "sink:", "-t", "b=http://127.0.0.1:9", "--compare", "-t", broker, "--admin",
                 "127.0.0.1:9090")
    lab.tap(ns, "-r", broker, "-t", "sink:", "--admin", "127.0.0.1:9091")
    replayer = wait_for("the replayer to know the tap's clock", lambda: with_family(lab, ns, 9091, "shadowtap_tap_skew_seconds"))
    text = Http(lab, ns).ok("/metrics")
    for name, exposition in (("metrics", text), ("replayer", replayer)):
        (lab.directory / name).write_text(exposition)
        told = run(lab, ns, "sh", "-c", f"promtool check metrics < {name}")
        check(not told.stdout and not told.stderr, f"promtool: {told.stdout}{told.stderr}")
    text += replayer
    documented = [line for line in (TREE / "docs" / "metrics.md").read_text().splitlines() if line.startswith("| `") and line.count("|") == 5]
    labels_of = {line.split("`")[1]: line.split("|")[3].strip() for line in documented}
    rows = {f"| `{name}` | {kind} | {labels_of.get(name) if labels is None else labels} | {about} |"
            for name, kind, labels, about in families(text)}
    check(rows == set(documented) and len(rows) == len(documented), f"docs/metrics.md has other rows than /metrics: {sorted(rows ^ set(documented))}")
    names = {name.partition("{")[0] for name in series(text)}
    for path in (ALERTS, DASHBOARD):
        used = set(METRIC.findall(path.read_text())) - {"shadowtap_build_info"}
        check(used and used <= names, f"{path.name} uses what there is not: {sorted(used - names)}")
    panels = [p for p in json.loads(DASHBOARD.read_text())["panels"] if p["type"] != "row"]
    check(all(t["expr"] for p in panels for t in p["targets"]), "a panel without a query")
    rules = [{"record": f"panel:{i}", "expr": re.sub(r"\$__rate_interval", "5m", t["expr"])}
             for i, t in enumerate(t for p in panels for t in p["targets"])]
    (lab.directory / "panels.json").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    run(lab, ns, "promtool", "check", "rules", "panels.json", ALERTS)


# One run on a good day; each alert's row says which series is otherwise and what else must fire then.
GOOD_DAY = {
    'up{job="shadowtap",instance="a"}': "1x60",
    'shadowtap_capturing{instance="a"}': "1x60",
    'shadowtap_capture_dropped_packets_total{instance="a",by="kernel"}': "7x60",
    'shadowtap_packets_total{instance="a",result="decoded",reason=""}': "0+1000x60",
    'shadowtap_requests_total{instance="a",result="chosen",reason=""}': "0+100x60",
    'shadowtap_requests_total{instance="a",result="lost",reason="gap"}': "0+1x60",
    'shadowtap_target_requests_total{instance="a",target="x",result="sent",reason=""}': "0+100x60",
    'shadowtap_target_sample_ratio{instance="a",target="x"}': "1x60",
    'shadowtap_target_breaker_state{instance="a",target="x",state="open"}': "0x60",
    'shadowtap_exchanges_total{instance="a",target="x",result="answered",reason="2xx"}': "0+98x60",
    'shadowtap_exchanges_total{instance="a",target="x",result="failed",reason="timeout"}': "0+1x60",
    'shadowtap_exchanges_total{instance="a",target="x",result="answered",reason="5xx"}': "0+1x60",
    'shadowtap_target_queued_requests{instance="a",target="x"}': "10x60",
    'shadowtap_target_queue_limit_requests{instance="a",target="x"}': "4096x60",
    'shadowtap_comparisons_total{instance="a",target="x",verdict="equal"}': "0+97x60",
    'shadowtap_comparisons_total{instance="a",target="x",verdict="decision"}': "0+1x60",
    'shadowtap_comparisons_total{instance="a",target="x",verdict="value"}': "0+40x60",
    'shadowtap_comparisons_total{instance="a",target="x",verdict="error"}': "0+50x60",
    'shadowtap_generated_different_total{instance="a",target="x"}': "0+40x60",
    'shadowtap_memory_used_bytes{instance="a"}': "10x60",
    'shadowtap_memory_limit_bytes{instance="a"}': "1000x60",
    'shadowtap_relay_up{instance="a"}': "1x60",
    'shadowtap_relay_records_total{instance="a",result="acked",reason=""}': "0+1000x60",
    'shadowtap_relay_records_total{instance="a",result="duplicate",reason=""}': "0+1000x60",
    'shadowtap_relay_records_total{instance="a",result="shed",reason="buffer"}': "0+5x60",
    'shadowtap_relay_lag{job="replayers",instance="r"}': "900x60",
    'shadowtap_fleet_taps{job="replayers",instance="r",state="silent"}': "1x60",
    'shadowtap_fleet_missing{job="replayers",instance="r"}': "3x60",
}
BAD_DAYS = [
    ("ShadowtapDown", "up{", "0x60", ()),
    ("ShadowtapNotCapturing", "shadowtap_capturing{", "0x60", ()),
    ("ShadowtapKernelDrops", "shadowtap_capture_dropped_packets_total{", "0+60x60", ()),
    ("ShadowtapNothingSent", "shadowtap_target_requests_total{", "5x60", ()),
    ("ShadowtapNothingChosen", 'shadowtap_requests_total{instance="a",result="chosen"', "0x60", ("ShadowtapLosesRequests",)),
    ("ShadowtapBreakerOpen", "shadowtap_target_breaker_state{", "1x60", ()),
    ("ShadowtapLosesRequests", 'shadowtap_requests_total{instance="a",result="lost"', "0+10x60", ()),
    ("ShadowtapShadowFails", 'shadowtap_exchanges_total{instance="a",target="x",result="answered",reason="5xx"', "0+7x60", ()),
    ("ShadowtapShadowFails", 'shadowtap_exchanges_total{instance="a",target="x",result="failed"', "0+7x60", ()),
    ("ShadowtapAnswersDiffer", 'shadowtap_comparisons_total{instance="a",target="x",verdict="decision"', "0+9x60", ()),
    ("ShadowtapAnswersDiffer", "shadowtap_generated_different_total{", "0+20x60", ()),
    ("ShadowtapQueueFull", "shadowtap_target_queued_requests{", "4000x60", ()),
    ("ShadowtapMemoryFull", "shadowtap_memory_used_bytes{", "950x60", ()),
    ("ShadowtapBrokerAway", "shadowtap_relay_up{", "0x60", ()),
    ("ShadowtapTapSheds", 'shadowtap_relay_records_total{instance="a",result="shed"', "0+50x60", ()),
    ("ShadowtapRelayLags", "shadowtap_relay_lag{", "900+100x60", ()),
    ("ShadowtapTapSilent", "shadowtap_fleet_taps{", "1x50 2x10", ()),
    ("ShadowtapFleetMissing", "shadowtap_fleet_missing{", "3x50 9x10", ()),
]


def alerts_fire(lab):
    """Each alert fires on its bad day and nothing else does; on a good day none."""
    need_program("promtool")

    def day(name, values, fires):
        return {
            "name": name, "interval": "1m",
            "input_series": [{"series": series_, "values": v} for series_, v in values.items()],
            "promql_expr_test": [{
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})', "eval_time": "55m",
                "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(fires)],
            }],
        }

    days = [day("a good day", GOOD_DAY, ())]
    for alert, begins, values, others in BAD_DAYS:
        changed = [name for name in GOOD_DAY if name.startswith(begins)]
        check(len(changed) == 1, f"{begins} is {changed}")
        days.append(day(alert, {**GOOD_DAY, changed[0]: values}, (alert, *others)))
    tests = {"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": days}
    (lab.directory / "alerts_test.json").write_text(json.dumps(tests))
    done = subprocess.run(["promtool", "test", "rules", "alerts_test.json"], cwd=lab.directory, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check(done.returncode == 0, done.stdout[-1500:])
    tested = {alert for alert, *_ in BAD_DAYS}
    there = set(re.findall(r"alert: (\w+)", ALERTS.read_text()))
    check(tested == there, f"alerts without a bad day: {sorted(there ^ tested)}")


PROMETHEUS = """
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%s]
scrape_configs:
  - job_name: shadowtap
    static_configs: [{targets: ["127.0.0.1:9090"]}]
"""


def prometheus_scrapes(lab):
    """A real Prometheus scrapes a tap at work and answers a query with the number of requests that were sent."""
    need_program("prometheus", "curl")
    rig = Rig(lab, "-p", "8080")
    (lab.directory / "prometheus.yml").write_text(PROMETHEUS % ALERTS)
    server = lab.start(rig.ns, "prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
                       "--web.listen-address=127.0.0.1:9191", label="prometheus")
    lab.wait_listening(rig.ns, 9191, server)
    rig.expect(rig.send(20))
    ask = Http(lab, rig.ns, "http://127.0.0.1:9191")

    def value(query):
        answer = json.loads(ask.ok("/api/v1/query", "-G", "--data-urlencode", f"query={query}"))
        return [float(r["value"][1]) for r in answer["data"]["result"]]

    wait_for("the sum in Prometheus", lambda: value("sum(shadowtap_exchanges_total)") == [rig.arrived], 40)
    check(value("shadowtap_exchange_duration_seconds_count") == [rig.arrived], "the histogram's count")
    check(0 < value("histogram_quantile(0.5, shadowtap_exchange_duration_seconds_bucket)")[0] < 10, "a quantile")
    check(value('up{job="shadowtap"}') == [1], "up")
    check(not server.err.count("level=error"), f"Prometheus complains: {server.err[-500:]}")
    kept = series(rig.http.ok("/metrics"))
    check(kept["shadowtap_admin_refused_total"] == 0, "a scrape was refused")
    rig.tap.stop()


CASES = [admin_speaks, admin_and_hang_up, admin_unix, admin_port, admin_bounds, admin_health_has_room, admin_hammered, metrics_documented,
         alerts_fire, prometheus_scrapes]
