/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "store/file_disk.h"

#define PROBE_BYTES MIB /* at the head and at the tail of what should be blank */

static int errno_sentence(struct error *err, const char *what, const char *path)
{
	int code = -errno;

	return error_set(err, code, "cannot %s '%s': %s", what, path, strerror(-code));
}

static int range_is_blank(int fd, uint64_t offset, uint64_t length, const char *path,
			  struct error *err)
{
	CLEANUP_FREE char *data = malloc(length);

	if (!data)
		return error_set(err, -ENOMEM, "out of memory");
	while (length > 0) {
		ssize_t got = pread(fd, data, length, (off_t)offset);

		if (got <= 0)
			return errno_sentence(err, "read", path);
		for (ssize_t i = 0; i < got; i++) {
			if (data[i] != 0)
				return error_set(err, -EEXIST,
						 "'%s' is not blank: there is data at byte %llu; "
						 "import it if it is a pool ('berth pool import'), "
						 "or choose another path",
						 path, (unsigned long long)(offset + (uint64_t)i));
		}
		offset += (uint64_t)got;
		length -= (uint64_t)got;
	}
	return 0;
}

static int disk_is_blank(int fd, const char *path, struct error *err)
{
	off_t size = lseek(fd, 0, SEEK_END);
	uint64_t probe;
	int ret;

	if (size < 0)
		return errno_sentence(err, "size", path);
	probe = MIN((uint64_t)size, PROBE_BYTES);
	ret = range_is_blank(fd, 0, probe, path, err);
	if (ret == 0)
		ret = range_is_blank(fd, (uint64_t)size - probe, probe, path, err);
	return ret;
}

/* What is there must be blank; it may be made larger. */
static int backing_take(const char *path, uint64_t size_bytes, struct error *err)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int ret;

	if (fd < 0)
		return errno_sentence(err, "open", path);
	if (fstat(fd, &st) < 0)
		return errno_sentence(err, "stat", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return error_set(err, -EINVAL, "'%s' is neither a file nor a block device", path);
	ret = disk_is_blank(fd, path, err);
	if (ret == 0 && size_bytes != 0)
		ret = file_disk_extend(path, size_bytes, err);
	return ret;
}

int backing_prepare(const char *path, uint64_t size_bytes, bool *out_is_ours, struct error *err)
{
	int ret;

	if (access(path, F_OK) == 0)
		return backing_take(path, size_bytes, err);
	if (size_bytes == 0)
		return error_set(err, -EINVAL, "'%s' does not exist; give --size and it is made",
				 path);
	ret = file_disk_create(path, size_bytes, err);
	*out_is_ours = ret == 0;
	return ret;
}
