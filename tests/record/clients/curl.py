#!/usr/bin/python3
"""curl.py MODE BASE_URL COUNT [FIRST] - requests by curl, each by a process of its own

What curl was asked to send is told on stdout (sent.py).
"""
import subprocess
import sys

from sent import sent

import payloads as p


def curl(url, *args, body=None):
    """Run curl; the body, if any, comes from its standard input."""
    command = ["curl", "-sS", "--max-time", "20", "-o", "/dev/null", *args, url]
    return subprocess.run(command, input=body, check=False).returncode


def small(base, n):
    """A small POST: one segment."""
    body = p.predict(n)
    curl(base + p.PREDICT, "-H", "Content-Type: application/json", "--data-binary", "@-", body=body)
    sent("POST", p.PREDICT, body, p.JSON_TYPE)


def get(base, n):
    curl(base + "/v2/health/ready")
    sent("GET", "/v2/health/ready")


def head(base, n):
    curl(base + "/v2/health/live", "-I")
    sent("HEAD", "/v2/health/live")


def upload(base, n):
    """-T of a file whose length is known: PUT with Expect: 100-continue."""
    body = p.blob(n, 60000)
    with open("upload.bin", "wb") as file:
        file.write(body)
    curl(base + "/upload", "-T", "upload.bin", "-H", "Content-Type: image/png")
    sent("PUT", "/upload", body, "image/png")


def chunked(base, n):
    """-T - from a pipe: the length is not known, so the body is chunked, after a 100-continue."""
    body = p.blob(n, 9000)
    curl(base + "/upload", "-T", "-", "-X", "POST", "-H", "Content-Type: application/octet-stream", body=body)
    sent("POST", "/upload", body, "application/octet-stream")


def multipart(base, n):
    """A form with a file, as TorchServe's and BentoML's clients send it. curl makes the boundary: the
    length and the digest of the body are the server's to tell."""
    with open("form.bin", "wb") as file:
        file.write(p.blob(n, 1200))
    curl(base + "/upload", "-F", "data=@form.bin")
    sent("POST", "/upload", content_type="multipart/form-data", body_unknown=True)


def refused(base, n, status):
    """A refused Expect: 100-continue with `Connection: close`: curl gives up, the body is never sent."""
    body = p.blob(n, 30000)
    target = f"/refuse/{status}"
    with open("refused.bin", "wb") as file:
        file.write(body)
    curl(base + target, "-T", "refused.bin", "-X", "POST", "-H", "Content-Type: application/octet-stream",
         "--expect100-timeout", "10")
    sent("POST", target, content_type="application/octet-stream", complete=False)


def h2c(base, n):
    """--http2 over cleartext: an upgrade to h2c, which nginx does not take up and h2_service.py does."""
    body = p.predict(n)
    curl(base + p.PREDICT, "--http2", "-H", "Content-Type: application/json", "--data-binary", "@-", body=body)
    sent("POST", p.PREDICT, body, p.JSON_TYPE)


def h2(base, n):
    """HTTP/2 from the first byte, which the server refuses."""
    curl(base + p.PREDICT, "--http2-prior-knowledge", "-d", "{}")


def prior(base, n):
    """HTTP/2 from the first byte: a POST, and a PUT that takes several frames."""
    post, put = p.predict(n), p.blob(n, 20000)
    curl(base + p.PREDICT, "--http2-prior-knowledge", "-H", "Content-Type: application/json", "--data-binary", "@-", body=post)
    sent("POST", p.PREDICT, post, p.JSON_TYPE, version="2")
    with open("prior.bin", "wb") as file:
        file.write(put)
    curl(base + "/upload", "--http2-prior-knowledge", "-H", "Content-Type: image/png", "-T", "prior.bin")
    sent("PUT", "/upload", put, "image/png", version="2")


MODES = {
    "small": small, "get": get, "head": head, "upload": upload, "chunked": chunked, "multipart": multipart,
    "refused-413": lambda base, n: refused(base, n, 413), "refused-417": lambda base, n: refused(base, n, 417),
    "h2c": h2c, "h2": h2, "prior": prior,
}


def main():
    if len(sys.argv) not in (4, 5) or sys.argv[1] not in MODES:
        sys.exit(f"usage: curl.py {'|'.join(MODES)} BASE_URL COUNT [FIRST]")
    first = int(sys.argv[4]) if len(sys.argv) == 5 else 0
    for n in range(first, first + int(sys.argv[3])):
        MODES[sys.argv[1]](sys.argv[2], n)


if __name__ == "__main__":
    main()
