"""cases_tls_wire.py - what happens to TLS on the wire: sessions, early data, new keys, odd hellos, lost and shuffled segments, other suites

Recorded between real programs. Where a recording is damaged, the client's own
clock says which request each lost segment was of: all others must be read.
"""
import copy
import json
import random

from answers import CASES as ASKED
from cases_tls import make_certificate
from lab import HERE, PYTHON, check, compare, wait_for
from tls_world import BEHIND, PORT, Pcap, World, post, told

HELLO_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891")  # RFC 8446, 4.1.3: the random begins so

# CLIENT VERSION CONNECTIONS REQUESTS: what was sent, and when, a line each
TIMED = r'''
import hashlib, http.client, json, random, ssl, sys, time
version, connections, requests = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
context = ssl.create_default_context()
context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
chance = random.Random(version)
for i in range(connections):
    client = http.client.HTTPSConnection("127.0.0.1", 9443, context=context, timeout=20)
    client.connect()
    for k in range(requests):
        body = chance.randbytes(chance.choice([1, 300, 2000, 9000]))
        target = f"/v1/models/m{i}:predict?of={version}&number={k}"
        begun = time.time()
        client.request("POST", target, body, {"Content-Type": "application/octet-stream"})
        client.getresponse().read()
        print(json.dumps({"method": "POST", "target": target, "content_type": "application/octet-stream", "complete": True,
                          "body_len": len(body), "body_sha256": hashlib.sha256(body).hexdigest(), "begun": begun, "ended": time.time()}))
    client.close()
'''
# CLIENT VERSION: four connections, each with the session of the one before; is it taken up? what was sent
AGAIN = r'''
import hashlib, json, socket, ssl, sys
context, session = ssl.create_default_context(), None
context.minimum_version = context.maximum_version = ssl.TLSVersion[sys.argv[1]]
for i in range(4):
    with context.wrap_socket(socket.create_connection(("127.0.0.1", 9443)), server_hostname="models.test", session=session) as s:
        for k in range(3):
            body = b"x" * (10 + i)
            target = f"/v1/models/m{i}:predict?number={k}"
            s.sendall(f"POST {target} HTTP/1.1\r\nHost: h\r\nContent-Type: a/b\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            while b"predictions" not in s.recv(65536): pass
            print(json.dumps({"method": "POST", "target": target, "content_type": "a/b", "complete": True, "reused": s.session_reused,
                              "body_len": len(body), "body_sha256": hashlib.sha256(body).hexdigest()}))
        session = s.session
'''
# A ClientHello of several segments; then a record for each byte, and an end that is said but not by FIN
ODD = r'''
import socket, ssl
context = ssl.create_default_context()
context.set_alpn_protocols(["http/1.1"] + [f"{n:0200}" for n in range(20)])
raw = socket.create_connection(("127.0.0.1", 9443))
raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
s = context.wrap_socket(raw, server_hostname="models.test")
for byte in b"POST /v1/models/odd:predict HTTP/1.1\r\nHost: h\r\nContent-Type: a/b\r\nContent-Length: 4\r\n\r\nbody":
    s.send(bytes([byte]))
while b"predictions" not in s.recv(65536): pass
s.unwrap()
'''


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def python(world, code, *args):
    return lines(world.python(code, *args))


def tls_sessions_are_taken_up(lab):
    """By session id and by ticket in TLS 1.2, by ticket in TLS 1.3."""
    for version, server in (("TLSv1_2", "ssl_session_tickets off; ssl_session_cache shared:s:1m;"), ("TLSv1_2", "ssl_session_cache off;"),
                            ("TLSv1_3", "ssl_session_cache off;")):
        world = World(lab, f"ssl_protocols TLSv1.2 TLSv1.3; {server}")
        world.record()
        sent = python(world, AGAIN, version)
        path = world.finish_recording()
        check([s["reused"] for s in sent] == [False] * 3 + [True] * 9, f"{version} {server}: {[s['reused'] for s in sent]}")
        world.check_read(path, sent, 4)


