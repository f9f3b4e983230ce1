"""cases_compare.py - production's answers and the shadow's: every verdict, from live traffic and from a recording"""
import collections
import json
import os
import subprocess

from answers import CASES as ASKED, VERDICTS
from cases_admin import Http, series
from lab import HERE, PYTHON, check, wait_for

PRODUCTION, SHADOW, CONTROL = 8080, 9000, 9001
ROUNDS = 3
COMPARE = ["--compare", "--max-answer", "64K", "-t", f"http://127.0.0.1:{SHADOW}", "-m", "5s"]


def serve(lab, ns, role, port):
    process = lab.start(ns, PYTHON, HERE / "answers.py", "serve", role, port, label=role)
    lab.wait_listening(ns, port, process)


def ask(lab, ns):
    client = lab.start(ns, PYTHON, HERE / "answers.py", "ask", PRODUCTION, ROUNDS, label="client")
    check(client.wait() == 0, f"the client failed: {client.err[-300:]}")


def services(lab, *others):
    ns = lab.namespace()
    for role, port in (("production", PRODUCTION), ("shadow", SHADOW), *others):
        serve(lab, ns, role, port)
    return ns


def check_comparison(report, target="default", verdicts=VERDICTS, role="shadow"):
    """Each pair has the verdict that its case has; the sums are checked with the books."""
    told = report["comparison"]["targets"][target]
    want = collections.Counter(verdicts.values())
    check(told["role"] == role, f"{target} has the role {told['role']}")
    check(told["pairs"] == ROUNDS * len(ASKED), f"{told['pairs']} pairs of {ROUNDS * len(ASKED)}")
    have = {name: n for name, n in told["verdicts"].items() if n}
    check(have == {name: ROUNDS * n for name, n in want.items()}, f"{target}: verdicts {have}")
    return told


def check_comparison_events(tap, target="default"):
    """The events say the same of each pair, and no values; returns them."""
    events = [e for e in tap.events() if e["event"] == "comparison" and e["target_name"] == target]
    outcomes = [e["id"] for e in tap.events() if e["event"] == "outcome" and e["target_name"] == target]
    check(sorted(e["id"] for e in events) == sorted(outcomes), "not one comparison for each outcome")
    have = collections.Counter(e["verdict"] for e in events)
    check(have == {name: ROUNDS * n for name, n in collections.Counter(VERDICTS.values()).items()}, f"events: {have}")
    kinds = {"decision": "decision", "schema": "missing", "order": "order", "close": "close"}
    for e in events:
        if e["verdict"] in kinds:
            check(kinds[e["verdict"]] in [d["kind"] for d in e["differences"]], f"no such difference: {e}")
        if e["verdict"] not in ("error", "not_comparable"):
            check(e["production_us"] >= 0 and e["shadow_us"] >= 0, f"without times: {e}")
    return events


def compare_live(lab):
    """Each verdict, from traffic on an interface; a control that differs in one case only."""
    ns = services(lab, ("control", CONTROL))
    tap = lab.live_tap(ns, "-i", "lo", "-p", PRODUCTION, *COMPARE, "--control", f"http://127.0.0.1:{CONTROL}",
                       "--slice-by", "header:x-tenant")
    ask(lab, ns)
    report = tap.stop()
    told = check_comparison(report)
    check(told["not_comparable"] == {"too_large": ROUNDS}, f"not comparable: {told['not_comparable']}")
    same = {case: "equal" for case in ASKED} | {"noise": "value", "not_comparable": "not_comparable"}
    check_comparison(report, "control", same, "control")
    events = check_comparison_events(tap)
    check(not any("production" in d for e in events for d in e["differences"]), "values without --show-bodies")
    check("confidential" not in (lab.directory / f"{tap.label}.json").read_text(), "a value in the report without --show-bodies")
    slices = {(s["by"], s["value"]): s["compared"] for s in told["slices"]}
    check(("header:x-tenant", "t0") in slices and ("header:x-tenant", "t1") in slices, f"slices: {slices}")
    check("mismatch" in tap.err and "control: compared" in tap.err, f"the totals say nothing: {tap.err[-500:]}")


