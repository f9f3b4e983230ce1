"""shapes.py - what real clients put on the wire, twenty requests of each shape

Each row is a way of sending one request; the measured shapes are those of curl,
requests, httpx, aiohttp, Java, node, wrk and ab, and the ones that today's
tools lose: a method split over two packets, pipelining, an answer that comes
before the body is complete, a body that pauses.
"""
from harness import OK, case, chunked, http_head, http_request, pattern
from packets import MS, SECOND

TARGET = "/v1/models/m:predict"
BODY = b'{"instances": [' + b"0.125, " * 40 + b"1]}"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def on_one_connection(send, count=20):
    def fill(b):
        c = b.opened()
        for number in range(count):
            send(b, c, number)
            b.answer(c)
        c.close()
    return fill


def on_connections_of_their_own(send, count=20):
    def fill(b):
        for number in range(count):
            c = b.opened()
            send(b, c, number)
            b.answer(c)
            c.close()
    return fill


def plainly(**how):
    return lambda b, c, number: b.ask(c, **{"target": TARGET, "body": BODY, **how})


HEAD_LENGTH = len(http_request("POST", TARGET, BODY)) - len(BODY)


def expect_continue(b, c, number):
    head = http_head("POST", TARGET, [("Content-Length", str(len(BODY))), ("Expect", "100-continue")])
    with b.expecting(c, "POST", TARGET, BODY):
        c.send(head)
        c.reply(CONTINUE)
        c.send(BODY)


def chunk_pieces_alone(b, c, number):
    """requests with a generator: size, line end, data, line end: each a segment"""
    pieces = [pattern(1000, number), pattern(77, number)]
    with b.expecting(c, "POST", TARGET, b"".join(pieces)):
        c.send(http_head("POST", TARGET, [("Transfer-Encoding", "chunked")]))
        for p in pieces:
            for part in (b"%x" % len(p), b"\r\n", p, b"\r\n"):
                c.send(part)
        c.send(b"0\r\n\r\n")


def head_pause_body(pause):
    def send(b, c, number):
        with b.expecting(c, "POST", TARGET, BODY):
            c.send(http_head("POST", TARGET, [("Content-Length", str(len(BODY)))]))
            c.wait(pause)
            c.send(BODY)
    return send


def body_pauses(pause):
    def send(b, c, number):
        with b.expecting(c, "POST", TARGET, BODY):
            data = http_request("POST", TARGET, BODY)
            c.send(data[:-100])
            c.server_ack()
            c.wait(pause)
            c.send(data[-100:])
    return send


