"""cases_outputs.py - the files that a run writes: whose they are, what they never overwrite, and what limits do to them"""
import json
import os
import stat
import subprocess

from lab import check, need_program, wait_for

NOBODY = 65534
RUN = ["-t", "sink:", "-x", "max", "-m", "20s"]
SUDO = {"SUDO_UID": str(NOBODY), "SUDO_GID": str(NOBODY), "SUDO_USER": "nobody"}


def run(lab, *args, sudo=None, prefix=(), **more):
    env = {name: value for name, value in os.environ.items() if not name.startswith("SUDO_")}
    return subprocess.run([*prefix, lab.binary, *map(str, args)], env={**env, **(sudo or {})}, cwd=lab.directory, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, **more)


def replay(lab, *args, **more):
    return run(lab, "-r", lab.pcap("curl-small"), *RUN, *args, **more)


def facts(path):
    st = path.lstat()
    return st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)


def outputs_are_the_callers(lab):
    """Under sudo every file that is created belongs to who called it, 0600; one that was there, and without sudo, it does not."""
    names = ["o.ndjson", "w.pcapng", "r.json", "r.html", "r.md"]
    for label, sudo, owner in (("sudo", SUDO, NOBODY), ("plain", None, 0), ("text", {**SUDO, "SUDO_UID": "12x"}, 0),
                               ("minus", {**SUDO, "SUDO_UID": "-1"}, 0), ("all bits", {**SUDO, "SUDO_UID": "4294967295"}, 0),
                               ("long", {**SUDO, "SUDO_GID": "99999999999999999999"}, 0), ("no group", {"SUDO_UID": "65534"}, 0)):
        place = lab.directory / label
        place.mkdir()
        o, w, *reports = [place / name for name in names]
        done = replay(lab, "-o", o, "-w", w, *[a for r in reports for a in ("--report", r)], sudo=sudo)
        check(done.returncode == 0, f"{label}: exit {done.returncode}: {done.stderr[-300:]!r}")
        again = run(lab, "report", place / "r.json", "-o", place / "again.html", sudo=sudo)
        check(again.returncode == 0, f"{label}: report: {again.stderr!r}")
        for name in (*names, "again.html"):
            check(facts(place / name) == (owner, owner, 0o600), f"{label}: {name} is {facts(place / name)}")
    there = lab.directory / "there.json"
    there.write_text("x")
    os.chown(there, 12, 34)
    check(replay(lab, "--report", there, sudo=SUDO).returncode == 0, "a report into a file that was there")
    check(facts(there)[:2] == (12, 34), f"a file that was there changed hands: {facts(there)}")


def outputs_and_links(lab):
    """Root follows no link of a stranger, at a path's end or on the way, and writes to no file that has a second name."""
    lab.directory.chmod(0o755)
    shared, safe = lab.directory / "shared", lab.directory / "safe"
    for folder in (shared, safe):
        folder.mkdir()
    shared.chmod(0o777)
    victim = safe / "victim.json"
    victim.write_text("precious")
    victim.chmod(0o644)

    def link(name, to, owner):
        path = shared / name
        path.symlink_to(to)
        os.chown(path, owner, owner, follow_symlinks=False)
        return path

    stranger, way = link("stranger.json", victim, NOBODY), link("way", safe, NOBODY) / "victim.json"
    fresh = link("fresh.json", safe / "created.json", NOBODY)
    twice = shared / "twice.json"
    os.link(victim, twice)
    made = run(lab, "-r", lab.pcap("curl-small"), *RUN, "--report", "made.json")
    check(made.returncode == 0, made.stderr)
    for path, word in ((stranger, "symbolic link"), (way, "symbolic link"), (fresh, "symbolic link"), (twice, "hard link")):
        for done in (*[replay(lab, option, path) for option in ("-o", "-w", "--report")], run(lab, "report", "made.json", "-o", path)):
            check(done.returncode == 1 and word in done.stderr and str(path) in done.stderr, f"{path}: {done.returncode} {done.stderr!r}")
        check(victim.read_text() == "precious" and facts(victim) == (0, 0, 0o644), f"{path}: the victim is {facts(victim)}")
    check(sorted(p.name for p in safe.iterdir()) == ["victim.json"], "a file was made through a link")
    twice.unlink()
    # a link of root's, a relative one, one of who called sudo, and the links of /dev
    for sudo, path in ((None, link("root.json", safe / "a.json", 0)), (None, link("relative.json", "../safe/./b.json", 0)),
                       (SUDO, link("caller.json", safe / "c.json", NOBODY)), (SUDO, link("folder", "../safe", NOBODY) / "d.json")):
        done = replay(lab, "--report", path, sudo=sudo)
        check(done.returncode == 0, f"{path}: {done.stderr[-300:]!r}")
        check(json.loads(path.read_text())["requests"]["seen"] > 0, f"{path} holds no report")
    for path in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        done = replay(lab, "-o", path)
        check(done.returncode == 0 and '"event":"request"' in done.stdout, f"{path}: {done.stderr[-300:]!r}")


