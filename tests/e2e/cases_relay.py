"""cases_relay.py - a tap that hands requests over to a broker: what gets there, and what the books say when it does not"""
import json
import signal

import nats_talk
from cases_tls import make_authority, make_certificate
from lab import HERE, PYTHON, check, need_program, wait_for

URL = "nats://127.0.0.1:4222/digits"
STREAM = "shadowtap_digits"


def world(lab, more="", name="nats"):
    """A namespace with a server in it."""
    nats_talk.need_server()
    ns = lab.namespace()
    return ns, serve(lab, ns, more, name)


def serve(lab, ns, more="", name="nats"):
    store = lab.directory / "store"
    text = f'listen: "127.0.0.1:4222"\njetstream {{ store_dir: "{store}", max_mem: 16M, max_file: 2G }}\n{more}\n'
    return nats_talk.start(lab, ns, text=text, label=name)


def replayed(lab, ns, *args, name="ab-keepalive"):
    return lab.tap(ns, "-r", lab.pcap(name), "-x", "max", "-X", "any", *args)


def watched(lab, ns, *args):
    """A tap on lo and a load of a few hundred requests a second in front of it."""
    need_program("nginx")
    from cases_live import nginx
    nginx(lab, ns)
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "--admin", f"unix:{lab.directory}/admin.sock", "-t", URL, *args)
    lab.start(ns, PYTHON, HERE / "numbered.py", 8080, 2, label="load")
    return tap


def relay_now(lab):
    import subprocess
    done = subprocess.run(["curl", "-sS", "-m", "20", "--unix-socket", f"{lab.directory}/admin.sock", "http://x/stats"],
                          check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)["relay"]


def handed_over(lab):
    """Each chosen request is one record, with allowed fields alone; the heartbeat agrees with the books."""
    ns, _ = world(lab)
    tap = replayed(lab, ns, "-t", URL, "--relay-name", "node-1")
    relay = tap.finish()["relay"]
    check(relay["acked"] == relay["offered"] > 0 and relay["connects"] == 1, f"books: {relay}")
    stored = list(nats_talk.Link(ns).stored(STREAM))
    records = [m for m in stored if m.subject.startswith("st.v1.digits.req.")]
    beats = [json.loads(m.data) for m in stored if m.subject == "st.v1.digits.tap.node-1"]
    check(len(records) == relay["published"], f"{len(records)} of {relay['published']} are there")
    numbers = sorted(int(dict(m.headers)["ce-sequence"]) for m in records)
    check(numbers == list(range(len(records))), f"the numbers are {numbers[:5]} to {numbers[-5:]}")
    told = {e["wire_id"] for e in tap.events() if e["event"] == "request" and e["verdict"] == "chosen"}
    check(told == {dict(m.headers)["ce-id"] for m in records}, "events have the records' ids")
    for m in records:
        head = dict(m.headers)
        check(head["ce-type"] == "io.shadowtap.request.v1" and head["Nats-Msg-Id"] == head["ce-id"] and len(head["ce-id"]) == 32,
              f"a record with {head}")
        check(b"authorization" not in m.data.lower() and m.data.split(b" ")[2].startswith(b"HTTP/1."), f"a request {m.data[:80]}")
    last = beats[-1]
    check(last["final"] and not any(b["final"] for b in beats[:-1]), "the last heartbeat, and it alone, says so")
    check(last["next_sequence"] == relay["published"] and last["relay"]["acked"] == relay["acked"], f"the last heartbeat: {last}")
    check(last["requests"]["chosen"] == relay["requests"], f"its requests: {last['requests']}")


def beside_a_target(lab):
    """A broker and a shadow both get every chosen request; production's responses go to the broker with --compare."""
    ns, _ = world(lab)
    shadow = lab.shadow(ns)
    report = lab.tap(ns, "-r", lab.pcap("demo"), "-x", "max", "-m", "20s", "-t", "http://127.0.0.1:9000", "-t", URL, "--compare").finish()
    relay, chosen = report["relay"], report["requests"]["chosen"]
    check(len(shadow.requests()) == chosen == relay["requests"] > 0, f"{len(shadow.requests())} of {chosen}, broker {relay}")
    check(relay["responses"] == chosen and relay["acked"] == 2 * chosen, f"books: {relay}")
    marks = {v for r in shadow.requests() for k, v in r["headers"] if k.lower() == "x-shadowtap"}
    kinds = {}
    stored = [m for m in nats_talk.Link(ns).stored(STREAM) if ".req." in m.subject]
    for m in stored:
        kinds.setdefault(dict(m.headers)["ce-type"], {})[dict(m.headers)["ce-id"]] = m.subject
    requests, answers = kinds["io.shadowtap.request.v1"], kinds["io.shadowtap.answer.v1"]
    check(marks == set(requests), "the target knows a request by another id than the broker")
    check({i + "a": s for i, s in requests.items()} == answers, "each response has its request's id and partition")
    fields = {line.partition(b":")[0].lower() for m in stored if dict(m.headers)["ce-type"] == "io.shadowtap.answer.v1"
              for line in m.data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]}
    check(fields == {b"content-type", b"content-length", b"inference-header-content-length"}, f"fields of responses: {fields}")


