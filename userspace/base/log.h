/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logging: one event, one line on stderr, lower case, "what key=value". Under systemd each
 * line starts with its priority ("<6>") so that the journal keeps it. Safe on any thread.
 *
 * error: somebody must act. warn: went on without something. info: life cycle.
 * debug: per message, off unless asked for. Never a secret, never per I/O above debug.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/compiler.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Call once, before other threads start. `program` must live for ever. */
void log_init(const char *program, enum log_level level);

/* "error", "warn", "info", "debug" to a level; false if it is none of them. */
bool log_level_parse(const char *text, enum log_level *out_level);

bool log_is_on(enum log_level level);
void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
	do {                                                                                       \
		if (log_is_on(LOG_LEVEL_DEBUG))                                                    \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__);                                    \
	} while (0)

#endif