def early_answer(b, c, number):
    """413 or 429 while the body is still being sent; the acknowledgements change in the middle of the request"""
    body = pattern(6000, number)
    with b.expecting(c, "POST", TARGET, body):
        data = http_request("POST", TARGET, body)
        c.send(data[:2000])
        c.reply(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n")
        c.client_ack()
        c.send(data[2000:])
        c.server_ack()


def pipelined(cut):
    """two requests, one segment; or the second one straddling the segments"""
    def fill(b):
        c = b.opened()
        for number in range(10):
            first = http_request("POST", f"/first/{number}", BODY)
            second = http_request("POST", f"/second/{number}", BODY)
            at = c.next[True]
            b.expect(c, "POST", f"/first/{number}", BODY, at, at + len(first) - 1)
            b.expect(c, "POST", f"/second/{number}", BODY, at + len(first), at + len(first) + len(second) - 1)
            c.send(first + second, cuts=[] if cut is None else [len(first) + cut])
            b.answer(c, OK + OK)
        c.close()
    return fill


JAVA = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA")]

SHAPES = {
    "plain": on_one_connection(plainly()),
    "get": on_one_connection(plainly(method="GET", target="/v1/models/m", body=b"")),
    "put": on_one_connection(plainly(method="PUT", target="/predictions/resnet")),
    "http 1.0": on_connections_of_their_own(plainly(version="1.0")),
    "ab: 1.0 keep-alive": on_one_connection(plainly(version="1.0", headers=[("Connection", "Keep-Alive")])),
    "connection close": on_connections_of_their_own(plainly(headers=[("Connection", "close")])),
    "6 KB header": on_one_connection(plainly(headers=[("X-Long", "a" * 6000)])),
    "split body": on_one_connection(plainly(cuts=(HEAD_LENGTH + 50, HEAD_LENGTH + 51, HEAD_LENGTH + 200))),
    "headers in 3 packets": on_one_connection(plainly(cuts=(30, 60))),
    "head then body": on_one_connection(plainly(cuts=(HEAD_LENGTH,))),
    "httpx: 43 ms between head and body": on_one_connection(head_pause_body(43 * MS)),
    "chunked upload": on_one_connection(plainly(chunks=[pattern(500), pattern(32), pattern(1)])),
    "chunk pieces in segments of their own": on_one_connection(chunk_pieces_alone),
    "expect 100-continue": on_one_connection(expect_continue),
    "method split over two packets": on_one_connection(plainly(cuts=(2,))),
    "method split after its first byte": on_one_connection(plainly(cuts=(1,))),
    "one byte a segment": on_one_connection(plainly(cuts=range(2000)), count=2),
    "pipelined in one packet": pipelined(None),
    "pipelined, second straddles": pipelined(30),
    "pipelined, second cut in its method": pipelined(2),
    "pipelined, second cut in its body": pipelined(HEAD_LENGTH + 60),
    "answer before the body is complete": on_one_connection(early_answer),
    "body pauses 3 s": on_one_connection(body_pauses(3 * SECOND), count=2),
    "body pauses 45 s": on_one_connection(body_pauses(45 * SECOND), count=2),
    "java: h2c upgrade on each request": on_one_connection(plainly(headers=JAVA)),
    "java: h2c upgrade on each GET": on_one_connection(plainly(method="GET", target="/v2", body=b"", headers=JAVA)),
    "java: h2c upgrade, head then body": on_one_connection(
        plainly(headers=JAVA, cuts=(len(http_request("POST", TARGET, BODY, JAVA)) - len(BODY),))),
    "java: h2c upgrade, chunked": on_one_connection(plainly(headers=JAVA, chunks=[BODY, b"x"])),
}

REPLAYED = ("plain", "chunked upload", "expect 100-continue", "pipelined in one packet")

for shape, fill in SHAPES.items():
    case(f"shape: {shape}", sink=shape in REPLAYED)(fill)


@case("shape: 32 KiB writes of a 1.1 MB upload with expect")
def curl_upload(b):
    """curl -T: the body comes after the 100, in super-packets as GSO hands them to the tap"""
    body = pattern(1_100_000)
    c = b.opened()
    with b.expecting(c, "PUT", "/predictions/resnet", body):
        c.send(http_head("PUT", "/predictions/resnet", [("Content-Length", str(len(body))), ("Expect", "100-continue")]))
        c.reply(CONTINUE)
        c.send(body, mss=32 * 1024)
    b.answer(c)
    c.close()


@case("shape: go, one segment a chunk")
def go_pipe(b):
    pieces = [pattern(700, i) for i in range(30)]
    c = b.opened()
    with b.expecting(c, "POST", TARGET, b"".join(pieces)):
        c.send(http_head("POST", TARGET, [("Transfer-Encoding", "chunked")]))
        for p in pieces:
            c.send(b"%x\r\n%s\r\n" % (len(p), p))
        c.send(chunked([]))
    b.answer(c)
    c.close()


@case("shape: streamed answer, one chunk an event")
def streamed(b):
    c = b.opened()
    for number in range(3):
        b.ask(c, target="/v1/chat/completions", body=b'{"stream": true}')
        c.reply(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for word in (b"one", b"two", b"[DONE]"):
            event = b"data: " + word + b"\n\n"
            c.reply(b"%x\r\n%s\r\n" % (len(event), event))
            c.client_ack()
        b.answer(c, b"0\r\n\r\n")
    c.close()
