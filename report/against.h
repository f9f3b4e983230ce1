/*
 * against.h - what has changed between two runs, and what cannot be told apart
 *
 * Two runs are two samples: of each figure the difference has an interval, made of
 * those of both (as rate_difference() does; for any two independent estimates
 * with intervals, Zou and Donner, Statistics in Medicine 27, 2008). If 0 lies in
 * it, the two cannot be told apart. Many figures are looked at, and each is taken
 * for changed once in twenty where nothing has.
 */
#ifndef REPORT_AGAINST_H
#define REPORT_AGAINST_H

#include "base/json.h"
#include "base/json_doc.h"

#define AGAINST_LIST_MAX 20 /* paths, and slices, that are listed; the others are counted */

/**
 * against_json() - write the value of the member "against"
 * @now, @base: two parsed reports; what is missing in either is left out
 *
 * Targets are matched by name, or, if each report has one shadow, these.
 * Return: 0 or -ENOMEM.
 */
int against_json(const struct json_doc *now, const struct json_doc *base, struct json *j);

#endif
