"""cases_live.py - live capture: real clients, a real service, and what arrives at the shadow"""
import collections
import json
import re
import signal
import subprocess
import time

from lab import (HERE, PYTHON, RECORD, Failed, Skip, arrived_key, check, check_events, check_heads, compare, fields_of,
                 mirrored, need_program, need_python, wait_for)

BASE = "http://127.0.0.1:8080"
SHADOW = "http://127.0.0.1:9000"

# Who sends what in the big live cases: program, mode, count, number of the first body.
CLIENTS = [
    ("curl.py", "small", 6, 0), ("curl.py", "upload", 2, 10), ("curl.py", "chunked", 3, 20),
    ("curl.py", "get", 2, 0), ("curl.py", "head", 1, 0),
    ("library.py", "requests", 25, 100), ("library.py", "requests-chunked", 5, 200),
    ("library.py", "requests-put", 6, 300), ("library.py", "v2", 12, 400), ("library.py", "chat", 6, 500),
    ("library.py", "httpx", 6, 600), ("library.py", "aiohttp", 30, 700), ("library.py", "probes", 8, 0),
    ("library.py", "load", 2, 0), ("raw.py", "pipelined", 12, 800), ("raw.py", "split", 2, 900),
    ("raw.py", "chunked", 2, 950), ("raw.py", "early", 1, 970),
]


def drive(lab, namespace, base, clients):
    """Run clients one after another; all that they sent."""
    return [entry for program, mode, count, first in clients
            for entry in lab.client(namespace, program, mode, base, count, first)]


def settled(shadow, count):
    """Wait until the shadow has @count requests, or it is clear that no more come."""
    try:
        wait_for("all replays", lambda: len(shadow.entries("request")) >= count, 15)
    except Failed:
        pass  # the comparison says what is missing, which is more than we could say here
    return shadow.requests()


