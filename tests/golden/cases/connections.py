"""connections.py - whose connection it is, what goes before and beside HTTP, and several paths

The captures in pcaps/field/ are those with which users met these faults.
"""
import hashlib
import json
import os
import struct

from harness import TOP, Capture, Failure, case, check, check_books, http_request, pattern

FIELD = os.path.join(TOP, "pcaps", "field")


def field(name):
    return os.path.join(FIELD, f"{name}.pcap")


def truth(name):
    with open(os.path.join(FIELD, f"{name}.truth.json")) as f:
        return {e["id"]: e for e in json.load(f)}


def named(result):
    """the requests by their X-Request-Id"""
    return {dict((n.lower(), v) for n, v in r["headers"])["x-request-id"]: r for r in result.requests}


def want(problem, is_so):
    if not is_so:
        raise Failure(problem)


def want_equal(what, wanted, found):
    want(f"{what} is {found!r}, not {wanted!r}", wanted == found)


def want_books(result):
    problems = check_books(result)
    want("; ".join(problems), not problems)


# -- Multipath TCP ------------------------------------------------------------------

KEYS = (bytes(range(8)), bytes(range(8, 16)))  # the client's, the server's


def data_begin(key):
    """RFC 8684, 3.1: the number before the first byte"""
    return int.from_bytes(hashlib.sha256(key).digest()[-8:], "big")


def capable(rest):
    return bytes([30, 4 + len(rest), 0x01, 0x01]) + rest


def mapping(key, ssn, length, shift=0, checksum=False):
    dsn = (data_begin(key) + ssn + shift) & (1 << 64) - 1
    rest = struct.pack(">QIH", dsn, ssn, length) + (b"\xab\xcd" if checksum else b"")
    return bytes([30, 4 + len(rest), 0x20, 0x0c]) + rest


def one_path(c, checksum=False, begins=True):
    """give the segments of a conversation the options that Linux gives them"""
    data = {True: 0, False: 0}
    for s in c.capture:
        if s.conversation is not c:
            continue
        isn, key = (c.isn, KEYS[0]) if s.from_client else (c.server_isn, KEYS[1])
        if s.flags & 0x02:
            s.tcp_options = capable(b"" if s.from_client else KEYS[1])
        elif s.payload:
            data[s.from_client] += 1
            if s.from_client and data[True] == 1 and begins:
                s.tcp_options = capable(KEYS[0] + KEYS[1] + struct.pack(">H", len(s.payload)))
            else:
                s.tcp_options = mapping(key, (s.seq - isn) % (1 << 32), len(s.payload), checksum=checksum)


def mptcp_single(name, **how):
    @case(f"connections: Multipath TCP with one subflow, {name}")
    def fill(b):
        c = b.opened()
        b.ask(c, target="/one", body=pattern(300))
        b.answer(c)
        b.ask(c, target="/two", body=pattern(6000))
        b.answer(c)
        b.ask(c, target="/three", chunks=[pattern(3000), pattern(100)])
        b.answer(c)
        c.close()
        one_path(c, **how)
        b.counters = {"connections.multipath": 0}


mptcp_single("from its keys on")
mptcp_single("mapped from its first byte", begins=False)
mptcp_single("with checksums", checksum=True)


@case("connections: Multipath TCP with one subflow, every segment twice")
def mptcp_twice(b):
    c = b.opened()
    for n in range(4):
        b.ask(c, target=f"/{n}", body=pattern(4000, n))
        b.answer(c)
    c.close()
    one_path(c)
    b.double_everything()
    b.counters = {"connections.multipath": 0}


@case("connections: Multipath TCP, the subflow that is captured has a part")
def mptcp_part(b):
    c = b.opened()
    b.ask(c, target="/whole", body=pattern(300))
    b.answer(c)
    c.send(http_request("POST", "/parted", pattern(6000)))
    b.answer(c)
    c.send(http_request("POST", "/later", pattern(300)))
    b.answer(c)
    c.close()
    one_path(c)
    late = [s for s in c.capture if s.from_client and s.payload][3:]
    for s in late:  # 500 bytes went another way
        s.tcp_options = mapping(KEYS[0], (s.seq - c.isn) % (1 << 32), len(s.payload), shift=500)
    b.lost = {"multipath": 2}
    b.counters = {"connections.multipath": 1}


@check("connections: Multipath TCP with two subflows")
def mptcp_field(bench):
    result, entries = bench.read("-r", field("mptcp-two-subflows")), truth("mptcp-two-subflows")
    want_books(result)
    for name, r in named(result).items():
        want_equal(f"the body of {name}", entries[name]["body_sha256"], r["body_sha256"])
    want("r1 came before anything went another way", "r1" in named(result))
    want_equal("requests.seen", len(entries), result.report["requests"]["seen"])
    want_equal("requests.lost.multipath", len(entries) - len(result.requests), result.report["requests"]["lost"]["multipath"])
    want(f"what to do is not said once: {result.stderr}", result.stderr.count("net.mptcp.enabled=0") == 1)


