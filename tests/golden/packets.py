"""packets.py - packets, conversations and capture files, built from nothing

Theory of operation: a capture is made in three steps, so that each can be
disturbed alone. A Conversation yields Segments (TCP without addresses' bytes);
a Link turns a segment into a frame (link layer, IP, TCP); a writer puts frames
into a file (pcap, pcapng). Tests cut, drop, move and copy segments between the
first two steps.

Every segment remembers the conversation it belongs to, so a test can ask when
a byte of a stream was captured first, however disturbed the capture is.
Checksums are written as zero: the tap must not look at them (offload).
"""
import gzip
import ipaddress
import struct
from dataclasses import dataclass, replace

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

DLT_NULL, DLT_EN10MB, DLT_RAW, DLT_LOOP, DLT_SLL, DLT_SLL2 = 0, 1, 101, 108, 113, 276

T0 = 1_700_000_000_000_000_000  # ns; a whole second
MS = 1_000_000
SECOND = 1_000_000_000
WRAP = 1 << 32


# -- segments ---------------------------------------------------------------

@dataclass(eq=False)
class Segment:
    ts: int                      # capture time, Unix ns
    conversation: object
    from_client: bool
    seq: int
    ack: int
    flags: int
    payload: bytes = b""
    tcp_options: bytes = b""
    link: object = None          # overrides the capture's link
    snaplen: int = None          # the frame is cut to this
    window: int = 65535
    raw_frame: bytes = None      # noise: the frame itself

    def covers(self, from_client, seq):
        """does this segment carry the stream byte with sequence number seq?"""
        if self.raw_frame is not None or self.from_client != from_client:
            return False
        first = self.seq + (1 if self.flags & SYN else 0)
        return (seq - first) % WRAP < len(self.payload)


def address(text):
    """'192.0.2.1:80' or '[2001:db8::1]:80' -> (ip_address, port)"""
    host, _, port = text.rpartition(":")
    return ipaddress.ip_address(host.strip("[]")), int(port)


class Conversation:
    """One TCP connection; its methods append segments to a shared capture list.

    Data is cut at the offsets in `cuts`, or every `mss` bytes. Nothing is
    acknowledged by itself: server_ack() and client_ack() say so, answers carry
    an acknowledgement as real ones do.
    """

    def __init__(self, capture, client="10.0.0.1:40000", server="10.0.0.2:8000", isn=1000, server_isn=700_000,
                 start=T0, step=MS, link=None):
        self.capture = capture
        self.client_text, self.server_text = client, server
        self.client, self.server = address(client), address(server)
        self.isn, self.server_isn = isn % WRAP, server_isn % WRAP
        self.next = {True: isn + 1, False: server_isn + 1}  # unwrapped
        self.acked = {True: isn + 1, False: server_isn + 1}  # what the *other* side acknowledged so far
        self.now, self.step, self.link = start, step, link

    # the pieces

    def wait(self, ns):
        self.now += ns
        return self

    def segment(self, from_client, payload=b"", flags=ACK, seq=None, ack=None, **more):
        s = Segment(self.now, self, from_client,
                    (self.next[from_client] if seq is None else seq) % WRAP,
                    (self.next[not from_client] if ack is None else ack) % WRAP,
                    flags, payload, link=self.link, **more)
        self.now += self.step
        self.capture.append(s)
        return s

    def handshake(self, data=b"", **more):
        """SYN (with data: TCP Fast Open), SYN-ACK, ACK"""
        syn = self.segment(True, data, SYN, seq=self.isn, ack=0, **more)
        self.next[True] = self.isn + 1 + len(data)
        self.segment(False, b"", SYN | ACK, seq=self.server_isn)
        self.segment(True)
        return syn

    def _stream(self, from_client, data, cuts, mss, step, ack=None):
        edges = sorted({0, len(data), *[c for c in (cuts or ()) if 0 < c < len(data)]})
        sent = []
        for a, b in zip(edges, edges[1:]):
            for at in range(a, b, mss):
                piece = data[at:min(b, at + mss)]
                sent.append(self.segment(from_client, piece, ACK | PSH, ack=ack))
                self.next[from_client] += len(piece)
                if step is not None:
                    self.now += step - self.step
        return sent

    def send(self, data, cuts=(), mss=1448, step=None, ack=None):
        """client data in order; returns its segments"""
        return self._stream(True, data, cuts, mss, step, ack)

    def reply(self, data, cuts=(), mss=1448, step=None):
        """server data in order; it acknowledges everything the client sent"""
        return self._stream(False, data, cuts, mss, step)

    def server_ack(self, upto=None):
        return self.segment(False, ack=upto)

    def client_ack(self):
        return self.segment(True)

    def lose(self, n):
        """the client sent n bytes that nobody captured"""
        self.next[True] += n

    def fin(self, from_client=True):
        s = self.segment(from_client, flags=FIN | ACK)
        self.next[from_client] += 1
        return s

    def rst(self, from_client=True, offset=0):
        return self.segment(from_client, flags=RST | ACK, seq=self.next[from_client] + offset)

    def close(self):
        self.fin(True)
        self.fin(False)
        return self.client_ack()


