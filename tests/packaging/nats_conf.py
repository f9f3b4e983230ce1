"""nats_conf.py - packaging/nats/nats.conf in a real server: each user may do what its role needs, and nothing else

What is tried is what a tap and a replayer ask of the server, and then what a stolen password would be used for.
"""
import json
import os
import pathlib
import ssl
import subprocess

import nats_talk
from lab import Lab, check, wait_for

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
STREAM, BUCKET = "shadowtap_digits", "KV_shadowtap_digits"
REQUEST = "st.v1.digits.req.03"
HEADERS = [("Nats-Msg-Id", "0" * 32), ("ce-specversion", "1.0")]

MADE = {
    f"STREAM.CREATE.{STREAM}": {"name": STREAM, "subjects": ["st.v1.digits.>"], "retention": "limits", "storage": "file",
                                "discard": "old", "max_age": 3600 * 10**9, "max_bytes": 1 << 30, "duplicate_window": 10 * 10**9,
                                "num_replicas": 1, "max_consumers": -1, "max_msgs": -1},
    f"STREAM.CREATE.{BUCKET}": {"name": BUCKET, "subjects": ["$KV.shadowtap_digits.>"], "max_msgs_per_subject": 1, "discard": "new",
                                "storage": "file", "num_replicas": 1, "allow_rollup_hdrs": True, "allow_direct": True,
                                "retention": "limits", "max_consumers": -1, "max_msgs": -1, "max_bytes": 1 << 20},
}
PULL = {"ack_policy": "none", "deliver_policy": "all", "filter_subject": REQUEST, "inactive_threshold": 30 * 10**9}

# what each may not do: publish to these, subscribe to those
TAP_MUST_NOT = [
    *(f"$JS.API.{what}.{STREAM}" for what in ("STREAM.CREATE", "STREAM.UPDATE", "STREAM.DELETE", "STREAM.PURGE", "STREAM.MSG.GET",
                                              "STREAM.MSG.DELETE", "CONSUMER.CREATE", "CONSUMER.NAMES", "STREAM.SNAPSHOT")),
    f"$JS.API.CONSUMER.DURABLE.CREATE.{STREAM}.d", f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.d", f"$JS.API.DIRECT.GET.{STREAM}",
    "$KV.shadowtap_digits.claim.default.00", "$KV.shadowtap_digits.partitions", "st.v1.other.req.00", "_INBOX.shadowtap_replayer.x",
]
REPLAYER_MUST_NOT = [
    REQUEST, "st.v1.digits.tap.host", "st.v1.other.req.00", "_INBOX.shadowtap_tap.x",
    *(f"$JS.API.{what}.{STREAM}" for what in ("STREAM.UPDATE", "STREAM.DELETE", "STREAM.PURGE", "STREAM.MSG.DELETE", "STREAM.SNAPSHOT")),
    f"$JS.API.STREAM.DELETE.{BUCKET}", "$JS.API.STREAM.CREATE.other", "$JS.API.STREAM.NAMES", f"$JS.API.STREAM.MSG.GET.{STREAM}",
    f"$JS.API.CONSUMER.DURABLE.CREATE.{STREAM}.d",
]
MUST_NOT_HEAR = [">", "st.v1.digits.>", "_INBOX.>", "$JS.>", "$KV.>"]


def refused(link, subject):
    """It may not publish there."""
    before = len(link.errors)
    link.publish(subject, b"x")
    link.round_trip()
    check(len(link.errors) == before + 1 and "Permissions Violation" in link.errors[-1], f"it may publish to {subject}: {link.errors}")


def deaf(link, subject):
    before = len(link.errors)
    link.subscribe(subject)
    link.round_trip()
    check(len(link.errors) == before + 1 and "Permissions Violation" in link.errors[-1], f"it may subscribe to {subject}")


def turned_away(ns, **login):
    try:
        nats_talk.Link(ns, **login)
    except nats_talk.Refused as why:
        check("Authorization" in str(why), f"turned away with {why}")
        return
    check(False, f"the server lets in {login}")


def a_tap(ns, **more):
    return nats_talk.Link(ns, inbox="_INBOX.shadowtap_tap", user="tap", **{"pass": "4711"}, **more)


