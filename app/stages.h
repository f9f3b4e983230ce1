/*
 * stages.h - what the options mean to the capture and to the reassembly
 *
 * Said once, so that the doctor sees what a run would see.
 */
#ifndef APP_STAGES_H
#define APP_STAGES_H

#include "app/options.h"
#include "base/budget.h"
#include "base/buffer.h"
#include "capture/source.h"
#include "reassembly/reassembler.h"

/** stages_live() - @program: filled with our own path, for messages, and borrowed by the result */
struct live_options stages_live(const struct options *o, struct buffer *program);

struct file_options stages_files(const struct options *o);

/** stages_reassembly() - of one lane, or of the doctor */
struct reassembly_options stages_reassembly(const struct options *o, struct budget *budget);

#endif
