"""setting_up.py - packaging/setup.sh: which packages it takes, what it says without sudo, and whose the build is

The package tools are stand-ins that a table of packages answers for, so each
distribution's archive can be tried on any machine, and nothing is installed.
"""
import os
import pathlib
import shutil
import subprocess

from lab import Skip, check

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
NOBODY = 65534

TOOLS = {
    # dpkg-query -W -f FORMAT PACKAGE; a line of the table is a package, and its architecture if that is another
    "dpkg-query": 'found=$(sed -n "s/^$4$/& amd64/p; /^$4 /p" "$TABLE/installed"); [ -n "$found" ] && echo "install ok installed ${found#* }"',
    "dpkg": "echo amd64",
    # apt-cache policy PACKAGE, or show PACKAGE
    "apt-cache": '[ "$1" = policy ] || { grep -qx "$2" "$TABLE/offered" || exit 100; printf "Package: %s\\n" "$2"; '
                 'case $2 in libllhttp-dev) ;; *) echo "Multi-Arch: same" ;; esac; exit; }; '
                 'if grep -qx "$2" "$TABLE/offered"; then printf "%s:\\n  Candidate: 1.0\\n" "$2";'
                 ' else printf "%s:\\n  Candidate: (none)\\n" "$2"; fi',
    # apt-get ...: what is asked is written down
    "apt-get": 'echo "$*" >>"$TABLE/asked"',
    "uname": 'cat "$TABLE/system"',
    "id": 'if [ "$1" = -u ] && [ $# = 1 ]; then cat "$TABLE/uid"; else exec /usr/bin/id "$@"; fi',
}


