"""properties.py - the same bytes, disturbed at random, give the same requests

Each round builds many conversations with the same messages, each cut at other
places, reordered within the hold limit, with duplicates and overlaps, at an ISN
around the wrap or anywhere, and interleaves them in one capture. What must come
out is known twice: from what was sent, and from a slow and obvious reader
(oracle.py) that sees nothing but the file. GOLDEN_SEED=n repeats a round,
GOLDEN_ROUNDS=n runs more.
"""
import os
import random

import oracle
from harness import OK, Capture, Failure, check, check_books, chunked, compare, http_head, http_request, pattern
from packets import ACK, DLT_EN10MB, PSH, WRAP, pcap, records

SEED = int(os.environ.get("GOLDEN_SEED", "1"))
ROUNDS = int(os.environ.get("GOLDEN_ROUNDS", "3"))
FAKE = b"POST /fake HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


def messages(rng):
    """(method, target, body, bytes on the wire): every framing, bodies that look like requests"""
    bodies = [b"", b"x", pattern(rng.randint(1, 6000), rng.random()), FAKE * rng.randint(1, 5), b"0\r\n\r\n" * 9]
    out = []
    for number in range(rng.randint(1, 8)):
        body, target = rng.choice(bodies), f"/v1/{number}?n={rng.randint(0, 9)}"
        kind = rng.randrange(4)
        if kind == 0:
            out.append(("GET", target, b"", http_request("GET", target)))
        elif kind == 1:
            edges = sorted({0, len(body), *(rng.randint(0, len(body)) for _ in range(3))})
            pieces = [body[a:z] for a, z in zip(edges, edges[1:])]
            wire = http_head("POST", target, [("Transfer-Encoding", "chunked")]) + chunked(
                pieces, extension=rng.choice([b"", b";a=b"]), trailers=rng.choice([b"", b"X-Sum: 1\r\n"]))
            out.append(("POST", target, body, wire))
        else:
            out.append(("POST", target, body, http_request("POST", target, body)))
    return out


def cut(rng, length):
    style = rng.randrange(4)
    if style == 0:
        return range(1, length) if length < 1500 else range(0, length, 7)
    if style == 1:
        return [rng.randrange(length) for _ in range(rng.randint(0, 12))]
    if style == 2:
        return range(0, length, rng.randint(1, 1448))
    return []


def shuffled(rng, sent):
    """a little out of order, nowhere by more than a few segments, as parallel paths do it"""
    reach = rng.choice([0, 0, 2, 5, 40])
    places = sorted(range(len(sent)), key=lambda n: n + rng.uniform(0, reach))
    return [sent[n] for n in places] if reach else sent


def conversation(b, rng, client, in_order=False, pipelining=True):
    """its segments in the order in which the tap sees them"""
    isn = rng.choice([0, 1, WRAP - 1, WRAP - 11, WRAP - rng.randint(1, 9000), rng.randrange(WRAP)])
    c = b.conversation(client=client, isn=isn, server_isn=rng.randrange(WRAP), start=b.start)
    here = c.capture = []
    c.handshake()
    left = messages(rng)
    while left:
        count = rng.choice([1, 1, 1, 3]) if pipelining else 1
        together, left = left[:count], left[count:]
        wire = b"".join(w for _, _, _, w in together)
        at = c.next[True]
        for method, target, body, w in together:
            b.expect(c, method, target, body, at, at + len(w) - 1)
            at += len(w)
        base, read, mark = c.next[True], c.next[False], len(here)
        c.send(wire, cuts=cut(rng, len(wire)))
        for _ in range(rng.choice([0, 0, 1, 4])):  # seen twice, cut differently
            first = rng.randrange(len(wire))
            piece = wire[first:first + rng.randint(1, 2000)]
            c.segment(True, piece, ACK | PSH, seq=base + first)
        if not in_order:
            here[mark:] = shuffled(rng, here[mark:])
        c.server_ack()
        c.reply(OK * len(together), cuts=cut(rng, 60))
        c.client_ack()
        if rng.random() < 0.2:  # an old segment again, long after: with its old ack, as the client had sent it
            c.segment(True, wire[:100], ACK | PSH, seq=base, ack=read)
    if rng.random() < 0.7:
        c.close()
    return here


def interleave(rng, lanes):
    out = []
    lanes = [list(reversed(lane)) for lane in lanes]
    while lanes:
        lane = rng.choice(lanes)
        for _ in range(rng.randint(1, 6)):
            if lane:
                out.append(lane.pop())
        lanes = [x for x in lanes if x]
    return out