def tls_early_data(lab):
    """What a client says in its first flight: taken by the server, and read with its secret only; refused, and read when it comes again."""
    world = World(lab, "ssl_protocols TLSv1.3; ssl_early_data on;")
    early, body = "/v1/models/early:predict", random.Random(3).randbytes(3000)
    (lab.directory / "early").write_bytes(post(early, body))
    world.record()
    client = world.s_client("-tls1_3", "-sess_out", "session")
    sent = [client.ask("/v1/models/first:predict", b"first")]
    client.finish()
    for taken in (True, False):
        if not taken:
            world.start_front()
        client = world.s_client("-tls1_3", "-sess_in", "session", "-early_data", "early")
        if taken:
            wait_for("the answer to early data", lambda: client.answers() == 1)
            sent.append(told(early, body))
        else:
            sent.append(client.ask(early, body))
        sent.append(client.ask("/v1/models/behind:predict", b"behind"))
        client.finish()
        check(f"Early data was {'accepted' if taken else 'rejected'}" in client.out, f"taken {taken}: {client.out[-900:]}")
    path = world.finish_recording()
    compare(world.production.requests(), sent)
    world.check_read(path, sent, 3)
    without = lab.directory / "without.log"
    without.write_text("".join(x for x in world.keys.read_text().splitlines(True) if not x.startswith("CLIENT_EARLY")))
    _, report = world.read(path, keys=without)
    compare(world.arrived(), [x for i, x in enumerate(sent) if i != 1])
    check(report["tls"]["read"] == 3, f"{report['tls']}")


