/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/root.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* A number of up to nine digits at *io_at, which is moved behind it. */
static int id_parse(const char **io_at, unsigned *out_id)
{
	char *end;
	unsigned long id;

	if (!isdigit((unsigned char)**io_at))
		return -EINVAL;
	errno = 0;
	id = strtoul(*io_at, &end, 10);
	if (errno != 0 || id >= UINT32_MAX)
		return -EINVAL;
	*io_at = end;
	*out_id = (unsigned)id;
	return 0;
}

int root_parse_owner(const char *owner, uid_t *out_uid, gid_t *out_gid, struct error *err)
{
	const char *at = owner;
	unsigned uid = UINT32_MAX;
	unsigned gid = UINT32_MAX;

	if (*owner != '\0' &&
	    (id_parse(&at, &uid) < 0 || *at++ != ':' || id_parse(&at, &gid) < 0 || *at != '\0'))
		return error_set(
			err, -EINVAL,
			"owner '%.40s' is not of the form uid:gid with numbers, as 999:999", owner);
	*out_uid = uid;
	*out_gid = gid;
	return 0;
}

int root_parse_mode(const char *mode, mode_t *out_mode, struct error *err)
{
	size_t len = strlen(mode);

	if (len == 0) {
		*out_mode = 0755;
		return 0;
	}
	if (len > 5 || strspn(mode, "01234567") != len || strtoul(mode, NULL, 8) > 07777)
		return error_set(err, -EINVAL, "mode '%.40s' is not octal, as 0750", mode);
	*out_mode = (mode_t)strtoul(mode, NULL, 8);
	return 0;
}

int root_prepare(const char *folder, const char *owner, const char *mode, struct error *err)
{
	CLEANUP_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uid_t uid = 0;
	gid_t gid = 0;
	mode_t bits = 0;

	if (fd < 0)
		return error_set(err, -errno, "cannot open '%s': %s", folder, strerror(errno));
	if (root_parse_owner(owner, &uid, &gid, err) < 0 || root_parse_mode(mode, &bits, err) < 0)
		return -EINVAL;
	/* Not empty: fsck has put something there, which stays. */
	if (unlinkat(fd, "lost+found", AT_REMOVEDIR) < 0 && errno != ENOENT && errno != ENOTEMPTY)
		return error_set(err, -errno, "cannot remove the empty lost+found: %s",
				 strerror(errno));
	if (fchown(fd, uid, gid) < 0)
		return error_set(err, -errno, "cannot give the root folder to '%s': %s", owner,
				 strerror(errno));
	if (fchmod(fd, bits) < 0)
		return error_set(err, -errno, "cannot set the root folder's mode: %s",
				 strerror(errno));
	if (syncfs(fd) < 0)
		return error_set(err, -errno, "cannot write the root folder: %s", strerror(errno));
	return 0;
}
