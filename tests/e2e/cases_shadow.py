"""cases_shadow.py - shadows that misbehave: production's side goes on as if nothing were wrong"""
import signal
import subprocess
import time

from lab import HERE, PYTHON, check, compare, need_program, need_python, wait_for

BASE = "http://127.0.0.1:8080"
SHADOW = "http://127.0.0.1:9000"
COUNT = 30

FAIL_FIELDS = {"event", "status_code", "upstream_url", "reason", "latency_ms", "request_id", "body_len", "body_md5_128"}


def misbehaving(lab, mode, group, kinds):
    """COUNT requests at a shadow in @mode: all of them end as targets.*.@group.@kinds; returns (tap, report)."""
    need_python("requests", "uvicorn", "numpy")
    ns = lab.namespace()
    lab.service(ns)
    shadow = lab.shadow(ns, mode=mode) if mode else None
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", SHADOW + "/base")
    told = lab.client(ns, "library.py", "requests", BASE, COUNT)
    report = tap.stop()
    check(len(lab.received()) == COUNT, f"production got {len(lab.received())} of {COUNT} requests")
    check(len(told) == COUNT, "a client had trouble while the shadow was in trouble")
    numbers, target = report["requests"], report["targets"]["default"]
    check(numbers["complete"] == COUNT and numbers["chosen"] == COUNT, f"capture suffered: {numbers}")
    ended = sum(target[group][kind] for kind in kinds)
    spared = target["shed"]["breaker"] + target["cancelled_at_exit"]
    check(ended + spared == COUNT, f"{ended} ended as {group}.{'/'.join(kinds)} of {COUNT}: {target}")
    if shadow:
        check(len(shadow.entries("request")) <= COUNT, "a request was sent twice: there are no retries")
    return tap, report


def check_log(tap, failures, reason, status):
    """@failures of them are told: as JSON with all fields, at most ten a second, the others summed up."""
    lines, suppressed = tap.failures()
    for line in lines:
        missing = FAIL_FIELDS - line.keys()
        check(not missing, f"a shadow_fail line without {sorted(missing)}: {line}")
        check(line["reason"] == reason, f"reason {line['reason']!r} instead of {reason!r}")
        check(line["status_code"] == status, f"status_code {line['status_code']!r} instead of {status!r}")
        check(line["upstream_url"] == SHADOW + "/base/v1/models/digits:predict", f"upstream_url {line['upstream_url']!r}")
        check(len(line["body_md5_128"]) == 32 and line["body_len"] > 300, f"body_len or body_md5_128: {line}")
        check(isinstance(line["latency_ms"], (int, float)) and line["latency_ms"] >= 0, f"latency_ms {line['latency_ms']!r}")
        check(line.get("level", "WARNING") == "WARNING", f"level {line.get('level')!r}")
    check(lines, f"{failures} failures and no line about them")
    check(len(lines) + suppressed == failures, f"{failures} failures, {len(lines)} told and {suppressed} suppressed")
    return lines


def shadow_dead(lab):
    """Connection refused: after ten failures the target is left alone."""
    tap, report = misbehaving(lab, None, "failed", ["connect"])
    target = report["targets"]["default"]
    check(target["failed"]["connect"] >= 10, f"the breaker opens after 10 failures, there were {target['failed']}")
    check_log(tap, target["failed"]["connect"], "connect", None)
    check(f"all {COUNT} failed to connect ({target['failed']['connect']} were tried, then it was left alone): " in tap.err,
          f"its last words: {tap.err[-300:]!r}")


def shadow_hangs(lab):
    """Accepts, reads and never answers: 300 ms, then the connection is given up."""
    tap, report = misbehaving(lab, "hang", "failed", ["timeout"])
    lines = check_log(tap, report["targets"]["default"]["failed"]["timeout"], "timeout", None)
    check(f"all {COUNT} timed out after 300 ms: raise -m, or look at the shadow\n" in tap.err, f"its last words: {tap.err[-300:]!r}")
    check(report["all_failed"]["default"]["count"] == COUNT, f"all_failed: {report['all_failed']}")
    check(all(line["latency_ms"] >= 299 for line in lines), f"given up too early: {[x['latency_ms'] for x in lines]}")


