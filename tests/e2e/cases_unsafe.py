"""cases_unsafe.py - what strangers send is shown, never obeyed: by no terminal, no browser, no forge

Paths, fields, names of members and labels carry what moves cursors (C0, C1 as a byte and as UTF-8), what turns lines
around (the marks of bidirectional text) and markup. Then every output is read byte for byte: it is UTF-8, holds none
of these as they are, and the markup is text. That they are on the wire, the recording shows.
"""
import html.parser
import re
import subprocess

from lab import PYTHON, check, wait_for

NASTY = "\x9b31m\u0085\u202e\u2066\u200f\u061c|`x`[l](http://evil)<b>@all"
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

# Bytes in, bytes out: Python's own server refuses such request lines.
SERVER = r'''
import json, re, socketserver, sys
nasty = sys.argv[2]
shadow = sys.argv[1] != "8080"
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while first := self.rfile.readline():
            length = 0
            while (line := self.rfile.readline().strip()):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            self.rfile.read(length)
            answer = {"predictions": [[("s" if shadow else "p") + nasty, 0.9], ["x", 0.1]], "k" + nasty: int(shadow),
                      "skip" + nasty: sys.argv[1], "id": sys.argv[1]}
            body = json.dumps(answer, ensure_ascii=False).encode()
            status = b"503 No" if b"broken" in first and shadow else b"200 OK"
            self.wfile.write(b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
'''
CLIENT = r'''
import socket, sys
nasty = sys.argv[1].encode()
for path in (b"/v1/" + nasty + b":predict", b"/v1/raw\x9b31m\x85z:predict", b"/v1/broken" + nasty + b"\x9b"):
    for n in range(3):
        s = socket.create_connection(("127.0.0.1", 8080))
        body = b'{"n": %d}' % n
        s.sendall(b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nX-Tenant: t" + nasty + b"\r\nContent-Type: application/json\r\n"
                  b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        s.recv(65536)
        s.close()
'''


class Tags(html.parser.HTMLParser):
    """The names of all elements of a page."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)


def look(name, output, found):
    try:
        text = output.decode()
    except UnicodeDecodeError as why:
        found.append(f"{name} is no UTF-8: {output[max(why.start - 60, 0):why.start + 20]!r}")
        return ""
    for m in UNSAFE.finditer(text):
        found.append(f"{name}: {m.group()!r} in {text[max(m.start() - 60, 0):m.end() + 20]!r}")
        break
    return text


def run(lab, ns, *args, status=0):
    done = subprocess.run(lab.inside(ns, [lab.binary, *args]), cwd=lab.directory, check=False, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60)
    check(status is None or done.returncode == status, f"{args}: exit {done.returncode}: {done.stderr[-300:]!r}")
    return done.stdout, done.stderr


def record(lab, ns):
    for port in (8080, 9000):
        server = lab.start(ns, PYTHON, "-c", SERVER, port, NASTY, label="server")
        lab.wait_listening(ns, port, server)
    pcap = lab.directory / "nasty.pcapng"
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-Z", "root", "-t", "sink:", "-w", pcap)
    done = subprocess.run(lab.inside(ns, [PYTHON, "-c", CLIENT, NASTY]), check=False, capture_output=True, timeout=60)
    check(done.returncode == 0, f"client: {done.stderr[-300:]!r}")
    wait_for("9 requests", lambda: tap.events() and sum(e["event"] == "outcome" for e in tap.events()) == 9)
    tap.stop()
    wire = pcap.read_bytes()
    check(wire.count(NASTY.encode()) > 9 and b"raw\x9b31m" in wire, "never on the wire, so the test is blind to it")
    return pcap


def nothing_is_obeyed(lab):
    ns, found = lab.namespace(), []
    pcap = record(lab, ns)
    (lab.directory / "rules.txt").write_text('"/skip' + NASTY.replace("/", "~1") + '" ignore\n/id ignore\n"/never' + NASTY.replace("/", "~1") + '" ignore\n')
    common = ("-r", pcap, "-p", "8080", "-t", "http://127.0.0.1:9000", "-x", "max", "-m", "5s")
    compare = (*common, "--compare", "--rules", "rules.txt", "--slice-by", "header:x-tenant", "--show-bodies")
    outputs = [f"all.{suffix}" for suffix in ("json", "html", "md")]
    reports = [x for name in outputs for x in ("--report", name)]
    for name, args in (("text", (*common, "--log-format", "text", "-v", "--explain", "-o", "events.ndjson")),
                       ("JSON", (*common, "--log-format", "json", "--show-query", "-o", "-")),
                       ("compare", (*compare, *reports, "-o", "comparisons.ndjson", "--fail-on", "compared < 1")),
                       ("merged", ("report", "all.json", "all.json", "-o", "merged.md", "--fail-on", "mismatch > 1%")),
                       ("doctor", ("doctor", "-r", pcap, "-p", "8080", "--preset", "v2"))):
        out, err = run(lab, ns, *args, status=None)
        check(len(out + err) > 50, f"{name}: nothing was said")
        look(f"{name}, stdout", out, found)
        look(f"{name}, stderr", err, found)
        if name == "text":
            check(b"shadow_fail status 503" in err, f"no failure was logged: {err[-300:]!r}")
        if name == "compare":
            check(b"(rules.txt:1)" in err, f"what is left out is not told: {err[-600:]!r}")
    for name in (*outputs, "merged.md", "events.ndjson", "comparisons.ndjson"):
        text = look(name, (lab.directory / name).read_bytes(), found)
        check(name.startswith("events") or "predictions" in text, f"{name} does not hold what it should")
        if name.endswith(".md"):
            for markup in ("`x`", "](http://", "<b>", "@all"):
                check(markup not in re.sub(r"\\.", "", text), f"{name}: {markup} is markup")
        if name.endswith(".html"):
            tags = Tags()
            tags.feed(text)
            check("b" not in tags.seen or "&lt;b&gt;" in text, f"{name}: elements {tags.seen}")
            check("<b>@" not in text and "\\u202e" in text, f"{name}: no number where a mark was")
    check(not found, f"{len(found)} places: " + "; ".join(found[:6]))


CASES = [nothing_is_obeyed]
