"""order.py - crowds, floods, silences and crumbs: what a long capture of a busy place is full of"""
import copy
import random

from harness import case, pattern
from packets import ACK, MS, PSH, RST, SECOND, SYN, WRAP

FAKE = b"POST /fake HTTP/1.1\r\nHost: x\r\n\r\n"


def flood(b, count, seed):
    """SYNs from everywhere, to the same port, none of them answered"""
    rnd = random.Random(seed)
    for n in range(count):
        c = b.conversation(client=f"172.16.{n >> 8 & 255}.{n & 255}:{1024 + rnd.randrange(60000)}")
        c.segment(True, b"", SYN, seq=rnd.getrandbits(32), ack=0)


@case("order: a SYN flood around two real connections")
def syn_flood(b):
    real = [b.opened(isn=100), b.opened(isn=WRAP - 50)]
    for number in range(8):
        for c in real:
            flood_begin = len(b.segments)
            b.ask(c, target=f"/{number}", body=pattern(3000, number), mss=1000)
            b.answer(c)
            flood(b, 250, number * 7 + c.isn)
            crowd = b.segments[flood_begin:]
            own = [s for s in crowd if s.conversation is c]
            rest = [s for s in crowd if s.conversation is not c]
            b.segments[flood_begin:] = [s for n in range(len(rest)) for s in
                                        ([rest[n]] + ([own.pop(0)] if own and n % 20 == 0 else []))] + own
    for c in real:
        c.close()


@case("order: silences of ten minutes")
def silences(b):
    b.keep_times = True
    c = b.opened()
    for number, minutes in enumerate((0, 1, 10, 10)):
        c.wait(minutes * 60 * SECOND)
        b.ask(c, target=f"/{number}", body=pattern(2000, number), mss=700)
        b.answer(c)
    c.close()


@case("order: one-byte segments of everything")
def crumbs(b):
    c = b.opened(isn=WRAP - 100)
    for number in range(3):
        b.ask(c, target=f"/{number}", body=pattern(300, number), mss=1)
        b.answer(c, cuts=range(1, 200))
    b.ask(c, target="/chunked", chunks=[bytes([65 + n]) for n in range(26)], mss=1)
    b.answer(c)
    c.close()


@case("order: one-byte segments, shuffled inside each request")
def crumbs_shuffled(b):
    rnd = random.Random(4)
    c = b.opened(isn=WRAP - 300)
    for number in range(3):
        begin = len(b.segments)
        b.ask(c, target=f"/{number}", body=pattern(500, number), mss=1)
        mixed = b.segments[begin:]
        rnd.shuffle(mixed)
        b.segments[begin:] = mixed
        b.answer(c)
    c.close()


@case("order: ten thousand connections by turns")
def many(b):
    """all open at once; each one's request comes in three pieces, a round of all between two of them"""
    rnd = random.Random(1)
    sides = [b.conversation(client=f"10.{n >> 8}.{n & 255}.1:{2000 + n}", isn=rnd.getrandbits(32), start=1_700_000_000 * SECOND)
             for n in range(10_000)]
    for c in sides:
        c.handshake()
    rounds = [b.ask(c, target=f"/{n}", body=b"%06d" % n * 5, cuts=(7, 60), mss=1448) for n, c in enumerate(sides)]
    b.interleave(*rounds)
    b.counters = {"connections.seen": 10_000, "connections.evicted": 0}


@case("order: RSTs and garbage far outside the window, in both directions, all the time")
def garbage(b):
    rnd = random.Random(2)
    c = b.opened()
    for number in range(6):
        sent = b.ask(c, target=f"/{number}", body=pattern(3000, number), mss=500)
        for s in sent:
            junk = [copy.copy(s) for _ in range(2)]
            for j in junk:
                j.from_client = rnd.random() < 0.5
                at = c.next[j.from_client]
                j.seq = (at + rnd.choice((1, -1)) * rnd.randrange(1_100_000_000, 2_000_000_000)) % WRAP
                j.flags = rnd.choice((RST, RST | ACK, ACK | PSH))
                j.payload = b"" if j.flags & RST else FAKE
            at = b.segments.index(s)
            b.segments[at:at] = junk
        b.answer(c)
    c.close()


@case("order: stamps that run backwards, connection by connection")
def backwards(b):
    b.keep_times = True
    for n in range(4):
        c = b.conversation(start=(1_700_000_000 - 40 * n) * SECOND, step=-MS)
        c.handshake()
        for number in range(4):
            b.ask(c, target=f"/{n}/{number}", body=pattern(1500, number), mss=400)
            b.answer(c)
        c.close()
