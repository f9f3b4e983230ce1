"""links.py - every link layer, tag, IP header and damage around the same conversation"""
import ipaddress
import random

from harness import Capture, Failure, case, check, check_books, pattern
from packets import (ACK, DLT_LOOP, DLT_NULL, DLT_RAW, DLT_SLL, DLT_SLL2, MS, PSH, T0, Link, ipv4, ipv6, noise, tcp_header)

FAKE = b"POST /fake HTTP/1.1\r\nHost: x\r\n\r\n"
V6_ENDS = ipaddress.ip_address("2001:db8::1"), ipaddress.ip_address("2001:db8::2")
V6 = {"client": "[2001:db8::1]:40000", "server": "[2001:db8:0:1::2]:8000"}


def talk(b, size=3000, mss=1448, **ends):
    c = b.opened(**ends)
    b.ask(c, target="/json", body=pattern(size), mss=mss)
    b.answer(c)
    b.ask(c, method="GET", target="/tiny")
    b.answer(c)
    b.ask(c, target="/chunked", chunks=[pattern(1000), b"abc"])
    b.answer(c)
    c.close()


def over(name, link, v4=True, v6=True, **how):
    @case(f"link: {name}")
    def fill(b):
        if v4:
            talk(b, **how)
        if v6:
            talk(b, **V6, **how)
        b.link = link
        b.counters = {"packets.decoded": len(b.segments)}


ETHERNET = Link()
over("ethernet", ETHERNET)
over("802.1Q", Link(vlans=((0x8100, 5),)))
over("802.1Q, priority tag with VLAN 0", Link(vlans=((0x8100, 0xE000),)))
over("QinQ, 0x88a8", Link(vlans=((0x88A8, 100), (0x8100, 5))))
over("QinQ, 0x8100 twice", Link(vlans=((0x8100, 100), (0x8100, 5))))
over("QinQ, 0x9100", Link(vlans=((0x9100, 100), (0x8100, 5))))
over("three tags", Link(vlans=((0x88A8, 7), (0x8100, 100), (0x8100, 5))))
over("LINUX_SLL", Link(linktype=DLT_SLL))
over("LINUX_SLL with a tag", Link(linktype=DLT_SLL, vlans=((0x8100, 5),)))
over("LINUX_SLL2", Link(linktype=DLT_SLL2))
over("NULL, little endian", Link(linktype=DLT_NULL))
over("NULL, big endian", Link(linktype=DLT_NULL, big_endian=True))
over("LOOP", Link(linktype=DLT_LOOP))
over("RAW", Link(linktype=DLT_RAW))
over("IPv4 options", Link(ip_options=b"\x94\x04\0\0" + b"\x07\x07\x04\0\0\0\0"), v6=False)
over("IPv4 options, as many as fit", Link(ip_options=b"\x01" * 40), v6=False)
over("IPv4 total length 0", Link(total_length_zero=True), v6=False)
over("IPv4 total length 0, SLL2", Link(total_length_zero=True, linktype=DLT_SLL2), v6=False)
over("IPv4 total length 0, super-packets of 100 KB", Link(total_length_zero=True), v6=False, size=150_000, mss=100_000)
over("IPv6 payload length 0, super-packets of 100 KB", Link(total_length_zero=True), v4=False, size=150_000, mss=100_000)
over("padding that looks like a request", Link(pad_to=200, padding=FAKE))
over("padding in a tagged frame", Link(pad_to=64, padding=b"\xff", vlans=((0x8100, 5),)))
over("padding on SLL", Link(pad_to=200, padding=FAKE, linktype=DLT_SLL))

