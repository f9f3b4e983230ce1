/* unit.h - cmocka with the headers it wants before it */
#ifndef TESTS_RIG_UNIT_H
#define TESTS_RIG_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
