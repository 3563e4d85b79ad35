/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A failure on its way to a person. Functions on the control path return 0 or a negative
 * errno and take a struct error as their last argument; whoever knows the cause sets the
 * sentence, and it is carried unchanged to the command line, Docker or the log.
 *
 * The sentence says what happened, why, and what to try, in lower case and without a full
 * stop: "pool 'fast' has 12 GiB free, volume 'db' needs 20 GiB".
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <errno.h>

#include "base/compiler.h"

struct error {
	int code; /* negative errno, 0 when nothing failed */
	char text[512];
};

/*
 * error_set(err, code, format, ...): set the sentence and return `code`, so that
 * `return error_set(err, -EINVAL, ...)` reads well. `err` may be NULL: only the code is returned
 * then. A longer sentence is cut. A code that is not negative becomes -EIO: no failure may look
 * like success. (A macro, so that compilers and analyzers see that too.)
 */
#define error_set(err, code, ...)                                                                  \
	({                                                                                         \
		int error_set_code = (code);                                                       \
		if (error_set_code >= 0)                                                           \
			error_set_code = -EIO;                                                     \
		error_say(err, error_set_code, __VA_ARGS__);                                       \
		error_set_code;                                                                    \
	})

/* The part of error_set that is a function. */
void error_say(struct error *err, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Put "what: " in front of the sentence that is there; returns its code. */
int error_prefix(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
