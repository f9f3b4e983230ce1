"""cases_doctor.py - the doctor in front of real faults: does it find them, and does it say what to do?

Each fault is made, the doctor is asked with --json, and its findings are compared.
"""
import json
import subprocess

import cases_tap
import nats_talk
from lab import check, need_program, wait_for

WATCH = ["--duration", "2s"]


def ask(lab, namespace, *args):
    """Start the doctor, wait until it watches; the process."""
    doctor = lab.start(namespace, lab.binary, "doctor", "--json", *args, label="doctor")
    wait_for("the doctor to watch", lambda: "watching" in doctor.err or not doctor.running())
    return doctor


def answer(doctor, works):
    """What it found, by code."""
    status = doctor.wait()
    check(doctor.out, f"the doctor said nothing; exit {status}: {doctor.err[-300:]!r}")
    said = json.loads(doctor.out)
    check(said["works"] is works and status == (0 if works else 1), f"works {said['works']}, exit {status}: {said['findings']}")
    return {finding["code"]: finding for finding in said["findings"]}


def expect(findings, code, severity, words):
    check(code in findings, f"no finding {code} among {list(findings.values())}")
    found = findings[code]
    check(found["severity"] == severity, f"{code} is a {found['severity']}: {found}")
    text = found["text"] + " " + found["try"]
    for word in words:
        check(word in text, f"{code} does not say {word!r}: {text}")


def curl(ns, *args):
    done = subprocess.run(["ip", "netns", "exec", ns, "curl", "-s", "-m", "5", "-o", "/dev/null", *args], check=False)
    return done.returncode


def predict(ns, host="127.0.0.1", count=5):
    for _ in range(count):
        curl(ns, "-d", '{"instances": [[1, 2]]}', "-H", "Content-Type: application/json",
             f"http://{host}:8080/v1/models/digits:predict")


def doctor_well(lab):
    """A service, a shadow, the right port: it would work, and nothing worse than a note is said."""
    ns = lab.namespace()
    lab.service(ns)
    lab.shadow(ns)
    doctor = ask(lab, ns, "-i", "lo", "-p", "8080", "-t", "http://127.0.0.1:9000", *WATCH)
    predict(ns)
    findings = answer(doctor, True)
    expect(findings, "requests", "ok", ["5 requests passed whole; 5 would be mirrored"])
    expect(findings, "target", "ok", ["http://127.0.0.1:9000", "status"])
    check(not {f["severity"] for f in findings.values()} & {"fault", "warning"}, f"complaints: {list(findings.values())}")


def doctor_wrong_port(lab):
    """Requests go to 8080 and the options say 9999; and nobody listens at the target."""
    ns = lab.namespace()
    lab.service(ns)
    doctor = ask(lab, ns, "-i", "any", "-p", "9999", "-t", "http://127.0.0.1:9001", *WATCH)
    predict(ns)
    findings = answer(doctor, False)
    expect(findings, "filter", "fault", ["port 9999", "port 8080 (5)", "-p 8080"])
    expect(findings, "target", "fault", ["does not accept connections", "ECONNREFUSED"])


def doctor_tls_and_http2(lab):
    """A port where clients begin TLS, with a name, and HTTP/2, which is not to be read."""
    need_program("openssl")
    ns = lab.namespace()
    lab.service(ns)
    doctor = ask(lab, ns, "-i", "lo", "-p", "8080", "--h2", "off", *WATCH)
    subprocess.run(["ip", "netns", "exec", ns, "openssl", "s_client", "-connect", "127.0.0.1:8080", "-servername", "models.example"],
                   check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=10)
    curl(ns, "--http2-prior-knowledge", "http://127.0.0.1:8080/")
    findings = answer(doctor, False)
    expect(findings, "tls", "fault", ["1 connection with TLS", "models.example", "8080 (1)"])
    expect(findings, "http2", "fault", ["1 connection with HTTP/2", "8080 (1)", "--h2 off"])


def doctor_silence(lab):
    ns = lab.namespace()
    findings = answer(ask(lab, ns, "-i", "lo", "-p", "8080", "--duration", "1s"), False)
    expect(findings, "no_packets", "fault", ["No packet passed", "-i any"])


