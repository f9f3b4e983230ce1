"""cases_explain.py - --explain: a line for each request and each target, which names the rule; it never waits for its reader"""
import os
import re
import subprocess

from lab import check

REQUEST = re.compile(r"^(\d\d:\d\d:\d\d\.\d{3}) ([0-9a-f]{16}) (\S+) (\S*) (\S+) > (\S+) (\d+) bytes: (.*)$")
LOST = re.compile(r"^(\d\d:\d\d:\d\d\.\d{3}) ([0-9a-f]{16}) (?:(\S+) (\S*) )?(\S+) > (\S+): lost: (\w+): (.*)$")
TARGET = re.compile(r"^(\d\d:\d\d:\d\d\.\d{3}) ([0-9a-f]{16}) (\w+): (answered|failed|shed|unsampled|cancelled)(.*)$")


def sort_out(text):
    """Lines of each kind; what is none of them is the program's own."""
    found = {REQUEST: [], LOST: [], TARGET: []}
    for line in text.splitlines():
        matches = [(kind, kind.match(line)) for kind in found]
        matches = [(kind, match) for kind, match in matches if match]
        check(len(matches) <= 1, f"a line of two kinds: {line!r}")
        for kind, match in matches:
            found[kind].append(match)
    return found[REQUEST], found[LOST], found[TARGET]


def explain_says_what_the_events_say(lab):
    """Each request has one line; its verdict, its reason and its rule are the event's."""
    ns = lab.namespace()
    for name, options in (("demo", ["--preset", "tfserving", "--not-path", "upload", "-S", "50%"]),
                          ("PcapPlusPlus-frag_http_req", []), ("httpflow-httpbin-retransmission", []),
                          ("demo", ["--match-header", "x-never: a", "-X", "any", "--allow-side-effects"]),
                          ("demo", ["-c", "3"]), ("demo", ["--max-body", "400"])):
        tap = lab.tap(ns, "-r", lab.pcap(name), "--dry-run", "--explain", *options)
        report = tap.finish()
        requests, lost, targets = sort_out(tap.err)
        events = {e["id"]: e for e in tap.events()}
        books = report["requests"]
        check(len(requests) == books["complete"], f"{name} {options}: {len(requests)} lines, {books['complete']} complete")
        check(len(lost) == sum(books["lost"].values()), f"{name} {options}: {len(lost)} lines about {books['lost']}")
        check(not targets, f"{name}: a dry run told of targets")
        for match in requests:
            event = events[match[2]]
            words = match[8]
            check(words.startswith(event["verdict"]), f"{words!r} of {event}")
            check(match[3] == event["method"] and match[4] == event["target"], f"{match[0]!r} of {event}")
            check(int(match[7]) == event["body_len"], f"{match[0]!r} of {event}")
            check(words.endswith(event.get("rule", event["verdict"])), f"{words!r} of {event}")
            check((event["verdict"] == "chosen") == ("rule" not in event), f"no rule behind {event}")
        for match in lost:
            event = events[match[2]]
            check(match[7] == event["reason"], f"{match[0]!r} of {event}")
            check(match[3] == event.get("method") and match[4] == event.get("target"), f"{match[0]!r} of {event}")


def explain_follows_to_the_targets(lab):
    """What each target did is told once, and adds up to its books."""
    ns = lab.namespace()
    lab.shadow(ns)
    tap = lab.tap(ns, "-r", lab.pcap("demo"), "--explain", "-x", "max", "-m", "20s", "-t", "a=http://127.0.0.1:9000",
                  "-t", "dead=http://127.0.0.1:1", "-t", "half=sink:", "-S", "half:50%", "--breaker", 3)
    report = tap.finish()
    requests, _, targets = sort_out(tap.err)
    chosen = [m[2] for m in requests if m[8] == "chosen"]
    check(len(chosen) == 39, f"{len(chosen)} chosen")
    for name, book in report["targets"].items():
        told = [m for m in targets if m[3] == name]
        check(sorted(m[2] for m in told) == sorted(chosen), f"{name}: {len(told)} lines for {len(chosen)} requests")
        for kind, count in (("answered", sum(book["answered"].values())), ("failed", sum(book["failed"].values())),
                            ("shed", sum(book["shed"].values())), ("unsampled", book["unsampled"])):
            have = sum(m[4] == kind for m in told)
            check(have == count, f"{name}: {have} lines of {kind}, the books have {count}")


def explain_waits_for_nobody(lab):
    """Nobody reads standard error: the requests are sent all the same, and the end comes."""
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    reader, writer = os.pipe()
    try:
        os.set_blocking(writer, False)
        try:
            while True:  # full before it starts
                os.write(writer, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(writer, True)
        command = lab.inside(ns, [lab.binary, "-r", lab.pcap("demo"), "--explain", "-t", "http://127.0.0.1:9000",
                                  "-x", "max", "-m", "20s"])
        with subprocess.Popen(command, stderr=writer, stdout=subprocess.DEVNULL, cwd=lab.directory) as process:
            try:
                status = process.wait(60)
            finally:
                process.kill()
        check(status == 0, f"exit {status}")
        check(len(shadow.requests()) == 39, f"{len(shadow.requests())} replays instead of 39")
    finally:
        os.close(reader)
        os.close(writer)


def verbose_tells_of_flows(lab):
    """-v: each connection begins and ends once, by its number; a storm of them is held back and counted."""
    ns = lab.namespace()
    tap = lab.tap(ns, "-r", lab.pcap("demo"), "--dry-run", "-v")
    report = tap.finish()
    flows = re.findall(r"^shadowtap: flow (\d+): (HTTP|ended)(.*)$", tap.err, re.M)
    begun = [number for number, what, _ in flows if what == "HTTP"]
    ended = [number for number, what, _ in flows if what == "ended"]
    check(len(begun) == report["connections"]["seen"] and sorted(begun) == sorted(ended) == sorted(set(begun)),
          f"{report['connections']['seen']} connections: {tap.err[:400]!r}")
    tap = lab.tap(ns, "-r", lab.pcap("ab-keepalive"), "--dry-run", "--loop", 200, "-v")
    report = tap.finish()
    told = re.findall(r"^shadowtap: flow .*$", tap.err, re.M)
    held = sum(int(n) for n in re.findall(r"; (\d+) lines held back", tap.err))
    check(len(told) + held <= 2 * report["connections"]["seen"] and held + len(told) > 100, f"{len(told)} told, {held} held back")


CASES = [verbose_tells_of_flows, explain_says_what_the_events_say, explain_follows_to_the_targets, explain_waits_for_nobody]
