"""cases_usage.py - bad input: one line that says what was tried, why it failed and what to do; nothing is sent"""
import os
import shutil

from lab import Failed, check, need_program

GOOD = ["-t", "http://127.0.0.1:9000"]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]


# name, arguments ({} is the directory with the files below), exit status, words of which one must be in the message
ROWS = [
    ("a missing file", ["-r", "{}/missing.pcap", *GOOD], (1,), ["missing.pcap"]),
    ("a file that is no capture", ["-r", "{}/text.pcap", *GOOD], (1,), ["text.pcap"]),
    ("an empty file", ["-r", "{}/empty.pcap", *GOOD], (1,), ["empty.pcap"]),
    ("a directory", ["-r", "{}", *GOOD], (1,), ["{}"]),
    ("a good file beside a missing one", ["-r", "{}/good.pcap", "-r", "{}/missing.pcap", *GOOD], (1,), ["missing.pcap"]),
    ("an unknown interface", ["-i", "nosuch0", *GOOD], (1,), ["nosuch0"]),
    ("a bad BPF expression, live", ["-i", "lo", *GOOD, "tcp", "prot", "80"], (1, 2), ["prot"]),
    ("a bad BPF expression, file", ["-r", "{}/good.pcap", *GOOD, "host", "("], (1, 2), ["("]),
    ("a bad --path", ["-r", "{}/good.pcap", *GOOD, "--path", "a(b"], (2,), ["path"]),
    ("a bad --not-path", ["-r", "{}/good.pcap", *GOOD, "--not-path", "[z-a]"], (2,), ["not-path"]),
    ("a bad --match-host", ["-r", "{}/good.pcap", *GOOD, "--match-host", "*"], (2,), ["match-host"]),
    ("a bad --match-header", ["-r", "{}/good.pcap", *GOOD, "--match-header", "no colon"], (2,), ["match-header"]),
    ("--control without --compare", ["-i", "lo", *GOOD, "--control", "http://127.0.0.1:1"], (2,), ["--compare"]),
    ("--fail-on without --compare", ["-i", "lo", *GOOD, "--fail-on", "compared < 1"], (2,), ["--compare"]),
    ("--compare and --dry-run", ["-i", "lo", *GOOD, "--compare", "--dry-run"], (2,), ["--dry-run"]),
    ("only a control", ["-i", "lo", "--compare", "--control", "http://127.0.0.1:1"], (2,), ["no target"]),
    ("a bad --fail-on", ["-r", "{}/good.pcap", *GOOD, "--compare", "--fail-on", "mismatch >"], (2,), ["fail-on", "mismatch"]),
    ("a bad --ignore", ["-r", "{}/good.pcap", *GOOD, "--compare", "--ignore", "no-slash"], (2,), ["no-slash"]),
    ("a --rules file with a bad line", ["-r", "{}/good.pcap", *GOOD, "--compare", "--rules", "{}/text.pcap"], (2,), ["text.pcap"]),
    ("a missing --rules file", ["-r", "{}/good.pcap", *GOOD, "--compare", "--rules", "{}/no.rules"], (1,), ["no.rules"]),
    ("a --proto file of another kind", ["-r", "{}/good.pcap", *GOOD, "--compare", "--proto", "{}/good.pcap"], (2,), ["good.pcap", "protoc"]),
    ("a missing --proto file", ["-r", "{}/good.pcap", *GOOD, "--compare", "--proto", "{}/no.pb"], (1,), ["no.pb"]),
    ("a bad --slice-by", ["-i", "lo", *GOOD, "--compare", "--slice-by", "tenant"], (2,), ["header:"]),
    ("a bad --rtol", ["-i", "lo", *GOOD, "--compare", "--rtol", "-1"], (2,), ["rtol"]),
    ("port 0", ["-i", "lo", "-p", "0", *GOOD], (2,), ["65535"]),
    ("port 70000", ["-i", "lo", "-p", "70000", *GOOD], (2,), ["65535"]),
    ("a port that is no number", ["-i", "lo", "-p", "http-alt?", *GOOD], (2,), ["port"]),
    ("-S 10", ["-r", "{}/good.pcap", *GOOD, "-S", "10"], (2,), ["10%", "10 %"]),
    ("-S 101%", ["-r", "{}/good.pcap", *GOOD, "-S", "101%"], (2,), ["100"]),
    ("-S of no number", ["-r", "{}/good.pcap", *GOOD, "-S", "half"], (2,), ["half"]),
    ("a target without scheme", ["-r", "{}/good.pcap", "-t", "127.0.0.1:9000"], (2,), ["http://"]),
    ("a target with another scheme", ["-r", "{}/good.pcap", "-t", "ftp://127.0.0.1:9000"], (2,), ["ftp"]),
    ("a target with port 70000", ["-r", "{}/good.pcap", "-t", "http://127.0.0.1:70000"], (2,), ["65535", "70000"]),
    ("no target", ["-r", "{}/good.pcap"], (2,), ["-t", "--target"]),
    ("two targets of one name", ["-r", "{}/good.pcap", *GOOD, *GOOD], (2,), ["name", "twice", "default"]),
    ("an unknown option", ["-r", "{}/good.pcap", *GOOD, "--no-such-option"], (2,), ["no-such-option"]),
    ("an option without its value", ["-r", "{}/good.pcap", *GOOD, "-m"], (2,), ["-m", "max-time"]),
    ("an unknown preset", ["-r", "{}/good.pcap", *GOOD, "--preset", "nosuch"], (2,), ["tfserving"]),
    ("a duration without meaning", ["-r", "{}/good.pcap", *GOOD, "-m", "5parsecs"], (2,), ["5parsecs"]),
    ("a speed of 0", ["-r", "{}/good.pcap", *GOOD, "-x", "0"], (2,), ["speed", "-x"]),
    ("0 connections", ["-r", "{}/good.pcap", *GOOD, "--connections", "0"], (2,), ["connections"]),
    ("a report in no directory", ["-r", "{}/good.pcap", *GOOD, "--report", "{}/no/such/r.json"], (1,), ["r.json"]),
    ("a report of unknown kind", ["-r", "{}/good.pcap", *GOOD, "--report", "{}/r.xyz"], (2,), [".json"]),
    ("a missing config file", ["-f", "{}/missing.conf", *GOOD], (1,), ["missing.conf"]),
    ("a bad line in a config file", ["-f", "{}/bad.conf", *GOOD], (1, 2), ["bad.conf"]),
    ("a file and an interface", ["-r", "{}/good.pcap", "-i", "lo", *GOOD], (2,), ["-r", "--read"]),
]


