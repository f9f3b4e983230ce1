/*
 * frame_list.c - see frame_list.h
 *
 * For -w: when a segment turns out to be wanted, the packets of its earlier
 * fragments are long gone from the source.
 */
#include "capture/frame_list.h"

#include <stdlib.h>
#include <string.h>

struct kept_frame {
	struct kept_frame *next;
	struct packet packet; /* its bytes are those below */
	uint8_t bytes[];
};

bool frame_list_add(struct frame_list *list, const struct packet *packet)
{
	struct kept_frame *f = malloc(sizeof(*f) + packet->bytes.len);

	if (!f)
		return false;
	memcpy(f->bytes, packet->bytes.at, packet->bytes.len);
	f->packet = *packet;
	f->packet.bytes = span_of(f->bytes, packet->bytes.len);
	f->next = NULL;
	if (list->last)
		list->last->next = f;
	else
		list->first = f;
	list->last = f;
	list->bytes += sizeof(*f) + packet->bytes.len;
	return true;
}

void frame_list_join(struct frame_list *to, struct frame_list *from)
{
	if (!from->first)
		return;
	if (to->last)
		to->last->next = from->first;
	else
		to->first = from->first;
	to->last = from->last;
	to->bytes += from->bytes;
	*from = (struct frame_list){ 0 };
}

void frame_list_lend(const struct frame_list *list, packet_fn *fn, void *ctx)
{
	for (const struct kept_frame *f = list->first; f; f = f->next)
		fn(ctx, &f->packet);
}

void frame_list_deinit(struct frame_list *list)
{
	while (list->first) {
		struct kept_frame *f = list->first;

		list->first = f->next;
		free(f);
	}
	*list = (struct frame_list){ 0 };
}
