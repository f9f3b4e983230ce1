"""books.py - do the books of a JSON report balance?

Each line of the promise is an equality and is checked as one. A name that is
missing is a fault too: a sum of nothing always balances.
"""

LOST = ("gap", "truncated", "reset", "idle", "too_large", "malformed", "upgraded", "memory", "multipath", "urgent",
        "head_unknown", "framing", "stream_reset", "stream_long", "refused", "cut_at_end")
FILTERED = ("method", "denied", "path", "host", "header", "loop")
HTTP2_CONNECTIONS = ("preface", "upgraded", "joined")
HTTP2_HEADS = ("whole", "part", "unknown")
HTTP2_SKIPPED = ("midway", "pushed", "tunnel", "over")
TLS_FATES = ("read", "no_keys", "unsupported", "midstream", "ech", "lost")
TARGET_SHED = ("rate", "queue", "stale", "breaker", "production", "needs_http2", "plain")
ANSWERED = ("2xx", "3xx", "4xx", "5xx")
RELAY_SHED = ("disconnected", "buffer", "inflight", "too_large", "stale")
RELAY_REFUSED = ("full", "too_large", "denied", "no_stream", "busy", "storage", "other")
VERDICTS = ("error", "status", "encoding", "schema", "decision", "value", "order", "close", "equal", "not_comparable")
FAILED = ("timeout", "connect", "dns", "tls", "reset", "stale", "protocol", "refused", "goaway", "stream_reset")


class Ledger:
    """Reads numbers out of a report by their dotted names and collects faults."""

    def __init__(self, report):
        self.report, self.faults = report, []

    def number(self, name, base=None):
        value = self.report if base is None else base
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.faults.append(f"{name} is no count but {value!r}")
            return 0
        return value

    def group(self, name, members=None, base=None):
        """Sum of a group; @members are the names that must be there, None = whatever is."""
        if members is None:
            place = self.report
            for part in name.split("."):
                place = place.get(part, {}) if isinstance(place, dict) else {}
            members = list(place)
            if not members:
                self.faults.append(f"{name}.* is missing")
        return sum(self.number(f"{name}.{member}", base) for member in members)

    def equal(self, what, left, right):
        if left != right:
            self.faults.append(f"{what}: {left} != {right}")


def compared(b, name, target, c):
    """Each exchange that was sent is a pair with one verdict."""
    b.equal(f"comparison.{name}: pairs", b.number("pairs", c), b.number("sent", target))
    b.equal(f"comparison.{name}: pairs", b.number("pairs", c), b.group("verdicts", VERDICTS, c))
    b.equal(f"comparison.{name}: compared", b.number("compared", c),
            b.number("pairs", c) - b.number("verdicts.error", c) - b.number("verdicts.not_comparable", c))


def handed_over(b, r):
    """What was offered to the broker was shed or published, and what was published has one word."""
    b.equal("relay: requests", b.number("requests", r), b.number("requests.chosen"))
    b.equal("relay: offered", b.number("offered", r), b.number("requests", r) + b.number("responses", r))
    b.equal("relay: offered", b.number("offered", r), b.group("shed", RELAY_SHED, r) + b.number("published", r))
    b.equal("relay: published", b.number("published", r),
            b.number("acked", r) + b.number("duplicate", r) + b.group("refused", RELAY_REFUSED, r) + b.number("unknown", r))


def faults(report):
    """Everything that does not balance, as sentences; empty if all is well."""
    b = Ledger(report)
    n = b.number
    b.equal("packets.received", n("packets.received"),
            n("packets.decoded") + b.group("packets.ignored") + b.group("packets.malformed"))
    n("packets.dropped_kernel")
    b.equal("requests.seen", n("requests.seen"), n("requests.complete") + b.group("requests.lost", LOST))
    b.equal("requests.complete", n("requests.complete"),
            b.group("requests.filtered", FILTERED) + n("requests.unsampled")
            + b.group("requests.shed", ("handover", "memory", "stopped")) + n("requests.chosen"))
    b.equal("http2.streams", n("http2.streams"), n("http2.requests") + b.group("http2.skipped", HTTP2_SKIPPED))
    b.equal("tls.seen", n("tls.seen"), sum(n(f"tls.{fate}") for fate in TLS_FATES))
    b.equal("http2.heads", b.group("http2.heads", HTTP2_HEADS), n("http2.requests") + n("http2.skipped.tunnel"))
    b.group("http2.connections", HTTP2_CONNECTIONS)
    targets = report.get("targets")
    if not isinstance(targets, dict):
        return b.faults + ["targets is missing"]
    for name, t in targets.items():
        b.equal(f"{name}: chosen", n("chosen", t), n("requests.chosen"))
        b.equal(f"{name}: chosen", n("chosen", t), n("unsampled", t) + b.group("shed", TARGET_SHED, t) + n("sent", t))
        b.equal(f"{name}: sent", n("sent", t),
                b.group("answered", ANSWERED, t) + b.group("failed", FAILED, t) + n("cancelled_at_exit", t))
        if "comparison" in report:
            compared(b, name, t, report["comparison"]["targets"].get(name, {}))
    if "relay" in report:
        handed_over(b, report["relay"])
    return b.faults
