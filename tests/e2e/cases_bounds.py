"""cases_bounds.py - --max-memory, measured: the peak of the process's memory under loads that would take more

Captures are made while they are read (`-r -`), so that gigabytes of them never
touch a disk. The peak is what the kernel says of the ended process, all threads
and the C library included. The bound is --max-memory and 32 MiB for everything
that does not grow.
"""
import json
import os
import struct
import subprocess
import threading

from lab import check

MIB = 1 << 20
BESIDE = 32 * MIB
SERVER = 8000
TIME = 1_700_000_000


def header():
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101)  # raw IP


def packets(client, port, seq, ack, flags, payload=b"", count=1):
    """one segment of a client as a pcap record"""
    total = 40 + len(payload)
    return (struct.pack("<IIII", TIME, 0, total, total) +
            struct.pack(">BBHHHBBHIIHHIIBBHHH", 0x45, 0, total, 1, 0, 64, 6, 0, client, 0x0A000002,
                        port, SERVER, seq, ack, 0x50, flags, 65535, 0, 0) + payload)


SYN, ACK = 0x02, 0x10


def half_open(connections=1_000_000):
    """a flood of SYNs around one real connection, which is to be followed from its begin to its end"""
    real = bytearray()
    seq, sent = 1, 0
    yield header() + packets(0x0A000001, 50000, 0, 0, SYN) + packets(0x0A000001, 50000, 1, 1, ACK)
    for n in range(connections):
        real += packets(0x0B000000 + (n >> 12), 1024 + (n & 0xFFF), n * 2654435761 & 0xFFFFFFFF, 0, SYN)
        if n % 10000 == 9999:
            body = b"x" * 700
            request = b"POST /real HTTP/1.1\r\nContent-Length: 1400\r\n\r\n" + body
            # half of the request now and half after the next ten thousand
            real += packets(0x0A000001, 50000, seq, 1, ACK, request if sent % 2 == 0 else body)
            seq += len(request if sent % 2 == 0 else body)
            sent += 1
            yield bytes(real)
            real.clear()


def bodies(connections=1000, body=8 * MIB, held=MIB // 2, block=32 << 10):
    """connections that promise a body and send the first @held bytes of it, in turns"""
    head = b"POST /big HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % body
    for n in range(connections):
        client = 0x0B000000 + n
        yield ((header() if n == 0 else b"") + packets(client, 40000, 0, 0, SYN) +
               packets(client, 40000, 1, 1, ACK, head))
    filler = b"b" * block
    for at in range(0, held, block):
        for n in range(connections):
            yield packets(0x0B000000 + n, 40000, 1 + len(head) + at, 1, ACK, filler)


def whole(connections=400, body=2 * MIB, block=32 << 10):
    """connections that each send one large request"""
    head = b"POST /big HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % body
    for n in range(connections):
        client = 0x0B000000 + n
        out = [header() if n == 0 else b"", packets(client, 40000, 0, 0, SYN), packets(client, 40000, 1, 1, ACK, head)]
        for at in range(0, body, block):
            out.append(packets(client, 40000, 1 + len(head) + at, 1, ACK, b"b" * min(block, body - at)))
        yield b"".join(out)


def small(connections=30, requests=1000):
    """many requests with heads and bodies of all small sizes"""
    for n in range(connections):
        client, seq = 0x0B000000 + n, 1
        out = [header() if n == 0 else b"", packets(client, 40000, 0, 0, SYN)]
        for i in range(requests):
            body = b"s" * (i * 37 % 9000)
            data = b"POST /s HTTP/1.1\r\nX-Request-Id: %s\r\nContent-Length: %d\r\n\r\n" % (b"i" * (i % 60), len(body)) + body
            out.append(packets(client, 40000, seq, 1 + i, ACK, data))
            seq += len(data)
        yield b"".join(out)


def server_packets(client, port, seq, ack, flags, payload=b""):
    """one segment of the server as a pcap record"""
    total = 40 + len(payload)
    return (struct.pack("<IIII", TIME, 0, total, total) +
            struct.pack(">BBHHHBBHIIHHIIBBHHH", 0x45, 0, total, 1, 0, 64, 6, 0, 0x0A000002, client,
                        SERVER, port, seq, ack, 0x50, flags, 65535, 0, 0) + payload)


def answered(kind, piece, size, tail, first=b"", connections=2, block=32 << 10):
    """small requests, each with a response of many small things; made while it is read: the peak of a process begins with
    that of the one which starts it"""
    request = b"POST /big HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
    pieces = block // len(piece)
    blocks = size // block
    some = piece * pieces
    length = len(first) + blocks * len(some) + len(tail)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, length) + first
    for n in range(connections):
        client, ack = 0x0B000000 + n, 1 + len(request)
        yield ((header() if n == 0 else b"") + packets(client, 40000, 0, 0, SYN) + server_packets(client, 40000, 0, 1, SYN | ACK) +
               packets(client, 40000, 1, 1, ACK, request) + server_packets(client, 40000, 1, ack, ACK, head))
        for i in range(blocks):
            yield server_packets(client, 40000, 1 + len(head) + i * len(some), ack, ACK, some)
        yield server_packets(client, 40000, 1 + len(head) + blocks * len(some), ack, ACK, tail)


