"""tunnels.py - the same conversations inside every tunnel, in fragments, and both in each other

A Tunnel is a Link whose frame is the payload of another packet. Fragments are
made from the finished IP packet: each becomes a frame of its own, and the one
that makes the packet whole is the one that captures the segment.
"""
import ipaddress
import random
import struct
from dataclasses import dataclass

from harness import Capture, Failure, case, check, check_books, pattern, refused
from packets import DLT_EN10MB, DLT_RAW, MS, SECOND, T0, Link, Segment, ipv4, ipv6, noise

FAKE = b"POST /fake HTTP/1.1\r\nHost: x\r\n\r\n"
V6 = {"client": "[2001:db8::1]:40000", "server": "[2001:db8:0:1::2]:8000"}
OUTER4 = ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("192.0.2.2")
OUTER6 = ipaddress.ip_address("2001:db8:ff::1"), ipaddress.ip_address("2001:db8:ff::2")
ETHERNET = Link()
RAW = Link(linktype=DLT_RAW)


# -- tunnels --------------------------------------------------------------------

def udp(port, payload):
    return 17, struct.pack(">HHHH", 49152 + len(payload) % 1000, port, 8 + len(payload), 0) + payload


def vxlan(vni, port=4789, flags=0x08000000):
    return lambda frame, version: udp(port, struct.pack(">II", flags, vni << 8) + ETHERNET.wrap(frame, version))