def out_of_step(rng, here):
    """the two directions out of order with each other, as two taps see them; each of them is in order"""
    late = {True: 0, False: 0}
    for n, s in enumerate(here):
        late[s.from_client] = max(late[s.from_client], n + rng.uniform(0, 12))
        s.place = late[s.from_client]
    return sorted(here, key=lambda s: s.place)


def build(seed, count, directions=False, pipelining=True):
    rng = random.Random(seed)
    b = Capture()
    b.start = 1_700_000_000 * 10**9
    lanes = []
    for n in range(count):
        lane = conversation(b, rng, f"10.0.{n // 200}.{n % 200 + 1}:{rng.randint(1024, 65535)}", directions, pipelining)
        lanes.append(out_of_step(rng, lane) if directions else lane)
    b.segments[:] = interleave(rng, lanes)
    for n, s in enumerate(b.segments):  # one clock for all
        s.ts = b.start + n * 10_000
    return b


def must_hold(bench, b, seed):
    b.settle()
    path = bench.path("property.pcap", b.file())
    for arguments in (["-p", "8000"], []):
        problems = compare(b, bench.read("-r", path, *arguments))
        if problems:
            raise Failure(f"[seed {seed} {' '.join(arguments)}] " + "; ".join(problems[:5]))


for number in range(ROUNDS):
    @check(f"property: cut, reordered, doubled, any ISN; seed {SEED + number}")
    def perturbed(bench, seed=SEED + number):
        must_hold(bench, build(seed, 120), seed)

    @check(f"property: the two directions out of step; seed {SEED + number}")
    def directions_apart(bench, seed=SEED + number):
        must_hold(bench, build(seed, 60, directions=True), seed)

    @check(f"property: the client's direction only, reordered; seed {SEED + number}")
    def client_only(bench, seed=SEED + number):
        b = build(seed, 60)
        b.segments[:] = [s for s in b.segments if s.from_client]
        must_hold(bench, b, seed)


@check(f"property: a slow and obvious reader finds the same; seed {SEED}")
def oracle_agrees(bench):
    b = build(SEED, 60)
    b.settle()
    data = pcap(records(b.segments, b.link), DLT_EN10MB)
    truth = oracle.read(data)
    result = bench.read("-r", bench.path("oracle.pcap", data), "-p", "8000")
    found = {}
    for e in result.requests:
        found.setdefault((e["src"], e["dst"]), []).append(
            (e["method"], e["target"], e["version"], e["body_len"], e["body_sha256"]))
    for ends in sorted(set(truth) | set(found)):
        if truth.get(ends, []) != found.get(ends, []):
            short = lambda requests: [x[:2] for x in requests.get(ends, [])]
            raise Failure(f"{ends}: found {short(found)}, not {short(truth)}")


def losses(bench, seed, pipelining):
    """packets of both directions are dropped at random: what is found was sent, in order, and the books balance"""
    rng = random.Random(seed)
    b = build(seed + 1000, 120, pipelining=pipelining)
    b.segments[:] = [s for s in b.segments if rng.random() > 0.03]
    path = bench.path("lossy.pcap", b.file())
    sent = {}
    for e in b.expected:
        sent.setdefault(e.src, []).append((e.method, e.target, e.body_len, e.body_sha256))
    for arguments in (["-p", "8000"], []):
        result = bench.read("-r", path, *arguments)
        problems = check_books(result)
        for src in sorted({e["src"] for e in result.requests}):
            left = list(sent.get(src, []))
            for e in (e for e in result.requests if e["src"] == src):
                request = (e["method"], e["target"], e["body_len"], e["body_sha256"])
                if request not in left:
                    problems.append(f"nobody sent {e['method']} {e['target']} ({e['body_len']} bytes) of {src} then")
                else:
                    left = left[left.index(request) + 1:]
        if len(result.requests) < len(b.expected) // 2:
            problems.append(f"found only {len(result.requests)} of {len(b.expected)}")
        if problems:
            raise Failure(f"[seed {seed} {' '.join(arguments)}] " + "; ".join(problems[:5]))


for number in range(ROUNDS):
    @check(f"property: random losses, nothing false comes out; seed {SEED + number}")
    def lossy(bench, seed=SEED + number):
        losses(bench, seed, pipelining=False)

    @check(f"property: random losses and pipelining, nothing false comes out; seed {SEED + number}")
    def lossy_pipelining(bench, seed=SEED + number):
        losses(bench, seed, pipelining=True)