def compare_recorded(lab):
    """The same from a recording, as fast as it goes; then with the client's direction alone."""
    ns = services(lab)
    tap = lab.live_tap(ns, "-i", "lo", "-p", PRODUCTION, "-t", "sink:", "-w", "seen.pcapng")
    ask(lab, ns)
    report = tap.stop()
    check("comparison" not in report, "a comparison that nobody asked for")
    recording = ["-r", lab.directory / "seen.pcapng", "-p", PRODUCTION, "-x", "max"]
    tap = lab.tap(ns, *recording, *COMPARE, "--show-bodies")
    check_comparison(tap.finish())
    events = check_comparison_events(tap)
    value = next(e for e in events if e["verdict"] == "value" and e["differences"][0]["path"] == "/mean")
    check(value["differences"] == [{"path": "/mean", "kind": "value", "count": 1, "production": "1.0", "shadow": "2.0"}],
          f"differences: {value['differences']}")

    tap = lab.tap(ns, *recording, *COMPARE, "dst", "port", PRODUCTION)
    told = tap.finish()["comparison"]["targets"]["default"]
    check(told["not_comparable"] == {"unseen": told["pairs"]} and told["pairs"] == ROUNDS * len(ASKED),
          f"one direction: {told['verdicts']} {told['not_comparable']}")
    check(told["mismatch"]["of"] == 0, f"compared what was not there: {told['mismatch']}")
    check("both directions" in tap.err, f"nobody is told why: {tap.err[-300:]}")

    tap = lab.tap(ns, *recording, *COMPARE, "-c", "1")
    told = tap.finish()["comparison"]["targets"]["default"]
    check(told["verdicts"]["equal"] == 1 and told["pairs"] == 1, f"-c 1 did not wait for the answer: {told['verdicts']}")


def last_line(tap):
    return tap.err.strip().split("\n")[-1]


def compare_gate(lab):
    """--fail-on: exit status 3, and the last line says which term failed; the report has it too."""
    ns = services(lab)
    tap = lab.live_tap(ns, "-i", "lo", "-p", PRODUCTION, *COMPARE, "-w", "seen.pcapng", "--fail-on", "compared < 1")
    ask(lab, ns)
    report = tap.stop()
    check(report["gate"]["passed"], f"the gate: {report['gate']}")
    for expression, term in (("compared < 1 or mismatch_upper > 0.5%", "mismatch_upper > 0.5%"),
                             ("error_rate > 50% or compared < 100000", "compared < 100000")):
        tap = lab.tap(ns, "-r", "seen.pcapng", "-p", PRODUCTION, "-x", "max", *COMPARE, "--fail-on", expression)
        check(tap.wait() == 3, f"{expression}: exit {tap.popen.returncode}: {tap.err[-300:]}")
        check(term in last_line(tap), f"{expression}: the last line is {last_line(tap)!r}")
        gate = tap.report()["gate"]
        check(not gate["passed"] and [f["term"] for f in gate["failing"]] == [term], f"the report's gate: {gate}")


