/* multipath.c - see multipath.h */
#include "reassembly/multipath.h"

#include "base/digest.h"
#include "base/span.h"
#include "reassembly/sequence.h"

/** data_begin() - the lower half of the number before the first byte that the owner of @key sends (RFC 8684, 3.1) */
static bool data_begin(uint64_t key, uint32_t *out)
{
	uint8_t bytes[8], sha[DIGEST_SHA256_BYTES];
	struct digest *d = digest_new();
	struct span low;
	bool done;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(key >> (56 - 8 * i));
	done = d && digest_add(d, bytes, sizeof(bytes)) && digest_finish(d, sha);
	digest_free(d);
	low = span_of(sha + sizeof(sha) - 4, 4);
	return done && span_u32(&low, out);
}

static void take_key(struct multipath *m, unsigned dir, uint64_t key)
{
	m->key[dir] = key;
	m->has_key[dir] = true;
}

static void take_keys(struct multipath *m, unsigned dir, const struct mptcp *says)
{
	if (says->version != 1) /* its numbers begin elsewhere: SHA-1 */
		return;
	if (says->seen & MPTCP_OWN_KEY)
		take_key(m, dir, says->own_key);
	if (says->seen & MPTCP_PEER_KEY)
		take_key(m, !dir, says->peer_key);
}

/** take_mapping() - bytes from @ssn on are shifted by @shift; false if those before were not, or @at is not all of it */
static bool take_mapping(struct multipath *m, const struct multipath_place *at, uint32_t shift, uint32_t ssn,
			 uint16_t length)
{
	uint32_t from = at->isn + ssn, end = from + length;

	if (m->is_mapped[at->dir] ? m->shift[at->dir] != shift : at->is_begun)
		return false;
	m->is_used = m->is_mapped[at->dir] = true;
	m->shift[at->dir] = shift;
	if (length == 0) {
		m->is_endless[at->dir] = true;
		return true;
	}
	if (!at->has_isn)
		return true;
	m->end[at->dir] = end;
	m->has_end[at->dir] = true;
	return !seq_before(at->seq, from) && !seq_before(end, at->seq + at->len);
}

/** is_covered() - bytes without a mapping of their own: does one from before hold for them, or are they old? */
static bool is_covered(const struct multipath *m, const struct multipath_place *at)
{
	uint32_t end = at->seq + at->len;

	if (!m->is_mapped[at->dir] || m->is_endless[at->dir])
		return true;
	return (at->is_begun && !seq_before(at->next, end)) || (m->has_end[at->dir] && !seq_before(m->end[at->dir], end));
}

static bool bytes_continue(struct multipath *m, const struct multipath_place *at)
{
	const struct mptcp *says = at->segment->mptcp;
	uint32_t begin;

	if (says && (says->seen & MPTCP_MAPS))
		return take_mapping(m, at, says->dsn - says->ssn, says->ssn, says->length);
	if (!says || !(says->seen & MPTCP_BEGINS) || !m->has_key[at->dir])
		return is_covered(m, at);
	return data_begin(m->key[at->dir], &begin) && take_mapping(m, at, begin, 1, says->length);
}

bool multipath_continues(struct multipath *m, const struct multipath_place *at)
{
	const struct mptcp *says = at->segment->mptcp;

	if (says)
		take_keys(m, at->dir, says);
	if (says && (says->seen & MPTCP_JOINS))
		m->is_over = true;
	else if (at->len > 0 && !bytes_continue(m, at))
		m->is_over = true;
	return !m->is_over;
}

bool multipath_proves(struct multipath *m, unsigned dir)
{
	uint32_t begin;

	if (!m->is_proven[dir] && m->is_mapped[dir] && m->has_key[dir] && data_begin(m->key[dir], &begin))
		m->is_proven[dir] = begin == m->shift[dir];
	return m->is_proven[dir];
}
