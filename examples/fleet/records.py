#!/usr/bin/python3
"""records.py listen HOST:PORT SERVICE [COUNT]         print what taps hand over, as it comes
records.py put HOST:PORT SERVICE PATH [BODY]        hand a POST over, as a tap does

What a program of your own needs to read shadowtap's records, or to write them: a CloudEvent in a NATS message, whose data is one
HTTP request. This one speaks NATS by hand, so that nothing has to be installed; with a library it is shorter. The user and the
password, if the server wants them, are $NATS_USER and $NATS_PASSWORD.
"""
import datetime
import json
import os
import secrets
import socket
import sys

PARTITIONS = 16


class Nats:
    """One connection, as far as this needs it."""

    def __init__(self, address):
        host, _, port = address.partition(":")
        self.stream = socket.create_connection((host, int(port or 4222)), 10).makefile("rwb")
        self.stream.readline()  # INFO
        login = {"user": os.environ.get("NATS_USER"), "pass": os.environ.get("NATS_PASSWORD")}
        said = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True, "lang": "python", "version": "1", **login}
        self.say("CONNECT " + json.dumps({key: value for key, value in said.items() if value is not None}))

    def say(self, line, payload=None):
        self.stream.write(line.encode() + b"\r\n" + (payload + b"\r\n" if payload is not None else b""))
        self.stream.flush()

    def messages(self):
        """(subject, headers, data) of each that comes."""
        while line := self.stream.readline():
            words = line.decode().split()
            if words[0] == "PING":
                self.say("PONG")
            elif words[0] == "-ERR":
                sys.exit("the server says: " + line.decode().strip())
            elif words[0] in ("MSG", "HMSG"):
                whole = self.stream.read(int(words[-1]) + 2)[:-2]
                head = int(words[-2]) if words[0] == "HMSG" else 0
                fields = whole[:head].decode().split("\r\n")[1:]
                yield words[1], dict(field.split(": ", 1) for field in fields if ": " in field), whole[head:]


def listen(nats, service, count):
    nats.say(f"SUB st.v1.{service}.req.* 1")
    for subject, headers, data in nats.messages():
        head, _, body = data.partition(b"\r\n\r\n")
        print(subject, headers.get("ce-type"), headers.get("ce-id"), headers.get("ce-source"), head.split(b"\r\n")[0].decode(), f"{len(body)} B",
              flush=True)
        count -= 1
        if count == 0:
            break


def put(nats, service, path, body):
    """Published, and acknowledged by the stream: the line that the server responds with."""
    name = secrets.token_hex(16)
    request = f"POST {path} HTTP/1.1\r\nHost: {service}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    fields = {
        "Nats-Msg-Id": name, "ce-id": name, "ce-specversion": "1.0", "ce-type": "io.shadowtap.request.v1",
        "ce-source": f"records.py://{socket.gethostname()}/{name[:16]}",
        "ce-time": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "ce-datacontenttype": "application/http;msgtype=request",
    }
    head = ("NATS/1.0\r\n" + "".join(f"{key}: {value}\r\n" for key, value in fields.items()) + "\r\n").encode()
    nats.say("SUB _INBOX.records.* 1")
    # any partition will do; shadowtap's own choice is that of the id
    subject = f"st.v1.{service}.req.{int(name[16:], 16) % PARTITIONS:02}"
    nats.say(f"HPUB {subject} _INBOX.records.{name} {len(head)} {len(head) + len(request)}", head + request)
    _, headers, said = next(nats.messages())
    if not said or "error" in json.loads(said):
        sys.exit(f"not stored: {said.decode() or 'no stream ' + str(headers)}")
    print(f"{name} {said.decode()}")


def main(words):
    if not 3 <= len(words) <= 5 or words[0] not in ("listen", "put") or (words[0] == "put" and len(words) < 4):
        sys.exit("usage: " + __doc__.partition("\n\n")[0])
    nats, service, more = Nats(words[1]), words[2], words[3:]
    if words[0] == "put":
        put(nats, service, more[0], more[1].encode() if more[1:] else b"")
    else:
        listen(nats, service, int(more[0]) if more else 0)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"records.py: {error}")
