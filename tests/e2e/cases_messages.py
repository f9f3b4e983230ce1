"""cases_messages.py - what the program says when it refuses reads well: one line that names the thing and says what to do

Beside cases_usage.py, which asks for the right exit status and word, this one
provokes as many messages as can be had for nothing and looks at their form.
"""
import json
import re
import shutil
import subprocess

from lab import check

T = ["-t", "http://127.0.0.1:9"]
FILE = ["-r", "good.pcap", *T]
COMPARE = [*FILE, "--compare"]
TLS = ["-r", "good.pcap", "-t", "https://127.0.0.1:9"]

# arguments; what the message must name
ROWS = [
    ([], "-t"), (["-r", "good.pcap"], "-t"), (["--nosuch"], "--nosuch"), (["-y"], "-y"), (["-nY"], "-nY"),
    (["-dry-run"], "--dry-run"), (["--tar"], "--target"), (["-m"], "-m TIME"), (["--max-time"], "--max-time TIME"),
    ([*FILE, "-m", "0"], "1ms to 1h"), ([*FILE, "-m", "x"], "300ms"), ([*FILE, "-m", ""], "TIME"),
    ([*T, "-p", "0"], "1 to 65535"), ([*T, "-p", "80,"], "80,"), ([*T, "--vxlan-port", "x"], "--vxlan-port"),
    ([*FILE, "-s", "3"], "64 to 262144"), ([*FILE, "-B", "1"], "64K to"), ([*FILE, "-B", "x"], "16M"),
    ([*FILE, "--lanes", "0"], "--lanes"), (["-r", "-", "--lanes", "2", *T], "--lanes"), ([*T, "--lanes", "2", "--decap", "gre"], "--decap"),
    ([*FILE, "-Z", "nosuch"], "nosuch"), ([*FILE, "--decap", "vx"], "vxlan"), ([*FILE, "-X", "a b"], "a b"),
    ([*FILE, "-X", "CONNECT"], "CONNECT"), ([*FILE, "--preset", "x"], "tfserving"), ([*FILE, "--path", "a("], "a("),
    ([*FILE, "--match-header", "x"], "--match-header"), ([*FILE, "--match-header", "a: ("], "offset"),
    ([*FILE, "-S", "10"], "10%"), ([*FILE, "-S", "101%"], "100%"), ([*FILE, "-S", "x"], "5%"), ([*FILE, "-S", "b:5%"], '"b"'),
    ([*FILE, "--sample-by", "x"], "header:NAME"), ([*FILE, "--sample-by", "header:"], "header:x"),
    ([*FILE, "--ramp", "x"], "1%..20%/30m"), ([*FILE, "--ramp", "5%..1%/1m"], "5%..1%/1m"), ([*FILE, "--ramp", "1%..5%/x"], "30m"),
    ([*FILE, "--ramp", "1%..5%/0s"], "1s to"), ([*T, "--ramp", "1%..5%/1m", "-S", "5%"], "--sample"),
    ([*T, "--max-cpu", "20"], "20%"), ([*T, "--max-cpu", "1.5%"], "1.5%"), ([*T, "--max-cpu", "0%"], "1% to"),
    ([*FILE, "--max-cpu", "10%"], "--max-cpu"), ([*FILE, "--max-body", "0"], "--max-body"), ([*FILE, "-R", "x"], "-R x"),
    ([*FILE, "-R", "0"], "1 to"), ([*FILE, "--queue", "x"], "--queue"), ([*FILE, "--max-memory", "1K"], "1M to"),
    (["-r", "good.pcap", "-t", "x"], "http://host:port"), (["-r", "good.pcap", "-t", "=http://a"], "NAME="),
    (["-r", "good.pcap", "-t", "http://user:s3cret@h"], "-H"), (["-r", "good.pcap", "-t", "http://h:0"], "65535"),
    (["-r", "good.pcap", "-t", "http://h/?key=s3cret"], "h/?"), (["-r", "good.pcap", "-t", "http://[::1"], "[::1]"),
    (["-r", "good.pcap", "-t", "unix:x"], "unix:/"), (["-r", "good.pcap", "-t", "http://h/%zz"], "%25"),
    (["-r", "good.pcap", "-t", "unix:/" + "x" * 200], "107"), (["-r", "good.pcap", "-t", "x" * 70 + "=http://h"], "63"),
    (["-r", "good.pcap", "-t", "http://" + "x" * 300], "255"), (["-r", "good.pcap", "-t", "http://h/" + "x" * 1100], "1023"),
    ([*FILE, *T], "NAME=URL"), (["-r", "good.pcap", *(w for i in range(17) for w in ("-t", f"t{i}=http://h"))], "16"),
    ([*FILE, "--allow-header", "a b"], "x-model-*"), ([*FILE, "--allow-header", "host"], "--host-header keep"),
    ([*FILE, "-H", "s3cret"], "Name: value"), ([*FILE, "-H", "content-length: 3"], "content-length"),
    ([*FILE, "-H", "X-Shadowtap: 1"], "X-Shadowtap"), ([*FILE, "-H", "@"], "@/"), ([*FILE, "-H", "@nosuch"], "nosuch"),
    ([*FILE, "-H", "@empty"], "Name: value"), ([*FILE, "-H", "b:cookie: s3cret"], "space"), ([*FILE, "--host-header", "a b"], "a b"),
    ([*FILE, "--rewrite-path", "x"], "RE=>TEXT"), ([*FILE, "--rewrite-path", "a(=>b"], "a("), ([*FILE, "--rewrite-path", "a=>$9"], "$9"),
    ([*TLS, "--cacert", "nosuch.pem"], "nosuch.pem"), ([*TLS, "--cacert", "text"], "PEM"), ([*TLS, "--cert", "text"], "PEM"),
    ([*TLS, "--key", "text"], "--cert"),
    ([*COMPARE, "--dry-run"], "--dry-run"), ([*FILE, "--rtol", "1"], "--compare"), ([*COMPARE, "--rtol", "x"], "1e-5"),
    (["-r", "good.pcap", "--compare", "--control", "http://x"], "-t"), ([*COMPARE, "--control", "a=http://x"], "--control"),
    ([*COMPARE, "--control", "http://x", "--control", "http://x"], "one control"), ([*COMPARE, "--ignore", "x"], "/name"),
    ([*COMPARE, "--rules", "text"], "text:1"), ([*COMPARE, "--slice-by", "x"], "header:x"), ([*COMPARE, "--fail-on", "x"], '"x"'),
    ([*COMPARE, "--fail-on", "mismatch >"], "mismatch >"), ([*COMPARE, "--fail-on", ""], "EXPR"),
    ([*FILE, "-x", "0"], "0.001 to 1000"), ([*T, "-x", "2"], "-r"), ([*T, "--loop", "2"], "-r"), (["-r", "-", "--loop", "2", *T], "--loop"),
    (["-r", "-", "-r", "-", *T], "-r -"), ([*FILE, "-o", "nodir/x"], "nodir/x"), ([*FILE, "-o", "good.pcap"], "good.pcap"),
    ([*FILE, "-w", "good.pcap"], "good.pcap"), ([*FILE, "-w", "x.pcapng", "--loop", "2"], "--loop"), ([*FILE, "-w", "-", "-o", "-"], "-o -"),
    ([*FILE, "--report", "x.txt"], ".json"), ([*FILE, "--report", "nodir/x.json"], "nodir/x.json"),
    ([*FILE, "--admin", "x"], "127.0.0.1:9090"), ([*FILE, "--admin", "127.0.0.1:0"], "65535"),
    ([*FILE, "--admin", "192.0.2.1:9090"], "192.0.2.1"), ([*FILE, "--admin", "unix:x"], "unix:/"),
    ([*FILE, "--stats-every", "1ms"], "100ms"), ([*FILE, "--log-format", "xml"], "json"), ([*FILE, "--quiet=x"], "yes"),
    (["-f", "nosuch.conf"], "nosuch.conf"), (["-f", "bad.conf"], "bad.conf:1"), (["-f", "noeq.conf"], "port = 80"),
    (["-f", "noval.conf"], "noval.conf:1"), (["-f", "cl.conf"], "config"), (["-f", "nul.conf"], "nul.conf"), (["-f", "/"], '"/"'),
    (["-f", "bad.conf", "-f", "bad.conf"], "-f"), (["--check-config"], "-f"), (["--completion", "csh"], "bash"),
    (["--json", *FILE], "--report"), (["-r", "nosuch", *T], "nosuch"), (["-r", "/", *T], '"/"'), (["-r", "empty", *T], "empty"),
    (["-r", "text", *T], "tcpdump -w"), (["-r", "head.pcap", *T], "head.pcap"), ([*FILE, "-i", "lo"], "-i and -r"),
    ([*FILE, "tcp", "prot"], "tcp prot"), (["-i", "any", "-i", "lo", *T], '"any"'), (["-i", "lo", "-i", "lo", *T], '"lo"'),
    (["-i", "nosuch0", *T], "there are: "),
    (["report"], "--help"), (["report", "nosuch.json"], "nosuch.json"), (["report", "broken.json"], "broken.json"),
    (["report", "other.json"], "other.json"), (["report", "array.json"], "array.json"), (["report", "other.json", "-o", "x.txt"], ".html"),
    (["report", "--nosuch"], "--nosuch"), (["report", "other.json", "--fail-on", "x"], '"x"'),
    (["doctor", "-r", "nosuch"], "nosuch"), (["doctor", "--nosuch"], "--nosuch"),
]
# Every message has one of these: a part after a semicolon, or words that say what would be right.
ADVICE = re.compile(r"; |which is |write |did you mean|choose |needs a value|there are|name |give |such as |exclude each other:|"
                    r"as in |say where |belongs on |which can be ")