HOP, ROUTING, DESTINATION, FRAGMENT, AUTHENTICATION = 0, 43, 60, 44, 51
over("IPv6 hop-by-hop options", Link(extensions=((HOP, b"\x05\x02\0\0\x01\0"),)), v4=False)
over("IPv6 destination options of 24 bytes", Link(extensions=((DESTINATION, b"\x01\x14" + b"\0" * 20),)), v4=False)
over("IPv6 hop-by-hop, routing, destination", Link(extensions=(
    (HOP, b"\x01\x04" + b"\0" * 4), (ROUTING, b"\x04\0" + b"\0" * 4), (DESTINATION, b"\x01\x04" + b"\0" * 4))), v4=False)
over("IPv6 atomic fragment", Link(extensions=((FRAGMENT, b"\0\0" + b"\0\0\0\x01"),)), v4=False)
over("IPv6 authentication header", Link(extensions=((AUTHENTICATION, b"\0\0" + b"\0" * 20),)), v4=False)


@case("link: same four numbers in two VLANs are two connections")
def two_vlans(b):
    here = b.conversation(client="10.0.0.1:40000", link=ETHERNET.but(vlans=((0x8100, 5),)))
    there = b.conversation(client="10.0.0.1:40000", link=ETHERNET.but(vlans=((0x8100, 6),)), isn=1500)
    nowhere = b.conversation(client="10.0.0.1:40000", isn=2500)
    for n, c in enumerate((here, there, nowhere)):
        c.wait(n * 10_000).handshake()
    for number in range(5):
        sent = [b.ask(c, target=f"/{name}/{number}", body=pattern(2900, number), mss=1000)
                for name, c in (("here", here), ("there", there), ("nowhere", nowhere))]
        b.interleave(*sent)
        for c in (here, there, nowhere):
            b.answer(c)
    b.counters = {"connections.seen": 3}


@case("link: outer VLAN differs, inner is the same")
def outer_vlans(b):
    one = b.conversation(client="10.0.0.1:40000", link=ETHERNET.but(vlans=((0x88A8, 1), (0x8100, 6))))
    two = b.conversation(client="10.0.0.1:40000", link=ETHERNET.but(vlans=((0x88A8, 2), (0x8100, 6))))
    for n, c in enumerate((one, two)):
        c.wait(n * 10_000).handshake()
    first, second = (b.ask(c, target=f"/{n}", body=pattern(2000, n), mss=500) for n, c in enumerate((one, two)))
    b.interleave(first, second)
    b.answer(one)
    b.answer(two)