def doctor_snaplen(lab):
    """64 bytes of each packet: no request is whole, and the reason is named."""
    ns = lab.namespace()
    lab.service(ns)
    doctor = ask(lab, ns, "-i", "lo", "-p", "8080", "-s", "100", *WATCH)
    predict(ns)
    findings = answer(doctor, False)
    expect(findings, "truncated", "warning", ["came cut", "-s 262144"])
    expect(findings, "lost", "fault", ["truncated 5"])


def doctor_rules(lab):
    """All requests fall to one rule: the rule, and what fell."""
    ns = lab.namespace()
    lab.service(ns)
    doctor = ask(lab, ns, "-i", "lo", "-p", "8080", "--preset", "openai", *WATCH)
    predict(ns)
    findings = answer(doctor, False)
    expect(findings, "path", "fault", ["None of 5 requests", "/v1/models/digits:predict", "--preset than openai"])


def doctor_not_allowed(lab):
    """Without the capability: which one, and how to give it."""
    need_program("setpriv")
    ns = lab.namespace()
    doctor = lab.start(ns, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                       lab.binary, "doctor", "--json", "-i", "lo", label="doctor")
    findings = answer(doctor, False)
    expect(findings, "capture", "fault", ["cap_net_raw"])
    findings = answer(lab.start(ns, lab.binary, "doctor", "--json", "-i", "nosuch0", label="doctor"), False)
    expect(findings, "capture", "fault", ["nosuch0", "no such interface"])


def doctor_vxlan(lab):
    """Mirrored traffic comes in VXLAN and --decap is missing; with it, all is well."""
    a, b = cases_tap.tunnel_ends(lab)
    lab.service(b, host="10.9.0.2")
    for decap, works in (([], False), (["--decap", "vxlan"], True)):
        doctor = ask(lab, a, "-i", "u0", "-p", "8080", *decap, *WATCH)
        predict(a, host="10.9.0.2")
        findings = answer(doctor, works)
        if works:
            expect(findings, "requests", "ok", ["5 requests"])
        else:
            expect(findings, "tunnel", "fault", ["vxlan", "--decap vxlan"])


