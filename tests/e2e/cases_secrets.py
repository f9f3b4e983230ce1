"""cases_secrets.py - what people typed and what proves who they are is in no output, whatever is asked for

Requests carry a secret in every place that has one: query, fields, user info of
an absolute target, body; answers carry one too. Then each mode tells all that it
can, and none of the words may be in any of it. That they are on the wire, and
would be found, the recording shows.
"""
import subprocess

from lab import PYTHON, check, need_program, wait_for

PLACES = ("query", "authorization", "proxy", "cookie", "apikey", "other", "userinfo", "body", "cut", "answer")
SECRETS = [f"s3cret-{place}" for place in PLACES]

# A server whose answers differ by port, and are an error for /broken.
SERVER = r'''
import http.server, json, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps({"predictions": [[0.1, 0.9]], "note": f"s3cret-answer-{sys.argv[1]}"}).encode()
        self.send_response(503 if "broken" in self.path and sys.argv[1] != "8080" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "session=s3cret-cookie")
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
'''
CLIENT = r'''
import socket, time
fields = ("Authorization: Bearer s3cret-authorization\r\nProxy-Authorization: Basic s3cret-proxy\r\n"
          "Cookie: session=s3cret-cookie\r\nX-Api-Key: s3cret-apikey\r\nUser-Mail: s3cret-other\r\n")
body = '{"prompt": "s3cret-body"}'
s = socket.create_connection(("127.0.0.1", 8080))
for target in ("/v1/models/m:predict?key=s3cret-query", "/broken?key=s3cret-query", "/v2/repository/models/m/load?s3cret-query",
               "http://me:s3cret-userinfo@localhost/v1/models/m:predict?s3cret-query", "/v1/models/m:predict?s3cret-query#s3cret-query"):
    s.sendall(f"POST {target} HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Type: application/json\r\n"
              f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
    s.recv(65536)
    time.sleep(0.05)
s.sendall(f"POST /p?key=s3cret-query HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: 500\r\n\r\ns3cret-cut".encode())
s.close()
s = socket.create_connection(("127.0.0.1", 8080))
s.sendall(f"POST /p?key=s3cret-query HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: x s3cret-cut\r\n\r\n".encode())
s.recv(65536)
s.close()
'''


def run(lab, ns, *command, seconds=60):
    return subprocess.run(lab.inside(ns, command), cwd=lab.directory, check=False, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=seconds)


def search(name, text, found):
    for secret in SECRETS:
        at = text.find(secret)
        if at >= 0:
            found.append(f"{name}: {secret}: {text[max(at - 80, 0):at + 40]!r}")


def live(lab, ns, found, name, *options):
    """One live run that tells all it can; everything it said is searched, the recording is returned."""
    pcap = lab.directory / f"{name}.pcapng"
    pages = [lab.directory / f"{name}.{suffix}" for suffix in ("html", "md")]
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-Z", "root", "-t", "http://127.0.0.1:9000", "-t", "dead=http://127.0.0.1:1",
                       "-m", "5s", "-v", "--explain", "--stats-every", "200ms", "--admin", "127.0.0.1:9090", "-w", pcap,
                       *[x for page in pages for x in ("--report", page)], *options)
    client = run(lab, ns, PYTHON, "-c", CLIENT)
    check(client.returncode == 0, f"client: {client.stderr[-300:]}")

    def answered():
        done = run(lab, ns, "curl", "-s", "http://127.0.0.1:9090/stats")
        return '"seen":7' in done.stdout.replace(" ", "") and '"in_flight":0' in done.stdout.replace(" ", "")
    wait_for("7 requests to be seen", answered)
    for path in ("/stats", "/metrics", "/healthz"):
        done = run(lab, ns, "curl", "-s", f"http://127.0.0.1:9090{path}")
        check(len(done.stdout) > 2, f"{path} says nothing")
        search(f"{name} {path}", done.stdout, found)
    report = tap.stop()
    check(report["requests"]["complete"] == 5, f"requests: {report['requests']}")
    check(tap.err.count("shadow_fail") >= 2, "no failures were logged")
    search(f"{name} stderr", tap.err, found)
    search(f"{name} stdout", tap.out, found)
    for path in (lab.directory / f"{tap.label}.json", lab.directory / f"{tap.label}.ndjson", *pages):
        text = path.read_text()
        check(len(text) > 100, f"{path.name} is empty")
        search(f"{name} {path.name}", text, found)
    return pcap


def no_secret_in_any_output(lab):
    """Every mode, everything told, nothing of it secret."""
    need_program("curl")
    ns, found = lab.namespace(), []
    for port in (8080, 9000):
        server = lab.start(ns, PYTHON, "-c", SERVER, port, label="server")
        lab.wait_listening(ns, port, server)
    first = live(lab, ns, found, "json")
    text = live(lab, ns, found, "text", "--log-format", "text", "--match-header", "authorization: s3cret", "--allow-header", "x-*")
    live(lab, ns, found, "compare", "--compare", "--slice-by", "header:x-model")
    wire = (first.read_bytes() + text.read_bytes()).decode(errors="replace")
    missing = [s for s in SECRETS if s not in wire]
    check(not missing, f"never on the wire, so the test is blind to it: {missing}")
    doctor = lab.start(ns, lab.binary, "doctor", "-i", "lo", "-p", "8080", "-t", "http://127.0.0.1:9000", "--duration", "2s", "--json", label="doctor")
    wait_for("the doctor to watch", lambda: "watching" in doctor.err or not doctor.running())
    run(lab, ns, PYTHON, "-c", CLIENT)
    doctor.wait()
    check('"code"' in doctor.out, f"the doctor said nothing: {doctor.err[-300:]}")
    search("doctor", doctor.out + doctor.err, found)
    for name, args in (("file", ["-r", first, "-t", "sink:", "-x", "max", "-v", "--explain", "-o", "-"]),
                       ("dry run", ["-r", first, "--dry-run", "--explain", "-o", "-", "-X", "any", "--allow-side-effects"]),
                       ("not matched", ["-r", first, "--dry-run", "--explain", "-o", "-", "--match-header", "cookie: never",
                                        "--match-header", "user-mail: never"]),
                       ("doctor of a file", ["doctor", "-r", first]), ("doctor of a file, JSON", ["doctor", "-r", first, "--json"]),
                       ("a target with user info", ["-r", first, "-t", "http://me:s3cret-userinfo@127.0.0.1"]),
                       ("a target with a query", ["-r", first, "-t", "http://127.0.0.1/?k=s3cret-query"]),
                       ("a bad -H", ["-r", first, "-t", "sink:", "-H", "s3cret-other"]),
                       ("a bad value of -H", ["-r", first, "-t", "sink:", "-H", "authorization: s3cret-other\ny"])):
        done = run(lab, ns, lab.binary, *args)
        check(len(done.stdout + done.stderr) > 20, f"{name}: nothing was said")
        search(name, done.stdout + done.stderr, found)
    check(not found, f"{len(found)} places: " + "; ".join(found[:6]))


CASES = [no_secret_in_any_output]
