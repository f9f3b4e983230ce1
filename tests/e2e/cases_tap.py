"""cases_tap.py - packets from a real tunnel, and a shadow that is a real Node server"""
import subprocess

from lab import Lab, Skip, check, need_program, need_python, wait_for

COUNT = 10

NODE_SERVER = """
const http = require('http');
let bytes = 0, requests = 0;
http.createServer((q, a) => {
  q.on('data', d => { bytes += d.length; });
  q.on('end', () => {
    requests += 1;
    if (q.url === '/total') { a.end(JSON.stringify({ requests: requests - 1, bytes })); return; }
    a.writeHead(200, { 'content-type': 'application/json' });
    a.write('{"predictions":');           // chunked, in two writes
    setImmediate(() => a.end('[1]}'));
  });
}).listen(9000, '127.0.0.1');
"""


def tunnel_ends(lab):
    """Two namespaces whose only way to each other is a VXLAN over a cable; 10.9.0.1 and 10.9.0.2."""
    a, b = lab.namespace(), lab.namespace()
    lab.cable(a, "u0", b, "u1")
    for ns, cable, here, there, inner in ((a, "u0", "192.0.2.1", "192.0.2.2", "10.9.0.1"),
                                          (b, "u1", "192.0.2.2", "192.0.2.1", "10.9.0.2")):
        lab.ip(ns, "addr", "add", f"{here}/24", "dev", cable)
        made = subprocess.run(["ip", "-n", ns, "link", "add", "vx0", "type", "vxlan", "id", "42", "local", here, "remote",
                               there, "dstport", "4789", "dev", cable], check=False, stderr=subprocess.PIPE, text=True)
        if made.returncode:
            raise Skip(f"this kernel makes no VXLAN interface ({made.stderr.strip()})")
        lab.ip(ns, "addr", "add", f"{inner}/24", "dev", "vx0")
        lab.ip(ns, "link", "set", "vx0", "up")
    return a, b


def decap_vxlan(lab):
    """--decap lets the tunnel through the kernel's filter; without it, not one of its packets arrives."""
    need_python("requests", "uvicorn", "numpy")
    a, b = tunnel_ends(lab)
    lab.service(b, host="10.9.0.2")
    shadow = lab.shadow(a)
    inside = lab.live_tap(a, "-i", "u0", "-p", "8080", "--decap", "vxlan", "-t", "http://127.0.0.1:9000")
    outside = lab.live_tap(a, "-i", "u0", "-p", "8080", "--dry-run")
    told = lab.client(a, "library.py", "requests", "http://10.9.0.2:8080", COUNT)
    wait_for("the replays", lambda: len(shadow.entries("request")) >= COUNT)
    report, blind = inside.stop(), outside.stop()
    check(len(told) == COUNT, f"the client told of {len(told)} requests")
    check(report["requests"]["chosen"] == COUNT, f"{report['requests']['chosen']} of {COUNT} requests were chosen")
    check(len(shadow.requests()) == COUNT, f"{len(shadow.requests())} of {COUNT} requests arrived")
    check(blind["requests"]["seen"] == 0, f"{blind['requests']['seen']} requests were seen without --decap")


def node_shadow(lab):
    """A recording, twice, to Node's http server: every body arrives whole, and connections are used again."""
    need_program("node")
    ns = lab.namespace()
    server = lab.start(ns, "node", "-e", NODE_SERVER, label="node")
    lab.wait_listening(ns, 9000, server)
    tap = lab.tap(ns, "-r", lab.pcap("demo"), "--loop", "2", "-x", "max", "-m", "5s", "-t", "http://127.0.0.1:9000")
    target = tap.finish()["targets"]["default"]
    lengths = [e["body_len"] for e in tap.events() if e["event"] == "request" and e["verdict"] == "chosen"]
    total = subprocess.run(Lab.inside(ns, ["curl", "-s", "http://127.0.0.1:9000/total"]), check=True, stdout=subprocess.PIPE,
                           text=True, timeout=20).stdout
    check(target["answered"]["2xx"] == target["sent"] == len(lengths) > 0, f"{len(lengths)} were chosen: {target}")
    check(total == f'{{"requests":{len(lengths)},"bytes":{sum(lengths)}}}', f"Node got {total}, sent were {sum(lengths)} bytes")
    check(target["connects"] <= 64, f"{target['connects']} connections for {len(lengths)} requests")


CASES = [decap_vxlan, node_shadow]