def compare_at_other_paces(lab):
    """A latency term is known at the recorded pace only; elsewhere the gate fails with the reason, and terminal and pages have it."""
    ns = services(lab)
    tap = lab.live_tap(ns, "-i", "lo", "-p", PRODUCTION, *COMPARE, "-w", "seen.pcapng", "--fail-on", "p99_ratio > 1000000")
    ask(lab, ns)
    check(tap.stop()["speed"] == 1 and "not judged" not in tap.err, f"live: {tap.err[-300:]}")
    for pace, speed, why in (("1", 1, None), ("max", "max", "replayed as fast as possible"), ("10", 10, "not replayed at the recorded pace")):
        tap = lab.tap(ns, "-r", "seen.pcapng", "-p", PRODUCTION, "-x", pace, *COMPARE, "--fail-on", "p99_ratio > 1000000",
                      "--report", "pace.html", "--report", "pace.md")
        check(tap.wait() == (3 if why else 0), f"-x {pace}: exit {tap.popen.returncode}: {tap.err[-300:]}")
        check(tap.report()["speed"] == speed, f"-x {pace}: speed {tap.report()['speed']}")
        page, text = ((lab.directory / name).read_text() for name in ("pace.html", "pace.md"))
        if why:
            check(last_line(tap).endswith(f"p99_ratio > 1000000 (default: not known, {why})"), f"the last line is {last_line(tap)!r}")
            check(f"(not judged: {why})" in tap.err, f"the terminal says {tap.err[-600:]}")
        for said in (page, text):
            check(("Times of the shadow are not judged here" in said) == bool(why), f"-x {pace}: the page says {said[-300:]}")
        check(('<div class="unfit"' in page) == bool(why), f"-x {pace}: grey, or not")


def compare_ends(lab):
    """What the end of the run finds open is not comparable, with the reason; nothing is left without a verdict."""
    ns = lab.namespace()
    serve(lab, ns, "production", PRODUCTION)
    shadow = lab.shadow(ns, SHADOW)
    tap = lab.live_tap(ns, "-i", "lo", "-p", PRODUCTION, *COMPARE)
    lab.start(ns, PYTHON, HERE / "answers.py", "ask_for_silence", PRODUCTION, label="silence")
    wait_for("the shadow to get the request", shadow.requests)
    told = tap.stop()["comparison"]["targets"]["default"]
    check(told["not_comparable"] == {"cut_at_end": 1}, f"production silent: {told['not_comparable']}")

    hung = lab.shadow(ns, SHADOW + 1, "hang")
    tap = lab.live_tap(ns, "-i", "lo", "-p", PRODUCTION, "--compare", "-t", f"http://127.0.0.1:{SHADOW + 1}", "-m", "60s")
    ask(lab, ns)
    wait_for("the shadow to get the requests", lambda: len(hung.requests()) == ROUNDS * len(ASKED))
    def threads(): return len(os.listdir(f"/proc/{tap.popen.pid}/task"))
    before = threads()
    tap.interrupt()
    wait_for("the capture to end", lambda: threads() < before)  # two signals at once would be one
    tap.interrupt()
    told = tap.finish()["comparison"]["targets"]["default"]
    check(told["not_comparable"] == {"cancelled_at_exit": ROUNDS * len(ASKED)}, f"cancelled: {told['verdicts']} {told['not_comparable']}")


def pairs_told(admin):
    return sum(value for name, value in series(admin.ok("/metrics")).items() if name.startswith("shadowtap_comparisons_total"))


def compare_rules(lab):
    """What is ignored, has no order or is close enough is so; what never matched is named."""
    ns = services(lab)
    rules = lab.directory / "rules.txt"
    rules.write_text("# of the model\n/unit ignore\n/nowhere/* ignore\n")
    tap = lab.live_tap(ns, "-i", "lo", "-p", PRODUCTION, "--lanes", 2, *COMPARE, "--rules", rules, "--unordered", "/tags",
                       "--atol", "1", "--ignore", "/seconds", "--admin", "127.0.0.1:9090")
    admin = Http(lab, ns)
    ask(lab, ns)
    wait_for("/metrics to know of all pairs", lambda: pairs_told(admin) == ROUNDS * len(ASKED))
    told = json.loads(admin.ok("/stats"))["comparison"]["targets"]["default"]
    check(told["pairs"] == ROUNDS * len(ASKED), f"/stats: {told['pairs']} pairs")
    report = tap.stop()
    told = report["comparison"]["targets"]["default"]
    for verdict in ("schema", "order", "value"):
        check(told["verdicts"][verdict] == 0, f"{verdict} in spite of the rules: {told['verdicts']}")
    unmatched = report["comparison"]["rules_unmatched"]
    check(len(unmatched) == 1 and "/nowhere/*" in unmatched[0], f"unmatched: {unmatched}")
    left_out = {(p["path"], p["rule"]): p["pairs"] for p in told["ignored"]["paths"]}
    want = {("/unit", f"{rules}:2"): ROUNDS, ("/tags", "--unordered /tags"): ROUNDS, ("/seconds", "--ignore /seconds"): ROUNDS}
    check(left_out == want, f"left out: {left_out}, not {want}")
    check(told["ignored"]["pairs"] == told["ignored"]["alone"] == 3 * ROUNDS, f"left out: {told['ignored']}")
    for line in (f"/unit differs in {ROUNDS} of ", "(--ignore /seconds)", "warning    what is ignored differs in"):
        check(line in tap.err, f"the terminal does not say {line!r}: {tap.err[-900:]}")
    options = report["comparison"]["options"]
    check(options["atol"] == 1 and options["unordered"] == ["/tags"], f"options: {options}")


