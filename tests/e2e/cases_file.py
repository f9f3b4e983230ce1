"""cases_file.py - recordings replayed: what arrives, when it arrives, and how a replay is broken off"""
import collections
import json
import re
import struct
import time

from cases_bounds import ACK, SYN, header, packets
from lab import PCAPS, arrived_key, check, check_events, check_heads, compare, fields_of, mirrored, wait_for

SHADOW = "http://127.0.0.1:9000"
RST = 0x04


def expected(name):
    return json.loads((PCAPS / f"{name}.expected.json").read_text())


def replay_every(lab, args, must_of):
    """
    Each recording at -x max; what arrived must be what @must_of makes of the expectation. Faults are collected.

    The shadow speaks HTTP/1 alone, so HTTP/2 is left out here; its recordings are tests/golden's, its replay is cases_grpc.py's.
    """
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    names = sorted(path.name[:-5] for path in PCAPS.glob("*.pcap"))
    check(len(names) > 30, f"only {len(names)} recordings")
    faults, before = [], 0
    for name in names:
        try:
            tap = lab.tap(ns, "-r", lab.pcap(name), "-t", SHADOW, "-x", "max", "-m", "20s", "--h2", "off", *args)
            report = tap.finish()
            arrived = shadow.requests()[before:]
            before += len(arrived)
            rows = [e for e in expected(name) if e["version"] != "2"]
            compare(arrived, must_of([e for e in rows if e["expect"] == "must"]),
                    must_of([e for e in rows if e["expect"] == "should"]))
            check_heads(arrived, "127.0.0.1:9000")
            check_events(tap, report)
        except Exception as error:  # the next recording has its own chance; the sum of them decides
            faults.append(f"{name}: {error}")
            before = len(shadow.entries("request"))
    check(not faults, f"{len(faults)} of {len(names)} recordings: " + "; ".join(faults))


def every_recording(lab):
    """As a user has it who asks for nothing: POST and PUT off the deny list."""
    replay_every(lab, [], mirrored)


def every_recording_whole(lab):
    """Every method and route: each request that must be found in a recording arrives, body and all."""
    replay_every(lab, ["-X", "any", "--allow-side-effects"], lambda entries: entries)


def event_digests(lab):
    """Events name the body of every complete request, chosen or not, by length and SHA-256."""
    ns = lab.namespace()
    tap = lab.tap(ns, "-r", lab.pcap("demo"), "-t", SHADOW, "-x", "max", "--dry-run", "--show-query")
    tap.finish()
    events = [e for e in tap.events() if e["event"] == "request"]
    def of(e): return e["method"], e["target"], e["body_len"], e["body_sha256"]
    have, want = collections.Counter(map(of, events)), collections.Counter(map(of, expected("demo")))
    check(have == want, f"missing {list((want - have).items())[:2]}, extra {list((have - want).items())[:2]}")
    check(not any(e["event"] == "outcome" for e in tap.events()), "a dry run that sent something")
    verdicts = collections.Counter((e["verdict"], e.get("reason")) for e in events)
    check(verdicts["filtered", "denied"] == 1 and verdicts["filtered", "method"] == 8, f"verdicts: {verdicts}")


def first_packet_ns(path):
    """Capture time of the first packet of a little-endian microsecond pcap, as tcpdump writes it."""
    with open(path, "rb") as file:
        header = file.read(32)
    check(header[:4] == b"\xd4\xc3\xb2\xa1", "not the pcap format that was expected")
    seconds, micros = struct.unpack("<II", header[24:32])
    return seconds * 10**9 + micros * 1000


