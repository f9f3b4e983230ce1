/* frame_list.h - copies of packets in the order in which they came */
#ifndef CAPTURE_FRAME_LIST_H
#define CAPTURE_FRAME_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/decode.h"

struct kept_frame;

/** struct frame_list - the zero value is an empty list */
struct frame_list {
	struct kept_frame *first, *last;
	size_t bytes; /* of memory */
};

/** frame_list_add() - append a copy of @packet; false, with the list as it was, when out of memory */
bool frame_list_add(struct frame_list *list, const struct packet *packet);

/** frame_list_join() - move all of @from to the end of @to */
void frame_list_join(struct frame_list *to, struct frame_list *from);

/** frame_list_lend() - each packet in turn, borrowed for the call */
void frame_list_lend(const struct frame_list *list, packet_fn *fn, void *ctx);

void frame_list_deinit(struct frame_list *list);

#endif