def prepare(directory, good):
    shutil.copyfile(good, directory / "good.pcap")
    for name, content in (("empty", b""), ("text", b"x: y\n" * 9), ("bad.conf", b"a = b\n"), ("noeq.conf", b"port 80\n"),
                          ("noval.conf", b"port =\n"), ("cl.conf", b"config = x\n"), ("nul.conf", b"a\0b"),
                          ("broken.json", b"{"), ("other.json", b"{}"), ("array.json", b"[1]"),
                          ("head.pcap", (directory / "good.pcap").read_bytes()[:20])):
        (directory / name).write_bytes(content)


def fault(row, done):
    args, word = row
    text = done.stderr
    lines = text.splitlines()
    if done.returncode not in (1, 2):
        return f"exit {done.returncode}"
    if len(lines) != 1 or not lines[0].startswith("shadowtap: "):
        return "not one line that begins with 'shadowtap: '"
    if done.stdout:
        return "something on standard output"
    if word not in text:
        return f"does not name {word!r}"
    if not ADVICE.search(text):
        return "does not say what to do"
    if "s3cret" in text:
        return "shows a secret"
    if lines[0].endswith((".", ";", ":", " ")) or "  " in text or "(null)" in text:
        return "its form"
    return None


def messages(lab):
    """The table above; a message that a user gets is one sentence with what to do in it."""
    prepare(lab.directory, lab.pcap("demo"))
    faults = []
    for row in ROWS:
        done = subprocess.run([lab.binary, *row[0]], cwd=lab.directory, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=60)
        why = fault(row, done)
        if why:
            faults.append(f"{' '.join(row[0])[:80]}: {why}: {done.stderr[:300]!r}")
    check(not faults, f"{len(faults)} of {len(ROWS)}: " + "; ".join(faults))


