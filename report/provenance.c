/* provenance.c - see provenance.h */
#include "report/provenance.h"

#include <stdio.h>
#include <string.h>

void document_texts_json(struct json *j, const char *name, const struct document_texts *list)
{
	json_key(j, name);
	json_open(j, '[');
	for (size_t i = 0; i < list->count; i++)
		json_str(j, list->at[i]);
	json_close(j, ']');
}

/** name_of() - of "NAME=VALUE" */
static struct span name_of(const char *label)
{
	return span_of(label, strcspn(label, "="));
}

static bool comes_again(const struct document_texts *labels, size_t i)
{
	for (size_t k = i + 1; k < labels->count; k++)
		if (span_equal(name_of(labels->at[i]), name_of(labels->at[k])))
			return true;
	return false;
}

static void labels_json(struct json *j, const struct document_texts *labels)
{
	json_key(j, "labels");
	json_open(j, '{');
	for (size_t i = 0; i < labels->count; i++) {
		struct span name = name_of(labels->at[i]);
		char text[LABEL_NAME_TEXT];

		if (comes_again(labels, i))
			continue;
		snprintf(text, sizeof(text), "%.*s", (int)name.len, (const char *)name.at);
		json_key(j, text);
		json_str(j, labels->at[i][name.len] ? labels->at[i] + name.len + 1 : "");
	}
	json_close(j, '}');
}

static void time_or_null(struct json *j, const char *name, struct wall at)
{
	char text[TIME_TEXT_MAX];

	json_text_or_null(j, name, at.ns ? time_text(at, text) : NULL);
}

void provenance_json(const struct provenance *p, struct json *j)
{
	json_text_or_null(j, "title", p->title);
	labels_json(j, &p->labels);
	json_text_or_null(j, "host", p->host);
	json_text_or_null(j, "user", p->user);
	json_key(j, "source");
	json_open(j, '{');
	document_texts_json(j, "interfaces", &p->interfaces);
	document_texts_json(j, "files", &p->files);
	json_close(j, '}');
	document_texts_json(j, "options", &p->options);
	time_or_null(j, "first_request", p->first);
	time_or_null(j, "last_request", p->last);
}
