"""connections.py - whose connection it is, what goes before and beside HTTP, and several paths

The captures in pcaps/field/ are those with which users met these faults.
"""
import hashlib
import json
import os
import struct

from harness import OK, TOP, Expected, Failure, case, check, check_books, compare_requests, http_request, pattern

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