class Measured:
    """a run that reads @records from a pipe, and what the kernel says of it"""

    def __init__(self, lab, memory, records, *args, namespace=None):
        label = lab.label("bounded")
        command = [lab.binary, "-r", "-", "-p", str(SERVER), *args, "--report", f"{label}.json"]
        command += ["--max-memory", memory] if memory else []
        if namespace:
            command = lab.inside(namespace, command)  # which becomes the program: it is the one that is measured
        with open(lab.directory / f"{label}.err", "wb") as err:
            child = subprocess.Popen(command, cwd=lab.directory, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                     stderr=err)
        writer = threading.Thread(target=self.write, args=(child.stdin, records))
        writer.start()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        writer.join()
        self.error = (lab.directory / f"{label}.err").read_text(errors="replace")
        check(child.returncode == 0, f"exit {child.returncode}: {self.error[-300:]!r}")
        self.peak = usage.ru_maxrss * 1024
        self.report = json.loads((lab.directory / f"{label}.json").read_text())

    @staticmethod
    def write(pipe, records):
        try:
            for some in records:
                pipe.write(some)
            pipe.close()
        except BrokenPipeError:
            pass


def bounded(lab, memory, records, *args, namespace=None):
    """run, and fail if the peak was beyond the bound"""
    run = Measured(lab, memory, records, *args, namespace=namespace)
    limit = int(memory[:-1]) * MIB if memory else 256 * MIB
    check(run.peak <= limit + BESIDE,
          f"peak {run.peak / MIB:.1f} MiB with --max-memory {limit // MIB}M: {run.error[-200:]!r}")
    if os.environ.get("SHOW_PEAK"):
        print(f"   {limit // MIB}M: peak {run.peak / MIB:.1f} MiB", args[:3])
    return run.report


def memory_half_open(lab):
    """A million SYNs: the bound holds, and the real connection between them loses nothing."""
    for memory in ("64M", None):
        report = bounded(lab, memory, half_open(), "--dry-run")
        seen, evicted = report["connections"]["seen"], report["connections"]["evicted"]
        check(seen == 1_000_001, f"{seen} connections of 1000001")
        check(report["requests"]["complete"] == 50, f"{report['requests']} of the 50 requests of the real connection")
        check(evicted > 0 or memory is None, "a million connections fit into 64 MiB?")


def memory_bodies(lab):
    """A thousand connections with bodies that have no end yet: twice the default bound, eight times the smaller."""
    for memory in ("64M", None):
        report = bounded(lab, memory, bodies(), "-t", "sink:", "-x", "max")
        check(report["requests"]["lost"]["cut_at_end"] == 1000, f"of 1000 unfinished: {report['requests']['lost']}")


def memory_slow_shadow(lab):
    """A shadow that reads nothing and never answers, and large bodies for it."""
    namespace = lab.namespace()
    shadow = lab.shadow(namespace, mode="hang")
    check(shadow.running(), "no shadow")
    for memory, count, patience in (("64M", 60, "2s"), (None, 200, "5s")):
        report = bounded(lab, memory, whole(connections=count), "-t", "http://127.0.0.1:9000", "-x", "max",
                         "-m", patience, namespace=namespace)
        check(report["requests"]["complete"] == count, f"{report['requests']['complete']} of {count} complete")
        failed = report["targets"]["default"]["failed"]
        check(failed["timeout"] > 0 and failed["connect"] == 0, f"the shadow was to hang: {failed}")


def memory_small_requests(lab):
    """Bodies of all small sizes, so that what the allocator cannot reuse would show."""
    for memory in ("64M", None):
        report = bounded(lab, memory, small(), "-t", "sink:", "-x", "max")
        check(report["requests"]["complete"] == 30000, f"{report['requests']['complete']} of 30000 complete")


def memory_comparing(lab):
    """A response of many small values, which takes ten times its size when it is taken apart: it is too large where there
    is no room for it, whatever the shadow answers."""
    for memory, reason in (("24M", "too_large"), (None, "")):
        report = bounded(lab, memory, answered(b"application/json", b"1,", 5 * MIB, b"1]", first=b"["), "-t", "sink:", "-x", "max", "--compare")
        told = report["comparison"]["targets"]["default"]
        check(told["pairs"] == 2 and list(told["not_comparable"]) == [reason] * bool(reason), f"{memory}: {told['not_comparable']}")


CASES = [memory_comparing, memory_half_open, memory_bodies, memory_slow_shadow, memory_small_requests]
