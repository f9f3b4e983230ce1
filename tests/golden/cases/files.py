"""files.py - capture files of every kind, whole and damaged, and where they come from"""
import dataclasses
import os
import re

from harness import Capture, Failure, case, check, check_books, compare, compare_requests, pattern, refused
from packets import DLT_EN10MB, DLT_NULL, DLT_RAW, DLT_SLL, DLT_SLL2, MS, T0, Link, gz, pcap, pcapng, records


def conversations(b, step=MS, start=T0):
    for n in range(2):
        c = b.opened(step=step, start=start + n * 64 * step)
        for number in range(3):
            b.ask(c, target=f"/{n}/{number}", body=pattern(2000, number))
            b.answer(c)
        c.close()


FORMATS = {
    "pcap, micro, little endian": lambda r, t: pcap(r, t),
    "pcap, micro, big endian": lambda r, t: pcap(r, t, big=True),
    "pcap, nano, little endian": lambda r, t: pcap(r, t, nano=True),
    "pcap, nano, big endian": lambda r, t: pcap(r, t, nano=True, big=True),
    "pcapng, little endian": lambda r, t: pcapng(r, [(t, None)]),
    "pcapng, big endian": lambda r, t: pcapng(r, [(t, None)], big=True),
    "pcapng, nanoseconds": lambda r, t: pcapng(r, [(t, 9)]),
    "pcapng, nanoseconds, big endian": lambda r, t: pcapng(r, [(t, 9)], big=True),
    "pcapng, units of 2^-10 s": lambda r, t: pcapng(r, [(t, 0x8A)]),
    "pcapng, blocks of other kinds": lambda r, t: pcapng(r, [(t, 6)], extra_blocks=True),
}
PRECISE = ("pcap, nano", "pcapng, nanoseconds")

for name, writer in FORMATS.items():
    for wrapped in (False, True):
        @case(f"file: {name}{', gzip' if wrapped else ''}")
        def in_format(b, name=name, writer=writer, wrapped=wrapped):
            if name.startswith(PRECISE):
                conversations(b, step=MS + 1, start=T0 + 123_456_789)
            elif "2^-10" in name:
                conversations(b, step=1_953_125)  # 2^-9 s
            else:
                conversations(b)
            b.write = lambda r, t: gz(writer(r, t)) if wrapped else writer(r, t)
            b.ports = ("8000",)


@case("file: pcapng, several interfaces with different resolutions")
def interfaces(b):
    conversations(b)

    def write(recs, linktype):
        for n, r in enumerate(recs):
            r.interface = n % 3
        return pcapng(recs, [(linktype, 6), (linktype, 9), (linktype, None)])
    b.write = write


@case("file: no packets")
def empty(b):
    pass


@case("file: gzip of two members")
def members(b):
    conversations(b)

    def write(recs, linktype):
        data = pcap(recs, linktype)
        return gz(data[:777]) + gz(data[777:])
    b.write = write


# -- several files --------------------------------------------------------------------------

def split(bench, b, belongs, writers):
    """the packets of b in several files; belongs(segment, number) -> which"""
    b.settle()
    parts = [[] for _ in writers]
    for number, s in enumerate(b.segments):
        parts[belongs(s, number)].append(s)
    arguments = []
    for n, (part, writer) in enumerate(zip(parts, writers)):
        arguments += ["-r", bench.path(f"part{n}.pcap", writer(records(part, b.link), b.link.linktype))]
    return arguments


MIXED = [FORMATS["pcap, micro, big endian"], FORMATS["pcapng, nanoseconds"],
         lambda r, t: gz(FORMATS["pcap, nano, little endian"](r, t))]
SPLITS = {
    "a packet here, a packet there": (lambda s, n: n % 2, MIXED[:2]),
    "one file a direction": (lambda s, n: int(s.from_client), MIXED[:2]),
    "three files in turn, one of them gzip": (lambda s, n: n % 3, MIXED),
    "one after the other, the later one named first": (lambda s, n: int(n < 15), MIXED[:2]),
    "one of them empty": (lambda s, n: 0, MIXED[:2]),
}

for name, (belongs, writers) in SPLITS.items():
    @check(f"file: merged by time, {name}")
    def merged(bench, belongs=belongs, writers=writers):
        b = Capture()
        conversations(b)
        arguments = split(bench, b, belongs, writers)
        for port in ([], ["-p", "8000"]):
            problems = compare(b, bench.read(*arguments, *port))
            if problems:
                raise Failure("; ".join(problems[:5]))


# -- standard input ---------------------------------------------------------------------------

