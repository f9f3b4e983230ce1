/* fault_settle.h - running a rig's loop until a fault server has said and done what it does unasked */
#ifndef TESTS_RIG_FAULT_SETTLE_H
#define TESTS_RIG_FAULT_SETTLE_H

#include "tests/rig/fault_rig.h"
#include "tests/rig/fault_server.h"

/**
 * rig_settle() - ... and that is here; behind an outcome, not before
 *
 * The server is waited for however slow the machine is: a fixed time would be too long for most and too short for some.
 */
static inline void rig_settle(struct rig *g, const struct fault_server *server)
{
	while (!fault_server_is_quiet(server))
		rig_run_for(g, 1);
	rig_run_for(g, 5); /* what was sent last is on its way through the loopback */
}

#endif