def a_replayer(ns, **more):
    return nats_talk.Link(ns, inbox="_INBOX.shadowtap_replayer", user="replayer", **{"pass": nats_talk.SECRETS["REPLAYER_PASSWORD"]}, **more)


def no_stream_yet(ns):
    """A tap that comes first learns that there is none, and a request without one is answered so."""
    with a_tap(ns) as tap:
        check(tap.api(f"STREAM.INFO.{STREAM}")["error"]["err_code"] == 10059, "a stream already?")
        check(tap.ask(REQUEST, b"x", HEADERS).status.startswith("503"), "acknowledged by whom?")


def replayer_makes(ns):
    with a_replayer(ns) as replayer:
        for what, config in MADE.items():
            said = replayer.api(what, **config)
            check("error" not in said, f"{what}: {said}")
        check(json.loads(replayer.ask("$KV.shadowtap_digits.partitions", b"16").data)["seq"] == 1, "the bucket does not take a key")
        check("error" not in replayer.api("INFO"), "no word on the account")


def tap_hands_over(ns):
    with a_tap(ns) as tap:
        got = tap.ask(f"$JS.API.DIRECT.GET.{BUCKET}.$KV.shadowtap_digits.partitions")
        check(got.data == b"16", f"partitions: {got}")
        check(tap.api(f"STREAM.INFO.{STREAM}")["config"]["max_age"] == 3600 * 10**9, "the stream's limits")
        first, second = (json.loads(tap.ask(REQUEST, b"POST / HTTP/1.1\r\n\r\n", HEADERS).data) for _ in range(2))
        check(first["seq"] == 1 and not first.get("duplicate") and second.get("duplicate"), f"acks: {first} {second}")
        large = json.loads(tap.ask("st.v1.digits.tap.host", bytes(7 << 20)).data)
        check(large["seq"] == 2, f"7 MiB: {large}")
        check(tap.info["max_payload"] == 8 << 20, f"max_payload {tap.info['max_payload']}")


def replayer_takes(ns):
    """A request that a tap has handed over; a claim of it that only one can make."""
    with a_replayer(ns) as replayer:
        made = replayer.api(f"CONSUMER.CREATE.{STREAM}", stream_name=STREAM, config=PULL)
        check("error" not in made, f"consumer: {made}")
        name = made["name"]
        replayer.subscribe("_INBOX.shadowtap_replayer.pull")
        replayer.publish(f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{name}", b'{"batch":1}', reply="_INBOX.shadowtap_replayer.pull")
        got = replayer.next()
        check(got and got.data.startswith(b"POST / ") and ("ce-specversion", "1.0") in got.headers, f"pulled {got}")
        check("error" not in replayer.api(f"CONSUMER.INFO.{STREAM}.{name}"), "no word on the consumer")
        # a claim: the key that nobody has written, then again with the revision that it has not
        claim, fence = "$KV.shadowtap_digits.claim.default.03", "Nats-Expected-Last-Subject-Sequence"
        check("error" not in json.loads(replayer.ask(claim, b"{}", [(fence, "0")]).data), "the first claim")
        check(json.loads(replayer.ask(claim, b"{}", [(fence, "0")]).data)["error"]["err_code"] == 10071, "a second first claim")
        check("error" not in replayer.api(f"CONSUMER.DELETE.{STREAM}.{name}"), "the consumer stays")


def nothing_else(ns):
    for make, subjects in ((a_tap, TAP_MUST_NOT), (a_replayer, REPLAYER_MUST_NOT)):
        with make(ns) as link:
            for subject in subjects:
                refused(link, subject)
            for subject in MUST_NOT_HEAR:
                deaf(link, subject)
    turned_away(ns)
    turned_away(ns, user="tap", **{"pass": "4712"})
    turned_away(ns, user="tap", **{"pass": nats_talk.SECRETS["REPLAYER_PASSWORD"]})


def with_tls(text, directory):
    """With the lines for TLS, and those for certificates of clients, no longer comments."""
    lines, inside = [], False
    for line in text.splitlines(True):
        inside = inside or line == "# tls {\n"
        lines.append(line[2:].replace("# ca_file", "ca_file").replace("# verify", "verify") if inside else line)
        inside = inside and line != "# }\n"
    text = "".join(lines)
    check("\ntls {" in text and "\n  verify:" in text, f"{nats_talk.PACKAGED.name} has no block for TLS")
    return text.replace("/etc/nats/", f"{directory}/")


def make_certificates(directory):
    """A server's and a client's, each its own authority."""
    for name, file in (("server", "server"), ("client", "clients-ca")):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                        f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", directory / f"{file}.key", "-out",
                        directory / f"{file}.pem"], check=True, stderr=subprocess.DEVNULL)