def one_line(process, row):
    """The fault in how the program ended, or None."""
    name, _, statuses, words = row
    try:
        status = process.wait(10)
    except Failed as why:
        process.end()
        return f"{name}: {why}"
    lines = process.err.splitlines()
    if status not in statuses:
        return f"{name}: exit {status}: {process.err[-200:]!r}"
    if len(lines) != 1 or not lines[0].startswith("shadowtap: "):
        return f"{name}: not one line that begins with 'shadowtap: ': {process.err[-300:]!r}"
    if process.out:
        return f"{name}: on stdout: {process.out[:100]!r}"
    if not any(word in lines[0] for word in words):
        return f"{name}: none of {words} in {lines[0]!r}"
    return None


def prepare(lab):
    """The files that the rows name."""
    d = lab.directory
    shutil.copyfile(lab.pcap("demo"), d / "good.pcap")
    (d / "text.pcap").write_text("this is no capture\n" * 10)
    (d / "empty.pcap").write_bytes(b"")
    (d / "bad.conf").write_text("# a comment\nno-such-key = 1\n")


def usage_errors(lab):
    """The table above."""
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    prepare(lab)
    faults = []
    for row in ROWS:
        args = [arg.replace("{}", str(lab.directory)) for arg in row[1]]
        row = (*row[:3], [word.replace("{}", str(lab.directory)) for word in row[3]])
        faults.append(one_line(lab.start(ns, lab.binary, *args, label="usage"), row))
    faults = [fault for fault in faults if fault]
    check(not faults, f"{len(faults)} of {len(ROWS)} rows: " + "; ".join(faults))
    check(not shadow.entries("connect"), "something was sent before everything was checked")


def no_permission(lab):
    """A user without the right to capture is told what to do about it."""
    need_program("setpriv")
    ns = lab.namespace()
    binary = lab.directory / "shadowtap"  # where nobody may read it
    shutil.copyfile(lab.binary, binary)
    os.chmod(binary, 0o755)
    process = lab.start(ns, *NOBODY, binary, "-i", "lo", "-p", "8080", *GOOD, label="nobody")
    fault = one_line(process, ("no permission", None, (1,), ["setcap", "root"]))
    check(not fault, fault)


def files_need_no_rights(lab):
    """A recording is replayed by a user without any right."""
    need_program("setpriv")
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    prepare(lab)
    binary = lab.directory / "shadowtap"
    shutil.copyfile(lab.binary, binary)
    os.chmod(binary, 0o755)
    process = lab.start(ns, *NOBODY, binary, "-r", lab.directory / "good.pcap", *GOOD, "-x", "max", "-m", "20s",
                        label="nobody")
    status = process.wait(30)
    check(status == 0, f"exit {status}: {process.err[-300:]!r}")
    check(len(shadow.requests()) == 39, f"{len(shadow.requests())} replays instead of 39")


def sink(lab):
    """-t sink: is a server of our own: nothing else is needed to see a replay."""
    ns = lab.namespace()
    tap = lab.tap(ns, "-r", lab.pcap("demo"), "-t", "sink:", "-x", "max", "-m", "20s")
    report = tap.finish()
    target = next(iter(report["targets"].values()))
    check(target["answered"]["2xx"] == 39, f"39 requests, ended as {target}")


def help_and_version(lab):
    """Data on stdout, exit 0."""
    ns = lab.namespace()
    for option, word in (("--help", "--target"), ("-h", "--target"), ("--version", "shadowtap"), ("-V", "shadowtap"),
                         ("--list-interfaces", "lo"), ("--list-presets", "v1/audio/transcriptions")):
        process = lab.start(ns, lab.binary, option, label="help")
        status = process.wait(20)
        check(status == 0 and word in process.out and not process.err,
              f"{option}: exit {status}, stdout {process.out[:80]!r}, stderr {process.err[:80]!r}")


CASES = [usage_errors, no_permission, files_need_no_rights, sink, help_and_version]
