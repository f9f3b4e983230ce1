/*
 * broker_prober.c - see broker_prober.h
 */
#include "app/doctor/broker_prober.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/subjects.h"

#define CONNECT_NS (3 * NS_PER_S)
#define CLOSE_NS NS_PER_S

struct broker_prober {
	struct nats_link *link[BROKERS_MAX];
	const struct broker_url *url[BROKERS_MAX];
	bool is_source[BROKERS_MAX];
	size_t count;
	const char *group;
};

static int add(struct broker_prober *p, const struct broker_options *given, bool is_source, struct buffer *error)
{
	struct broker_options broker = *given;
	char inbox[SUBJECT_MAX];
	int err;

	if (broker.url->host_count == 0)
		return 0;
	broker.name = "shadowtap doctor";
	broker.inbox = is_source ? inbox_replayer("doctor", inbox) : inbox_tap("doctor", inbox);
	err = nats_link_new(&broker, &p->link[p->count], error);
	if (err < 0)
		return err;
	p->url[p->count] = broker.url;
	p->is_source[p->count++] = is_source;
	return 0;
}

int broker_prober_new(const struct broker_options *target, const struct broker_options *source, const char *group,
		      struct broker_prober **out, struct buffer *error)
{
	struct broker_prober *p = calloc(1, sizeof(*p));
	int err = p ? add(p, target, false, error) : -ENOMEM;

	if (err == 0)
		err = add(p, source, true, error);
	if (p)
		p->group = group;
	*out = err == 0 && p->count > 0 ? p : NULL;
	if (!*out)
		broker_prober_free(p);
	return err;
}

static void ask(struct nats_link *link, struct broker_view *view)
{
	struct buffer error = { 0 };
	struct mono began = mono_now();

	view->err = nats_link_connect(link, CONNECT_NS, &error);
	view->connect_ns = mono_now().ns - began.ns;
	if (view->err < 0)
		snprintf(view->why, sizeof(view->why), "%s", error.len ? buffer_text(&error) : "out of memory");
	else
		broker_look(link, view, wall_now().ns);
	nats_link_close(link, CLOSE_NS);
	buffer_deinit(&error);
}

size_t broker_prober_ask(struct broker_prober *p, struct broker_view *views)
{
	for (size_t i = 0; p && i < p->count; i++) {
		views[i] = (struct broker_view){
			.shown = p->url[i]->shown,
			.service = p->url[i]->service,
			.group = p->group,
			.is_source = p->is_source[i],
		};
		ask(p->link[i], &views[i]);
	}
	return p ? p->count : 0;
}

void broker_prober_free(struct broker_prober *p)
{
	for (size_t i = 0; p && i < p->count; i++)
		nats_link_free(p->link[i]);
	free(p);
}
