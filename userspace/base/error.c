/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void error_say(struct error *err, int code, const char *format, ...)
{
	char text[sizeof(err->text)] = ""; /* an argument may be the sentence that is there */
	va_list args;

	if (!err)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cutting is fine */
	va_end(args);
	err->code = code;
	memcpy(err->text, text, sizeof(text));
}

int error_prefix(struct error *err, const char *format, ...)
{
	char text[sizeof(err->text)] = "";
	va_list args;
	int len;

	if (!err)
		return 0;
	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(text))
		(void)snprintf(text + len, sizeof(text) - (size_t)len, ": %s", err->text);
	memcpy(err->text, text, sizeof(text));
	return err->code;
}
