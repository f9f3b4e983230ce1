"""cases_production.py - production named as its own shadow: nothing reaches it, and it is said

The shadow server of the lab stands for production too: it writes down whatever comes.
"""
import subprocess

from cases_doctor import WATCH, answer, ask, expect
from lab import Lab, check, fields_of, wait_for

BODY = '{"instances": [[1.0, 2.0]]}'


def predict(ns, host="127.0.0.1", port=8080, count=1):
    """Requests of a client of production."""
    for _ in range(count):
        subprocess.run(Lab.inside(ns, ["curl", "-sS", "-m", "5", "-o", "/dev/null", "-d", BODY, "-H", "Content-Type: application/json",
                                       f"http://{host}:{port}/v1/models/m:predict"]), check=True)


def copies(server):
    return [r for r in server.requests() if "x-shadowtap" in fields_of(r)]


def refused(tap, production, words):
    """It ended with 2, said so, and no copy came."""
    status = tap.wait()
    check(status == 2, f"exit {status}: {tap.err[-400:]!r}")
    for word in ("is the service that is watched", "--target-is-production", *words):
        check(word in tap.err, f"it does not say {word!r}: {tap.err[-600:]!r}")
    check(not copies(production), f"{len(copies(production))} copies reached production")
    report = tap.report()
    target = report["targets"]["default"]
    check(target["sent"] == 0 and target["shed"]["production"] >= 1, f"the books say {target}")


def production_is_refused(lab):
    """Live, by whatever name: the same address, a name, another address of the same machine, the mapped one."""
    ns = lab.namespace()
    lab.ip(ns, "addr", "add", "192.0.2.7/32", "dev", "lo")
    for named, used in (("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("127.0.0.1", "192.0.2.7"), ("192.0.2.7", "192.0.2.7"),
                        ("[::ffff:192.0.2.7]", "192.0.2.7"), ("0.0.0.0", "127.0.0.1")):
        production = lab.shadow(ns, port=8080, host="0.0.0.0")
        tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", f"http://{named}:8080")
        predict(ns, host=used)
        refused(tap, production, [f"http://{named}:8080", f"went to {used}:8080"])
        production.end()


def production_beside_its_shadow(lab):
    """The shadow has the service's port on another address of the same machine: that is another service."""
    ns = lab.namespace()
    lab.ip(ns, "addr", "add", "192.0.2.7/32", "dev", "lo")
    lab.shadow(ns, port=8080, host="192.0.2.7")
    shadow = lab.shadow(ns, port=8080, host="127.0.0.1")
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", "http://127.0.0.1:8080", "-m", "10s")
    predict(ns, host="192.0.2.7", count=3)
    wait_for("three copies", lambda: len(copies(shadow)) == 3)
    tap.stop()


def production_that_is_meant(lab):
    """--target-is-production: it gets its requests twice, and the copies are not mirrored again."""
    ns = lab.namespace()
    production = lab.shadow(ns, port=8080)
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", "http://127.0.0.1:8080", "--target-is-production", "-m", "10s")
    predict(ns, count=3)
    wait_for("three copies", lambda: len(copies(production)) == 3)
    report = tap.stop()
    check(len(production.requests()) == 6, f"{len(production.requests())} requests")
    check(report["targets"]["default"]["answered"]["2xx"] == 3, "not all were answered")


def production_among_targets(lab):
    """One target of two is production, and the control too: they are stopped, the shadow goes on, the exit status is 2."""
    ns = lab.namespace()
    production = lab.shadow(ns, port=8080)
    shadow = lab.shadow(ns, port=9000)
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-m", "10s", "-t", "next=http://127.0.0.1:9000", "-t", "wrong=http://127.0.0.1:8080",
                       "--compare", "--control", "http://localhost:8080")
    predict(ns, count=4)
    wait_for("four copies at the shadow", lambda: len(copies(shadow)) == 4)
    tap.interrupt()
    status = tap.wait()
    check(status == 2, f"exit {status}: {tap.err[-400:]!r}")
    check("target wrong" in tap.err and "target control" in tap.err and "target next" not in tap.err, f"it says {tap.err!r}")
    check(not copies(production), "a copy reached production")
    report = tap.report()
    check([report["targets"][name]["shed"]["production"] for name in ("next", "wrong", "control")] == [0, 4, 4],
          f"the books say {report['targets']}")


def production_in_a_recording(lab):
    """A recording is not sent to the address that it was made of, unless that is meant."""
    ns = lab.namespace()
    production = lab.shadow(ns, port=8080)
    recorded = lab.directory / "seen.pcapng"
    # with root's own user, so that it may write
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "-t", "sink:", "-w", recorded, "-Z", "root")
    predict(ns, count=5)
    wait_for("the requests", lambda: len(production.requests()) == 5)
    tap.stop()
    for named in ("127.0.0.1", "localhost"):
        refused(lab.tap(ns, "-r", recorded, "-x", "max", "-t", f"http://{named}:8080"), production, ["of the recording"])
    lab.tap(ns, "-r", recorded, "-x", "max", "-t", "http://127.0.0.1:8080", "--target-is-production", "-m", "10s").finish()
    check(len(copies(production)) == 5, f"{len(copies(production))} copies where 5 were meant")


def production_in_front_of_the_doctor(lab):
    """The doctor calls it a fault, and does not even ask it."""
    ns = lab.namespace()
    production = lab.shadow(ns, port=8080)
    doctor = ask(lab, ns, "-i", "lo", "-p", "8080", "-t", "http://localhost:8080", *WATCH)
    predict(ns, count=3)
    expect(answer(doctor, False), "production", "fault", ["is the service that is watched", "127.0.0.1:8080", "--target-is-production"])
    check(len(production.requests()) == 3, f"{len(production.requests())} requests reached production, and 3 were sent")
    doctor = ask(lab, ns, "-i", "lo", "-p", "8080", "-t", "http://127.0.0.1:8080", "--target-is-production", *WATCH)
    predict(ns, count=3)
    expect(answer(doctor, True), "target", "ok", ["http://127.0.0.1:8080"])


CASES = [production_is_refused, production_beside_its_shadow, production_that_is_meant, production_among_targets,
         production_in_a_recording, production_in_front_of_the_doctor]
