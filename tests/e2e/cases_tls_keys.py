"""cases_tls_keys.py - the ways on which secrets come: a file with odd lines, a file that is cut, a pipe, a socket, HAProxy's ring

Each is live but the first: the requests are there before their secrets, and wait.
"""
import os
import re
import socket

from lab import HERE, check, compare, need_program, wait_for
from tls_world import BEHIND, PORT, SHADOW, World, told

DOC = HERE.parent.parent / "docs" / "tls.md"


def rows(world):
    """Lines of the key log."""
    return [line for line in world.keys.read_text().splitlines() if line and line[0] != "#"]


def ask(world, number, count=4):
    """A connection of each version; what was sent."""
    sent = []
    for version in "1.2", "1.3":
        asked = [(f"/v1/models/m:predict?n={number}&of={version}&k={k}", b"x" * 700 * k) for k in range(count)]
        world.curl(asked, f"tls-max = {version}")
        sent += [told(*a) for a in asked]
    return sent


def tls_keys_in_odd_lines(lab):
    """CR, CRLF, upper case, NUL bytes, a line of 1 MB, lines cut off and of no known kind: what is whole is used."""
    world = World(lab)
    world.record()
    sent = ask(world, 0)
    path, lines, odd = world.finish_recording(), rows(world), lab.directory / "odd.log"
    junk = ["", "# a comment", "\0\0\0", "x" * (1 << 20), lines[0][:90], lines[1] + "0",
            "OF_NO_KIND " + lines[2].split(" ", 1)[1], "CLIENT_RANDOM"]
    mixed = [x for i, line in enumerate(lines) for x in (junk[i % len(junk)], line)] + junk
    for name, end, change in (("LF", "\n", str), ("CRLF", "\r\n", str), ("CR", "\r", str),
                              ("upper case", "\n", lambda line: re.sub(r" .*", lambda m: m[0].upper(), line))):
        odd.write_text(end.join(change(line) for line in mixed), newline="")
        odd.chmod(0o600)
        _, report = world.read(path, keys=odd)
        compare(world.arrived(), sent)
        check(report["tls"]["read"] == 2, f"{name}: {report['tls']}")


def live(world, source):
    return world.lab.live_tap(world.ns, "-i", "lo", "-p", PORT, "--keylog", source, "--keylog-wait", "5m", "-Z", "root", "-t",
                              f"http://127.0.0.1:{SHADOW}", "-m", "10s")


def expect(world, sent):
    wait_for("all requests", lambda: len(world.shadow.entries("request")) >= len(sent))
    compare(world.shadow.requests(), sent)


def tls_keys_by_pipe(lab):
    """A named pipe: its writer dies within a line, and another one goes on."""
    world, pipe = World(lab), lab.directory / "keys.fifo"
    os.mkfifo(pipe, 0o600)
    tap, sent = live(world, pipe), []
    for number in range(3):
        sent += ask(world, number)
        lines = rows(world)
        with open(pipe, "w", encoding="ascii") as writer:
            writer.write("\n".join(["# begins", *lines, lines[0][:100]]))
        expect(world, sent)
    check(tap.stop()["tls"]["read"] == 6, "connections")


def tls_keys_by_socket(lab):
    """unix:PATH: two writers, one of them slow; the socket is nobody else's, and the next run's is in its place."""
    world, path, sent = World(lab), lab.directory / "keys.sock", []
    for number in range(2):
        tap = live(world, f"unix:{path}")
        check(path.stat().st_mode & 0o777 == 0o600, f"mode {path.stat().st_mode:o}")
        before = len(rows(world))
        sent += ask(world, number)
        lines = rows(world)[before:]
        with socket.socket(socket.AF_UNIX) as slow, socket.socket(socket.AF_UNIX) as writer:
            slow.connect(str(path))
            slow.sendall(lines[0][:50].encode())
            writer.connect(str(path))
            writer.sendall("".join(line + "\n" for line in lines[len(lines) // 2:]).encode())
            slow.sendall((lines[0][50:] + "\n" + "".join(line + "\n" for line in lines[1:len(lines) // 2])).encode())
        expect(world, sent)
        check(tap.stop()["tls"]["read"] == 2, "connections")


def tls_keys_in_a_file_that_is_cut(lab):
    """As by logrotate's copytruncate: what is written from the start again is read."""
    world, path = World(lab), lab.directory / "followed.log"
    path.touch(0o600)
    tap, sent, before = live(world, path), [], 0
    for number in range(2):
        sent += ask(world, number)
        lines = rows(world)[before:]
        before += len(lines)
        head = "# long before it is cut\n" * 5000 if number == 0 else ""
        path.write_text(head + "".join(line + "\n" for line in lines))
        expect(world, sent)
    check(tap.stop()["tls"]["read"] == 4, "connections")


def of_ring(path, text):
    """Lines of HAProxy's ring so far, by its socket."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(path))
        s.sendall(text.encode())
        return b"".join(iter(lambda: s.recv(65536), b"")).decode()


def tls_keys_of_haproxy(lab):
    """docs/tls.md's configuration, as it stands there: the lines of its ring open both versions."""
    need_program("haproxy")
    world = World(lab)
    (lab.directory / "both.pem").write_text((lab.directory / "good.pem").read_text() + (lab.directory / "good.key").read_text())
    block = re.search(r"^    global\n(?:    .*\n)+", DOC.read_text(), re.MULTILINE)[0]
    text = re.sub("^    ", "", block, flags=re.MULTILINE)
    for old, new in (("/run/haproxy/admin.sock", str(lab.directory / "admin.sock")), (":8443", "127.0.0.1:9447"),
                     ("/etc/haproxy/models.pem", "both.pem")):
        check(old in text, f"docs/tls.md has no {old} for HAProxy")
        text = text.replace(old, new)
    times = "".join(f"    timeout {what} 10s\n" for what in ("client", "server", "connect"))
    (lab.directory / "haproxy.cfg").write_text(f"defaults\n    mode http\n{times}"
                                               f"{text}    default_backend production\n"
                                               f"backend production\n    server a 127.0.0.1:{BEHIND}\n")
    server = lab.start(world.ns, "haproxy", "-db", "-f", "haproxy.cfg", label="haproxy")
    lab.wait_listening(world.ns, 9447, server)
    world.record(9447)
    sent = []
    for version in "1.2", "1.3":
        asked = [(f"/v1/models/m:predict?of={version}&k={k}", b"x" * 700 * k) for k in range(4)]
        world.curl(asked, f"tls-max = {version}", url="https://127.0.0.1:9447")
        sent += [told(*a) for a in asked]
    path, ring = world.finish_recording(), lab.directory / "ring.log"
    ring.write_text(of_ring(lab.directory / "admin.sock", "show events keylog\n"))
    ring.chmod(0o600)
    _, report = world.read(path, keys=ring, port=9447)
    compare(world.arrived(), sent)
    check(report["tls"]["read"] == report["tls"]["seen"] == 2, f"{report['tls']}")


CASES = [tls_keys_in_odd_lines, tls_keys_by_pipe, tls_keys_by_socket, tls_keys_in_a_file_that_is_cut, tls_keys_of_haproxy]