def paced(lab, speed):
    """demo.pcap at @speed: no request before its time, all in order; the time until the last one arrived."""
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    started = time.time_ns()
    tap = lab.tap(ns, "-r", lab.pcap("demo"), "-t", SHADOW, "-x", str(speed), "-m", "20s")
    report = tap.finish()
    arrived = shadow.requests()
    compare(arrived, mirrored(expected("demo")))
    events = {e["id"]: e for e in check_events(tap, report)}
    zero = first_packet_ns(lab.pcap("demo"))
    due = []
    for request in arrived:
        ts = events[fields_of(request)["x-shadowtap"]]["ts_last_ns"]
        due.append((ts - zero) / speed)
        early = started + due[-1] - request["t_head_ns"]
        check(early < 1e6, f"a request {early / 1e6:.1f} ms before its time at -x {speed}")
    for i, mine in enumerate(due[1:], 1):
        # 200 ms: two connections, two writes; the kernel may show them to the shadow in either order
        check(mine > max(due[:i]) - 200e6, "requests in another order than recorded")
    pace, rated = report["pace"], max((e["ts_last_ns"] - zero) / speed for e in events.values()) / 1e9
    check(abs(pace["rated_seconds"] - rated) < 0.001, f"rated {pace['rated_seconds']} s, the events say {rated:.4f} s")
    check(pace["seconds"] >= pace["rated_seconds"], f"faster than rated: {pace}")
    check(pace["requests"] == len(arrived), f"{len(arrived)} requests at the shadow, {pace}")
    check(f"replayed {len(arrived)} requests, " in tap.err, f"no line about the pace: {tap.err[-200:]!r}")
    return (arrived[-1]["t_head_ns"] - started) / 1e9, (max(due) - min(due)) / 1e9


def pacing(lab):
    """-x 1 keeps the recorded pace, -x 4 a quarter of it; neither is ever ahead of its schedule."""
    took, planned = paced(lab, 1)
    check(took >= planned * 0.95, f"{took:.2f} s for a recording of {planned:.2f} s")
    took4, planned4 = paced(lab, 4)
    check(took4 >= planned4 * 0.95, f"{took4:.2f} s for a plan of {planned4:.2f} s at -x 4")
    check(took4 < planned, f"-x 4 took {took4:.2f} s, the recording itself {planned:.2f} s")


def lost_while_paced(lab):
    """A request that never became whole has its place in the schedule, and leaves that of the others alone."""
    ask = b"POST /v1/models/m:predict HTTP/1.1\r\nHost: m\r\nContent-Length: 4\r\n\r\nbody"
    capture = header()
    for n, (data, flags) in enumerate([(ask, ACK), (ask[:-2], ACK), (b"", RST | ACK), (ask, ACK)]):
        client, port, seq = 0x0A000001, 50000 + min(n, 1) + n // 3, 1 + (len(ask) - 2 if flags & RST else 0)
        if not flags & RST:
            capture += packets(client, port, 0, 0, SYN)
        capture += packets(client, port, seq, 1, flags, data)
    (lab.directory / "lost.pcap").write_bytes(capture)
    for explained in ([], ["--explain"]):
        tap = lab.tap(lab.namespace(), "-r", str(lab.directory / "lost.pcap"), "-p", "8000", "-t", "sink:", "-x", "1", *explained)
        report = tap.finish(10)
        lines = [event["event"] for event in tap.events() if event["event"] != "outcome"]
        check(lines == ["request", "lost", "request"], f"events {lines}")
        check(report["targets"]["default"]["answered"]["2xx"] == 2, f"{report['targets']}")


def clock_of_events(lab):
    """ts_last_ns is the packet's time: just before the server that was recorded had the request."""
    ns = lab.namespace()
    tap = lab.tap(ns, "-r", lab.pcap("demo"), "-t", SHADOW, "-x", "max", "--dry-run")
    tap.finish()
    times = collections.defaultdict(list)
    for event in check_events(tap, tap.report()):
        times[event["body_sha256"], event["src"]].append(event)
    for entry in expected("demo"):
        client = entry["conn"].split(">")[0]
        gaps = [entry["received_ns"] - e["ts_last_ns"] for e in times[entry["body_sha256"], client]]
        check(any(-1e6 <= gap < 1e9 for gap in gaps), f"{entry['target']} of {client}: the server had it {gaps} ns later")
        check(all(e["ts_first_ns"] <= e["ts_last_ns"] for e in times[entry["body_sha256"], client]), "last before first")


def interrupted(lab):
    """SIGINT in the middle of a paced replay: what is in flight ends, the books balance, exit 0."""
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    tap = lab.tap(ns, "-r", lab.pcap("demo"), "-t", SHADOW, "-x", "0.5")
    wait_for("the first replays", lambda: len(shadow.entries("request")) >= 3)
    tap.interrupt()
    report = tap.finish(20)
    arrived = shadow.requests()
    whole = collections.Counter(a for a in map(arrived_key, arrived))
    check(3 <= sum(whole.values()) < 39, f"{len(arrived)} requests: that was no interruption")
    check(report["targets"]["default"]["sent"] >= len(arrived), "more arrived than were sent")
    check(tap.err.strip(), "no totals after SIGINT")