def tls_new_keys(lab):
    """KeyUpdates of the client alone (k) and of both (K) between requests, in padded records; and with the segments around one lost."""
    world, sent, updates = World(lab), [], []
    world.record()
    client = world.s_client("-tls1_3", "-record_padding", "512")
    for n in range(12):
        sent.append(client.ask(f"/v1/models/m:predict?number={n}", b"x" * (n * 97)))
        if n % 3 == 2:
            before = client.err.count("KEYUPDATE")
            client.say(b"kK"[n // 3 % 2:][:1] + b"\n")
            wait_for("new keys", lambda: client.err.count("KEYUPDATE") > before)
            updates.append(n)
    client.finish()
    path = world.finish_recording()
    check(len(updates) == 4, f"{updates}")
    world.check_read(path, sent, 1)
    damaged = Pcap(path)
    mine = [p for p in damaged.packets if p.is_from_client()]
    records = [p for p in mine if p.data[:1] == b"\x17"]
    lost = records[-6:-4]  # the update behind the 9th request, and the 10th
    check(len(records) >= 17, f"{len(records)} records of the client")
    damaged.packets = [p for p in damaged.packets if p not in lost]
    _, report = world.read(damaged.write(lab.directory / "damaged.pcap"))
    compare(world.arrived(), [x for i, x in enumerate(sent) if i != 9])
    check(report["tls"]["refound"] == 1, f"{report['tls']}")


def tls_odd_hellos(lab):
    """A HelloRetryRequest, a ClientHello of three segments, a client's certificate, a record for each byte."""
    world = World(lab, "ssl_protocols TLSv1.3; ssl_ecdh_curve secp384r1;")
    world.record()
    asked = [(f"/v1/models/m:predict?number={n}", b"again") for n in range(3)]
    world.curl(asked)
    world.python(ODD)
    path, sent = world.finish_recording(), [told(*a) for a in asked] + [told("/v1/models/odd:predict", b"body", "a/b")]
    check(HELLO_RETRY in path.read_bytes(), "the server did not ask again")
    mine = [p for p in Pcap(path).packets if p.is_from_client()]
    check(sum(len(p.data) > 1400 for p in mine) >= 2 * 2, "the big ClientHello is in one segment")
    world.check_read(path, sent, 2)

    make_certificate(lab, "client", "DNS:client")
    for version in "12", "13":
        world = World(lab, f"ssl_protocols TLSv1.2 TLSv1.3; ssl_client_certificate {lab.directory}/ca.pem; ssl_verify_client on;")
        make_certificate(lab, "client", "DNS:client")
        world.record()
        world.curl(asked, f"tls-max = 1.{version[1]}", 'cert = "client.pem"', 'key = "client.key"')
        world.check_read(world.finish_recording(), [told(*a) for a in asked], 1)


def damage(path, out, choose):
    """A copy of @path without the client's segments that @choose picks of those within requests; these."""
    pcap = Pcap(path)
    lost = choose([p for p in pcap.packets if p.is_from_client()])
    pcap.packets = [p for p in pcap.packets if p not in lost]
    pcap.write(out)
    return lost


def tls_with_loss(lab):
    """Segments that were not captured cost the requests that they were of, and no other; in another order, or twice, they cost none."""
    for version in ("TLSv1_3", "TLSv1_2"):
        world, chance = World(lab), random.Random(version)
        world.record()
        sent = python(world, TIMED, version, 6, 40)
        path = world.finish_recording()
        world.check_read(path, sent, 6)

        def is_of(p, s):
            return s["begun"] - 1e-6 <= p.at <= s["ended"]

        def within(packets):
            return [p for p in packets if any(is_of(p, s) for s in sent)]

        for share in (0, 0.01, 0.1):
            pick = (lambda p: [within(p)[77]]) if not share else (lambda p: [x for x in within(p) if chance.random() < share])
            lost = damage(path, lab.directory / "damaged.pcap", pick)
            touched = [s for s in sent if any(is_of(p, s) for p in lost)]
            check(lost and len(touched) < len(sent), f"{len(lost)} lost")
            _, report = world.check_read(lab.directory / "damaged.pcap", sent, 6, must=[s for s in sent if s not in touched])
            check(report["tls"]["refound"] > 0 or not share, f"{report['tls']}")  # within a record it is known where the next begins

        shuffled = Pcap(path)
        for i in reversed(range(len(shuffled.packets))):
            if shuffled.packets[i].is_from_client() and chance.random() < 0.1:
                shuffled.packets.insert(i + chance.randrange(1, 4), copy.copy(shuffled.packets[i]))
        for a, b in zip(shuffled.packets, shuffled.packets[1:]):
            if a.is_from_client() and b.is_from_client() and chance.random() < 0.3:
                a.trade(b)
        world.check_read(shuffled.write(lab.directory / "shuffled.pcap"), sent, 6)


ASK = r'''
import http.client, json, ssl, sys
sys.path.insert(0, sys.argv[1])
from answers import CASES, JSON
client = http.client.HTTPSConnection("127.0.0.1", 9443, context=ssl.create_default_context(), timeout=10)
for number in range(3):
    for case in CASES:
        client.request("POST", "/v1/models/m:predict", json.dumps({"case": case, "number": number}), {"Content-Type": JSON})
        client.getresponse().read()
client.close()
'''


def tls_is_compared(lab):
    """One recording of what nginx got over TLS and of what it passed on: comparing gives the same verdicts of either."""
    world = World(lab)
    for role, port in (("production", BEHIND + 10), ("shadow", BEHIND + 11)):
        process = lab.start(world.ns, PYTHON, HERE / "answers.py", "serve", role, port, label=role)
        lab.wait_listening(world.ns, port, process)
    conf = next(lab.directory.glob("nginx*/nginx.conf"))
    conf.write_text(conf.read_text().replace(f"proxy_pass http://127.0.0.1:{BEHIND};", f"proxy_pass http://127.0.0.1:{BEHIND + 10};"))
    world.front.end()
    world.front = lab.start(world.ns, "nginx", "-p", conf.parent, "-c", conf, label="nginx")
    lab.wait_listening(world.ns, PORT, world.front)
    world.record(PORT, BEHIND + 10)
    world.python(ASK, HERE)
    path, told_of = world.finish_recording(), []
    for port in (PORT, BEHIND + 10):
        tap = lab.tap(world.ns, "-r", path, "-p", port, "-x", "max", "--keylog", world.keys, "--compare", "--max-answer", "64K", "-t",
                      f"http://127.0.0.1:{BEHIND + 11}", "-m", "10s")
        told_of.append(tap.finish()["comparison"]["targets"]["default"])
    check(told_of[0]["pairs"] == 3 * len(ASKED), f"{told_of[0]['pairs']} pairs")
    for name in ("verdicts", "not_comparable", "mismatch"):
        check(told_of[0][name] == told_of[1][name], f"{name}: over TLS {told_of[0][name]}, plain {told_of[1][name]}")


def tls_is_too_old(lab):
    """TLS 1.1, and suites that are not read: nothing is sent, and they are counted by that name."""
    world = World(lab, "ssl_protocols TLSv1.1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0;")
    world.record()
    for options in (("tls-max = 1.1", 'ciphers = "DEFAULT:@SECLEVEL=0"'), ("tls-max = 1.2", 'ciphers = "ECDHE-ECDSA-CAMELLIA128-SHA256"'),
                    ("tls-max = 1.2", 'ciphers = "ECDHE-ECDSA-ARIA128-GCM-SHA256"')):
        world.curl([("/v1/models/m:predict", b"{}")] * 2, *options)
    tap, report = world.read(world.finish_recording())
    check(not world.arrived() and report["tls"]["unsupported"] == report["tls"]["seen"] == 3, f"{report['tls']}")
    for suite in ("1 of TLS 1.1", "1 of TLS 1.2 with 0xc072 (TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_CBC_SHA256)",
                  "1 of TLS 1.2 with 0xc05c (TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256)"):
        check(suite in tap.err, f"nothing of {suite}: {tap.err[-600:]}")


CASES = [tls_sessions_are_taken_up, tls_early_data, tls_new_keys, tls_odd_hellos, tls_with_loss, tls_is_compared, tls_is_too_old]
