#!/usr/bin/python3
"""clients.py ready PORT | ask PORT [COUNT] - who uses the patterns service

`ready` ends with 0 when it answers. `ask` is four clients at once, COUNT calls in
all, each on a connection of its own: one sends raw tensors, one typed ones, one
is asynchronous with deadlines and several calls at a time, one sends streams of
a few requests. One call in a hundred is wrong, as in real life.
"""
import asyncio
import concurrent.futures
import random
import sys
import time

import grpc

import inference_pb2 as pb
import patterns

SERVICE = "/inference.GRPCInferenceService/"
PACE = 10.0  # calls a second, each client


def serialize(message):
    return message.SerializeToString()


def stub(make, method, response):
    return make(SERVICE + method, request_serializer=serialize, response_deserializer=response.FromString)


def requests(client, count, raw=True):
    """(due time, ModelInferRequest) of each call of this client; the same in every run."""
    rng, due = random.Random(client), 0.0
    for n in range(count):
        due += rng.expovariate(PACE)
        rows, _ = patterns.samples(rng.choice([1, 1, 1, 1, 2, 4, 8]), seed=rng.randrange(1 << 32))
        request = pb.ModelInferRequest(model_name="patterns", id=f"{client}-{n}")
        x = request.inputs.add(name="x", datatype="FP32", shape=rows.shape)
        if raw:
            request.raw_input_contents.append(rows.tobytes())
        else:
            x.contents.fp32_contents.extend(rows.ravel())
        if rng.random() < 0.01:
            x.shape[1] += 1
        yield due, request


def on_time(items):
    began = time.monotonic()
    for due, request in items:
        time.sleep(max(0.0, began + due - time.monotonic()))
        yield request


def unary(address, client, items):
    with grpc.insecure_channel(address) as channel:
        infer = stub(channel.unary_unary, "ModelInfer", pb.ModelInferResponse)
        for request in on_time(items):
            try:
                infer(request, metadata=[("x-client", client)])
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.INVALID_ARGUMENT:
                    raise


def streams(address, client, items):
    """Each request of this client's is a stream of three: itself, and twice again."""
    with grpc.insecure_channel(address) as channel:
        infer = stub(channel.stream_stream, "ModelStreamInfer", pb.ModelStreamInferResponse)
        for request in on_time(items):
            list(infer(iter([request] * 3), metadata=[("x-client", client)]))


def concurrently(address, client, items):
    async def call(infer, due, request):
        await asyncio.sleep(due)
        try:
            await infer(request, metadata=[("x-client", client)], timeout=10)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.INVALID_ARGUMENT:
                raise

    async def all_of_them():
        async with grpc.aio.insecure_channel(address) as channel:
            infer = stub(channel.unary_unary, "ModelInfer", pb.ModelInferResponse)
            await asyncio.gather(*(call(infer, due, request) for due, request in items))
    asyncio.run(all_of_them())


CLIENTS = [("raw", unary), ("typed", unary), ("async", concurrently), ("stream", streams)]


def ask(address, count):
    shares = [(count + i) // len(CLIENTS) for i in range(len(CLIENTS))]
    with concurrent.futures.ThreadPoolExecutor(len(CLIENTS)) as pool:
        work = [pool.submit(function, address, name, list(requests(name, n, raw=name != "typed")))
                for (name, function), n in zip(CLIENTS, shares)]
        for one in work:
            one.result()


def ready(address):
    with grpc.insecure_channel(address) as channel:
        try:
            asked = stub(channel.unary_unary, "ModelReady", pb.ModelReadyResponse)
            return asked(pb.ModelReadyRequest(name="patterns"), timeout=2).ready
        except grpc.RpcError:
            return False


def main(what, port, count="600"):
    address = f"127.0.0.1:{port}"
    if what == "ready":
        return 0 if ready(address) else 1
    ask(address, int(count))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
