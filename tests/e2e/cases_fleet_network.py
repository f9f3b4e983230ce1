"""cases_fleet_network.py - the way to the broker is cut, narrow or not to be trusted, or the broker's disk is full

A tap watches a service on lo, whose clients ask without a pause, and the broker is at the other end of a cable. Whatever
happens there, packets are read on, the loop answers, memory stays where it was, and each request has a name in the books.
"""
import json
import os
import re
import subprocess
import threading
import time

import nats_jwt
import nats_talk
from cases_live import nginx
from cases_tls import make_authority, make_certificate, openssl
from lab import HERE, PYTHON, Failed, check, need_program, wait_for

HOST, FAR = "10.78.0.1", "10.78.0.2"
ROOM = 24 << 20  # bytes that a tap may have above what it has when all is well
PATIENCE = 1.0   # of whoever asks the loop how it is, seconds; on a machine that has other work


def world(lab):
    """(the host that is watched, where the broker is)"""
    nats_talk.need_server()
    need_program("nginx", "curl")
    host, far = lab.namespace(), lab.namespace()
    lab.cable(host, "eth0", far, "eth0")
    for namespace, address in ((host, HOST), (far, FAR)):
        lab.ip(namespace, "addr", "add", f"{address}/24", "dev", "eth0")
    nginx(lab, host)
    return host, far


class Watched:
    """A tap under load, and what it says of itself meanwhile."""

    def __init__(self, lab, host, *more, url=f"nats://{FAR}:4222/digits"):
        self.lab, self.host = lab, host
        self.socket = lab.directory / "admin.sock"
        self.tap = lab.live_tap(host, "-i", "lo", "-p", "8080", "--sample-by", "id", "-t", url, "--admin", f"unix:{self.socket}",
                                *more)
        self.load = lab.start(host, PYTHON, HERE / "numbered.py", 8080, 4, label="numbered")
        self.over, self.slowest, self.largest = threading.Event(), 0.0, 0
        self.thread = threading.Thread(target=self.watch)

    def stats(self):
        done = subprocess.run(["curl", "-sS", "-m", "20", "--unix-socket", self.socket, "http://x/stats"], check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout)

    def relay(self, *names):
        value = self.stats()["relay"]
        for name in names:
            value = value[name]
        return value

    def memory(self):
        """What it has allocated: pages of the packet ring, which is as large as it is, do not count."""
        text = open(f"/proc/{self.tap.popen.pid}/status", encoding="ascii").read()
        return int(re.search(r"RssAnon:\s+(\d+)", text).group(1)) << 10

    def watch(self):
        while not self.over.is_set():
            began = time.monotonic()
            self.stats()
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.largest = max(self.largest, self.memory())
            self.over.wait(0.05)

    def well(self):
        """Until a good many are acknowledged; from here on it is watched."""
        wait_for("requests to be acknowledged", lambda: self.relay("acked") > 2000)
        self.normal = self.memory()
        self.thread.start()

    def end(self):
        """The report of a clean end. What must hold, held."""
        self.over.set()
        self.thread.join()
        self.load.popen.terminate()
        self.load.wait()
        report = self.tap.stop()
        relay = report["relay"]
        dropped = report["packets"]["dropped_kernel"]
        check(dropped * 1000 < report["packets"]["received"], f"the kernel dropped {dropped} packets") # the machine has other work
        check(self.slowest < PATIENCE, f"the loop stood still for {self.slowest:.1f} s")
        check(self.largest < self.normal + ROOM, f"memory grew from {self.normal >> 20} to {self.largest >> 20} MiB")
        check(relay["offered"] == sum(relay["shed"].values()) + relay["published"], f"offered: {relay}")
        check(relay["published"] == relay["acked"] + relay["duplicate"] + sum(relay["refused"].values()) + relay["unknown"],
              f"published: {relay}")
        check(relay["requests"] == report["requests"]["chosen"], f"{relay['requests']} offered of {report['requests']['chosen']} chosen")
        return relay


CLUSTER = {f"n{i}": (4222 + i, 6222 + i) for i in range(3)} # name: (port of clients, of the others)