def check_explained(told, pairs):
    """Of all that the requests have, the width is what those have in common that differ."""
    found = told["explained_by"]
    check(len(found) == 1 and found[0]["at"] in ("/inputs/0/shape/1", "/inputs/0/data", "body"), f"explained by {found}")
    check(found[0]["pairs"] == pairs * 2 // 9 and found[0]["other_mismatch"] == 0, f"explained by {found}")
    check(len(found[0]["examples"]) == 3 and told["features"]["pairs"] == pairs, f"explained by {found}, of {told['features']['pairs']}")


def compare_explains(lab):
    """Where a shadow is worse is found by itself: on the terminal, in the report, from two recordings added up, and without texts."""
    ns, count = lab.namespace(), 270
    for role, port in (("production", PRODUCTION), ("shadow", SHADOW)):
        process = lab.start(ns, PYTHON, HERE / "widths.py", "serve", role, port, label=role)
        lab.wait_listening(ns, port, process)
    tap = lab.live_tap(ns, "-i", "lo", "-p", PRODUCTION, *COMPARE, "-w", "seen.pcapng", "--report", "live.md")
    client = lab.start(ns, PYTHON, HERE / "widths.py", "ask", PRODUCTION, count, label="client")
    check(client.wait() == 0, f"the client failed: {client.err[-300:]}")
    told = tap.stop()["comparison"]["targets"]["default"]
    check_explained(told, count)
    check("  explained  disagreement is found only (50.00% against none, 60 of 270 pairs) where " in tap.err, f"said: {tap.err[-700:]}")
    check("Disagreement is found only" in (lab.directory / "live.md").read_text(), "the page says nothing")
    check({(s["by"], s["value"]) for s in told["slices"]} == {("path", "/v1/predict"), ("model", "gpt")}, f"slices: {told['slices']}")
    reports = []
    for shows in ([], ["--show-bodies"]):
        tap = lab.tap(ns, "-r", "seen.pcapng", "-p", PRODUCTION, "-x", "max", *COMPARE, *shows)
        check_explained(tap.finish()["comparison"]["targets"]["default"], count)
        reports.append(lab.directory / f"{tap.label}.json")
        features = json.dumps(json.loads(reports[-1].read_text())["comparison"]["targets"]["default"]["features"])
        for text in ("confidential", "text/secret", "127.0.0.0/24"):
            check((text in features) == bool(shows), f"{text} with {shows}: {features[:3000]}")
    done = subprocess.run([lab.binary, "report", reports[0], reports[0], "-o", lab.directory / "both.json"], capture_output=True, timeout=60)
    check(done.returncode == 0, f"report: {done.stderr[-300:]}")
    check_explained(json.loads((lab.directory / "both.json").read_text())["comparison"]["targets"]["default"], 2 * count)


CASES = [compare_live, compare_recorded, compare_gate, compare_at_other_paces, compare_ends, compare_rules, compare_explains]
