"""transport.py - what TCP does to a request on its way, none of which may lose or change it"""
import ipaddress

from harness import OK, case, http_head, http_request, pattern
from packets import ACK, FIN, PSH, SECOND, SYN, WRAP, Link, ipv4, ipv6, noise

BODY = pattern(5000)
REQUEST = http_request("POST", "/v1/x", BODY)
HEAD = len(REQUEST) - len(BODY)
FAKE = b"POST /fake HTTP/1.1\r\nHost: x\r\n\r\n"
ETHERNET = Link()


def answered(b, c, target, body=BODY, **how):
    b.ask(c, target=target, body=body, **how)
    b.answer(c)


# -- sequence numbers ---------------------------------------------------------------

for isn in (0, 1, WRAP - 1, WRAP - 2, WRAP - 11, WRAP - HEAD - 1, WRAP - HEAD - 2000, 2**31 - 1000, 2**31):
    @case(f"tcp: isn {isn}")
    def at_isn(b, isn=isn):
        c = b.opened(isn=isn, server_isn=(isn + 77) % WRAP)
        for number in range(3):
            answered(b, c, f"/{number}", pattern(5000, number))
        c.close()


@case("tcp: wrap inside a body that arrives backwards")
def wrap_backwards(b):
    c = b.opened(isn=WRAP - HEAD - 2500)
    sent = b.ask(c, target="/v1/x", body=BODY, mss=500)
    for s in sent[:-1]:
        b.move(s, sent[-1])
    b.answer(c)
    answered(b, c, "/after")
    c.close()


@case("tcp: more than 4 GiB of sequence space apart is another connection's packet")
def far_away(b):
    c = b.opened()
    answered(b, c, "/a")
    c.segment(True, FAKE, ACK | PSH, seq=c.next[True] + 2**30)  # far outside any window
    answered(b, c, "/b")
    c.close()
    b.lost = [{}, {"gap": 1}]


# -- order, repetition, overlap ---------------------------------------------------------

def disturbed(name, disturb, mss=700, body=BODY):
    """two requests in segments; the first one's are disturbed, both must come out as sent"""
    @case(f"tcp: {name}")
    def fill(b):
        c = b.opened()
        sent = b.ask(c, target="/first", body=body, mss=mss)
        disturb(b, c, sent)
        b.answer(c)
        answered(b, c, "/second")
        c.close()


def again(b, c, s, payload=None, seq_offset=0, after=None, flags=ACK | PSH):
    copy = c.segment(True, s.payload if payload is None else payload, flags, seq=s.seq + seq_offset, ack=s.ack)
    if after is not None:
        b.move(copy, after)
    return copy


def backwards(b, c, sent):
    for s in sent[:-1]:
        b.move(s, sent[-1])
    last = b.segments.index(sent[-1])
    b.segments[last:] = list(reversed(b.segments[last:]))


disturbed("two neighbours swapped", lambda b, c, sent: b.move(sent[2], sent[3]))
disturbed("first segment last", lambda b, c, sent: b.move(sent[0], sent[-1]))
disturbed("all segments backwards", backwards)
disturbed("one segment late by all others", lambda b, c, sent: b.move(sent[1], sent[-1]))
disturbed("each segment sent again at the end", lambda b, c, sent: [again(b, c, s) for s in sent])
disturbed("last segment again after the answer", lambda b, c, sent: (b.answer(c), again(b, c, sent[-1])))
disturbed("retransmission of two segments as one", lambda b, c, sent: again(
    b, c, sent[1], sent[1].payload + sent[2].payload))
disturbed("retransmission cut differently", lambda b, c, sent: again(
    b, c, sent[1], sent[1].payload[300:] + sent[2].payload[:300], seq_offset=300))
disturbed("retransmission with other bytes, the first seen win", lambda b, c, sent: again(
    b, c, sent[1], b"#" * len(sent[1].payload)))
disturbed("retransmission with other bytes, right behind", lambda b, c, sent: again(
    b, c, sent[1], b"#" * len(sent[1].payload), after=sent[1]))
