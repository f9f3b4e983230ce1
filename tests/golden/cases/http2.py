"""http2.py - HTTP/2 of real clients and servers, joined late and with packets missing

A recording of pcaps/ is copied many times into one capture: each copy has a
client address of its own, and something else is missing from it. What is found
of a copy must have been sent, byte for byte, whatever is missing: after a gap
HPACK's table may be another one than the client's, and a wrong guess would be a
request that nobody made. How much must be found is said for clients that
send whole heads (through HAProxy and nginx, or to a server without a table): for
them a gap costs the requests that it touches.
"""
import collections
import json
import os
import random
import struct

from harness import TOP, Failure, check, check_books

# Clients that name a field by what they sent before; then those of which each head stands alone.
REFERRING = ("grpcio-unary", "grpcio-mixed", "grpc-go", "grpc-go-late", "grpc-js", "grpc-nghttpx", "httpx-h2", "node-http2", "h2load")
# name: (requests lost by the loss of one packet, at most; share found with one packet in a hundred missing, at least)
WHOLE = {"grpc-nginx": (3, 0.9), "grpc-haproxy-late": (4, 0.82), "grpcio-late-table-0": (4, 0.84)}
SEED = int(os.environ.get("GOLDEN_SEED", "1"))
COPIES = 60
RECORD = struct.Struct("<IIII")


class Recording:
    """The packets of a capture of a loopback, and what was sent."""

    def __init__(self, name):
        base = os.path.join(TOP, "pcaps", name)
        with open(base + ".pcap", "rb") as file:
            data = file.read()
        self.head, self.packets, at = data[:24], [], 24
        while at < len(data):
            seconds, micros, captured, _ = RECORD.unpack_from(data, at)
            self.packets.append(((seconds * 10**6 + micros) * 1000, data[at:at + 16], data[at + 16:at + 16 + captured]))
            at += 16 + captured
        with open(base + ".expected.json", encoding="utf-8") as file:
            entries = json.load(file)
        self.port = entries[0]["dstport"]
        self.sent = collections.Counter(tell(e) for e in entries)
        self.must = collections.Counter(tell(e) for e in entries if e["expect"] == "must")

    def copy(self, number, chosen):
        """(time, record) of the packets whose numbers are in @chosen, of a client of its own."""
        client = bytes([10, 1, number >> 8, number & 255])
        for i in chosen:
            when, head, frame = self.packets[i]
            to_server = struct.unpack_from(">H", frame, 36)[0] == self.port
            at = 26 if to_server else 30  # the IPv4 source, or the destination
            yield when, head + frame[:at] + client + frame[at + 4:]

    def file(self, choices):
        """One capture of all copies, in the order of time."""
        every = [record for number, chosen in enumerate(choices) for record in self.copy(number, chosen)]
        return self.head + b"".join(record for _, record in sorted(every, key=lambda one: one[0]))

    def find(self, bench, choices):
        """What is found of a whole copy and of each of @choices, as {request: times of its first byte}.

        Failure if any of it was never sent, or if the whole copy lacks something.
        """
        choices = [range(len(self.packets)), *choices]
        path = bench.path("copies.pcap", self.file(choices))
        result = bench.read("-r", path, "-p", str(self.port))
        problems = check_books(result)
        copies = [collections.defaultdict(list) for _ in choices]
        for event in result.requests:
            high, low = event["src"].rsplit(":", 1)[0].split(".")[2:]
            copies[int(high) * 256 + int(low)][tell(event)].append(event["ts_first_ns"])
        for number, copy in enumerate(copies):
            have = collections.Counter({request: len(times) for request, times in copy.items()})
            problems += [f"copy {number}: nobody sent {request}" for request in have - self.sent]
            if number == 0:
                problems += [f"not found, with nothing missing: {request}" for request in self.must - have]
        if problems:
            raise Failure("; ".join(problems[:5]))
        return copies

    def spread(self):
        """At most COPIES of its packets' numbers, evenly."""
        return range(0, len(self.packets), 1 + len(self.packets) // COPIES)


def tell(entry):
    return entry["method"], entry["target"], entry["body_len"], entry["body_sha256"]


def count(copy):
    return sum(map(len, copy.values()))


def disturbed(name):
    every = range(len(Recording(name).packets))

    @check(f"http2: one packet missing: {name}")
    def one_missing(bench):
        recording = Recording(name)
        gone = recording.spread()
        _, *copies = recording.find(bench, [[i for i in every if i != one] for one in gone])
        most = max(recording.sent.total() - count(copy) for copy in copies)
        if name in WHOLE and most > WHOLE[name][0]:
            raise Failure(f"{most} requests are lost by the loss of one packet")

    @check(f"http2: packets missing: {name}")
    def some_missing(bench):
        recording, rng = Recording(name), random.Random(f"{SEED} {name}")
        shares = (0.01, 0.05, 0.2)
        _, *copies = recording.find(bench, [[i for i in every if rng.random() >= shares[n % 3]] for n in range(COPIES)])
        few = sum(count(copy) for copy in copies[::3]) / len(copies[::3]) / recording.sent.total()
        if name in WHOLE and few < WHOLE[name][1]:
            raise Failure(f"{few:.0%} are found of a capture that lost 1 % of its packets")

    @check(f"http2: joined at each packet: {name}")
    def joined(bench):
        recording = Recording(name)
        starts = recording.spread()
        whole, *copies = recording.find(bench, [range(first, len(every)) for first in starts])
        for first, copy in zip(starts, copies):
            begun = sum(when >= recording.packets[first][0] for times in whole.values() for when in times)
            if name in WHOLE and begun - count(copy) > 3:  # those until it is certain where frames begin
                raise Failure(f"joined at packet {first}: {count(copy)} of {begun} requests are found")


for each in (*REFERRING, *WHOLE):
    disturbed(each)