for name in ("pcap, micro, little endian", "pcap, nano, big endian", "pcapng, little endian"):
    for wrapped in (False, True):
        @check(f"file: standard input, {name}{', gzip' if wrapped else ''}")
        def stdin(bench, name=name, wrapped=wrapped):
            b = Capture()
            conversations(b)
            b.settle()
            data = FORMATS[name](records(b.segments, b.link), DLT_EN10MB)
            problems = compare(b, bench.read("-r", "-", stdin=gz(data) if wrapped else data))
            if problems:
                raise Failure("; ".join(problems[:5]))


# -- damage -----------------------------------------------------------------------------------

def cut_capture():
    b = Capture()
    conversations(b)
    b.settle()
    return b


def boundaries(b):
    """file offset behind each record of a micro pcap, and the number of packets up to there"""
    at, out = 24, []
    for r in records(b.segments, b.link):
        at += 16 + len(r.data)
        out.append(at)
    return out


def expected_from(b, packets):
    """what can be found in the first so many packets"""
    last = b.segments[packets - 1].ts if packets else 0
    return [e for e in b.expected if e.ts_last <= last]


def says_cut(result):
    return any(line.startswith("shadowtap: ") and re.search(r"\b(cut|truncated|incomplete)\b", line)
               for line in result.stderr.splitlines())


def check_cut(bench, b, path, packets, clean):
    result = bench.read("-r", path)
    problems = compare_requests(expected_from(b, packets), result.requests) + check_books(result)
    if result.report["packets"]["received"] != packets:
        problems.append(f"packets.received {result.report['packets']['received']}, not {packets}")
    said = says_cut(result)
    if said == clean:
        text = result.stderr.strip()[-200:]
        problems.append(f"the cut was {'said where there is none' if said else 'not reported'}: {text!r}")
    return problems


CUTS = [24, 25, 31, 39, 40, 41, 60, 93]


@check("file: cut at many places, all before the cut is used")
def cut_files(bench):
    b = cut_capture()
    data, ends = b.file(), boundaries(b)
    for at in CUTS + [e + d for e in ends[2:40:6] for d in (-1, 0, 1, 15, 16, 17)]:
        path = bench.path("part.pcap", data[:at])
        problems = check_cut(bench, b, path, sum(e <= at for e in ends), at in (24, *ends))
        if problems:
            raise Failure(f"cut at {at}: " + "; ".join(problems[:4]))


@check("file: pcapng cut at many places")
def cut_pcapng(bench):
    b = cut_capture()
    recs = records(b.segments, b.link)
    ends = [len(pcapng(recs[:n + 1], [(DLT_EN10MB, 6)])) for n in range(len(recs))]
    data = pcapng(recs, [(DLT_EN10MB, 6)])
    for at in [e + d for e in ends[2:40:8] for d in (-1, 0, 3, 4, 8, 30)]:
        path = bench.path("part.pcapng", data[:at])
        problems = check_cut(bench, b, path, sum(e <= at for e in ends), at in ends)
        if problems:
            raise Failure(f"cut at {at}: " + "; ".join(problems[:4]))


