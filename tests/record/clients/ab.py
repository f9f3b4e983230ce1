#!/usr/bin/python3
"""ab.py MODE BASE_URL COUNT [FIRST] - requests by ApacheBench (HTTP/1.0 with keep-alive), wrk and h2load

ab sends exactly COUNT requests. wrk has no such option: it runs for a second,
slowed down, and what it sent is the server's to tell. h2load (HTTP/2) sends
exactly COUNT requests over two connections, four at a time on each.
"""
import pathlib
import subprocess
import sys

from sent import sent

import payloads as p


def with_ab(base, count, first):
    body = p.predict(first)
    with open("ab.json", "wb") as file:
        file.write(body)
    subprocess.run(["ab", "-q", "-k", "-n", str(count), "-c", "3", "-p", "ab.json", "-T", p.JSON_TYPE,
                    base + p.PREDICT], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(count):
        sent("POST", p.PREDICT, body, p.JSON_TYPE, version="1.0")


def with_wrk(base, count, first):
    script = pathlib.Path(__file__).with_name("wrk.lua")
    subprocess.run(["wrk", "-t1", "-c2", "-d1s", "-s", str(script), base + p.PREDICT, "--", str(2000 // count)],
                   check=True, stdout=subprocess.DEVNULL)
    print('{"server_tells": true}')


def with_h2load(base, count, first):
    body = p.predict(first)
    with open("h2load.json", "wb") as file:
        file.write(body)
    subprocess.run(["h2load", "-n", str(count), "-c", "2", "-m", "4", "-d", "h2load.json",
                    "-H", f"content-type: {p.JSON_TYPE}", base + p.PREDICT], check=True, stdout=subprocess.DEVNULL)
    for _ in range(count):
        sent("POST", p.PREDICT, body, p.JSON_TYPE, version="2")


def main():
    modes = {"ab": with_ab, "wrk": with_wrk, "h2load": with_h2load}
    if len(sys.argv) not in (4, 5) or sys.argv[1] not in modes:
        sys.exit("usage: ab.py ab|wrk|h2load BASE_URL COUNT [FIRST]")
    modes[sys.argv[1]](sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) == 5 else 0)


if __name__ == "__main__":
    main()
