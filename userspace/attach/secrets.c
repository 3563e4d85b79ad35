/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Secrets come by a descriptor: arguments and environment of a process can be read by others. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "attach/options.h"

#define SECRETS_MAX 4096

static const struct {
	const char *key;
	size_t offset;
} keys[] = {
	{"chap-user", offsetof(struct login, chap_user)},
	{"chap-secret", offsetof(struct login, chap_secret)},
	{"chap-target-user", offsetof(struct login, chap_target_user)},
	{"chap-target-secret", offsetof(struct login, chap_target_secret)},
};

static int line_parse(const char *line, size_t len, unsigned number, struct login *login,
		      struct error *err)
{
	const char *equals = memchr(line, '=', len);
	size_t key_len = equals ? (size_t)(equals - line) : 0;
	size_t value_len;
	char *field;

	for (size_t i = 0; equals && i < ARRAY_SIZE(keys); i++) {
		if (key_len != strlen(keys[i].key) || memcmp(line, keys[i].key, key_len) != 0)
			continue;
		field = (char *)login + keys[i].offset;
		value_len = len - key_len - 1;
		if (field[0] != '\0')
			return error_set(err, -EINVAL, "line %u of the secrets: %s comes twice",
					 number, keys[i].key);
		if (value_len >= LOGIN_CHAP_SIZE)
			return error_set(err, -EINVAL,
					 "line %u of the secrets: %s is longer than %d bytes",
					 number, keys[i].key, LOGIN_CHAP_SIZE - 1);
		if (memchr(equals + 1, '\0', value_len))
			return error_set(err, -EINVAL, "line %u of the secrets holds a NUL byte",
					 number);
		memcpy(field, equals + 1, value_len);
		field[value_len] = '\0';
		return 0;
	}
	return error_set(err, -EINVAL,
			 "line %u of the secrets is none of chap-user=, chap-secret=, "
			 "chap-target-user=, chap-target-secret=",
			 number);
}

int secrets_parse(const char *text, size_t len, struct login *login, struct error *err)
{
	unsigned number = 1;

	for (const char *line = text; line < text + len; number++) {
		size_t rest = (size_t)(text + len - line);
		const char *end = memchr(line, '\n', rest);
		size_t line_len = end ? (size_t)(end - line) : rest;
		int ret;

		if (line_len > 0) {
			ret = line_parse(line, line_len, number, login, err);
			if (ret < 0)
				return ret;
		}
		line += line_len + 1;
	}
	return 0;
}

int secrets_read(int fd, struct login *login, struct error *err)
{
	char text[SECRETS_MAX];
	size_t len = 0;
	int ret;

	while (len < sizeof(text)) {
		ssize_t count = read(fd, text + len, sizeof(text) - len);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_set(err, -errno,
					 "secrets cannot be read from descriptor %d: %s", fd,
					 strerror(errno));
		if (count == 0)
			break;
		len += (size_t)count;
	}
	if (len == sizeof(text))
		ret = error_set(err, -EINVAL, "the secrets are longer than %d bytes",
				SECRETS_MAX - 1);
	else
		ret = secrets_parse(text, len, login, err);
	explicit_bzero(text, sizeof(text));
	return ret;
}