def over_tls(lab, ns, text):
    """Who shows a certificate gets in, who shows none does not, and nobody speaks in the clear."""
    make_certificates(lab.directory)
    nats_talk.start_packaged(lab, ns, with_tls(text, lab.directory), "nats-tls")
    context = ssl.create_default_context(cafile=lab.directory / "server.pem")
    try:
        a_tap(ns, tls=context)
        check(False, "a client without a certificate gets in")
    except (ssl.SSLError, OSError, nats_talk.Refused):
        pass
    context.load_cert_chain(lab.directory / "clients-ca.pem", lab.directory / "clients-ca.key")
    with a_tap(ns, tls=context) as tap:
        check("error" not in tap.api("INFO"), "no word on the account")
    try:
        a_tap(ns)
        check(False, "a client gets in without TLS")
    except (OSError, nats_talk.Refused):
        pass


def over_leaf(lab, ns):
    """A tap that reaches a leaf node and not the hub hands over as any other; and with its rights only."""
    text = (TOP / "packaging/nats/leaf.conf").read_text().replace("0.0.0.0:4222", "127.0.0.1:4223").replace(":8222", ":8223")
    leaf = nats_talk.start(lab, ns, text=text, env=["HUB=nats-leaf://tap:4711@127.0.0.1:7422"], label="leaf")
    wait_for("the leaf to be one", lambda: "Leafnode connection created" in leaf.err)
    with nats_talk.Link(ns, 4223, inbox="_INBOX.shadowtap_tap") as tap:
        wait_for("the hub to answer", lambda: not tap.ask(f"$JS.API.STREAM.INFO.{STREAM}").status)
        check(tap.api(f"STREAM.INFO.{STREAM}")["config"]["max_age"] == 3600 * 10**9, "the stream's limits")
        before = tap.api(f"STREAM.INFO.{STREAM}")["state"]["last_seq"]
        again, new = (json.loads(tap.ask(REQUEST, b"x", [("Nats-Msg-Id", name)]).data) for name in ("0" * 32, "1" * 32))
        check(again.get("duplicate") and new["seq"] == before + 1, f"acks: {again} {new}")
        check(tap.ask(f"$JS.API.DIRECT.GET.{BUCKET}.$KV.shadowtap_digits.partitions").data == b"16", "partitions")
        got = tap.ask(f"$JS.API.STREAM.MSG.GET.{STREAM}", b'{"seq":1}', seconds=0.5)
        check(got is None or got.status, f"a request is read by way of the leaf: {got}")


def in_a_server(binary, _directory):
    """What nats.conf says, as its two users find it."""
    nats_talk.need_server()
    with Lab(binary) as lab:
        text = nats_talk.packaged(lab)
        path = lab.directory / "checked.conf"
        path.write_text(text)
        ok, said = nats_talk.checked(path, {**os.environ, **nats_talk.SECRETS})
        check(ok, f"the server refuses it: {said}")
        ok, _ = nats_talk.checked(path, {name: value for name, value in os.environ.items() if name not in nats_talk.SECRETS})
        check(not ok, "without the secrets it is taken, and who are its users then?")
        ns = lab.namespace()
        server = nats_talk.start_packaged(lab, ns)
        for step in (no_stream_yet, replayer_makes, tap_hands_over, replayer_takes, nothing_else):
            step(ns)
        over_leaf(lab, ns)
        server.end()
        over_tls(lab, ns, text)


in_a_server.title = "nats"
