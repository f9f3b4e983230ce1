#!/usr/bin/python3
"""idle_server.py PORT [IDLE [ONE_WAY]] - a healthy HTTP/1.1 server that closes connections which were idle for IDLE
seconds (1.0), behind a network of ONE_WAY seconds (0.020) each way: what comes is looked at later, what is sent or
closed arrives later. Prints how many requests it answered and how many came after it had closed their connection.
127.0.0.1 only, stops by itself after 90 s."""
import asyncio, sys

PORT, IDLE, WAY = int(sys.argv[1]), float((sys.argv + ['1.0'])[2]), float((sys.argv + ['', '0.020'])[3] or 0.020)
count = {'answered': 0, 'too late': 0, 'connections': 0}


class Peer(asyncio.Protocol):
    def connection_made(self, transport):
        self.t, self.loop, self.closed, self.data = transport, asyncio.get_running_loop(), False, b''
        count['connections'] += 1
        self.timer = self.loop.call_later(IDLE, self.idle)

    def idle(self):                                  # here: the FIN leaves; over there: WAY later
        self.closed = True
        self.loop.call_later(WAY, self.t.close)

    def data_received(self, data):
        self.loop.call_later(WAY, self.arrives, data)

    def arrives(self, data):
        if self.closed:
            count['too late'] += 1
            return
        self.data += data
        head, sep, rest = self.data.partition(b'\r\n\r\n')
        if not sep:
            return
        length = next((int(l.split(b':')[1]) for l in head.lower().split(b'\r\n') if l.startswith(b'content-length')), 0)
        if len(rest) < length:
            return
        self.data = rest[length:]
        count['answered'] += 1
        self.loop.call_later(WAY, lambda: self.t.is_closing() or self.t.write(b'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=%d\r\nContent-Length: 2\r\n\r\nok' % IDLE))
        self.timer.cancel()
        self.timer = self.loop.call_later(IDLE, self.idle)


async def main():
    server = await asyncio.get_running_loop().create_server(Peer, '127.0.0.1', PORT)
    await asyncio.sleep(90)
    server.close()

try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
print(count)
