/* fault_names.c - see fault_names.h */
#include "tests/rig/unit.h"

#include "tests/rig/fault_names.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/rig/fault_rig.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct addresses named;
_Atomic int names_lookups, names_fail;

static void find(struct addresses *out)
{
	pthread_mutex_lock(&lock);
	*out = named;
	pthread_mutex_unlock(&lock);
}

int names_lookup(const char *host, uint16_t port, struct addresses *out)
{
	(void)host, (void)port;
	names_lookups++;
	if (names_fail)
		return -2; /* EAI_NONAME */
	find(out);
	return 0;
}

int names_lookup_slowly(const char *host, uint16_t port, struct addresses *out)
{
	(void)host, (void)port;
	usleep(300000);
	find(out);
	return 0;
}

struct target_options names_target(lookup_fn lookup)
{
	struct target_options target = rig_target(80);

	snprintf(target.url.host, sizeof(target.url.host), "shadow.example");
	target.lookup = lookup;
	names_lookups = names_fail = 0;
	names_forget();
	return target;
}

void names_forget(void)
{
	pthread_mutex_lock(&lock);
	named.count = 0;
	pthread_mutex_unlock(&lock);
}

void names_add(uint16_t port)
{
	struct addresses one;

	assert_int_equal(lookup_numeric("127.0.0.1", port, &one), 0);
	pthread_mutex_lock(&lock);
	named.at[named.count++] = one.at[0];
	pthread_mutex_unlock(&lock);
}
