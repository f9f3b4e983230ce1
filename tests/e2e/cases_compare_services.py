"""cases_compare_services.py - comparing, with real services and clients: each pair's verdict is the one that its case has

One traffic, seen twice: by the tap, live, with a control beside the shadow; and by tcpdump, whose recording is then
compared as a test in CI would do it, with the gate's exit status as its result. See models.py.
"""
import collections
import json
import subprocess

import models
from lab import HERE, PYTHON, check, fields_of, need_program, need_python, wait_for

PRODUCTION, SHADOW, CONTROL = 8080, 9000, 9001
ROUNDS = 3
PAIRS = ROUNDS * len(models.CASES)
COMPARE = ["--compare", "-t", f"http://127.0.0.1:{SHADOW}", "-m", "3s", "--ignore", "/id", "--ignore", "/created"]
MISMATCHES = ("status", "encoding", "schema", "decision", "value", "order")


def serve(lab, ns):
    need_python("uvicorn", "numpy", "requests", "httpx", "aiohttp")
    need_program("curl", "tcpdump")
    roles = [(lab.start(ns, PYTHON, HERE / "models.py", "serve", role, port, label=role), port)
             for role, port in (("production", PRODUCTION), ("shadow", SHADOW), ("control", CONTROL))]
    for process, port in roles:
        lab.wait_listening(ns, port, process)


def check_verdicts(tap, target, field):
    """Of each request, by its event; the case's name came with the request."""
    events = tap.events()
    case_of = {e["id"]: fields_of(e)["x-request-id"].rsplit(".", 1)[0] for e in events if e["event"] == "request"}
    told = [e for e in events if e["event"] == "comparison" and e["target_name"] == target]
    check(len(told) == PAIRS and len({e["id"] for e in told}) == PAIRS, f"{len(told)} comparisons of {PAIRS}")
    for e in told:
        name = case_of[e["id"]]
        case = models.CASES[name]
        check(e["verdict"] == getattr(case, field), f"{target}: {name} is {e['verdict']} ({e['reason']}): {e['differences']}")
        check(field == "control" or e["reason"] == case.reason, f"{target}: {name} is {e['verdict']} for the reason {e['reason']}")


def check_report(told, field):
    """The sums are those of the cases; returns how many pairs mismatch at that."""
    want = collections.Counter(getattr(case, field) for case in models.CASES.values())
    have = {name: n for name, n in told["verdicts"].items() if n}
    check(have == {name: ROUNDS * n for name, n in want.items()}, f"verdicts: {have}")
    check(told["pairs"] == PAIRS == sum(have.values()), f"{told['pairs']} pairs of {PAIRS}")
    return sum(have.get(name, 0) for name in MISMATCHES)


def check_paths(told, with_control):
    """Each planted difference is found at its place, and called noise where the control has it too."""
    found = {(p["path"], p["kind"]): p for p in told["paths"]}
    for place in (("/explanation", "extra"), ("/predictions/*", "decision"), ("/tags", "order"), ("/choices/*/reasons", "extra"),
                  ("/room/temperature", "value"), ("/choices/*/message/content", "value"), ("/choices/*/delta/content", "value")):
        check(place in found, f"{place} is not among {sorted(found)}")
        noise = with_control and place[0].startswith("/room")
        check(found[place]["verdict"] == ("noise" if noise else "differs"), f"{place} is {found[place]['verdict']}")
        check(found[place]["pairs"] % ROUNDS == 0, f"{place} in {found[place]['pairs']} pairs")


def check_slices(told):
    slices = {(s["by"], s["value"]): s["pairs"] for s in told["slices"]}
    paths = {"/v1/models/digits:predict": ("predict", "regress", "tags", "ids", "noise", "wrong"),
             "/v2/models/digits/infer": ("infer", "binary"), "/v1/chat/completions": ("chat", "stream")}
    for path, calls in paths.items():
        check(slices.get(("path", path)) == ROUNDS * sum(c.call in calls for c in models.CASES.values()), f"slices: {slices}")
    check([slices.get(("header:x-tenant", t)) for t in ("t0", "t1")] == [2 * len(models.CASES), len(models.CASES)], f"slices: {slices}")


def check_live(tap, report):
    shadow, control = (report["comparison"]["targets"][name] for name in ("default", "control"))
    check_verdicts(tap, "default", "verdict")
    check_verdicts(tap, "control", "control")
    mismatches = check_report(shadow, "verdict")
    noise = check_report(control, "control")
    check(shadow["mismatch"]["count"] == mismatches, f"mismatch: {shadow['mismatch']}, not {mismatches}")
    check((shadow["noise"]["source"], shadow["noise"]["mismatch"]["count"]) == ("control", noise), f"noise: {shadow['noise']}")
    paired = shadow["noise"]["paired"]
    both_compared = sum(paired.values())
    check(0 < both_compared <= min(shadow["compared"], control["compared"]), f"paired: {paired}")
    check(paired["both"] + paired["shadow"] <= mismatches and paired["both"] + paired["control"] <= noise, f"paired: {paired}")
    net = (paired["shadow"] - paired["control"]) / both_compared
    check(abs(shadow["noise"]["net_rate"] - net) < 1e-4, f"net rate {shadow['noise']['net_rate']}, not {net}")
    check(shadow["noise"]["low"] < net < shadow["noise"]["high"], f"noise: {shadow['noise']}")
    check_paths(shadow, True)
    check_slices(shadow)
    check(shadow["kinds"].keys() >= {"json", "tensors", "events"}, f"kinds: {shadow['kinds']}")


