/*
 * diagnosis_impl.h - shared by the files of the diagnosis, and by no others
 *
 *   diagnosis_line.c      what findings are made with
 *   diagnosis_capture.c   can packets be had, do any pass the filters, can they be read
 *   diagnosis_requests.c  are there requests in them, are they whole
 *   diagnosis_tls.c       can TLS be read with the key log that is there
 *   diagnosis_targets.c   would they be chosen, would the targets take them
 *   diagnosis_broker.c    would a broker take them, or give them
 *   diagnosis.c           the order of all that
 */
#ifndef REPORT_DIAGNOSIS_IMPL_H
#define REPORT_DIAGNOSIS_IMPL_H

#include "report/diagnosis.h"

/* diagnosis_line.c */

/** diagnosis_add() - a finding, its texts still empty; @code: a static text */
struct diagnosis_line *diagnosis_add(struct diagnosis *d, enum finding_severity severity, const char *code);

/** line_say() / line_advise() - append to what is found, or to what to do about it */
__attribute__((format(printf, 2, 3))) void line_say(struct diagnosis_line *line, const char *format, ...);
__attribute__((format(printf, 2, 3))) void line_advise(struct diagnosis_line *line, const char *format, ...);

/** line_count() - append "1 packet", "12,372 packets": @noun is the singular */
void line_count(struct diagnosis_line *line, uint64_t n, const char *noun);

/* What is counted of a port, for the two below */
uint64_t port_requests(const struct port_view *p);
uint64_t port_tls(const struct port_view *p);
uint64_t port_http2(const struct port_view *p);

/** ports_list() - append "8000 (120), 9090 (3)" of the ports where @count finds something; how many they are */
size_t ports_list(struct buffer *out, const struct wide_view *w, uint64_t (*count)(const struct port_view *));

/** ports_busiest() - the port where @count finds most; NULL if it finds nothing */
const struct port_view *ports_busiest(const struct wide_view *w, uint64_t (*count)(const struct port_view *));

/** symptoms_names_port() - did the user name this port with -p? */
bool symptoms_names_port(const struct symptoms *s, uint16_t port);

/* Each stage adds its findings */

/** diagnose_capture() - false: what is behind it would only say the same again */
bool diagnose_capture(const struct symptoms *s, struct diagnosis *d);
void diagnose_requests(const struct symptoms *s, struct diagnosis *d);
void diagnose_tls(const struct symptoms *s, struct diagnosis *d);
void diagnose_rules(const struct symptoms *s, struct diagnosis *d);
void diagnose_targets(const struct symptoms *s, struct diagnosis *d);
void diagnose_brokers(const struct symptoms *s, struct diagnosis *d);

#endif
