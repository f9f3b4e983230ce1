/* direction_trial.c - see direction_trial.h */
#include "tls/direction_trial.h"

#include <openssl/crypto.h>

#define KEY_UPDATES_MAX 2 /* in one gap */

static bool try_numbers(struct direction *d, struct direction_env *env, struct stream_keys *keys, uint64_t from, struct trial *t)
{
	if (t->record.payload.len + RECORD_HEADER_BYTES < suite_record_min(keys->suite))
		return false;
	for (uint64_t n = 0; n <= d->doubt; n++) {
		uint64_t number = from + (d->is_joined ? d->doubt - n : n);

		if ((d->doubt > 0 || d->others) && ++d->trials > TRIALS_MAX)
			return false;
		if (stream_keys_open(keys, &t->record, number, env->room[d->of_server], &t->opened)) {
			t->number = number;
			return true;
		}
	}
	return false;
}

/** try_next_keys() - a gap may hide a KeyUpdate, or two */
static bool try_next_keys(struct direction *d, struct direction_env *env, struct trial *t)
{
	const struct stream_keys *before = &d->keys;
	struct stream_keys next[KEY_UPDATES_MAX] = { 0 };
	int n = 0;

	while (d->keys_doubt && !d->others && n < KEY_UPDATES_MAX && !t->across_keys && stream_keys_next(before, &next[n]) == 0) {
		t->across_keys = try_numbers(d, env, &next[n], 0, t);
		before = &next[n++];
	}
	if (t->across_keys) {
		stream_keys_deinit(&d->keys);
		d->keys = next[--n];
	}
	while (n-- > 0)
		stream_keys_deinit(&next[n]);
	return t->across_keys;
}

static bool try_others(struct direction *d, struct direction_env *env, struct trial *t)
{
	for (size_t i = 0; d->others && i < DIRECTION_OTHERS && d->others[i].suite; i++) {
		struct stream_keys *keys = &d->others[i];

		if (!try_numbers(d, env, keys, d->number, t))
			continue;
		stream_keys_deinit(&d->keys);
		d->keys = *keys;
		OPENSSL_cleanse(keys, sizeof(*keys));
		return true;
	}
	return false;
}

bool direction_try(struct direction *d, struct direction_env *env, struct trial *t)
{
	return try_numbers(d, env, &d->keys, d->number, t) || try_others(d, env, t) || try_next_keys(d, env, t);
}

bool direction_may_open(const struct direction *d, const struct record *r)
{
	if (r->type == RECORD_CHANGE_CIPHER_SPEC)
		return false;
	return direction_is_tls13(d) ? r->type == RECORD_APPLICATION_DATA : d->is_changed;
}