def one_of_two_taps(lab):
    """What two taps see of the same requests is at the broker once, and the second one's books say so."""
    ns, _ = world(lab)
    first = replayed(lab, ns, "-t", URL, "--relay-name", "a").finish()["relay"]
    second = replayed(lab, ns, "-t", URL, "--relay-name", "b").finish()["relay"]
    check(first["duplicate"] == 0 and second["duplicate"] == second["published"] == first["published"], f"{first} and {second}")
    stored = [m for m in nats_talk.Link(ns).stored(STREAM) if ".req." in m.subject]
    check(len(stored) == first["published"], f"{len(stored)} at the broker")


def no_server_at_start(lab):
    """It starts, says so, and hands over once the broker is there."""
    nats_talk.need_server()
    ns = lab.namespace()
    tap = watched(lab, ns)
    wait_for("requests that are not handed over", lambda: relay_now(lab)["shed"]["disconnected"] > 50)
    check("cannot be reached" in tap.err and "tried again" in tap.err, f"it said {tap.err[-300:]!r}")
    serve(lab, ns)
    wait_for("records at the broker", lambda: relay_now(lab)["acked"] > 50)
    check("is there again" in tap.err, f"it said {tap.err[-300:]!r}")
    report = tap.stop()
    check(report["packets"]["dropped_kernel"] == 0, "packets were dropped")


def server_killed(lab):
    """kill -9 and back: what was in flight is unknown, nothing older is sent, and it goes on."""
    ns, server = world(lab)
    tap = watched(lab, ns)
    wait_for("records at the broker", lambda: relay_now(lab)["acked"] > 100)
    server.popen.kill()
    server.wait()
    wait_for("requests that are not handed over", lambda: relay_now(lab)["shed"]["disconnected"] > 100)
    acked = relay_now(lab)["acked"]
    serve(lab, ns, name="nats-again")
    wait_for("records at the broker again", lambda: relay_now(lab)["acked"] > acked + 100)
    report = tap.stop()
    relay = report["relay"]
    check(relay["connects"] == 2 and report["packets"]["dropped_kernel"] == 0, f"books: {relay}")
    stored = [int(dict(m.headers)["ce-sequence"]) for m in nats_talk.Link(ns).stored(STREAM) if ".req." in m.subject]
    check(len(stored) == len(set(stored)) and max(stored) == relay["published"] - 1, "a number twice, or too large")
    check(len(stored) >= relay["acked"], f"{len(stored)} at the broker, of {relay['acked']} that it acknowledged")


def server_stopped(lab):
    """SIGSTOP for three seconds: words that come late still count, and capture does not feel it."""
    ns, server = world(lab)
    tap = watched(lab, ns)
    wait_for("records at the broker", lambda: relay_now(lab)["acked"] > 100)
    server.popen.send_signal(signal.SIGSTOP)
    try:
        wait_for("records of which nothing is known", lambda: relay_now(lab)["unknown"] > 0)
    finally:
        server.popen.send_signal(signal.SIGCONT)
    wait_for("late words", lambda: relay_now(lab)["late"] > 0 or relay_now(lab)["connects"] > 1)
    acked = relay_now(lab)["acked"]
    wait_for("records at the broker again", lambda: relay_now(lab)["acked"] > acked + 100)
    check(tap.stop()["packets"]["dropped_kernel"] == 0, "packets were dropped")


def no_stream(lab):
    """A user who may make none, and there is none: refused by name, and the last line says what to do."""
    ns, _ = world(lab, 'authorization { users: [ { user: "u", password: "p", permissions: { publish: ["st.v1.digits.>"], '
                       'subscribe: ["_INBOX.shadowtap_tap.>"] } } ] }')
    tap = replayed(lab, ns, "-t", "nats://u:p@127.0.0.1:4222/digits")
    relay = tap.finish()["relay"]
    check(relay["refused"]["no_stream"] == relay["published"] > 0, f"books: {relay}")
    check("it has no stream for them" in tap.err.splitlines()[-1], f"its last line: {tap.err.splitlines()[-1]!r}")


def denied(lab):
    """A user who may not publish: refused by name, told once."""
    ns, _ = world(lab, 'authorization { users: [ { user: "u", password: "p", permissions: { publish: ["$JS.API.>", "$KV.>"], '
                       'subscribe: ["_INBOX.shadowtap_tap.>"] } } ] }')
    tap = replayed(lab, ns, "-t", "nats://u:p@127.0.0.1:4222/digits")
    relay = tap.finish()["relay"]
    check(relay["refused"]["denied"] + relay["unknown"] == relay["published"] > 0 and relay["refused"]["denied"] > 0, f"books: {relay}")
    check(tap.err.count("Permissions Violation for Publish") <= 6, f"it was told {tap.err.count('Violation')} times")


