"""cases_fleet.py - replayers that share what a broker has: nothing is sent twice, whoever dies, and what is lost has a name

A real nats-server, and records published by broker.py as taps write them. The shadow outlives
every replayer, so what it got is the truth about what was sent.
"""
import collections
import json
import os
import re
import signal
import subprocess
import threading
import time

import broker
from lab import PYTHON, HERE, Process, Shadow, Tap, check, need_program, wait_for

ROUNDS = int(os.environ.get("SHADOWTAP_FLEET_ROUNDS", "5"))  # 50 with ./test --long


class Fleet:
    """A broker, a shadow, and replayers, all on loopback"""

    def __init__(self, lab, extra="", partitions=16, mode="ok", **stream):
        need_program("nats-server")
        self.lab = lab
        self.broker = broker.Broker(extra).start()
        self.port = broker.free_port()
        self.made = {"partitions": partitions, **stream}
        with self.broker.client() as c:
            c.make_stream(**self.made)
        log = lab.directory / f"{lab.label('shadow')}.log"
        self.shadow = Shadow([PYTHON, HERE / "shadow.py", "--host", "127.0.0.1", "--port", str(self.port), "--mode", mode, "--log", log],
                             lab.directory, "shadow", log)
        lab.processes.append(self.shadow)
        wait_for("the shadow", lambda: subprocess.run(["ss", "-Hltn", f"sport = :{self.port}"], check=True, capture_output=True).stdout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.lab.processes:
            process.end()
        self.broker.__exit__()

    def replayer(self, *args, target=None):
        label = self.lab.label("replayer")
        command = [self.lab.binary, "-r", self.broker.url(), "-t", target or f"http://127.0.0.1:{self.port}", "-Z", "root",
                   "--report", f"{label}.json", *map(str, args)]
        tap = Tap(command, self.lab.directory, label)
        self.lab.processes.append(tap)
        return tap

    def numbers(self):
        """n of each request at the shadow, as often as it came"""
        return collections.Counter(int(re.search(r"[?&]n=(\d+)", r["target"]).group(1)) for r in self.shadow.requests())

    def check_none_twice(self):
        got = self.numbers()
        twice = [n for n, times in got.items() if times > 1]
        check(not twice, f"{len(twice)} requests were sent twice, the first: {twice[:3]}")
        return got

    def wait_sent(self, count, seconds=30):
        wait_for(f"{count} requests at the shadow", lambda: len(self.numbers()) >= count, seconds)


def owned(report):
    return report["fleet"]["claimed"]


def fleet_sends_each_once(lab):
    """From the start, as fast as the shadow takes it: each request once, as it was published, and the books of taps are whole."""
    with Fleet(lab) as f:
        with f.broker.client() as c:
            a, b = broker.Tap(c, "tap-a"), broker.Tap(c, "tap-b")
            a.send(range(0, 600))
            b.send(range(500, 900))  # a hundred that the other tap had, too
            a.heartbeat(final=True)
            b.heartbeat(final=True)
            check(b.duplicate == 100, f"{b.duplicate} duplicates")
        report = f.replayer("--from", "start", "-x", "max", "--stop-when", "caught-up").finish()
        got = f.check_none_twice()
        check(set(got) == set(range(900)), f"{len(got)} of 900 requests")
        request = f.shadow.requests()[0]
        fields = {k.lower(): v for k, v in request["headers"]}
        check(request["method"] == "POST" and fields["content-type"] == "application/json" and fields["x-shadowtap"], f"{request}")
        fleet = report["fleet"]
        check(fleet["is_whole"] and fleet["missing"] == fleet["pending"] == fleet["unknown"] == fleet["evicted"] == 0, f"{fleet}")
        rows = {t["tap"]: t for t in fleet["taps"]}
        check(rows["tap-a"]["received"] == 600 and rows["tap-b"]["received"] == 300 and rows["tap-b"]["duplicate"] == 100, f"{rows}")
        # another run of the same group has nothing to do; another group has all of it
        again = f.replayer("--from", "start", "-x", "max", "--stop-when", "caught-up").finish()
        check(again["fleet"]["claimed"] == 0 and f.check_none_twice(), "the same group got it again")
        other = f.replayer("--from", "start", "-x", "max", "--stop-when", "caught-up", "--group", "other").finish()
        check(other["fleet"]["claimed"] == 900, "another group")


def fleet_shares(lab):
    """Live: two replayers have half of the partitions each, and add up to one fleet."""
    with Fleet(lab) as f, f.broker.client() as c:
        tap = broker.Tap(c)
        tap.heartbeat()
        replayers = [f.replayer("-v") for _ in range(2)]
        wait_for("fair shares", lambda: all(len(set(re.findall(r"partition (\d+): ours", r.err)) - released(r)) == 8 for r in replayers))
        tap.send(range(1000))
        f.wait_sent(1000)
        tap.heartbeat(final=True)
        reports = [r.stop() for r in replayers]
        check(set(f.check_none_twice()) == set(range(1000)), "not all were sent")
        check(sum(map(owned, reports)) == 1000 and min(map(owned, reports)) > 300, f"{list(map(owned, reports))}")
        merged = merge(lab, replayers)
        check(merged["fleet"]["claimed"] == 1000 and len(merged["fleet"]["taps"]) == 1, f"{merged['fleet']}")
        check(merged["fleet"]["missing"] == 0 and merged["fleet"]["taps"][0]["received"] == 1000, f"{merged['fleet']}")


def released(replayer):
    return set(re.findall(r"partition (\d+): let go", replayer.err))


def merge(lab, replayers):
    paths = [lab.directory / f"{r.label}.json" for r in replayers]
    out = lab.directory / "merged.json"
    done = subprocess.run([lab.binary, "report", *paths, "-o", out], check=False, capture_output=True, text=True)
    check(done.returncode == 0, f"report: {done.stderr}")
    return json.loads(out.read_text())


class Traffic(threading.Thread):
    """A tap that goes on publishing, whatever becomes of the broker; each number once"""

    def __init__(self, fleet, rate=400, name="tap-1"):
        super().__init__(daemon=True)
        self.fleet, self.rate, self.name_of_tap = fleet, rate, name
        self.next = 0
        self.stored = set()
        self.stopping = False
        self.tap = None

    def run(self):
        while not self.stopping:
            try:
                with self.fleet.broker.client() as c:
                    self.tap = self.tap or broker.Tap(c, self.name_of_tap, partitions=self.fleet.made["partitions"])
                    self.tap.client = c
                    self.publish()
            except (OSError, EOFError, RuntimeError, AssertionError):
                time.sleep(0.05)

    def publish(self):
        while not self.stopping:
            numbers = range(self.next, self.next + max(1, self.rate // 20))
            self.next = numbers.stop
            self.tap.send(numbers)
            self.stored.update(numbers)
            time.sleep(0.05)

    def stop(self):
        self.stopping = True
        self.join(20)


def fleet_replayer_killed(lab):
    """kill -9 in the middle: another takes over within six seconds, nothing comes twice, and at most what was claimed is lost."""
    with Fleet(lab) as f:
        traffic = Traffic(f)
        replayers = [f.replayer("-v") for _ in range(2)]
        wait_for("fair shares", lambda: all(len(set(re.findall(r"partition (\d+): ours", r.err)) - released(r)) == 8 for r in replayers))
        traffic.start()
        f.wait_sent(400)
        replayers[0].popen.kill()
        replayers[0].popen.wait()
        died = time.monotonic()
        wait_for("a takeover of all partitions",
                 lambda: len(set(re.findall(r"partition (\d+): ours", replayers[1].err))) == 16, 20)
        took = time.monotonic() - died
        check(took < 6.5, f"a takeover took {took:.1f} s")
        traffic.stop()
        wait_for("the rest", lambda: len(traffic.stored - set(f.numbers())) <= 256, 20)
        report = replayers[1].stop()
        got = f.check_none_twice()
        lost = len(traffic.stored - set(got)) - report["fleet"]["expired"]
        check(lost <= report["fleet"]["lost_at_crash"] <= 512, f"{lost} are lost, of {report['fleet']['lost_at_crash']} that may be")


def kill_rounds(f, rounds, args=()):
    """Server and replayers are killed together, again and again, while a tap publishes."""
    traffic = Traffic(f)
    traffic.start()
    replayers = [f.replayer(*args) for _ in range(2)]
    for number in range(rounds):
        before = sum(f.numbers().values())
        wait_for(f"requests in round {number}", lambda: sum(f.numbers().values()) > before + 100, 40)
        f.broker.kill()
        for r in replayers:
            r.popen.kill()
            r.popen.wait()
        f.broker.start()
        replayers = [f.replayer(*args) for _ in range(2)]
    traffic.stop()
    return traffic, replayers


def fleet_nothing_twice(lab):
    """Rounds of kill -9 of server and replayers together: nothing twice (50 rounds with --long)."""
    with Fleet(lab) as f:
        traffic, replayers = kill_rounds(f, ROUNDS, ("--max-age", "1h"))
        wait_for("the end of what is stored", lambda: all_read(f), 40)
        for r in replayers:
            r.stop()
        got = f.check_none_twice()
        missing = traffic.stored - set(got)
        check(len(missing) <= ROUNDS * 2 * 512, f"{len(missing)} of {len(traffic.stored)} were not sent")


def all_read(f):
    with f.broker.client() as c:
        for p in range(16):
            last = c.api("STREAM.MSG.GET.shadowtap_digits", {"last_by_subj": f"st.v1.digits.req.{p:02d}"}).get("message", {}).get("seq", 0)
            claim = c.key("digits", f"claim.replay.{p:02d}")
            if not claim or claim["upto"] < last:
                return False
    return True


def fleet_two_owners(lab):
    """Two replayers believe that they own a partition, since one stood still for eight seconds: nothing twice, nothing lost."""
    with Fleet(lab, partitions=2) as f:
        traffic = Traffic(f, rate=200)
        first = f.replayer("--max-age", "1h", "-v")
        wait_for("both partitions", lambda: len(re.findall(r"partition \d+: ours", first.err)) == 2)
        traffic.start()
        f.wait_sent(100)
        first.popen.send_signal(signal.SIGSTOP)
        second = f.replayer("--max-age", "1h", "-v")
        wait_for("a takeover", lambda: len(re.findall(r"partition \d+: ours", second.err)) == 2, 20)
        time.sleep(0.5)  # for a few batches of its
        first.popen.send_signal(signal.SIGCONT)
        f.wait_sent(len(f.numbers()) + 300)
        traffic.stop()
        wait_for("the end of what is stored", lambda: traffic.stored <= set(f.numbers()), 20)
        first.stop()
        second.stop()
        f.check_none_twice()


def fleet_one_three_one(lab):
    """1 -> 3 -> 1 replayers under load: everything is sent, once."""
    with Fleet(lab) as f:
        traffic = Traffic(f)
        replayers = [f.replayer("--max-age", "1h", "-v")]
        wait_for("all partitions", lambda: len(re.findall(r"partition \d+: ours", replayers[0].err)) == 16)
        traffic.start()
        f.wait_sent(200)
        replayers += [f.replayer("--max-age", "1h") for _ in range(2)]
        wait_for("three that send", lambda: all(ours(f, r) for r in replayers), 20)
        f.wait_sent(len(f.numbers()) + 400)
        reports = [r.stop() for r in replayers[1:]]
        f.wait_sent(len(f.numbers()) + 400)
        traffic.stop()
        wait_for("the end of what is stored", lambda: traffic.stored <= set(f.numbers()), 20)
        reports.append(replayers[0].stop())
        f.check_none_twice()
        check(sum(map(owned, reports)) == len(f.numbers()), "the books of all are not what was sent")
        check(sum(r["fleet"]["lost_at_crash"] for r in reports) == 0, "nobody crashed")


def ours(f, replayer):
    """Has a live replayer said that it reads anything?"""
    with f.broker.client() as c:
        got = c.api("STREAM.INFO.KV_shadowtap_digits", {"subjects_filter": "$KV.shadowtap_digits.member.replay.*"})
        subjects = got.get("state", {}).get("subjects", {})
        reading = [c.key("digits", s.split(".", 2)[2]) for s in subjects]
    return len([r for r in reading if r and r["reads"]]) >= 3 and replayer.running()


HOSTILE = [
    ("not_cloudevents", {"ce-specversion": None}, None),
    ("version", {"ce-specversion": "2.0"}, None),
    ("length", {}, b"POST /a?n=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcd"),
    ("length", {}, b"POST /a?n=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\nPOST /b?n=2 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"),
    ("transfer_encoding", {}, b"POST /a?n=1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("head", {}, b"POST /a?n=1 HTTP/1.1\r\nHost: h\r\nX: " + b"a" * (7 << 20)),
    ("start_line", {}, b"this is no request\r\n\r\n"),
    ("content_type", {"ce-datacontenttype": "text/plain"}, None),
]


def fleet_hostile(lab):
    """What is no record is counted by name and never sent; what comes between is."""
    with Fleet(lab) as f, f.broker.client() as c:
        tap = broker.Tap(c)
        for number, (_, headers, data) in enumerate(HOSTILE):
            subject, good, fields = tap.record(1000 + number)
            for name, value in headers.items():
                fields.pop(name)
                if value is not None:
                    fields[name] = value
            c.request_all([(subject, data if data is not None else good, fields)])
        c.request_all([("st.v1.digits.req.00", b"", None), ("st.v1.digits.req.01", b"junk", {"a": "b"}),
                       ("st.v1.digits.tap.x", b"{", {"ce-type": "io.shadowtap.tap.v1"}), ("st.v1.digits.other", b"x", None)])
        subject, data, fields = tap.record(5000)
        c.request_all([(subject, data, {**fields, "ce-type": "io.shadowtap.request.v9"})])
        tap.send(range(50))
        report = f.replayer("--from", "start", "-x", "max", "--stop-when", "caught-up").finish()
        check(set(f.check_none_twice()) == set(range(50)), f"{sorted(f.numbers())}")
        fleet = report["fleet"]
        want = collections.Counter(name for name, _, _ in HOSTILE)
        got = {k: v for k, v in fleet["malformed"].items() if v}
        check(all(got.get(name, 0) >= times for name, times in want.items()), f"{got}, not {dict(want)}")
        check(fleet["claimed"] == 50, f"{fleet}")


def fleet_max_age(lab):
    """What the broker has had for longer than --max-age is counted, and not sent."""
    with Fleet(lab) as f, f.broker.client() as c:
        tap = broker.Tap(c)
        tap.send(range(100))
        time.sleep(1.2)  # by the broker's clock
        tap.send(range(100, 200))
        report = f.replayer("--from", "start", "-x", "max", "--max-age", "1s", "--stop-when", "caught-up").finish()
        got = f.check_none_twice()
        check(report["fleet"]["expired"] >= 100 and report["fleet"]["expired"] + len(got) == 200, f"{report['fleet']}")
        check(set(range(100)).isdisjoint(got), "too old, and sent")


def fleet_recreated(lab):
    """The server comes back with an empty store: that is said, the old places are void, and new requests are sent."""
    with Fleet(lab) as f:
        with f.broker.client() as c:
            tap = broker.Tap(c)
            replayer = f.replayer("--max-age", "1h", "-v")
            wait_for("partitions", lambda: len(re.findall(r"partition \d+: ours", replayer.err)) == 16)
            tap.send(range(200))
            f.wait_sent(200)
        f.broker.empty()
        f.broker.start()
        wait_for("the connection", lambda: "is there again" in replayer.err, 20)
        wait_for("partitions of the new stream", lambda: len(re.findall(r"partition \d+: ours", replayer.err)) >= 32, 20)
        with f.broker.client() as c:
            tap = broker.Tap(c)
            tap.send(range(300, 400))
        f.wait_sent(300)
        replayer.stop()
        check(set(f.check_none_twice()) == set(range(200)) | set(range(300, 400)), "not what was published")


def fleet_stream_replaced(lab):
    """The stream is deleted and made again, and the claims are still there: they are void, which is said."""
    with Fleet(lab) as f, f.broker.client() as c:
        tap = broker.Tap(c)
        replayer = f.replayer("--max-age", "1h", "-v")
        wait_for("partitions", lambda: len(re.findall(r"partition \d+: ours", replayer.err)) == 16)
        tap.send(range(200))
        f.wait_sent(200)
        c.api("STREAM.DELETE.shadowtap_digits")
        got = c.api("STREAM.CREATE.shadowtap_digits", {"name": "shadowtap_digits", "subjects": ["st.v1.digits.>"], "retention": "limits",
                                                       "storage": "file", "num_replicas": 1, "discard": "old"})
        check("error" not in got, f"{got}")
        wait_for("the stream to be known as another", lambda: "another than the one" in replayer.err, 20)
        wait_for("partitions of the new stream", lambda: len(re.findall(r"partition \d+: ours", replayer.err)) >= 32, 20)
        broker.Tap(c).send(range(300, 400))
        f.wait_sent(300)
        report = replayer.stop()
        check(report["fleet"]["voided"] == 16, f"{report['fleet']}")
        f.check_none_twice()


def fleet_evicted(lab):
    """A stream that is full discards what nobody has read: by name, and exactly."""
    with Fleet(lab, max_msgs=301) as f, f.broker.client() as c:
        tap = broker.Tap(c)
        tap.send(range(1000))
        tap.heartbeat(final=True)
        report = f.replayer("--from", "start", "-x", "max", "--stop-when", "caught-up").finish()
        check(len(f.check_none_twice()) == 300, f"{len(f.numbers())}")
        # the group begins behind what was gone before it came
        fleet = report["fleet"]
        check(fleet["taps"][0]["before"] >= 600 and fleet["missing"] == 0, f"{fleet}")
        live = f.replayer("--from", "start", "-x", "max", target=f"http://127.0.0.1:{f.port}")
        wait_for("it to read", lambda: c.key("digits", "claim.replay.00")["owner"] != "")
        live.popen.send_signal(signal.SIGSTOP)
        again = broker.Tap(c)
        again.send(range(2000, 3000))
        again.heartbeat(final=True)
        live.popen.send_signal(signal.SIGCONT)
        f.wait_sent(600)
        wait_for("all to be read", lambda: all_read(f), 20)
        time.sleep(1.5)  # the stream is looked at each second
        fleet = live.stop()["fleet"]
        row = [t for t in fleet["taps"] if t["run"] == again.run][0]
        sent = len([n for n in f.check_none_twice() if n >= 2000])
        check(row["received"] == sent and row["evicted"] == 1000 - sent and row["missing"] == 0, f"{row}, {sent} sent")


def fleet_missing(lab):
    """Records that the broker lost are missing, and of a tap without a last word unknown; a gate can ask for that."""
    with Fleet(lab) as f, f.broker.client() as c:
        whole, killed = broker.Tap(c, "whole"), broker.Tap(c, "killed")
        whole.send(range(100))
        whole.sequence += 3  # numbered, and never stored
        whole.heartbeat(final=True)
        killed.send(range(200, 260))
        killed.sequence += 2
        killed.heartbeat()
        live = f.replayer("--from", "start", "-x", "max", "--compare", "--fail-on", "fleet_missing > 2")
        f.wait_sent(160)
        time.sleep(10.5)  # until the tap that says nothing is silent
        live.interrupt()
        check(live.wait() == 3, "the gate")
        fleet = json.loads((lab.directory / f"{live.label}.json").read_text())["fleet"]
        check(fleet["missing"] == 3 and fleet["unknown"] == 2 and fleet["pending"] == 0, f"{fleet}")
        states = {t["tap"]: t["state"] for t in fleet["taps"]}
        check(states == {"whole": "final", "killed": "silent"}, f"{states}")


def fleet_slow_shadow(lab):
    """A shadow that hangs: little is claimed, the lag is told, leases are kept, and memory is bounded."""
    with Fleet(lab, mode="hang") as f, f.broker.client() as c:
        replayer = f.replayer("--from", "start", "-x", "max", "-m", "30s", "--connections", 4, "--queue", 16, "--admin", f"127.0.0.1:{broker.free_port()}")
        tap = broker.Tap(c)
        tap.send(range(6000), body=b"x" * 2000)
        wait_for("claims", lambda: sum((c.key("digits", f"claim.replay.{p:02d}") or {}).get("claimed", 0) for p in range(16)) > 100)
        time.sleep(7)  # longer than a lease
        claimed = sum(c.key("digits", f"claim.replay.{p:02d}")["claimed"] for p in range(16))
        check(claimed < 1500, f"{claimed} were claimed")
        resident = int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{replayer.popen.pid}/status", encoding="utf-8").read()).group(1))
        check(resident < 120 << 10, f"{resident} KiB")
        replayer.interrupt()
        time.sleep(0.2)
        replayer.interrupt()
        replayer.wait()


def fleet_paced(lab):
    """From the start at the recorded pace: partitions are merged by time, and the time between requests is kept."""
    with Fleet(lab) as f, f.broker.client() as c:
        tap = broker.Tap(c)
        began = time.time() - 3600
        for n in range(60):
            c.request_all([tap.record(n, at=began + n * 0.05)])
        report = f.replayer("--from", "start", "--stop-when", "caught-up").finish()
        requests = sorted(f.shadow.requests(), key=lambda r: r["t_ns"])
        order = [int(re.search(r"n=(\d+)", r["target"]).group(1)) for r in requests]
        check(sorted(order) == list(range(60)), f"{order}")
        check(sum(a > b for a, b in zip(order, order[1:])) <= 3, f"out of order: {order}")
        took = (requests[-1]["t_ns"] - requests[0]["t_ns"]) / 1e9
        check(2.7 < took < 4.5, f"{took:.2f} s for what took 2.95")
        check(report["fleet"]["late"] == 0, f"{report['fleet']['late']} late")


def fleet_waits_for_broker(lab):
    """A broker that is not there is waited for."""
    with Fleet(lab) as f:
        f.broker.kill()
        replayer = f.replayer("--max-age", "1h")
        wait_for("it to say so", lambda: "tried again" in replayer.err, 10)
        f.broker.start()
        with f.broker.client() as c:
            wait_for("partitions", lambda: (c.key("digits", "claim.replay.00") or {}).get("owner"), 20)
            broker.Tap(c).send(range(20))
        f.wait_sent(20)
        replayer.stop()


def shadow_at(lab, port):
    log = lab.directory / f"shadow-{port}.log"
    shadow = Shadow([PYTHON, HERE / "shadow.py", "--host", "127.0.0.1", "--port", str(port), "--mode", "ok", "--log", log],
                    lab.directory, f"shadow-{port}", log)
    lab.processes.append(shadow)
    wait_for("the shadow", lambda: subprocess.run(["ss", "-Hltn", f"sport = :{port}"], check=True, capture_output=True).stdout)
    return shadow


def hand_over(lab, f, recording, *args):
    """A tap of a recording, to its end; its report"""
    label = lab.label("handed")
    tap = Tap([lab.binary, "-r", lab.pcap(recording), "-x", "max", "-t", f.broker.url(), "-Z", "root", "--report", f"{label}.json", *args],
              lab.directory, label)
    lab.processes.append(tap)
    return tap.finish()


def what_came(shadow):
    """Each request, but for what is fresh in each: the id, and to whom it is addressed"""
    def fields(request):
        return tuple((n.lower(), v) for n, v in request["headers"] if n.lower() not in ("x-shadowtap", "host", "user-agent"))
    return collections.Counter((r["method"], r["target"], r["body"], fields(r)) for r in shadow.requests())


def fleet_of_a_recording(lab):
    """Handed over and replayed elsewhere, each request has the very bytes that a direct replay sends."""
    for recording in ("v1-predict", "aiohttp", "curl-multipart", "java-like"):
        with Fleet(lab) as f:
            direct = shadow_at(lab, broker.free_port())
            port = int(direct.label.rsplit("-", 1)[1])
            there = Tap([lab.binary, "-r", lab.pcap(recording), "-x", "max", "-t", f"http://127.0.0.1:{port}", "-m", "20s", "-Z", "root", "--report",
                         f"direct-{port}.json"], lab.directory, f"direct-{port}")
            lab.processes.append(there)
            there.finish()
            handed = hand_over(lab, f, recording)
            report = f.replayer("--from", "start", "-x", "max", "-m", "20s", "--stop-when", "caught-up").finish()
            relay, fleet = handed["relay"], report["fleet"]
            check(fleet["claimed"] == relay["acked"] == relay["published"] > 0, f"{recording}: {relay}, {fleet}")
            check(fleet["taps"][0]["state"] == "final" and fleet["missing"] == fleet["pending"] == 0, f"{recording}: {fleet}")
            check(what_came(f.shadow) == what_came(direct), f"{recording}: {len(f.shadow.requests())} against {len(direct.requests())}")


def verdicts(report):
    return {k: v for k, v in report["comparison"]["targets"]["default"]["verdicts"].items() if v and k != "not_comparable"}


def fleet_compares(lab):
    """Production's responses travel too: the verdicts are those of a direct run."""
    with Fleet(lab) as f:
        target = f"http://127.0.0.1:{f.port}"
        there = Tap([lab.binary, "-r", lab.pcap("v1-predict"), "-x", "max", "-t", target, "-Z", "root", "--compare", "--report", "direct.json"],
                    lab.directory, "direct")
        lab.processes.append(there)
        direct = there.finish()
        handed = hand_over(lab, f, "v1-predict", "--compare")
        report = f.replayer("--from", "start", "-x", "max", "--stop-when", "caught-up", "--compare").finish()
        check(handed["relay"]["responses"] == report["fleet"]["responses"] > 0, f"{handed['relay']}, {report['fleet']}")
        check(verdicts(report) == verdicts(direct) != {}, f"{verdicts(report)}, directly {verdicts(direct)}")
        check(report["comparison"]["targets"]["default"]["pairs"] == direct["comparison"]["targets"]["default"]["pairs"], "pairs")


CASES = [fleet_of_a_recording, fleet_compares, fleet_sends_each_once, fleet_shares, fleet_replayer_killed, fleet_nothing_twice, fleet_two_owners, fleet_one_three_one,
         fleet_hostile, fleet_max_age, fleet_recreated, fleet_stream_replaced, fleet_evicted, fleet_missing, fleet_slow_shadow, fleet_paced,
         fleet_waits_for_broker]
