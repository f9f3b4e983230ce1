"""kserve.py - the messages of the KServe v2 gRPC protocol, written and read by hand

The protocol is a handful of messages with small field numbers, so that a
writer and a reader of protobuf's wire format are shorter than the files that a
code generator would need. Only what the service and the clients of these tests
say to each other is here.
"""
import random
import struct

SERVICE = "/inference.GRPCInferenceService/"
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MODEL = "digits"
FEATURES, CLASSES = 64, 10


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, value):
    """One field: int as varint; str, bytes and bytearray length-delimited; nothing for the default."""
    if isinstance(value, int):
        return varint(number << 3 | VARINT) + varint(value) if value else b""
    data = value.encode() if isinstance(value, str) else bytes(value)
    return varint(number << 3 | BYTES) + varint(len(data)) + data


def optional(number, text):
    return field(number, text) if text else b""


def packed(values):
    return b"".join(map(varint, values))


def take_varint(data, at):
    shift = number = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
        if shift > 63:
            raise ValueError("a varint of more than ten bytes")


def fields(data):
    """The fields of a message as they come: (number, int or bytes). ValueError or IndexError when it is none."""
    at = 0
    while at < len(data):
        key, at = take_varint(data, at)
        kind = key & 7
        if kind == VARINT:
            value, at = take_varint(data, at)
        elif kind in (FIXED32, FIXED64, BYTES):
            size, at = take_varint(data, at) if kind == BYTES else (4 if kind == FIXED32 else 8, at)
            if at + size > len(data):
                raise ValueError("a field is longer than its message")
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"wire type {kind}")
        yield key >> 3, value


def first(data, number, default=b""):
    return next((value for n, value in fields(data) if n == number), default)


def text(data, number):
    return first(data, number).decode()


def unpacked(data):
    at, values = 0, []
    while at < len(data):
        value, at = take_varint(data, at)
        values.append(value)
    return values


def tensor(name, datatype, shape, contents=b""):
    """InferInputTensor, InferOutputTensor: 1 name, 2 datatype, 3 shape, 5 contents."""
    message = field(1, name) + field(2, datatype) + field(3, packed(shape))
    return message + (field(5, contents) if contents else b"")


def floats(values):
    """InferTensorContents with fp32_contents (6)."""
    return field(6, struct.pack(f"<{len(values)}f", *values))


def infer_request(number, raw=True, rows=1, model=MODEL):
    """ModelInferRequest: 1 model_name, 3 id, 5 inputs, 7 raw_input_contents. Made from @number alone."""
    rng = random.Random(number)
    values = [round(rng.random() * 16, 2) for _ in range(rows * FEATURES)]
    contents = b"" if raw else floats(values)
    message = field(1, model) + field(3, f"g{number}") + field(5, tensor("x", "FP32", [rows, FEATURES], contents))
    return message + (field(7, struct.pack(f"<{len(values)}f", *values)) if raw else b"")


def infer_inputs(request):
    """(model, id, raw?, shape, little-endian FP32 bytes) of a ModelInferRequest."""
    x = first(request, 5)
    raw = [value for number, value in fields(request) if number == 7]
    data = raw[0] if raw else first(first(x, 5), 6)
    return text(request, 1), text(request, 3), bool(raw), unpacked(first(x, 3)), data


def infer_response(version, call_id, raw, shape, data):
    """ModelInferResponse: 1 model_name, 2 model_version, 3 id, 5 outputs, 6 raw_output_contents."""
    output = tensor("p", "FP32", shape, b"" if raw else field(6, data))
    message = field(1, MODEL) + field(2, version) + optional(3, call_id) + field(5, output)
    return message + (field(6, data) if raw else b"")


def framed(*messages):
    """The body of a call: each message behind its prefix of a flag and a length."""
    return b"".join(struct.pack(">BI", 0, len(m)) + m for m in messages)
