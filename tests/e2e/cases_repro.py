"""cases_repro.py - a failing pair as a case: it is run again, and says again what it said; and what is in none of its files"""
import json
import os
import re
import stat
import subprocess

from answers import CASES as ASKED, VERDICTS
from cases_compare import COMPARE, CONTROL, PRODUCTION, SHADOW, ask, serve, services
from cases_outputs import NOBODY, SUDO
from lab import PYTHON, check

FAILING = {v for v in VERDICTS.values() if v not in ("equal", "close", "not_comparable")}
FILES = {"case.json", "request.bin", "headers", "production.response", "shadow.response", "diff.txt", "run.sh", "test_shadow.py", "request.http"}
PYTEST = "import test_shadow; test_shadow.test_shadow_answers_as_production_did()"


def record(lab):
    """A recording of every case, and the services that answered."""
    ns = services(lab)
    tap = lab.live_tap(ns, "-i", "lo", "-p", PRODUCTION, "-t", "sink:", "-w", "seen.pcapng")
    ask(lab, ns)
    tap.stop()
    return ns, ["-r", lab.directory / "seen.pcapng", "-p", PRODUCTION, "-x", "max", *COMPARE]


def again(lab, ns, folder, port, command):
    env = {**os.environ, "TARGET": f"http://127.0.0.1:{port}", "SHADOWTAP": lab.binary}
    return subprocess.run(lab.inside(ns, command), cwd=folder, env=env, capture_output=True, text=True, timeout=60)


def verdict_of(folder):
    return (folder / "diff.txt").read_text().split(":")[0].split(" ")[0]


def check_files(folder):
    names = {path.name for path in folder.iterdir()}
    check(names == FILES - ({"shadow.response"} if verdict_of(folder) == "error" else set()), f"{folder.name}: files {sorted(names)}")
    for path in (folder, *folder.iterdir()):
        mode = stat.S_IMODE(path.stat().st_mode)
        check(mode == (0o700 if path.is_dir() or path.name == "run.sh" else 0o600), f"{path} has mode {mode:o}")
    for path in folder.iterdir():
        check(b"hidden" not in path.read_bytes(), f"a credential in {path}")
    script = (folder / "run.sh").read_text()
    check("Left out, as what may be a credential: Authorization, Cookie, X-Api-Key\n" in script, f"nobody is told: {script}")


def check_again(lab, ns, folder):
    """The shadow differs again, in what it differed; production says what it said."""
    verdict = verdict_of(folder)
    done = again(lab, ns, folder, SHADOW, ["./run.sh"])
    check(done.returncode == (1 if verdict == "error" else 3), f"{verdict}: run.sh: exit {done.returncode}: {done.stderr}")
    check(verdict == "error" or done.stdout.startswith(verdict), f"{verdict} again is {done.stdout}")
    done = again(lab, ns, folder, PRODUCTION, ["./run.sh"])
    check(done.returncode == 0, f"{verdict}: production is not what it was: {done.stdout}{done.stderr}")
    done = again(lab, ns, folder, SHADOW, [PYTHON, "-B", "-c", PYTEST])
    check(done.returncode == 1, f"{verdict}: the test passes")
    check(verdict == "error" or "AssertionError: " + verdict in done.stderr, f"{verdict}: {done.stderr}")
    done = again(lab, ns, folder, PRODUCTION, [PYTHON, "-B", "-c", PYTEST])
    check(done.returncode == 0, f"{verdict}: production does not pass: {done.stderr}")
    if verdict != "error":
        done = again(lab, ns, folder, 1, [lab.binary, "diff", "production.response", "shadow.response", "--json"])
        check(done.returncode == 3 and json.loads(done.stdout)["verdict"] == verdict, f"{verdict}: {done.stdout}")


def repro(lab):
    """Each mismatch is a case; run.sh and test_shadow.py fail at the shadow, and pass at production."""
    ns, recorded = record(lab)
    tap = lab.tap(ns, *recorded, "--repro", "cases", "--allow-header", "authorization", "-H", "X-Own: hidden-own")
    told = tap.finish()["comparison"]["targets"]["default"]
    folders = sorted((lab.directory / "cases").iterdir())
    wrong = sum(n for name, n in told["verdicts"].items() if name in FAILING)
    check(len(folders) == min(wrong, 20), f"{len(folders)} cases of {wrong}")
    check({verdict_of(f) for f in folders} == FAILING, f"verdicts: {sorted(map(verdict_of, folders))}")
    line = re.search(r'^shadowtap: (\d+) cases in "cases"; to send one again: (.*TARGET=\S+ (cases/\w+)/run\.sh)$', tap.err, re.M)
    check(line and int(line[1]) == len(folders), f"nobody is told: {tap.err[-300:]}")
    done = subprocess.run(lab.inside(ns, ["sh", "-c", line[2]]), cwd=lab.directory, capture_output=True, text=True, timeout=60)
    check(done.returncode == (1 if verdict_of(lab.directory / line[3]) == "error" else 3), f"{line[2]}: {done.returncode}: {done.stderr}")
    ids = {e["id"] for e in tap.events() if e["event"] == "request"}
    seen = set()
    for folder in folders:
        check(folder.name in ids, f"{folder.name} is the id of no request")
        check_files(folder)
        asked = json.loads((folder / "request.bin").read_text())["case"]
        check(VERDICTS[asked] == verdict_of(folder) and asked in ASKED, f"{asked} is {verdict_of(folder)}")
        if asked not in seen:
            check_again(lab, ns, folder)
        seen.add(asked)


