/*
 * grpc_tf.h - tensorflow.serving.PredictionService: responses to Predict; types of Classify, Regress and
 * MultiInference
 */
#ifndef COMPARE_GRPC_TF_H
#define COMPARE_GRPC_TF_H

#include "base/digest.h"
#include "compare/grpc/proto_types.h"
#include "compare/tensors/tensor_form.h"

/**
 * grpc_tf_read() - a PredictResponse, its outputs in the order of their names
 * Content as bytes, as typed values, and as one value for the whole shape are the same.
 * @max_len:  most bytes of the form
 *
 * Return: 0; -EBADMSG: no message; -EINVAL: values and shape do not go together; -ENOTSUP: a type of elements
 * that tensors.h does not know; -EFBIG; -ENOMEM.
 */
int grpc_tf_read(struct span message, uint64_t max_len, struct digest *digest, struct tensor_form *out);

/** grpc_tf_type() - what another method responds with; NULL: not known */
const struct proto_type *grpc_tf_type(struct span method);

#endif