disturbed("retransmission with other bytes of held data", lambda b, c, sent: (
    b.move(sent[1], sent[-1]), again(b, c, sent[3], b"#" * len(sent[3].payload), after=sent[3])))


def overlap_with_new(b, c, sent):
    """a retransmission that is longer than the original: its new bytes count, its old ones do not"""
    b.drop(sent[2])
    again(b, c, sent[1], b"#" * len(sent[1].payload) + sent[2].payload, after=sent[1])


def held_overlaps(b, c, sent):
    """behind a hole: pieces that overlap each other; the first seen wins byte by byte, then the hole closes"""
    whole = b"".join(s.payload for s in sent)
    base = sent[0].seq
    b.drop(*sent)
    spans = [(700, 1400, False), (1000, 2000, True), (2500, 3000, False), (1900, 2600, True), (600, len(whole), True),
             (0, 700, False)]
    seen = set()
    for first, last, wrong in spans:
        piece = bytearray(whole[first:last])
        if wrong:  # bytes that were seen before are spoilt in this copy
            for i in range(first, last):
                if i in seen:
                    piece[i - first] ^= 0xFF
        seen.update(range(first, last))
        c.segment(True, bytes(piece), ACK | PSH, seq=base + first)


disturbed("overlap that also brings new bytes", overlap_with_new)
disturbed("overlaps among held segments", held_overlaps)


@case("tcp: every packet twice")
def everything_twice(b):
    for n in range(3):
        c = b.opened()
        for number in range(5):
            answered(b, c, f"/{n}/{number}", pattern(3000, number))
        c.close()
    b.double_everything()


@case("tcp: every packet twice, the copies much later")
def everything_twice_late(b):
    c = b.opened()
    for number in range(5):
        answered(b, c, f"/{number}", pattern(3000, number))
    b.segments.extend(list(b.segments))


@case("tcp: keep-alive probes, empty and with one old byte")
def keep_alive(b):
    c = b.opened()
    for number in range(3):
        answered(b, c, f"/{number}")
        c.wait(30 * SECOND)
        c.segment(True, b"", ACK, seq=c.next[True] - 1)
        c.server_ack()
        c.segment(True, b"\0", ACK, seq=c.next[True] - 1)
        c.server_ack()
        c.segment(False, b"", ACK, seq=c.next[False] - 1)
        c.client_ack()
    c.close()


@case("tcp: zero-window probes")
def zero_window(b):
    c = b.opened()
    with b.expecting(c, "POST", "/v1/x", BODY):
        c.send(REQUEST[:2000])
        c.segment(False, window=0)
        probe = c.segment(True, REQUEST[2000:2001], ACK, seq=c.next[True])  # refused: not acknowledged
        c.segment(False, window=0, ack=probe.seq)
        c.wait(SECOND)
        c.segment(True, REQUEST[2000:2001], ACK, seq=c.next[True])
        c.segment(False, window=65535, ack=probe.seq)
        c.send(REQUEST[2000:])
    b.answer(c)
    answered(b, c, "/after")
    c.close()


@case("tcp: tens of connections interleaved", sink=True)
def interleaved(b):
    connections = [b.opened(isn=i * 99_999_999) for i in range(40)]
    waiting = []
    for i, c in enumerate(connections):
        body = pattern(2000 + 31 * i, i)
        data = http_request("POST", f"/{i}", body)
        waiting.append((c, data, body, i))
    pieces = {}
    for c, data, body, i in waiting:
        first = c.next[True]
        pieces[c] = [data[at:at + 300] for at in range(0, len(data), 300)]
        b.expect(c, "POST", f"/{i}", body, first, first + len(data) - 1)
    for turn in range(max(map(len, pieces.values()))):
        for c in connections:
            if turn < len(pieces[c]):
                c.now = connections[0].now
                c.send(pieces[c][turn])
    for c in connections:
        b.answer(c)
        c.close()


# -- beginnings and ends ------------------------------------------------------------------

