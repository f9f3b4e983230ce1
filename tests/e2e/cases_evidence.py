"""cases_evidence.py - the ramp goes by what the pairs have shown: down to what is kept, or to nothing"""
from cases_compare import COMPARE, PRODUCTION, services
from lab import HERE, PYTHON, check, wait_for

RAMP = ["--ramp", "50%..100%/10s", "--decide-within", "1m", "--keep", "1%", "--fail-on", "mismatch > 20%"]


def decided(lab, case, words):
    """A run in which every pair is of this case, once it has said @words."""
    ns = services(lab)
    tap = lab.live_tap(ns, "-i", "lo", "-p", PRODUCTION, *COMPARE, *RAMP)
    client = lab.start(ns, PYTHON, HERE / "answers.py", "ask_on", PRODUCTION, case, label="client")
    wait_for(words, lambda: words in tap.err or not client.running() and check(False, client.err[-300:]))
    client.end()
    return tap


def ramp_by_evidence(lab):
    """A shadow that answers as production does is found so, and gets what is to be kept."""
    report = decided(lab, "equal", "decided: promote; the sample is 1% from here on").stop()
    check(report["ramp"]["evidence"] == "promote" and report["ramp"]["decide_within"] == 60, f"the ramp: {report['ramp']}")
    check(report["sample"] == 0.01 and report["ramp"]["share"] == 0.01, f"the sample: {report['sample']}")


def ramp_stops_at_reject(lab):
    """One that decides otherwise gets nothing more."""
    tap = decided(lab, "decision", "decided: reject; nothing more is sent to the shadow")
    tap.interrupt()
    check(tap.wait() == 3, f"exit {tap.popen.returncode}: {tap.err[-300:]}")
    report = tap.report()
    check(report["ramp"]["evidence"] == "reject" and report["sample"] == 0, f"the ramp: {report['ramp']}")
    check(report["ramp"]["share"] == 0, f"the share: {report['ramp']}")


CASES = [ramp_by_evidence, ramp_stops_at_reject]