def shadow_slow(lab):
    """Answers after 100 ms: all is well, and nothing is logged."""
    tap, _ = misbehaving(lab, "slow", "answered", ["2xx"])
    told = [line for line in tap.err.splitlines() if line.startswith("{")]
    check(not told, f"success was logged: {told[:1]}")
    check("all 30" not in tap.err, f"its last words: {tap.err[-300:]!r}")


def shadow_resets(lab):
    tap, report = misbehaving(lab, "reset", "failed", ["reset"])
    check_log(tap, report["targets"]["default"]["failed"]["reset"], "reset", None)


def shadow_503(lab):
    tap, report = misbehaving(lab, "503", "answered", ["5xx"])
    lines = check_log(tap, report["targets"]["default"]["answered"]["5xx"], "status", 503)
    check(f"all {COUNT} were answered with status 503: the shadow is not well" in tap.err, f"its last words: {tap.err[-300:]!r}")
    check(all(line["latency_ms"] < 300 for line in lines), "an answer later than the deadline was counted as one")


def shadow_garbage(lab):
    tap, report = misbehaving(lab, "garbage", "failed", ["protocol"])
    check_log(tap, report["targets"]["default"]["failed"]["protocol"], "protocol", None)


def log_is_limited(lab):
    """Hundreds of failures at once: ten lines a second, and the sum is right."""
    ns = lab.namespace()
    lab.shadow(ns, mode="503")
    tap = lab.tap(ns, "-r", lab.pcap("demo"), "-r", lab.pcap("wrk-keepalive"), "--loop", "4", "-x", "max", "-t",
                  SHADOW + "/base", "-m", "10s")
    began = time.monotonic()
    report = tap.finish()
    seconds = time.monotonic() - began
    failures = report["targets"]["default"]["answered"]["5xx"]
    check(failures > 200, f"only {failures} failures: the case is too small")
    lines, suppressed = tap.failures()
    check(len(lines) <= 10 * (int(seconds) + 2), f"{len(lines)} lines in {seconds:.1f} s")
    check(len(lines) + suppressed == failures, f"{failures} failures, {len(lines)} told and {suppressed} suppressed")


def idle_close(lab):
    """uvicorn closes idle connections: that is noticed before they are used again, since nothing is ever retried."""
    need_python("requests", "uvicorn", "numpy")
    ns = lab.namespace()
    lab.service(ns)
    lab.service(ns, port=9000, keep_alive=1)
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", SHADOW, "-m", "10s")
    told = []
    for n in range(3):
        told += lab.client(ns, "library.py", "requests", BASE, 5, 10 * n)
        wait_for("the replays", lambda: len(lab.received(9000)) >= len(told) or tap.failures()[0])
        check(not tap.failures()[0], f"a replay failed: {tap.failures()[0]}")
        time.sleep(1.6)  # uvicorn's second, and some
    report = tap.stop()
    target = report["targets"]["default"]
    check(target["answered"]["2xx"] == len(told), f"{len(told)} requests, ended as {target}")


def shadow_returns(lab):
    """Killed with connections open, and started again: it is found again without a retry of what was lost."""
    need_python("requests", "uvicorn", "numpy")
    ns = lab.namespace()
    lab.service(ns)
    shadow = lab.shadow(ns)
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", SHADOW, "--breaker", "3")
    told = lab.client(ns, "library.py", "requests", BASE, 5, 0)
    wait_for("the replays", lambda: len(shadow.entries("request")) >= 5)
    shadow.end()
    lab.client(ns, "library.py", "requests", BASE, 12, 100)
    again = lab.shadow(ns)
    sent = 200

    def found():
        nonlocal sent
        sent += 1
        lab.client(ns, "library.py", "requests", BASE, 1, sent)
        return again.entries("request")
    wait_for("the shadow to be found again", found)
    report = tap.stop()
    compare(shadow.requests(), told)
    target = report["targets"]["default"]
    check(target["shed"]["breaker"] > 0, f"3 failures to connect, and the target was not left alone: {target}")
    check(len(again.requests()) == target["answered"]["2xx"] - 5, f"arrived {len(again.requests())}, {target}")