@case("link: priority bits of the two directions differ, one connection")
def priorities(b):
    c = b.opened()
    b.ask(c, method="GET", target="/ws", headers=[("Connection", "Upgrade"), ("Upgrade", "websocket")])
    b.answer(c, b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    c.send(FAKE)  # only who pairs the directions knows that this is no request
    c.close()
    for s in b.segments:
        s.link = ETHERNET.but(vlans=((0x8100, 5 if s.from_client else 0xE005),))


@case("link: TCP options, as many as fit")
def tcp_options(b):
    talk(b)
    for s in b.segments:
        s.tcp_options = b"\x08\x0a" + b"\0" * 8 + b"\x01" * 30


@case("link: IPv4 addresses that look alike to a lossy key")
def alike(b):
    for client in ("10.0.0.1:40000", "10.0.1.0:40000", "10.1.0.0:40000", "[::10.0.0.1]:40000", "[::ffff:10.0.0.1]:40000"):
        talk(b, client=client, server="10.0.0.2:8000" if client[0] != "[" else "[::ffff:10.0.0.2]:8000")


def damaged(name, frame_of, fate):
    """frames that are wrong in one way: counted as such, and the conversation around them is whole"""
    @case(f"link: damaged, {name}")
    def fill(b):
        talk(b)
        whole = list(b.segments)
        for s in whole[3:8]:
            b.segments.insert(b.segments.index(s), noise(s.ts, frame_of(s)))
        b.counters = {f"packets.{fate}": 5, "packets.decoded": len(whole)}


def spoil(offset, value):
    return lambda s: (lambda f: f[:offset] + value + f[offset + len(value):])(ETHERNET.frame(s))


damaged("IPv4 header length of 16", spoil(14, b"\x44"), "malformed.ip")
damaged("IP version 9", spoil(14, b"\x95"), "malformed.ip")
damaged("IPv4 total length shorter than its header", spoil(16, b"\0\x10"), "malformed.ip")
damaged("TCP header length of 4", spoil(14 + 20 + 12, b"\x10"), "malformed.tcp")
damaged("TCP header longer than the packet", lambda s: ETHERNET.wrap(
    ipv4(*_ends(s), tcp_header(s, 40000, 8000)[:12] + b"\xf0" + tcp_header(s, 40000, 8000)[13:]), 4), "malformed.tcp")
damaged("a first fragment", lambda s: ETHERNET.wrap(ipv4(*_ends(s), tcp_header(s, 40000, 8000) + FAKE[:28], fragment=0x2000), 4),
        "ignored.fragment")
damaged("a later fragment", lambda s: ETHERNET.wrap(ipv4(*_ends(s), FAKE, fragment=185), 4), "ignored.fragment")
damaged("a fragment whose length is no multiple of eight", lambda s: ETHERNET.wrap(
    ipv4(*_ends(s), tcp_header(s, 40000, 8000) + FAKE[:27], fragment=0x2000), 4), "malformed.ip")
damaged("an IPv6 fragment", lambda s: ETHERNET.wrap(_v6_fragment(s), 6), "ignored.fragment")
damaged("an IPv6 extension chain that never ends", lambda s: ETHERNET.wrap(_v6_chain(), 6), "malformed.ip")
damaged("a frame of 9 bytes", lambda s: b"\x02" * 9, "malformed.link")
damaged("MPLS", lambda s: b"\x02" * 12 + b"\x88\x47" + b"\0\0\x11\x40" + FAKE, "ignored.not_ip")


def _ends(s):
    return s.conversation.client[0], s.conversation.server[0]


def _v6_fragment(s):
    return ipv6(*V6_ENDS, tcp_header(s, 40000, 8000) + FAKE[:28], extensions=((FRAGMENT, b"\0\x01" + b"\0\0\0\x01"),))


def _v6_chain():
    return ipv6(*V6_ENDS, b"", protocol=HOP, extensions=((DESTINATION, b"\0" * 6),) * 20)


@case("link: every frame cut at every length")
def every_length(b):
    """what is cut away entirely or inside a header is counted, nothing is invented, nothing crashes"""
    c = b.opened()
    whole = ETHERNET.but(vlans=((0x8100, 5),)).frame(c.segment(True, FAKE, ACK | PSH))
    b.segments.clear()
    b.segments.extend(noise(c.now, whole[:n]) for n in range(1, len(whole)))
    b.lost = [{}, {"cut_at_end": 1}, {"gap": 1}, {"truncated": 1}]


@check("link: random damage, books balance")
def random_frames(bench):
    """any packet may become anything: only the books are compared"""
    rng = random.Random(20240229)
    b = Capture()
    frames = [ETHERNET.frame(b.conversation().segment(True, FAKE * 3, ACK | PSH)),
              ETHERNET.but(extensions=((HOP, b"\x01\x04\0\0\0\0"),)).frame(
                  b.conversation(**V6).segment(True, FAKE * 3, ACK | PSH))]
    b.segments.clear()
    for number in range(3000):
        frame = bytearray(rng.choice(frames))
        for _ in range(rng.randint(1, 4)):
            frame[rng.randrange(12, 80)] = rng.randrange(256)
        b.segments.append(noise(T0 + number * MS, bytes(frame[:rng.randint(1, len(frame))])))
    path = bench.path("random.pcap", b.file())
    for arguments in ([], ["-p", "8000"]):
        result = bench.read("-r", path, *arguments)
        problems = check_books(result)
        if result.report["packets"]["received"] != len(b.segments):
            problems.append("packets.received is not the number of packets")
        if problems:
            raise Failure("; ".join(problems))
