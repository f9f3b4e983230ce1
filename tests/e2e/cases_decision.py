"""cases_decision.py - a run that ends when its pairs have shown enough, and what it is worth if they have not"""
import json

from answers import CASES as ASKED
from cases_admin import Http
from cases_compare import COMPARE, PRODUCTION, ROUNDS, ask, pairs_told, services
from lab import check, wait_for


def decided_by(lab, expression, *more, seconds=30):
    """A recording of which all pairs are of another schema, replayed without end; its report and the exit status."""
    path = lab.directory / "decided.json"
    process = lab.start(lab.namespace(), lab.binary, "-r", lab.pcap("v1-predict"), "--loop", 0, "-x", "max", "-t", "sink:", "--compare",
                        "--stop-when", "decided", "--report", path, *(["--fail-on", expression] if expression else []), *more)
    status = process.wait(seconds)
    return json.loads(path.read_text()), status, process.err


def decision_ends_a_run(lab):
    """Promoted, rejected, neither in time: each with its exit status, by the default as well."""
    for expression, more, state, want in (
            ("schema < 50%", (), "promote", 0),
            ("mismatch > 50%", (), "reject", 3),
            (None, (), "reject", 3),
            ("decision > 0%", ("--duration", "2s"), "keep_watching", 3),
            ("schema < 50%", ("--duration", "2s", "--watch-at-least", "1h"), "keep_watching", 3)):
        report, status, told = decided_by(lab, expression, *more)
        decision = report["comparison"]["decision"]
        what = f"{expression} {more}: "
        check(decision["state"] == state and status == want, f"{what}{decision['state']}, exit {status}: {told[-400:]}")
        check(decision["looks"] == "anytime" and decision["is_default"] == (expression is None) and decision["ends_run"], f"{what}{decision}")
        check(f"decision: {state.replace('_', ' ')}; {decision['why']}" in told, f"{what}the terminal says {told[-600:]}")
        check(state == "keep_watching" or f"decided: {state}; " in told, f"{what}it did not say that it is decided: {told[-600:]}")
        check(state != "keep_watching" or "not decided" in told, f"{what}{told[-300:]}")


def decision_is_told(lab):
    """Live: /decision says what the report says at the end, and by its status what was required."""
    ns = services(lab)
    tap = lab.live_tap(ns, "-i", "lo", "-p", PRODUCTION, *COMPARE, "--admin", "127.0.0.1:9090")
    admin = Http(lab, ns)
    check(json.loads(admin.ok("/decision"))["state"] == "none", "a decision before the first pair")
    ask(lab, ns)
    wait_for("/metrics to know of all pairs", lambda: pairs_told(admin) == ROUNDS * len(ASKED))
    wait_for("/decision to know of all pairs", lambda: json.loads(admin.ok("/decision"))["pairs"] == ROUNDS * len(ASKED))
    now = json.loads(admin.ok("/decision"))
    check(now["state"] == "reject" and now["looks"] == "anytime", f"/decision: {now}")
    check(admin("/decision?require=reject")[0] == 200 and admin("/decision?require=promote")[0] == 409, "require=")
    hook = json.dumps({"name": "m", "namespace": "models", "phase": "Progressing", "metadata": {"x": "y" * 200}})
    check(admin("/decision?require=reject", "-X", "POST", "-d", hook)[0] == 200, "a web hook")
    report = tap.stop()
    told = report["comparison"]["decision"]
    check(told["terms"] == now["terms"] and told["why"] == now["why"] and not told["ends_run"], f"the report: {told}, /decision: {now}")
    mismatch, target = told["terms"][0], report["comparison"]["targets"]["default"]
    check(target["looks"] == "anytime", "the target's looks")
    check(abs(mismatch["low"] - target["mismatch"]["low"]) < 1e-5 and mismatch["of"] == target["mismatch"]["of"], f"{mismatch}, {target['mismatch']}")


CASES = [decision_ends_a_run, decision_is_told]
