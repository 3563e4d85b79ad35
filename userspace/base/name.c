/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/name.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

int name_check(const char *what, const char *name, struct error *err)
{
	size_t len = strlen(name);

	if (len == 0)
		return error_set(err, -EINVAL, "%s name is empty", what);
	if (len > NAME_LEN_MAX)
		return error_set(err, -EINVAL,
				 "%s name '%.20s...' has %zu characters, at most %d fit", what,
				 name, len, NAME_LEN_MAX);
	for (size_t i = 0; i < len; i++) {
		if (is_alnum(name[i]) || (i > 0 && strchr("._-", name[i])))
			continue;
		return error_set(
			err, -EINVAL,
			"%s name '%.64s' is refused: use lower-case letters, digits, '.', '_' "
			"and '-', beginning with a letter or a digit",
			what, name);
	}
	return 0;
}
