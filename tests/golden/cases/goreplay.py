"""goreplay.py - defects found in the source of GoReplay (251e45a), each a regression test for us

Those of its sender and of its live capture (a blocking queue, undrained bodies,
the target's path, an implicit destination filter) are tested end to end; these
are the ones that a recording shows. The numbers are those of the list.
"""
from harness import case, check, http_head, http_request, pattern, refused
from packets import ACK, DLT_EN10MB, PSH, WRAP, pcap, pcapng

BODY = pattern(5000)


@case("goreplay 1: acknowledgements change inside a request")
def acks_change(b):
    c = b.opened()
    for number in range(5):
        with b.expecting(c, "POST", f"/{number}", BODY):
            data = http_request("POST", f"/{number}", BODY)
            for at in range(0, len(data), 700):
                c.send(data[at:at + 700])
                c.reply(b"HTTP/1.1 102 Processing\r\n\r\n")
        b.answer(c)
    c.close()


@case("goreplay 1: a sum of ack and ports that collides")
def key_collision(b):
    """ports + address + ack give one number for both; interleaved, both must come out"""
    one = b.opened(client="10.0.0.1:40001", server_isn=5000)
    two = b.opened(client="10.0.0.2:40000", server_isn=5000)
    first = b.ask(one, target="/one", body=BODY, mss=500)
    second = b.ask(two, target="/two", body=BODY[::-1], mss=500)
    b.interleave(first, second)
    b.answer(one)
    b.answer(two)


@case("goreplay 1: IPv6 clients that differ in their first twelve bytes only")
def ipv6_prefix(b):
    prefixes = ("2001:db8:1::", "2001:db8:2::", "2001:db8:1:1::", "fd00::")
    connections = [b.opened(client=f"[{p}1]:40000", server="[2001:db8::2]:8000") for p in prefixes]
    sent = [b.ask(c, target=f"/{n}", body=pattern(3000, n), mss=500) for n, c in enumerate(connections)]
    b.interleave(*sent)
    for c in connections:
        b.answer(c)


@case("goreplay 2: sequence numbers wrap inside a body")
def wrap(b):
    c = b.opened(isn=WRAP - 3000)
    b.ask(c, target="/x", body=BODY, mss=100)
    b.answer(c)
    c.close()


@case("goreplay 4: retransmission with extra bytes")
def longer_again(b):
    c = b.opened()
    data = http_request("POST", "/x", BODY)
    with b.expecting(c, "POST", "/x", BODY):
        c.send(data[:2000])
        c.segment(True, data[:3000], ACK | PSH, seq=c.next[True] - 2000)
        c.next[True] += 1000
        c.send(data[3000:])
    b.answer(c)
    c.close()


@case("goreplay 5: chunk data that ends with 0 CR LF CR LF at a segment's end")
def false_end(b):
    c = b.opened()
    for number in range(5):
        data = [b"x" * number + b"0\r\n\r\n", b"more"]
        with b.expecting(c, "POST", "/c", b"".join(data)):
            c.send(http_head("POST", "/c", [("Transfer-Encoding", "chunked")]))
            c.send(b"%x\r\n%s" % (len(data[0]), data[0]))
            c.send(b"\r\n4\r\nmore\r\n0\r")
            c.send(b"\n\r\n")
        b.answer(c)
    c.close()


@case("goreplay 5: the word chunked in a body")
def word_in_body(b):
    c = b.opened()
    for number in range(5):
        b.ask(c, target="/w", body=b'{"text": "Transfer-Encoding: chunked"}', mss=60)
        b.answer(c)
    c.close()


@case("goreplay 6: Expect in capitals, an interim answer of another length")
def expect(b):
    c = b.opened()
    for number in range(5):
        with b.expecting(c, "POST", "/e", BODY):
            c.send(http_head("POST", "/e", [("Content-Length", "5000"), ("EXPECT", "100-CONTINUE")]))
            c.reply(b"HTTP/1.1 100 Continue\r\nVia: 1.1 proxy" + b"y" * number + b"\r\n\r\n")
            c.send(BODY)
        b.answer(c)
    c.close()


@case("goreplay 9: a pcapng by any name")
def any_name(b):
    c = b.opened()
    b.ask(c, target="/x", body=BODY)
    b.answer(c)
    c.close()
    b.write = lambda recs, linktype: pcapng(recs, [(linktype, 9)])


@check("goreplay 10: a share that is no share is a usage error")
def bad_share(bench):
    path = bench.path("x.pcap", pcap([], DLT_EN10MB))
    for share in ("10", "|0.5%", "5%%", "-1%", "101%", "0,5", "", "half", "1.5", "nan"):
        refused(bench, ["-r", path, "--dry-run", "-S", share], 2, f"-S {share}")


@case("goreplay 11: rules see the original request")
def rules_see_the_original(b):
    """-H adds the header that --match-header wants: it must not help; and a request without the field does not match"""
    c = b.opened()
    b.ask(c, target="/without", body=BODY, verdict="filtered", reason="header")
    b.answer(c)
    b.ask(c, target="/with", body=BODY, headers=[("X-Model", "blue")])
    b.answer(c)
    b.ask(c, target="/other", body=BODY, headers=[("X-Model", "red")], verdict="filtered", reason="header")
    b.answer(c)
    c.close()
    b.args = ["-H", "X-Model: blue", "--match-header", "X-Model: ^blue$"]
