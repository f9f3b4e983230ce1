"""gaps.py - bytes that were never captured

A request with a hole is never sent; the next one on the connection is found:
by counting bytes after a hole inside a content-length body, otherwise at the
next segment that begins with a request line. Nothing inside a body becomes a
request. A hole is declared lost some time after the peer has acknowledged past it, so
each loss here is acknowledged, as it is on a real wire.
"""
from harness import OK, Capture, Failure, case, check, check_books, chunked, compare_requests, http_head, http_request, pattern
from packets import ACK, PSH

FAKE = b"POST /fake HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
BODY = pattern(5000)
REQUEST = http_request("POST", "/holed", BODY)
HEAD = len(REQUEST) - len(BODY)
CHUNKED = http_head("POST", "/holed", [("Transfer-Encoding", "chunked")]) + chunked([BODY[:2500], BODY[2500:]])
CHUNKED_HEAD = len(CHUNKED) - len(chunked([BODY[:2500], BODY[2500:]]))


def holed(name, data, first, last, lost=None, more=2, cuts=(), together=False):
    """bytes first..last-1 of data are not captured; the requests behind it are found"""
    @case(f"gap: {name}")
    def fill(b):
        c = b.opened()
        b.ask(c, target="/before", body=b"before")
        b.answer(c)
        c.send(data[:first], cuts=cuts)
        c.lose(last - first)
        if together:  # the rest of the request and the next one in one segment: only counting finds it
            following = http_request("POST", "/next", b"next")
            at = c.next[True] + len(data) - last
            b.expect(c, "POST", "/next", b"next", at, at + len(following) - 1)
            c.send(data[last:] + following, cuts=[] if together is True else [len(data) - last + together])
        else:
            c.send(data[last:], cuts=[x - last for x in cuts])
        b.answer(c)
        for number in range(more):
            b.ask(c, target=f"/after/{number}", body=pattern(3000, number))
            b.answer(c)
        c.close()
        b.lost = {"gap": 1} if lost is None else lost


holed("in the head", REQUEST, 30, 50)
holed("in the head, the rest starts a segment", REQUEST, 20, HEAD)
holed("the end of the head", REQUEST, HEAD - 10, HEAD)
holed("the whole head, the body is seen", REQUEST, 0, HEAD, lost=[{}, {"gap": 1}])
holed("head and half of the body", REQUEST, 0, HEAD + 2000, lost=[{}, {"gap": 1}])
holed("the first byte of the method", REQUEST, 0, 1, lost=[{}, {"gap": 1}])
holed("the first byte of a GET's method", http_request("GET", "/lost"), 0, 1, lost=[{}, {"gap": 1}])
holed("the method and the space", REQUEST, 0, 5, lost=[{}, {"gap": 1}])
holed("in a content-length body", REQUEST, HEAD + 1000, HEAD + 2000)
holed("all of a content-length body", REQUEST, HEAD, len(REQUEST))
holed("the end of a content-length body", REQUEST, HEAD + 2000, len(REQUEST))
holed("one byte of a content-length body", REQUEST, HEAD + 1000, HEAD + 1001)
holed("in a content-length body, the next request in the same segment", REQUEST, HEAD + 1000, HEAD + 4000, together=True)
holed("in a content-length body, the next request straddles", REQUEST, HEAD + 1000, HEAD + 4000, together=3)
holed("in a chunked body's data", CHUNKED, CHUNKED_HEAD + 1000, CHUNKED_HEAD + 1500)
holed("in a chunk size", CHUNKED, CHUNKED_HEAD, CHUNKED_HEAD + 2)
holed("a chunked body's last chunk", CHUNKED, len(CHUNKED) - 5, len(CHUNKED))
holed("all of a chunked body", CHUNKED, CHUNKED_HEAD, len(CHUNKED))
holed("the whole request", REQUEST, 0, len(REQUEST), lost=[{}, {"gap": 1}])