def record(lab, ns):
    recorder = lab.start(ns, "tcpdump", "-i", "lo", "-U", "-B", "16384", "-w", lab.directory / "services.pcap", "tcp", "port", PRODUCTION,
                         label="tcpdump")
    wait_for("tcpdump", lambda: "listening on" in recorder.err)
    return recorder


def gated(lab, ns, expression, *more):
    """A test in CI: a recording, a shadow under test, an expression. The tap, when it has ended, its status and last line."""
    tap = lab.tap(ns, "-r", lab.directory / "services.pcap", "-p", PRODUCTION, "-x", "max", *COMPARE, "--fail-on", expression, *more)
    return tap, tap.wait(), tap.err.strip().splitlines()[-1]


def check_recorded(lab, ns):
    """Without a control other words are no mismatch, and the gate has the last word."""
    tap, status, line = gated(lab, ns, "mismatch_upper > 1%")
    check(status == 3 and "gate failed" in line and "mismatch_upper" in line, f"exit {status}: {line}")
    report = tap.report()
    told = report["comparison"]["targets"]["default"]
    check_verdicts(tap, "default", "verdict")
    mismatches = check_report(told, "verdict")
    check(told["mismatch"]["count"] == mismatches - ROUNDS * len(models.GENERATED), f"mismatch: {told['mismatch']}")
    check(told["generated"]["different"] == ROUNDS * len(models.GENERATED), f"generated: {told['generated']}")
    check_paths(told, False)
    again = (ROUNDS - 1) * sum(case.call == "ids" for case in models.CASES.values())
    check(told["repeats"] == {"requests": again, "same_production": again, "same_shadow": again, "forgotten": 0},
          f"new ids are taken for noise: {told['repeats']}")
    check(told["noise"]["net_rate"] == told["mismatch"]["rate"], f"noise: {told['noise']}")
    check(told["errors"] == {"timeout": ROUNDS, "error_event": ROUNDS}, f"errors: {told['errors']}")

    tap, status, line = gated(lab, ns, "mismatch > 99% or compared < 10", "--path", "^/v2/")
    check(status == 0 and "gate passed" in line, f"exit {status}: {line}")
    v2 = sum(case.call in ("infer", "binary") for case in models.CASES.values())
    check(tap.report()["comparison"]["targets"]["default"]["compared"] == ROUNDS * v2, "more or less than V2 was compared")
    return report


def check_merged(lab, *reports):
    """Several reports are one whose counts are the sums."""
    names = []
    for number, report in enumerate(reports):
        names.append(f"part-{number}.json")
        (lab.directory / names[-1]).write_text(json.dumps(report))
    done = subprocess.run([lab.binary, "report", *names, "-o", "all.json"], capture_output=True, text=True, timeout=60, cwd=lab.directory)
    check(done.returncode == 0, f"exit {done.returncode}: {done.stderr[-300:]}")
    merged = json.loads((lab.directory / "all.json").read_text())
    targets = [r["comparison"]["targets"]["default"] for r in (merged, *reports)]
    for name in ("pairs", "compared"):
        check(targets[0][name] == sum(t[name] for t in targets[1:]), f"{name}: {[t[name] for t in targets]}")
    for name in targets[0]["verdicts"]:
        check(targets[0]["verdicts"][name] == sum(t["verdicts"][name] for t in targets[1:]), f"{name}: {[t['verdicts'] for t in targets]}")
    check(targets[0]["ignored"]["pairs"] == sum(t["ignored"]["pairs"] for t in targets[1:]) > 0, f"ignored: {[t['ignored'] for t in targets]}")
    check(targets[0]["decision"]["count"] == sum(t["decision"]["count"] for t in targets[1:]), "decisions do not add up")
    check(targets[0]["distinct_requests"] == targets[1]["distinct_requests"], f"distinct: {[t['distinct_requests'] for t in targets]}")


def compare_services(lab):
    ns = lab.namespace()
    serve(lab, ns)
    recorder = record(lab, ns)
    tap = lab.live_tap(ns, "-i", "lo", "-p", PRODUCTION, *COMPARE, "--control", f"http://127.0.0.1:{CONTROL}",
                       "--slice-by", "header:x-tenant")
    client = lab.start(ns, PYTHON, HERE / "models.py", "ask", PRODUCTION, ROUNDS, label="client")
    check(client.wait() == 0, f"the client failed: {client.err[-300:]}")
    live = tap.stop()
    check_live(tap, live)
    recorder.popen.terminate()
    check(recorder.wait() == 0, f"tcpdump: {recorder.err[-300:]}")
    check(" 0 packets dropped by kernel" in recorder.err.replace("\n", " "), f"tcpdump: {recorder.err[-300:]}")
    recorded = check_recorded(lab, ns)
    check_merged(lab, live, recorded)


CASES = [compare_services]