def tripwire(lab, namespace, base):
    done = subprocess.run(lab.inside(namespace, ["curl", "-sS", "--max-time", "10", base + "/tripwire"]),
                          check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def live_lo(lab):
    """100+ requests of real clients on lo arrive at the shadow byte for byte, and nothing else does."""
    need_python("requests", "httpx", "aiohttp")
    need_program("curl")
    ns = lab.namespace()
    lab.service(ns)
    shadow = lab.shadow(ns)
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", SHADOW, "-m", "10s")
    told = drive(lab, ns, BASE, CLIENTS)
    must = mirrored(told)
    check(len(must) > 100, f"only {len(must)} requests to mirror: the case is too small")
    arrived = settled(shadow, len(must))
    loads = tripwire(lab, ns, BASE)["loads"]
    report = tap.stop()
    compare(shadow.requests(), must)
    check_heads(arrived, "127.0.0.1:9000")
    check(loads == 2, f"the client loaded the model twice, the service counted {loads}")
    check(not any("/repository/" in r["target"] for r in arrived), "a model load call reached the shadow")
    check(not any(fields_of(r).keys() & {"authorization", "cookie"} for r in arrived), "credentials were forwarded")
    numbers = report["requests"]
    check(numbers["complete"] == len(told) + 1, f"{len(told)} sent and the tripwire read, {numbers['complete']} complete")
    check(numbers["filtered"]["denied"] == 2, f"2 load calls, {numbers['filtered']['denied']} denied")
    check(sum(numbers["lost"].values()) == 0, f"lost: {numbers['lost']}")
    check(report["targets"]["default"]["answered"]["2xx"] == len(must), "not every replay was answered with 200")
    events = check_events(tap, report)
    ids = {e["id"] for e in events}
    check({fields_of(r)["x-shadowtap"] for r in arrived} <= ids, "an X-Shadowtap that is in no event")
    keep = {fields_of(r).get("x-request-id") for r in arrived} - {None}
    check(len(keep) == 25, f"25 X-Request-Id fields were sent, {len(keep)} arrived")
    inference = [r for r in arrived if r["target"] == "/v2/models/digits/infer"]
    binary = [r for r in inference if "inference-header-content-length" in fields_of(r)]
    check(len(binary) == 8, f"8 infer calls with binary tensors, {len(binary)} arrived with their length field")


def live_node(lab):
    """Node's fetch and http.request."""
    need_program("node")
    ns = lab.namespace()
    lab.service(ns)
    shadow = lab.shadow(ns)
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", SHADOW, "-m", "10s")
    told = drive(lab, ns, BASE, [("node.js", "fetch", 8, 0), ("node.js", "http", 8, 50)])
    arrived = settled(shadow, len(told))
    tap.stop()
    compare(shadow.requests(), mirrored(told))
    check_heads(arrived, "127.0.0.1:9000")


def live_nginx(lab):
    """nginx in front: HTTP/1.0, upgrades to h2c that are passed over, ab's keep-alive."""
    need_program("nginx", "curl", "ab")
    ns = lab.namespace()
    nginx(lab, ns)
    shadow = lab.shadow(ns)
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", SHADOW, "-m", "10s")
    told = drive(lab, ns, BASE, [("raw.py", "java", 6, 0), ("raw.py", "http10", 4, 20), ("curl.py", "h2c", 2, 40),
                                 ("ab.py", "ab", 30, 60)])
    settled(shadow, len(told))
    tap.stop()
    compare(shadow.requests(), mirrored(told))


def nginx(lab, namespace):
    """nginx on port 8080 that answers everything itself; /count gives the number of its requests."""
    directory = lab.directory
    conf = directory / "nginx.conf"
    conf.write_text(f"""
        daemon off; master_process off; pid {directory}/nginx.pid; error_log stderr crit;
        events {{ worker_connections 256; }}
        http {{
          access_log off; keepalive_requests 10000000; client_body_temp_path {directory}/n1;
          proxy_temp_path {directory}/n2; fastcgi_temp_path {directory}/n3; uwsgi_temp_path {directory}/n4;
          scgi_temp_path {directory}/n5;
          server {{
            listen 127.0.0.1:8080;
            location /count {{ stub_status; }}
            location / {{ return 200 '{{"predictions": []}}'; }}
          }}
        }}""")
    process = lab.start(namespace, "nginx", "-c", conf, "-p", directory, "-e", "stderr", label="nginx")
    lab.wait_listening(namespace, 8080, process)


def mirror_port(lab, mirror):
    """Client, switch and server; the switch copies the server's traffic to an interface without address.

    The tap sits in the switch: it has no address on the network that it watches,
    so it could not reach production if it wanted to.
    """
    need_python("requests", "aiohttp", "uvicorn", "numpy")
    client, switch, server = lab.namespace(), lab.namespace(), lab.namespace()
    lab.cable(switch, "to-client", client, "net0")
    lab.cable(switch, "to-server", server, "net0")
    lab.cable(switch, "span0", switch, "tap0")
    lab.ip(client, "addr", "add", "10.9.0.1/24", "dev", "net0")
    lab.ip(server, "addr", "add", "10.9.0.2/24", "dev", "net0")
    lab.ip(switch, "link", "add", "name", "br0", "type", "bridge")
    lab.ip(switch, "link", "set", "br0", "addrgenmode", "none")
    mirror(lab, switch)
    for port in ("to-client", "to-server"):
        lab.ip(switch, "link", "set", port, "master", "br0")
    lab.ip(switch, "link", "set", "br0", "up")
    lab.service(server, host="10.9.0.2")
    shadow = lab.shadow(switch)
    tap = lab.live_tap(switch, "-i", "tap0", "-p", "8080", "-t", SHADOW, "-m", "10s")
    base = "http://10.9.0.2:8080"
    told = drive(lab, client, base, [
        ("library.py", "requests", 20, 0), ("library.py", "aiohttp", 20, 100), ("library.py", "requests-put", 6, 200),
        ("library.py", "requests-chunked", 3, 300), ("curl.py", "upload", 3, 400), ("library.py", "probes", 4, 0),
        ("library.py", "load", 1, 0), ("raw.py", "pipelined", 6, 500)])
    must = mirrored(told)
    settled(shadow, len(must))
    loads = tripwire(lab, client, base)["loads"]
    report = tap.stop()
    compare(shadow.requests(), must)
    check_heads(shadow.requests(), "127.0.0.1:9000")
    check(loads == 1, f"the model was loaded {loads} times, once by the client")
    check(report["packets"]["dropped_kernel"] == 0, "the kernel dropped packets")


def span_tc(lab):
    """A SPAN port made with tc mirred; captured on an interface without an address."""
    need_program("tc")

    def mirror(lab, switch):
        def tc(*args):
            done = subprocess.run(["tc", "-n", switch, *args], check=False, stderr=subprocess.PIPE, text=True)
            if done.returncode:
                raise Skip(f"this kernel cannot mirror with tc: {done.stderr.strip()}")
        tc("qdisc", "add", "dev", "to-server", "clsact")
        for direction in ("ingress", "egress"):
            tc("filter", "add", "dev", "to-server", direction, "protocol", "all", "u32", "match", "u32", "0", "0",
               "action", "mirred", "egress", "mirror", "dev", "span0")
    mirror_port(lab, mirror)


def span_hub(lab):
    """The same with a bridge that forgets its addresses at once and so floods every port, like a hub."""
    def mirror(lab, switch):
        lab.ip(switch, "link", "set", "br0", "type", "bridge", "ageing_time", "0")
        lab.ip(switch, "link", "set", "span0", "master", "br0")
    mirror_port(lab, mirror)


def tagged(lab, *tags):
    """Live traffic with VLAN tags is caught with -p, although the kernel's filter sees the tag apart."""
    need_python("requests")
    client, server = lab.namespace(), lab.namespace()
    lab.cable(client, "net0", server, "net0")
    lab.cable(server, "span0", server, "tap0")
    for end in ("span0", "tap0"):
        lab.ip(server, "link", "set", end, "mtu", "65535")
    lab.ip(client, "addr", "add", "10.9.0.1/24", "dev", "net0")
    lab.ip(server, "addr", "add", "10.9.0.2/24", "dev", "net0")
    lab.service(server, host="10.9.0.2")
    shadow = lab.shadow(server)
    copier = lab.start(server, PYTHON, HERE / "tagger.py", "net0", "span0", *tags, label="tagger")
    wait_for("the tagger", lambda: "copying" in copier.out)
    tap = lab.live_tap(server, "-i", "tap0", "-p", "8080", "-t", SHADOW, "-m", "10s")
    told = drive(lab, client, "http://10.9.0.2:8080",
                 [("library.py", "requests", 10, 0), ("raw.py", "split", 1, 50), ("library.py", "probes", 2, 0)])
    must = mirrored(told)
    settled(shadow, len(must))
    check(copier.running(), f"the tagger ended: {copier.err[-300:]}")
    tap.stop()
    compare(shadow.requests(), must)


def vlan(lab):
    """One 802.1Q tag."""
    tagged(lab, 5)


def qinq(lab):
    """Two tags, 802.1ad around 802.1Q."""
    tagged(lab, 100, 5)


def sampled_load(lab):
    """wrk with -S 5%: exactly one in twenty is chosen, and the kernel drops nothing.

    Some ten thousand requests a second, not all that nginx can do: what the
    kernel drops when there is no processor time left says nothing about us.
    """
    need_program("nginx", "wrk", "curl")
    ns = lab.namespace()
    nginx(lab, ns)
    lab.service(ns, port=9000)
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", SHADOW, "-S", "5%", "-m", "2s")
    done = subprocess.run(lab.inside(ns, ["wrk", "-t1", "-c16", "-d2s", "-s", RECORD / "clients/wrk.lua",
                                          BASE + "/v1/models/digits:predict", "--", "1"]),
                          check=True, stdout=subprocess.PIPE, text=True)
    finished = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    report = tap.stop()
    numbers = report["requests"]
    check(report["packets"]["dropped_kernel"] == 0, f"the kernel dropped {report['packets']['dropped_kernel']} packets")
    check(numbers["complete"] >= finished, f"wrk finished {finished} requests, only {numbers['complete']} were seen")
    matching = numbers["chosen"] + numbers["unsampled"] + sum(numbers["shed"].values())
    check(matching == numbers["complete"], "wrk sends nothing but matching requests")
    check(abs(numbers["chosen"] + sum(numbers["shed"].values()) - matching * 0.05) <= 1,
          f"{numbers['chosen']} of {matching} chosen is not 5 %")
    target = report["targets"]["default"]
    got = len(lab.received(9000))
    check(sum(target["answered"].values()) <= got <= target["sent"],
          f"{target['sent']} sent, {got} received, {sum(target['answered'].values())} answered")
    check(sum(target["answered"].values()) > 0, "not a single replay was answered")


def any_interface(lab):
    """-i any, and without -i too: traffic on lo and on a cable, each request once."""
    need_python("requests")
    client, server = lab.namespace(), lab.namespace()
    lab.cable(client, "net0", server, "net0")
    lab.ip(client, "addr", "add", "10.9.0.1/24", "dev", "net0")
    lab.ip(server, "addr", "add", "10.9.0.2/24", "dev", "net0")
    lab.service(server, host="0.0.0.0")
    shadow = lab.shadow(server)
    before = 0
    for number, args in enumerate((["-i", "any"], [])):
        tap = lab.live_tap(server, *args, "-p", "8080", "-t", SHADOW, "-m", "10s")
        told = drive(lab, client, "http://10.9.0.2:8080", [("library.py", "requests", 5, 100 * number)])
        told += drive(lab, server, BASE, [("library.py", "requests", 5, 100 * number + 50)])
        settled(shadow, before + len(told))
        tap.stop()
        compare(shadow.requests()[before:], told)
        before = len(shadow.requests())


def ring_is_drained(lab):
    """SIGINT right after the last answer: what the kernel holds at that moment is not lost."""
    need_python("requests", "uvicorn", "numpy")
    ns = lab.namespace()
    lab.service(ns)
    shadow = lab.shadow(ns)
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", SHADOW, "-m", "10s")
    told = drive(lab, ns, BASE, [("library.py", "requests", 40, 0)])
    report = tap.stop()
    check(report["requests"]["complete"] == len(told), f"{len(told)} sent, {report['requests']['complete']} complete")
    compare(shadow.requests(), told)


def interrupted_under_load(lab):
    """SIGINT, and in another run SIGTERM, while requests keep coming: it ends, and the books balance."""
    need_program("nginx", "wrk")
    ns = lab.namespace()
    nginx(lab, ns)
    shadow = lab.shadow(ns)
    for number in (signal.SIGINT, signal.SIGTERM):
        before = len(shadow.entries("request"))
        tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", SHADOW, "-S", "1%", "-m", "2s")
        load = lab.start(ns, "wrk", "-t1", "-c16", "-d4s", "-s", RECORD / "clients/wrk.lua",
                         BASE + "/v1/models/digits:predict", "--", "1", label="wrk")
        wait_for("replays", lambda n=before: len(shadow.entries("request")) > n)
        tap.popen.send_signal(number)
        report = tap.finish(30)
        check(load.running(), "the load was over before the end: the case shows nothing")
        check(report["requests"]["chosen"] > 0, "nothing was chosen")
        load.end()


def loop_guard(lab):
    """Without -p, on the interface over which the replays go: each is seen again, counted as loop, not mirrored."""
    need_python("requests")
    ns = lab.namespace()
    lab.service(ns)
    shadow = lab.shadow(ns)
    tap = lab.live_tap(ns, "-i", "lo", "-t", SHADOW, "-m", "10s")
    told = drive(lab, ns, BASE, [("library.py", "requests", 15, 0)])
    settled(shadow, len(told))
    # one that is marked already: another tap's replay that passes by
    subprocess.run(lab.inside(ns, ["curl", "-sS", "-o", "/dev/null", "-H", "X-Shadowtap: elsewhere", "-d", "{}",
                                   BASE + "/v1/models/digits:predict"]), check=True)
    time.sleep(0.3)  # time for a wrong second generation to show itself
    report = tap.stop()
    compare(shadow.requests(), told)
    sent = report["targets"]["default"]["sent"]
    loops = report["requests"]["filtered"]["loop"]
    check(sent == len(told), f"{len(told)} requests, {sent} sent")
    # our own packets may be dropped before they are parsed or after: but the foreign one is a request in any case
    check(1 <= loops <= sent + 1, f"{loops} counted as loop, at most {sent} replays and one foreign")
    check(loops == sent + 1, f"{sent} replays and one foreign request were seen, {loops} counted as loop")


def production_unaffected(lab):
    """Production sees the clients' connections and requests and not one more."""
    need_python("requests")
    ns = lab.namespace()
    production = lab.shadow(ns, port=8080)
    shadow = lab.shadow(ns)
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", SHADOW, "-m", "10s")
    connections_before = len(production.entries("connect"))
    told = []
    for n in range(5):
        told += drive(lab, ns, BASE, [("library.py", "requests", 10, 10 * n)])
    settled(shadow, len(told))
    tap.stop()
    compare(shadow.requests(), told)
    received = collections.Counter(map(arrived_key, production.requests()))
    check(sum(received.values()) == len(told), f"clients sent {len(told)} requests, production got {sum(received.values())}")
    check(max(received.values()) == 1, "production got a request twice")
    connections = len(production.entries("connect")) - connections_before
    check(connections == 5, f"clients made 5 connections, production saw {connections}")
    check(not any("x-shadowtap" in fields_of(r) for r in production.requests()), "a replay reached production")


WIRE = """
import socket, struct, sys
CLIENT, SERVER = (bytes([192, 0, 2, 1]), 40000), (bytes([192, 0, 2, 2]), 8080)
OK = b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n"
GET = [b"GET /%d HTTP/1.1\\r\\n\\r\\n" % n for n in range(3)]
L, A = len(GET[0]), len(OK)
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((sys.argv[1], 0))

def send(src, dst, seq, ack, flags, data=b""):
    tcp = struct.pack(">HHIIBBHHH", src[1], dst[1], seq, ack, 0x50, flags, 65535, 0, 0) + data
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + src[0] + dst[0]
    out.send(bytes(12) + b"\\x08\\x00" + ip + tcp)

send(CLIENT, SERVER, 0, 0, 0x02)
send(SERVER, CLIENT, 0, 1, 0x12)
send(CLIENT, SERVER, 1, 1, 0x18, GET[0])
send(SERVER, CLIENT, 1, 1 + L, 0x18, OK)
send(SERVER, CLIENT, 1 + A, 1 + 2 * L, 0x18, OK)       # the second request is not captured,
send(CLIENT, SERVER, 1 + 2 * L, 1 + 2 * A, 0x18, GET[2])  # and nothing follows the third
"""


def live_behind_a_gap(lab):
    """A request behind a gap is told although no packet comes after it, by its connection or any other."""
    ns, there = lab.namespace(), lab.namespace()
    lab.cable(ns, "st0", there, "st1")
    tap = lab.live_tap(ns, "-i", "st0", "-p", "8080", "--dry-run", "-X", "any")
    sender = lab.start(there, PYTHON, "-c", WIRE, "st1", label="wire")
    check(sender.wait() == 0, f"the packets were not sent: {sender.err}")
    told = lambda: [e.get("target", e.get("reason")) for e in tap.events()]
    wait_for("the request behind the gap", lambda: len(told()) == 3, 15)
    check(told() == ["/0", "gap", "/2"], f"told: {told()}")
    check(tap.running(), "the tap ended by itself")
    report = tap.stop()
    check(report["requests"]["lost"]["gap"] == 1, f"lost: {report['requests']['lost']}")


CASES = [live_lo, live_behind_a_gap, live_node, live_nginx, span_tc, span_hub, vlan, qinq, any_interface, ring_is_drained,
         sampled_load, interrupted_under_load, loop_guard, production_unaffected]
