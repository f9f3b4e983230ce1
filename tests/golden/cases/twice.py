"""twice.py - the same segments seen with other tags, and strangers that only look the same

A tap on a trunk and on one of its VLANs, on both sides of a router, before and
inside a tunnel: each segment is there twice, with other tags. One request must
come of it, whole if either copy of each segment was captured. Two connections
that share a 4-tuple in two networks must stay two.
"""
import copy
import ipaddress
import random
import struct
from dataclasses import dataclass

from harness import case, pattern
from packets import SECOND, SYN, Link, ipv4

PLAIN = Link()
OUTER = ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("192.0.2.2")


@dataclass(frozen=True)
class Vxlan(Link):
    vni: int = 0

    def wrap(self, packet, version):
        inner = struct.pack(">II", 0x08000000, self.vni << 8) + PLAIN.wrap(packet, version)
        return PLAIN.wrap(ipv4(*OUTER, struct.pack(">HHHH", 50000, 4789, 8 + len(inner), 0) + inner, 17), 4)


@dataclass(frozen=True)
class Erspan(Link):
    def wrap(self, packet, version):
        header = struct.pack(">HHIII", 0x1000, 0x88BE, 1, 0x10050003, 0)
        return PLAIN.wrap(ipv4(*OUTER, header + PLAIN.wrap(packet, version), 47), 4)


TAG5, TAG6 = Link(vlans=((0x8100, 5),)), Link(vlans=((0x8100, 6),))
TRUNK = Link(vlans=((0x88A8, 100), (0x8100, 5)))


def talk(b, c, rounds=4, size=3000, mss=1000):
    c.handshake()
    for n in range(rounds):
        b.ask(c, target=f"/{n}", body=pattern(size, n), mss=mss)
        b.answer(c)
    b.ask(c, target="/chunked", chunks=[pattern(1500), b"abc"], mss=mss)
    b.answer(c)
    c.close()


def tagged(s, tag):
    twin = copy.copy(s)
    twin.link = Link(vlans=((0x8100, tag),))
    return twin


def doubled(segments, link, behind=1):
    """each segment again in another network, @behind places later; the times say the same"""
    out = []
    for i, s in enumerate(segments):
        out.append((i, 0, s))
        twin = copy.copy(s)
        twin.link = link
        out.append((i + behind - 0.5, 1, twin))
    return [s for _, _, s in sorted(out, key=lambda row: row[:2])]


def twice(name, link, behind=1, first=PLAIN):
    @case(f"twice: {name}")
    def fill(b):
        b.link = first
        for n in range(3):
            talk(b, b.conversation(isn=1_000_000 * n + 77, server_isn=2_000_000_000 + n * 500_000))
        b.segments[:] = doubled(b.segments, link, behind)
        b.counters = {"connections.seen": 3, "connections.copies": 3, "connections.gaps": 0}


twice("a trunk and its VLAN's own interface", TAG5)
twice("two VLANs of a trunk", TAG6, first=TAG5)
twice("QinQ and its inner tag", TAG5, first=TRUNK)
twice("plain and in VXLAN", Vxlan(vni=100))
twice("in VXLAN and plain", PLAIN, first=Vxlan(vni=100))
twice("two VNIs", Vxlan(vni=7), first=Vxlan(vni=9))
twice("tagged and in ERSPAN, the copies a few packets later", Erspan(), behind=5, first=TAG5)
twice("the copies twenty packets later", TAG5, behind=20)


@case("twice: the copies when all is over")
def much_later(b):
    talk(b, b.conversation())
    for s in list(b.segments):
        twin = copy.copy(s)
        twin.link, twin.ts = TAG5, s.ts + 3 * SECOND
        b.segments.append(twin)
    b.counters = {"connections.seen": 1, "connections.copies": 1}


@case("twice: in nine networks")
def nine(b):
    """more than are remembered: each network is recognised again by the numbers"""
    talk(b, b.conversation(isn=123456789, server_isn=987654321), rounds=3, size=500)
    b.segments[:] = [x for s in b.segments for x in (s, *(tagged(s, 10 + n) for n in range(8)))]
    b.counters = {"connections.seen": 1}


def with_losses(seed):
    @case(f"twice: each segment lost in one of two networks, {seed}")
    def fill(b):
        rnd = random.Random(seed)
        talk(b, b.conversation(isn=rnd.getrandbits(32), server_isn=rnd.getrandbits(32)), rounds=8)
        kept = []
        for s in b.segments:
            twin = copy.copy(s)
            twin.link = TAG5
            both = bool(s.flags & SYN) or rnd.random() < 0.3
            kept += [s, twin] if both else [rnd.choice((s, twin))]
        b.segments[:] = kept
        b.counters = {"connections.seen": 1, "connections.gaps": 0}


for seed in range(4):
    with_losses(seed)


@case("twice: the handshake in one network only")
def handshake_once(b):
    talk(b, b.conversation())
    once = b.segments[:3]
    b.segments[:] = once + doubled(b.segments[3:], TAG5)
    b.counters = {"connections.seen": 1, "connections.copies": 1}


