"""cases_tls_read.py - production speaks TLS, and the key log of its server is at hand

A server in Python that writes a key log, and clients that keep their connections
and say what they sent. What reaches the shadow must be just that, live and of a
recording; without the secrets, or with wrong ones, nothing is sent, and the last
line says what to do. No output has any of the secrets.
"""
import json
import re
import shutil
import subprocess
from pathlib import Path

from cases_privilege import pid_of
from cases_tls import make_authority, make_certificate
from lab import PYTHON, check, check_heads, compare, need_program, wait_for

PORT = 8443
CONNECTIONS, REQUESTS = 4, 12
MARK = b"all that clients sent is behind this"

SERVER = r'''
import http.server, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.send_header("Connection", "keep-alive") # for clients of HTTP/1.0
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_): pass
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("good.pem", "good.key")
context.keylog_filename = sys.argv[2]
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
'''
# CLIENT PORT VERSION CONNECTIONS REQUESTS: what was sent, a line each
CLIENT = r'''
import hashlib, http.client, json, random, ssl, sys
port, version, connections, requests = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
context = ssl.create_default_context(cafile="ca.pem")
context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
chance = random.Random(version)
for i in range(connections):
    client = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
    for k in range(requests):
        body = chance.randbytes(chance.choice([1, 40, 700, 5000, 16384, 40000]))
        target = f"/v1/models/m{i}:predict?of={version}&number={k}"
        client.request("POST", target, body, {"Content-Type": "application/octet-stream"})
        client.getresponse().read()
        print(json.dumps({"method": "POST", "target": target, "content_type": "application/octet-stream", "complete": True,
                          "body_len": len(body), "body_sha256": hashlib.sha256(body).hexdigest()}))
    client.close()
'''


def serve(lab):
    need_program("openssl", "tcpdump")
    ns = lab.namespace()
    make_authority(lab)
    make_certificate(lab, "good", "IP:127.0.0.1")
    keys = lab.directory / "keys.log"
    keys.touch(0o600)
    server = lab.start(ns, PYTHON, "-c", SERVER, PORT, keys, label="server")
    lab.wait_listening(ns, PORT, server)
    return ns, keys


