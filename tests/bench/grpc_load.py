#!/usr/bin/python3
"""grpc_load.py - unary calls of gRPC by grpcio, as many as it can: what tests/bench/run records

usage: grpc_load.py serve ADDRESS
       grpc_load.py call ADDRESS CONNECTIONS AT_A_TIME BYTES COUNT

COUNT calls are shared by CONNECTIONS, each with AT_A_TIME of them under way.
"""
import concurrent.futures
import sys
import threading

import grpc

METHOD = "/inference.GRPCInferenceService/ModelInfer"
ANSWER = b"\n\x05bench\x12\x011"


class Handlers(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda message, context: ANSWER)


def serve(address):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers([Handlers()])
    if not server.add_insecure_port(address):
        sys.exit(f"grpc_load.py: cannot listen on {address}")
    server.start()
    server.wait_for_termination()


class Caller(threading.Thread):
    """One connection."""

    def __init__(self, address, at_a_time, message, count):
        super().__init__()
        self.address, self.at_a_time, self.message, self.count, self.succeeded = address, at_a_time, message, count, 0
        self.free = threading.Semaphore(at_a_time)

    def ended(self, call):
        self.succeeded += call.code() == grpc.StatusCode.OK
        self.free.release()

    def run(self):
        # Channels share a connection otherwise.
        with grpc.insecure_channel(self.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            method = channel.unary_unary(METHOD)
            for _ in range(self.count):
                self.free.acquire()
                method.future(self.message).add_done_callback(self.ended)
            for _ in range(self.at_a_time):
                self.free.acquire() # the last ones have ended


def call(address, connections, at_a_time, size, count):
    callers = [Caller(address, at_a_time, b"x" * size, count // connections) for _ in range(connections)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    print(f"{sum(caller.succeeded for caller in callers)} succeeded")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"] and len(sys.argv) == 3:
        serve(sys.argv[2])
    elif sys.argv[1:2] == ["call"] and len(sys.argv) == 7:
        call(sys.argv[2], *map(int, sys.argv[3:]))
    else:
        sys.exit(__doc__)
