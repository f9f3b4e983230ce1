"""cases_lanes.py - several capture threads: every connection is one lane's, from its first packet to its last"""
import collections
import os
import re
import subprocess
import time

from cases_live import BASE, CLIENTS, SHADOW, drive, nginx, settled
from cases_twice import twice_tagged
from lab import (HERE, PCAPS, PYTHON, RECORD, check, check_heads, compare, fields_of, mirrored, need_program, need_python,
                 wait_for)

NUMBERED = re.compile(r"^/v1/models/(\d+):predict\?(\d+)$")


def threads(tap):
    """How many it has once none was added for half a second: a lookup's come when it begins."""
    counts = [0]
    while len(counts) < 6 or len(set(counts[-6:])) > 1:
        check(len(counts) < 100, f"the number of threads does not settle: {counts[-10:]}")
        counts.append(len(os.listdir(f"/proc/{tap.popen.pid}/task")))
        time.sleep(0.1)
    return counts[-1]


def lanes_count_alike(lab):
    """wrk against nginx: with 1, 2 and 4 lanes the tap has seen what the server counts, both directions together."""
    need_program("nginx", "wrk", "curl")
    others = None  # threads that do not capture
    for lanes in (1, 2, 4):
        ns = lab.namespace()
        nginx(lab, ns)
        tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "--lanes", lanes, "-t", "sink:", "-S", "5%", "-m", "2s")
        others = others or threads(tap) - 1
        check(threads(tap) == others + lanes, f"--lanes {lanes}: {threads(tap) - others} capture threads")
        subprocess.run(lab.inside(ns, ["wrk", "-t1", "-c32", "-d1s", "-s", RECORD / "clients/wrk.lua",
                                       BASE + "/v1/models/digits:predict", "--", "1"]),
                       check=True, stdout=subprocess.DEVNULL)
        done = subprocess.run(lab.inside(ns, ["curl", "-sS", BASE + "/count"]), check=True, stdout=subprocess.PIPE, text=True)
        served = int(re.search(r"requests\s+\d+ \d+ (\d+)", done.stdout).group(1))
        report = tap.stop()
        numbers, connections = report["requests"], report["connections"]
        check(report["packets"]["dropped_kernel"] == 0, f"the kernel dropped {report['packets']['dropped_kernel']} packets")
        check(numbers["seen"] == served, f"--lanes {lanes}: the server counts {served} requests, {numbers['seen']} were seen")
        check(connections["one_way"] == 0, f"--lanes {lanes}: {connections['one_way']} connections with one direction only")
        check(connections["seen"] in (33, 34), f"32 or 33 connections of wrk and one of curl, {connections['seen']} were seen")
        matching = numbers["chosen"] + numbers["unsampled"] + numbers["shed"]["handover"]
        check(abs(numbers["chosen"] + numbers["shed"]["handover"] - matching * 0.05) <= lanes,
              f"--lanes {lanes}: {numbers['chosen']} of {matching} chosen is not 5 %")


def check_runs(events):
    """Each connection's numbers are a run without a hole, none twice. Returns how many connections there were."""
    seen = collections.defaultdict(list)
    for event in events:
        if event["event"] == "request":
            connection, number = NUMBERED.match(event["target"]).groups()
            seen[int(connection)].append(int(number))
    for connection, numbers in seen.items():
        check(len(set(numbers)) == len(numbers), f"connection {connection}: a request came twice")
        first, last = min(numbers), max(numbers)
        check(last - first + 1 == len(numbers), f"connection {connection}: {len(numbers)} requests from {first} to {last}")
    return len(seen)


