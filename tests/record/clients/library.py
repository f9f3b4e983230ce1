#!/usr/bin/python3
"""library.py MODE BASE_URL COUNT [FIRST] - requests through Python's HTTP libraries

COUNT requests over kept-alive connections; FIRST is the number of the first
body. With PAUSE=SECONDS in the environment each request waits so long before it
goes out. What went out is told on stdout (sent.py).
"""
import asyncio
import os
import sys
import time

from sent import sent

import payloads as p


def with_requests(base, numbers):
    """requests/urllib3: head and body in a segment each."""
    import requests
    with requests.Session() as session:
        for n in numbers:
            body = p.predict(n)
            headers = {"Content-Type": p.JSON_TYPE, "Authorization": "Bearer not-a-secret",
                       "Cookie": "session=not-a-secret", "X-Request-Id": f"req-{n}"}
            session.post(base + p.PREDICT, data=body, headers=headers).raise_for_status()
            sent("POST", p.PREDICT, body, p.JSON_TYPE)


def with_requests_chunked(base, numbers):
    """requests with a generator: chunk size, chunk and line end are segments of their own."""
    import requests
    with requests.Session() as session:
        for n in numbers:
            body = p.blob(n, 3500)
            parts = (body[i:i + 700] for i in range(0, len(body), 700))
            headers = {"Content-Type": "application/octet-stream"}
            session.post(base + "/upload?by=generator", data=parts, headers=headers).raise_for_status()
            sent("POST", "/upload?by=generator", body, "application/octet-stream")


def with_requests_put(base, numbers):
    """A PUT of an image, as TorchServe's clients send it, and an empty PUT."""
    import requests
    with requests.Session() as session:
        for n in numbers:
            body = p.blob(n, 20000) if n % 3 else b""
            target = f"/upload/{n}.png?name=a%20b&x=%2F"
            session.put(base + target, data=body, headers={"Content-Type": "image/png"})
            sent("PUT", target, body, "image/png")


def with_v2_binary(base, numbers):
    """V2 infer with the binary tensor extension; every third one all JSON."""
    import requests
    with requests.Session() as session:
        for n in numbers:
            headers, body = p.infer_binary(n) if n % 3 else ({"Content-Type": p.JSON_TYPE}, p.infer_json(n))
            session.post(base + p.INFER, data=body, headers=headers).raise_for_status()
            sent("POST", p.INFER, body, headers["Content-Type"])


def with_chat(base, numbers):
    """OpenAI-style chat: streamed answers, every third one whole."""
    import requests
    with requests.Session() as session:
        for n in numbers:
            body = p.chat(n, stream=bool(n % 3))
            headers = {"Content-Type": p.JSON_TYPE, "Authorization": "Bearer not-a-secret"}
            with session.post(base + p.CHAT, data=body, headers=headers, stream=True) as answer:
                answer.raise_for_status()
                for _ in answer.iter_lines():
                    pass
            sent("POST", p.CHAT, body, p.JSON_TYPE)


def with_probes(base, numbers):
    """Health checks, metadata and metrics: nothing of this may reach a shadow."""
    import requests
    paths = ["/v2/health/live", "/v2/health/ready", "/v1/models/digits", "/metrics"]
    with requests.Session() as session:
        session.headers["User-Agent"] = "kube-probe/1.27"
        for n in numbers:
            session.get(base + paths[n % len(paths)]).raise_for_status()
            sent("GET", paths[n % len(paths)])


def with_load(base, numbers):
    """Model load calls: the tripwire."""
    import requests
    for n in numbers:
        body = b'{"parameters": {"n": "%d"}}' % n
        requests.post(base + p.LOAD, data=body, headers={"Content-Type": p.JSON_TYPE}).raise_for_status()
        sent("POST", p.LOAD, body, p.JSON_TYPE)


def with_httpx(base, numbers):
    """httpx, synchronous: on a kept-alive connection the body comes some 40 ms after the head."""
    import httpx
    with httpx.Client() as client:
        for n in numbers:
            body = p.predict(n, rows=2)
            client.post(base + p.PREDICT, content=body, headers={"Content-Type": p.JSON_TYPE}).raise_for_status()
            sent("POST", p.PREDICT, body, p.JSON_TYPE)


def with_httpx_h2(base, numbers):
    """httpx over HTTP/2 from the first byte (python-h2): fields are put into HPACK's table, and trailers come back."""
    import httpx
    with httpx.Client(http1=False, http2=True) as client:
        for n in numbers:
            body = p.predict(n) if n % 3 else b""
            target = p.PREDICT if n % 3 else "/v2/trailers?part=1"
            headers = {"Content-Type": p.JSON_TYPE, "X-Request-Id": f"req-{n}", "Authorization": "Bearer not-a-secret"}
            client.post(base + target, content=body, headers=headers).raise_for_status()
            sent("POST", target, body, p.JSON_TYPE, version="2")


def with_aiohttp(base, numbers):
    """aiohttp: four requests at a time."""
    import aiohttp

    async def one(session, gate, n):
        body = p.predict(n, rows=3)
        headers = {"Content-Type": p.JSON_TYPE}
        async with gate, session.post(base + p.PREDICT, data=body, headers=headers) as answer:
            await answer.read()
            answer.raise_for_status()
        sent("POST", p.PREDICT, body, p.JSON_TYPE)

    async def every():
        gate = asyncio.Semaphore(4)
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(one(session, gate, n) for n in numbers))

    asyncio.run(every())


MODES = {
    "requests": with_requests, "requests-chunked": with_requests_chunked, "requests-put": with_requests_put,
    "v2": with_v2_binary, "chat": with_chat, "probes": with_probes, "load": with_load,
    "httpx": with_httpx, "httpx-h2": with_httpx_h2, "aiohttp": with_aiohttp,
}


def paced(numbers):
    for n in numbers:
        time.sleep(float(os.environ.get("PAUSE", 0)))
        yield n


def main():
    if len(sys.argv) not in (4, 5) or sys.argv[1] not in MODES:
        sys.exit(f"usage: library.py {'|'.join(MODES)} BASE_URL COUNT [FIRST]")
    first = int(sys.argv[4]) if len(sys.argv) == 5 else 0
    MODES[sys.argv[1]](sys.argv[2], paced(range(first, first + int(sys.argv[3]))))


if __name__ == "__main__":
    main()
