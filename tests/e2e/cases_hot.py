"""cases_hot.py - a running tap changes with its config file (SIGHUP): at once, as a whole, or not at all"""
import signal

from lab import check, compare, fields_of, mirrored, need_program, need_python, wait_for

BASE = "http://127.0.0.1:8080"


class Config:
    """The config file of one tap. It is replaced by a rename, as editors do."""

    def __init__(self, lab, *lines):
        self.path = lab.directory / "tap.conf"
        self.write(*lines)

    def write(self, *lines, mode=0o644):
        new = self.path.with_suffix(".new")
        new.write_text("".join(line + "\n" for line in lines))
        new.chmod(mode)
        new.rename(self.path)


class Rig:
    """A service, a shadow, and a live tap with a config file."""

    def __init__(self, lab, *lines, args=()):
        need_python("requests")
        self.lab, self.ns = lab, lab.namespace()
        lab.service(self.ns)
        self.shadow = lab.shadow(self.ns)
        self.config = Config(lab, *lines)
        self.tap = lab.live_tap(self.ns, "-i", "lo", "-p", "8080", "-t", "http://127.0.0.1:9000", "-m", "10s",
                                "-f", self.config.path, *args)
        self.sent, self.must = 0, []

    def hang_up(self, says):
        """SIGHUP, and what the tap says to it."""
        before = len(self.tap.err)
        self.tap.popen.send_signal(signal.SIGHUP)
        wait_for(f"{says!r} in answer to SIGHUP", lambda: says in self.tap.err[before:] or not self.tap.running())
        check(self.tap.running(), f"SIGHUP ended the tap: {self.tap.err[-300:]}")
        return self.tap.err[before:]

    def send(self, mode, count):
        told = mirrored(self.lab.client(self.ns, "library.py", mode, BASE, count, 1000 + self.sent))
        self.sent += count
        return told

    def expect(self, told):
        """These and all before, and nothing else, at the shadow."""
        self.must += told
        wait_for(f"{len(self.must)} requests at the shadow, not {len(self.shadow.requests())}",
                 lambda: len(self.shadow.requests()) >= len(self.must))
        compare(self.shadow.requests(), self.must)


def hot_sample(lab):
    """0% -> 100% -> a bad file -> a path rule: each holds from the very next request on, as user nobody."""
    rig = Rig(lab, "sample = 0%")
    rig.send("requests", 10)
    rig.config.write("sample = 100%")
    said = rig.hang_up("read again")
    check("sample 0% -> 100%" in said, f"the change is not told with both values: {said!r}")
    rig.expect(rig.send("requests", 10))

    rig.config.write("sample = 0%", "path = (")
    said = rig.hang_up("nothing was changed")
    check("--path" in said, f"the reason is not told: {said!r}")
    rig.expect(rig.send("requests", 10))
    rig.config.write("sampel = 0%")
    said = rig.hang_up("nothing was changed")
    check("did you mean sample" in said and "tap.conf:1" in said, f"the place is not told: {said!r}")

    rig.config.write("path = ^/v2/")
    said = rig.hang_up("read again")
    check("path none -> ^/v2/" in said, f"the path rule is not told: {said!r}")
    rig.send("requests", 10)
    rig.expect([t for t in rig.send("v2", 8) if t["target"].startswith("/v2/")])

    rig.config.write("path = ^/v2/", "sample = 50%")
    rig.hang_up("sample 100% -> 50%")
    rig.send("v2", 8)
    report = rig.tap.stop()
    check(report["sample"] == 0.5, f"the report's sample is {report['sample']}")
    check(report["config"] == {"read_again": 3, "refused": 2}, f"config: {report['config']}")
    check(len(rig.shadow.requests()) == len(rig.must) + 4, f"half of 8 requests: {len(rig.shadow.requests())} arrived")
    check(report["requests"]["unsampled"] == 14, f"10 + 4 were left out, the books say {report['requests']}")


def hot_heads(lab):
    """Header rules and what one target gets change too; the command line still wins; restarts are named."""
    rig = Rig(lab, "header = x-mark: one", args=("--sample", "100%"))
    rig.expect(rig.send("requests", 5))
    rig.config.write("header = x-mark: two", "header = x-more: yes", "sample = 0%", "sample = default:100%",
                     "rewrite-path = ^/v1/=>/v9/", "queue = 7", "interface = eth7")
    said = rig.hang_up("takes a restart")
    check("header of default changed" in said and "two" not in said, f"a header's value is told: {said!r}")
    check("restart: queue" in said and "interface" not in said, f"what takes a restart: {said!r}")
    rig.send("requests", 5)
    wait_for("ten requests", lambda: len(rig.shadow.requests()) == 10)
    marks = [(fields_of(r).get("x-mark"), fields_of(r).get("x-more"), r["target"][:4]) for r in rig.shadow.requests()]
    check(marks == [("one", None, "/v1/")] * 5 + [("two", "yes", "/v9/")] * 5, f"marks of the replays: {marks}")
    rig.config.write("rate = 1")
    rig.hang_up("rate of default no limit -> 1")
    rig.send("requests", 10)
    report = rig.tap.stop()
    shed = report["targets"]["default"]["shed"]["rate"]
    check(shed >= 1, f"10 requests at a rate of 1: {shed} shed")