def start_one_of_three(lab, far, name):
    """A server of a cluster; it is ready once there are two."""
    port, route = CLUSTER[name]
    routes = ", ".join(f'"nats://127.0.0.1:{other}"' for _, other in CLUSTER.values())
    path = lab.directory / f"{name}.conf"
    path.write_text(f'server_name: {name}\nlisten: "0.0.0.0:{port}"\njetstream {{ store_dir: "{lab.directory}/{name}", max_file: 1GB }}\n'
                    f'cluster {{ name: three, listen: "127.0.0.1:{route}", routes: [{routes}] }}\n')
    return lab.start(far, nats_talk.SERVER, "-c", path, label=lab.label(name))


def until_api(far, port, done, what, *call, **said):
    """What JetStream's API says, once @done is content with it; a cluster that elects says nothing, or no."""
    heard = []

    def asked():
        try:
            with nats_talk.Link(far, port) as link:
                heard.append(link.api(*call, **said))
        except (OSError, Failed, nats_talk.Refused):
            return False
        return done(heard[-1])
    wait_for(what, asked, 60)
    return heard[-1]


def fleet_no_quorum(lab):
    """A stream of three servers: its leader is killed, then a second one, so that nothing can be stored; then both are back."""
    host, far = world(lab)
    running = {name: start_one_of_three(lab, far, name) for name in CLUSTER}
    stream = {"name": "shadowtap_digits", "subjects": ["st.v1.digits.>"], "storage": "file", "num_replicas": 3, "max_age": 3600 * 10**9,
              "duplicate_window": 10 * 10**9}
    until_api(far, 4222, lambda a: "error" not in a, "a stream of three", "STREAM.CREATE.shadowtap_digits", **stream)
    watched = Watched(lab, host, url=f"nats://{FAR}:4222,{FAR}:4223,{FAR}:4224/digits")
    watched.well()

    def leader(port, gone=None):
        said = until_api(far, port, lambda a: a.get("cluster", {}).get("leader") not in (None, "", gone), "a leader", "STREAM.INFO.shadowtap_digits")
        return said["cluster"]["leader"]

    first = leader(4222)
    running[first].popen.kill()
    running[first].wait()
    before = watched.relay("acked")
    wait_for("another leader", lambda: watched.relay("acked") > before + 500, 60)
    second = leader(CLUSTER[next(name for name in CLUSTER if name != first)][0], gone=first)
    running[second].popen.kill()
    running[second].wait()
    before = watched.relay("acked")
    wait_for("silence", lambda: watched.relay("unknown") + sum(watched.relay("shed").values()) > 500, 60)
    check(watched.relay("acked") < before + 4096, "one of three acknowledges by itself") # what was on its way
    seen = watched.stats()["requests"]["seen"]
    wait_for("capture to go on", lambda: watched.stats()["requests"]["seen"] > seen + 100)
    for name in (first, second):
        running[name] = start_one_of_three(lab, far, name)
    before = watched.relay("acked")
    wait_for("requests to be acknowledged again", lambda: watched.relay("acked") > before + 500, 60)
    relay = watched.end()
    check(relay["unknown"] > 0, f"silence has no name: {relay}")
    stored = until_api(far, 4222, lambda a: "state" in a, "the stream's state", "STREAM.INFO.shadowtap_digits")["state"]["messages"]
    # nothing that was acknowledged is lost; more may be there: of what had no word, and a heartbeat each second
    check(stored >= relay["acked"], f"{stored} stored, {relay['acked']} acknowledged")


def shape(namespace, *words):
    subprocess.run(["ip", "netns", "exec", namespace, "tc", "qdisc", *words, "dev", "eth0", "root",
                    *(["tbf", "rate", "2mbit", "burst", "10kb", "latency", "20ms"] if words[0] == "add" else [])], check=True)


def fleet_cut(lab):
    """The cable is out for eight seconds."""
    host, far = world(lab)
    nats_talk.start(lab, far, host="0.0.0.0")
    watched = Watched(lab, host)
    watched.well()
    lab.ip(host, "link", "set", "eth0", "down")
    seen = watched.stats()["requests"]["seen"]
    time.sleep(8) # this is the fault, not a wait for something
    check(watched.stats()["requests"]["seen"] > seen + 100, "nothing was captured while the broker was away")
    lab.ip(host, "link", "set", "eth0", "up")
    before = watched.relay("acked")
    wait_for("requests to be acknowledged again", lambda: watched.relay("acked") > before + 500, 30)
    relay = watched.end()
    check(relay["shed"]["disconnected"] + relay["shed"]["buffer"] + relay["shed"]["stale"] + relay["shed"]["inflight"] > 100,
          f"what became of the requests of eight seconds? {relay}")


