/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/iscsiadm.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/child.h"
#include "agent/clock.h"
#include "base/cleanup.h"
#include "base/file.h"

#define COMMAND_MS	 30000
#define AGAIN_MS	 500
#define RECORD_MAX_BYTES 65536
#define PORTAL_GROUP	 "1" /* of every berth target */

static const struct {
	int status;
	int code; /* 0: done; 1: again */
} verdicts[] = {
	{0, 0},		  {2, 0},	   {4, -ECONNREFUSED},
	{5, -EACCES},	  {8, -ETIMEDOUT}, {10, -EIO},
	{11, -ETIMEDOUT}, {12, -ENODEV},   {13, -EPERM},
	{15, 0},	  {18, 1},	   {19, -EACCES},
	{20, 1},	  {21, 0},	   {24, -EACCES},
	{28, 1},	  {29, 1},	   {32, -ENOTCONN},
	{33, -ETIMEDOUT},
};

/* Where the distributions keep open-iscsi's records. */
static const char *const record_folders[] = {"/etc/iscsi/nodes", "/var/lib/iscsi/nodes"};

/* Settings of ours; those of CHAP with an empty value are left out. */
#define SETTING_MAX 12

struct setting {
	const char *key;
	const char *value;
};

enum iscsiadm_verdict iscsiadm_judge(int exit_status, int *out_code)
{
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		if (verdicts[i].status != exit_status)
			continue;
		*out_code = MIN(verdicts[i].code, 0);
		if (verdicts[i].code < 0)
			return ISCSIADM_FAILED;
		return verdicts[i].code == 1 ? ISCSIADM_AGAIN : ISCSIADM_DONE;
	}
	*out_code = -EIO;
	return ISCSIADM_FAILED;
}

/* Run it until it says something else than "again". */
static int command_run(const char *const argv[], const char *what, int64_t deadline_ms,
		       struct error *err)
{
	struct child child = {.argv = argv};
	enum iscsiadm_verdict verdict;
	int code = 0;
	int status;

	do {
		child.deadline_ms = clock_within(deadline_ms, COMMAND_MS);
		status = child_run(&child, err);
		if (status < 0)
			return status;
		verdict = iscsiadm_judge(status, &code);
		if (verdict == ISCSIADM_AGAIN)
			(void)usleep(AGAIN_MS * 1000);
	} while (verdict == ISCSIADM_AGAIN && clock_left_ms(deadline_ms) > 0);
	if (verdict == ISCSIADM_DONE)
		return 0;
	if (verdict == ISCSIADM_AGAIN)
		return error_set(err, -ENOTCONN,
				 "cannot %s: iscsid does not answer; is it running? (%s)", what,
				 child.last_words);
	return error_set(err, code, "cannot %s: %s%s", what,
			 status == 24 ? "CHAP was refused: " : "",
			 *child.last_words ? child.last_words : "iscsiadm gave no reason");
}

/* --- records --- */

static unsigned settings_fill(const struct login *login, const char *replacement_timeout,
			      struct setting out_settings[SETTING_MAX])
{
	const bool has_chap = *login->chap_user != '\0';
	const struct setting all[] = {
		{"node.startup", "manual"},
		{"node.conn[0].startup", "manual"},
		{"node.session.scan", "manual"},
		{"node.session.timeo.replacement_timeout", replacement_timeout},
		{"node.session.auth.authmethod", has_chap ? "CHAP" : "None"},
		{"node.session.auth.username", login->chap_user},
		{"node.session.auth.password", login->chap_secret},
		{"node.session.auth.username_in", login->chap_target_user},
		{"node.session.auth.password_in", login->chap_target_secret},
	};
	unsigned count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (*all[i].value != '\0')
			out_settings[count++] = all[i];
	}
	return count;
}

static bool line_is(const char *line, const char *key)
{
	size_t len = strlen(key);

	return strncmp(line, key, len) == 0 && (line[len] == ' ' || line[len] == '=');
}

/* Lines that ours take the place of; all of CHAP, so that no old secret stays. */
static bool is_replaced(const char *line, const struct setting *settings, unsigned count)
{
	if (strncmp(line, "node.session.auth.", 18) == 0)
		return true;
	for (unsigned i = 0; i < count; i++) {
		if (line_is(line, settings[i].key))
			return true;
	}
	return false;
}

