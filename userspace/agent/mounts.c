/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only file that knows libmount. */
#include "agent/mounts.h"

#include <errno.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <string.h>

static struct libmnt_table *table_read(const char *path, struct error *err)
{
	struct libmnt_table *table = mnt_new_table();
	int ret = table ? mnt_table_parse_file(table, path) : -ENOMEM;

	if (ret == 0)
		return table;
	mnt_unref_table(table);
	error_set(err, ret < 0 ? ret : -EIO, "cannot read the table of mounts '%s'", path);
	return NULL;
}

/* In the order of the file, in which a later mount on a folder lies over an earlier one. */
static struct libmnt_fs *table_next(struct libmnt_table *table, struct libmnt_iter *iter)
{
	struct libmnt_fs *fs;

	return mnt_table_next_fs(table, iter, &fs) == 0 ? fs : NULL;
}

int mounts_find(const char *path, const char *folder, struct mounts_point *out_point,
		struct error *err)
{
	struct libmnt_table *table = table_read(path, err);
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct mounts_point point = {0};

	for (struct libmnt_fs *fs; table && iter && (fs = table_next(table, iter));) {
		const char *target = mnt_fs_get_target(fs);
		const char *type = mnt_fs_get_fstype(fs);

		if (!target || strcmp(target, folder) != 0)
			continue;
		point.depth++;
		point.device = mnt_fs_get_devno(fs);
		(void)snprintf(point.type, sizeof(point.type), "%s", type ? type : "");
	}
	mnt_free_iter(iter);
	mnt_unref_table(table);
	if (!table)
		return err ? err->code : -EIO;
	if (!iter)
		return error_set(err, -ENOMEM, "out of memory");
	*out_point = point;
	return 0;
}

int mounts_count_device(const char *path, dev_t device, unsigned *out_count, struct error *err)
{
	struct libmnt_table *table = table_read(path, err);
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	unsigned count = 0;

	for (struct libmnt_fs *fs; table && iter && (fs = table_next(table, iter));) {
		if (mnt_fs_get_devno(fs) == device)
			count++;
	}
	mnt_free_iter(iter);
	mnt_unref_table(table);
	if (!table)
		return err ? err->code : -EIO;
	if (!iter)
		return error_set(err, -ENOMEM, "out of memory");
	*out_count = count;
	return 0;
}

/* libmount's verdict as one of ours: the errno of the system call if there was one. */
static int context_fail(struct libmnt_context *context, int ret, const char *what,
			const char *folder, struct error *err)
{
	char text[256] = "";
	int code = mnt_context_get_syscall_errno(context);

	if (code == 0)
		code = ret < 0 ? -ret : EIO;
	(void)mnt_context_get_excode(context, ret, text, sizeof(text)); /* only for its text */
	return error_set(err, -code, "cannot %s '%s': %s", what, folder,
			 *text != '\0' ? text : strerror(code));
}

int mounts_attach(const char *device, const char *folder, const char *type, const char *options,
		  struct error *err)
{
	struct libmnt_context *context = mnt_new_context();
	int ret;

	if (!context)
		return error_set(err, -ENOMEM, "out of memory");
	/* No mount.TYPE programs, no utab, no words from /etc/fstab: just the system call. */
	(void)mnt_context_disable_helpers(context, 1);
	(void)mnt_context_disable_mtab(context, 1);
	(void)mnt_context_set_mflags(context, 0);
	if (mnt_context_set_source(context, device) != 0 ||
	    mnt_context_set_target(context, folder) != 0 ||
	    mnt_context_set_fstype(context, type) != 0 ||
	    mnt_context_set_options(context, options) != 0) {
		mnt_free_context(context);
		return error_set(err, -ENOMEM, "out of memory");
	}
	ret = mnt_context_mount(context);
	if (ret != 0)
		ret = context_fail(context, ret, "mount", folder, err);
	mnt_free_context(context);
	return ret;
}

int mounts_detach(const char *folder, struct error *err)
{
	struct libmnt_context *context = mnt_new_context();
	int ret;

	if (!context)
		return error_set(err, -ENOMEM, "out of memory");
	(void)mnt_context_disable_helpers(context, 1);
	(void)mnt_context_disable_mtab(context, 1);
	(void)mnt_context_disable_canonicalize(context, 1); /* stat would touch the file system */
	if (mnt_context_set_target(context, folder) != 0) {
		mnt_free_context(context);
		return error_set(err, -ENOMEM, "out of memory");
	}
	ret = mnt_context_umount(context);
	if (ret != 0)
		ret = context_fail(context, ret, "unmount", folder, err);
	mnt_free_context(context);
	return ret;
}