HEAD_ONLY = """import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        print(self.path, flush=True)
        status = int(sys.argv[2])
        self.send_response(status if self.path.startswith("/base/v1/models/") else 404)
        self.end_headers()
    log_message = lambda *_: None
if sys.argv[3:]:
    Handler.do_OPTIONS = Handler.do_HEAD
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def doctor_target_path(lab):
    """Each target is asked for a path that was seen, below its own; 405 and 501 say that it is there, 404 that it may not be.

    404 to OPTIONS as well says that it is not.
    """
    ns = lab.namespace()
    for port, status in ((9001, 405), (9002, 501), (9003, 200)):
        lab.wait_listening(ns, port, lab.start(ns, "python3", "-c", HEAD_ONLY, port, status, label=f"head-{status}"))
    lab.wait_listening(ns, 9004, lab.start(ns, "python3", "-c", HEAD_ONLY, 9004, 200, "options", label="options"))
    run = ["doctor", "--json", "-r", lab.pcap("v1-predict"), "-p", "8080"]
    for target, severity, words in (("http://127.0.0.1:9001/base", "ok", ["HEAD /base/v1/models/", "status 405"]),
                                    ("http://127.0.0.1:9002/base", "ok", ["status 501"]),
                                    ("http://127.0.0.1:9003/base", "ok", ["status 200"]),
                                    ("http://127.0.0.1:9004/base", "ok", ["status 200"]),
                                    ("http://127.0.0.1:9003/nothere", "warning", ["HEAD /nothere/v1/models/", "404", "--rewrite-path"]),
                                    ("http://127.0.0.1:9004/nothere", "fault", ["OPTIONS 404", "does not know that path"])):
        findings = answer(lab.start(ns, lab.binary, *run, "-t", target, label="doctor"), severity != "fault")
        expect(findings, "target", severity, words)
    findings = answer(lab.start(ns, lab.binary, *run, "-t", "http://127.0.0.1:9001", "--rewrite-path", "^/v1/=>/base/v1/", label="doctor"), True)
    expect(findings, "target", "ok", ["HEAD /base/v1/models/"])


def doctor_small_sample(lab):
    """A sample that took nothing in the while is a note with the rate, and no fault."""
    run = ["doctor", "--json", "-t", "sink:", "-r", lab.pcap("v1-predict"), "-S", "0.01%"]
    findings = answer(lab.start(lab.namespace(), lab.binary, *run, label="doctor"), True)
    expect(findings, "unsampled", "note", ["one in 10,000", "-S"])


def doctor_brokers(lab):
    """A broker that is not there, has no JetStream, is as it comes, and wants a password."""
    nats_talk.need_server()
    ns = lab.namespace()
    tap = ["-r", lab.pcap("v1-predict"), "-t", "nats://127.0.0.1:4222/digits"]

    def find(works, *args):
        return answer(lab.start(ns, lab.binary, "doctor", "--json", *args, label="doctor"), works)

    expect(find(False, *tap), "broker", "fault", ["127.0.0.1:4222 cannot be reached", "nats-server"])
    server = nats_talk.start(lab, ns, text='listen: "127.0.0.1:4222"\n')
    expect(find(False, *tap), "jetstream", "fault", ["no JetStream", "-js"])
    server.end()
    server = nats_talk.start(lab, ns, text=f'listen: "127.0.0.1:4222"\njetstream {{ store_dir: "{lab.directory}/plain" }}\n')
    findings = find(True, *tap)
    expect(findings, "max_payload", "warning", ["1.00 MiB", "max_payload: 8MB"])
    expect(findings, "stream", "note", ["shadowtap_digits yet", "--retain"])
    expect(find(True, "-r", "nats://127.0.0.1:4222/digits", "-t", "sink:"), "stream", "note", ["a run makes it"])
    server.end()
    nats_talk.start_packaged(lab, ns)
    for login in ("", "tap:wrong@"):
        expect(find(False, *tap[:-1], f"nats://{login}127.0.0.1:4222/digits"), "broker", "fault", ["refuses us"])


def doctor_broker_rights(lab):
    """With the users of nats.conf: who may do what, before and after there is a stream; and asking leaves nothing behind."""
    nats_talk.need_server()
    ns = lab.namespace()
    nats_talk.start_packaged(lab, ns)

    def find(works, user, source):
        url = f"nats://{user}@127.0.0.1:4222/digits"
        args = ["-r", url, "-t", "sink:"] if source else ["-r", lab.pcap("v1-predict"), "-t", url]
        return answer(lab.start(ns, lab.binary, "doctor", "--json", *args, label="doctor"), works)

    expect(find(False, nats_talk.TAP, False), "stream", "fault", ["we may not make one", "start a replayer first"])
    expect(find(True, nats_talk.REPLAYER, True), "stream", "note", ["a run makes it"])
    with nats_talk.Link(ns, inbox="_INBOX.shadowtap_replayer", user="replayer", **{"pass": "replays-only"}) as link:
        made = {"name": "shadowtap_digits", "subjects": ["st.v1.digits.>"], "retention": "limits", "storage": "file", "discard": "old",
                "max_bytes": 1 << 30, "max_age": 3600 * 10**9, "duplicate_window": 10**10, "num_replicas": 1, "max_consumers": -1,
                "max_msgs": -1}
        check("error" not in link.api("STREAM.CREATE.shadowtap_digits", **made), "the stream is not made")
        bucket = {**made, "name": "KV_shadowtap_digits", "subjects": ["$KV.shadowtap_digits.>"], "max_msgs_per_subject": 1, "max_bytes": 1 << 20,
                  "max_age": 0, "allow_direct": True, "duplicate_window": 0}
        check("error" not in link.api("STREAM.CREATE.KV_shadowtap_digits", **bucket), "the bucket is not made")
        findings = find(True, nats_talk.TAP, False)
        expect(findings, "broker", "ok", ["connected in", "0 messages", "of 1.00 GiB, for 1 h"])
        check("denied" not in findings, f"{findings}")
        findings = find(True, nats_talk.REPLAYER, True)
        expect(findings, "silent", "warning", ["never had anything from a tap of digits"])
        check("denied" not in findings, f"{findings}")
        expect(findings, "lag", "ok", ["The group replay is new there"])
        expect(find(False, nats_talk.TAP, True), "denied", "fault", ["Violation for Subscription", "nats.conf"])
        expect(find(False, nats_talk.REPLAYER, False), "denied", "fault", ["Violation for Subscription"])
        for stream in ("shadowtap_digits", "KV_shadowtap_digits"):
            state = link.api(f"STREAM.INFO.{stream}")["state"]
            check(state["last_seq"] == 0 and state["consumer_count"] == 0, f"the doctor has left something in {stream}: {state}")


def doctor_lag(lab):
    """What a group has still to read: of a recording handed over twice, the second half."""
    nats_talk.need_server()
    ns = lab.namespace()
    nats_talk.start(lab, ns)
    url = "nats://127.0.0.1:4222/digits"

    def put(name):
        return lab.tap(ns, "-r", lab.pcap(name), "-x", "max", "-t", url).finish()["relay"]["acked"]

    check(put("v1-predict") > 0, "nothing was handed over")
    lab.tap(ns, "-r", url, "--from", "start", "-x", "max", "--stop-when", "caught-up", "-t", "sink:").finish()
    more = put("demo")
    findings = answer(lab.start(ns, lab.binary, "doctor", "--json", "-r", url, "-t", "sink:", label="doctor"), True)
    expect(findings, "lag", "ok", [f"has {more} records still to read"])


def doctor_broker_denies(lab):
    """Users that hear the broker, and may neither publish, nor read, nor claim."""
    nats_talk.need_server()
    ns = lab.namespace()
    ask_only = ["$JS.API.INFO", "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.CREATE.*"]
    users = {"poor": ask_only, "reads": [*ask_only, "$JS.API.CONSUMER.>"]}
    said = ", ".join(f'{{ user: {name}, password: p, permissions: {{ publish: {json.dumps(may)}, subscribe: "_INBOX.>" }} }}'
                    for name, may in users.items())
    nats_talk.start(lab, ns, text=f'listen: "127.0.0.1:4222"\njetstream {{ store_dir: "{lab.directory}/js" }}\n'
                                  f"authorization {{ users: [ {said} ] }}\n")
    with nats_talk.Link(ns, user="poor", **{"pass": "p"}) as link:
        check("error" not in link.api("STREAM.CREATE.shadowtap_digits", name="shadowtap_digits", subjects=["st.v1.digits.>"], discard="new",
                                      storage="file", retention="limits", num_replicas=1, max_bytes=-1, max_msgs=-1, max_consumers=-1,
                                      max_age=0), "the stream is not made")
    for user, source, words in (("poor", False, ["publish to st.v1.digits.>"]), ("poor", True, ["read from the stream"]),
                                ("reads", True, ["write into the bucket"])):
        url = f"nats://{user}:p@127.0.0.1:4222/digits"
        args = ["-r", url, "-t", "sink:"] if source else ["-r", lab.pcap("v1-predict"), "-t", url]
        findings = answer(lab.start(ns, lab.binary, "doctor", "--json", *args, label="doctor"), False)
        expect(findings, "denied", "fault", [*words, "nats.conf"])
        expect(findings, "limits", "warning", [])


def doctor_recording(lab):
    """A recording instead of an interface, and what a person reads."""
    def run(*args):
        return subprocess.run([lab.binary, "doctor", *map(str, args)], capture_output=True, text=True, timeout=30, cwd=lab.directory)
    done = run("-r", lab.pcap("demo"))
    check(done.returncode == 0 and "This would work." in done.stdout and "39 would be mirrored" in done.stdout, done.stdout)
    done = run("-r", lab.pcap("demo"), "-p", "9999")
    check(done.returncode == 1 and "Try: -p 8080" in done.stdout and "would not work yet" in done.stdout, done.stdout)
    done = run("-r", "nothing.pcap")
    check(done.returncode == 1 and "nothing.pcap" in done.stderr, done.stderr)
    done = run("-r", lab.pcap("demo"), "--bogus")
    check(done.returncode == 2 and "--bogus" in done.stderr, done.stderr)
    done = subprocess.run([lab.binary, "-r", str(lab.pcap("demo")), "--json", "--dry-run"], capture_output=True, text=True, timeout=30)
    check(done.returncode == 2 and "doctor" in done.stderr, done.stderr)


CASES = [doctor_well, doctor_wrong_port, doctor_tls_and_http2, doctor_silence, doctor_snaplen, doctor_rules, doctor_not_allowed,
         doctor_vxlan, doctor_target_path, doctor_small_sample, doctor_brokers, doctor_broker_rights,
         doctor_broker_denies, doctor_lag, doctor_recording]
