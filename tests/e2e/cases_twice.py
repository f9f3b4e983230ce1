"""cases_twice.py - live: each request once, on whatever interfaces and with whatever tags it is seen"""
from lab import HERE, PYTHON, check, check_heads, compare, mirrored, need_python, wait_for
from cases_live import SHADOW, drive, settled, tripwire

BASE = "http://10.9.0.2:8080"
CLIENTS = [("library.py", "requests", 20, 0), ("library.py", "requests-chunked", 4, 100), ("curl.py", "upload", 2, 200),
           ("library.py", "aiohttp", 10, 300), ("raw.py", "pipelined", 6, 400), ("raw.py", "split", 2, 500)]


def bridged(lab):
    """client -- (port-c) bridge (port-s) -- server; all in the tap's sight is the bridge's namespace"""
    client, switch, server = lab.namespace(), lab.namespace(), lab.namespace()
    lab.ip(switch, "link", "add", "name", "br0", "type", "bridge")
    lab.ip(switch, "link", "set", "br0", "up")
    for namespace, port, address in ((client, "port-c", "10.9.0.1/24"), (server, "port-s", "10.9.0.2/24")):
        lab.cable(namespace, "net0", switch, port)
        lab.ip(switch, "link", "set", port, "master", "br0")
        lab.ip(namespace, "addr", "add", address, "dev", "net0")
    return client, switch, server


def twice_bridge(lab):
    """-i any beside a bridge: a packet comes in on one port, crosses the bridge and leaves by another."""
    need_python("requests", "aiohttp")
    client, switch, server = bridged(lab)
    lab.service(server, host="10.9.0.2")
    shadow = lab.shadow(switch)
    tap = lab.live_tap(switch, "-i", "any", "-p", "8080", "-t", SHADOW, "-m", "10s")
    told = drive(lab, client, BASE, CLIENTS)
    must = mirrored(told)
    settled(shadow, len(must))
    tripwire(lab, client, BASE)
    report = tap.stop()
    compare(shadow.requests(), must)
    check_heads(shadow.requests(), "127.0.0.1:9000")
    check(report["requests"]["complete"] == len(told) + 1,
          f"{len(told)} sent and the tripwire read, {report['requests']['complete']} complete")
    check(report["connections"]["retransmitted_bytes"] > 0, "nothing was seen twice: the case shows nothing")


def twice_tagged(lab, *more):
    """Two interfaces, one with the plain traffic and one with the same in a VLAN: each request once."""
    need_python("requests", "aiohttp")
    client, server = lab.namespace(), lab.namespace()
    lab.cable(client, "net0", server, "net0")
    lab.cable(server, "span0", server, "tap0")
    for end in ("span0", "tap0"):
        lab.ip(server, "link", "set", end, "mtu", "65535")
    lab.ip(client, "addr", "add", "10.9.0.1/24", "dev", "net0")
    lab.ip(server, "addr", "add", "10.9.0.2/24", "dev", "net0")
    lab.service(server, host="10.9.0.2")
    shadow = lab.shadow(server)
    copier = lab.start(server, PYTHON, HERE / "tagger.py", "net0", "span0", 5, label="tagger")
    wait_for("the tagger", lambda: "copying" in copier.out)
    tap = lab.live_tap(server, "-i", "net0", "-i", "tap0", "-p", "8080", "-t", SHADOW, "-m", "10s", *more)
    told = drive(lab, client, BASE, CLIENTS)
    must = mirrored(told)
    settled(shadow, len(must))
    tripwire(lab, client, BASE)
    check(copier.running(), f"the tagger ended: {copier.err[-300:]}")
    report = tap.stop()
    compare(shadow.requests(), must)
    numbers = report["connections"]
    check(numbers["copies"] > 0, "no connection was seen with a tag and without: the case shows nothing")
    check(report["requests"]["complete"] == len(told) + 1,
          f"{len(told)} sent and the tripwire read, {report['requests']['complete']} complete")
    check(numbers["copies"] == numbers["seen"], f"{numbers['seen']} connections, {numbers['copies']} of them joined")


CASES = [twice_bridge, twice_tagged]
