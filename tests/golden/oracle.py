"""oracle.py - a slow and obvious reader of captures, to compare the fast one with

It sees only the bytes of the capture file, not what the test meant to send: it
takes the packets apart with its own few lines, keeps for each direction a
dictionary of stream offset -> byte (the first one seen stays), and parses the
contiguous bytes with the plainest HTTP/1.1 reader there can be. It is used on
whole conversations that begin with a SYN and lose nothing; what to do about
holes is policy, and the cases say it one by one.
"""
import hashlib
import struct


def packets_of(data):
    """(bytes) of a little endian microsecond pcap, Ethernet"""
    at = 24
    while at < len(data):
        captured, = struct.unpack_from("<I", data, at + 8)
        yield data[at + 16:at + 16 + captured]
        at += 16 + captured


def segment_of(frame):
    """(src, dst, seq, flags, payload) of Ethernet / IPv4 / TCP, or None"""
    if frame[12:14] != b"\x08\x00" or frame[23] != 6:
        return None
    packet = frame[14:14 + int.from_bytes(frame[16:18], "big")]
    tcp = packet[(packet[0] & 15) * 4:]
    sport, dport, seq = struct.unpack_from(">HHI", tcp)
    text = lambda a, port: ".".join(map(str, a)) + f":{port}"
    return text(packet[12:16], sport), text(packet[16:20], dport), seq, tcp[13], tcp[(tcp[12] >> 4) * 4:]


def streams_of(data):
    """{(src, dst): the bytes of that direction in order}; a direction must have a SYN"""
    segments = [s for s in map(segment_of, packets_of(data)) if s]
    first = {(src, dst): seq for src, dst, seq, flags, _ in segments if flags & 2}
    seen = {}
    for src, dst, seq, flags, payload in segments:
        stream = seen.setdefault((src, dst), {})
        start = seq + (1 if flags & 2 else 0) - (first[src, dst] + 1)
        for i, byte in enumerate(payload):
            offset = (start + i) % 2**32
            if offset < 2**31:
                stream.setdefault(offset, byte)
    out = {}
    for ends, stream in seen.items():
        whole = bytearray()
        while len(whole) in stream:
            whole.append(stream[len(whole)])
        out[ends] = bytes(whole)
    return out


def requests_in(stream):
    """[(method, target, version, body_len, body_sha256)] of a client's bytes; what is incomplete at the end is left out"""
    out = []
    while True:
        head, blank, rest = stream.partition(b"\r\n\r\n")
        if not blank:
            return out
        line, *lines = head.decode("latin-1").split("\r\n")
        method, target, version = line.split(" ")
        fields = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
        if fields.get("transfer-encoding") == "chunked":
            body, rest = dechunked(rest)
            if body is None:
                return out
        else:
            length = int(fields.get("content-length", 0))
            if len(rest) < length:
                return out
            body, rest = rest[:length], rest[length:]
        out.append((method, target, version[5:], len(body), hashlib.sha256(body).hexdigest()))
        stream = rest


def dechunked(data):
    """(body, what follows), or (None, None) if the end is not there"""
    body = b""
    while True:
        line, end, data = data.partition(b"\r\n")
        if not end:
            return None, None
        size = int(line.split(b";")[0], 16)
        if size == 0:
            while True:  # trailers
                line, end, data = data.partition(b"\r\n")
                if not end:
                    return None, None
                if not line:
                    return body, data
        if len(data) < size + 2:
            return None, None
        body, data = body + data[:size], data[size + 2:]


def read(data):
    """{(src, dst): [requests]} of all directions that hold any"""
    out = {}
    for ends, stream in streams_of(data).items():
        if stream[:5] == b"HTTP/" or not stream:
            continue
        out[ends] = requests_in(stream)
    return out