def lanes_under_load(lab):
    """Started and stopped ten times while requests keep coming: none is lost, and none is there twice."""
    need_program("nginx")
    ns = lab.namespace()
    nginx(lab, ns)
    load = lab.start(ns, PYTHON, HERE / "numbered.py", 8080, 24, label="numbered")
    connections = 0
    for turn in range(10):
        tap = lab.live_tap(ns, "-i", "lo" if turn % 2 else "any", "-p", "8080", "--lanes", 2 + turn % 3, "--dry-run",
                           "--show-query")
        events = lab.directory / f"{tap.label}.ndjson"
        wait_for("requests", lambda path=events: path.read_bytes().count(b"\n") > 500)
        check(load.running(), f"the load ended: {load.err[-300:]}")
        report = tap.stop()
        check(report["packets"]["dropped_kernel"] == 0, "the kernel dropped packets")
        check(report["connections"]["gaps"] == 0, f"{report['connections']['gaps']} holes")
        connections += check_runs(tap.events())
    check(connections > 200, f"only {connections} connections: the case shows little")


def lanes_mirror(lab):
    """Real clients, three lanes, two interfaces: all arrive, and -w has them all as well."""
    need_python("requests", "httpx", "aiohttp")
    need_program("curl")
    client, server = lab.namespace(), lab.namespace()
    lab.cable(client, "net0", server, "net0")
    lab.ip(client, "addr", "add", "10.9.0.1/24", "dev", "net0")
    lab.ip(server, "addr", "add", "10.9.0.2/24", "dev", "net0")
    lab.service(server, host="0.0.0.0")
    shadow = lab.shadow(server)
    tap = lab.live_tap(server, "-i", "lo", "-i", "net0", "-p", "8080", "--lanes", 3, "-t", SHADOW, "-m", "10s",
                       "-w", lab.directory / "lanes.pcapng")
    told = drive(lab, client, "http://10.9.0.2:8080", CLIENTS) + drive(lab, server, BASE, [("raw.py", "pipelined", 6, 5000)])
    must = mirrored(told)
    settled(shadow, len(must))
    report = tap.stop()
    compare(shadow.requests(), must)
    check_heads(shadow.requests(), "127.0.0.1:9000")
    check(report["requests"]["complete"] == len(told), f"{len(told)} sent, {report['requests']['complete']} complete")
    again = lab.tap(server, "-r", lab.directory / "lanes.pcapng", "--dry-run").finish()
    check(again["requests"]["chosen"] == len(must), f"{len(must)} mirrored, {again['requests']['chosen']} in the recording")


def lanes_count_exactly(lab):
    """-c N is exact with four lanes."""
    need_program("nginx")
    ns = lab.namespace()
    nginx(lab, ns)
    lab.start(ns, PYTHON, HERE / "numbered.py", 8080, 16, label="numbered")
    tap = lab.tap(ns, "-i", "lo", "-p", "8080", "--lanes", 4, "--dry-run", "-c", 777, "--show-query")
    report = tap.finish()
    check(report["requests"]["chosen"] == 777, f"-c 777: {report['requests']['chosen']} chosen")


def lanes_twice(lab):
    """A connection that is seen on two interfaces, on one with a tag, comes to one lane with both."""
    twice_tagged(lab, "--lanes", "3")


def lanes_compare(lab):
    """Answers find their requests, whichever lane saw them: two services that are the same agree on everything."""
    need_python("requests", "aiohttp", "uvicorn", "numpy")
    ns = lab.namespace()
    lab.service(ns)
    lab.service(ns, port=9000)
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "--lanes", 3, "-t", SHADOW, "-m", "10s", "--compare")
    told = drive(lab, ns, BASE, [("library.py", "requests", 40, 0), ("library.py", "aiohttp", 30, 100),
                                 ("library.py", "v2", 8, 200)])
    must = mirrored(told)
    wait_for("all replays", lambda: len(lab.received(9000)) >= len(must))
    report = tap.stop()
    target = report["comparison"]["targets"]["default"]
    check(target["pairs"] == len(must) == report["targets"]["default"]["sent"], f"{len(must)} sent, {target['pairs']} pairs")
    check(target["verdicts"]["equal"] == len(must), f"not all {len(must)} are equal: {target['verdicts']}")


BOOKS = ("requests", "packets", "connections")


