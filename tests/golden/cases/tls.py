"""tls.py - TLS with its secrets: what Python's OpenSSL says over TCP as we write it, read with the key log that it leaves

The two ends speak through memory, so every case knows which bytes make up which request, and can lose any of them.
"""
import json
import os
import shutil
import ssl
import struct
import subprocess
import tempfile

from harness import OK, TOP, Capture, Failure, Skip, check, check_books, compare_requests, http_request, pattern
from packets import pcapng, records

PAIR = {}


def certificate():
    """one for all cases of a process"""
    if not shutil.which("openssl"):
        raise Skip("no openssl to make a certificate with")
    if not PAIR:
        PAIR["directory"] = tempfile.TemporaryDirectory(prefix="golden-tls.")
        cert, key = (os.path.join(PAIR["directory"].name, name) for name in ("cert.pem", "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=models.example", "-out", cert, "-keyout", key], check=True, capture_output=True)
        PAIR["files"] = (cert, key)
    return PAIR["files"]


class Tls:
    """a client and a server on one conversation of a Capture"""

    def __init__(self, bench, capture, version=ssl.TLSVersion.TLSv1_3, ciphers=None, name="models.example"):
        self.capture, self.c = capture, capture.opened()
        self.key_log = os.path.join(bench.directory, "keys")
        client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(*certificate())
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.keylog_filename = self.key_log
        for context in (client, server):
            context.minimum_version = context.maximum_version = version
            if ciphers:
                context.set_ciphers(ciphers)
        self.wires = [(ssl.MemoryBIO(), ssl.MemoryBIO()) for _ in range(2)]
        self.client = client.wrap_bio(*self.wires[0], server_hostname=name)
        self.server = server.wrap_bio(*self.wires[1], server_side=True)
        self.flights = []
        done = [False, False]
        while not all(done):
            for i, end in enumerate((self.client, self.server)):
                try:
                    end.do_handshake()
                    done[i] = True
                except ssl.SSLWantReadError:
                    pass
                self.carry(i)

    def carry(self, i, mss=1448):
        """what end @i has written goes over TCP, and to the other end; the segments"""
        data = self.wires[i][1].read()
        if not data:
            return []
        self.wires[1 - i][0].write(data)
        self.flights.append(data)
        return self.c.send(data, mss=mss) if i == 0 else self.capture.answer(self.c, data)

    def ask(self, target, body=b"", expect=True, mss=1448):
        first = self.c.next[True]
        self.client.write(http_request("POST", target, body))
        sent = self.carry(0, mss)
        if expect:
            self.capture.expect(self.c, "POST", target, body, first, self.c.next[True] - 1)
        return sent

    def answer(self, data=OK):
        self.server.write(data)
        self.carry(1)


def fates(result):
    """What became of the connections, of the report."""
    aside = ("misfit", "no_room", "after_wait", "joined", "early_dropped", "records", "refound", "late_us")
    return {name: n for name, n in result.report["tls"].items() if n and name not in aside}


def run(bench, capture, *args, tls, lost=None):
    capture.settle()
    for e in capture.expected:
        e.ts_first = None  # a record is read when its last byte is here
    path = bench.path("capture.pcap", capture.file())
    result = bench.read("-r", path, "-p", "8000", *args)
    problems = compare_requests(capture.expected, result.requests) + check_books(result)
    found = fates(result)
    if found != tls:
        problems.append(f"tls is {found}, not {tls}")
    if result.report["tls"]["late_us"]["count"]:
        problems.append(f"keys came late: {result.report['tls']['late_us']}")
    if lost is not None and {k: n for k, n in result.report["requests"]["lost"].items() if n} != lost:
        problems.append(f"lost {result.report['requests']['lost']}, not {lost}")
    if problems:
        raise Failure("; ".join(problems[:6]))
    return result