@case("tcp: fast open, data in the SYN")
def fast_open(b):
    for cut in (len(REQUEST), HEAD + 100, 2):
        c = b.conversation()
        first = c.isn + 1
        c.handshake(REQUEST[:cut])
        if cut < len(REQUEST):
            c.send(REQUEST[cut:])
        b.expect(c, "POST", "/v1/x", BODY, first, first + len(REQUEST) - 1)
        b.answer(c)
        answered(b, c, "/after")
        c.close()


@case("tcp: fast open refused, the data is sent again")
def fast_open_refused(b):
    c = b.conversation()
    first = c.isn + 1
    c.segment(True, REQUEST[:1000], SYN, seq=c.isn, ack=0)
    c.segment(False, b"", SYN | ACK, seq=c.server_isn, ack=c.isn + 1)
    c.segment(True)
    c.send(REQUEST)
    b.expect(c, "POST", "/v1/x", BODY, first, first + len(REQUEST) - 1)
    b.answer(c)
    c.close()


@case("tcp: SYN seen after the data")
def late_syn(b):
    c = b.conversation()
    syn = c.handshake()
    sent = b.ask(c, target="/v1/x", body=BODY)
    b.move(syn, sent[0])
    b.answer(c)
    answered(b, c, "/after")
    c.close()


@case("tcp: whole handshake seen after the request")
def late_handshake(b):
    c = b.opened()
    handshake = list(b.segments)
    sent = b.ask(c, target="/v1/x", body=b"short")
    for s in reversed(handshake):
        b.move(s, sent[-1])
    b.answer(c)
    answered(b, c, "/after")
    c.close()


@case("tcp: SYN twice")
def syn_twice(b):
    c = b.conversation()
    c.segment(True, b"", SYN, seq=c.isn, ack=0)
    c.wait(SECOND)
    c.handshake()
    answered(b, c, "/a")
    c.close()


@case("tcp: midstream, between requests")
def midstream_between(b):
    for number in range(3):
        c = b.opened()
        c.send(http_request("POST", "/before", b"before"))
        b.answer(c)
        b.segments[:] = [s for s in b.segments if s.conversation is not c]
        answered(b, c, f"/{number}/first")
        answered(b, c, f"/{number}/second")
        c.close()
    b.counters = {"connections.midstream": 3}


@case("tcp: midstream, the first packet is the server's")
def midstream_server_first(b):
    c = b.opened()
    c.send(http_request("POST", "/before", b"before"))
    b.segments.clear()
    b.answer(c)
    answered(b, c, "/first")
    c.close()


def midstream_inside(name, before, rest, cuts=()):
    """the capture begins inside a body; the next request is found, nothing inside the body is"""
    @case(f"tcp: midstream inside a body, {name}")
    def fill(b):
        c = b.opened()
        c.send(before)
        b.segments.clear()
        c.send(rest, cuts=cuts)
        b.answer(c)
        answered(b, c, "/next")
        answered(b, c, "/last")
        c.close()
        b.lost = [{}, {"gap": 1}]


MIDDLE = pattern(3000)
midstream_inside("of bytes", http_head("POST", "/x", [("Content-Length", "6000")]) + MIDDLE, MIDDLE)
midstream_inside("a request in its text", http_head("POST", "/x", [("Content-Length", "9000")]),
                 MIDDLE + FAKE + MIDDLE[:3000] + b"-" * (3000 - len(FAKE)))
midstream_inside("a request in its text, aligned to a segment", http_head("POST", "/x", [("Content-Length", "9000")]),
                 MIDDLE + FAKE + MIDDLE + b"-" * (3000 - len(FAKE)), cuts=[3000, 3000 + len(FAKE), 6000])
midstream_inside("several aligned requests", http_head("POST", "/x", [("Content-Length", "9000")]),
                 MIDDLE + FAKE * 5 + MIDDLE, cuts=[3000 + len(FAKE) * n for n in range(6)])


@case("tcp: missing FIN")
def no_fin(b):
    for number in range(3):
        c = b.opened()
        answered(b, c, f"/{number}")


