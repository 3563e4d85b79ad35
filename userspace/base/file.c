/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define FIRST_READ_BYTES 4096

static int fail(struct error *err, const char *what, const char *path)
{
	int code = -errno;

	return error_set(err, code, "cannot %s '%s': %s", what, path, strerror(-code));
}

/* Reads until the end or until `size` bytes are there; the number of bytes, or what failed. */
static ssize_t read_up_to(int fd, char *data, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t got = read(fd, data + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

int file_read(const char *path, size_t limit, char **out_data, size_t *out_len, struct error *err)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP_FREE char *data = NULL;
	size_t len = 0;
	size_t size = FIRST_READ_BYTES;

	if (fd < 0)
		return fail(err, "open", path);
	/* What stat says of the length is not asked: files of /proc say 0. */
	for (;;) {
		char *larger = realloc(data, size + 1);
		ssize_t got;

		if (!larger)
			return error_set(err, -ENOMEM, "out of memory reading '%s'", path);
		data = larger;
		got = read_up_to(fd, data + len, size - len);
		if (got < 0)
			return fail(err, "read", path);
		len += (size_t)got;
		if (len > limit)
			return error_set(err, -EFBIG, "'%s' is larger than %zu bytes", path, limit);
		if (len < size)
			break;
		size *= 2;
	}
	data[len] = '\0';
	*out_data = data;
	*out_len = len;
	data = NULL;
	return 0;
}

/* Sync the folder that `path` lies in, which makes a rename or unlink there durable. */
static int folder_sync(const char *path, struct error *err)
{
	CLEANUP_FREE char *folder = strdup(path);
	CLEANUP_CLOSE int fd = -1;
	char *slash;

	if (!folder)
		return error_set(err, -ENOMEM, "out of memory");
	slash = strrchr(folder, '/');
	if (!slash)
		strcpy(folder, ".");
	else if (slash == folder)
		slash[1] = '\0';
	else
		*slash = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(err, "open folder", folder);
	if (fsync(fd) < 0)
		return fail(err, "sync folder", folder);
	return 0;
}

static int file_write_synced(const char *path, const char *data, size_t len, mode_t mode,
			     struct error *err)
{
	/* One that a crash left behind may have another mode, or be a link to elsewhere. */
	int removed = unlink(path);
	CLEANUP_CLOSE int fd = -1;

	if (removed < 0 && errno != ENOENT)
		return fail(err, "remove", path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return fail(err, "create", path);
	while (len > 0) {
		ssize_t put = write(fd, data, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return fail(err, "write", path);
		data += put;
		len -= (size_t)put;
	}
	if (fsync(fd) < 0)
		return fail(err, "sync", path);
	return 0;
}

int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct error *err)
{
	char temporary[PATH_MAX];
	int ret;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.new", path) >= sizeof(temporary))
		return error_set(err, -ENAMETOOLONG, "path '%.100s...' is too long", path);
	/* The order that makes it safe: content durable, then the name, then the folder. */
	ret = file_write_synced(temporary, data, len, mode, err);
	if (ret < 0)
		goto remove_temporary;
	if (rename(temporary, path) < 0) {
		ret = fail(err, "rename to", path);
		goto remove_temporary;
	}
	return folder_sync(path, err);

remove_temporary:
	(void)unlink(temporary); /* the error that counts is already set */
	return ret;
}

int file_remove(const char *path, struct error *err)
{
	if (unlink(path) < 0) {
		if (errno == ENOENT)
			return 0;
		return fail(err, "remove", path);
	}
	return folder_sync(path, err);
}

/* One folder whose parent is there. */
static int folder_make(const char *path, mode_t mode, struct error *err)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return folder_sync(path, err);
	if (errno != EEXIST)
		return fail(err, "make folder", path);
	if (stat(path, &st) < 0)
		return fail(err, "stat", path);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, -ENOTDIR,
				 "cannot make folder '%s': something else has that name", path);
	return 0;
}

int file_make_folder(const char *path, mode_t mode, struct error *err)
{
	CLEANUP_FREE char *copy = strdup(path);
	size_t len = strlen(path);
	int ret;

	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	if (len == 0)
		return error_set(err, -EINVAL, "cannot make a folder without a name");
	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		ret = folder_make(copy, 0755, err);
		if (ret < 0)
			return ret;
		*slash = '/';
	}
	return folder_make(copy, mode, err);
}
