#!/usr/bin/python3
"""clients.py HOST:PORT COUNT SECONDS - four clients that ask the service, COUNT requests in all, evenly over so many seconds"""
import concurrent.futures
import http.client
import json
import sys
import time

CLIENTS = 4


def ask(where, numbers, pace):
    connection, began = http.client.HTTPConnection(where, timeout=10), time.monotonic()
    for turn, number in enumerate(numbers):
        time.sleep(max(0.0, began + turn * pace - time.monotonic()))
        connection.request("POST", "/v1/models/sums:predict", json.dumps({"instances": [[number, turn]]}),
                           {"Content-Type": "application/json", "X-Request-Id": f"r{number}"})
        got = json.loads(connection.getresponse().read())
        if got["predictions"] != [number + turn]:
            sys.exit(f"a wrong response: {got}")


def main(where, count, seconds):
    count = int(count)
    pace = float(seconds) * CLIENTS / max(count, 1)
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        done = [pool.submit(ask, where, range(first, count, CLIENTS), pace) for first in range(CLIENTS)]
        for one in done:
            one.result()


if __name__ == "__main__":
    main(*sys.argv[1:])
