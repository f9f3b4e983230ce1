/* key_log.c - see key_log.h */
#include "tls/key_log.h"

#include <openssl/crypto.h>

#define MASTER_BYTES 48
#define SHA256_BYTES 32
#define SHA384_BYTES 48

static const struct {
	struct span label;
	enum tls_secret_kind kind;
	size_t len, other_len;
} labels[] = {
	{ SPAN_LITERAL("CLIENT_RANDOM"), TLS_MASTER_SECRET, MASTER_BYTES, MASTER_BYTES },
	{ SPAN_LITERAL("CLIENT_EARLY_TRAFFIC_SECRET"), TLS_CLIENT_EARLY, SHA256_BYTES, SHA384_BYTES },
	{ SPAN_LITERAL("CLIENT_TRAFFIC_SECRET_0"), TLS_CLIENT_TRAFFIC, SHA256_BYTES, SHA384_BYTES },
	{ SPAN_LITERAL("SERVER_TRAFFIC_SECRET_0"), TLS_SERVER_TRAFFIC, SHA256_BYTES, SHA384_BYTES },
	{ SPAN_LITERAL("CLIENT_HANDSHAKE_TRAFFIC_SECRET"), TLS_CLIENT_HANDSHAKE, SHA256_BYTES, SHA384_BYTES },
	{ SPAN_LITERAL("SERVER_HANDSHAKE_TRAFFIC_SECRET"), TLS_SERVER_HANDSHAKE, SHA256_BYTES, SHA384_BYTES },
};

/** take_word() - up to the next space, which is dropped, or all; empty where there is none */
static struct span take_word(struct span *line)
{
	const uint8_t *space = line->len ? memchr(line->at, ' ', line->len) : NULL;
	struct span word = span_of(line->at, 0);

