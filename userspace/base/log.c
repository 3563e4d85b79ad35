/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *name;
	char priority; /* as in syslog(3) */
} level_table[] = {
	[LOG_LEVEL_ERROR] = {"error", '3'},
	[LOG_LEVEL_WARN] = {"warn", '4'},
	[LOG_LEVEL_INFO] = {"info", '6'},
	[LOG_LEVEL_DEBUG] = {"debug", '7'},
};

static const char *log_program = "berth";
static enum log_level log_level = LOG_LEVEL_INFO;
static bool log_to_journal;

/* systemd names the device and inode of the stderr that it gave; ours may have been replaced. */
static bool is_stderr_the_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	(void)snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev,
		       (uintmax_t)st.st_ino); /* two numbers fit */
	return strcmp(stream, ours) == 0;
}

void log_init(const char *program, enum log_level level)
{
	log_program = program;
	log_level = level;
	log_to_journal = is_stderr_the_journal();
}

bool log_level_parse(const char *text, enum log_level *out_level)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_table); i++) {
		if (strcmp(text, level_table[i].name) == 0) {
			*out_level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

bool log_is_on(enum log_level level)
{
	return level <= log_level;
}

void log_line(enum log_level level, const char *format, ...)
{
	int saved_errno = errno;
	char line[1024];
	int len;
	va_list args;

	if (!log_is_on(level))
		return;
	if (log_to_journal)
		len = snprintf(line, sizeof(line), "<%c>", level_table[level].priority);
	else
		len = snprintf(line, sizeof(line), "%.64s: %s: ", log_program,
			       level_table[level].name);
	va_start(args, format);
	len += vsnprintf(line + len, sizeof(line) - (size_t)len, format, args);
	va_end(args);
	if ((size_t)len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	/* A name from a peer may hold a newline or an escape; one event stays one line. */
	for (int i = 0; i < len; i++) {
		if (iscntrl((unsigned char)line[i]))
			line[i] = '?';
	}
	line[len] = '\n';
	/* One write a line keeps the lines of several threads whole; a full stderr loses it. */
	(void)!write(STDERR_FILENO, line, (size_t)len + 1);
	errno = saved_errno;
}