def shadow_closes(lab):
    """Closes after every answer without saying so: a connection is never used after its end."""
    need_python("requests", "uvicorn", "numpy")
    ns = lab.namespace()
    lab.service(ns)
    shadow = lab.shadow(ns, mode="close")
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", SHADOW, "-m", "10s", "--connections", "2")
    told = []
    for n in range(4):
        told += lab.client(ns, "library.py", "requests", BASE, 1, n)
        wait_for("the replay", lambda: len(shadow.entries("request")) >= len(told))
    report = tap.stop()
    compare(shadow.requests(), told)
    check(report["targets"]["default"]["answered"]["2xx"] == len(told), f"{report['targets']['default']}")


def predict(lab, ns, n):
    subprocess.run(lab.inside(ns, ["curl", "-sS", "-m", "10", "-o", "/dev/null", "-d", f"[{n}]", f"{BASE}/v1/models/m:predict"]), check=True)


def shadow_stale(lab):
    """A kept connection ends as it is used again: a reason of its own, told with how long it lay idle, and no fault of the shadow's."""
    need_python("uvicorn", "numpy")
    need_program("curl")
    ns = lab.namespace()
    lab.service(ns)
    shadow = lab.shadow(ns, mode="stale")
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", SHADOW, "-m", "10s", "--connections", "1", "--compare")
    for n in range(6):
        predict(lab, ns, n)
        wait_for("the replay", lambda: len(shadow.entries("request")) == n + 1)
        time.sleep(1.2)  # its answer after 0.4 s, and silence for longer than 0.4 s
    report = tap.stop()
    check(len(shadow.requests()) == 6, "each goes out once")
    target, pairs = report["targets"]["default"], report["comparison"]["targets"]["default"]
    check((target["answered"]["2xx"], target["failed"]["stale"]) == (3, 3), f"every second one is stale: {target}")
    check(pairs["verdicts"]["error"] == 0 and pairs["not_comparable"] == {"stale": 3}, f"{pairs['verdicts']}, {pairs['not_comparable']}")
    lines, _ = tap.failures()
    check([line["reason"] for line in lines] == ["stale"] * 3, f"told: {lines}")
    check(all(line["idle_ms"] >= 0 and line["detail"] == "EOF before the answer" for line in lines), f"told: {lines}")


def shadow_promises(lab):
    """20 ms away, closes after an idle second and says so; a request each 1.03 s: none meets a connection that is being closed."""
    need_program("curl")
    ns = lab.namespace()
    production = lab.start(ns, PYTHON, HERE / "idle_server.py", 8080, label="production")
    shadow = lab.start(ns, PYTHON, HERE / "idle_server.py", 9000, label="shadow")
    lab.wait_listening(ns, 8080, production)
    lab.wait_listening(ns, 9000, shadow)
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", SHADOW, "-m", "10s")
    for n in range(6):
        predict(lab, ns, n)
        time.sleep(1.03)
    target = tap.stop()["targets"]["default"]
    check(target["answered"]["2xx"] == 6, f"ended as {target}")
    shadow.popen.send_signal(signal.SIGINT)
    shadow.wait()
    check("'answered': 6, 'too late': 0" in shadow.out, f"the shadow says {shadow.out}")


CASES = [shadow_dead, shadow_hangs, shadow_slow, shadow_resets, shadow_503, shadow_garbage, log_is_limited, idle_close,
         shadow_returns, shadow_closes, shadow_stale, shadow_promises]
