"""hostile.py - recordings in which a request was once made of a body, or a response given to another's request

Each request of pcaps/field/NAME.pcap asks for another path, and production's response tells it. The shadow here tells
it, too, so a pair that is not equal is a wrong one. What nothing tells must be lost, or not comparable: how many, is
said here, so that nothing more is given up without somebody noticing.
"""
import collections
import http.server
import json
import os
import threading

from harness import TOP, Failure, check

FIELD = os.path.join(TOP, "pcaps", "field")


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64


class Echo(http.server.BaseHTTPRequestHandler):
    """answers {"path": TARGET}, as production did"""
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps({"path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = answer

    def log_message(self, *args):
        pass


def replayed(bench, name, *arguments):
    """what was sent to the shadow, what was lost, and the verdicts by target"""
    server = Server(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = bench.tap("-r", os.path.join(FIELD, f"{name}.pcap"), "-p", "8080", "-X", "any", "-x", "max", "--compare",
                         "-t", f"http://127.0.0.1:{server.server_port}", "-o", "-", "-q", *arguments)
    finally:
        server.shutdown()
        server.server_close()
    if done.returncode not in (0, 1):
        raise Failure(f"exit {done.returncode}: {done.stderr.decode(errors='replace')[-300:]}")
    events = [json.loads(line) for line in done.stdout.decode().splitlines()]
    target_of = {e["id"]: e["target"] for e in events if e["event"] == "request"}
    lost = collections.Counter(e["reason"] for e in events if e["event"] == "lost")
    verdicts = {target_of[e["id"]]: e["verdict"] for e in events if e["event"] == "comparison"}
    return list(target_of.values()), lost, verdicts


def hostile(name, what, targets, lost=None, apart=()):
    """@targets: the last part of each path, in order; @apart: those whose response is not known for certain"""
    @check(f"hostile: {what}", replays=True)
    def read(bench):
        wanted = [t if t.startswith("/") else f"/v1/{t}" for t in targets.split()]
        for arguments in ((), ("--lanes", "2")):
            sent, gone, verdicts = replayed(bench, name, *arguments)
            if sent != wanted:
                raise Failure(f"sent {sent}, not {wanted}")
            if gone != collections.Counter(lost or {}):
                raise Failure(f"lost {dict(gone)}, not {lost}")
            told = {t: "not_comparable" if t.rpartition("/")[2] in apart else "equal" for t in wanted}
            if verdicts != told:
                raise Failure(f"verdicts {verdicts}, not {told}")


R = "r0 r1 r2 r3 r4 r5"
ALL = tuple(R.split())
# These recordings are shorter than a gap is waited for: what stands behind one is read when the connection ends.
hostile("synack-first-answer-lost", "the SYN+ACK and the first response are missing", R, apart=ALL)
hostile("expect-body-after", "a body sent although it was refused quotes a request", "r1 r2 r3 r4 r5",
        lost={"reset": 1, "gap": 1}, apart=ALL)
hostile("expect-oneway", "a refusal that nobody saw, one way", "", lost={"gap": 2, "reset": 1})
hostile("expect-behind-hole", "a refusal behind a gap in the responses", "first after", lost={"gap": 2}, apart=("first", "after"))
hostile("expect-gap-swallows", "no body lies in the gap behind a refusal", R, lost={"gap": 1}, apart=ALL)
hostile("head-ahead", "a HEAD captured after its response", "a h " + R, apart=("h", "r0"))
hostile("midstream-100-quoted", "joined between a 100 and a body that quotes a request", R)
hostile("one-ahead", "two requests in one gap of a client that keeps one ahead", "r0 r3 r4 r5 r6 r7 r8", lost={"gap": 1},
        apart=("r3", "r4", "r5", "r6", "r7", "r8"))
hostile("upgrade-oneway", "an upgrade whose answer nobody saw", "/chat", apart=("chat",))
