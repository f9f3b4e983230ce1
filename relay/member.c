/* member.c - see member.h */
#include "relay/member.h"

#include <errno.h>

#include "base/json.h"
#include "base/json_doc.h"

void member_write(const struct partition_set *reads, uint64_t beat, struct buffer *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	json_count(&j, "version", 1);
	json_count(&j, "beat", beat);
	json_key(&j, "reads");
	json_open(&j, '[');
	for (uint32_t p = 0; p < OWNERSHIP_PARTITIONS_MAX; p++)
		if (partition_set_has(reads, p))
			json_uint(&j, p);
	json_close(&j, ']');
	json_close(&j, '}');
}

static int read_reads(const struct json_doc *d, struct partition_set *reads)
{
	uint32_t list = json_doc_member(d, 0, SPAN_LITERAL("reads")), at = list + 1;
	uint64_t p;

	if (!list || d->nodes[list].type != JSON_ARRAY)
		return -EINVAL;
	for (uint32_t i = 0; i < d->nodes[list].count; i++, at = d->nodes[at].next) {
		if (!json_doc_uint(d, at, &p) || p >= OWNERSHIP_PARTITIONS_MAX)
			return -EINVAL;
		partition_set_add(reads, (uint32_t)p);
	}
	return 0;
}

int member_read(struct span text, struct partition_set *reads)
{
	struct json_doc d = { 0 };
	int err = json_doc_parse(&d, text);

	*reads = (struct partition_set){ { 0 } };
	if (err == 0)
		err = read_reads(&d, reads);
	json_doc_deinit(&d);
	return err == -EFBIG ? -EINVAL : err;
}