QUOTED = http_request("POST", "/holed", FAKE * 20)
QUOTED_HEAD = len(QUOTED) - len(FAKE) * 20
holed("in a body of aligned requests", QUOTED, QUOTED_HEAD + len(FAKE), QUOTED_HEAD + 2 * len(FAKE),
      cuts=[QUOTED_HEAD + len(FAKE) * n for n in range(20)])
QUOTED_CHUNKED = http_head("POST", "/holed", [("Transfer-Encoding", "chunked")]) + chunked([FAKE * 20])
AT = QUOTED_CHUNKED.index(b"POST /fake")
holed("in a chunked body of aligned requests", QUOTED_CHUNKED, AT + len(FAKE), AT + 2 * len(FAKE),
      cuts=[AT + len(FAKE) * n for n in range(21)])
holed("the head of a body of aligned requests", QUOTED, 0, QUOTED_HEAD + 30, lost=[{}, {"gap": 1}],
      cuts=[QUOTED_HEAD + len(FAKE) * n for n in range(1, 20)])


@case("gap: between pipelined requests")
def between_pipelined(b):
    c = b.opened()
    b.ask(c, target="/one", body=b"one")
    c.lose(len(http_request("POST", "/two", b"two")))
    b.ask(c, target="/three", body=b"three", optional=True)  # nothing tells it from a body that the lost head announced
    b.answer(c, OK * 3)
    b.ask(c, target="/four", body=b"four")
    b.answer(c)
    c.close()
    b.lost = [{}, {"gap": 1}]


@case("gap: a pipelining client, in a chunked body of aligned requests")
def pipelining_quoted(b):
    """two pipelined requests first: acknowledgements prove less from then on, but bytes of a body are still no request"""
    c = b.opened()
    b.ask(c, target="/one", body=b"one")
    b.ask(c, target="/two", body=b"two")
    b.answer(c, OK + OK)
    c.send(QUOTED_CHUNKED[:AT])
    c.lose(len(FAKE))
    c.send(QUOTED_CHUNKED[AT + len(FAKE):], cuts=[len(FAKE) * n for n in range(20)])
    b.answer(c)
    b.ask(c, target="/after", body=b"x", optional=True)
    b.answer(c)
    c.close()
    b.lost = {"gap": 1}


@case("gap: a hole in each request")
def many_holes(b):
    c = b.opened()
    for number in range(10):
        c.send(REQUEST[:2000])
        c.lose(1000)
        c.send(REQUEST[3000:])
        b.answer(c)
        b.ask(c, target=f"/{number}", body=BODY)
        b.answer(c)
    c.close()
    b.lost = {"gap": 10}


@case("gap: never acknowledged, the hold limit is reached")
def hold_limit(b):
    c = b.opened()
    c.send(REQUEST[:2000])
    c.lose(1000)
    c.send(REQUEST[3000:])
    for number in range(3):  # 600 KB behind the hole, no acknowledgement at all
        b.ask(c, target=f"/{number}", body=pattern(200_000, number))
    b.segments[:] = [s for s in b.segments if s.from_client]
    b.lost = {"gap": 1}


@case("gap: closed just before the hold limit")
def hold_enough(b):
    c = b.opened()
    sent = b.ask(c, target="/late", body=pattern(250_000))
    b.move(sent[0], sent[-1])
    b.answer(c)
    c.close()


@case("gap: hole at the end of the capture")
def hole_at_end(b):
    c = b.opened()
    b.ask(c, target="/whole", body=b"x")
    b.answer(c)
    c.send(REQUEST[:2000])
    c.lose(1000)
    c.send(REQUEST[3000:])
    b.lost = {"gap": 1}


@case("gap: hole at the end, whole requests behind it")
def hole_at_end_more(b):
    c = b.opened()
    c.send(REQUEST[:2000])
    c.lose(1000)
    c.send(REQUEST[3000:])
    b.ask(c, target="/behind", body=b"x")
    b.lost = {"gap": 1}


@case("gap: hole that is filled after much later data")
def filled_late(b):
    c = b.opened()
    sent = b.ask(c, target="/late", body=pattern(100_000))
    b.move(sent[10], sent[-1])
    b.answer(c)
    c.close()