def hot_unreadable(lab):
    """A file that nobody may read changes nothing, and the line says what to do; so does a tap without a file."""
    rig = Rig(lab, "sample = 100%")
    rig.config.write("sample = 0%", mode=0o600)
    said = rig.hang_up("nothing was changed")
    check("Permission denied" in said and "-Z" in said, f"the fix is not told: {said!r}")
    rig.expect(rig.send("requests", 5))
    rig.config.path.unlink()
    rig.hang_up("No such file")
    rig.expect(rig.send("requests", 5))
    report = rig.tap.stop()
    check(report["config"]["refused"] == 2, f"config: {report['config']}")

    bare = lab.live_tap(rig.ns, "-i", "lo", "-p", "8080", "--dry-run")
    bare.popen.send_signal(signal.SIGHUP)
    wait_for("a word about the missing file", lambda: "no configuration file" in bare.err or not bare.running())
    bare.stop()


def wait_said(tap, text, seconds=30):
    wait_for(f"{text!r} in the log", lambda: text in tap.err or not tap.running(), seconds)
    check(tap.running(), f"the tap ended: {tap.err[-300:]}")


def ramp_rises(lab):
    """--ramp rises to its end while the shadow is well; then all that is asked for arrives."""
    rig = Rig(lab, args=("--ramp", "0%..100%/1s"))
    wait_said(rig.tap, "the sample has reached 100%")
    rig.expect(rig.send("requests", 10))
    rig.config.write("method = POST")  # another change does not set the sample back
    rig.hang_up("read again")
    rig.expect(rig.send("requests", 10))
    report = rig.tap.stop()
    check(report["sample"] == 1, f"sample {report['sample']}")
    check(report["ramp"] == {"from": 0, "to": 1, "share": 1, "held": False, "held_times": 0}, f"ramp: {report['ramp']}")
    check(report["cpu_governor"] is None, "there is no governor")


def ramp_waits(lab):
    """--ramp stays where it is while the shadow fails, and goes on when it is well."""
    need_python("requests")
    ns = lab.namespace()
    lab.service(ns)
    shadow = lab.shadow(ns, mode="503")
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", "http://127.0.0.1:9000", "--ramp", "50%..100%/30s")
    lab.client(ns, "library.py", "requests", BASE, 20)
    wait_said(tap, "the sample stays at")
    check("target default: more than 5 % of its requests failed" in tap.err, f"why it waits: {tap.err[-300:]!r}")
    shadow.end()
    lab.shadow(ns)
    wait_said(tap, "goes on rising from")
    report = tap.stop()
    check(report["ramp"]["held_times"] >= 1, f"ramp: {report['ramp']}")
    check(0.5 <= report["sample"] < 1 and report["sample"] == report["ramp"]["share"], f"sample {report['sample']}")


def cpu_governor(lab):
    """--max-cpu lowers the sample under load and raises it again when the load is gone."""
    need_program("ab")
    ns = lab.namespace()
    lab.service(ns)
    lab.shadow(ns)
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", "http://127.0.0.1:9000", "--max-cpu", "1%", "-X", "any",
                       "-m", "1s")
    load = lab.start(ns, "ab", "-k", "-q", "-c", "4", "-t", "60", "-n", "10000000", BASE + "/tripwire", label="ab")
    wait_said(tap, "more than --max-cpu 1 %: sample 100% -> 50%")
    load.end()
    wait_said(tap, "leaves room below --max-cpu 1 %: sample ", 60)
    report = tap.stop()
    governor = report["cpu_governor"]
    check(governor["limit"] == 0.01 and governor["lowered_times"] >= 1, f"cpu_governor: {governor}")
    check(report["sample"] == governor["factor"], f"sample {report['sample']}, {governor}")
    check(report["requests"]["unsampled"] > 0, "nothing was left out")


CASES = [hot_sample, hot_heads, hot_unreadable, ramp_rises, ramp_waits, cpu_governor]