def full(lab):
    """A stream that is full and refuses what is new; and one with a limit of messages' size."""
    ns, _ = world(lab)
    link = nats_talk.Link(ns)
    link.api(f"STREAM.CREATE.{STREAM}", name=STREAM, subjects=["st.v1.digits.req.*"], retention="limits", storage="file", num_replicas=1,
             discard="new", max_msgs=3)
    tap = replayed(lab, ns, "-t", URL)
    relay = tap.finish()["relay"]
    check(relay["acked"] == 3 and relay["refused"]["full"] == relay["published"] - 3 > 0, f"books: {relay}")
    check("is full and refuses what is new" in tap.err, "it was not told")


def too_large(lab):
    """Above what the server takes: shed, told at the start, and never a disconnect."""
    ns, _ = world(lab, "max_payload: 4096")
    tap = replayed(lab, ns, "-t", URL, "--relay-buffer", "1M", name="curl-upload-100-continue")
    relay = tap.finish()["relay"]
    check("takes messages of at most 4K" in tap.err, f"it said {tap.err[:300]!r}")
    check(relay["connects"] == 1 and relay["shed"]["too_large"] + relay["acked"] == relay["offered"] and relay["shed"]["too_large"] > 0, f"books: {relay}")


def refused_at_start(lab, ns, url, *args):
    tap = lab.tap(ns, "-i", "lo", "-p", "8080", "-t", url, *args)
    check(tap.wait() == 1, f"exit {tap.popen.returncode}: {tap.err!r}")
    check("capturing" not in tap.err and "refuses us" in tap.err and "wrong" not in tap.err, f"it said {tap.err!r}")
    return tap.err


def who_we_are(lab):
    """A password and a key: the right ones work, wrong ones end it before a packet is read; no secret is told."""
    seed = "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y"
    public = "UAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLKK"
    ns, _ = world(lab, f'authorization {{ users: [ {{ user: "u", password: "right" }}, {{ nkey: "{public}" }} ] }}')
    refused_at_start(lab, ns, "nats://u:wrong@127.0.0.1:4222/digits")
    refused_at_start(lab, ns, URL)
    (lab.directory / "key").write_text(seed + "\n")
    (lab.directory / "other").write_text("SUAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6IC5CQ\n")
    tap = lab.tap(ns, "-i", "lo", "-p", "8080", "-t", URL, "--nkey", "other")
    check(tap.wait() == 1, f"exit {tap.popen.returncode} with another key: {tap.err!r}")
    for url, args in (("nats://u:right@127.0.0.1:4222/digits", ()), (URL, ("--nkey", "key"))):
        relay = replayed(lab, ns, "-t", url, *args).finish()["relay"]
        check(relay["acked"] + relay["duplicate"] == relay["offered"] > 0, f"books: {relay}")


def whom_we_believe(lab):
    """TLS: the right authority works; another one, another name, no TLS where it is asked for are refused."""
    need_program("openssl")
    make_authority(lab)
    make_certificate(lab, "server", "IP:127.0.0.1")
    make_certificate(lab, "stranger", "DNS:elsewhere")
    tls = 'tls {{ cert_file: "{0}/{1}.pem", key_file: "{0}/{1}.key" }}'
    ns, server = world(lab, tls.format(lab.directory, "server"))
    url = URL.replace("nats:", "tls:")
    relay = replayed(lab, ns, "-t", url, "--cacert", "ca.pem").finish()["relay"]
    check(relay["acked"] == relay["offered"] > 0, f"books: {relay}")
    relay = replayed(lab, ns, "-t", URL, "-k").finish()["relay"] # it asks for TLS
    check(relay["duplicate"] == relay["offered"] > 0, f"books: {relay}")
    refused_at_start(lab, ns, url)
    refused_at_start(lab, ns, URL)
    system = lab.start(ns, "env", "SSL_CERT_FILE=ca.pem", lab.binary, "-r", lab.pcap("ab-keepalive"), "-x", "max", "-X", "any", "-t", URL,
                       "--report", "system.json")
    check(system.wait() == 0, f"the system's authorities: {system.err!r}")
    relay = json.loads((lab.directory / "system.json").read_text())["relay"]
    check(relay["duplicate"] == relay["offered"] > 0, f"books: {relay}")
    server.popen.terminate()
    server.wait()
    server = serve(lab, ns, tls.format(lab.directory, "stranger"), "nats-stranger")
    refused_at_start(lab, ns, url, "--cacert", "ca.pem")
    server.popen.terminate()
    server.wait()
    serve(lab, ns, "", "nats-plain")
    refused_at_start(lab, ns, url, "--cacert", "ca.pem")


CASES = [handed_over, beside_a_target, one_of_two_taps, no_server_at_start, server_killed, server_stopped, no_stream, denied, full, too_large,
         who_we_are, whom_we_believe]
for case in CASES:
    case.__name__ = "relay_" + case.__name__
