#!/usr/bin/python3
"""accounts.py settled SOCKET | show DIRECTORY - what became of each request, from the first tap to the shadow

`settled` ends with 0 once the replayer whose --admin is that socket says that all that taps have numbered is accounted for. `show`
reads the reports of both taps and of the replayer that lived, and the ids that the shadow got; it ends with 1 if something does not
add up, or was sent twice.
"""
import http.client
import json
import pathlib
import socket
import sys

TAPS = ("client-side", "service-side")
NUMBERED = ("before", "received", "duplicate", "refused", "evicted", "missing", "pending", "unknown")


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def settled(path):
    connection = Unix(path)
    connection.request("GET", "/stats")
    fleet = json.loads(connection.getresponse().read())["fleet"]
    return fleet["is_whole"] and len(fleet["taps"]) == len(TAPS) and all(t["state"] == "final" and t["pending"] == 0 for t in fleet["taps"])


def line(who, whole, amount, parts):
    print(f"{who:14}{whole} {amount} = " + " + ".join(f"{name} {n}" for name, n in parts))
    return amount == sum(n for _, n in parts)


def of_tap(name, relay):
    shed, refused = (sum(relay[group].values()) for group in ("shed", "refused"))
    return line(name, "offered", relay["offered"], [("shed", shed), ("published", relay["published"])]) & \
        line("", "published", relay["published"], [("acked", relay["acked"]), ("duplicate", relay["duplicate"]), ("refused", refused),
                                                   ("unknown", relay["unknown"])])


def of_fleet(fleet):
    numbers = {name: sum(tap[name] for tap in fleet["taps"]) for name in ("next_sequence", *NUMBERED)}
    lost = fleet["lost_at_crash"]
    right = line("the fleet", "numbered", numbers["next_sequence"], [(name, numbers[name]) for name in NUMBERED])
    print(f"{'':14}received {numbers['received']} = {fleet['received']} by replayer one + {numbers['received'] - fleet['received']} by two, "
          f"with which at most {lost} got lost")
    return right, numbers["received"], lost


def show(directory):
    out = pathlib.Path(directory)
    reports = {name: json.loads((out / f"{name}.json").read_text()) for name in (*TAPS, "one")}
    ids = (out / "shadow.ids").read_text().split()
    right = [of_tap(name, reports[name]["relay"]) for name in TAPS]
    balances, received, lost = of_fleet(reports["one"]["fleet"])
    print(f"{'the shadow':14}got {len(ids)} requests, {len(set(ids))} of them different")
    right += [balances, len(ids) == len(set(ids)), received - lost <= len(ids) <= received]
    print("fleet: every request is accounted for, and none was sent twice" if all(right) else f"fleet: this does not add up: {right}")
    return all(right)


if __name__ == "__main__":
    sys.exit(0 if {"settled": settled, "show": show}[sys.argv[1]](sys.argv[2]) else 1)