def interrupted_twice(lab):
    """A shadow that hangs and a long deadline: the first SIGINT drains, the second ends at once."""
    ns = lab.namespace()
    shadow = lab.shadow(ns, mode="hang")
    tap = lab.tap(ns, "-r", lab.pcap("requests-session"), "-t", SHADOW, "-x", "max", "-m", "120s")
    wait_for("a replay", lambda: shadow.entries("request"))
    tap.interrupt()
    time.sleep(0.5)
    check(tap.running(), "did not wait for what was in flight")
    tap.interrupt()
    tap.wait(10)


def two_targets(lab):
    """Every target gets every chosen request, each under its own path prefix; one that is dead harms no other."""
    ns = lab.namespace()
    one, two = lab.shadow(ns), lab.shadow(ns, port=9001)
    tap = lab.tap(ns, "-r", lab.pcap("demo"), "-t", "a=" + SHADOW, "-t", "b=http://127.0.0.1:9001/base/",
                  "-t", "dead=http://127.0.0.1:9", "-x", "max", "-m", "20s")
    report = tap.finish()
    must = mirrored(expected("demo"))
    compare(one.requests(), must)
    compare(two.requests(), [dict(e, target="/base" + e["target"]) for e in must])
    check(set(report["targets"]) == {"a", "b", "dead"}, f"targets: {sorted(report['targets'])}")
    check(report["targets"]["dead"]["answered"]["2xx"] == 0, "an answer from nowhere")


def merged_and_gzipped(lab):
    """Several files are merged by time, and a compressed one is read as it is."""
    import gzip
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    packed = lab.directory / "demo.pcap.gz"
    packed.write_bytes(gzip.compress(lab.pcap("demo").read_bytes()))
    tap = lab.tap(ns, "-r", packed, "-r", lab.pcap("requests-session"), "-t", SHADOW, "-x", "max", "-m", "20s")
    tap.finish()
    compare(shadow.requests(), mirrored(expected("demo") + expected("requests-session")))


def from_a_pipe(lab):
    """-r - reads what another program writes."""
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    command = f"cat {lab.pcap('demo')} | {lab.binary} -r - -t {SHADOW} -x max -m 20s"
    process = lab.start(ns, "sh", "-c", command, label="pipe")
    check(process.wait(30) == 0, f"exit {process.popen.returncode}: {process.err[-300:]!r}")
    compare(shadow.requests(), mirrored(expected("demo")))


def count_and_loop(lab):
    """-c counts the chosen; --loop plays the same again."""
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    report = lab.tap(ns, "-r", lab.pcap("demo"), "-t", SHADOW, "-x", "max", "-m", "20s", "-c", "7").finish()
    check(report["requests"]["chosen"] == 7 and len(shadow.requests()) == 7,
          f"-c 7: {report['requests']['chosen']} chosen, {len(shadow.requests())} arrived")
    lab.tap(ns, "-r", lab.pcap("demo"), "-t", SHADOW, "-x", "max", "-m", "20s", "--loop", "3").finish()
    compare(shadow.requests()[7:], 3 * mirrored(expected("demo")))


def fields_on_demand(lab):
    """-H sets and removes, --allow-header adds, credentials only when named, --host-header chooses."""
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    secret = lab.directory / "secret"
    secret.write_text("X-Api-Key: from-a-file\n")
    args = ["-r", lab.pcap("requests-session"), "-t", SHADOW, "-x", "max", "-m", "20s"]
    rows = [
        (["-H", "X-Team: ml", "-H", f"@{secret}", "-H", "Accept:"], {"x-team": "ml", "x-api-key": "from-a-file", "accept": None}),
        (["--allow-header", "cookie"], {"cookie": "session=not-a-secret", "authorization": None}),
        (["--allow-header", "*"], {"cookie": None, "authorization": None, "accept-encoding": "gzip, deflate"}),
        (["--host-header", "suffix"], {"host": "127.0.0.1-shadow:8080"}),
        (["--host-header", "keep"], {"host": "127.0.0.1:8080"}),
        (["--host-header", "shadow.test"], {"host": "shadow.test"}),
    ]
    faults, before = [], 0
    for more, want in rows:
        tap = lab.tap(ns, *args, *more)
        tap.finish()
        arrived = shadow.requests()[before:]
        before += len(arrived)
        check(len(arrived) == 8, f"{' '.join(more)}: {len(arrived)} of 8 arrived")
        for name, value in want.items():
            have = {fields_of(r).get(name) for r in arrived}
            if have != {value}:
                faults.append(f"{' '.join(more)}: {name} is {have}, not {value!r}")
        if "cookie" in more:
            faults += [] if "cookie" in tap.err else ["a credential was allowed and nothing said about it"]
    check(not faults, "; ".join(faults))