def geneve(vni, options=b"", bridged=True):
    def put(packet, version):
        inner = ETHERNET.wrap(packet, version) if bridged else packet
        kind = 0x6558 if bridged else ethertype(version)
        return udp(6081, struct.pack(">BBHI", len(options) // 4, 0, kind, vni << 8) + options + inner)
    return put


def ethertype(version):
    return 0x0800 if version == 4 else 0x86DD


def gre(flags=0, fields=b"", kind=None, inner=None):
    def put(packet, version):
        body = packet if inner is None else inner(packet, version)
        return 47, struct.pack(">HH", flags, ethertype(version) if kind is None else kind) + fields + body
    return put


def bridged(link=ETHERNET, before=b""):
    return lambda packet, version: before + link.wrap(packet, version)


def in_ip(packet, version):
    return (4 if version == 4 else 41), packet


@dataclass(frozen=True)
class Tunnel(Link):
    put: object = in_ip          # function (inner packet, version) -> (protocol, payload of the outer IP packet)
    outer: object = ETHERNET     # Link of the outer packet
    outer_ends: tuple = OUTER4
    reply_ends: tuple = None     # of the other direction; the same, swapped, if None

    def wrap(self, packet, version):
        protocol, payload = self.put(packet, version)
        ip = ipv4 if self.outer_ends[0].version == 4 else ipv6
        return self.outer.wrap(ip(*self.outer_ends, payload, protocol), self.outer_ends[0].version)


@dataclass(frozen=True)
class Below(Link):
    """something between Ethernet and IP"""
    kind: int = 0x8847
    header: object = b""         # bytes, or a function of (packet, version)

    def wrap(self, packet, version):
        header = self.header if isinstance(self.header, bytes) else self.header(packet, version)
        return ETHERNET.wrap(b"", 4)[:12] + struct.pack(">H", self.kind) + header + packet


def pppoe(session):
    return Below(kind=0x8864, header=lambda packet, version: struct.pack(
        ">BBHHH", 0x11, 0, session, len(packet) + 2, 0x0021 if version == 4 else 0x0057))


def mpls(*labels):
    return b"".join(struct.pack(">I", label << 12 | (n == len(labels) - 1) << 8 | 64) for n, label in enumerate(labels))


def talk(b, size=3000, mss=1448, **ends):
    c = b.opened(**ends)
    b.ask(c, target="/json", body=pattern(size), mss=mss)
    b.answer(c)
    b.ask(c, method="GET", target="/tiny")
    b.answer(c)
    b.ask(c, target="/chunked", chunks=[pattern(1000), b"abc"])
    b.answer(c)
    c.close()
    return c


def over(name, link, *args):
    @case(f"tunnel: {name}")
    def fill(b):
        talk(b)
        talk(b, **V6)
        b.link = link
        b.args = list(args)
        b.counters = {"packets.decoded": len(b.segments)}


ERSPAN2 = struct.pack(">IHHI", 7, 0x1005, 0x0003, 0)
ERSPAN3 = struct.pack(">IHHIHH", 7, 0x2005, 0x0003, 1234, 0, 0)
ERSPAN3_SUB = struct.pack(">IHHIHH8s", 7, 0x2005, 0x0003, 1234, 0, 1, b"platform")

over("VXLAN", Tunnel(put=vxlan(100)))
over("VXLAN over IPv6", Tunnel(put=vxlan(100), outer_ends=OUTER6))
over("VXLAN on Linux's old port", Tunnel(put=vxlan(100, port=8472)))
over("VXLAN on a port of our own", Tunnel(put=vxlan(100, port=20000)), "--vxlan-port", "10000,20000")
over("VXLAN with a group policy", Tunnel(put=vxlan(100, flags=0x8800002A)))
over("VXLAN with reserved bits", Tunnel(put=vxlan(100, flags=0x18FFFF03)))
over("VXLAN-GPE", Tunnel(put=vxlan(100, port=4790, flags=0x0C000003)))
over("VXLAN in a VLAN", Tunnel(put=vxlan(100), outer=Link(vlans=((0x8100, 5),))))
over("VXLAN on a tap without Ethernet", Tunnel(put=vxlan(100), outer=RAW, linktype=DLT_RAW))
over("Geneve", Tunnel(put=geneve(100)))
over("Geneve with options", Tunnel(put=geneve(0, b"\x01\x02\x80\x03" + b"\0" * 12)))
over("Geneve without Ethernet", Tunnel(put=geneve(5, bridged=False), outer_ends=OUTER6))
over("GRE", Tunnel(put=gre()))
over("GRE with checksum, key and sequence", Tunnel(put=gre(0xB000, b"\0\0\0\0" + b"\0\0\0\x2a" + b"\0\0\0\x01")))
over("GRE with a source route", Tunnel(put=gre(0x4000, b"\0\0\0\0" + b"\x08\0\0\x04\x01\x02\x03\x04" + b"\0\0\0\0")))
over("Ethernet over GRE", Tunnel(put=gre(kind=0x6558, inner=bridged())))
over("Ethernet over GRE, tagged", Tunnel(put=gre(kind=0x6558, inner=bridged(Link(vlans=((0x8100, 9),))))))
over("ERSPAN I", Tunnel(put=gre(kind=0x88BE, inner=bridged())))
over("ERSPAN II", Tunnel(put=gre(0x1000, ERSPAN2, 0x88BE, bridged())))
over("ERSPAN III", Tunnel(put=gre(0x1000, ERSPAN3, 0x22EB, bridged())))
over("ERSPAN III with a platform's header", Tunnel(put=gre(0x1000, ERSPAN3_SUB, 0x22EB, bridged())))
over("4in4 and 6in4", Tunnel())
over("4in6 and 6in6", Tunnel(outer_ends=OUTER6))
over("MPLS", Below(header=mpls(16)))
over("MPLS, three labels", Below(header=mpls(16, 17, 1000000)))
over("MPLS pseudowire", Below(header=lambda p, v: mpls(16, 17) + b"\0\0\0\x01" + ETHERNET.wrap(b"", v)))
over("MPLS pseudowire without control word", Below(header=lambda p, v: mpls(16) + ETHERNET.wrap(b"", v)))
over("PPPoE", pppoe(77))
over("VXLAN in GRE in Geneve", Tunnel(put=geneve(1), outer=ETHERNET).but(put=lambda p, v: geneve(1)(
    ipv4(*OUTER4, gre(0x2000, b"\0\0\0\x07", 0x6558, bridged())(
        ipv4(*OUTER4, vxlan(2)(p, v)[1], 17), 4)[1], 47), 4)))


def deep(levels):
    def put(packet, version):
        for _ in range(levels - 1):
            packet, version = ipv4(*OUTER4, packet, 4 if version == 4 else 41), 4
        return in_ip(packet, version)
    return Tunnel(put=put)


over("eight in each other", deep(8))


@case("tunnel: nine in each other are counted, not opened")
def nine(b):
    talk(b)
    b.segments.extend(noise(s.ts, deep(9).frame(s)) for s in list(b.segments))
    b.counters = {"packets.ignored.nested": len(b.segments) // 2}


def two_networks(name, one, other):
    """the same four numbers in two networks are two connections, also with both directions' outer headers different"""
    @case(f"tunnel: same four numbers, {name}")
    def fill(b):
        talks = [b.conversation(client="10.0.0.1:40000", isn=1000 + 500 * n, link=link) for n, link in enumerate((one, other, ETHERNET))]
        for n, c in enumerate(talks):
            c.wait(n * 10_000).handshake()
        for number in range(5):
            b.interleave(*[b.ask(c, target=f"/{n}/{number}", body=pattern(2900, number), mss=1000) for n, c in enumerate(talks)])
            for c in talks:
                b.answer(c)
        b.counters = {"connections.seen": 3}


two_networks("two VNIs", Tunnel(put=vxlan(1)), Tunnel(put=vxlan(2)))
two_networks("VXLAN and Geneve", Tunnel(put=vxlan(1)), Tunnel(put=geneve(1)))
two_networks("two GRE keys", Tunnel(put=gre(0x2000, b"\0\0\0\1")), Tunnel(put=gre(0x2000, b"\0\0\0\2")))
two_networks("one VNI, two VLANs inside", *(
    Tunnel(put=lambda p, v, vid=vid: udp(4789, struct.pack(">II", 0x08000000, 100 << 8) + Link(vlans=((0x8100, vid),)).wrap(p, v)))
    for vid in (1, 2)))
two_networks("two PPPoE sessions", pppoe(1), pppoe(2))


def one_network(name, there, back):
    """what differs by direction is no network: an upgraded connection is only known to who pairs the directions"""
    @case(f"tunnel: one connection, {name}")
    def fill(b):
        c = b.opened()
        b.ask(c, method="GET", target="/ws", headers=[("Connection", "Upgrade"), ("Upgrade", "websocket")])
        b.answer(c, b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        c.send(FAKE)
        c.close()
        for s in b.segments:
            s.link = there if s.from_client else back
        b.counters = {"connections.seen": 1}


one_network("ends of the tunnel swapped", Tunnel(put=vxlan(100)), Tunnel(put=vxlan(100), outer_ends=OUTER4[::-1]))
one_network("MPLS labels of each direction", Below(header=mpls(16, 17)), Below(header=mpls(900)))
one_network("an ERSPAN session for each direction", Tunnel(put=gre(0x1000, ERSPAN2, 0x88BE, bridged())),
            Tunnel(put=gre(0x1000, struct.pack(">IHHI", 9, 0x1005, 0x0009, 5), 0x88BE, bridged())))
one_network("NVGRE flows", Tunnel(put=gre(0x2000, b"\0\x10\x01\x7b", 0x6558, bridged())),
            Tunnel(put=gre(0x2000, b"\0\x10\x01\x8c", 0x6558, bridged())))


@case("tunnel: frames cut to the MTU of the mirror never become a request")
def cut_by_the_mirror(b):
    """the mirror cut the inner frame and sent a smaller outer packet: only the inner length tells"""
    c = b.opened()
    b.ask(c, target="/whole", body=pattern(500))
    b.answer(c)
    cut = b.ask(c, target="/cut", body=pattern(1400), expect=False)
    b.answer(c)
    b.ask(c, target="/next", body=pattern(500))
    b.answer(c)
    short = Tunnel(put=lambda p, v: udp(4789, (struct.pack(">II", 0x08000000, 100 << 8) + ETHERNET.wrap(p, v))[:1000]))
    for s in b.segments:
        s.link = short if s in cut else Tunnel(put=vxlan(100))
    b.lost = {"truncated": 1}


def no_tunnel(name, frame, fate):
    """looks like a tunnel and is none: counted as what it is, and the talk around it is whole"""
    @case(f"tunnel: none, {name}")
    def fill(b):
        c = talk(b)
        whole = list(b.segments)
        for s in whole[3:8]:
            b.segments.insert(b.segments.index(s), noise(s.ts, frame(s)))
        b.counters = {f"packets.{fate}": 5, "packets.decoded": len(whole)}


def wrapped(put):
    return lambda s: Tunnel(put=put).frame(s)


no_tunnel("another port", wrapped(vxlan(100, port=4788)), "ignored.not_tcp")
no_tunnel("VXLAN without its flag", wrapped(vxlan(100, flags=0)), "ignored.not_tcp")
no_tunnel("GRE version 1", wrapped(gre(0x0001)), "ignored.not_tcp")
no_tunnel("ERSPAN II with another version", wrapped(gre(0x1000, struct.pack(">IHHI", 7, 0x5005, 3, 0), 0x88BE, bridged())),
          "ignored.not_tcp")
no_tunnel("ARP in VXLAN", lambda s: ETHERNET.wrap(ipv4(*OUTER4, udp(4789, struct.pack(">II", 0x08000000, 100 << 8) + b"\x02" * 12 +
                                                                   b"\x08\x06" + bytes(28))[1], 17), 4), "ignored.not_ip")
no_tunnel("a GRE keep-alive", lambda s: ETHERNET.wrap(ipv4(*OUTER4, b"\0\0\0\0", 47), 4), "ignored.not_ip")


@check("tunnel: --decap and --vxlan-port refuse what they do not know")
def bad_options(bench):
    refused(bench, ["--dry-run", "-i", "lo", "--decap", "vxlan,vlan"], 2, "--decap", "vlan", "vxlan, geneve, gre, erspan, ipip")
    refused(bench, ["--dry-run", "-i", "lo", "--decap", "vxlan,"], 2, "--decap", "geneve")
    refused(bench, ["--dry-run", "-i", "lo", "--vxlan-port", "0"], 2, "--vxlan-port", "1 to 65535")


# -- fragments --------------------------------------------------------------------

class Piece(Segment):
    """one frame of a segment; the one that makes it whole covers its bytes"""
    completes = False

    def covers(self, from_client, seq):
        return self.completes and self.whole.covers(from_client, seq)


def pieces_of_ipv4(packet, cuts, identification):
    header, payload = packet[:20], packet[20:]
    edges = [0, *cuts, len(payload)]
    for a, b in zip(edges, edges[1:]):
        more = 0x2000 if b < len(payload) else 0
        yield (header[:2] + struct.pack(">HHH", 20 + b - a, identification, more | a // 8) + header[8:] + payload[a:b])


def pieces_of_ipv6(packet, cuts, identification):
    header, payload = packet[:40], packet[40:]
    edges = [0, *cuts, len(payload)]
    for a, b in zip(edges, edges[1:]):
        fragment = struct.pack(">BBHI", header[6], 0, a | (b < len(payload)), identification)
        yield header[:4] + struct.pack(">HB", 8 + b - a, 44) + header[7:40] + fragment + payload[a:b]


def fragments_of(s, identification, size=None, link=RAW, outside=ETHERNET, cuts=None):
    """the packet of segment s in pieces of @size bytes, each in a frame of @outside; the last one completes it"""
    packet = link.frame(s)
    version = packet[0] >> 4
    length = len(packet) - (20 if version == 4 else 40)
    if cuts is None:
        cuts = range(size, length, size)
    make = pieces_of_ipv4 if version == 4 else pieces_of_ipv6
    out = []
    for piece in make(packet, list(cuts), identification):
        p = Piece(s.ts, s.conversation, s.from_client, s.seq, s.ack, s.flags, raw_frame=outside.wrap(piece, version))
        p.whole = s
        out.append(p)
    return out


def complete(pieces):
    pieces[-1].completes = True
    return pieces


def fragmented(b, arrange, size=504, link=RAW, outside=ETHERNET, only=lambda s: True):
    """every segment's packet is cut; arrange(pieces) -> the frames as captured, whose last piece completes it"""
    frames = []
    for number, s in enumerate(b.segments):
        pieces = fragments_of(s, number % 65536, size, link, outside) if only(s) else [s]
        if len(pieces) == 1:
            frames.append(noise_of(s, link, outside))
        else:
            frames += arrange(pieces)
    b.segments[:] = frames


def noise_of(s, link, outside):
    packet = link.frame(s)
    p = Piece(s.ts, s.conversation, s.from_client, s.seq, s.ack, s.flags, raw_frame=outside.wrap(packet, packet[0] >> 4))
    p.whole, p.completes = s, True
    return p


def again(pieces, *places):
    """copies of pieces, as frames that complete nothing"""
    return [noise(pieces[i].ts, pieces[i].raw_frame) for i in places]


def in_order(pieces):
    return complete(pieces)


def reversed_order(pieces):
    return complete(pieces[::-1])


def shuffled(rng):
    def arrange(pieces):
        rng.shuffle(pieces)
        return complete(pieces)
    return arrange


def doubled(pieces):
    return [x for i, p in enumerate(complete(pieces)) for x in (again(pieces, i) if i < len(pieces) - 1 else []) + [p]]


def in_fragments(name, arrange, **how):
    @case(f"fragment: {name}")
    def fill(b):
        talk(b)
        talk(b, **V6)
        whole = len(b.segments)
        fragmented(b, arrange, **how)
        b.counters = {"packets.decoded": whole, "packets.ignored.fragment": len(b.segments) - whole}


in_fragments("in order", in_order)
in_fragments("in reverse order", reversed_order)
in_fragments("shuffled", shuffled(random.Random(1)))
in_fragments("shuffled, of 64 bytes", shuffled(random.Random(2)), size=64)
in_fragments("of 8 bytes, a TCP header in three", in_order, size=8)
in_fragments("each twice but the last", doubled)
in_fragments("tagged frames", reversed_order, outside=Link(vlans=((0x88A8, 2), (0x8100, 5))))
in_fragments("in a VXLAN", shuffled(random.Random(3)), outside=Tunnel(put=vxlan(100)))
in_fragments("a VXLAN in fragments", shuffled(random.Random(4)), link=Tunnel(put=vxlan(100), outer=RAW, linktype=DLT_RAW))
in_fragments("a GRE over IPv6 in fragments", reversed_order, link=Tunnel(put=gre(), outer=RAW, linktype=DLT_RAW, outer_ends=OUTER6))
in_fragments("a VXLAN in fragments in a VXLAN", reversed_order, link=Tunnel(put=vxlan(100), outer=RAW, linktype=DLT_RAW),
             outside=Tunnel(put=vxlan(7)))
in_fragments("super-packets of 60 KB in pieces of 1480 bytes", shuffled(random.Random(5)), size=1480)


@case("fragment: packets of 60 KB")
def large(b):
    talk(b, size=150_000, mss=60_000)
    talk(b, size=150_000, mss=60_000, **V6)
    whole = len(b.segments)
    fragmented(b, shuffled(random.Random(6)), size=1480)
    b.counters = {"packets.decoded": whole}


@case("fragment: what comes first wins where they overlap")
def overlap(b):
    """a second copy of the middle, with other bytes, comes before the end"""
    talk(b)

    def with_a_lie(pieces):
        if len(pieces) < 3:
            return complete(pieces)
        lie = pieces[1].raw_frame[:34] + FAKE.ljust(len(pieces[1].raw_frame) - 34, b"x")
        return [pieces[0], pieces[1], noise(pieces[1].ts, lie)] + complete(pieces[2:])
    fragmented(b, with_a_lie)


@case("fragment: pieces that overlap and bridge")
def bridges(b):
    talk(b)
    frames = []
    for number, s in enumerate(b.segments):
        length = len(RAW.frame(s)) - 20
        if length <= 512:
            frames.append(s)
            continue
        cut_one = fragments_of(s, number, cuts=[128, 256, 384])
        cut_two = fragments_of(s, number, cuts=[64, 384])
        frames += complete([cut_one[1], cut_two[1], cut_two[0], cut_one[3]])
    b.segments[:] = frames


def one_lost(which):
    @case(f"fragment: piece {which} of a body is lost, the request is too")
    def fill(b):
        c = b.opened()
        b.ask(c, target="/whole", body=pattern(500))
        b.answer(c)
        cut = b.ask(c, target="/cut", body=pattern(4000), expect=False)
        b.answer(c)
        b.ask(c, target="/next", body=pattern(500))
        b.answer(c)
        at = b.segments.index(cut[1])
        pieces = fragments_of(cut[1], 1, 504)
        del pieces[which]
        b.segments[at:at + 1] = pieces
        b.lost = {"gap": 1}
        b.counters = {"packets.ignored.fragment": len(pieces)}


for which in range(3):
    one_lost(which)


@case("fragment: one cut by the snaplen is truncated, the request is lost")
def cut_piece(b):
    c = b.opened()
    b.ask(c, target="/whole", body=pattern(500))
    b.answer(c)
    cut = b.ask(c, target="/cut", body=pattern(4000), expect=False)
    b.answer(c)
    b.ask(c, target="/next", body=pattern(500))
    b.answer(c)
    at = b.segments.index(cut[1])
    pieces = fragments_of(cut[1], 1, 504)
    pieces[1].snaplen = 300
    b.segments[at:at + 1] = pieces
    b.lost = [{"gap": 1}, {"truncated": 1}]
    b.counters = {"packets.malformed.truncated": 1, "packets.ignored.fragment": len(pieces) - 1}


def waited(seconds, found):
    @case(f"fragment: the rest comes after {seconds} s")
    def fill(b):
        b.keep_times = True
        c = b.opened()
        sent = b.ask(c, target="/late", body=pattern(1000), expect=found)
        pieces = fragments_of(sent[0], 1, 504)
        for p in pieces[1:]:
            p.ts += seconds * SECOND
        b.segments[-1:] = complete(pieces)
        b.lost = None
        b.counters = {"packets.decoded": 4 if found else 3}


waited(30, True)
waited(31, False)


@case("fragment: the same identification between others, and again later")
def reused(b):
    talks = [b.opened(client=f"10.0.{n}.1:40000") for n in range(4)]
    for number in range(3):
        for c in talks:
            b.ask(c, target=f"/{number}", body=pattern(2000, number), mss=2400)
            b.answer(c)
    frames, waiting = [], []
    for s in b.segments:
        if len(s.payload) < 1000:
            frames.append(s)
            continue
        waiting.append(complete(fragments_of(s, 4711, 504)))
        if len(waiting) == 4:
            frames += [p for turn in zip(*waiting) for p in turn]
            waiting = []
    b.segments[:] = frames


@check("fragment: a flood of pieces that never become whole")
def flood(bench):
    """the talk in the middle of it, in fragments itself, is found; the books balance"""
    b = Capture()
    talk(b)
    fragmented(b, reversed_order)
    frames, rng = [], random.Random(7)
    for s in b.segments:
        frames.append(s)
        for _ in range(400):
            src = ipaddress.ip_address(rng.getrandbits(32))
            piece = ipv4(src, OUTER4[1], bytes(8 * rng.randint(1, 180)), rng.choice((6, 17, 47)),
                         fragment=rng.choice((0x2000, 0x2000 | rng.randrange(1, 8000))))
            frames.append(noise(s.ts, ETHERNET.wrap(piece, 4)))
    b.segments[:] = frames
    b.settle()
    result = bench.read("-r", bench.path("flood.pcap", b.file()), "-p", "8000")
    problems = check_books(result)
    if [e["target"] for e in result.requests] != ["/json", "/tiny", "/chunked"]:
        problems.append(f"found {[e['target'] for e in result.requests]}")
    if problems:
        raise Failure("; ".join(problems))


@check("tunnel: random damage, books balance")
def random_frames(bench):
    rng = random.Random(20261122)
    b = Capture()
    s = b.conversation().segment(True, FAKE * 3)
    links = [Tunnel(put=vxlan(1)), Tunnel(put=geneve(1, bytes(8)), outer_ends=OUTER6), Tunnel(put=gre(0x1000, ERSPAN3_SUB, 0x22EB, bridged())),
             Tunnel(put=gre(0xF000, bytes(16))), pppoe(3), Below(header=mpls(16, 17)), deep(5)]
    frames = [link.frame(s) for link in links] + [p.raw_frame for p in fragments_of(s, 1, 40, outside=Tunnel(put=vxlan(1)))]
    b.segments.clear()
    for number in range(6000):
        frame = bytearray(rng.choice(frames))
        for _ in range(rng.randint(1, 4)):
            frame[rng.randrange(12, len(frame))] = rng.randrange(256)
        b.segments.append(noise(T0 + number * MS, bytes(frame[:rng.randint(1, len(frame))] if rng.random() < 0.5 else frame)))
    path = bench.path("random.pcap", b.file())
    for arguments in ([], ["-p", "8000"]):
        result = bench.read("-r", path, *arguments)
        problems = check_books(result)
        if result.report["packets"]["received"] != len(b.segments):
            problems.append("packets.received is not the number of packets")
        if problems:
            raise Failure("; ".join(problems))
