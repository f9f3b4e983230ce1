/*
 * merge_fleet.h - the replayers of several reports as one fleet
 *
 * Private to merge.c. What a replayer counts is its own, and adds up. Of each run of a
 * tap, each replayer tells what all of its group have decided, as of its own end: of
 * those rows the one that has come furthest is kept, and the holes are theirs.
 */
#ifndef REPORT_MERGE_FLEET_H
#define REPORT_MERGE_FLEET_H

#include "report/merge_values.h"

/** merge_fleet() - write the member "fleet" */
void merge_fleet(struct merge *m, const struct merge_set *s);

#endif