	span_take(line, space ? (size_t)(space - line->at) : line->len, &word);
	span_skip(line, 1);
	return word;
}

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/** decode() - pairs of digits, and nothing else; @out has room for @max bytes */
static bool decode(struct span digits, uint8_t *out, size_t max)
{
	if (digits.len % 2 || digits.len / 2 > max)
		return false;
	for (size_t i = 0; i < digits.len; i += 2) {
		int high = digit(digits.at[i]), low = digit(digits.at[i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool is_label(struct span word)
{
	if (word.len == 0)
		return false;
	for (size_t i = 0; i < word.len; i++)
		if (!((word.at[i] >= 'A' && word.at[i] <= 'Z') || (word.at[i] >= '0' && word.at[i] <= '9') || word.at[i] == '_'))
			return false;
	return true;
}

static enum key_log_line read_entry(size_t label, struct span line, struct key_log_entry *out)
{
	struct span random = take_word(&line), secret = line;

	out->kind = labels[label].kind;
	out->secret_len = secret.len / 2;
	if (random.len != 2 * TLS_RANDOM_BYTES ||
	    (out->secret_len != labels[label].len && out->secret_len != labels[label].other_len) ||
	    !decode(random, out->random, sizeof(out->random)) || !decode(secret, out->secret, sizeof(out->secret))) {
		OPENSSL_cleanse(out, sizeof(*out));
		return KEY_LOG_MALFORMED;
	}
	return KEY_LOG_SECRET;
}

enum key_log_line key_log_line(struct span line, struct key_log_entry *out)
{
	struct span label;

	while (line.len > 0 && (line.at[line.len - 1] == ' ' || line.at[line.len - 1] == '\t'))
		line.len--;
	if (line.len == 0 || line.at[0] == '#')
		return KEY_LOG_EMPTY;
	label = take_word(&line);
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (span_equal(label, labels[i].label))
			return read_entry(i, line, out);
	return is_label(label) && line.len > 0 ? KEY_LOG_OTHER : KEY_LOG_MALFORMED;
}

/** label_at() - does a label that is known, with the space behind it, begin @line? */
static bool label_at(struct span line)
{
	struct span word = take_word(&line);

	for (size_t i = 0; line.len > 0 && i < sizeof(labels) / sizeof(labels[0]); i++)
		if (span_equal(word, labels[i].label))
			return true;
	return false;
}

/** is_cut_label() - does one that is known begin with @word, and go on? */
static bool is_cut_label(struct span word)
{
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (word.len < labels[i].label.len && span_starts(labels[i].label, word))
			return true;
	return false;
}

/**
 * join_in() - where in @line, which is none, the last line begins that may be one; 0: nowhere
 *
 * Who writes may end within a line, and who writes next goes on there. Digits have no letter that labels begin with.
 */
static size_t join_in(struct span line, enum key_log_line what)
{
	struct span rest = line, label = take_word(&rest);
	size_t from = line.len;

	while (--from > 0)
		if (label_at(span_of(line.at + from, line.len - from)))
			break;
	if (what == KEY_LOG_OTHER && (from >= label.len || !is_cut_label(span_of(line.at, from))))
		return 0;
	return from;
}

static void tell_line(const struct key_log_sink *sink, enum key_log_line line, struct key_log_entry *entry)
{
	if (line == KEY_LOG_SECRET) {
		sink->on_entry(sink->ctx, entry);
		OPENSSL_cleanse(entry, sizeof(*entry));
	}
	if (sink->on_line)
		sink->on_line(sink->ctx, line);
}

static void take_line(struct key_log *log, const struct key_log_sink *sink)
{
	struct span text = span_of(log->line, log->len);
	struct key_log_entry entry;
	enum key_log_line line = log->skipping ? KEY_LOG_MALFORMED : key_log_line(text, &entry);
	size_t join = 0;

	if ((line == KEY_LOG_MALFORMED || line == KEY_LOG_OTHER) && text.len > 0 && !log->skipping)
		join = join_in(text, line);
	if (join > 0) {
		tell_line(sink, KEY_LOG_MALFORMED, &entry);
		span_skip(&text, join);
		line = key_log_line(text, &entry);
	}
	tell_line(sink, line, &entry);
	OPENSSL_cleanse(log->line, log->len);
	log->len = 0;
	log->skipping = false;
}

/** length_of_line() - bytes before the end of a line, or all */
static size_t length_of_line(struct span bytes)
{
	const uint8_t *lf = memchr(bytes.at, '\n', bytes.len);
	size_t len = lf ? (size_t)(lf - bytes.at) : bytes.len;
	const uint8_t *cr = memchr(bytes.at, '\r', len);

	return cr ? (size_t)(cr - bytes.at) : len;
}

static void add_to_line(struct key_log *log, struct span part)
{
	if (part.len > sizeof(log->line) - log->len) {
		log->skipping = true;
		return;
	}
	memcpy(log->line + log->len, part.at, part.len);
	log->len += part.len;
}

void key_log_feed(struct key_log *log, struct span bytes, const struct key_log_sink *sink)
{
	struct span part;
	uint8_t end;

	while (bytes.len > 0) {
		if (log->after_cr && bytes.at[0] == '\n')
			span_skip(&bytes, 1);
		log->after_cr = false;
		if (bytes.len == 0 || !span_take(&bytes, length_of_line(bytes), &part))
			return;
		if (part.len > 0 && !log->skipping)
			add_to_line(log, part);
		if (!span_u8(&bytes, &end))
			return;
		take_line(log, sink);
		log->after_cr = end == '\r';
	}
}

void key_log_end(struct key_log *log, const struct key_log_sink *sink)
{
	if (log->len > 0 || log->skipping)
		take_line(log, sink);
	OPENSSL_cleanse(log, sizeof(*log));
}

static void add_digits(struct buffer *out, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++)
		buffer_add(out, (char[]){ digits[bytes[i] >> 4], digits[bytes[i] & 15] }, 2);
}

void key_log_write(struct buffer *out, const struct key_log_entry *entry)
{
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (labels[i].kind == entry->kind)
			buffer_add_span(out, labels[i].label);
	buffer_add(out, " ", 1);
	add_digits(out, entry->random, sizeof(entry->random));
	buffer_add(out, " ", 1);
	add_digits(out, entry->secret, entry->secret_len);
	buffer_add(out, "\n", 1);
}