@case("tcp: half-close, the client has said all")
def half_close(b):
    c = b.opened()
    b.ask(c, target="/a", body=BODY)
    c.fin(True)
    c.server_ack()
    c.wait(SECOND)
    c.reply(OK)
    c.client_ack()
    c.fin(False)
    c.client_ack()


@case("tcp: half-close, the server has said all and still reads")
def half_close_server(b):
    c = b.opened()
    answered(b, c, "/a")
    c.fin(False)
    c.client_ack()
    b.ask(c, target="/b", body=BODY)
    c.server_ack()
    c.fin(True)
    c.server_ack()


@case("tcp: FIN with the last data")
def fin_with_data(b):
    c = b.opened()
    with b.expecting(c, "POST", "/v1/x", BODY):
        c.send(REQUEST[:4000])
        c.segment(True, REQUEST[4000:], ACK | PSH | FIN)
        c.next[True] += len(REQUEST) - 4000
    c.next[True] += 1
    b.answer(c)


@case("tcp: FIN seen before the last data")
def early_fin(b):
    c = b.opened()
    sent = b.ask(c, target="/v1/x", body=BODY)
    b.answer(c)
    fin = c.fin(True)
    b.move(sent[-1], fin)
    c.server_ack()


@case("tcp: FIN in the middle of a body")
def fin_in_body(b):
    c = b.opened()
    c.send(REQUEST[:3000])
    c.fin(True)
    c.fin(False)
    c.client_ack()
    b.lost = {"reset": 1}


@case("tcp: RST in the middle of a body")
def rst_in_body(b):
    for from_client in (True, False):
        c = b.opened()
        c.send(REQUEST[:3000])
        c.server_ack()
        c.rst(from_client)
    b.lost = {"reset": 2}


@case("tcp: RST in the middle of a head")
def rst_in_head(b):
    c = b.opened()
    c.send(REQUEST[:30])
    c.server_ack()
    c.rst(False)
    b.lost = {"reset": 1}


@case("tcp: RST outside the window changes nothing")
def rst_outside(b):
    c = b.opened()
    with b.expecting(c, "POST", "/v1/x", BODY):
        c.send(REQUEST[:3000])
        c.server_ack()
        c.rst(True, offset=500_000_000)
        c.rst(True, offset=-500_000_000)
        c.rst(False, offset=700_000_000)
        c.send(REQUEST[3000:])
    b.answer(c)
    answered(b, c, "/after")
    c.close()


@case("tcp: RST after a request")
def rst_after(b):
    for from_client in (True, False):
        c = b.opened()
        answered(b, c, "/a")
        b.ask(c, target="/b", body=BODY)
        c.rst(from_client)


@case("tcp: same four numbers again, after a close")
def reuse_closed(b):
    for isn in (1000, 90_000_000, 2000, WRAP - 5):
        c = b.opened(client="10.0.0.1:40000", isn=isn)
        answered(b, c, f"/{isn}")
        c.close()


@case("tcp: same four numbers again, without a close")
def reuse_open(b):
    for isn in (1000, 90_000_000, 3_000_000_000, 4000):
        c = b.opened(client="10.0.0.1:40000", isn=isn)
        answered(b, c, f"/{isn}")
        c.wait(SECOND)


@case("tcp: same four numbers again, in the middle of a body")
def reuse_in_body(b):
    c = b.opened(client="10.0.0.1:40000", isn=1000)
    c.send(REQUEST[:3000])
    c.wait(60 * SECOND)
    d = b.opened(client="10.0.0.1:40000", isn=2_000_000_000)
    answered(b, d, "/new")
    d.close()
    b.lost = {"reset": 1}


# -- directions -----------------------------------------------------------------------

@case("tcp: only the client's packets", sink=True)
def client_only(b):
    for n in range(2):
        c = b.opened()
        for number in range(10):
            answered(b, c, f"/{n}/{number}", pattern(3000, number))
        c.close()
    b.segments[:] = [s for s in b.segments if s.from_client]
    b.counters = {"connections.seen": 2, "connections.one_way": 2}


