"""captures.py - recorded captures against what is known to be in them

NAME.expected.json in pcaps/ (our recordings, and copies of other projects'), some of pcaps/field/, and
NAME.truth.json in ../shared/captures/ list the requests of NAME.pcap: entries
with expect=must must be found exactly, expect=should may be (most lie behind a
loss), expect=never must not (they were not sent whole), and nothing else may be.
"""
import collections
import glob
import json
import os

from harness import TOP, Expected, Failure, Skip, check, check_books, compare_requests

OURS = os.path.join(TOP, "pcaps")
SHARED = os.path.join(os.path.dirname(TOP), "shared", "captures")


def load(path):
    with open(path) as f:
        entries = json.load(f)
    return [e for e in entries if e.get("expect", "must") != "never"]


def expectation(entry, port_is_known):
    src, dst = entry["conn"].split(">") if entry["conn"] else (None, None)
    return Expected(entry["method"], entry["target"], entry["body_len"], entry["body_sha256"], src, dst,
                    entry["version"], optional=entry.get("expect", "must") == "should"
                    or entry.get("joined", False) and not port_is_known)


def compare_as_a_bag(wanted, events):
    """where the client could not tell which of its connections it used: the same requests, in any order"""
    tell = lambda method, target, body_len, digest: f"{method} {target} {body_len} {digest[:12]}"
    sent = collections.Counter(tell(e.method, e.target, e.body_len, e.body_sha256) for e in wanted)
    found = collections.Counter(tell(*(e[k] for k in ("method", "target", "body_len", "body_sha256"))) for e in events)
    return [f"not found: {x}" for x in (sent - found)] + [f"nobody sent {x}" for x in (found - sent)]


def compare_times(entries, events):
    """ts_first of the truth is a double, good for a microsecond; requests that are told apart by their line only"""
    line = lambda e, conn: (conn, e["method"], e["target"])
    entries = [e for e in entries if "ts_first" in e]
    known = [line(e, e["conn"]) for e in entries]
    found = {line(e, f"{e['src']}>{e['dst']}"): e["ts_first_ns"] for e in events}
    for entry in entries:
        key = line(entry, entry["conn"])
        if key in found and known.count(key) == 1:
            if abs(found[key] - entry["ts_first"] * 1e9) > 2000:
                yield f"{key[1]} {key[2]}: ts_first_ns {found[key]}, not {entry['ts_first']}"


def recorded(place, list_path, suffix):
    name = os.path.basename(list_path)[:-len(suffix)]

    @check(f"capture: {place}/{name}")
    def compare_with_list(bench):
        entries = load(list_path)
        path = list_path[:-len(suffix)] + ".pcap"
        ports = ",".join(sorted({str(e["dstport"]) for e in entries}))
        for arguments in ([], ["-p", ports] if ports else []):
            result = bench.read("-r", path, *arguments)
            wanted = [expectation(e, bool(arguments)) for e in entries]
            alike = compare_requests if all(e.src for e in wanted) else compare_as_a_bag
            problems = alike(wanted, result.requests)
            problems += compare_times(entries, result.requests)
            problems += check_books(result)
            if problems:
                raise Failure(f"[{' '.join(arguments)}] " + "; ".join(problems[:5]))


for path in sorted(glob.glob(os.path.join(OURS, "*.expected.json"))):
    recorded("pcaps", path, ".expected.json")

for name in ("mixed-links", "snaplen-in-header-too-small", "span-encapsulations", "vxlan-reserved-bits"):
    recorded("field", os.path.join(OURS, "field", f"{name}.truth.json"), ".truth.json")

if os.path.isdir(SHARED):
    for path in sorted(glob.glob(os.path.join(SHARED, "*.truth.json"))):
        recorded("shared", path, ".truth.json")
else:
    @check("capture: shared")
    def nothing_shared(bench):
        raise Skip("../shared/captures is not here")
