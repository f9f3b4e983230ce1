"""http.py - one idea of HTTP/1.x each: framing, leniency, upgrades, and what is never a request"""
import re
import subprocess

from harness import OK, Skip, binary, case, chunked, http_head, http_request, pattern

FAKE = b"POST /fake HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def single(name, sink=False, then=True, **how):
    """one request, and an ordinary one behind it on the same connection"""
    def fill(b):
        c = b.opened()
        b.ask(c, **how)
        b.answer(c)
        if then:
            b.ask(c, target="/after", body=b"after")
            b.answer(c)
        c.close()
    case(f"http: {name}", sink)(fill)


# -- framing ----------------------------------------------------------------------

def te(body_bytes):
    return http_head("POST", "/c", [("Transfer-Encoding", "chunked")]) + body_bytes


single("content-length 0", target="/zero", body=b"")
single("post without a length has no body", target="/none", raw=http_head("POST", "/none"))
single("get with a body", method="GET", target="/search", body=b"query")
single("delete with a body", method="DELETE", target="/item", body=b"{}")
single("patch", method="PATCH", target="/item", body=b"{}")
single("options *", method="OPTIONS", target="*")
single("head", method="HEAD", target="/", then=False)
single("body that looks like a request", body=FAKE, target="/quote", sink=True)
single("body that looks like a request, aligned to a segment", body=FAKE * 3, target="/quote",
       cuts=[len(http_request("POST", "/quote", FAKE * 3)) - len(FAKE) * n for n in (3, 2, 1)])
single("binary body with every byte value", body=bytes(range(256)) * 20, target="/tensor",
       headers=[("Inference-Header-Content-Length", "96")])
single("header value of 64 KiB", headers=[("X-Long", "v" * 65536)], body=b"x", target="/long")
single("header of 64 KiB in 16-byte segments", headers=[("X-Long", "v" * 65536)], body=b"x", target="/long", mss=16)
single("100 headers", headers=[(f"X-{i}", f"{i}") for i in range(100)], target="/many", body=b"x")
single("target of 8 KB", target="/t?" + "q" * 8192, body=b"x")
single("empty header value", target="/e", body=b"x", headers=[("X-Empty", "")])
single("empty Expect switches 100-continue off", target="/e", body=b"x", headers=[("Expect", "")])
single("expect 100-continue with a body that does not wait", target="/e", body=b"x" * 100,
       headers=[("Expect", "100-continue")])

single("chunk extensions", target="/c", body=b"hello world",
       raw=te(chunked([b"hello", b" world"], extension=b';name="va;lue";x')))
single("chunk sizes in capitals and with leading zeros", target="/c", body=b"a" * 0x1B + b"b" * 10,
       raw=te(b"001B\r\n" + b"a" * 0x1B + b"\r\n0a\r\n" + b"b" * 10 + b"\r\n000\r\n\r\n"))
single("trailers", target="/c", body=b"hello", raw=te(chunked([b"hello"], trailers=b"X-Checksum: 5d41\r\nX-More: 1\r\n")))
single("empty chunked body", target="/c", body=b"", raw=te(b"0\r\n\r\n"))
single("chunk data that ends like the last chunk", target="/c", body=b"x0\r\n\r\n" + b"y0\r\n\r\n",
       raw=te(chunked([b"x0\r\n\r\n", b"y0\r\n\r\n"])),
       cuts=[len(te(b"")) + 3 + 6, len(te(b"")) + 3 + 6 + 2])
single("chunk data that looks like a request", target="/c", body=FAKE, raw=te(chunked([FAKE])),
       cuts=[len(te(b"")), len(te(b"")) + 4, len(te(b"")) + 4 + len(FAKE)])

for split in range(1, 7):
    single(f"chunked terminator split {split} before its end", target="/c", body=b"hello",
           raw=te(chunked([b"hello"])), cuts=[len(te(chunked([b"hello"]))) - split])

