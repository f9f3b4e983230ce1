#!/usr/bin/python3
"""tagger.py [--lose N] IN OUT [TAG...] - copy every frame of interface IN to interface OUT with VLAN tags put in front

A switch port that mirrors a trunk, made of two packet sockets: it needs no
kernel support for VLAN interfaces. Two TAGs make QinQ, the first is the outer.
With --lose about one frame in N is left out, as an overloaded mirror port does;
the same frames in every run.
"""
import argparse
import random
import socket
import struct

ETH_P_ALL, TPID_OUTER, TPID = 3, 0x88A8, 0x8100


def tags(numbers):
    """The tag bytes that go between the addresses and the type."""
    wire = b""
    for i, number in enumerate(numbers):
        wire += struct.pack("!HH", TPID_OUTER if i + 1 < len(numbers) else TPID, number)
    return wire


def main():
    parser = argparse.ArgumentParser(description="copy frames, with VLAN tags put in front")
    parser.add_argument("--lose", type=int, metavar="N", default=0)
    parser.add_argument("inward")
    parser.add_argument("outward")
    parser.add_argument("tag", type=int, nargs="*")
    args = parser.parse_args()
    inward = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    inward.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    inward.bind((args.inward, 0))
    outward = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    outward.bind((args.outward, 0))
    wire, rng = tags(args.tag), random.Random(1)
    print("copying", flush=True)
    while True:
        frame = inward.recv(1 << 17)
        if not args.lose or rng.randrange(args.lose):
            outward.send(frame[:12] + wire + frame[12:])


if __name__ == "__main__":
    main()