SUITES = [("1.3", ssl.TLSVersion.TLSv1_3, None), ("1.2 GCM", ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256"),
          ("1.2 ChaCha20", ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-CHACHA20-POLY1305"),
          ("1.2 CBC", ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0")]


def register(name, version, ciphers):
    @check(f"tls {name}: every request, and under what it came")
    def every(bench):
        capture = Capture()
        t = Tls(bench, capture, version, ciphers)
        for i, size in enumerate((0, 1, 300, 5000, 40000)):
            t.ask(f"/v1/models/m{i}:predict", pattern(size, i))
            t.answer()
        result = run(bench, capture, "--keylog", t.key_log, tls={"seen": 1, "read": 1}, lost={})
        for event in result.requests:
            if event["tls"]["version"] != name[:3] or event["tls"]["sni"] != "models.example" or "_" not in event["tls"]["cipher"]:
                raise Failure(f"an event says {event['tls']}")
        with open(t.key_log) as f:
            secrets = {line.split()[2] for line in f if not line.startswith("#")}
        told = str(result).lower()
        if any(secret.lower() in told for secret in secrets):
            raise Failure("a secret was told")

    @check(f"tls {name}: a lost segment costs the request that it was of")
    def gap(bench):
        capture = Capture()
        t = Tls(bench, capture, version, ciphers)
        for i in range(10):
            sent = t.ask(f"/v1/models/m{i}:predict", pattern(6000, i), expect=i not in (2, 5, 7))
            if i in (2, 5, 7):
                capture.drop(*(sent if i == 5 else sent[1 + i % 3:2 + i % 3]))
            t.answer()
        if "CBC" in name:  # how much is missing is not known there, so HTTP waits for proof that a request starts
            for e in capture.expected:
                e.optional = e.target not in ("/v1/models/m0:predict", "/v1/models/m1:predict")
        run(bench, capture, "--keylog", t.key_log, tls={"seen": 1, "read": 1})


for row in SUITES:
    register(*row)


@check("tls: no keys, keys of others, and no key log at all")
def no_keys(bench):
    capture = Capture()
    t = Tls(bench, capture)
    t.ask("/v1/models/m:predict", b"{}", expect=False)
    t.answer()
    others = bench.path("others", b"CLIENT_RANDOM " + b"11" * 32 + b" " + b"22" * 48 + b"\n")
    run(bench, capture, "--keylog", others, tls={"seen": 1, "no_keys": 1})
    with open(t.key_log) as f:
        wrong = "".join(" ".join([*line.split()[:2], "00" * (len(line.split()[2]) // 2)]) + "\n" for line in f if line[0] != "#")
    run(bench, capture, "--keylog", bench.path("wrong", wrong.encode()), tls={"seen": 1, "no_keys": 1})
    result = run(bench, capture, tls={})
    if result.report["connections"]["tls"] != 1 or result.report["connections"]["not_http"] != 1:
        raise Failure("without secrets it is a connection that is not HTTP")


@check("tls: a gap with the end of a request and the head of the next one, and another in its body, cost these two")
def two_gaps(bench):
    for version, suite in ((v, s) for name, v, s in SUITES if "CBC" not in name):
        capture = Capture()
        t = Tls(bench, capture, version, suite)
        for i in range(8):
            body, first = pattern(6000 if i in (2, 3) else 1, i), t.c.next[True]
            request = http_request("POST", f"/v1/models/m{i}:predict", body)
            t.client.write(request[:-len(body)])
            head = t.carry(0)
            t.client.write(body)
            rest = t.carry(0)
            if i == 2:
                capture.drop(rest[-1])
            elif i == 3:
                capture.drop(*head, rest[2])
            else:
                capture.expect(t.c, "POST", f"/v1/models/m{i}:predict", body, first, t.c.next[True] - 1)
            t.answer()
        run(bench, capture, "--keylog", t.key_log, tls={"seen": 1, "read": 1})


@check("tls: a client that says nothing behind its handshake says nothing of the secrets")
def silent(bench):
    for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        capture = Capture()
        t = Tls(bench, capture, version)
        answers = [s for s in capture.segments if not s.from_client and s.payload]
        if version == ssl.TLSVersion.TLSv1_3:  # the client is gone before the server's tickets are here
            capture.drop(answers[-1])
        t.c.close()
        run(bench, capture, "--keylog", t.key_log, tls={"seen": 1, "read": 1})


@check("tls: what another program recorded, with its secrets and with those of another connection")
def recorded(bench):
    for version, other in ("12", "13"), ("13", "12"):
        path, keys, others = (os.path.join(TOP, "pcaps", "tls", f"illustrated-tls{name}")
                              for name in (f"{version}.pcap", f"{version}.keys", f"{other}.keys"))
        for logs, fate in ((keys,), "read"), ((others,), "no_keys"), ((others, keys), "read"):
            result = bench.read("-r", path, *(argument for log in logs for argument in ("--keylog", log)))
            found = fates(result)
            problems = check_books(result)
            if found != {"seen": 1, fate: 1} or result.requests or problems:
                raise Failure(f"{path} with {logs}: tls is {found}, {len(result.requests)} requests; " + "; ".join(problems))


def secrets_block(e, log, kind=0x544c534b):
    """a Decryption Secrets Block"""
    body = struct.pack(e + "II", kind, len(log)) + log + b"\0" * (-len(log) % 4)
    return struct.pack(e + "II", 10, len(body) + 12) + body + struct.pack(e + "I", len(body) + 12)


def with_block(e, file, block, before):
    """@file, a pcapng, with @block before its block number @before, or behind all"""
    at = 0
    while before > 0 and at < len(file):
        at += struct.unpack(e + "I", file[at + 4:at + 8])[0]
        before -= 1
    return file[:at] + block + file[at:]


@check("tls: forged segments within a record, that look like records, cost the request that they are of")
def forged(bench):
    capture = Capture()
    t = Tls(bench, capture)
    for i in range(12):
        forges = i in (3, 7)
        sent = t.ask(f"/v1/models/m{i}:predict", pattern(6000, i), expect=not forges)
        if forges:  # headers that fit each other, and no tag that holds
            for s in sent[1:-1]:
                s.payload = b"".join(b"\x17\x03\x03\x00\x13" + pattern(19, n) for n in range(60))[:len(s.payload)]
        t.answer()
    run(bench, capture, "--keylog", t.key_log, tls={"seen": 1, "read": 1})


def three_requests(bench):
    """-> their capture, the connection, its key log's bytes, and the packets"""
    capture = Capture()
    t = Tls(bench, capture)
    for i in range(3):
        t.ask(f"/v1/models/m{i}:predict", pattern(3000, i))
        t.answer()
    capture.settle()
    with open(t.key_log, "rb") as f:
        log = f.read()
    recs = records(capture.segments, capture.link)
    for request in capture.expected:
        request.ts_first = None  # a record is read when its last byte is here
    return capture, t, log, recs


@check("tls: secrets that the recording has in itself, wherever they are, in sections of either byte order")
def in_recording(bench):
    capture, t, log, recs = three_requests(bench)
    for e, o, big in ("<", ">", False), (">", "<", True):
        file, half = (pcapng(r, [(capture.link.linktype, 9)], big=big) for r in (recs, recs[:8]))
        other = pcapng(recs[8:], [(capture.link.linktype, 6)], big=not big)
        for name, content, is_read in (
                ("in front", with_block(e, file, secrets_block(e, log), 1), True),
                ("between", with_block(e, file, secrets_block(e, log), 9), True),
                ("behind", with_block(e, file, secrets_block(e, log), 1000), True),
                ("in the first section", with_block(e, half, secrets_block(e, log), 2) + other, True),
                ("in the second section", half + with_block(o, other, secrets_block(o, log), 2), True),
                ("of another kind", with_block(e, file, secrets_block(e, log, kind=0x57474b4c), 1), False),
                ("none", file, False)):
            result = bench.read("-r", bench.path("capture.pcapng", content), "-p", "8000")
            problems = check_books(result)
            if is_read:
                problems += compare_requests(capture.expected, result.requests)
            if (fates(result) == {"seen": 1, "read": 1}) != is_read or problems or bool(result.requests) != is_read:
                raise Failure(f"{name}, big endian {big}: {fates(result)}, {len(result.requests)} requests; " + "; ".join(problems[:4]))


@check("tls: a damaged block of secrets costs the secrets in it and no packet, from a file and from a pipe")
def damaged_secrets(bench):
    capture, t, log, recs = three_requests(bench)
    for e, big in ("<", False), (">", True):
        file, good = pcapng(recs, [(capture.link.linktype, 9)], big=big), secrets_block(e, log)
        for name, block, counted in (
                ("longer than its block", good[:12] + struct.pack(e + "I", len(log) + 999) + good[16:], "damaged_secrets"),
                ("a block of a gigabyte", good[:4] + struct.pack(e + "I", 1 << 30) + good[8:], "damaged_secrets"),
                ("a block of no length", good[:4] + bytes(4) + good[8:], "damaged_secrets"),
                ("another length at the end", good[:-4] + struct.pack(e + "I", 16), "damaged_secrets"),
                ("a byte is missing", good[:40] + good[41:], "damaged_secrets"),
                ("of a kind that nobody knows", good[:8] + struct.pack(e + "I", 77) + good[12:], "secrets"),
                ("no key log", secrets_block(e, bytes(range(256)) * 4), None)):
            for place in (1, 2, 9, 1000):
                content = with_block(e, file, block, place)
                # behind all, where only the length is wrong, nothing says where a block begins
                for source, stdin in ((bench.path("capture.pcapng", content), None), ("-", content)):
                    for logs in (), ("--keylog", t.key_log):
                        result = bench.read("-r", source, "-p", "8000", *logs, stdin=stdin)
                        where = f"{name}, before block {place}, big endian {big}, of {source[:1]} with {len(logs)}"
                        packets, problems = result.report["packets"], check_books(result)
                        if logs:
                            problems += compare_requests(capture.expected, result.requests)
                        if packets["received"] != len(recs) or (not logs and result.requests) or problems:
                            raise Failure(f"{where}: {packets}, {len(result.requests)} requests; " + "; ".join(problems[:4]))
                        skipped = {k: n for k, n in packets["blocks_skipped"].items() if n}
                        at_end = place == 1000 and counted == "damaged_secrets" and "block" not in name.split()[-1]
                        if skipped != ({counted: 1} if counted else {}) and not at_end:
                            raise Failure(f"{where}: {skipped}")
                        if counted != "secrets" and result.stderr.count("were not read") != 1 and not at_end:
                            raise Failure(f"{where}: {result.stderr}")


@check("tls: connections that began before the recording")
def midstream(bench):
    capture = Capture()
    t = Tls(bench, capture)
    before = list(capture.segments)
    t.ask("/v1/models/m:predict", b"{}", expect=False)
    t.answer()
    capture.drop(*before)
    run(bench, capture, "--keylog", t.key_log, tls={"seen": 1, "midstream": 1})


def begun(bench, capture, others=8, asked=1, **options):
    """a connection whose start is not in the recording, and secrets of others that are not in it at all"""
    for _ in range(others):
        Tls(bench, Capture())
    t = Tls(bench, capture, **options)
    for _ in range(asked):
        t.ask("/v1/models/m:predict", b"{}", expect=False)
        t.answer()
    capture.drop(*list(capture.segments))
    return t


def read_on(t, count=5):
    for i in range(count):
        t.ask(f"/v1/models/m{i}:predict", pattern(3000 * i, i))
        t.answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2000 * i) + pattern(2000 * i, i))


@check("tls: --tls-join reads connections that began before the recording, each time alike")
def joined(bench):
    capture = Capture()
    t = begun(bench, capture)
    read_on(t)
    capture.settle()
    joins = ("--keylog", t.key_log, "--tls-join", "1000")
    first = run(bench, capture, *joins, tls={"seen": 1, "read": 1})
    if first.report["tls"]["joined"] != 1 or first.report["tls"]["after_wait"]:
        raise Failure(f"{first.report['tls']}")
    for more in ((), ("--lanes", "2"), ("--lanes", "3")):
        again = run(bench, capture, *joins, *more, tls={"seen": 1, "read": 1})
        if again.requests != first.requests:
            raise Failure(f"{more}: other requests than before")


@check("tls: --tls-join finds a connection again in each round of a recording")
def joined_again(bench):
    capture = Capture()
    t = begun(bench, capture)
    read_on(t)
    capture.settle()
    result = bench.read("-r", bench.path("capture.pcap", capture.file()), "-p", "8000", "--keylog", t.key_log, "--tls-join", "10",
                        "--loop", "3")
    if fates(result) != {"seen": 3, "read": 3} or result.report["tls"]["joined"] != 3 or result.report["requests"]["complete"] != 15:
        raise Failure(f"{result.report['tls']}, {result.report['requests']['complete']} requests")


@check("tls: --tls-join leaves what it does not find: too many records, no secret, TLS 1.2")
def not_joined(bench):
    for options, numbers, read in (({"asked": 4}, 4, True), ({"asked": 4}, 3, False), ({"version": ssl.TLSVersion.TLSv1_2}, 100, False)):
        capture = Capture()
        t = begun(bench, capture, others=2, **options)
        t.ask("/v1/models/n:predict", expect=read)
        run(bench, capture, "--keylog", t.key_log, "--tls-join", str(numbers), tls={"seen": 1, "read" if read else "midstream": 1})
    capture = Capture()
    t = begun(bench, capture)
    os.unlink(t.key_log)
    Tls(bench, Capture())
    t.ask("/v1/models/n:predict", expect=False)
    run(bench, capture, "--keylog", t.key_log, "--tls-join", "100", tls={"seen": 1, "midstream": 1})


@check("tls: production's responses are compared on a connection that was joined")
def joined_and_compared(bench):
    capture = Capture()
    t = begun(bench, capture)
    read_on(t)
    capture.settle()
    path = os.path.join(bench.directory, "report.json")
    done = bench.tap("-r", bench.path("capture.pcap", capture.file()), "-p", "8000", "--keylog", t.key_log, "--tls-join", "100", "-t", "sink:",
                     "-x", "max", "-m", "300s", "--compare", "--report", path)
    if done.returncode:
        raise Failure(done.stderr.decode()[-300:])
    with open(path) as f:
        report = json.load(f)
    compared = next(iter(report["comparison"]["targets"].values()))
    if report["tls"]["joined"] != 1 or report["requests"]["chosen"] != 5 or compared["pairs"] != 5:
        raise Failure(f"{report['tls']}, {report['requests']['chosen']} chosen, {compared}")


@check("tls: --tls-join takes no record of a body for a request, whatever it quotes")
def joined_in_body(bench):
    capture = Capture()
    t = begun(bench, capture)
    quoted = http_request("POST", "/v1/models/quoted:predict", b"{}")
    t.client.write(b"POST /v1/models/m:predict HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (3000 + 2 * len(quoted)))
    t.carry(0)
    capture.drop(*list(capture.segments))
    for part in (pattern(3000, 1), quoted, quoted):
        t.client.write(part)
        t.carry(0)
    t.answer()
    read_on(t, 3)
    run(bench, capture, "--keylog", t.key_log, "--tls-join", "10", tls={"seen": 1, "read": 1})


@check("tls: --tls-join in a capture of another project, from its first data on")
def joined_illustrated(bench):
    name = os.path.join(TOP, "pcaps", "tls", "illustrated-tls13")
    with open(name + ".pcap", "rb") as f:
        content = f.read()
    order = "<" if content[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at, packets = 24, []
    while at < len(content):
        end = at + 16 + struct.unpack_from(order + "I", content, at + 8)[0]
        packets.append(content[at:end])
        at = end
    data = [i for i, p in enumerate(packets) if b"\x17\x03\x03\x00\x15" in p]  # "ping" or "pong", its type and the tag
    result = bench.read("-r", bench.path("cut.pcap", content[:24] + b"".join(packets[data[0]:])), "--keylog", name + ".keys", "--tls-join", "1")
    if fates(result) != {"seen": 1, "read": 1} or result.report["tls"]["joined"] != 1 or result.report["tls"]["records"] < 2:
        raise Failure(f"{result.report['tls']}")


@check("tls: what was encrypted does not leave as plain text")
def to_plain(bench):
    capture = Capture()
    t = Tls(bench, capture)
    t.ask("/v1/models/m:predict", b"{}")
    t.answer()
    capture.settle()
    path = bench.path("capture.pcap", capture.file())
    for target, more, shed in (("http://192.0.2.1:9", (), 1), ("sink:", (), 0), ("http://192.0.2.1:9", ("--tls-to-plain",), 0)):
        result = bench.read("-r", path, "--keylog", t.key_log, *more, mode=("-t", target, "-x", "max", "-m", "50ms"))
        books = result.report["targets"]["default"]
        if books["shed"]["plain"] != shed or books["sent"] != 1 - shed:
            raise Failure(f"{target} {more}: {books['shed']}, sent {books['sent']}")


@check("tls: production's responses are compared as those of the plain run are")
def compared(bench):
    verdicts = []
    for encrypted in (True, False):
        capture = Capture()
        t = Tls(bench, capture) if encrypted else None
        c = None if encrypted else capture.opened()
        for i in range(6):
            body, answer = pattern(2000 * i, i), b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (3000 * i) + pattern(3000 * i, i)
            if encrypted:
                t.ask(f"/v1/models/m{i}:predict", body)
                t.answer(answer)
            else:
                capture.ask(c, target=f"/v1/models/m{i}:predict", body=body)
                capture.answer(c, answer)
        capture.settle()
        more = ("--keylog", t.key_log) if encrypted else ()
        path = os.path.join(bench.directory, "report.json")
        done = bench.tap("-r", bench.path("capture.pcap", capture.file()), "-p", "8000", *more, "-t", "sink:", "-x", "max", "-m", "300s",
                         "--compare", "--report", path)
        if done.returncode:
            raise Failure(done.stderr.decode()[-300:])
        with open(path) as f:
            report = json.load(f)
        verdicts.append((report["requests"]["chosen"], next(iter(report["comparison"]["targets"].values()))["verdicts"]))
    if verdicts[0] != verdicts[1] or verdicts[0][0] != 6:
        raise Failure(f"inside TLS {verdicts[0]}, plain {verdicts[1]}")
