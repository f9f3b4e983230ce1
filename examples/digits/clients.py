#!/usr/bin/python3
"""clients.py PORT [COUNT] - people who use the digits service: four clients at once, COUNT requests in all

requests and httpx keep a connection each, aiohttp keeps several, curl opens one
for every request. Most requests hold one image, some a batch; one in a hundred
is wrong, as in real life. Each image is one that the models did not learn from.
"""
import asyncio
import concurrent.futures
import json
import random
import subprocess
import sys
import time

import aiohttp
import httpx
import requests

import images

PATH = "/v1/models/digits:predict"
PACE = 10.0  # requests a second, each client


def calls(client, count):
    """(due time, body) of each request of this client; the same in every run."""
    rng, rows, due = random.Random(client), images.to_ask().astype(int).tolist(), 0.0
    for _ in range(count):
        due += rng.expovariate(PACE)
        batch = rng.choice([1, 1, 1, 1, 2, 4, 8])
        rows_of = rng.sample(rows, batch)
        if rng.random() < 0.01:
            rows_of[0] = rows_of[0][:-1]
        yield due, {"instances": rows_of}


def on_time(began, items):
    for due, body in items:
        time.sleep(max(0.0, began + due - time.monotonic()))
        yield body


def with_requests(url, items):
    with requests.Session() as session:
        for body in on_time(time.monotonic(), items):
            session.post(url, json=body, headers={"X-Client": "requests"}, timeout=10)


def with_httpx(url, items):
    with httpx.Client(timeout=10) as client:
        for body in on_time(time.monotonic(), items):
            client.post(url, json=body, headers={"X-Client": "httpx"})


def with_curl(url, items):
    for body in on_time(time.monotonic(), items):
        subprocess.run(["curl", "-sS", "-o", "/dev/null", "-m", "10", "-H", "Content-Type: application/json", "-H", "X-Client: curl",
                        "--data-binary", "@-", url], input=json.dumps(body).encode(), check=True)


def with_aiohttp(url, items):
    async def post(session, due, body):
        await asyncio.sleep(due)
        async with session.post(url, json=body, headers={"X-Client": "aiohttp"}) as answer:
            await answer.read()

    async def all_of_them():
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(post(session, due, body) for due, body in items))
    asyncio.run(all_of_them())


CLIENTS = [with_requests, with_httpx, with_curl, with_aiohttp]


def main(port, count=600):
    url = f"http://127.0.0.1:{port}{PATH}"
    shares = [(count + i) // len(CLIENTS) for i in range(len(CLIENTS))]
    with concurrent.futures.ThreadPoolExecutor(len(CLIENTS)) as pool:
        work = [pool.submit(client, url, list(calls(client.__name__, n))) for client, n in zip(CLIENTS, shares)]
        for one in work:
            one.result()


if __name__ == "__main__":
    main(int(sys.argv[1]), *map(int, sys.argv[2:3]))
