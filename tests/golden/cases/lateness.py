"""lateness.py - packets out of step, clocks that jump, and bytes that the service never read

The captures in pcaps/field/ are those with which users met these faults; NAME.truth.json lists what was asked.
"""
import collections
import json
import os

from harness import TOP, Failure, case, check, check_books, pattern
from packets import MS

FIELD = os.path.join(TOP, "pcaps", "field")


def field(name):
    return os.path.join(FIELD, name)


def told(entry):
    return f"{entry['method']} {entry['target']} {entry['body_len']} {entry['body_sha256'][:12]}"


def exactly(bench, name, *arguments, lost=0):
    """each request of the list once, and nothing else"""
    with open(field(f"{name}.truth.json")) as f:
        wanted = collections.Counter(told(e) for e in json.load(f) if e["expect"] == "must")
    result = bench.read("-r", field(f"{name}.pcap"), *arguments)
    found = collections.Counter(told(r) for r in result.requests)
    problems = check_books(result)
    problems += [f"not found: {x}" for x in (wanted - found).elements()]
    problems += [f"nobody sent {x}" for x in (found - wanted).elements()]
    if result.report["requests"]["seen"] != sum(wanted.values()) + lost:
        problems.append(f"requests.seen is {result.report['requests']['seen']}, not {sum(wanted.values())} + {lost}")
    if problems:
        raise Failure("; ".join(problems[:5]))
    return result


def in_the_field(name, what, lost=0):
    @check(f"lateness: {what}")
    def read(bench):
        for arguments in ((), ("-p", "8080"), ("--lanes", "2")):
            exactly(bench, name, *arguments, lost=lost)


in_the_field("directions-out-of-step", "three connections whose directions are up to a dozen packets out of step")
in_the_field("late-head", "a head behind its acknowledgement and behind its body")
in_the_field("midstream-keepalive-probe", "a keep-alive probe's byte before the first request")
in_the_field("day-gap", "three days between two packets, three times")
in_the_field("urgent-data", "a byte of urgent data in a body, and one in a request line", lost=1)


@check("lateness: stamps at the end of 64 bits")
def last_stamps(bench):
    result = bench.read("-r", field("ts-overflow.pcapng"))
    if [r["target"] for r in result.requests] != ["/v1/r0", "/v1/r1", "/v1/r2"] or check_books(result):
        raise Failure(f"found {[r['target'] for r in result.requests]}; {check_books(result)}")


@case("lateness: a lost packet holds up nothing for more than a second")
def lost_for_good(b):
    b.keep_times = True
    c = b.opened()
    b.ask(c, target="/lost", body=pattern(3000, 1), mss=1000)
    b.drop(*[s for s in b.segments if s.from_client and s.payload][1:2])
    b.expected[-1].optional = True
    b.answer(c)
    for n in range(3):
        c.wait(400 * MS)
        b.ask(c, target=f"/{n}", body=b"x")
        b.answer(c)
    c.close()
    b.lost = {"gap": 1}
    b.counters = {"connections.gaps": 1}
