"""cases_example.py - the examples do what their READMEs say"""
import json
import os
import shutil
import subprocess

import books
import nats_talk
from cases_outputs import SUDO
from lab import HERE, check, need_program, need_python

EXAMPLES = HERE.parent.parent / "examples"


def run_example(lab, name, *args, **environment):
    """Its report, after it has ended as a run ends whose gate has passed."""
    out = lab.directory / name
    done = subprocess.run(lab.inside(lab.namespace(), [EXAMPLES / name / "run", *args]), capture_output=True, text=True, timeout=120,
                          cwd=lab.directory, env={**os.environ, "SHADOWTAP": lab.binary, f"{name.upper()}_OUT": str(out), "DISPLAY": "",
                                                  "WAYLAND_DISPLAY": "", **environment})
    check(done.returncode == 0, f"exit {done.returncode}: {done.stderr[-600:]}")
    check("gate passed" in done.stderr and str(out / "report.html") in done.stderr, f"it says: {done.stderr[-600:]}")
    check(("decision: keep watching" in done.stderr) == ("by its values; the pairs do not show it yet" in done.stderr), f"it says: {done.stderr[-600:]}")
    check("</html>" in (out / "report.html").read_text(), "no page")
    report = json.loads((out / "report.json").read_text())
    check(not books.faults(report), f"the books do not balance: {books.faults(report)}")
    return report["comparison"]["targets"]["default"]


def run_digits(lab, *args, **environment):
    need_python("sklearn", "fastapi", "uvicorn", "requests", "httpx", "aiohttp")
    need_program("curl")
    return run_example(lab, "digits", *args, **environment)


def check_digits(told, pairs):
    """The models decide alike, never say the same, and their errors are the same."""
    check(told["pairs"] == told["compared"] == pairs, f"compared {told['compared']} of {told['pairs']}, not {pairs}")
    check(0.94 <= told["decision"]["rate"] < 0.995, f"decisions: {told['decision']['rate']}")
    verdicts = {name: n for name, n in told["verdicts"].items() if n}
    check(verdicts.keys() == {"equal", "close", "decision"}, f"verdicts: {verdicts}")
    check(told["error_rate"]["both"] == verdicts["equal"], f"errors: {told['error_rate']}")


def example_live(lab):
    told = run_digits(lab, DIGITS_REQUESTS="200")
    check_digits(told, 200)
    clients = {s["value"]: s["pairs"] for s in told["slices"] if s["by"] == "header:x-client"}
    check(clients == {name: 50 for name in ("requests", "httpx", "aiohttp", "curl")}, f"clients: {clients}")


def example_recorded(lab):
    check_digits(run_digits(lab, "--recorded", DIGITS_SPEED="5"), 400)


def example_grpc(lab):
    """The decisions nearly agree, the errors are the same, and each client's calls arrived."""
    need_python("grpc", "google.protobuf", "numpy")
    need_program("protoc")
    told = run_example(lab, "grpc", GRPC_CALLS="240")
    check(told["pairs"] == told["compared"] == 240, f"compared {told['compared']} of {told['pairs']}, not 240")
    check(0.95 <= told["decision"]["rate"] < 1, f"decisions: {told['decision']['rate']}")
    clients = {s["value"]: s["pairs"] for s in told["slices"] if s["by"] == "header:x-client"}
    check(clients == {name: 60 for name in ("raw", "typed", "async", "stream")}, f"clients: {clients}")


def example_fleet(lab):
    """It adds up, and it says so, with a replayer killed on the way; in a user's own tree, called with sudo."""
    nats_talk.need_server()
    tree = lab.directory / "tree"
    for part in ("examples", "packaging"):
        shutil.copytree(EXAMPLES.parent / part, tree / part)
    subprocess.run(["chown", "-R", SUDO["SUDO_UID"], tree], check=True)
    out = tree / "build/fleet"
    done = subprocess.run([tree / "examples/fleet/run"], capture_output=True, text=True, timeout=120, cwd=lab.directory,
                          env={**os.environ, **SUDO, "SHADOWTAP": lab.binary, "FLEET_REQUESTS": "400", "FLEET_SECONDS": "6"})
    check(done.returncode == 0, f"exit {done.returncode}: {done.stdout[-400:]} {done.stderr[-400:]}")
    check("every request is accounted for, and none was sent twice" in done.stdout, f"it says: {done.stdout[-600:]}")
    for name in ("client-side", "service-side", "one"):
        report = json.loads((out / f"{name}.json").read_text())
        check(not books.faults(report), f"{name}: the books do not balance: {books.faults(report)}")
        check(name == "one" or report["relay"]["requests"] == 400, f"{name}: {report.get('relay')}")


CASES = [example_live, example_recorded, example_grpc, example_fleet]