def fleet_narrow(lab):
    """A link that takes a fraction, and drops the rest of the packets."""
    need_program("tc")
    host, far = world(lab)
    nats_talk.start(lab, far, host="0.0.0.0")
    watched = Watched(lab, host)
    watched.well()
    shape(host, "add")
    before = watched.relay("acked")
    time.sleep(6) # so long it is narrow
    check(watched.relay("acked") > before, "nothing gets through at all")
    shape(host, "del")
    wait_for("requests to be acknowledged again", lambda: watched.relay("acked") > before + 3000, 30)
    relay = watched.end()
    check(sum(relay["shed"].values()) > 100, f"a narrow link costs nothing? {relay}")


def fleet_disk_full(lab):
    """The broker's disk is full, whereupon it says nothing any more, and is killed; then it is back, with room."""
    need_program("unshare")
    host, far = world(lab)
    store = lab.directory / "small"
    store.mkdir()
    config = lab.directory / "small.conf"
    config.write_text(f'listen: "0.0.0.0:4222"\njetstream {{ store_dir: "{store}", max_mem: 1MB, max_file: 1GB }}\n')
    full = lab.start(far, "unshare", "-m", "sh", "-c", f"mount -t tmpfs -o size=12m tmpfs {store} && exec {nats_talk.SERVER} -c {config}",
                     label="full")
    nats_talk.wait_ready(full)
    watched = Watched(lab, host)
    watched.well()
    wait_for("the disk to be full", lambda: watched.relay("unknown") + sum(watched.relay("refused").values()) > 0 or
             sum(watched.relay("shed").values()) > 0, 60)
    full.end()
    before = watched.relay("acked")
    nats_talk.start(lab, far, host="0.0.0.0")
    wait_for("requests to be acknowledged again", lambda: watched.relay("acked") > before + 500, 30)
    watched.end()


def tap_ends(lab, host, url, *more):
    """The exit status of a tap that is told to hand over there, and what it says."""
    tap = lab.tap(host, "-i", "lo", "-p", "8080", "-t", url, *more)
    return tap.wait(), tap.err


def tls_server(lab, far, certificate, verify=False, plain=False):
    more = f', ca_file: "{lab.directory}/ca.pem", verify: true' if verify else ""
    tls = "" if plain else f'tls {{ cert_file: "{lab.directory}/{certificate}.pem", key_file: "{lab.directory}/{certificate}.key"{more} }}\n'
    label = lab.label("tls")
    store = lab.directory / label
    return nats_talk.start(lab, far, text=f'listen: "0.0.0.0:4222"\n{tls}jetstream {{ store_dir: "{store}" }}\n', label=label)


def hands_over(lab, host, url, *more):
    """A tap that does: one request gets through."""
    tap = lab.live_tap(host, "-i", "lo", "-p", "8080", "-t", url, *more)
    for _ in range(3):
        subprocess.run(lab.inside(host, ["curl", "-sS", "-o", "/dev/null", "-d", "x", "http://127.0.0.1:8080/predict"]), check=True)
    wait_for("the requests to be captured", lambda: len(tap.events()) >= 3)
    report = tap.stop()
    check(report["relay"]["acked"] == 3, f"{url} {more}: {report['relay']}")