def dry(lab, name, lanes, *args):
    """One recording read by so many lanes: its events, byte for byte, and the books."""
    ns = lab.namespace()
    tap = lab.tap(ns, "-r", lab.pcap(name), "--lanes", lanes, "--dry-run", "-X", "any", "--allow-side-effects", *args)
    report = tap.finish()
    return (lab.directory / f"{tap.label}.ndjson").read_bytes(), {part: report[part] for part in BOOKS}


def lanes_read_a_recording(lab):
    """Whatever the number of lanes, a recording gives the same events in the same order, and the same books."""
    names = sorted(path.name[:-5] for path in PCAPS.glob("*.pcap"))
    check(len(names) > 30, f"only {len(names)} recordings")
    with_events = 0
    for name in names:
        one = dry(lab, name, 1)
        with_events += one[0] != b""
        for lanes in (2, 5):
            check(dry(lab, name, lanes) == one, f"{name}: {lanes} lanes read something else than one")
    check(with_events > 20, f"only {with_events} recordings have events")
    twice = dry(lab, "demo", 1, "--loop", 2)
    check(twice[0].count(b"\n") == 2 * dry(lab, "demo", 1)[0].count(b"\n"), "--loop 2 is not twice the events")
    check(dry(lab, "demo", 3, "--loop", 2) == twice, "--loop 2: 3 lanes read something else than one")


def lanes_replay_a_recording(lab):
    """One connection to the shadow shows the order: three lanes send what one sends, at any pace, and -w has it all."""
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    orders, before = [], 0
    for lanes, pace in ((1, "max"), (3, "max"), (3, "50"), (64, "max")):
        lab.tap(ns, "-r", lab.pcap("ab-keepalive"), "-r", lab.pcap("demo"), "--lanes", lanes, "-t", SHADOW, "-x", pace, "-m", "20s",
                "--connections", 1, "-w", lab.directory / f"{lanes}-{pace}.pcapng").finish()
        arrived = shadow.requests()[before:]
        before += len(arrived)
        orders.append([fields_of(request)["x-shadowtap"] for request in arrived])
    check(len(orders[0]) > 60, f"only {len(orders[0])} requests")
    check(all(order == orders[0] for order in orders), f"other requests, or in another order: {[len(o) for o in orders]}")
    again = lab.tap(ns, "-r", lab.directory / "3-50.pcapng", "--lanes", 2, "--dry-run").finish()
    check(again["requests"]["chosen"] == len(orders[0]), f"{again['requests']['chosen']} of {len(orders[0])} in what -w wrote")


def lanes_compare_a_recording(lab):
    """Production's answers come out of the recording with their requests, whichever lane read them."""
    ns = lab.namespace()
    lab.service(ns, port=9000)
    tallies = []
    for lanes in (1, 4):
        report = lab.tap(ns, "-r", lab.pcap("demo"), "--lanes", lanes, "-t", SHADOW, "-x", "max", "-m", "20s", "--compare").finish()
        tallies.append(report["comparison"]["targets"]["default"]["verdicts"])
        check(sum(tallies[-1].values()) == report["targets"]["default"]["sent"], f"{lanes} lanes: pairs are missing")
    check(tallies[0] == tallies[1], f"one lane: {tallies[0]}, four: {tallies[1]}")


def lanes_need_a_file(lab):
    """What can be read only once is refused, with a word about why."""
    ns = lab.namespace()
    pipe = lab.directory / "pipe"
    os.mkfifo(pipe)
    for path, word in (("-", "standard input"), (pipe, "regular file")):
        tap = lab.tap(ns, "-r", path, "--lanes", 2, "--dry-run")
        check(tap.wait(20) != 0 and word in tap.err, f"-r {path}: {tap.err!r}")


CASES = [lanes_read_a_recording, lanes_replay_a_recording, lanes_compare_a_recording, lanes_need_a_file, lanes_count_alike, lanes_under_load, lanes_mirror, lanes_count_exactly, lanes_twice, lanes_compare]
