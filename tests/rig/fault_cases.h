/* fault_cases.h - what is asked of a plain connection and of one with TLS alike */
#ifndef TESTS_RIG_FAULT_CASES_H
#define TESTS_RIG_FAULT_CASES_H

#include "tests/rig/fault_answers.h"
#include "tests/rig/fault_rig.h"
#include "tests/rig/fault_server.h"

#define CASES_CONNECTIONS 200

/** cases_descriptors() - open ones of this process: as many after a test as before it */
size_t cases_descriptors(void);

/** cases_any_response() - a row of fault_responses at random, none of the large ones, which take their time */
const struct fault_response *cases_any_response(unsigned *seed);

/** cases_bytes() - requests with bodies of @sizes arrive at @server byte for byte, over one connection */
void cases_bytes(const struct target_options *target, struct fault_server *server, const size_t *sizes, size_t count);

/**
 * cases_storm() - 1,500 requests with bodies below @body_max to a server that fails at random
 *
 * Each ends once, the books hold all the while, and each of @kinds was an outcome of some.
 */
void cases_storm(struct target_options target, size_t body_max, unsigned *seed, const enum outcome_kind *kinds,
		 size_t kind_count);

/**
 * cases_times() - the response is there before the call that sent the last byte returns, as on a core that the shadow shares
 *
 * @server reads a request and answers @delay_ms later, twice or more on one connection; @target keeps answers.
 */
void cases_times(const struct target_options *target, size_t body_len, unsigned delay_ms);

#endif
