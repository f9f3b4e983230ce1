"""world_grpc.py - gRPC in the world of our documents: calls as model servers get them, and an answer to each

python-h2 on both sides: it needs no code that a compiler of .proto files has made.
"""
import socket
import struct
import sys

import h2.config
import h2.connection
import h2.events

METHODS = ("/inference.GRPCInferenceService/ModelInfer", "/tensorflow.serving.PredictionService/Predict", "/shop.Ranking/Rank",
           "/grpc.health.v1.Health/Check")
CALLS_OF_A_CONNECTION = 20


def framed(message):
    return struct.pack(">BI", 0, len(message)) + message


async def answer(start, reader, writer):
    """Serve a connection that began with @start: each call gets an empty message and the status OK."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    data = start
    while data:
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.DataReceived):
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                connection.send_headers(event.stream_id, [(":status", "200"), ("content-type", "application/grpc")])
                connection.send_data(event.stream_id, framed(b""))
                connection.send_headers(event.stream_id, [("grpc-status", "0")], end_stream=True)
        writer.write(connection.data_to_send())
        await writer.drain()
        data = await reader.read(65536)


def call(connection, client, path):
    """One call, and its answer."""
    stream = connection.get_next_available_stream_id()
    connection.send_headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "model.example"),
                                     ("content-type", "application/grpc"), ("te", "trailers"), ("authorization", "Bearer production")])
    connection.send_data(stream, framed(b"\x0a\x06digits"), end_stream=True)
    client.sendall(connection.data_to_send())
    while True:
        data = client.recv(65536)
        if not data:
            sys.exit("the service closed the connection")
        events = connection.receive_data(data)
        client.sendall(connection.data_to_send())
        if any(isinstance(event, h2.events.StreamEnded) for event in events):
            return


def load(count, host, port):
    for begin in range(0, count, CALLS_OF_A_CONNECTION):
        with socket.create_connection((host, port), 10) as client:
            connection = h2.connection.H2Connection()
            connection.initiate_connection()
            for i in range(begin, min(count, begin + CALLS_OF_A_CONNECTION)):
                call(connection, client, METHODS[i % len(METHODS)])
