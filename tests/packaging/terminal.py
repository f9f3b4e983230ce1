"""terminal.py - real shells at a real terminal, and the tabulator key

The script comes from the program under test; a shell without its user's files
loads it, we type, and look at what stands on the line then. fish needs no terminal
for that: it prints what it would offer.
"""
import os
import pty
import re
import select
import shutil
import subprocess
import time

from lab import Skip, check

# what is typed, and what must stand on the line after a tab; several candidates may be listed instead, as zsh does
TYPED = [
    ("shadowtap --sam", r"shadowtap --sample|--sample-by  -- "),
    ("shadowtap --dry", "shadowtap --dry-run"),
    ("shadowtap --sample-by conn", "shadowtap --sample-by connection"),
    ("shadowtap --preset tor", "shadowtap --preset torchserve"),
    ("shadowtap --preset=mlf", "shadowtap --preset=mlflow"),
    ("shadowtap --host-header suf", "shadowtap --host-header suffix"),
    ("shadowtap -r mon", r"shadowtap -r monday\.pcap"),
    ("shadowtap doc", "shadowtap doctor"),
    ("shadowtap --interface l", "shadowtap --interface lo"),
    ("shadowtap help do", "shadowtap help doctor"),
    ("shadowtap report mon", r"shadowtap report monday\.pcap"),
]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r|\x07")


class Terminal:
    """A program at a pseudo-terminal."""

    def __init__(self, command, directory, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execvpe(command[0], command, env)

    def type(self, text):
        os.write(self.fd, text.encode())

    def read_until(self, pattern, seconds=20.0):
        """What came until @pattern was seen, or until the bound."""
        text, end = "", time.monotonic() + seconds
        while time.monotonic() < end and not re.search(pattern, ESCAPES.sub("", text)):
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    text += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:
                    break
        return ESCAPES.sub("", text)

    def close(self):
        os.close(self.fd)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


def try_all(shell, command, load, binary, directory):
    if not shutil.which(shell):
        raise Skip(f"no {shell}; see tests/packages.txt")
    (directory / "monday.pcap").touch()
    (directory / "shadowtap").symlink_to(binary)
    script = subprocess.run([binary, "--completion", shell], check=True, stdout=subprocess.PIPE, text=True).stdout
    (directory / "_shadowtap").write_text(script)
    env = {"PATH": f"{directory}:{os.environ['PATH']}", "TERM": "xterm", "HOME": str(directory), "LC_ALL": "C.UTF-8",
           "COLUMNS": "160", "PS1": "% ", "INPUTRC": "/dev/null"}
    terminal = Terminal(command, directory, env)
    try:
        terminal.type(load + "; echo load''ed\n")
        loaded = terminal.read_until(r"\nloaded\n")
        check("loaded\n" in loaded, f"{shell} does not take the script: {loaded[-300:]!r}")
        for typed, wanted in TYPED:
            # the line is thrown away by a comment sign in front, and a mark behind says that it was read
            terminal.type(f"{typed}\t")
            seen = terminal.read_until(wanted)
            check(re.search(wanted, seen), f"{shell}: {typed!r} and a tab gave {seen[-200:]!r}")
            terminal.type("\x15echo the''end\n")
            terminal.read_until(r"theend\n")
    finally:
        terminal.close()


def bash(binary, directory):
    """bash, with nothing but the script."""
    load = "bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; . ./_shadowtap"
    try_all("bash", ["bash", "--norc", "--noprofile", "-i"], load, binary, directory)


def zsh(binary, directory):
    """zsh, with the script in its path of functions."""
    load = "unset zle_bracketed_paste; PS1='% '; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; unsetopt auto_menu"
    try_all("zsh", ["zsh", "-f", "-i"], load, binary, directory)


# what stands on the line, and all that fish offers for its last word
OFFERED = [
    ("shadowtap --sam", {"--sample", "--sample-by"}),
    ("shadowtap --sample-by conn", {"connection"}),
    ("shadowtap --preset tor", {"torchserve"}),
    ("shadowtap --preset=mlf", {"--preset=mlflow"}),
    ("shadowtap -r mon", {"monday.pcap"}),
    ("shadowtap doc", {"doctor"}),
    ("shadowtap help do", {"doctor"}),
    ("shadowtap help --sam", set()),
    ("shadowtap doctor --interface l", {"lo"}),
    ("shadowtap --completion ", {"bash", "zsh", "fish"}),
    ("shadowtap --port mon", set()),
    ("shadowtap mon", set()),
    ("shadowtap --user roo", {"root"}),
    ("shadowtap report mon", {"monday.pcap"}),
    ("shadowtap report --again", {"--against"}),
    ("shadowtap report --sam", set()),
    ("shadowtap plan --report mon", {"monday.pcap"}),
    ("shadowtap plan --rate mon", set()),
    ("shadowtap --title report --sam", {"--sample", "--sample-by"}),
]


def fish(binary, directory):
    """fish, with nothing but the script."""
    if not shutil.which("fish"):
        raise Skip("no fish; see tests/packages.txt")
    (directory / "monday.pcap").touch()
    (directory / "shadowtap").symlink_to(binary)
    script = subprocess.run([binary, "--completion", "fish"], check=True, stdout=subprocess.PIPE, text=True).stdout
    (directory / "shadowtap.fish").write_text(script)
    env = {"PATH": f"{directory}:{os.environ['PATH']}", "HOME": str(directory), "LC_ALL": "C.UTF-8"}

    def run_fish(*arguments):
        done = subprocess.run(["fish", "--no-config", *arguments], check=False, cwd=directory, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        check(done.returncode == 0, f"fish {arguments[0]} ended with {done.returncode}: {done.stdout[-300:]!r}")
        return done.stdout

    check(run_fish("--no-execute", "shadowtap.fish") == "", "fish does not like the script")
    for typed, wanted in OFFERED:
        lines = run_fish("-c", f"source shadowtap.fish; complete -C '{typed}'").splitlines()
        seen = {line.split("\t")[0] for line in lines}
        check(seen == wanted, f"fish: {typed!r} offers {sorted(seen)}, not {sorted(wanted)}")


bash.title, zsh.title, fish.title = "completion-bash", "completion-zsh", "completion-fish"