@case("tcp: only the client's packets, expect and upgrades")
def client_only_expect(b):
    c = b.opened()
    for number in range(3):
        with b.expecting(c, "POST", f"/{number}", BODY):
            c.send(http_head("POST", f"/{number}", [("Content-Length", "5000"), ("Expect", "100-continue"),
                                                      ("Connection", "Upgrade"), ("Upgrade", "h2c")]))
            c.reply(b"HTTP/1.1 100 Continue\r\n\r\n")
            c.send(BODY)
        b.answer(c)
    c.close()
    b.segments[:] = [s for s in b.segments if s.from_client]


@case("tcp: only the server's packets")
def server_only(b):
    c = b.opened()
    for number in range(5):
        c.send(http_request("POST", "/x", BODY))
        b.answer(c)
    c.close()
    b.segments[:] = [s for s in b.segments if not s.from_client]
    b.counters = {"requests.seen": 0}


@case("tcp: answers seen before their requests")
def answers_early(b):
    c = b.opened()
    for number in range(5):
        sent = b.ask(c, target=f"/{number}", body=b"short")
        answer = b.answer(c)
        for s in sent:
            b.move(s, answer[-1])
    c.close()


@case("tcp: all of the server's packets seen first")
def server_first(b):
    c = b.opened()
    for number in range(5):
        answered(b, c, f"/{number}", pattern(300, number))
    b.segments.sort(key=lambda s: s.from_client)


@case("tcp: acknowledgements seen before the body they acknowledge")
def acks_early(b):
    c = b.opened()
    for number in range(5):
        sent = b.ask(c, target=f"/{number}", body=BODY)
        ack = c.server_ack()
        for s in sent:
            b.move(s, ack if s is sent[0] else b.segments[-1])
        b.answer(c)
    c.close()


@case("tcp: 100-continue seen after the body")
def continue_late(b):
    c = b.opened()
    for number in range(3):
        with b.expecting(c, "POST", f"/{number}", BODY):
            c.send(http_head("POST", f"/{number}", [("Content-Length", "5000"), ("Expect", "100-continue")]))
            interim = c.reply(b"HTTP/1.1 100 Continue\r\n\r\n")
            sent = c.send(BODY)
        b.move(interim[0], sent[-1])
        b.answer(c)
    c.close()


for client in ("10.0.0.1:8000", "10.0.0.3:8000"):
    @case(f"tcp: client port equals the server's, {client}")
    def same_port(b, client=client):
        c = b.opened(client=client, server="10.0.0.2:8000")
        for number in range(5):
            answered(b, c, f"/{number}")
        c.close()
        m = b.conversation(client=client.replace(":8000", "9:8000"), server="10.0.0.2:8000")
        for number in range(3):
            answered(b, m, f"/mid/{number}")


@case("tcp: other-way round on the same two ports")
def both_ways(b):
    one = b.opened(client="10.0.0.1:8000", server="10.0.0.2:9000")
    two = b.opened(client="10.0.0.2:9001", server="10.0.0.1:8000")
    answered(b, one, "/one")
    answered(b, two, "/two")
    b.ports = (None, "9000,8000")


# -- time and neighbours ------------------------------------------------------------------

@case("tcp: timestamps running backwards")
def clock_backwards(b):
    c = b.opened()
    for number in range(5):
        answered(b, c, f"/{number}")
        c.now -= 3 * SECOND
    c.close()
    b.keep_times = True


@case("tcp: all packets at one time")
def clock_stands(b):
    c = b.conversation(step=0)
    c.handshake()
    for number in range(5):
        answered(b, c, f"/{number}")
    c.close()
    b.keep_times = True


@case("tcp: capture ends inside a body")
def cut_in_body(b):
    c = b.opened()
    answered(b, c, "/whole")
    c.send(REQUEST[:3000])
    b.lost = {"cut_at_end": 1}


