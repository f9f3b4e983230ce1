/*
 * completion.h - what a shell needs to complete our command lines
 */
#ifndef APP_OPTIONS_COMPLETION_H
#define APP_OPTIONS_COMPLETION_H

#include "base/buffer.h"

enum shell { SHELL_BASH, SHELL_ZSH, SHELL_FISH };

/** completion_text() - the completion script for @shell, made from the table of options */
void completion_text(enum shell shell, struct buffer *out);

#endif
