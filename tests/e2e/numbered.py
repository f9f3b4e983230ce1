#!/usr/bin/python3
"""numbered.py PORT CONNECTIONS [HOST] - keep-alive POSTs until SIGTERM, each with its connection's number and its own

The target of the n-th request of connection c is /v1/models/c:predict?n. Whoever
captures in the middle of it must have a run of numbers of each connection
without a hole, and none twice. With every hundredth request the connection ends
and another begins, so that connections begin and end while somebody captures.
"""
import selectors
import signal
import socket
import sys

REQUESTS = 100
BODY = b"x" * 300


class Connection:
    number = 0

    def __init__(self, address):
        Connection.number += 1
        self.name, self.sent = Connection.number, 0
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send()

    def send(self):
        head = f"POST /v1/models/{self.name}:predict?{self.sent} HTTP/1.1\r\nHost: m\r\nContent-Length: {len(BODY)}\r\n\r\n"
        self.socket.sendall(head.encode() + BODY)
        self.sent += 1


def main():
    address = (sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1", int(sys.argv[1]))
    over = []
    signal.signal(signal.SIGTERM, lambda *_: over.append(True))
    ready = selectors.DefaultSelector()

    def begin():
        connection = Connection(address)
        ready.register(connection.socket, selectors.EVENT_READ, connection)

    for _ in range(int(sys.argv[2])):
        begin()
    while not over:
        for key, _ in ready.select(0.1):
            connection = key.data
            # answers are short: one segment, so one read is one answer
            if not connection.socket.recv(65536):
                sys.exit(f"connection {connection.name}: the server closed it")
            if connection.sent < REQUESTS:
                connection.send()
                continue
            ready.unregister(connection.socket)
            connection.socket.close()
            begin()


if __name__ == "__main__":
    main()
