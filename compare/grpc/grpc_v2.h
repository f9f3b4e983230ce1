/*
 * grpc_v2.h - inference.GRPCInferenceService: responses to ModelInfer and ModelStreamInfer
 *
 * Of Triton, KServe, MLServer and others (the Open Inference Protocol). Contents as raw bytes and as typed
 * fields are the same.
 */
#ifndef COMPARE_GRPC_V2_H
#define COMPARE_GRPC_V2_H

#include <stdbool.h>

#include "base/span.h"
#include "compare/tensors/tensor_form.h"

/**
 * grpc_v2_read() - a ModelInferResponse
 * @max_len:  most bytes of the form
 *
 * Return: 0; -EBADMSG: no message; -EINVAL: what it says of its outputs is not so, or a type that is not known;
 * -EFBIG; -ENOMEM.
 */
int grpc_v2_read(struct span message, uint64_t max_len, struct tensor_form *out);

/** struct grpc_v2_part - one message of a stream; borrowed from it */
struct grpc_v2_part {
	struct span error;    /* empty: none */
	struct span response; /* a ModelInferResponse */
	struct span id;       /* of the request it belongs to */
	bool ends;            /* it says only that no more come (Triton's triton_final_response) */
};

/** grpc_v2_part_of() - a ModelStreamInferResponse; 0 or -EBADMSG */
int grpc_v2_part_of(struct span message, struct grpc_v2_part *out);

#endif
