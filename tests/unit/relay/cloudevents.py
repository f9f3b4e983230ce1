#!/usr/bin/python3
"""cloudevents.py - records that we write are CloudEvents to a program that knows the specification alone

usage: cloudevents.py TEST_RECORD

TEST_RECORD writes the records that it makes by chance (RECORDS_TO). Each is held against CloudEvents 1.0 and its
NATS binding, with the standard library: which attributes there must be and what may be in them, how their values are
encoded; and the data against HTTP, by http.server and http.client.
"""
import datetime
import email.message
import http.client
import http.server
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse

ROUNDS = "3000"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
checked = {"request": 0, "response": 0}
TYPES = {"io.shadowtap.request.v1": "request", "io.shadowtap.answer.v1": "response"}


def attributes(headers):
    """The context attributes of a message in the binary mode, decoded; complains of what the binding forbids."""
    found = {}
    for name, value in headers.items():
        if not name.startswith("ce-"):
            continue
        assert re.fullmatch("[a-z0-9]{1,20}", name[3:]), f"{name}: no name of an attribute"
        assert re.fullmatch(r"(?:[!#$&-~]|%[0-9A-F]{2})+", value), f"{name}: {value!r} is not percent-encoded"
        for code in re.findall("%([0-9A-F]{2})", value):
            byte = int(code, 16)
            assert byte <= 0x20 or byte >= 0x7f or chr(byte) in '"%', f"{name}: %{code} needs no encoding"
        found[name[3:]] = urllib.parse.unquote(value, errors="strict")
    return found


def check_event(headers, data):
    assert "content-type" not in map(str.lower, headers), "a Content-Type would make it the structured mode"
    event = attributes(headers)
    for name in ("id", "source", "specversion", "type"):
        assert event.get(name), f"{name} is missing"
    assert event["specversion"] == "1.0"
    urllib.parse.urlsplit(event["source"])
    assert re.fullmatch(r"[a-z][a-z0-9.]+", event["type"])
    assert TIME.fullmatch(event["time"]), event["time"]
    datetime.datetime.fromisoformat(event["time"][:19])
    assert re.fullmatch(r"\d{16}", event["sequence"])
    kind = TYPES[event["type"]]
    assert headers["Nats-Msg-Id"] == event["id"], "the broker's id is another one"
    assert re.fullmatch("[0-9a-f]{32}" + ("a" if kind == "response" else ""), event["id"]), event["id"]
    assert ("datacontenttype" in event) == bool(data), "data without its type, or a type without data"
    if data:
        check_data(event, kind, data)
    return event


def check_data(event, kind, data):
    media = email.message.Message()
    media["Content-Type"] = event["datacontenttype"]
    assert media.get_content_type() == "application/http" and media.get_param("msgtype") == kind
    head = data.partition(b"\r\n\r\n")[0]
    if not re.fullmatch(rb"[\r\n\t -~]*", head):
        return  # Python takes other bytes for blanks and ends of lines
    if kind == "request":
        check_request(data)
    else:
        check_response(data)
    checked[kind] += 1


class Request(http.server.BaseHTTPRequestHandler):
    """Reads one request and answers nothing."""

    def __init__(self, data):  # without a socket
        self.rfile, self.wfile, self.client_address = io.BytesIO(data), io.BytesIO(), ("", 0)
        self.raw_requestline = self.rfile.readline(65537)
        self.good = self.parse_request()


def check_request(data):
    request = Request(data)
    assert request.good, data[:200]
    body = request.rfile.read()
    assert len(body) == int(request.headers.get("Content-Length", "0"))
    assert "Transfer-Encoding" not in request.headers


class Socket:
    """What http.client reads a response from."""

    def __init__(self, data):
        self.data = data

    def makefile(self, _):
        return io.BytesIO(self.data)


def check_response(data):
    head = data.partition(b"\r\n\r\n")[0]
    response = http.client.HTTPResponse(Socket(data))
    response.begin()
    body = response.read()
    if response.status not in (204, 304) and b"transfer-encoding: chunked" not in head.lower():
        assert len(body) == int(response.headers["Content-Length"]) and data.endswith(body)


def main():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "records")
        subprocess.run([sys.argv[1]], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env=os.environ | {"RECORDS_TO": path, "PROPERTY_ROUNDS": ROUNDS})
        with open(path, encoding="ascii") as f:
            lines = f.readlines()
    events, count = set(), dict.fromkeys(TYPES, 0)
    for line in lines:
        record = json.loads(line)
        event = check_event(record["headers"], bytes.fromhex(record["data"]))
        events.add((event["source"], event["id"]))
        count[event["type"]] += 1
    assert len(events) == len(lines), "two events with one source and id"
    assert all(n == int(ROUNDS) for n in count.values()), count
    assert all(n > 300 for n in checked.values()), checked
    print(f"{len(lines)} records are CloudEvents; as HTTP, {checked['request']} requests and {checked['response']} responses were read")


if __name__ == "__main__":
    main()