def traces_of_its_own(lab):
    """--traceparent new: each request has a trace, none has another's, to the end of a recording that is replayed again."""
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    lab.tap(ns, "-r", lab.pcap("requests-session"), "-t", SHADOW, "-x", "max", "-m", "20s", "--loop", 2, "--traceparent", "new").finish()
    values = [fields_of(r).get("traceparent") or "" for r in shadow.requests()]
    check(len(values) == 16, f"{len(values)} of 16 arrived")
    ids = [re.fullmatch("00-([0-9a-f]{32})-([0-9a-f]{16})-00", value) for value in values]
    check(all(ids), f"no traceparent of version 00, or sampled though the captured ones say nothing: {values[:2]}")
    check(len({i[1] for i in ids}) == len({i[2] for i in ids}) == 16, "an id is there twice")


def rate_and_samples(lab):
    """-S is exact; by connection it takes whole connections, the same ones on every run; a dry run only counts."""
    ns = lab.namespace()
    base = ["-r", lab.pcap("wrk-keepalive"), "-r", lab.pcap("demo"), "-t", SHADOW, "-x", "max", "--dry-run"]
    report = lab.tap(ns, *base, "-S", "25%").finish()
    matching = report["requests"]["chosen"] + report["requests"]["unsampled"]
    check(abs(report["requests"]["chosen"] - matching / 4) <= 1, f"{report['requests']['chosen']} of {matching} at 25 %")
    pictures = []
    for _ in range(2):
        tap = lab.tap(ns, *base, "-S", "50%", "--sample-by", "connection")
        tap.finish()
        verdicts = collections.defaultdict(set)
        for event in tap.events():
            if event["event"] == "request" and event["verdict"] != "filtered":
                verdicts[event["src"]].add(event["verdict"])
        check(all(len(v) == 1 for v in verdicts.values()), "a connection was sampled in part")
        pictures.append(dict(verdicts))
    check(pictures[0] == pictures[1], "another sample on the second run")
    check(len({min(v) for v in pictures[0].values()}) == 2, "50 % of 17 connections took all or none")


def cut_file(lab):
    """A file cut in the middle of a packet: all before the cut is used, and the cut is told."""
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    cut = lab.directory / "cut.pcap"
    whole = lab.pcap("demo").read_bytes()
    cut.write_bytes(whole[:len(whole) // 2])
    tap = lab.tap(ns, "-r", cut, "-t", SHADOW, "-x", "max", "-m", "20s")
    tap.finish()
    arrived = collections.Counter(map(arrived_key, shadow.requests()))
    check(5 < sum(arrived.values()) < 39, f"{sum(arrived.values())} requests of half a recording")
    check("cut" in tap.err or "truncated" in tap.err, f"nothing said about the cut: {tap.err[-300:]!r}")


def nothing_sent(lab):
    """When nothing was sent the last line says which step stopped everything."""
    ns = lab.namespace()
    for args, word in ((["-p", "9999"], "port"), (["--path", "^/nothing$"], "path"), (["-X", "DELETE"], "method")):
        tap = lab.tap(ns, "-r", lab.pcap("demo"), "-t", SHADOW, "-x", "max", *args)
        tap.finish()
        last = tap.err.strip().splitlines()[-1]
        check(word in last, f"{' '.join(args)}: the last line does not name the {word}: {last!r}")


CASES = [every_recording, every_recording_whole, event_digests, clock_of_events, pacing, lost_while_paced, interrupted, interrupted_twice,
         two_targets, merged_and_gzipped, from_a_pipe, count_and_loop, fields_on_demand, traces_of_its_own, rate_and_samples,
         cut_file, nothing_sent]
