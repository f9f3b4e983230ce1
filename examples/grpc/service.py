#!/usr/bin/python3
"""service.py v1|v2 PORT - a model behind gRPC, in two versions

v1 has its weights in 32-bit floating point, as it runs in production; v2 is the
same model with weights of 4 bits, an eighth of the memory, that wants to take its
place. The service is KServe's v2 protocol (inference.proto): tensors come and go
in raw_*_contents, or, for clients that send them so, in fp32_contents.
"""
import concurrent.futures
import sys

import grpc
import numpy

import inference_pb2 as pb
import patterns

SERVICE = "inference.GRPCInferenceService"


def learn():
    """Weights by least squares, from 4,000 examples."""
    rows, labels = patterns.samples(4000, seed=2)
    return numpy.linalg.lstsq(rows, numpy.eye(patterns.CLASSES)[labels] * 8, rcond=None)[0].astype("f4")


def quantised(weights):
    """What is left of them in 4 bits, with one scale for each class."""
    scale = numpy.abs(weights).max(axis=0) / 7
    return numpy.round(weights / scale).astype("i1") * scale


class Model:
    def __init__(self, version):
        weights = learn()
        self.version, self.weights = version, quantised(weights) if version == "v2" else weights

    def probabilities(self, rows):
        z = rows @ self.weights
        z = numpy.exp(z - z.max(axis=1, keepdims=True))
        return (z / z.sum(axis=1, keepdims=True)).astype("<f4")

    def ready(self, _call, _context):
        return pb.ModelReadyResponse(ready=True)

    def answer(self, call):
        """The response to one ModelInferRequest; ValueError if that makes no sense."""
        if call.model_name != "patterns" or len(call.inputs) != 1:
            raise ValueError("one input for the model \"patterns\" expected")
        x, raw = call.inputs[0], bool(call.raw_input_contents)
        values = numpy.frombuffer(call.raw_input_contents[0], "<f4") if raw else numpy.array(x.contents.fp32_contents, "f4")
        p = self.probabilities(values.reshape(list(x.shape)))
        response = pb.ModelInferResponse(model_name=call.model_name, model_version=self.version, id=call.id)
        output = response.outputs.add(name="p", datatype="FP32", shape=p.shape)
        if raw:
            response.raw_output_contents.append(p.tobytes())
        else:
            output.contents.fp32_contents.extend(p.ravel())
        return response

    def infer(self, call, context):
        try:
            return self.answer(call)
        except ValueError as error:
            return context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

    def stream_infer(self, calls, _context):
        for call in calls:
            try:
                yield pb.ModelStreamInferResponse(infer_response=self.answer(call))
            except ValueError as error:
                yield pb.ModelStreamInferResponse(error_message=str(error))


def handlers(model):
    def row(make, function, request):
        return make(function, request_deserializer=request.FromString, response_serializer=lambda m: m.SerializeToString())
    return grpc.method_handlers_generic_handler(SERVICE, {
        "ModelReady": row(grpc.unary_unary_rpc_method_handler, model.ready, pb.ModelReadyRequest),
        "ModelInfer": row(grpc.unary_unary_rpc_method_handler, model.infer, pb.ModelInferRequest),
        "ModelStreamInfer": row(grpc.stream_stream_rpc_method_handler, model.stream_infer, pb.ModelInferRequest),
    })


def main(version, port):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers([handlers(Model(version))])
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
