"""cases_screen.py - what a person sees on a terminal: one line, redrawn, that fits; and what a file gets instead"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from lab import Failed, check

CLEAR = "\r\x1b[K"


class Terminal:
    """The program in a pseudo terminal of this width."""

    def __init__(self, lab, columns, *args, term="xterm"):
        self.fd, theirs = pty.openpty()
        self.resize(columns)
        env = {**os.environ, "TERM": term}
        self.process = subprocess.Popen([lab.binary, *map(str, args)], cwd=lab.directory, env=env, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=theirs, start_new_session=True)
        os.close(theirs)
        self.text = ""

    def resize(self, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read_until(self, condition, seconds=30):
        """Read until @condition(text) or the end; True if it was the condition."""
        end = time.monotonic() + seconds
        while not condition(self.text):
            if time.monotonic() > end:
                self.process.kill()
                raise Failed(f"waited {seconds} s at a terminal that shows {self.text[-300:]!r}")
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    self.text += os.read(self.fd, 65536).decode()
                except OSError:  # EIO: the other end is closed
                    return False
        return True

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.read_until(lambda _: False)
        check(self.process.wait(30) == 0, f"exit {self.process.returncode}: {self.text[-300:]!r}")
        os.close(self.fd)

    def drawn(self):
        """The states of the line: what stands between a clearing and the next, if it is no finished line."""
        return [part for part in self.text.split(CLEAR) if part and not part.endswith("\n")]

    def lines(self):
        """Finished lines, as they stand on the screen: what was drawn before them and cleared is gone."""
        return [line.rpartition(CLEAR)[2] for line in self.text.replace("\r\n", "\n").split("\n")]


def paced(lab, *args):
    return ("-r", lab.pcap("demo"), "-x", "0.2", *args)


def screen_redraws(lab):
    """A recording: a bar with the time left that fits the width, at each width, and failures on lines of their own."""
    terminal = Terminal(lab, 100, *paced(lab, "-t", "http://127.0.0.1:9", "-m", "1s"))
    terminal.read_until(lambda text: text.count("shadow_fail") >= 2 and "left" in text)
    wide = terminal.drawn()
    check(any(re.match(r"\[=*> *\] +\d+%  .*left .* sent/s .* failed", line) for line in wide), f"no bar: {wide[-3:]}")
    terminal.resize(30)
    seen = len(terminal.text)
    terminal.read_until(lambda text: text[seen:].count(CLEAR) >= 4)
    narrow = [part for part in terminal.text[seen:].split(CLEAR)[2:] if part and not part.endswith("\n")]
    check(narrow and all(len(line) < 30 for line in narrow), f"at 30 columns: {narrow}")
    check("failed" in narrow[-1], f"failures at 30 columns: {narrow[-1]!r}")
    terminal.end()
    check(all(len(line) < 100 for line in wide), "a line is as wide as the terminal")
    for line in terminal.lines():
        check(("shadow_fail" in line) == line.startswith("shadowtap: WARNING "), f"a failure stands behind the status: {line[:120]!r}")
    check(any(line.startswith("packets.received") for line in terminal.lines()), "the totals")
    check("%" not in terminal.lines()[-2], f"the status is left behind: {terminal.lines()[-2:]}")


def screen_plain(lab):
    """No redrawn line with -q, on a dumb terminal, or in a file; there --stats-every gives plain lines."""
    quiet = Terminal(lab, 80, *paced(lab, "-t", "sink:", "-q", "--duration", "600ms"))
    quiet.read_until(lambda _: False)
    check(quiet.process.wait(30) == 0 and "sent" not in re.sub("nothing was sent", "", quiet.text) and CLEAR not in quiet.text, f"-q shows {quiet.text!r}")
    os.close(quiet.fd)
    dumb = Terminal(lab, 80, *paced(lab, "-t", "sink:", "--duration", "600ms"), term="dumb")
    dumb.read_until(lambda _: False)
    check(dumb.process.wait(30) == 0 and "\r\x1b" not in dumb.text and "sent/s" not in dumb.text, f"dumb: {dumb.text!r}")
    os.close(dumb.fd)
    done = subprocess.run([lab.binary, *map(str, paced(lab, "-t", "sink:", "--duration", "1s", "--stats-every", "200ms"))],
                          check=True, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    plain = [line for line in done.stderr.splitlines() if "sent/s" in line]
    check(len(plain) >= 3 and all(re.fullmatch(r"shadowtap: \d+%  (\w+ left  )?\d+ sent/s  .*\d+ failed", line) for line in plain),
          f"plain lines: {plain}")
    check("\x1b" not in done.stderr and "\r" not in done.stderr, "a file gets no control characters")


CASES = [screen_redraws, screen_plain]
