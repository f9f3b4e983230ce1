"""container.py - the Containerfile, read as a builder would, and the privileges that its container has

No image is built: that takes a registry and a daemon. What a linter says about
such files is checked here, and what it cannot know: that the program, with the
capability in its file, captures as nobody with nothing but CAP_NET_RAW in the
bounding set, and how it fails with less.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess

from lab import Skip, check

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
KNOWN = {"ARG", "FROM", "COPY", "RUN", "USER", "WORKDIR", "STOPSIGNAL", "ENTRYPOINT", "CMD", "ENV", "LABEL"}


def instructions(text):
    """(name, the rest) of each instruction, continued lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        name, _, rest = line.partition(" ")
        yield name, " ".join(rest.split())


def stages(text):
    found, values = [], {}
    for name, rest in instructions(text):
        check(name in KNOWN, f"Containerfile: {name} is not an instruction that belongs here")
        if name == "FROM":
            match = re.fullmatch(r"(--platform=\$BUILDPLATFORM )?\$(\w+)( AS (\w+))?", rest)
            check(match and match[2] in values, f"Containerfile: the base {rest!r} is no ARG that stands before")
            found.append({"name": match[4], "base": values[match[2]], "native": bool(match[1]), "steps": []})
        elif found:
            found[-1]["steps"].append((name, rest))
        else: # what a builder may be given otherwise: no host, and a release
            check(name == "ARG", "Containerfile: the first instruction is no FROM")
            variable, _, value = rest.partition("=")
            check(re.fullmatch(r"[a-z]+:[\w.-]+", value) and not value.endswith(":latest"), f"Containerfile: {rest!r} names no release")
            values[variable] = value
    return found


def check_run(script):
    done = subprocess.run(["sh", "-n", "-c", script], check=False, stderr=subprocess.PIPE, text=True)
    check(done.returncode == 0, f"Containerfile: {script!r}: {done.stderr}")
    if "apt-get install" in script:
        for needed in ("apt-get update", "-y --no-install-recommends", "rm -rf /var/lib/apt/lists/*"):
            check(needed in script, f"Containerfile: apt-get install without {needed!r} in the same step")
    check("sudo" not in script and "curl" not in script, f"Containerfile: {script!r}")


def check_copy(rest, names):
    source = re.sub(r"--from=\w+ ", "", rest).split()[0]
    match = re.match(r"--from=(\w+) ", rest)
    if match:
        check(match[1] in names, f"Containerfile: no stage is called {match[1]}")
    else:
        check((TOP / source).exists(), f"Containerfile: COPY of {source}, which is not there")


def check_stage(stage, names):
    for name, rest in stage["steps"]:
        if name == "RUN":
            check_run(rest)
        elif name == "COPY":
            check_copy(rest, names)
        elif name in ("ENTRYPOINT", "CMD"):
            check(isinstance(json.loads(rest), list), f"Containerfile: {name} is no list, so a shell would get the signals")


def captures(directory, *restrictions, shell=False):
    """Run the copy in @directory as nobody, live, with what a container runtime gives; the finished process."""
    program = ["sh", "-c", 'exec "$@"', "sh"] if shell else []
    command = ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec setpriv "$@"', "sh", "--reuid=65534", "--regid=65534",
               "--clear-groups", "--inh-caps=-all", *restrictions, *program, directory / "shadowtap", "-i", "lo", "--dry-run",
               "--duration", "300ms"]
    return subprocess.run([str(c) for c in command], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


# what restricts it, whether a shell executes it, and what it says then
PRIVILEGES = [
    (["--bounding-set=-all,+net_raw"], False, "capturing on lo"),
    (["--bounding-set=-all,+net_raw"], True, "capturing on lo"),
    (["--bounding-set=-all,+net_raw", "--no-new-privs"], False, "capturing on lo"),
    (["--bounding-set=-all,+net_raw", "--no-new-privs"], True, 'cannot capture on "lo": permission denied'),
    (["--bounding-set=-all"], False, "Operation not permitted"),
]


def check_privileges(binary, directory):
    directory.chmod(0o755)
    shutil.copy(binary, directory / "shadowtap")
    if not shutil.which("setcap") or subprocess.run(["setcap", "cap_net_raw+ep", directory / "shadowtap"], check=False).returncode:
        raise Skip("the file is in order; setcap does not work here, so its privileges were not tried")
    for restrictions, shell, said in PRIVILEGES:
        done = captures(directory, *restrictions, shell=shell)
        check(said in done.stdout, f"{restrictions}, shell {shell}: {done.stdout[-300:]}")


def containerfile(binary, directory):
    """Two stages, none of them root at the end, and privileges as it says."""
    found = stages((TOP / "packaging/Containerfile").read_text())
    names = [stage["name"] for stage in found if stage["name"]]
    check(len(found) == 2 and len({stage["base"] for stage in found}) == 1, "Containerfile: two stages on one base")
    # the compiler runs where the builder does, and what it makes is for the other one
    check([stage["native"] for stage in found] == [True, False], "Containerfile: what is built where")
    check(("ARG", "TARGETARCH") in found[0]["steps"] and any('debian-build /out "$TARGETARCH"' in rest for _, rest in found[0]["steps"]),
          "Containerfile: the package is not made for the architecture that is asked for")
    for stage in found:
        check_stage(stage, names)
    last = dict(found[-1]["steps"])
    check(re.fullmatch(r"[1-9]\d*:[1-9]\d*", last.get("USER", "")), "Containerfile: it would run as root")
    check(json.loads(last["ENTRYPOINT"]) == ["/usr/bin/shadowtap"], "Containerfile: the entry point")
    if os.geteuid() != 0:
        raise Skip("the file is in order; its privileges are tried as root")
    check_privileges(binary, directory)