single("chunked in name only: the word in a content-length body", target="/c",
       body=b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
single("Transfer-Encoding in other case", target="/c", body=b"hello",
       raw=http_head("POST", "/c", [("TRANSFER-encoding", "Chunked")]) + chunked([b"hello"]))


# -- where servers are lenient ------------------------------------------------------

@case("http: bare LF")
def bare_lf(b):
    if re.search(r"llhttp 9\.[01]\.", subprocess.run([binary(), "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout):
        raise Skip("llhttp 9.0 and 9.1 read no lines that end in LF alone")
    c = b.opened()
    b.ask(c, target="/lf", body=b"body", raw=b"POST /lf HTTP/1.1\nHost: x\nContent-Length: 4\n\nbody")
    b.answer(c)
    b.ask(c, target="/after", body=b"after")
    b.answer(c)
    c.close()


single("target without a slash", method="GET", target="foo", raw=b"GET foo HTTP/1.1\r\nHost: x\r\n\r\n")
single("target without a slash, with a body", target="predict?x=1", body=b"x",
       raw=b"POST predict?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
single("absolute form", target="http://model.test:8000/v1/x?q=1", body=b"x")
single("empty lines before the request", method="GET", target="/crlf", raw=b"\r\n\r\nGET /crlf HTTP/1.1\r\nHost: x\r\n\r\n")
single("obsolete bytes in a header value", target="/latin", body=b"x", headers=[("X-Name", "Jos\xe9".encode("latin-1"))])
single("target with bytes above 127", target="/caf\u00e9", body=b"x",
       raw="POST /caf\u00e9 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx".encode())
single("request after Connection: close", target="/closing", body=b"x", headers=[("Connection", "close")])


# -- never lenient where it would be smuggling ---------------------------------------

def malformed(name, head_lines, body=b""):
    @case(f"http: malformed, {name}")
    def fill(b):
        c = b.opened()
        c.send(b"POST /bad HTTP/1.1\r\nHost: x\r\n" + head_lines + b"\r\n" + body)
        b.answer(c, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        c.close()
        other = b.opened()
        b.ask(other, target="/good", body=b"good")
        b.answer(other)
        other.close()
        b.lost = {"malformed": 1}


SMUGGLED = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
malformed("content-length and chunked", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", SMUGGLED)
malformed("chunked and content-length", b"Transfer-Encoding: chunked\r\nContent-Length: 44\r\n", SMUGGLED)
malformed("two different content-lengths", b"Content-Length: 5\r\nContent-Length: 44\r\n", SMUGGLED)
malformed("a list of content-lengths", b"Content-Length: 5, 44\r\n", SMUGGLED)
malformed("content-length with a sign", b"Content-Length: +5\r\n", b"12345")
malformed("negative content-length", b"Content-Length: -5\r\n", b"12345")
malformed("content-length in hexadecimal", b"Content-Length: 0x5\r\n", b"12345")
malformed("content-length beyond 64 bits", b"Content-Length: 99999999999999999999999\r\n", b"12345")
malformed("space before the colon", b"Transfer-Encoding : chunked\r\n", SMUGGLED)
malformed("chunked is not the last coding", b"Transfer-Encoding: chunked, identity\r\n", SMUGGLED)
malformed("a coding that is not chunked", b"Transfer-Encoding: xchunked\r\n", SMUGGLED)
malformed("chunk size is no number", b"Transfer-Encoding: chunked\r\n", b"zz\r\nhello\r\n0\r\n\r\n")
malformed("chunk size beyond 64 bits", b"Transfer-Encoding: chunked\r\n", b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n")
malformed("chunk data longer than its size", b"Transfer-Encoding: chunked\r\n", b"3\r\nhello\r\n0\r\n\r\n")
malformed("NUL in a header value", b"X-Nul: a\0b\r\n")
malformed("header line without a colon", b"what is this\r\n")


# -- expect -------------------------------------------------------------------------

EXPECT = [("Content-Length", "2000"), ("Expect", "100-continue")]
REFUSED = b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"


@case("http: expect refused, the client closes")
def expect_refused_close(b):
    c = b.opened()
    c.send(http_head("POST", "/refused", EXPECT))
    b.answer(c, REFUSED)
    c.close()
    b.lost = {"reset": 1}


@case("http: expect refused, the client goes on with the next request")
def expect_refused_next(b):
    c = b.opened()
    c.send(http_head("POST", "/refused", EXPECT))
    b.answer(c, REFUSED)
    b.ask(c, target="/next", body=b"next" * 500)  # as long as the body that was refused, and longer
    b.answer(c)
    b.ask(c, target="/last", body=b"last")
    b.answer(c)
    c.close()
    b.lost = {"reset": 1}


@case("http: expect refused, the client sends the body all the same")
def expect_refused_body(b):
    c = b.opened()
    body = pattern(2000)
    with b.expecting(c, "POST", "/stubborn", body):
        c.send(http_head("POST", "/stubborn", EXPECT))
        c.reply(REFUSED)
        c.send(body)
    b.ask(c, target="/next", body=b"next")
    b.answer(c)
    c.close()


for interim in (b"HTTP/1.1 100 Continue\r\nServer: nginx\r\nDate: now\r\n\r\n",
                b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"):
    @case(f"http: expect in other case, interim answer of {len(interim)} bytes")
    def interim_length(b, interim=interim):
        c = b.opened()
        for number in range(3):
            body = pattern(2000, number)
            with b.expecting(c, "POST", f"/{number}", body):
                c.send(http_head("POST", f"/{number}", [("Content-Length", "2000"), ("expect", "100-Continue")]))
                c.reply(interim)
                c.send(body)
            b.answer(c)
        c.close()


@case("http: early hints before the answer")
def early_hints(b):
    c = b.opened()
    for number in range(3):
        b.ask(c, target=f"/{number}", body=b"x")
        b.answer(c, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK)
    c.close()


# -- other protocols on the same connection ---------------------------------------------

@case("http: a 101 ends HTTP")
def websocket(b):
    c = b.opened()
    b.ask(c, method="GET", target="/ws", headers=UPGRADE)
    b.answer(c, SWITCHING)
    c.send(b"\x81\x05hello")
    c.send(FAKE)
    c.reply(b"\x81\x02ok")
    c.send(FAKE)
    c.close()
    b.counters = {"connections.upgraded": 1}


@case("http: a refused upgrade is HTTP as before")
def upgrade_refused(b):
    c = b.opened()
    for number in range(3):
        b.ask(c, method="GET", target=f"/ws{number}", headers=UPGRADE)
        b.answer(c)
    c.close()


@case("http: the answer to an earlier pipelined request is no 101")
def upgrade_pipelined(b):
    c = b.opened()
    b.ask(c, method="GET", target="/a")
    b.ask(c, method="GET", target="/ws", headers=UPGRADE)
    b.answer(c, OK + OK)
    b.ask(c, target="/after", body=b"x")
    b.answer(c)
    c.close()


@case("http: curl --http2, the connection becomes HTTP/2 by a 101")
def h2c_accepted(b):
    c = b.opened()
    b.ask(c, method="GET", target="/", headers=[("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"),
                                                 ("HTTP2-Settings", "AAMAAABkAAQAAP__")])
    b.answer(c, b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    c.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0")
    c.send(FAKE)
    c.close()
    b.counters = {"connections.upgraded": 1, "connections.http2": 1}


@case("http: preface of HTTP/2 is recognised, no request")
def preface(b):
    for cuts in ([], [3], [10, 20]):
        c = b.opened()
        c.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0", cuts=cuts)
        c.reply(b"\0\0\0\x04\0\0\0\0\0")
        c.send(FAKE)
        c.close()
    b.counters = {"requests.seen": 0, "connections.http2": 3}


@case("http: connect, then a tunnel")
def connect_tunnel(b):
    c = b.opened()
    b.ask(c, method="CONNECT", target="db.test:443", verdict="filtered", reason="method")  # not even with -X any
    b.answer(c, b"HTTP/1.1 200 Connection established\r\n\r\n")
    c.send(b"\x16\x03\x01\0\x05hello")
    c.send(FAKE)
    c.close()


@case("http: TLS on the port")
def tls(b):
    c = b.opened()
    c.send(b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + pattern(193))
    c.reply(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + pattern(118))
    c.send(b"\x17\x03\x03\x01\x00" + pattern(256))
    c.send(FAKE)
    c.close()
    b.counters = {"requests.seen": 0, "connections.tls": 1, "connections.not_http": 1}


@case("http: other protocols on the port")
def not_http(b):
    for first in (b"SSH-2.0-OpenSSH_9.2\r\n", b"*1\r\n$4\r\nPING\r\n", b"EHLO there\r\n", b"\0\0\0\x08\x04\xd2\x16\x2f",
                  b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"):
        c = b.opened()
        c.send(first)
        c.reply(b"+OK\r\n")
        c.send(pattern(300))
        c.close()
    c = b.opened()
    b.ask(c, target="/real", body=b"x")
    b.answer(c)
    c.close()
    b.counters = {"requests.seen": 1}
    b.lost = {}


@case("http: methods that nobody knows")
def unknown_methods(b):
    """request lines in form: whether they count as malformed requests or as no HTTP is open, but nothing comes of them"""
    for line in (b"OST /v1/x HTTP/1.1", b"GETTY /x HTTP/1.1", b"get /x HTTP/1.1", b"POST/x HTTP/1.1", b"POST  /x HTTP/1.1"):
        c = b.opened()
        c.send(line + b"\r\nHost: x\r\nContent-Length: 60\r\n\r\n" + FAKE)
        c.close()
    b.lost = None


@case("http: a server that speaks first")
def banner(b):
    c = b.opened()
    c.reply(b"220 ready\r\n")
    c.send(b"EHLO there\r\n")
    c.close()
    b.counters = {"requests.seen": 0}


@case("http: headers of an event are those allowed")
def event_headers(b):
    c = b.opened()
    b.ask(c, target="/h", body=b"x", headers=[
        ("Authorization", "Bearer secret"), ("cookie", "a=b"), ("X-Api-Key", "k"),
        ("Content-Type", "application/json; charset=utf-8"), ("X-Other", "y"), ("X-Request-ID", "r-1"), ("ce-id", "7"),
        ("Inference-Header-Content-Length", "1")])
    b.expected[-1].headers = [["content-type", "application/json; charset=utf-8"], ["x-request-id", "r-1"], ["ce-id", "7"],
                              ["inference-header-content-length", "1"]]
    b.answer(c)
    c.close()
