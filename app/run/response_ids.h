/*
 * response_ids.h - which handed-over request a response of production belongs to
 *
 * The lane ties a response to its request by a token; what goes to a broker names
 * the request by its wire id. So ids are kept by token from the request until its
 * response, or the word that there is none, comes: each is taken once. A table of a
 * fixed size, with what does not fit refused: that request is handed over as one
 * whose response will not come.
 */
#ifndef APP_RUN_RESPONSE_IDS_H
#define APP_RUN_RESPONSE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "message/message.h"

#define RESPONSE_IDS_MAX 65536

struct response_ids;

struct response_ids *response_ids_new(void);
void response_ids_free(struct response_ids *t);

/** response_ids_add() - @token, which is not 0 and not in it; false if it is full */
bool response_ids_add(struct response_ids *t, uint64_t token, struct wire_id id);

/** response_ids_take() - the id of @token, which is forgotten; false if it is not in it */
bool response_ids_take(struct response_ids *t, uint64_t token, struct wire_id *out);

#endif