def fleet_tls(lab):
    """Certificates that are right, of another authority, too old, of another name, missing; TLS where there is none."""
    need_program("openssl")
    host, far = world(lab)
    make_authority(lab)
    make_certificate(lab, "good", f"IP:{FAR}")
    make_certificate(lab, "other", "DNS:somebody.else")
    make_certificate(lab, "client", "DNS:tap")
    make_certificate(lab, "old", f"IP:{FAR}", days=0)
    openssl(lab, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 1, "-subj", "/CN=stranger",
            "-keyout", "stranger.key", "-out", "stranger.pem")
    ca, tls, plain = ["--cacert", lab.directory / "ca.pem"], f"tls://{FAR}:4222/digits", f"nats://{FAR}:4222/digits"
    mine = ["--cert", lab.directory / "client.pem", "--key", lab.directory / "client.key"]

    def refused(url, *more):
        status, said = tap_ends(lab, host, url, *more)
        check(status == 1 and "packets.received" not in said, f"{url} {more}: exit {status}: {said[-300:]}")

    server = tls_server(lab, far, "good")
    hands_over(lab, host, tls, *ca)
    hands_over(lab, host, plain, *ca) # the server asks for TLS
    refused(tls)
    refused(tls, "--cacert", lab.directory / "stranger.pem")
    hands_over(lab, host, tls, "-k")
    server.end()
    server = tls_server(lab, far, "other")
    refused(tls, *ca)
    server.end()
    server = tls_server(lab, far, "old")
    refused(tls, *ca)
    server.end()
    server = tls_server(lab, far, "good", verify=True)
    hands_over(lab, host, tls, *ca, *mine)
    refused(tls, *ca)
    server.end()
    server = tls_server(lab, far, "", plain=True)
    refused(tls, *ca) # no downgrade
    hands_over(lab, host, plain)


def auth_server(lab, far, users):
    return nats_talk.start(lab, far, text=f'listen: "0.0.0.0:4222"\njetstream {{ store_dir: "{lab.directory}/{lab.label("auth")}" }}\n'
                                          f"authorization {{ {users} }}\n", label=lab.label("auth"))


def nkey(lab, name):
    """(file of the seed, public key)"""
    path = lab.directory / name
    done = subprocess.run([HERE.parent.parent / "packaging/nats/nkey", path], check=True, stdout=subprocess.PIPE, text=True)
    return path, done.stdout.strip()


def fleet_auth(lab):
    """Passwords, tokens and keys: who has the right one hands over; who has not ends with 1, before a packet is read."""
    host, far = world(lab)

    def refused(url, *more):
        status, said = tap_ends(lab, host, url, *more)
        check(status == 1 and "refuses us" in said and "packets.received" not in said, f"{url} {more}: exit {status}: {said[-300:]}")
        check("wrong" not in said, f"a secret is told: {said}")

    server = auth_server(lab, far, 'user: "tap", password: "s e/cret"')
    hands_over(lab, host, f"nats://tap:s%20e%2Fcret@{FAR}:4222/digits")
    for login in ("", "tap:wrong@", "wrong:s%20e%2Fcret@", "wrongtoken@"):
        refused(f"nats://{login}{FAR}:4222/digits")
    server.end()
    mine, public = nkey(lab, "mine.nk")
    wrong, _ = nkey(lab, "wrong.nk")
    server = auth_server(lab, far, f"users: [ {{ nkey: {public} }} ]")
    hands_over(lab, host, f"nats://{FAR}:4222/digits", "--nkey", mine)
    refused(f"nats://{FAR}:4222/digits")
    status, said = tap_ends(lab, host, f"nats://{FAR}:4222/digits", "--nkey", wrong)
    check(status == 1 and "refuses us" in said, f"another's key: exit {status}: {said[-300:]}")
    server.end()


def fleet_credentials(lab):
    """A user's token and seed in a file: one of this operator's account gets in, one of another's does not."""
    need_program("openssl")
    host, far = world(lab)
    places = [lab.directory / name for name in ("ours", "theirs")]
    for place in places:
        place.mkdir()
    (config, ours), (_, theirs) = (nats_jwt.make(place, ["tap"]) for place in places)
    url = f"nats://{FAR}:4222/digits"
    nats_talk.start(lab, far, text=f'listen: "0.0.0.0:4222"\njetstream {{ store_dir: "{lab.directory}/js" }}\n{config}')
    hands_over(lab, host, url, "--creds", ours["tap"])
    for args in ([], ["--creds", theirs["tap"]]):
        status, said = tap_ends(lab, host, url, *args)
        check(status == 1 and "refuses us" in said and "SU" not in said, f"{args}: exit {status}: {said[-300:]}")
    ours["tap"].write_text("nothing\n")
    status, said = tap_ends(lab, host, url, "--creds", ours["tap"])
    check(status != 0 and "--creds" in said, f"no credentials in the file: exit {status}: {said[-300:]}")


CASES = [fleet_cut, fleet_no_quorum, fleet_narrow, fleet_disk_full, fleet_tls, fleet_auth, fleet_credentials]