int iscsiadm_edit_record(const char *text, const struct login *login,
			 unsigned replacement_timeout_s, char **out_text, struct error *err)
{
	struct setting settings[SETTING_MAX];
	char timeout[16];
	CLEANUP_FREE char *copy = strdup(text);
	char *edited = NULL;
	size_t len;
	FILE *out = open_memstream(&edited, &len);
	unsigned count;
	char *rest;

	if (!copy || !out) {
		if (out)
			(void)fclose(out); /* into memory */
		free(edited);
		error_set(err, -ENOMEM, "out of memory");
		return -ENOMEM;
	}
	(void)snprintf(timeout, sizeof(timeout), "%d",
		       replacement_timeout_s == 0 ? -1 : (int)replacement_timeout_s);
	count = settings_fill(login, timeout, settings);
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "# END RECORD", 12) == 0)
			break;
		if (!is_replaced(line, settings, count))
			(void)fprintf(out, "%s\n", line);
	}
	for (unsigned i = 0; i < count; i++)
		(void)fprintf(out, "%s = %s\n", settings[i].key, settings[i].value);
	(void)fprintf(out, "# END RECORD\n");
	if (fclose(out) != 0) {
		free(edited);
		error_set(err, -ENOMEM, "out of memory");
		return -ENOMEM;
	}
	*out_text = edited;
	return 0;
}

/* The file of the target's only record: FOLDER/TARGET/PORTAL,GROUP/default. */
static int record_find(const char *target_name, char *out_path, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(record_folders); i++) {
		char folder[PATH_MAX / 2];
		DIR *dir;

		(void)snprintf(folder, sizeof(folder), "%s/%s", record_folders[i], target_name);
		dir = opendir(folder);
		if (!dir)
			continue;
		for (struct dirent *entry; (entry = readdir(dir));) {
			if (entry->d_name[0] == '.')
				continue;
			(void)snprintf(out_path, PATH_MAX, "%s/%s/default", folder, entry->d_name);
			(void)closedir(dir); /* only read from */
			return 0;
		}
		(void)closedir(dir);
	}
	return error_set(err, -ENOENT, "open-iscsi made no record of target '%s'", target_name);
}

static int record_make(const struct login *login, unsigned replacement_timeout_s,
		       int64_t deadline_ms, struct error *err)
{
	char portal[LOGIN_PORTAL_SIZE + 4];
	const char *const argv[] = {"iscsiadm", "-m",	"node", "-T",  login->target_name,
				    "-p",	portal, "-o",	"new", NULL};
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *edited = NULL;
	char path[PATH_MAX];
	size_t len;
	int ret;

	(void)snprintf(portal, sizeof(portal), "%s," PORTAL_GROUP, login->portal);
	ret = command_run(argv, "make a record of the target", deadline_ms, err);
	if (ret == 0)
		ret = record_find(login->target_name, path, err);
	if (ret == 0)
		ret = file_read(path, RECORD_MAX_BYTES, &text, &len, err);
	if (ret == 0)
		ret = iscsiadm_edit_record(text, login, replacement_timeout_s, &edited, err);
	if (ret == 0 && edited)
		ret = file_replace(path, edited, strlen(edited), 0600, err);
	if (edited)
		explicit_bzero(edited, strlen(edited));
	return ret;
}

int iscsiadm_login(const struct login *login, unsigned replacement_timeout_s, int64_t deadline_ms,
		   struct error *err)
{
	const char *const argv[] = {"iscsiadm", "-m",	       "node", "-T", login->target_name,
				    "-p",	login->portal, "-l",   NULL};
	int ret = record_make(login, replacement_timeout_s, deadline_ms, err);

	return ret < 0 ? ret : command_run(argv, "log in", deadline_ms, err);
}

int iscsiadm_logout(const char *target_name, const char *portal, int64_t deadline_ms,
		    struct error *err)
{
	const char *const logout[] = {"iscsiadm", "-m",	  "node", "-T", target_name,
				      "-p",	  portal, "-u",	  NULL};
	const char *const forget[] = {"iscsiadm", "-m",	  "node", "-T",	    target_name,
				      "-p",	  portal, "-o",	  "delete", NULL};
	int ret = command_run(logout, "log out", deadline_ms, err);

	return ret < 0 ? ret
		       : command_run(forget, "delete the record of the target", deadline_ms, err);
}
