"""cases_tls_peers.py - TLS as programs speak it that people have: curl, Python, Node, ab, wrk, h2load, nginx, HAProxy, OpenSSL's own

What is recorded is read with the key log of one of the two ends. What reaches
the shadow must be what the clients say that they sent, and what production says
that it got.
"""
import random
import subprocess

from cases_tls_read import SERVER
from lab import PYTHON, RECORD, check, compare, mirrored, need_program, need_python
from tls_world import PORT, World, told

SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256",
          "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-CCM",
          "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA"]


def check_production(world, sent):
    """Production has got what clients say, or the truth is none."""
    compare(world.production.requests(), sent)


def tls_curl_keeps_its_connection(lab):
    """200 POSTs of curl over one connection of TLS 1.3, to nginx."""
    world, chance = World(lab), random.Random(1)
    asked = [(f"/v1/models/digits:predict?number={n}", chance.randbytes(chance.choice([2, 300, 1400, 6000]))) for n in range(200)]
    world.record()
    said = world.curl(asked, "tlsv1.3", 'tls13-ciphers = "TLS_AES_128_GCM_SHA256"')
    path, sent = world.finish_recording(), [told(*a) for a in asked]
    check(said == ["200 1.1 1"] + ["200 1.1 0"] * 199, f"curl: {set(said)}")
    check_production(world, sent)
    tap, _ = world.check_read(path, sent, 1)
    under = {(e["tls"]["version"], e["tls"]["cipher"]) for e in tap.events() if e["event"] == "request"}
    check(under == {("1.3", "TLS_AES_128_GCM_SHA256")}, f"events: {under}")


def tls_suites(lab):
    """Each suite, a body of 1 MB in chunks and a small one; those of CBC with the MAC behind and in front of encryption."""
    chance = random.Random(2)
    ciphers = ":".join(s for s in SUITES if not s.startswith("TLS_"))
    lines = (f"ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers {ciphers}:@SECLEVEL=0; "
             f"ssl_conf_command Ciphersuites {':'.join(s for s in SUITES if s.startswith('TLS_'))};")
    for then_mac in (True, False):
        world = World(lab, lines + ("" if then_mac else " ssl_conf_command Options -EncryptThenMac;"))
        sent, suites = [], SUITES if then_mac else SUITES[8:]
        world.record()
        for suite in suites:
            newer = suite.startswith("TLS_")
            bodies = [(f"/v1/models/{name}:predict?suite={suite}", chance.randbytes(size)) for name, size in (("big", 1 << 20), ("small", 2))]
            world.curl(bodies, "tlsv1.3" if newer else "tls-max = 1.2", f'{"tls13-ciphers" if newer else "ciphers"} = "{suite}"',
                       'header = "Transfer-Encoding: chunked"')
            sent += [told(*b) for b in bodies]
        path = world.finish_recording()
        check_production(world, sent)
        tap, report = world.check_read(path, sent, len(suites), "--max-body", "2M")
        check(len({e["tls"]["cipher"] for e in tap.events() if e["event"] == "request"}) == len(suites), "suites are missing in events")


def tls_clients(lab):
    """Each client that writes a key log or is given one's variable: curl, requests, httpx, aiohttp, Node; whole and in chunks."""
    need_python("requests", "httpx", "aiohttp")
    need_program("curl", "node")
    world, sent = World(lab), []
    world.record()
    for program, mode in (("curl.py", "small"), ("curl.py", "upload"), ("curl.py", "chunked"), ("library.py", "requests"),
                          ("library.py", "requests-chunked"), ("library.py", "requests-put"), ("library.py", "v2"),
                          ("library.py", "httpx"), ("library.py", "aiohttp"), ("node.js", "fetch"), ("node.js", "http")):
        sent += world.client(program, mode, 5, len(sent))
    path = world.finish_recording()
    check(len(sent) == 55, f"{len(sent)} requests")
    check_production(world, sent)
    world.check_read(path, mirrored(sent))


NODE_SERVER = r'''
const fs = require('fs'), https = require('https')
https.createServer({ key: fs.readFileSync('good.key'), cert: fs.readFileSync('good.pem') }, (request, response) => {
  request.resume()
  request.on('end', () => response.end('{}'))
}).listen(Number(process.argv[1]), '127.0.0.1')
'''


def tls_servers(lab):
    """Servers that write the key log, for clients that write none: Python's and Node's http for ab and curl; OpenSSL's s_server."""
    need_program("ab", "node", "curl")
    world, sent = World(lab), []
    world.record(9444, 9445, 9446)
    for port, command in ((9444, [PYTHON, "-c", SERVER, 9444, world.keys]),
                          (9445, ["node", f"--tls-keylog={world.keys}", "-e", NODE_SERVER, 9445])):
        server = lab.start(world.ns, *command, label="server")
        lab.wait_listening(world.ns, port, server)
        for program, mode in (("ab.py", "ab"), ("curl.py", "small")):
            sent += world.client(program, mode, 12, len(sent), f"https://127.0.0.1:{port}", logs=False)
    server = lab.start(world.ns, "openssl", "s_server", "-accept", "127.0.0.1:9446", "-cert", "good.pem", "-key", "good.key", "-keylogfile",
                       world.keys, "-WWW", label="s_server")
    lab.wait_listening(world.ns, 9446, server)
    (lab.directory / "answer").write_text("hello")
    for _ in range(3):
        said = subprocess.run(lab.inside(world.ns, ["curl", "-sk", "https://127.0.0.1:9446/answer"]), check=True, stdout=subprocess.PIPE)
        check(said.stdout == b"hello", f"s_server said {said.stdout[:80]!r}")
    path, ports = world.finish_recording(), [x for port in (9444, 9445, 9446) for x in ("-p", port)]
    _, report = world.read(path, *ports, "-X", "POST", "-X", "GET")
    gets = [r for r in world.arrived() if r["method"] == "GET"]
    compare([r for r in world.shadow.requests() if r["method"] == "POST"], sent)
    check(len(gets) == 3 and report["tls"]["read"] == report["tls"]["seen"], f"{len(gets)} of s_server, {report['tls']}")


def tls_http2(lab):
    """HTTP/2 by ALPN: curl, Node and httpx to nginx, by their own key logs; h2load to python-h2, by the server's."""
    need_python("httpx", "h2")
    need_program("node", "h2load")
    world, chance = World(lab, listen=f"listen 127.0.0.1:{PORT} ssl http2;"), random.Random(5)
    asked = [(f"/v1/models/digits:predict?number={n}", chance.randbytes(chance.choice([2, 300, 20000, 100000]))) for n in range(20)]
    server = lab.start(world.ns, PYTHON, RECORD / "h2_service.py", "--port", 9448, "--tls", "good.pem", "good.key", world.keys,
                       label="h2_service")
    lab.wait_listening(world.ns, 9448, server)
    world.record(PORT, 9448)
    said = world.curl(asked, "http2")
    check([line[:6] for line in said] == ["200 2 "] * 20, f"curl: {said[:3]}")
    sent = [told(*a) for a in asked]
    sent += world.client("http2.js", "session", 12, 100) + world.client("library.py", "httpx-h2", 6, 200)
    check_production(world, sent)
    sent += world.client("ab.py", "h2load", 16, 300, "https://127.0.0.1:9448", logs=False)
    tap, _ = world.check_read(world.finish_recording(), sent, 5, "-p", 9448, "--http-version", "1")
    check({e["version"] for e in tap.events() if e["event"] == "request"} == {"2"}, "some request is said not to be HTTP/2")


CASES = [tls_curl_keeps_its_connection, tls_suites, tls_clients, tls_servers, tls_http2]
