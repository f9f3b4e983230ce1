/*
 * minimise.h - shadowtap repro CASE --minimise URL: the least request with which the shadow still differs so
 *
 * Elements and members of a JSON request are left out, and what is left is sent
 * to the shadow, at most MINIMISE_SENDS_MAX times. The difference is still there
 * if the verdict is the same, nothing differs that did not before, and what is
 * gravest still does. Production is not asked: its response is the one to the
 * whole request. So a part stays that production's response has an answer to.
 */
#ifndef APP_CASES_MINIMISE_H
#define APP_CASES_MINIMISE_H

#define MINIMISE_SENDS_MAX 64

/** minimise() - the case in the folder @path, into the folder @path-minimal; the exit status */
int minimise(const char *path, const char *url);

#endif
