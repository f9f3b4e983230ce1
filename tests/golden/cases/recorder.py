"""recorder.py - -w: the flows of chosen requests, and the same requests when they are read again"""
import dataclasses
import glob
import json
import os
import shutil
import struct
import subprocess

from harness import EVERY_REQUEST, TOP, Capture, Failure, Skip, check, pattern, refused
from packets import DLT_EN10MB, DLT_LOOP, DLT_RAW, SECOND, Link, gz, pcap, pcapng, records

CAPTURES = sorted(glob.glob(os.path.join(TOP, "pcaps", "*.pcap")))
COMMENT, PACKET = 1, 6


def blocks(path):
    """(type, body) of each block of a pcapng file, which must end with one"""
    with open(path, "rb") as f:
        data = f.read()
    while data:
        kind, length = struct.unpack_from("<II", data)
        if length < 12 or length % 4 or len(data) < length or struct.unpack_from("<I", data, length - 4)[0] != length:
            raise Failure(f"a broken block of type {kind:#x}")
        yield kind, data[8:length - 4]
        data = data[length:]


def packets_of(path):
    """(ns, captured bytes, length on the wire, comment) of each packet"""
    for kind, body in blocks(path):
        if kind != PACKET:
            continue
        _, high, low, captured, wire = struct.unpack_from("<IIIII", body)
        options, comment = body[20 + (captured + 3) // 4 * 4:], None
        while options:
            code, length = struct.unpack_from("<HH", options)
            if code == COMMENT:
                comment = options[4:4 + length].decode()
            options = options[4 + (length + 3) // 4 * 4:]
        yield high << 32 | low, body[20:20 + captured], wire, comment


def chosen(result):
    return [e for e in result.requests if e["verdict"] == "chosen"]


def tell(events):
    return [tuple(e[k] for k in ("id", "ts_first_ns", "ts_last_ns", "src", "dst", "method", "target", "body_len",
                                 "body_sha256")) for e in events]


def compare_again(bench, first, path, *arguments, requests=EVERY_REQUEST):
    """what -w wrote gives the chosen requests again, and no flow without one"""
    again = bench.read("-r", path, *arguments, requests=requests)
    wanted, found = tell(chosen(first)), tell(chosen(again))
    missing = [w for w in wanted if w not in found]
    if missing:
        raise Failure(f"{len(missing)} of {len(wanted)} chosen requests are not found again, the first: {missing[0]}")
    flows = {frozenset((e["src"], e["dst"])) for e in chosen(first)}
    strangers = [e for e in again.requests + again.lost if frozenset((e["src"], e["dst"])) not in flows]
    if strangers:
        raise Failure(f"a flow without a chosen request was written: {strangers[0]}")
    if first.report["recording"]["forgotten"] or first.report["recording"]["dropped"]:
        raise Failure(f"packets are missing: {first.report['recording']}")
    return again


def compare_comments(first, path):
    named = [i for *_, comment in packets_of(path) if comment for i in comment.split()[2:]]
    wanted = [e["id"] for e in chosen(first)]
    if sorted(named) != sorted(wanted):
        raise Failure(f"comments name {len(named)} requests, {len(wanted)} were chosen")
    last = {e["id"]: e["ts_last_ns"] for e in first.requests}
    for ns, _, _, comment in packets_of(path):
        for i in (comment or "").split()[2:]:
            if ns < last[i]:
                raise Failure(f"{i} is named by a packet that is older than its last byte")


def file_in(bench, name="written.pcapng"):
    return os.path.join(bench.directory, name)


for capture in CAPTURES:
    @check(f"-w: {os.path.basename(capture)[:-5]}, and again")
    def again(bench, capture=capture):
        for n, requests in enumerate(((), ("--path", "[02468]$"), ("-X", "any", "--allow-side-effects"))):
            path = file_in(bench, f"written{n}.pcapng")
            first = bench.read("-r", capture, "-w", path, requests=requests)
            compare_again(bench, first, path, requests=requests)
            if first.report["recording"]["packets"] != len(list(packets_of(path))):
                raise Failure(f"{first.report['recording']['packets']} packets are said to be written")


@check("-w: the packets of chosen flows, byte by byte, and no others")
def bytes_are_kept(bench):
    b = Capture()
    for n in range(6):
        c = b.opened(start=1_700_000_000_123_456_789 + n * SECOND)
        for number in range(3):
            b.ask(c, target=f"/{'chosen' if n % 2 and number == 1 else 'other'}", body=pattern(3000, number), step=7919)
            b.answer(c)
        c.close()
    b.settle()
    path, written = bench.path("in.pcap", pcap(records(b.segments, b.link), DLT_EN10MB, nano=True)), file_in(bench)
    first = bench.read("-r", path, "-w", written, "--path", "/chosen")
    mine = [s for s in b.segments if s.conversation.client_text.endswith(("2", "4", "6"))]
    wanted = [(r.ts, bytes(r.data), len(r.data)) for r in records(mine, b.link)]
    found = [p[:3] for p in packets_of(written)]
    if found != wanted:
        raise Failure(f"{len(found)} packets, not the {len(wanted)} of the three flows in their order")
    if first.report["recording"]["flows"] != 3:
        raise Failure(f"{first.report['recording']}")
    compare_comments(first, written)
    compare_again(bench, first, written, "--path", "/chosen")


@check("-w: comments name each chosen request once, pipelined ones too")
def comments(bench):
    b = Capture()
    c = b.opened()
    raw = b"".join(b"POST /%d HTTP/1.1\r\nHost: m\r\nContent-Length: 0\r\n\r\n" % n for n in range(200))
    c.send(raw)
    c2 = b.opened()
    b.ask(c2, body=pattern(100_000))
    b.settle()
    written = file_in(bench)
    first = bench.read("-r", bench.path("in.pcap", b.file()), "-w", written)
    if len(chosen(first)) != 201:
        raise Failure(f"{len(chosen(first))} of 201")
    compare_comments(first, written)
    compare_again(bench, first, written)


@check("-w: a sample is written, and only its flows")
def sampled(bench):
    b = Capture()
    for _ in range(40):
        c = b.opened()
        b.ask(c, body=pattern(500))
        b.answer(c)
        c.close()
    b.settle()
    written = file_in(bench)
    first = bench.read("-r", bench.path("in.pcap", b.file()), "-w", written, "-S", "25%")
    if len(chosen(first)) != 10:
        raise Failure(f"{len(chosen(first))} of 40 chosen")
    again = compare_again(bench, first, written)
    if len(again.requests) != 10:
        raise Failure(f"{len(again.requests)} requests in the recording of 10 flows")


@check("-w: packets that were cut keep their length on the wire")
def cut_packets(bench):
    b = Capture()
    c = b.opened()
    b.ask(c, body=pattern(300))
    b.answer(c, b"HTTP/1.1 200 OK\r\nContent-Length: 1400\r\n\r\n" + pattern(1400))
    c.close()
    b.settle()
    recs = records(b.segments, b.link)
    longest = max(len(r.data) for r in recs)
    data = bytearray(pcap(recs, DLT_EN10MB)[:24])
    for r in recs:  # a snaplen of 700: the request is whole, the answer is not
        kept = r.data[:700]
        data += struct.pack("<IIII", r.ts // SECOND, r.ts % SECOND // 1000, len(kept), len(r.data)) + kept
    written = file_in(bench)
    first = bench.read("-r", bench.path("in.pcap", bytes(data)), "-w", written)
    wires = [(len(d), wire) for _, d, wire, _ in packets_of(written)]
    if (700, longest) not in wires or len(wires) != len(recs):
        raise Failure(f"lengths {wires}")
    compare_again(bench, first, written)


@check("-w: one file for each link type, read together they give the same")
def link_types(bench):
    b = Capture()
    for _ in range(4):
        c = b.opened()
        b.ask(c, body=pattern(4000))
        b.answer(c)
        c.close()
    b.settle()
    apart = []
    both = [records(b.segments, Link(linktype=linktype)) for linktype in (DLT_EN10MB, DLT_RAW)]
    halves = [[r for number, r in enumerate(all_of_it) if number % 2 == n] for n, all_of_it in enumerate(both)]
    for n, (half, linktype) in enumerate(zip(halves, (DLT_EN10MB, DLT_RAW))):
        apart += ["-r", bench.path(f"in{n}.pcap", pcap(half, linktype))]
    mixed = [dataclasses.replace(both[n % 2][n], interface=n % 2 + 1) for n in range(len(b.segments))]
    # interface 0 has no packets, so its link type gets no file
    content = pcapng(mixed, [(DLT_LOOP, None), (DLT_EN10MB, 6), (DLT_RAW, 9)])
    for name, arguments in (("apart", apart), ("mixed", ["-r", bench.path("in.pcapng", content)]),
                            ("packed", ["-r", bench.path("in.pcapng.gz", gz(content))])):
        written, other = file_in(bench, f"{name}.pcapng"), file_in(bench, f"{name}.raw.pcapng")
        first = bench.read(*arguments, "-w", written)
        files = sorted(f for f in os.listdir(os.path.dirname(written)) if f.startswith(name))
        if len(chosen(first)) != 4 or files != [f"{name}.pcapng", f"{name}.raw.pcapng"]:
            raise Failure(f"{name}: {len(chosen(first))} of 4 chosen; files: {files}")
        compare_again(bench, first, written, "-r", other)


@check("-w: a pipe that tells of a link type late; its packets are read, not recorded, and that is said")
def late_link_type(bench):
    b = Capture()
    c = b.opened()
    b.ask(c, body=pattern(4000))
    b.answer(c)
    c.close()
    b.settle()
    ether, raw = (records(b.segments, Link(linktype=linktype)) for linktype in (DLT_EN10MB, DLT_RAW))
    content = pcapng(ether[:4], [(DLT_EN10MB, 6)]) + pcapng(raw[4:], [(DLT_RAW, 6)])
    written = file_in(bench)
    first = bench.read("-r", "-", "-w", written, stdin=content)
    if len(chosen(first)) != 1 or f"{len(raw) - 4} packets of these flows are not in the recording" not in first.stderr:
        raise Failure(f"{len(chosen(first))} of 1 chosen: {first.stderr[-400:]}")


@check("-w: -c ends it after so many chosen requests")
def counted(bench):
    written = file_in(bench)
    first = bench.read("-r", os.path.join(TOP, "pcaps", "demo.pcap"), "-w", written, "-c", "5")
    if len(chosen(first)) != 5:
        raise Failure(f"{len(chosen(first))} chosen with -c 5")
    compare_again(bench, first, written)


@check("-w: while requests are sent, with and without events")
def while_sending(bench):
    capture, written = os.path.join(TOP, "pcaps", "demo.pcap"), file_in(bench)
    first = bench.read("-r", capture, "-w", written, mode=("-t", "sink:", "-x", "max", "-m", "300s"))
    compare_again(bench, first, written)
    silent = file_in(bench, "silent.pcapng")
    for arguments in (["-t", "sink:", "-x", "max", "-m", "300s"], ["--dry-run"]):
        done = bench.tap("-r", capture, *arguments, "-w", silent, "-X", "any", "--allow-side-effects")
        if done.returncode != 0:
            raise Failure(f"exit {done.returncode}: {done.stderr.decode()[-200:]}")
        if list(packets_of(silent)) != list(packets_of(written)):
            raise Failure("without events another file is written")


@check("-w: memory is bounded, and what did not fit is said")
def bounded(bench):
    b = Capture()
    early = b.opened()
    b.ask(early, target="/other", body=pattern(300_000))
    for _ in range(10):
        c = b.opened()
        b.ask(c, target="/other", body=pattern(200_000))
        b.answer(c)
    b.ask(early, target="/chosen", body=pattern(2000))
    b.settle()
    written = file_in(bench)
    first = bench.read("-r", bench.path("in.pcap", b.file()), "-w", written, "--path", "/chosen", "--max-memory", "8M")
    recording = first.report["recording"]
    if len(chosen(first)) != 1 or recording["forgotten"] == 0 or recording["flows"] != 1:
        raise Failure(f"{len(chosen(first))} chosen, {recording}")
    if "--max-memory" not in first.stderr:
        raise Failure(f"it is not said: {first.stderr[-200:]!r}")
    if recording["packets"] != len(list(packets_of(written))) or recording["packets"] == 0:
        raise Failure(f"{recording} and {len(list(packets_of(written)))} in the file")


@check("-w: to standard output")
def standard_output(bench):
    capture, written = os.path.join(TOP, "pcaps", "demo.pcap"), file_in(bench)
    bench.read("-r", capture, "-w", written)
    done = bench.tap("-r", capture, "--dry-run", "-w", "-", "-X", "any", "--allow-side-effects")
    with open(written, "rb") as f:
        if done.stdout != f.read():
            raise Failure(f"{len(done.stdout)} bytes on standard output, another file: {done.stderr.decode()[-200:]}")


@check("-w: the file's mode is 0600 whatever the umask; an older file loses what the world could do with it")
def mode(bench):
    capture = os.path.join(TOP, "pcaps", "demo.pcap")
    old = bench.path("old.pcapng", b"x" * 1_000_000)
    os.chmod(old, 0o644)
    paths = [file_in(bench, name) for name in ("w.pcapng", "o.ndjson", "r.json")]
    before = os.umask(0)
    try:
        done = bench.tap("-r", capture, "--dry-run", "-w", paths[0], "-o", paths[1], "--report", paths[2])
        bench.read("-r", capture, "-w", old)
    finally:
        os.umask(before)
    modes = [oct(os.stat(p).st_mode & 0o777) for p in [*paths, old]]
    if done.returncode != 0 or modes != ["0o600"] * 3 + ["0o640"]:
        raise Failure(f"exit {done.returncode}, modes {modes}")
    list(packets_of(old))  # nothing of what was in it is left


@check("-w: other programs read it")
def other_programs(bench):
    written = file_in(bench)
    first = bench.read("-r", os.path.join(TOP, "pcaps", "demo.pcap"), "-w", written)
    count = first.report["recording"]["packets"]
    ran = 0
    for command, counts in ((["tcpdump", "-nr", written], lambda out: len(out.splitlines())),
                            (["tshark", "-nr", written, "-T", "fields", "-e", "frame.number"],
                             lambda out: len(out.split())),
                            (["capinfos", "-TMc", written], lambda out: int(out.split()[-1]))):
        if not shutil.which(command[0]):
            continue
        ran += 1
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0 or counts(done.stdout) != count:
            raise Failure(f"{' '.join(command)}: exit {done.returncode}, not {count} packets: {done.stderr[-200:]!r}")
    if not ran:
        raise Skip("neither tcpdump nor tshark nor capinfos is installed")


@check("-w: refused, what cannot be")
def what_cannot_be(bench):
    capture = os.path.join(TOP, "pcaps", "demo.pcap")
    copy = bench.path("copy.pcap", open(capture, "rb").read())
    link = os.path.join(bench.directory, "link.pcap")
    os.link(copy, link)
    for path in (copy, link):  # the capture itself must survive
        refused(bench, ["-r", copy, "--dry-run", "-w", path], 1, path, "-r")
        if open(copy, "rb").read() != open(capture, "rb").read():
            raise Failure("the capture that was read is not what it was")
    refused(bench, ["-r", capture, "--dry-run", "-w", os.path.join(bench.directory, "no", "x")], 1, "no/x")
    refused(bench, ["-r", capture, "--dry-run", "-w", file_in(bench), "--loop", "2"], 2, "--loop")
    refused(bench, ["-r", capture, "--dry-run", "-w", "-", "-o", "-"], 2, "standard output")


@check("-w: a disk that is full ends the recording, not the run, and is said")
def full_disk(bench):
    if not os.path.exists("/dev/full"):
        raise Skip("there is no /dev/full")
    done = bench.tap("-r", os.path.join(TOP, "pcaps", "demo.pcap"), "-t", "sink:", "-x", "max", "-m", "300s", "-w",
                     "/dev/full", "--report", file_in(bench, "r.json"))
    text = done.stderr.decode()
    report = json.load(open(file_in(bench, "r.json")))
    if done.returncode != 1 or "/dev/full" not in text or "No space left" not in text:
        raise Failure(f"exit {done.returncode}: {text[-300:]!r}")
    target = next(iter(report["targets"].values()))
    if target["answered"]["2xx"] != report["requests"]["chosen"] or not report["recording"]["dropped"]:
        raise Failure(f"{target['answered']} {report['recording']}")
