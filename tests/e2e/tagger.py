#!/usr/bin/python3
"""tagger.py IN OUT TAG... - copy every frame of interface IN to interface OUT with VLAN tags put in front

A switch port that mirrors a trunk, made of two packet sockets: it needs no
kernel support for VLAN interfaces. Two TAGs make QinQ, the first is the outer.
"""
import socket
import struct
import sys

ETH_P_ALL, TPID_OUTER, TPID = 3, 0x88A8, 0x8100


def tags(numbers):
    """The tag bytes that go between the addresses and the type."""
    wire = b""
    for i, number in enumerate(numbers):
        wire += struct.pack("!HH", TPID_OUTER if i + 1 < len(numbers) else TPID, number)
    return wire


def main():
    inward = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    inward.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    inward.bind((sys.argv[1], 0))
    outward = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    outward.bind((sys.argv[2], 0))
    wire = tags([int(number) for number in sys.argv[3:]])
    print("copying", flush=True)
    while True:
        frame = inward.recv(1 << 17)
        outward.send(frame[:12] + wire + frame[12:])


if __name__ == "__main__":
    main()