def outputs_to_a_fifo(lab):
    """A FIFO without a reader is waited for, and that is said; its reader gets every event."""
    fifo = lab.directory / "fifo"
    os.mkfifo(fifo)
    command = [lab.binary, "-r", lab.pcap("curl-small"), *RUN, "-o", fifo]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tap:
        try:
            said = tap.stderr.readline()
            check("waiting for its reader" in said and str(fifo) in said, f"it said {said!r}")
            check(tap.poll() is None, "it did not wait")
            events = [json.loads(line) for line in fifo.read_text().splitlines()]
            check(tap.wait(60) == 0 and "request" in {e["event"] for e in events}, f"exit {tap.returncode}, {len(events)} events")
        finally:
            if tap.poll() is None:
                tap.kill()


def report_outlives_a_kill(lab):
    """What a killed run would have written over is still there; a run that ends replaces all of it, a longer text too."""
    report = lab.directory / "r.json"
    check(replay(lab, "--report", report).returncode == 0, "the first run")
    first = report.read_text()
    ns = lab.namespace()
    tap = lab.start(ns, lab.binary, "-i", "lo", "-p", "8080", "--dry-run", "--report", report, label="killed")
    wait_for("the capture", lambda: "capturing on" in tap.err)
    tap.popen.kill()
    tap.wait()
    check(report.read_text() == first, "the report of the run before is gone")
    report.write_text("x" * (len(first) + 100000))
    check(replay(lab, "--report", report).returncode == 0, "the last run")
    check(json.loads(report.read_text())["requests"]["seen"] > 0, "the report is not replaced")
    for broken in ("{", "[]"):
        (lab.directory / "broken.json").write_text(broken)
        check(run(lab, "report", "broken.json", "-o", report).returncode == 1, f"{broken} is no report")
        check(json.loads(report.read_text())["requests"]["seen"] > 0, "a report that could not be drawn destroyed another")


def limits_are_told(lab):
    """Files that may not grow and too few descriptors: sentences, the totals, and no file of the run before destroyed."""
    need_program("prlimit")
    report = lab.directory / "r.json"
    check(replay(lab, "--report", report).returncode == 0, "the first run")
    first = report.read_text()
    for option, path in (("-o", "o.ndjson"), ("-w", "w.pcapng"), ("--report", report)):
        done = replay(lab, option, path, prefix=["prlimit", "--fsize=600:600"])
        check(done.returncode == 1 and "File too large" in done.stderr, f"{option}: exit {done.returncode}: {done.stderr[-300:]!r}")
        check("requests.seen" in done.stderr, f"{option}: no totals: {done.stderr[-300:]!r}")
    check(report.read_text() == first, "the report of the run before is gone")
    for command in (["-r", lab.pcap("curl-small"), *RUN], ["doctor", "-r", lab.pcap("curl-small")]):
        for limit in (5, 9, 10, 11, 12, 20, 63):
            done = run(lab, *command, prefix=["prlimit", f"--nofile={limit}:{limit}"])
            check(done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "ulimit -n" in done.stderr,
                  f"{limit} descriptors: exit {done.returncode}: {done.stderr!r}")
        done = run(lab, *command, prefix=["prlimit", "--nofile=20:1024"])
        check(done.returncode == 0, f"a soft limit that may be raised: {done.stderr[-300:]!r}")


CASES = [outputs_are_the_callers, outputs_and_links, outputs_to_a_fifo, report_outlives_a_kill, limits_are_told]