# -- connections that the service's host opens --------------------------------------

@check("connections: opened from the service's port")
def own_port(bench):
    result = bench.read("-r", field("own-port-as-client"), "-p", "8080")
    want_books(result)
    want_equal("the number of requests", 2, len(result.requests))
    want("one went to another service", all(r["dst"].endswith(":8080") for r in result.requests))
    want_equal("connections.outgoing", 1, result.report["connections"]["outgoing"])


@case("connections: from one service port to another")
def both_ports(b):
    for client, server in (("10.0.0.2:8000", "10.0.0.3:9000"), ("10.0.0.3:9000", "10.0.0.2:8000")):
        c = b.opened(client=client, server=server)
        b.ask(c, target="/between", body=b"x")
        b.answer(c)
        c.close()
    b.ports = ("8000,9000",)
    b.counters = {"connections.outgoing": 0}


# -- what only looks like HTTP ------------------------------------------------------

@check("connections: RTSP and ICE are not HTTP")
def rtsp_field(bench):
    result = bench.read("-r", field("rtsp-is-not-http"))
    want_books(result)
    want_equal("requests.seen", 0, result.report["requests"]["seen"])
    want_equal("connections.not_http", result.report["connections"]["seen"], result.report["connections"]["not_http"])


def rtsp_split(at):
    @case(f"connections: RTSP, its first line cut after {at} bytes")
    def fill(b):
        line = b"OPTIONS rtsp://10.1.0.9:8554/cam RTSP/1.0\r\nCSeq: 1\r\n\r\n"
        c = b.opened()
        c.send(line, cuts=[at])
        c.reply(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")
        c.close()
        other = b.opened()
        b.ask(other, method="OPTIONS", raw=b"OPTIONS /x HTTP/1.1\r\nHost: x\r\n\r\n", target="/x", cuts=[min(at, 18)])
        b.answer(other)
        other.close()
        b.counters = {"requests.seen": 1, "connections.not_http": 1}


for at in (1, 7, 8, 9, 33, 34, 36, 37, 38, 39, 40, 41, 42):
    rtsp_split(at)


# -- the PROXY protocol -------------------------------------------------------------

V2 = b"\r\n\r\n\0\r\nQUIT\n"
V1_LINE = b"PROXY TCP4 192.0.2.7 10.0.0.2 51000 8000\r\n"
V2_TCP4 = V2 + b"\x21\x11\x00\x0c" + bytes([192, 0, 2, 7, 10, 0, 0, 2]) + struct.pack(">HH", 51000, 8000)
V2_TLVS = V2 + b"\x21\x21" + struct.pack(">H", 36 + 300) + bytes.fromhex("20010db8" + "00" * 11 + "07") + bytes(16) + \
    struct.pack(">HH", 51000, 8000) + pattern(300)


def proxied(name, header, cuts=None, client=None):
    @check(f"connections: PROXY protocol, {name}")
    def run(bench):
        capture = Capture()
        for at in cuts or [None]:
            c = capture.opened()
            c.send(header + http_request("POST", "/one", b"one"), cuts=[] if at is None else [at])
            capture.answer(c)
            capture.ask(c, target="/two", body=b"two")
            capture.answer(c)
            c.close()
        capture.settle()
        result = bench.read("-r", bench.path("proxy.pcap", capture.file()), "-p", "8000")
        want_books(result)
        n = len(cuts or [None])
        want_equal("the requests", ["/one", "/two"] * n, [r["target"] for r in result.requests])
        want_equal("the clients", [client] * 2 * n, [r.get("client") for r in result.requests])
        want_equal("connections.proxied", n, result.report["connections"]["proxied"])
        want_equal("connections.not_http", 0, result.report["connections"]["not_http"])


proxied("version 1, cut anywhere", V1_LINE, range(1, len(V1_LINE) + 2), "192.0.2.7:51000")
proxied("version 1, TCP6", b"PROXY TCP6 2001:db8::7 ::1 51000 8000\r\n", client="[2001:db8::7]:51000")
proxied("version 1, UNKNOWN", b"PROXY UNKNOWN\r\n", range(1, 17))
proxied("version 1, UNKNOWN with more", b"PROXY UNKNOWN ffff::1 what ever 1 2\r\n")
proxied("version 2, cut anywhere", V2_TCP4, range(1, len(V2_TCP4) + 2), "192.0.2.7:51000")
proxied("version 2 with 300 bytes behind the addresses, cut anywhere", V2_TLVS, range(1, len(V2_TLVS) + 2, 7), "[2001:db8::7]:51000")
proxied("version 2, LOCAL", V2 + b"\x20\x00\x00\x00", range(1, 18))
proxied("version 2, a UNIX socket", V2 + b"\x21\x31\x00\xd8" + bytes(216))


def unproxied(name, first):
    @check(f"connections: PROXY protocol, {name}")
    def run(bench):
        capture = Capture()
        for cuts in ([], [1], [6], [13], [20]):
            c = capture.opened()
            c.send(first + http_request("POST", "/one", b"one"), cuts=cuts)
            capture.answer(c)
            c.close()
        capture.settle()
        result = bench.read("-r", bench.path("proxy.pcap", capture.file()), "-p", "8000")
        want_books(result)
        want_equal("the requests", [], result.requests)
        want_equal("connections.not_http", 5, result.report["connections"]["not_http"])
        want_equal("connections.proxy_unread", 5, result.report["connections"]["proxy_unread"])
        want(f"the last line does not name it: {result.stderr}", "PROXY protocol" in result.stderr)


unproxied("a word too few", b"PROXY TCP4 192.0.2.7 10.0.0.2 51000\r\n")
unproxied("no address", b"PROXY TCP4 192.0.2.777 10.0.0.2 51000 8000\r\n")
unproxied("LF alone", b"PROXY TCP4 192.0.2.7 10.0.0.2 51000 8000\n")
unproxied("longer than 107 bytes", b"PROXY UNKNOWN " + b"x" * 100 + b"\r\n")
unproxied("version 3", V2 + b"\x31\x11\x00\x0c" + bytes(12))
unproxied("shorter than its addresses", V2 + b"\x21\x11\x00\x0b" + bytes(11))


@case("connections: what begins like a PROXY header and is none")
def begins_like_proxy(b):
    for raw, cuts in ((http_request("POST", "/p", b"x"), [1]), (http_request("PUT", "/p", b"x"), [1, 2]),
                      (http_request("PROPFIND", "/p"), [3]), (b"\r\n" + http_request("POST", "/p", b"x"), [1, 2, 3]),
                      (b"\r\n\r\n" + http_request("POST", "/p", b"x"), [4, 5])):
        c = b.opened()
        first = c.next[True]
        c.send(raw, cuts=cuts)
        skipped = len(raw) - len(raw.lstrip(b"\r\n"))
        method = raw.lstrip(b"\r\n").split(b" ")[0].decode()
        b.expect(c, method, "/p", b"" if method == "PROPFIND" else b"x", first + skipped, c.next[True] - 1)
        b.answer(c)
        c.close()
    b.counters = {"connections.proxied": 0, "connections.not_http": 0}


@case("connections: PROXY protocol, a response is captured before the header")
def response_before_proxy(b):
    c = b.opened()
    sent = c.send(V1_LINE)
    with b.expecting(c, "POST", "/one", b"one"):
        sent += c.send(http_request("POST", "/one", b"one"))
    answer = b.answer(c)
    b.ask(c, target="/two", body=b"two")
    b.answer(c)
    c.close()
    for s in reversed(sent):
        b.move(s, answer[-1])
    b.counters = {"connections.proxied": 1}


@check("connections: PROXY protocol, as proxies send it")
def proxy_field(bench):
    result, entries = bench.read("-r", field("proxy-protocol"), "-p", "8080"), truth("proxy-protocol")
    want_books(result)
    want_equal("the bodies", sorted(e["body_sha256"] for e in entries.values()), sorted(r["body_sha256"] for r in result.requests))
    want_equal("connections.proxied", 6, result.report["connections"]["proxied"])


@check("connections: --sample-by proxied keeps a client together")
def sample_by_proxied(bench):
    capture, clients = Capture(), [f"192.0.2.{n}" for n in range(1, 101)]
    for name in clients * 3:
        c = capture.opened()
        c.send(f"PROXY TCP4 {name} 10.0.0.2 51000 8000\r\n".encode() + http_request("POST", "/one", b"one"))
        capture.answer(c)
        c.close()
    capture.settle()
    path = bench.path("clients.pcap", capture.file())
    chosen = {}
    for by in ("proxied", "client"):
        result = bench.read("-r", path, "-p", "8000", "-S", "50%", "--sample-by", by)
        chosen[by] = [r["client"].split(":")[0] for r in result.requests if r["verdict"] == "chosen"]
    each = {name: chosen["proxied"].count(name) for name in clients}
    want(f"some are chosen in part: {each}", set(each.values()) == {0, 3})
    want_equal("of one address, all or nothing", True, len(chosen["client"]) in (0, 300))


# -- chunk extensions ---------------------------------------------------------------

@check("connections: two chunk extensions, and a quoted value")
def chunk_extensions(bench):
    result = bench.read("-r", field("chunk-extensions-two"), "-p", "8080")
    want_books(result)
    want_equal("the number of requests", 3, len(result.requests))
    want_equal("requests.seen", 3, result.report["requests"]["seen"])