def load(lab, ns, version):
    done = subprocess.run(lab.inside(ns, [PYTHON, "-c", CLIENT, PORT, version, CONNECTIONS, REQUESTS]), cwd=lab.directory, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    check(done.returncode == 0, f"client: {done.stderr[-300:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def record(lab, ns):
    """Recording of both versions, and what was sent."""
    path = lab.directory / "recorded.pcap"
    recorder = lab.start(ns, "tcpdump", "-i", "lo", "-U", "-B", "16384", "-s", "0", "-w", path, f"tcp port {PORT} or udp port 9",
                         label="tcpdump")
    wait_for("tcpdump", lambda: "listening on" in recorder.err)
    sent = load(lab, ns, "TLSv1_3") + load(lab, ns, "TLSv1_2")
    subprocess.run(lab.inside(ns, [PYTHON, "-c", "import socket; socket.socket(type=socket.SOCK_DGRAM)"
                                                 f".sendto({MARK!r}, ('127.0.0.1', 9))"]), check=True)
    wait_for("the recording", lambda: MARK in path.read_bytes())
    recorder.end()
    return path, sent


def secrets_of(keys, least=2 * CONNECTIONS):
    """Each secret as it may be found: digits of both cases, and bytes."""
    found = re.findall(r"^\w+ [0-9a-f]{64} ([0-9a-f]+)$", keys.read_text(), re.MULTILINE)
    check(len(found) >= least, f"only {len(found)} secrets in the key log")
    return {form for s in found for form in (s.encode(), s.upper().encode(), bytes.fromhex(s))}


def check_no_secret(lab, keys, known, least=2 * CONNECTIONS):
    """In no file of the case but the key logs themselves."""
    secrets, looked = secrets_of(keys, least), 0
    for path in sorted(p for p in lab.directory.iterdir() if p.is_file() and p not in known):
        content = path.read_bytes()
        looked += len(content) > 0
        check(not any(s in content for s in secrets), f"a secret of TLS is in {path.name}")
    check(looked >= 6, f"only {looked} outputs to look at")


def check_memory(pid, keys):
    """Of a running tap: its secrets are in memory that is locked and in no core dump, and nowhere else."""
    secrets, found, at, mappings = secrets_of(keys, 2), {True: 0, False: 0}, None, []
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        head = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            at = [int(x, 16) for x in head.groups()] if head else None
        elif at and line.startswith("VmFlags:"):
            mappings.append((*at, {"lo", "dd"} <= set(line.split())))
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as f:
        for begin, end, is_kept in mappings:
            f.seek(begin)
            content = f.read(end - begin)
            found[is_kept] += sum(content.count(s) for s in secrets)
    check(found[True] >= 4 and found[False] == 0, f"secrets in memory that is locked {found[True]} times, elsewhere {found[False]}")


def replay(lab, ns, path, *args):
    pages = [x for kind in ("html", "md") for x in ("--report", lab.directory / f"{lab.label('page')}.{kind}")]
    tap = lab.tap(ns, "-r", path, "-p", PORT, "-x", "max", "-t", "http://127.0.0.1:9000", "-m", "10s", "-v", "--explain", *pages, *args)
    return tap, tap.finish()


def tls_is_read(lab):
    """Of a recording: all that clients sent in both versions, once; its events say in which, and no output has a secret."""
    ns, keys = serve(lab)
    shadow = lab.shadow(ns)
    path, sent = record(lab, ns)
    tap, report = replay(lab, ns, path, "--keylog", keys, "-w", lab.directory / "written.pcapng")
    compare(shadow.requests(), sent)
    check_heads(shadow.requests(), "127.0.0.1:9000")
    check(report["tls"]["read"] == report["tls"]["seen"] == 2 * CONNECTIONS, f"{report['tls']}")
    versions = [e["tls"]["version"] for e in tap.events() if e["event"] == "request"]
    check(sorted(versions) == sorted(["1.2", "1.3"] * CONNECTIONS * REQUESTS), f"versions: {set(versions)}")
    check_no_secret(lab, keys, {keys})


def tls_with_other_secrets(lab):
    """None, those of other connections, wrong ones: nothing is sent, nothing is made up, and the last line has the cure."""
    ns, keys = serve(lab)
    shadow = lab.shadow(ns)
    path, _ = record(lab, ns)
    wrong, others = lab.directory / "wrong.log", lab.directory / "others.log"
    lines = [line.split() for line in keys.read_text().splitlines() if re.match(r"\w+ ", line)]
    wrong.write_text("".join(f"{label} {of} {secret[::-1]}\n" for label, of, secret in lines))
    others.write_text("".join(f"{label} {of[::-1]} {secret}\n" for label, of, secret in lines))
    for args, misfit, said in (([], 0, "connections are TLS, which a passive tap cannot read"),
                               (["--keylog", others], 0, "had no secret in time"),
                               (["--keylog", wrong], 2 * CONNECTIONS, "have secrets in the key log that open nothing")):
        tap, report = replay(lab, ns, path, *args)
        check(said in tap.err.strip().splitlines()[-1], f"{args}: {tap.err.strip().splitlines()[-1]!r}")
        check(report["requests"]["seen"] == 0, f"{args}: {report['requests']}")
        check(report["tls"]["no_keys"] == (2 * CONNECTIONS if args else 0) and report["tls"]["misfit"] == misfit, f"{report['tls']}")
    check(not shadow.requests(), "a request was made of what could not be read")
    check_no_secret(lab, keys, {keys, wrong, others})


def tls_is_read_live(lab):
    """As it comes, with secrets that come with it; requests that were TLS leave this host as such, or not at all."""
    ns, keys = serve(lab)
    shadow = lab.shadow(ns)
    tap = lab.live_tap(ns, "-i", "lo", "-p", PORT, "--keylog", keys, "-Z", "root", "-t", "http://127.0.0.1:9000",
                       "-t", "far=http://192.0.2.1:9000", "-m", "10s", "-v", "--explain", "-w", lab.directory / "written.pcapng")
    sent = load(lab, ns, "TLSv1_3") + load(lab, ns, "TLSv1_2")
    wait_for("all requests", lambda: len(shadow.entries("request")) >= len(sent))
    report = tap.stop()
    compare(shadow.requests(), sent)
    check(report["tls"]["read"] == report["tls"]["seen"] == 2 * CONNECTIONS, f"{report['tls']}")
    far = report["targets"]["far"]
    check(far["shed"]["plain"] == len(sent) and far["sent"] == 0, f"{far}")
    check_no_secret(lab, keys, {keys})


def tls_keys_come_late(lab):
    """Secrets that come when all was said, but in time: nothing is missing, and it is told by how much they were late."""
    ns, keys = serve(lab)
    shadow, late = lab.shadow(ns), lab.directory / "late.log"
    late.touch(0o600)
    page, text = lab.directory / "late.html", lab.directory / "late.md"
    tap = lab.live_tap(ns, "-i", "lo", "-p", PORT, "--keylog", late, "--keylog-wait", "5m", "-t", "http://127.0.0.1:9000", "-m", "10s", "-Z",
                       "root", "--report", page, "--report", text,
                       "-v", "--explain", "-w", lab.directory / "written.pcapng")
    sent = load(lab, ns, "TLSv1_3") + load(lab, ns, "TLSv1_2")
    check(not shadow.requests(), "requests were read before their secrets were known")
    late.write_bytes(keys.read_bytes())
    wait_for("all requests", lambda: len(shadow.entries("request")) >= len(sent))
    report = tap.stop()
    compare(shadow.requests(), sent)
    told = report["tls"]["late_us"]
    check(report["tls"]["read"] == told["count"] == 2 * CONNECTIONS and 0 < told["p50"] <= told["max"] <= told["sum"], f"{report['tls']}")
    check(f"tls: keys came after the data in {2 * CONNECTIONS} connections, by p50 " in tap.err, f"{tap.err[-900:]}")
    check(f"Secrets of TLS came after the data in {2 * CONNECTIONS} connections" in page.read_text(), "nothing of late keys on the page")
    check_no_secret(lab, keys, {keys, late})


def without_server_hellos(path, out):
    """A copy of a recording (pcap, Ethernet, IPv4) without the segments that begin with a ServerHello; how many there were."""
    data, lost = path.read_bytes(), 0
    with open(out, "wb") as f:
        f.write(data[:24])
        at = 24
        while at < len(data):
            end = at + 16 + int.from_bytes(data[at + 8:at + 12], "little")
            tcp = data[at + 16 + 14 + 20:end]
            payload = tcp[(tcp[12] >> 4) * 4:] if data[at + 16 + 14 + 9] == 6 else b""
            if payload[:2] == b"\x16\x03" and payload[5:6] == b"\x02":
                lost += 1
            else:
                f.write(data[at:end])
            at = end
    return lost


def tls_without_server_hello(lab):
    """Lost in a gap: TLS 1.3 is read as if it were there, to the suite's name; of 1.2 a part of the keys is lost with it."""
    ns, keys = serve(lab)
    shadow = lab.shadow(ns)
    path, sent = record(lab, ns)
    cut = lab.directory / "cut.pcap"
    check(without_server_hellos(path, cut) == 2 * CONNECTIONS, "not each connection had a ServerHello in a segment of its own")
    tap, report = replay(lab, ns, cut, "--keylog", keys, "-w", lab.directory / "written.pcapng")
    compare(shadow.requests(), [r for r in sent if "TLSv1_3" in r["target"]])
    check(report["tls"]["read"] == report["tls"]["lost"] == CONNECTIONS and report["tls"]["seen"] == 2 * CONNECTIONS, f"{report['tls']}")
    ciphers = {e["tls"]["cipher"] for e in tap.events() if e["event"] == "request"}
    check(ciphers == {"TLS_AES_256_GCM_SHA384"}, f"ciphers: {ciphers}")
    check_no_secret(lab, keys, {keys})


def of_tshark(path):
    """What it makes of the recording by itself: the requests' targets."""
    done = subprocess.run(["tshark", "-r", path, "-d", f"tcp.port=={PORT},tls", "-Y", "http.request", "-T", "fields", "-e", "http.request.uri"],
                          check=False, capture_output=True, text=True, timeout=60)
    check(done.returncode == 0, f"tshark: {done.stderr[-300:]}")
    return done.stdout.split()


def tls_secrets_are_written(lab):
    """--write-secrets: the recording opens by itself, for us and for tshark, and has the secrets of chosen connections alone."""
    ns, keys = serve(lab)
    shadow = lab.shadow(ns)
    path, sent = record(lab, ns)
    written = lab.directory / "written.pcapng"
    tap, _ = replay(lab, ns, path, "--keylog", keys, "-w", written, "--write-secrets", "--path", "/m[12]:")
    chosen = [r for r in sent if re.search("/m[12]:", r["target"])]
    compare(shadow.requests(), chosen)
    check("whoever has" in tap.err, "nothing was said of what that means")
    check(written.stat().st_mode & 0o077 == 0, "others can read the recording")
    content = written.read_bytes()
    secrets = re.findall(rb"(CLIENT_RANDOM|CLIENT_TRAFFIC_SECRET_0) ([0-9a-f]{64}) ([0-9a-f]+)$", content, re.MULTILINE)
    check(len(secrets) == 4 and len({random for _, random, _ in secrets}) == 4, f"{len(secrets)} connections' secrets")
    before = len(shadow.requests())
    tap, report = replay(lab, ns, written)
    compare(shadow.requests()[before:], chosen)
    check(report["tls"]["read"] == report["tls"]["seen"] == 4, f"{report['tls']}")
    if shutil.which("tshark"):
        check(sorted(of_tshark(written)) == sorted(r["target"] for r in chosen), f"tshark: {len(of_tshark(written))} of {len(chosen)}")
    check_no_secret(lab, keys, {keys, written})
    without = subprocess.run([lab.binary, "-r", path, "-t", "sink:", "--keylog", keys, "--write-secrets"], check=False, capture_output=True, text=True)
    check(without.returncode == 2 and "name its file with -w" in without.stderr, f"without -w: {without.returncode}, {without.stderr}")


# CLIENT PORT VERSION: one connection; a numbered request for each line of stdin, which is answered by its number
ASKED = r'''
import http.client, ssl, sys
context = ssl.create_default_context(cafile="ca.pem")
context.minimum_version = context.maximum_version = ssl.TLSVersion[sys.argv[2]]
client = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]), context=context, timeout=60)
for number, _ in enumerate(sys.stdin):
    client.request("POST", f"/{sys.argv[2]}/{number}", b"x" * number * 100)
    client.getresponse().read()
    print(number, flush=True)
'''


def stats(lab, ns):
    done = subprocess.run(lab.inside(ns, ["curl", "-s", "http://127.0.0.1:9090/stats"]), check=False, capture_output=True, text=True)
    return json.loads(done.stdout)


def tls_keys_come_after_wait(lab):
    """Secrets that come when nothing waits for them any more: from then on each request is there, in both versions."""
    need_program("curl")
    ns, keys = serve(lab)
    shadow, late = lab.shadow(ns), lab.directory / "late.log"
    late.touch(0o600)
    tap = lab.live_tap(ns, "-i", "lo", "-p", PORT, "--keylog", late, "--keylog-wait", "50ms", "-t", "http://127.0.0.1:9000", "-m", "10s", "-Z",
                       "root", "-v", "--explain", "--admin", "127.0.0.1:9090", "-w", lab.directory / "written.pcapng")
    clients = {}
    for version in ("TLSv1_3", "TLSv1_2"):
        clients[version] = subprocess.Popen(lab.inside(ns, [PYTHON, "-c", ASKED, PORT, version]), cwd=lab.directory,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        def ask(version):
            clients[version].stdin.write("\n")
            clients[version].stdin.flush()
            return int(clients[version].stdout.readline())
        for version in clients:
            for _ in range(5):
                last = ask(version)
        wait_for("both to be given up", lambda: stats(lab, ns)["tls"]["no_keys"] == 2)
        check(not shadow.requests(), "requests were read without secrets")
        late.write_bytes(keys.read_bytes())

        def seen():
            return {v: [r["target"] for r in shadow.requests() if v in r["target"]] for v in clients}
        for version in clients: # the log is looked at now and then
            while not seen()[version]:
                last = ask(version)
            for _ in range(5):
                last = ask(version)
            wait_for("the last", lambda: f"/{version}/{last}" in seen()[version])
            numbers = [int(target.split("/")[-1]) for target in seen()[version]]
            check(numbers == list(range(numbers[0], last + 1)) and numbers[0] >= 5, f"{version}: {numbers} of up to {last}")
        check_memory(pid_of(tap), keys)
    finally:
        for client in clients.values():
            client.stdin.close()
            client.wait()
    for page in ("stats", "metrics", "healthz"):
        done = subprocess.run(lab.inside(ns, ["curl", "-s", f"http://127.0.0.1:9090/{page}"]), check=False, capture_output=True)
        (lab.directory / f"admin-{page}.txt").write_bytes(done.stdout)
    check(b"shadowtap_tls_keys_late_seconds_count 0" in (lab.directory / "admin-metrics.txt").read_bytes(), "nothing of late keys in /metrics")
    report = tap.stop()
    check(report["tls"]["after_wait"] == report["tls"]["read"] == report["tls"]["seen"] == 2, f"{report['tls']}")
    check("2 of 2 connections with TLS had their secrets only when these were not waited for any more" in tap.err, f"{tap.err[-900:]}")
    check(all(len(r["body"]) * 3 // 4 >= int(r["target"].split("/")[-1]) * 100 for r in shadow.requests()), "a body is cut")
    check_no_secret(lab, keys, {keys, late}, 2)


def tls_is_joined(lab):
    """Connections that were there before: with --tls-join each of their requests from then on is sent and compared, in TLS 1.3 alone."""
    ns, keys = serve(lab)
    shadow = lab.shadow(ns)
    load(lab, ns, "TLSv1_3")  # whose secrets no connection has, either
    clients = [(version, subprocess.Popen(lab.inside(ns, [PYTHON, "-c", ASKED, PORT, version]), cwd=lab.directory,
                                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
               for version in ("TLSv1_3", "TLSv1_3", "TLSv1_2")]
    try:
        def ask(client):
            client.stdin.write("\n")
            client.stdin.flush()
            return int(client.stdout.readline())
        for count, (_, client) in enumerate(clients):
            for _ in range(5 + 50 * count):
                ask(client)
        tap = lab.live_tap(ns, "-i", "lo", "-p", PORT, "--keylog", keys, "--keylog-wait", "5m", "--tls-join", "1000", "-t", "http://127.0.0.1:9000",
                           "-m", "10s", "-Z", "root", "-v", "--explain", "--compare", "-w", lab.directory / "written.pcapng")
        for _, client in clients:
            for _ in range(5):
                ask(client)
        expected = sorted(f"/TLSv1_3/{n}" for first in (5, 55) for n in range(first, first + 5))
        wait_for("the requests of both", lambda: len(shadow.requests()) == len(expected))
        load(lab, ns, "TLSv1_3")
        wait_for("the others", lambda: len(shadow.requests()) == len(expected) + CONNECTIONS * REQUESTS)
    finally:
        for _, client in clients:
            client.stdin.close()
            client.wait()
    report = tap.stop()
    joined = [r for r in shadow.requests() if r["target"].startswith("/TLSv1")]
    check(sorted(r["target"] for r in joined) == expected, f"{[r['target'] for r in joined]}")
    check(all(len(r["body"]) * 3 // 4 >= int(r["target"].split("/")[-1]) * 100 for r in joined), "a body is cut")
    fates = report["tls"]
    check(fates["joined"] == 2 and fates["read"] == 2 + CONNECTIONS and fates["midstream"] == 1 and fates["seen"] == 3 + CONNECTIONS, f"{fates}")
    compared = report["comparison"]["targets"]["default"]
    check(compared["pairs"] == len(shadow.requests()), f"{compared}")
    check_no_secret(lab, keys, {keys}, 2 * CONNECTIONS + 3)


def doctor_reads_tls(lab):
    """With the key log, without, with others', wrong, none, and one that everybody can read: each has its finding, and no secret is in any."""
    ns, keys = serve(lab)
    path, _ = record(lab, ns)
    wrong, others, empty = (lab.directory / f"{name}.log" for name in ("wrong", "others", "empty"))
    lines = [line.split() for line in keys.read_text().splitlines() if re.match(r"\w+ ", line)]
    wrong.write_text("".join(f"{label} {of} {secret[::-1]}\n" for label, of, secret in lines))
    others.write_text("".join(f"{label} {of[::-1]} {secret}\n" for label, of, secret in lines))
    empty.write_text("")
    for log in (wrong, others, empty):
        log.chmod(0o600)
    shared = lab.directory / "shared.log"
    shared.write_bytes(keys.read_bytes())
    shared.chmod(0o644)
    rows = ((None, False, {"tls": "run with a key log"}),
            (keys, True, {"tls_read": f"{2 * CONNECTIONS} of {2 * CONNECTIONS} connections", "keylog": "secrets of clients with TLS 1.3"}),
            (others, False, {"tls_no_keys": "--file-flush-interval-msec 100"}),
            (wrong, False, {"tls_misfit": "open nothing"}),
            (empty, False, {"keylog_empty": "has no secret", "tls": "A passive tap cannot read TLS"}),
            (lab.directory / "nowhere.log", False, {"keylog_unreadable": "No such file"}),
            (shared, True, {"keylog_shared": "every user of this host", "tls_read": "were read"}))
    for log, works, findings in rows:
        for form in ("--json", None):
            done = subprocess.run([lab.binary, "doctor", "-r", path, "-p", str(PORT), "-t", "sink:", *(["--keylog", log] if log else []),
                                   *([form] if form else [])], check=False, capture_output=True, text=True, timeout=60)
            (lab.directory / f"{lab.label('doctor')}.txt").write_text(done.stdout + done.stderr)
            check(done.returncode == (0 if works else 1), f"{log}: exit {done.returncode}: {done.stdout}")
            if form:
                said = {f["code"]: f["text"] + " " + f["try"] for f in json.loads(done.stdout)["findings"]}
                for code, words in findings.items():
                    check(words in said.get(code, ""), f"{log}: {code}: {said}")
            else:
                check(all(words in done.stdout for words in findings.values()), f"{log}: {done.stdout}")
    check_no_secret(lab, keys, {keys, wrong, others, shared})


def doctor_reads_tls_live(lab):
    """As the log grows; and secrets that come when all was said, but in time, are told of as that."""
    ns, keys = serve(lab)
    late = lab.directory / "late.log"
    late.touch(0o600)
    for log in (keys, late):
        doctor = lab.start(ns, lab.binary, "doctor", "--json", "-i", "lo", "-p", PORT, "--keylog", log, "--keylog-wait", "5m", "-Z", "root", "-t", "sink:",
                           "--duration", "10s", label="doctor")
        wait_for("the doctor to watch", lambda: "watching" in doctor.err or not doctor.running())
        load(lab, ns, "TLSv1_3")
        if log == late:
            late.write_bytes(keys.read_bytes())
        status = doctor.wait()
        found = {f["code"]: f["text"] for f in json.loads(doctor.out)["findings"]}
        (lab.directory / f"{lab.label('doctor')}.txt").write_text(doctor.out + doctor.err)
        check(status == 0 and f"{CONNECTIONS} of {CONNECTIONS} connections with TLS were read" in found.get("tls_read", ""), f"{log}: {found}")
        check(log == keys or f"keys came after the data in {CONNECTIONS} of them" in found["tls_read"], f"{log}: {found}")
        check("secrets of clients with TLS 1.3" in found["keylog"], f"{found}")
    check_no_secret(lab, keys, {keys, late}, 1)


CASES = [tls_is_read, tls_with_other_secrets, tls_is_read_live, tls_keys_come_late, tls_keys_come_after_wait, tls_is_joined,
         tls_without_server_hello, tls_secrets_are_written, doctor_reads_tls, doctor_reads_tls_live]
