/*
 * doctor.h - shadowtap doctor: why is nothing captured or sent?
 */
#ifndef APP_DOCTOR_DOCTOR_H
#define APP_DOCTOR_DOCTOR_H

struct options;

/** doctor_run() - look, judge, print; the exit status: 0 when a run with these options would work */
int doctor_run(const struct options *o);

#endif
