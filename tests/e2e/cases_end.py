"""cases_end.py - --on-end: a command of the user's once the report is written, and never otherwise"""
import json
import os
import signal

from cases_outputs import NOBODY, SUDO, replay, run
from lab import check, wait_for

# what it was told, who it is, and what it finds in the report
TELL = ('printf "%s %s %s %s\\n" "$SHADOWTAP_DECISION" "$SHADOWTAP_STATUS" "$(id -u)" "$(wc -c <"$SHADOWTAP_REPORT")" >>told; '
        "grep -E '^(CapPrm|CapEff|NoNewPrivs|Seccomp_filters)' /proc/self/status >>told; ls /proc/self/fd | tr '\\n' ' ' >>told")


def told(lab):
    path = lab.directory / "told"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def end_command_is_run(lab):
    """After the report, with the decision and the status, powerless; as the caller of sudo, or as -Z names, or as nobody."""
    lab.directory.chmod(0o777)
    for sudo, more, uid in ((SUDO, (), NOBODY), (None, ("-Z", "root"), 0), ({**SUDO, "SUDO_UID": "12345"}, (), 12345),
                            ({**SUDO, "SUDO_UID": "12345"}, ("-Z", "root"), 0)):
        report = lab.directory / "r.json"
        report.unlink(missing_ok=True)
        done = replay(lab, "--report", report, "--on-end", TELL, *more, sudo=sudo)
        lines = told(lab)
        check(done.returncode == 0 and "--on-end" not in done.stderr, f"{more}: exit {done.returncode}: {done.stderr[-300:]!r}")
        if more and sudo: # root without a capability reads no file of somebody else's
            check(lines[0].split()[:3] == ["none", "0", "0"], f"{more}: {lines}")
        else:
            check(lines[0].split() == ["none", "0", str(uid), str(report.stat().st_size)], f"{more}: {lines}")
        check({line.split()[-1].lstrip("0") for line in lines if line.startswith("Cap")} == {""}, f"{more}: a capability is left: {lines}")
        check("NoNewPrivs:\t1" in lines, f"{more}: it may gain privileges: {lines}")
        # 3 is ls's own
        check(lines[-1].split() == ["0", "1", "2", "3"], f"{more}: descriptors of the run are open in it: {lines[-1]}")
        options = json.loads(report.read_text())["options"]
        check("--on-end ..." in options, f"the command, which may hold a secret, stands in the report: {options}")


def end_command_and_the_gate(lab):
    """The gate's status, the state of the decision; output of the command is no event; its failure changes no exit status."""
    lab.directory.chmod(0o777)
    gate = ("--compare", "--fail-on", "compared < 100000", "--report", "gate.json")
    done = replay(lab, *gate, "-Z", "root", "-o", "-", "--on-end", 'echo "said $SHADOWTAP_STATUS $SHADOWTAP_DECISION"; exit 9')
    state = json.loads((lab.directory / "gate.json").read_text())["comparison"]["decision"]["state"]
    check(done.returncode == 3, f"exit {done.returncode}: {done.stderr[-300:]!r}")
    check(f"said 3 {state}\n" in done.stderr, f"{state}: {done.stderr[-300:]!r}")
    check("the command of --on-end ended with exit status 9" in done.stderr, f"its failure is not told: {done.stderr[-300:]!r}")
    check(all(json.loads(line) for line in done.stdout.splitlines()), "what the command prints is among the events")
    done = replay(lab, "--on-end", "exit 9")
    check(done.returncode == 0, f"a command that failed made it exit {done.returncode}")


def end_command_never_runs(lab):
    """A run that cannot begin, and one that is killed."""
    lab.directory.chmod(0o777)
    done = run(lab, "-r", "nowhere.pcap", "-t", "sink:", "--on-end", "touch told")
    check(done.returncode == 1 and not (lab.directory / "told").exists(), f"exit {done.returncode}, and the command ran")
    done = replay(lab, "-Z", "no-such-user-here", "--on-end", "touch told")
    check(done.returncode != 0 and not (lab.directory / "told").exists(), f"exit {done.returncode}, and the command ran")
    ns = lab.namespace()
    tap = lab.live_tap(ns, "-i", "lo", "--dry-run", "--on-end", "touch told")
    parent = tap.popen.pid
    children = (f"/proc/{parent}/task/{parent}/children")
    with open(children, encoding="ascii") as f:
        waiting = f.read().split()
    check(len(waiting) == 1, f"the run has the children {waiting}")
    tap.popen.send_signal(signal.SIGKILL)
    tap.wait()
    wait_for("the waiting process to end", lambda: not os.path.exists(f"/proc/{waiting[0]}"))
    check(not (lab.directory / "told").exists(), "the run was killed, and the command ran")


def end_command_after_a_signal(lab):
    """^C in a terminal goes to the waiting process, too: the run ends in order and the command comes after it."""
    lab.directory.chmod(0o777)
    ns = lab.namespace()
    tap = lab.live_tap(ns, "-i", "lo", "--dry-run", "-Z", "root", "--on-end", "echo ran >told")
    parent = tap.popen.pid
    with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as f:
        for child in f.read().split():
            os.kill(int(child), signal.SIGINT)
    tap.stop()
    check((lab.directory / "told").read_text() == "ran\n", "it did not run")


CASES = [end_command_is_run, end_command_and_the_gate, end_command_never_runs, end_command_after_a_signal]
