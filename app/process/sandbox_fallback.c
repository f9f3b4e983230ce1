/* sandbox_fallback.c - see sandbox.h: a build without libseccomp, or one that is instrumented */
#include "app/process/sandbox.h"

int sandbox_prepare(struct buffer *error)
{
	(void)error;
	return 0;
}

int sandbox_enter(struct buffer *error)
{
	(void)error;
	return 0;
}

const char *sandbox_version(void)
{
	return "no sandbox";
}