@case("gap: acknowledged, filled after all, before more data")
def acknowledged_then_filled(b):
    """the tap saw the acknowledgement first: a hole is only given up when more data comes too"""
    c = b.opened()
    sent = b.ask(c, target="/x", body=BODY)
    ack = c.server_ack()
    b.move(sent[-1], ack)
    b.answer(c)
    c.close()


@case("gap: in the answers only")
def in_answers(b):
    c = b.opened()
    for number in range(5):
        b.ask(c, target=f"/{number}", body=BODY)
        c.reply(b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + BODY[:1000])
        c.next[False] += 1000
        c.reply(BODY[:1000])
        c.client_ack()
    c.close()


@case("gap: in the answers, requests with expect and upgrade")
def in_answers_upgrade(b):
    c = b.opened()
    for number in range(5):
        b.ask(c, target=f"/{number}", body=BODY, headers=[("Connection", "Upgrade"), ("Upgrade", "h2c")])
        c.next[False] += 100
        c.reply(b"tail of an answer")
        c.client_ack()
    c.close()


@case("gap: hole, then the client closes")
def hole_then_close(b):
    c = b.opened()
    c.send(REQUEST[:2000])
    c.lose(1000)
    c.send(REQUEST[3000:4000])
    c.close()
    b.lost = [{"gap": 1}, {"reset": 1}]


@case("gap: after a hole, a close and the same four numbers")
def hole_reuse(b):
    c = b.opened(client="10.0.0.1:40000")
    c.send(REQUEST[:2000])
    c.lose(1000)
    c.send(REQUEST[3000:])
    b.answer(c)
    c.close()
    d = b.opened(client="10.0.0.1:40000", isn=77_000_000)
    b.ask(d, target="/new", body=BODY)
    b.answer(d)
    d.close()
    b.lost = {"gap": 1}


# -- cut by the snaplen -------------------------------------------------------------------

def cut_by_snaplen(name, cut_head, by_mirror=False):
    @case(f"snaplen: {name}")
    def fill(b):
        c = b.opened()
        b.ask(c, target="/before", body=b"x")
        b.answer(c)
        sent = c.send(REQUEST)
        segment, length = (sent[0], 68) if cut_head else (sent[2], 400)
        if by_mirror:
            segment.link = b.link.but(broken=lambda frame: frame[:length])
        else:
            segment.snaplen = length
        b.answer(c)
        b.ask(c, target="/after", body=b"after")
        b.answer(c)
        c.close()
        b.lost = {"truncated": 1}
        b.counters = {"packets.malformed.truncated": 0}


cut_by_snaplen("a segment of the body cut", False)
cut_by_snaplen("the head cut", True)
# a mirror that shortens packets says so nowhere: only the IP length tells
cut_by_snaplen("a segment of the body cut by the mirror", False, by_mirror=True)
cut_by_snaplen("the head cut by the mirror", True, by_mirror=True)


@case("snaplen: cut, counted on to a request in the same super-packet")
def cut_then_counted(b):
    c = b.opened()
    sent = c.send(REQUEST[:-100], mss=65000)
    sent[0].snaplen = 1600
    following = http_request("POST", "/next", b"next")
    at = c.next[True] + 100
    b.expect(c, "POST", "/next", b"next", at, at + len(following) - 1)
    c.send(REQUEST[-100:] + following)
    b.answer(c)
    c.close()
    b.lost = {"truncated": 1}


@case("snaplen: every packet of 96 bytes")
def all_cut(b):
    c = b.opened()
    for number in range(3):
        c.send(REQUEST)
        b.answer(c)
    for s in b.segments:
        s.snaplen = 96
    c.close()
    b.lost = {"truncated": 3}


@case("snaplen: cut inside the TCP header")
def cut_in_header(b):
    c = b.opened()
    b.ask(c, target="/a", body=b"x")
    b.answer(c)
    c.close()
    acks = [s for s in b.segments if not s.payload and s.flags == ACK]
    for s in acks:
        s.snaplen = 14 + 20 + 10
    b.counters = {"packets.malformed.truncated": len(acks)}


