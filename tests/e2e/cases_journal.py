"""cases_journal.py - where standard error is the journal, lines arrive there with priority and fields, and nothing is lost

The journal is a datagram socket of ours under a /run of the program's own.
"""
import os
import socket
import struct
import subprocess
import threading

from lab import check

# /run is another one for the program alone; $1 holds the socket
HOUSE = "mount -t tmpfs none /run && mkdir -p /run/systemd && ln -s \"$1\" /run/systemd/journal && shift && exec \"$@\""


def entry(datagram):
    """The fields of one entry in journald's native protocol."""
    fields = {}
    while datagram:
        line, datagram = datagram.split(b"\n", 1)
        key, separator, value = line.partition(b"=")
        if not separator:
            size = struct.unpack("<Q", datagram[:8])[0]
            value, datagram = datagram[8:8 + size], datagram[8 + size + 1:]
        check(key.decode() not in fields, f"{key} twice")
        fields[key.decode()] = value.decode()
    return fields


def run(lab, directory, stream, *args):
    """The program with standard error in a file that is, or is not, said to be the journal; (status, what the file has)."""
    path = lab.directory / "err"
    with open(path, "wb") as err:
        status = os.fstat(err.fileno())
        environment = {**os.environ, "JOURNAL_STREAM": stream or f"{status.st_dev}:{status.st_ino}"}
        done = subprocess.run(["unshare", "-m", "sh", "-c", HOUSE, "sh", str(directory), lab.binary, *map(str, args)], check=False,
                              cwd=lab.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, env=environment,
                              timeout=60)
    return done.returncode, path.read_text()


def journal(lab):
    """Program lines, failures and errors, as entries; and on standard error where there is no journal, or it is not meant."""
    directory = lab.directory / "j"
    directory.mkdir()
    failing = ["-r", lab.pcap("demo"), "-x", "max", "-c", "3", "-t", "http://127.0.0.1:1", "--explain"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(directory / "socket"))
        os.chmod(directory / "socket", 0o666)
        listener.settimeout(0.05)
        found, ended = [], threading.Event()

        def listen():
            while True:
                try:
                    found.append(entry(listener.recv(1 << 18)))
                except TimeoutError:
                    if ended.is_set():
                        return

        def entries(*args):
            """(exit status, standard error, entries) of one run"""
            found.clear()
            ended.clear()
            listening = threading.Thread(target=listen)
            listening.start()
            try:
                return (*run(lab, directory, *args), found)
            finally:
                ended.set()
                listening.join()

        status, told, _ = entries(None, *failing)
        check(status == 0, f"exit {status}: {told}")
        check(len(found) > 3, f"{len(found)} entries in the journal; on standard error: {told[:300]!r}")
        check(all(e["SYSLOG_IDENTIFIER"] == "shadowtap" and e["MESSAGE"] and "\n" not in e["MESSAGE"] for e in found), f"{found}")
        check(not any(e["MESSAGE"].startswith("shadowtap: ") for e in found), "the name of the program in messages")
        failures = [e for e in found if e.get("SHADOWTAP_EVENT") == "shadow_fail"]
        for e in failures:
            check(e["PRIORITY"] == "4" and e["SHADOWTAP_REASON"] == "connect" and e["SHADOWTAP_TARGET"] == "http://127.0.0.1:1"
                  and len(e["SHADOWTAP_REQUEST_ID"]) == 16 and "SHADOWTAP_STATUS_CODE" not in e, f"{e}")
        # What came faster than the listener reads is on standard error: each line once, none lost.
        lines = [e["MESSAGE"] for e in found] + told.splitlines()
        for word, count in (('"shadow_fail"', 3), ("bytes: chosen", 3), ("default: failed: connect", 3), ("requests.complete", 1)):
            check(sum(word in line for line in lines) == count, f"{word}: not {count} of them in {lines}")
        check(found[0]["PRIORITY"] == "6" and found[0]["MESSAGE"].startswith("reading "), f"{found[0]}")
        status, told, _ = entries(None, "-r", lab.pcap("demo"), "-x", "max", "-c", "1", "-t", "http://127.0.0.1:1")
        failures = [e for e in found if e.get("SHADOWTAP_EVENT") == "shadow_fail"]
        check(status == 0 and not told and len(failures) == 1, f"so few lines fit: exit {status}, {told!r}, {found}")
        status, told, _ = entries(None, "-r", "nosuch", "-t", "sink:")
        check(status == 1 and not told and len(found) == 1 and found[0]["PRIORITY"] == "3" and "nosuch" in found[0]["MESSAGE"],
              f"exit {status}, {told!r}, {found}")
        status, told, _ = entries("1:2", *failing)
        check(status == 0 and not found and told.count("shadow_fail") == 3, f"standard error is no journal: exit {status}: {told[:300]!r}")
    status, told = run(lab, directory, None, *failing)
    check(status == 0 and told.count("shadow_fail") == 3, f"nobody listens: exit {status}: {told[:300]!r}")


CASES = [journal]