@check("file: gzip cut at many places")
def cut_gzip(bench):
    """how much a cut gzip yields is zlib's affair: nothing false, books balance, and it is said"""
    b = cut_capture()
    data = gz(b.file())
    for at in range(len(data) // 3, len(data), len(data) // 12):
        result = bench.read("-r", bench.path("part.pcap.gz", data[:at]))
        for e in b.expected:
            e.optional = True
        problems = compare_requests(b.expected, result.requests) + check_books(result)
        if not says_cut(result):
            problems.append(f"the cut was not reported: {result.stderr.strip()[-200:]!r}")
        if problems:
            raise Failure(f"cut at {at}: " + "; ".join(problems[:4]))


@check("file: one of several is cut")
def cut_one(bench):
    b = cut_capture()
    half = len(b.segments) // 2
    one = pcap(records(b.segments[:half], b.link), DLT_EN10MB)
    two = pcap(records(b.segments[half:], b.link), DLT_EN10MB)
    result = bench.read("-r", bench.path("one.pcap", one), "-r", bench.path("two.pcap", two[:-10]))
    problems = check_books(result) + compare_requests(expected_from(b, len(b.segments) - 1), result.requests)
    if "two.pcap" not in result.stderr:
        problems.append(f"the cut file is not named: {result.stderr.strip()[-200:]!r}")
    if problems:
        raise Failure("; ".join(problems[:4]))


@check("file: a record longer than the file says it can be")
def huge_record(bench):
    b = cut_capture()
    ends = boundaries(b)
    data = bytearray(b.file())
    at = ends[20]
    data[at + 8:at + 12] = (0x7FFFFFFF).to_bytes(4, "little")
    result = bench.read("-r", bench.path("huge.pcap", bytes(data)))
    problems = compare_requests(expected_from(b, 21), result.requests) + check_books(result)
    if problems:
        raise Failure("; ".join(problems[:4]))


# -- what is refused: one line that says what, why, and what to do ---------------------------------

NO_CAPTURES = {"text": b"this is no capture, though it is long enough\n" * 3, "empty": b"",
               "half a header": b"\xd4\xc3\xb2\xa1\x02\0", "gzip of text": gz(b"hello"),
               "a header of another version": b"\xd4\xc3\xb2\xa1\x09\0\x09\0" + b"\0" * 16}

for name, content in NO_CAPTURES.items():
    @check(f"file: refused, {name}")
    def no_capture(bench, content=content):
        refused(bench, ["-r", bench.path("no.pcap", content), "--dry-run"], 1, "no.pcap")


@check("file: refused, missing")
def missing(bench):
    refused(bench, ["-r", os.path.join(bench.directory, "missing.pcap"), "--dry-run"], 1, "missing.pcap", "no such file")


@check("file: refused, a directory")
def directory(bench):
    refused(bench, ["-r", bench.directory, "--dry-run"], 1, bench.directory)


LINKS = [DLT_EN10MB, DLT_NULL, DLT_SLL, DLT_RAW, DLT_SLL2]


def mixed(b, interface_of):
    """the packets of b, each with the link layer of the interface that interface_of(segment, number) gives it"""
    wrapped = [records([s], Link(linktype=LINKS[interface_of(s, n)]))[0] for n, s in enumerate(b.segments)]
    return [dataclasses.replace(r, interface=interface_of(s, n)) for n, (s, r) in enumerate(zip(b.segments, wrapped))]


MIXTURES = {
    "a connection each": lambda s, n: s.conversation.client[1] % len(LINKS),
    "one a direction": lambda s, n: 1 if s.from_client else 3,
    "a packet here, a packet there": lambda s, n: n % len(LINKS),
    "all on the third": lambda s, n: 2,
}

for name, interface_of in MIXTURES.items():
    @check(f"file: pcapng with several link types, {name}")
    def several_links(bench, interface_of=interface_of):
        b = cut_capture()
        recs = mixed(b, interface_of)
        for big in (False, True):
            content = pcapng(recs, [(link, 6) for link in LINKS], big=big)
            for how in ({"-r": bench.path("mixed.pcapng", content)}, {"-r": bench.path("mixed.pcapng.gz", gz(content))},
                        {"stdin": content}):
                result = bench.read("-r", how.get("-r", "-"), stdin=how.get("stdin"))
                problems = compare_requests(b.expected, result.requests) + check_books(result)
                if problems:
                    raise Failure(f"{how.get('-r', 'stdin')}, {big}: " + "; ".join(problems[:4]))


@check("file: pcapng of several sections, in both byte orders")
def sections(bench):
    b = cut_capture()
    recs = records(b.segments, b.link)
    content = b"".join(pcapng(recs[n * 7:n * 7 + 7], [(DLT_EN10MB, (6, 9, None)[n % 3])], big=n % 2 == 1)
                       for n in range(len(recs) // 7 + 1))
    problems = compare(b, bench.read("-r", bench.path("sections.pcapng", content)))
    if problems:
        raise Failure("; ".join(problems[:5]))


@check("file: user's expression is honoured")
def expression(bench):
    b = Capture()
    for server in ("10.0.0.2:8000", "10.0.0.3:8000"):
        c = b.opened(server=server)
        b.ask(c, target="/x", body=pattern(3000))
        b.answer(c)
        c.close()
    b.settle()
    b.expected = [e for e in b.expected if e.dst == "10.0.0.3:8000"]
    path = bench.path("two.pcap", b.file())
    for options, words in (([], ["host", "10.0.0.3"]), ([], ["host 10.0.0.3 and tcp"]),
                           (["-p", "8000"], ["host", "10.0.0.3"])):
        result = bench.read("-r", path, *options, expression=words)
        problems = compare_requests(b.expected, result.requests) + check_books(result)
        if problems:
            raise Failure(f"{options} {words}: " + "; ".join(problems[:4]))


@check("file: bad expression is refused")
def bad_expression(bench):
    b = cut_capture()
    refused(bench, ["-r", bench.path("x.pcap", b.file()), "--dry-run", "tcp", "prot", "80"], (1, 2), "prot")