@case("snaplen: retransmission brings what the snaplen cut")
def cut_then_whole(b):
    c = b.opened()
    sent = b.ask(c, target="/holed", body=BODY, optional=True)  # nobody's snaplen cuts only the first of two copies
    sent[2].snaplen = 400
    c.segment(True, sent[2].payload, ACK | PSH, seq=sent[2].seq)
    b.move(b.segments[-1], sent[2])
    b.answer(c)
    b.ask(c, target="/after", body=BODY)
    b.answer(c)
    c.close()
    b.lost = [{}, {"truncated": 1}]


# -- limits ---------------------------------------------------------------------------------

def big_body(name, size, args, lost, expect, requests=None, chunks=False):
    @case(f"limit: {name}", sink=True)
    def fill(b):
        body = pattern(size)
        c = b.opened()
        b.ask(c, target="/big", body=body, chunks=[body[:70000], body[70000:]] if chunks else None, mss=60000, expect=expect)
        b.answer(c)
        b.ask(c, target="/after", body=b"x")
        b.answer(c)
        c.close()
        b.args, b.lost, b.ports = args, lost, ("8000",)
        if requests:
            b.requests_args = requests
            for e in b.expected:
                e.verdict, e.reason = "filtered", "method"


MIB = 1 << 20
big_body("a body of 20 MiB is too large by default", 20 * MIB, [], {"too_large": 1}, False)
big_body("a chunked body of 9 MiB is too large by default", 9 * MIB, [], {"too_large": 1}, False, chunks=True)
big_body("a body of 20 MiB with --max-body 32M", 20 * MIB, ["--max-body", "32M"], {}, True)
big_body("a body of exactly --max-body", 8 * MIB, [], {}, True)
big_body("a body of one byte more", 8 * MIB + 1, [], {"too_large": 1}, False)
big_body("a body of 20 MiB that nobody wants", 20 * MIB, [], {}, True, requests=("-X", "GET"))


def with_little_memory(bench, b):
    """all that does not fit is counted as memory; what fits is whole, and the books balance; bodies are held to be sent"""
    b.settle()
    path = bench.path("memory.pcap", b.file())
    result = bench.read("-r", path, "-p", "8000", "--max-memory", "1M", mode=("-t", "sink:", "-x", "max", "-m", "300s"))
    requests = result.report["requests"]
    problems = compare_requests(b.expected, result.requests) + check_books(result, targets=1)
    if not requests["lost"]["memory"] + requests["shed"]["memory"]:
        problems.append("nothing is counted as memory")
    if any(n for reason, n in requests["lost"].items() if reason != "memory"):
        problems.append(f"lost {requests['lost']}")
    if problems:
        raise Failure("; ".join(problems[:5]))


@check("limit: a body larger than --max-memory", replays=True)
def larger_than_memory(bench):
    b = Capture()
    c = b.opened()
    b.ask(c, target="/big", body=pattern(5_000_000), mss=60000, optional=True, verdict="shed", reason="memory")
    b.answer(c)
    b.ask(c, target="/after", body=b"x")
    b.answer(c)
    c.close()
    with_little_memory(bench, b)


@check("limit: many bodies that together are larger than --max-memory", replays=True)
def many_larger_than_memory(bench):
    b = Capture()
    body = pattern(100_000)
    data = http_request("POST", "/part", body)
    connections = [b.opened() for _ in range(30)]
    for c in connections:
        b.expect(c, "POST", "/part", body, c.next[True], c.next[True] + len(data) - 1, optional=True)
    for at in range(0, len(data), 20_000):
        for c in connections:
            c.send(data[at:at + 20_000], mss=20_000)
    for c in connections:
        b.answer(c)
    last = b.opened()
    b.ask(last, target="/after", body=b"x")
    b.answer(last)
    with_little_memory(bench, b)
