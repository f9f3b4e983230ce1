/* fuzz_jetstream.c - any bytes as what JetStream responds: read, or refused, and then by a name that the header lists */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relay/jetstream_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_known(int err)
{
	return err == 0 || err == -ENOENT || err == -EEXIST || err == -ENOTSUP || err == -EDQUOT || err == -EREMOTEIO ||
	       err == -EBADMSG;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);
	struct jetstream_message m = { 0 };
	struct jetstream_consumer c;
	struct jetstream_account a;
	struct jetstream_stream s;
	struct buffer why = { 0 };
	int done = jetstream_read_done(text, &why), stream = jetstream_read_stream(text, "st.v1.x.>", &s, NULL);
	int consumer = jetstream_read_consumer(text, &c, NULL), message = jetstream_read_message(text, &m, NULL);
	int account = jetstream_read_account(text, &a, NULL);

	if (!is_known(done) || !is_known(stream) || !is_known(consumer) || !is_known(message) || account != done)
		abort();
	if (done < 0 && (stream != done || consumer != done || message != done)) /* an error is one, whatever was asked */
		abort();
	if (consumer == 0 && (c.name[0] == '\0' || strpbrk(c.name, " .*>\r\n"))) /* it goes into a subject */
		abort();
	if (message == 0 && m.place == 0)
		abort();
	if (stream == 0 && (s.max_age_ns < 0 || s.duplicates_ns < 0 || (s.last == 0 && s.last_at.ns != 0)))
		abort();
	jetstream_message_deinit(&m);
	buffer_deinit(&why);
	return 0;
}