@case("twice: capture begins inside the connection")
def midstream(b):
    c = b.conversation(isn=5, server_isn=6)
    c.handshake()
    c.send(pattern(2000), mss=700)
    b.answer(c)
    del b.segments[:]
    for n in range(4):
        b.ask(c, target=f"/{n}", body=pattern(2500, n), mss=900)
        b.answer(c)
    b.segments[:] = doubled(b.segments, TAG5, behind=2)
    b.counters = {"connections.seen": 1, "connections.copies": 1}


def ways(name, there, back, begin=0):
    @case(f"twice: each direction with its own tags, {name}")
    def fill(b):
        c = b.conversation(isn=4_000_000_000, server_isn=17)
        c.handshake()
        b.ask(c, target="/expect", headers=[("Expect", "100-continue")], body=pattern(3000), mss=1000)
        b.answer(c)
        b.ask(c, method="GET", target="/ws", headers=[("Connection", "Upgrade"), ("Upgrade", "websocket")])
        b.answer(c, b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        c.send(b"POST /fake HTTP/1.1\r\nHost: x\r\n\r\n")  # only who pairs the directions knows what this is
        c.close()
        for s in b.segments:
            s.link = there if s.from_client else back
        del b.segments[:begin]
        b.counters = {"connections.seen": 1, "connections.upgraded": 1}


ways("VLANs of a router", TAG5, TAG6)
ways("one of them tagged", PLAIN, TAG5)
ways("two VNIs", Vxlan(vni=5), Vxlan(vni=6))
ways("without the handshake", TAG5, TAG6, begin=3)
ways("the answer to the SYN comes first", TAG5, TAG6, begin=1)


@case("twice: both directions, each with two tags")
def ways_doubled(b):
    talk(b, b.conversation(isn=99, server_isn=3_000_000_000))
    for s in b.segments:
        s.link = TAG5 if s.from_client else TAG6
    b.segments[:] = [x for s in b.segments for x in (s, tagged(s, 7 if s.from_client else 8))]
    b.counters = {"connections.seen": 1, "connections.copies": 3}


# -- strangers ------------------------------------------------------------------

def strangers(name, links, isns, begin=0):
    @case(f"twice: strangers, {name}")
    def fill(b):
        sides = [b.conversation(client="10.0.0.1:40000", link=link, isn=isn, server_isn=server_isn)
                 for link, (isn, server_isn) in zip(links, isns)]
        for n, c in enumerate(sides):
            c.wait(n * 10_000).handshake()
        del b.segments[:begin]
        for number in range(5):
            b.interleave(*[b.ask(c, target=f"/{n}/{number}", body=pattern(2900, 10 * n + number), mss=1000)
                           for n, c in enumerate(sides)])
            for c in sides:
                b.answer(c)
        for c in sides:
            c.close()
        b.counters = {"connections.seen": len(sides), "connections.copies": 0}


FAR = (1_000_000, 7_000_000), (2_900_000_000, 123), (77, 4_000_000_000)
strangers("in two VLANs and none", (TAG5, TAG6, PLAIN), FAR)
strangers("in two VNIs", (Vxlan(vni=1), Vxlan(vni=2)), FAR)
strangers("the capture begins after the handshakes", (TAG5, TAG6, PLAIN), FAR, begin=9)
strangers("that chose the same numbers", (TAG5, TAG6), (FAR[0], FAR[0]))
strangers("that chose the same numbers, without handshakes", (TAG5, TAG6, PLAIN), (FAR[1],) * 3, begin=9)


@case("twice: strangers, each seen twice")
def strangers_twice(b):
    sides = [b.conversation(client="10.0.0.1:40000", link=link, isn=isn, server_isn=isn // 2)
             for link, isn in ((TAG5, 1_000_000_000), (TAG6, 3_000_000_000))]
    for n, c in enumerate(sides):
        c.handshake()
        b.ask(c, target=f"/{n}", body=pattern(2000, n))
        b.answer(c)
    b.segments[:] = [x for s in b.segments for x in (s, tagged(s, 50 + s.link.vlans[0][1]))]
    b.counters = {"connections.seen": 2, "connections.copies": 2}


@case("twice: the same four numbers again, in both networks")
def again(b):
    for n in range(3):
        talk(b, b.conversation(client="10.0.0.1:40000", isn=5_000_000 * (n + 1), server_isn=9_000_000 * (n + 1)), rounds=1)
    b.segments[:] = doubled(b.segments, TAG5, behind=2)
    b.counters = {"connections.seen": 3, "connections.copies": 1}


@case("twice: a body that is lost in both networks")
def lost_in_both(b):
    c = b.conversation()
    c.handshake()
    sent = b.ask(c, target="/hole", body=pattern(4000), mss=1000, expect=False)
    gone = sent[2]
    b.answer(c)
    b.ask(c, target="/after", body=pattern(2000, 1), mss=1000)
    b.answer(c)
    b.drop(gone)
    b.segments[:] = doubled(b.segments, TAG5)
    b.lost = {"gap": 1}
    b.counters = {"connections.seen": 1, "connections.gaps": 1}