def repro_is_the_callers(lab):
    """Under sudo the cases belong to who called it; a folder of another is refused, before anything is read."""
    ns, recorded = record(lab)
    lab.directory.chmod(0o755)
    home = lab.directory / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    for folder, status, words in ((home / "cases", 0, " cases in "), (lab.directory / "roots", 1, "cannot write cases"),
                                  (home / "cases", 0, " cases in ")):
        done = subprocess.run(lab.inside(ns, [lab.binary, *recorded, "--repro", folder]), env={**os.environ, **SUDO}, capture_output=True,
                              text=True, timeout=60, cwd=lab.directory)
        check(done.returncode == status and words in done.stderr, f"{folder}: exit {done.returncode}: {done.stderr[-300:]}")
        for path in folder.glob("**/*"):
            check((path.stat().st_uid, path.stat().st_gid) == (NOBODY, NOBODY), f"{path} is not the caller's")
    check(not (lab.directory / "roots").exists(), "a folder where the caller may make none")


def repro_of_a_report(lab):
    """Each example of a report with bodies is a case that says what the report says; without bodies it is told what to do."""
    ns, recorded = record(lab)
    tap = lab.tap(ns, *recorded, "--show-bodies")
    examples = tap.finish()["comparison"]["targets"]["default"]["examples"]
    wanted = [e for e in examples if e["verdict"] in FAILING | {"close"}]
    check({e["verdict"] for e in wanted} == FAILING | {"close"}, f"examples: {examples}")
    for e in wanted:
        verdict, report = e["verdict"], lab.directory / f"{tap.label}.json"
        done = again(lab, ns, lab.directory, SHADOW, [lab.binary, "repro", report, e["id"], "-o", "made"])
        if verdict == "encoding":  # a picture, which is no text
            check(done.returncode == 1 and "shadow_body only, or it is no text" in done.stderr, f"{verdict}: {done.stderr}")
            continue
        check(done.returncode == 0 and "compared again" not in done.stderr, f"{verdict}: exit {done.returncode}: {done.stderr}")
        folder = lab.directory / "made" / e["id"]
        check(verdict_of(folder) == verdict, f"{verdict} is {verdict_of(folder)} in the case")
        done = again(lab, ns, folder, SHADOW, ["./run.sh"])
        check(done.returncode == {"error": 1, "close": 0}.get(verdict, 3), f"{verdict}: run.sh: exit {done.returncode}: {done.stderr}")
    tap = lab.tap(ns, *recorded)
    examples = tap.finish()["comparison"]["targets"]["default"]["examples"]
    done = again(lab, ns, lab.directory, SHADOW, [lab.binary, "repro", f"{tap.label}.json", examples[0]["id"]])
    check(done.returncode == 1 and "--show-bodies" in done.stderr and "--repro DIR" in done.stderr, f"nobody is told: {done.stderr}")


def repro_minimised(lab):
    """What the shadow does not need to differ is left out; production is not asked, and who no longer differs is told so."""
    ns, recorded = record(lab)
    serve(lab, ns, "control", CONTROL)
    lab.tap(ns, *recorded, "--repro", "cases").finish()
    folder = next(f for f in (lab.directory / "cases").iterdir() if verdict_of(f) == "schema")
    command = [lab.binary, "repro", folder, "--minimise"]
    done = again(lab, ns, lab.directory, SHADOW, [*command, f"http://127.0.0.1:{PRODUCTION}/base"])
    check(done.returncode == 2 and "is the service that the case comes from" in done.stderr, f"production: {done.returncode} {done.stderr}")
    done = again(lab, ns, lab.directory, SHADOW, [*command, f"http://127.0.0.1:{CONTROL}"])
    check(done.returncode == 1 and "does not differ as it did" in done.stderr, f"the control: {done.returncode} {done.stderr}")
    done = again(lab, ns, lab.directory, SHADOW, [*command, "http://127.0.0.1:1"])
    check(done.returncode == 1 and "gives no response" in done.stderr, f"nobody: {done.returncode} {done.stderr}")
    done = again(lab, ns, lab.directory, SHADOW, [*command, f"http://127.0.0.1:{SHADOW}"])
    check(done.returncode == 0 and "1 of 2 parts of the request left out with" in done.stderr, f"the shadow: {done.returncode} {done.stderr}")
    least = folder.with_name(folder.name + "-minimal")
    check(json.loads((least / "request.bin").read_text()) == {"case": "schema"}, f"left: {(least / 'request.bin').read_text()}")
    check(json.loads((folder / "request.bin").read_text()).keys() == {"case", "number"}, "the case itself was changed")
    done = again(lab, ns, least, SHADOW, ["./run.sh"])
    check(done.returncode == 3 and done.stdout.startswith("schema"), f"the least: exit {done.returncode}: {done.stdout}")


