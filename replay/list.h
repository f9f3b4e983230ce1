/*
 * list.h - doubly linked lists whose links live inside the objects
 *
 * A connection is on several lists at once (all that are busy, those that are
 * still opening, those that are idle) and leaves any of them in one step, with
 * nothing to allocate. A link that is on no list points to itself, so removing
 * twice is harmless.
 */
#ifndef REPLAY_LIST_H
#define REPLAY_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define list_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

static inline void list_add_first(struct list *head, struct list *link)
{
	link->next = head->next;
	link->prev = head;
	head->next->prev = link;
	head->next = link;
}

static inline void list_add_last(struct list *head, struct list *link)
{
	list_add_first(head->prev, link);
}

#endif
