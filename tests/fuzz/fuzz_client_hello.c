/* fuzz_client_hello.c - any bytes as the begin of a TLS connection: a name is a printable part of them */
#include <stdint.h>
#include <stdlib.h>

#include "reassembly/client_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span name;
	bool hello = client_hello_name(span_of(data, size), &name);

	must(hello || name.len == 0);
	must(name.len <= 255);
	if (name.len > 0)
		must(name.at >= data && name.at + name.len <= data + size);
	for (size_t i = 0; i < name.len; i++)
		must(name.at[i] > ' ' && name.at[i] < 0x7f);
	return 0;
}