# one connection each: an answer, and what came in a file
RECORDER = """
import socket, sys
server = socket.create_server(("127.0.0.1", 9100))
while True:
    client, _ = server.accept()
    got = b""
    while b"\\r\\n\\r\\n" not in got or len(got.partition(b"\\r\\n\\r\\n")[2]) < int(got.lower().partition(b"content-length:")[2].split()[0]):
        got += client.recv(65536)
    open("recorded", "wb").write(got)
    client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
    client.close()
"""
HOSTILE_PATH = b"/v1/models/m:predict/'$(touch${IFS}owned)'/`touch`/\"-o/../[1-9]{a,b}\\\\|&;<>/@x?q='$HOME'&api_key=hidden&*=~!#frag\xff"
QUOTED_PATH = (b"/v1/models/m:predict/%27$(touch$%7BIFS%7Downed)%27/%60touch%60/%22-o/../[1-9]%7Ba,b%7D%5C%5C%7C&;%3C%3E/@x"
               b"?q=%27$HOME%27&api_key=removed&*=~!%23frag%FF")
HOSTILE_FIELD = b"$(touch owned) `touch owned` '; touch owned; ' \"x\" @/etc/passwd %s \\\\ {{x}} \xc3\xa9"


def repro_of_hostile_traffic(lab):
    """What strangers send acts nowhere: the script sends it again as it was, but for what a URL cannot hold."""
    ns = services(lab)
    body = b'{"case": "schema", "x": "$(touch owned)\'`\\\\u0000"}'
    request = b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nX-Request-Id: %b\r\nContent-Length: %d\r\n\r\n%b"
    (lab.directory / "request").write_bytes(request % (HOSTILE_PATH, HOSTILE_FIELD, len(body), body))
    tap = lab.live_tap(ns, "-i", "lo", "-p", PRODUCTION, *COMPARE, "--allow-side-effects", "--repro", "cases")
    send = "import socket; s = socket.create_connection(('127.0.0.1', %d)); s.sendall(open('request', 'rb').read()); s.recv(4096)"
    client = lab.start(ns, PYTHON, "-c", send % PRODUCTION, label="client")
    check(client.wait() == 0, f"the client failed: {client.err[-300:]}")
    tap.stop()
    folders = list((lab.directory / "cases").iterdir())
    check(len(folders) == 1, f"cases: {folders}: {tap.err[-500:]}")
    lab.wait_listening(ns, 9100, lab.start(ns, PYTHON, "-c", RECORDER, label="recorder"))
    before = sorted(path.name for path in (*lab.directory.iterdir(), *folders[0].iterdir()))
    done = again(lab, ns, folders[0], 9100, ["sh", "run.sh"])
    check(done.returncode == 3, f"exit {done.returncode}: {done.stdout}{done.stderr}")
    head, _, sent = (lab.directory / "recorded").read_bytes().partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    check(line == b"POST %b HTTP/1.1" % QUOTED_PATH, f"the line is {line}")
    check(b"X-Request-Id: " + HOSTILE_FIELD in fields, f"fields: {fields}")
    check(sent == body, f"the body is {sent}")
    (lab.directory / "recorded").unlink()
    done = again(lab, ns, folders[0], 9100, [PYTHON, "-B", "-c", PYTEST])
    check(done.returncode == 1 and "AssertionError: schema" in done.stderr, f"the test: {done.stderr}")
    check((lab.directory / "recorded").read_bytes().startswith(line + b"\r\n"), "the test sends another line")
    (lab.directory / "recorded").unlink()
    after = sorted(path.name for path in (*lab.directory.iterdir(), *folders[0].iterdir()))
    check(before == after, f"files that nobody wanted: {set(after) ^ set(before)}")


CASES = [repro_of_hostile_traffic, repro_minimised, repro, repro_is_the_callers, repro_of_a_report]