def full_disk(lab):
    """Outputs that fail while a run goes on are told in one line each, with what became of the run."""
    prepare(lab.directory, lab.pcap("demo"))
    (lab.directory / "full.json").symlink_to("/dev/full")
    for option, path, words in (("-o", "/dev/full", "run was ended"), ("-w", "/dev/full", "missing"), ("--report", "full.json", "totals")):
        done = subprocess.run([lab.binary, "-r", "good.pcap", "-t", "sink:", "-x", "max", "-m", "20s", option, path],
                              cwd=lab.directory, capture_output=True, text=True, check=False, timeout=60)
        told = [line for line in done.stderr.splitlines() if line.startswith("shadowtap: cannot write")]
        check(done.returncode == 1 and len(told) == 1 and path in told[0] and words in told[0] and "No space" in told[0],
              f"{option} {path}: exit {done.returncode}: {done.stderr!r}")


def messages_as_json(lab):
    """--log-format json, asked for: each message is an object; not asked for, messages are for people."""
    run = ["-r", str(lab.pcap("demo")), "-t", "http://127.0.0.1:9", "-x", "max"]
    for args, first in ((["--log-format", "json"], "reading "), ([], None)):
        done = subprocess.run([lab.binary, *run, *args], capture_output=True, text=True, timeout=30, cwd=lab.directory)
        lines = [line for line in done.stderr.splitlines() if not re.match(r"[a-z.]+ (\d|answers)|[a-z]+\.\w+ ", line)]
        told = [json.loads(line) for line in lines if line.startswith("{")]
        logs = [line for line in told if line["event"] == "log"]
        check(len(told) > len(logs), "no failure was told")
        if first:
            check(len(told) == len(lines), f"not JSON: {[line for line in lines if not line.startswith('{')]}")
            check(logs[0]["message"].startswith(first) and logs[0]["level"] == "INFO", f"{logs[0]}")
            check(any(log["level"] == "WARNING" for log in logs), f"no warning among {logs}")
        else:
            check(not logs and lines[0].startswith("shadowtap: reading "), f"{lines[0]}")


CASES = [messages, full_disk, messages_as_json]