class Machine:
    """A folder of stand-ins: PATH is it and the few real programs that setup.sh uses."""

    def __init__(self, directory, installed=(), offered=(), uid=0, without=(), system="Linux", release=("ID=debian",)):
        self.path, self.table = directory / "bin", directory / "table"
        self.path.mkdir()
        self.table.mkdir()
        for name in ("sh", "sed", "grep", "cat", "tr", "mktemp", "rm", "tail", "env", "stat", "cut", "find", "printf"):
            self.path.joinpath(name).symlink_to(shutil.which(name))
        for name, text in TOOLS.items():
            if name not in without:
                self.path.joinpath(name).write_text(f"#!/bin/sh\n{text}\n")
                self.path.joinpath(name).chmod(0o755)
        for name, lines in (("installed", installed), ("offered", offered), ("asked", []), ("uid", [uid]), ("system", [system]),
                            ("release", release)):
            self.table.joinpath(name).write_text("".join(f"{line}\n" for line in lines))

    def set_up(self, lists, function="setup_packages"):
        script = f'set -eu; . "{TOP}/packaging/setup.sh"; {function} "$@"'
        return subprocess.run([self.path / "sh", "-c", script, "sh", *lists], env={"PATH": str(self.path), "TABLE": str(self.table), "OS_RELEASE": str(self.table / "release")},
                              cwd=TOP, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def asked(self):
        return self.table.joinpath("asked").read_text().splitlines()


def alternatives(_binary, directory):
    """The first of "A | B" that the archive has, and none of "A | -" if it has not; one that is installed is not asked for again; nothing missing, nothing done."""
    wanted = directory / "list"
    wanted.write_text("# a comment\ngcc\nlibllhttp-dev | node-llhttp # one of them\n\n")
    for name, installed, offered, expected in (
        ("Debian 13", ["gcc"], ["gcc", "libllhttp-dev", "node-llhttp"], "libllhttp-dev"),
        ("Debian 12", ["gcc"], ["gcc", "node-llhttp"], "node-llhttp"),
        ("Debian 12, all there", ["gcc", "node-llhttp"], ["gcc", "node-llhttp"], None),
        ("Debian 13, all there", ["gcc", "libllhttp-dev"], ["gcc", "libllhttp-dev", "node-llhttp"], None),
        ("Debian 13, that of another architecture is there", ["gcc", "libllhttp-dev arm64"], ["gcc", "libllhttp-dev", "node-llhttp"], "libllhttp-dev"),
        ("Debian 12, that for all is there", ["gcc", "node-llhttp all"], ["gcc", "node-llhttp"], None),
        ("Debian 13, the other one is there", ["gcc", "node-llhttp"], ["gcc", "libllhttp-dev", "node-llhttp"], "libllhttp-dev"),
    ):
        place = directory / name.replace(" ", "-")
        place.mkdir()
        machine = Machine(place, installed, offered)
        done = machine.set_up([wanted])
        check(done.returncode == 0, f"{name}: exit {done.returncode}: {done.stderr}")
        installs = [line for line in machine.asked() if line.startswith("install")]
        check(not installs if expected is None else len(installs) == 1 and installs[0].split()[-1] == expected, f"{name}: {installs}")
        check(("a minute" in done.stderr) == (expected is not None), f"{name}: {done.stderr!r}")


def for_one_architecture(_binary, directory):
    """Which libraries one architecture takes from another is asked of the archive; what it has not, and tools, are none."""
    wanted = directory / "list"
    wanted.write_text("gcc\nlibpcap-dev\nlibllhttp-dev | node-llhttp\nlibgone-dev\n")
    for name, offered, expected in (("Debian 13", ["gcc", "libpcap-dev", "libllhttp-dev", "node-llhttp"], ["libllhttp-dev"]),
                                    ("Debian 12", ["gcc", "libpcap-dev", "node-llhttp"], [])):
        place = directory / name.replace(" ", "-")
        place.mkdir()
        done = Machine(place, [], offered).set_up([wanted], "setup_alone")
        check(done.returncode == 0 and done.stdout.split() == expected, f"{name}: {done.stdout} {done.stderr}")


def no_sudo(_binary, directory):
    """An ordinary user without sudo gets a line to paste; a machine without apt is told what is needed."""
    wanted = directory / "list"
    wanted.write_text("gcc\nmeson\n")
    for name, without, words in (("apt", (), ["su -c 'apt-get update && apt-get install -y --no-install-recommends gcc meson'"]),
                                 ("no-apt", ("apt-get", "apt-cache", "dpkg-query"), ["with apt-get", "gcc meson", "meson setup build"])):
        place = directory / name
        place.mkdir()
        machine = Machine(place, uid=1000, offered=["gcc", "meson"], without=without)
        done = machine.set_up([wanted])
        check(done.returncode != 0, f"{name}: it went on")
        for word in words:
            check(word in done.stderr, f"{name}: no {word!r} in {done.stderr!r}")
        check(not machine.asked(), f"{name}: {machine.asked()}")


def elsewhere(_binary, directory):
    """Another distribution is told its own names, its relatives too; what is not Linux, that it is not; the documents have the names."""
    wanted = directory / "list"
    wanted.write_text("gcc\nlibpcap-dev\n")
    without = ("apt-get", "apt-cache", "dpkg-query")
    for name, system, release, words in (
        ("Fedora", "Linux", ['NAME="Fedora Linux"', "ID=fedora"], ["dnf install gcc meson ninja-build", "llhttp-devel", "meson setup build"]),
        ("Rocky", "Linux", ['ID="rocky"', 'ID_LIKE="rhel centos fedora"'], ["dnf install gcc", "libpcap-devel"]),
        ("Alpine", "Linux", ["ID=alpine"], ["apk add gcc musl-dev", "nghttp2-dev"]),
        ("Arch", "Linux", ["ID=arch"], ["pacman -S --needed gcc", " libnghttp2 "]),
        ("Gentoo", "Linux", ["ID=gentoo"], ["gcc libpcap-dev", "docs/install.md"]),
        ("a name with signs", "Linux", ["ID=.*"], ["gcc libpcap-dev"]),
        ("macOS", "Darwin", [], ["this is Darwin", "virtual machine with Linux"]),
    ):
        place = directory / name.replace(" ", "-")
        place.mkdir()
        machine = Machine(place, without=without, system=system, release=release)
        done = machine.set_up([wanted])
        check(done.returncode != 0 and not machine.asked(), f"{name}: it went on")
        for word in words:
            check(word in done.stderr, f"{name}: no {word!r} in {done.stderr!r}")
        check("meson" in done.stderr or system != "Linux", f"{name}: it was not said how to build: {done.stderr!r}")
    page = (TOP / "docs/install.md").read_text()
    for line in (TOP / "packaging/packages-elsewhere.txt").read_text().splitlines():
        if not line.startswith("#"):
            _, command, packages = line.split(" | ")
            check(f"`{command}" in page, f"docs/install.md has no {command}")
            for package in packages.split():
                check(f"`{package}`" in page, f"docs/install.md has no {package}, which {command} is told")


def under_sudo(_binary, directory):
    """With sudo the caller builds: nothing in build/ is root's, what an earlier run left there neither; a stranger's tree is left."""
    if os.geteuid() != 0:
        raise Skip("being root and becoming somebody else takes root")
    for owner, expected in ((NOBODY, NOBODY), (0, 0)):
        tree = directory / f"tree-{owner}"
        tree.mkdir()
        (tree / "meson.build").write_text("project('x', 'c')\nexecutable('x', 'x.c')\n")
        (tree / "x.c").write_text("int main(void) { return 0; }\n")
        os.chown(tree, owner, owner)
        for path in (directory, tree):
            path.chmod(0o755)
        (tree / "build").mkdir()
        (tree / "build" / "left").write_text("")
        script = f'set -eu; . "{TOP}/packaging/setup.sh"; setup_build build'
        env = {**os.environ, "SUDO_USER": "nobody", "SUDO_UID": str(NOBODY), "SUDO_GID": str(NOBODY), "CCACHE_DISABLE": "1"}
        done = subprocess.run(["sh", "-c", script], cwd=tree, env=env, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        check(done.returncode == 0, f"exit {done.returncode}: {done.stderr[-300:]}")
        check((tree / "build/x").exists(), "nothing was built")
        owners = {path.lstat().st_uid for path in (tree / "build").rglob("*")} | {(tree / "build").stat().st_uid}
        check(owners == {expected}, f"the tree is {owner}'s, and build/ belongs to {owners}")


CASES = [alternatives, for_one_architecture, no_sudo, elsewhere, under_sudo]
