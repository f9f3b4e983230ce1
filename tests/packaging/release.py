"""release.py - what packaging/release makes: files, their sums, a program that runs as it is unpacked, and a changelog

Made for this machine's own architecture, out of the same folders as before.
"""
import pathlib
import re
import shutil
import subprocess

from lab import Skip, check

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
C_LIBRARY = re.compile(r"(libc|libm|ld-linux[-a-z0-9_]*)\.so\.\d+")
ENTRY = """shadowtap (0.2.0-1) bookworm; urgency=medium

  * The sample is 1 % where none is named:
    say -S 100% for all of it.
  * Second.

 -- Nobody <nobody@packages.invalid>  Tue, 01 Dec 2026 12:00:00 +0000
"""


def run(*command, **more):
    return subprocess.run(list(map(str, command)), check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **more)


def must(*command, **more):
    done = run(*command, **more)
    check(done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout[-600:]}")
    return done.stdout


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"no {program}; see tests/packages.txt")


def release(_binary, directory):
    """Package, tarball, changelog; the sums are theirs, and those of what is there of this version for another architecture; the tarball's program runs and wants nothing but the C library."""
    need("dpkg-shlibdeps", "readelf", "git")
    out = directory / "out"
    architecture = must("dpkg", "--print-architecture").strip()
    out.mkdir()
    version = re.search(r"version: '(.*)'", (TOP / "meson.build").read_text())[1]
    top = f"shadowtap-{version}-linux-{architecture}"
    other, older = f"{top}-other.tar.gz", "shadowtap-0.0.1-linux-other.tar.gz"
    for name in (other, older):
        (out / name).write_text("made before\n")
    said = must(TOP / "packaging/release", out, architecture)
    found = {path.name for path in out.iterdir()} - {older}
    packages = {name for name in found if name.endswith(f"_{architecture}.deb")}
    check(len(packages) == 1 and found - packages == {f"{top}.tar.gz", other, "CHANGELOG.md", "SHA256SUMS"}, f"made: {sorted(found)}")
    summed = {line.split()[1] for line in (out / "SHA256SUMS").read_text().splitlines()}
    check(summed == found - {"SHA256SUMS"}, f"sums of {sorted(summed)}")
    must("sha256sum", "--strict", "-c", "SHA256SUMS", cwd=out)
    check("libpcap0.8" in said and re.search(r"glibc, at least 2\.\d+", said), f"it does not say what they need: {said}")

    must("tar", "-xzf", out / f"{top}.tar.gz", "-C", directory)
    program = directory / top / "bin/shadowtap"
    wants = re.findall(r"NEEDED.*\[(.*)\]", must("readelf", "-dW", program))
    check(wants and all(C_LIBRARY.fullmatch(name) for name in wants), f"the program wants {wants}")
    said = must(program, "-r", TOP / "pcaps/demo.pcap", "-t", "sink:", "-x", "max")
    check("default.sent 39 = answered 39 (2xx 39)" in said, f"it did not replay: {said[-300:]}")
    licences = {path.name for path in (directory / top / "share/doc/shadowtap/licenses").iterdir()}
    check({"libssl-dev", "libseccomp-dev"} <= licences, f"licences of {sorted(licences)} only")


def changelog(_binary, directory):
    """The entry for users as it is written, then what git has since the last version, by what it is about."""
    need("dpkg-parsechangelog", "git")
    tree = directory / "tree"
    shutil.copytree(TOP / "packaging", tree / "packaging")
    (tree / "packaging/debian/changelog").write_text(ENTRY)
    git = ["git", "-c", "user.name=nobody", "-c", "user.email=nobody@packages.invalid", "-c", "commit.gpgsign=false", "-C", tree]

    def commit(subject):
        must(*git, "commit", "-q", "--allow-empty", "-m", subject)

    entry = "# shadowtap 0.2.0, 2026-12-01\n\n- The sample is 1 % where none is named:\n  say -S 100% for all of it.\n- Second.\n"
    command = [tree / "packaging/release", "--changelog"]
    check(must(*command) == entry, f"without git: {must(*command)}")
    must(*git, "init", "-q")
    commit("base: before the first")
    check(must(*command) == entry, f"before the first tag: {must(*command)}")
    must(*git, "tag", "v0.1.0")
    for subject in ("replay: b: c", "base, http: two", "Say it once: this", "replay: a"):
        commit(subject)
    since = "\n## All changes since 0.1.0\n\n### base, http\n\n- two\n\n### other\n\n- Say it once: this\n\n### replay\n\n- b: c\n- a\n"
    check(must(*command) == entry + since, must(*command))
    must(*git, "tag", "v0.2.0")
    commit("base: after it")
    check(must(*command) == entry + since, f"after its tag: {must(*command)}")


CASES = [release, changelog]