# -- from a segment to a frame ------------------------------------------------

def tcp_header(s, src_port, dst_port):
    options = s.tcp_options + b"\x01" * (-len(s.tcp_options) % 4)
    return struct.pack(">HHIIBBHHH", src_port, dst_port, s.seq, s.ack, (5 + len(options) // 4) << 4, s.flags,
                       s.window, 0, 0) + options


def ipv4(src, dst, payload, protocol=6, options=b"", total_length=None, fragment=0):
    options += b"\x00" * (-len(options) % 4)
    length = 20 + len(options) + len(payload) if total_length is None else total_length
    return struct.pack(">BBHHHBBH4s4s", 0x40 | (5 + len(options) // 4), 0, length & 0xFFFF, 1, fragment, 64,
                       protocol, 0, src.packed, dst.packed) + options + payload


def ipv6(src, dst, payload, protocol=6, extensions=(), payload_length=None):
    """extensions: (type, body without its first two bytes), outermost first"""
    chain = b""
    kinds = [kind for kind, _ in extensions] + [protocol]
    for (kind, body), following in zip(extensions, kinds[1:]):
        if kind == 44:  # fragment header: fixed length, second byte reserved
            chain += bytes([following, 0]) + body
        elif kind == 51:  # authentication header: length in words of 4, minus 2
            body += b"\x00" * (-(len(body) + 2) % 4)
            chain += bytes([following, (len(body) + 2) // 4 - 2]) + body
        else:
            body += b"\x00" * (-(len(body) + 2) % 8)
            chain += bytes([following, (len(body) + 2) // 8 - 1]) + body
    length = len(chain) + len(payload) if payload_length is None else payload_length
    return struct.pack(">IHBB16s16s", 6 << 28, length & 0xFFFF, kinds[0], 64, src.packed, dst.packed) + chain + payload


@dataclass(frozen=True)
class Link:
    """How a capture's segments are wrapped; frozen, so that variants are made with but()"""
    linktype: int = DLT_EN10MB
    vlans: tuple = ()            # (tag protocol id, vlan id), outermost first
    ip_options: bytes = b""
    extensions: tuple = ()
    total_length_zero: bool = False
    pad_to: int = 0              # Ethernet minimum is 60
    padding: bytes = b"\x00"     # repeated
    big_endian: bool = False     # of the NULL header
    broken: object = None        # function bytes -> bytes, the last word

    def but(self, **changes):
        return replace(self, **changes)

    def frame(self, s):
        if s.raw_frame is not None:
            return s.raw_frame
        c = s.conversation
        (src, sport), (dst, dport) = (c.client, c.server) if s.from_client else (c.server, c.client)
        tcp = tcp_header(s, sport, dport) + s.payload
        if src.version == 4:
            packet = ipv4(src, dst, tcp, options=self.ip_options, total_length=0 if self.total_length_zero else None)
        else:
            packet = ipv6(src, dst, tcp, extensions=self.extensions,
                          payload_length=0 if self.total_length_zero else None)
        frame = self.wrap(packet, src.version)
        if len(frame) < self.pad_to:
            frame += (self.padding * self.pad_to)[:self.pad_to - len(frame)]
        return self.broken(frame) if self.broken else frame

    def wrap(self, packet, version):
        ethertype = 0x0800 if version == 4 else 0x86DD
        if self.linktype == DLT_EN10MB:
            tags = b"".join(struct.pack(">HH", tpid, vid) for tpid, vid in self.vlans)
            return b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01" + tags + struct.pack(">H", ethertype) + packet
        if self.linktype == DLT_SLL:
            tags = b"".join(struct.pack(">HH", tpid, vid) for tpid, vid in self.vlans)
            return struct.pack(">HHH8s", 0, 1, 6, b"\x02\0\0\0\0\x01\0\0") + tags + struct.pack(">H", ethertype) + packet
        if self.linktype == DLT_SLL2:
            return struct.pack(">HHIHBB8s", ethertype, 0, 2, 1, 0, 6, b"\x02\0\0\0\0\x01\0\0") + packet
        if self.linktype == DLT_NULL:
            return struct.pack(">I" if self.big_endian else "<I", 2 if version == 4 else 30) + packet
        if self.linktype == DLT_LOOP:
            return struct.pack(">I", 2 if version == 4 else 24) + packet
        return packet  # DLT_RAW


def noise(ts, frame):
    """a frame that is no segment of a conversation"""
    return Segment(ts, None, True, 0, 0, 0, raw_frame=frame)


# -- files --------------------------------------------------------------------

@dataclass
class Record:
    ts: int
    data: bytes
    wire_len: int
    interface: int = 0


def records(segments, link):
    out = []
    for s in segments:
        frame = (s.link or link).frame(s)
        out.append(Record(s.ts, frame if s.snaplen is None else frame[:s.snaplen], len(frame)))
    return out


def pcap(recs, linktype, nano=False, big=False, snaplen=262144):
    e = ">" if big else "<"
    out = [struct.pack(e + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snaplen, linktype)]
    for r in recs:
        fraction = r.ts % SECOND if nano else r.ts % SECOND // 1000
        out.append(struct.pack(e + "IIII", r.ts // SECOND, fraction, len(r.data), r.wire_len) + r.data)
    return b"".join(out)


def _block(e, kind, body):
    body += b"\0" * (-len(body) % 4)
    length = len(body) + 12
    return struct.pack(e + "II", kind, length) + body + struct.pack(e + "I", length)


def pcapng(recs, interfaces, big=False, section_length=-1, extra_blocks=False):
    """interfaces: (linktype, tsresol or None): tsresol 6 = µs, 9 = ns, 0x80|n = 2^-n s"""
    e = ">" if big else "<"
    out = [_block(e, 0x0A0D0D0A, struct.pack(e + "IHHq", 0x1A2B3C4D, 1, 0, section_length))]
    for linktype, resolution in interfaces:
        options = b"" if resolution is None else struct.pack(e + "HHB3xHH", 9, 1, resolution, 0, 0)
        out.append(_block(e, 1, struct.pack(e + "HHI", linktype, 0, 262144) + options))
    for number, r in enumerate(recs):
        resolution = interfaces[r.interface][1]
        if resolution is None:
            units = r.ts // 1000
        elif resolution & 0x80:
            units = (r.ts << (resolution & 0x7F)) // SECOND
        else:
            units = r.ts * 10 ** resolution // SECOND
        if extra_blocks and number % 3 == 1:  # name resolution, custom: to be skipped by length
            out.append(_block(e, 4, struct.pack(e + "HH", 0, 0)))
            out.append(_block(e, 0xBAD, struct.pack(e + "I", 32473) + b"opaque"))
        out.append(_block(e, 6, struct.pack(e + "IIIII", r.interface, units >> 32, units & 0xFFFFFFFF,
                                            len(r.data), r.wire_len) + r.data))
    return b"".join(out)


def gz(data):
    return gzip.compress(data, 6, mtime=0)