@case("tcp: capture ends inside a head")
def cut_in_head(b):
    c = b.opened()
    answered(b, c, "/whole")
    c.send(REQUEST[:20])
    b.lost = {"cut_at_end": 1}


@case("tcp: capture ends inside a chunked body")
def cut_in_chunk(b):
    c = b.opened()
    answered(b, c, "/whole")
    c.send(http_head("POST", "/c", [("Transfer-Encoding", "chunked")]) + b"5\r\nhello\r\n")
    b.lost = {"cut_at_end": 1}


@case("tcp: ARP, UDP, ICMP and others around")
def neighbours(b):
    a, z = ipaddress.ip_address("10.0.0.1"), ipaddress.ip_address("10.0.0.2")
    a6, z6 = ipaddress.ip_address("fe80::1"), ipaddress.ip_address("fe80::2")
    udp = b"\x9c\x40\x1f\x40" + (8 + len(FAKE)).to_bytes(2, "big") + b"\0\0" + FAKE
    frames = [
        b"\xff" * 6 + b"\x02\0\0\0\0\x01" + b"\x08\x06" + b"\0\x01\x08\0\x06\x04\0\x01" + b"\0" * 20,
        ETHERNET.wrap(ipv4(a, z, udp, protocol=17), 4), ETHERNET.wrap(ipv6(a6, z6, udp, protocol=17), 6),
        ETHERNET.wrap(ipv4(a, z, b"\x08\0\0\0" + FAKE, protocol=1), 4),
        ETHERNET.wrap(ipv6(a6, z6, b"\x80\0\0\0" + FAKE, protocol=58), 6),
        b"\x01\x80\xc2\0\0\x0e" + b"\x02\0\0\0\0\x01" + b"\x88\xcc" + b"\x02\x07\x04",
        b"\x02" * 12 + b"\0\x26" + b"\x42\x42\x03" + b"\0" * 35,  # 802.3 with LLC: a length, not an ethertype
    ]
    c = b.opened()
    for number, frame in enumerate(frames):
        b.segments.append(noise(c.now, frame))
        sent = b.ask(c, target=f"/{number}", body=BODY)
        b.segments.append(noise(c.now, frame))
        b.move(b.segments[-1], sent[0])
        b.answer(c)
    c.close()
    b.counters = {"packets.ignored.not_tcp": 8, "packets.ignored.not_ip": 6}


@case("tcp: other ports' traffic")
def other_ports(b):
    c = b.opened()
    d = b.opened(server="10.0.0.2:9000")
    answered(b, c, "/ours")
    d.send(FAKE)
    b.answer(d)
    c.close()
    d.close()
    b.ports = ("8000",)
    b.counters = {"requests.seen": 1}


@case("tcp: a request is told when its last byte is in order, not later")
def at_once(b):
    """connections that fall silent behind a request, or that wait for a hole to close: the order of events shows when"""
    silent = b.opened()
    waiting = b.opened()
    last = b.opened()
    b.ask(silent, target="/1", body=BODY)
    held = waiting.send(http_request("POST", "/3", BODY))
    b.ask(last, target="/2", body=BODY)
    b.expect(waiting, "POST", "/3", BODY, waiting.isn + 1, waiting.next[True] - 1)
    b.move(held[1], b.segments[-1])
    b.ask(last, target="/4", body=BODY)
    b.order = ["/1", "/2", "/3", "/4"]


@case("tcp: super-packets of 60 KiB")
def super_packets(b):
    c = b.opened()
    body = pattern(1_000_000)
    b.ask(c, target="/big", body=body, mss=61440)
    b.answer(c)
    answered(b, c, "/after")
    c.close()


@case("tcp: 3 MB in tiny segments, out of order")
def tiny_segments(b):
    c = b.opened()
    body = pattern(3_000_000)
    sent = b.ask(c, target="/tiny", body=body, mss=100)
    first = b.segments.index(sent[0])
    for at in range(first, first + len(sent) - 40, 40):
        b.segments[at:at + 40] = reversed(b.segments[at:at + 40])
    b.answer(c)
    c.close()
    b.ports = ("8000",)
