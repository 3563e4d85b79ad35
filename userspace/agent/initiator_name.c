/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/initiator_name.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"

#define FILE_MAX_BYTES 65536
#define KEY	       "InitiatorName="

/* The value of the line "InitiatorName=..."; 0 if there is one that fits. */
static int line_take(const char *text, char *name, size_t size)
{
	char *rest;
	CLEANUP_FREE char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	for (char *line = strtok_r(copy, "\r\n", &rest); line;
	     line = strtok_r(NULL, "\r\n", &rest)) {
		char *value;

		while (*line == ' ' || *line == '\t')
			line++;
		if (strncmp(line, KEY, strlen(KEY)) != 0)
			continue;
		value = line + strlen(KEY);
		value[strcspn(value, " \t")] = '\0';
		if (*value == '\0' || strlen(value) >= size)
			return -EINVAL;
		(void)snprintf(name, size, "%s", value);
		return 0;
	}
	return -ENOENT;
}

static int file_take(const char *path, char *name, size_t size)
{
	CLEANUP_FREE char *text = NULL;
	size_t len;
	int ret = file_read(path, FILE_MAX_BYTES, &text, &len, NULL);

	return ret < 0 ? ret : line_take(text, name, size);
}

int initiator_name_find(const char *open_iscsi_file, const char *folder, char *name, size_t size,
			struct error *err)
{
	uint8_t chance[8];
	char path[PATH_MAX];
	char line[256];
	int ret;

	if (*name != '\0' || file_take(open_iscsi_file, name, size) == 0)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/initiatorname", folder);
	ret = file_take(path, name, size);
	if (ret == 0)
		return 0;
	if (ret != -ENOENT)
		return error_set(err, ret, "the initiator name in '%s' cannot be read", path);
	random_bytes(chance, sizeof(chance));
	(void)snprintf(line, sizeof(line),
		       KEY "iqn.2026-11.dev.berth:host-%02x%02x%02x%02x%02x%02x%02x%02x\n",
		       chance[0], chance[1], chance[2], chance[3], chance[4], chance[5], chance[6],
		       chance[7]);
	ret = file_replace(path, line, strlen(line), 0600, err);
	if (ret < 0)
		return ret;
	log_info("made an initiator name file=%s", path);
	return line_take(line, name, size);
}
