/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A folder with one file in it, "volume", that has the volume's size and bytes. Sizes and
 * offsets are multiples of the logical block, as for any disk: others are refused with EINVAL.
 * Nothing is cached, neither data (direct_io) nor attributes (timeout 0).
 */
#include <assert.h>
#include <errno.h>
#include <linux/falloc.h>
#include <string.h>

#include "attach/fuse.h"
#include "attach/server.h"
#include "base/compiler.h"

#define VOLUME_INODE 2
#define VOLUME_NAME  "volume"
#define NAMES_MAX    1024 /* of a folder with three entries */

static struct server *server_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static void attributes_fill(const struct server *server, fuse_ino_t inode, struct stat *out)
{
	memset(out, 0, sizeof(*out));
	out->st_ino = inode;
	out->st_mode = S_IFDIR | 0700;
	out->st_nlink = 2;
	if (inode == VOLUME_INODE) {
		out->st_mode = S_IFREG | 0600;
		out->st_nlink = 1;
		out->st_size = (off_t)session_disk(server->session)->size_bytes;
		out->st_blksize = (blksize_t)session_disk(server->session)->physical_block_bytes;
		out->st_blocks = out->st_size / 512;
	}
}

static void on_init(void *owner, struct fuse_conn_info *connection)
{
	struct server *server = owner;

	connection->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
					FUSE_CAP_SPLICE_MOVE | FUSE_CAP_AUTO_INVAL_DATA);
	connection->max_write = SESSION_COMMAND_MAX;
	connection->max_read = SESSION_COMMAND_MAX;
	/* What the loop device sends counts as background; never less than the queue depth. */
	connection->max_background = server->options->queue_depth;
	connection->congestion_threshold = server->options->queue_depth;
	server->is_initialised = true;
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = {.ino = VOLUME_INODE};

	if (parent != FUSE_ROOT_ID || strcmp(name, VOLUME_NAME) != 0) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	attributes_fill(server_of(req), VOLUME_INODE, &entry.attr);
	fuse_reply_entry(req, &entry);
}

static void on_getattr(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *file)
{
	struct stat attributes;

	attributes_fill(server_of(req), inode, &attributes);
	fuse_reply_attr(req, &attributes, 0);
}

/* Times and modes are not kept; the size is the volume's. */
static void on_setattr(fuse_req_t req, fuse_ino_t inode, struct stat *wanted, int which,
		       struct fuse_file_info *file)
{
	struct stat attributes;

	attributes_fill(server_of(req), inode, &attributes);
	if (which &
	    (FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		fuse_reply_err(req, EPERM);
	else
		fuse_reply_attr(req, &attributes, 0);
}

static void on_readdir(fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset,
		       struct fuse_file_info *file)
{
	static const struct {
		const char *name;
		fuse_ino_t inode;
	} entries[] = {{".", FUSE_ROOT_ID}, {"..", FUSE_ROOT_ID}, {VOLUME_NAME, VOLUME_INODE}};
	char buf[NAMES_MAX];
	size_t len = 0;

	size = MIN(size, sizeof(buf));
	for (size_t i = (size_t)offset; i < ARRAY_SIZE(entries); i++) {
		struct stat attributes;
		size_t added;

		attributes_fill(server_of(req), entries[i].inode, &attributes);
		added = fuse_add_direntry(req, buf + len, size - len, entries[i].name, &attributes,
					  (off_t)i + 1);
		if (added > size - len)
			break;
		len += added;
	}
	fuse_reply_buf(req, buf, len);
}

static void on_open(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *file)
{
	struct server *server = server_of(req); /* a reply frees the request */

	if (inode != VOLUME_INODE) {
		fuse_reply_err(req, EISDIR);
		return;
	}
	file->direct_io = 1;
	if (fuse_reply_open(req, file) == 0) /* else the caller has gone, and releases nothing */
		server->open_count++;
}

static void on_release(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *file)
{
	server_of(req)->open_count--;
	fuse_reply_err(req, 0);
}

/* --- I/O --- */

static void read_done(struct session_request *request, int result)
{
	struct slot *slot = container_of(request, struct slot, request);

	if (result < 0)
		fuse_reply_err(slot->fuse, -result);
	else
		fuse_reply_buf(slot->fuse, (char *)request->data, request->length);
	slot_put(slot);
}

static void write_done(struct session_request *request, int result)
{
	struct slot *slot = container_of(request, struct slot, request);

	if (result < 0)
		fuse_reply_err(slot->fuse, -result);
	else
		fuse_reply_write(slot->fuse, request->length);
	slot_put(slot);
}

static void flush_done(struct session_request *request, int result)
{
	struct slot *slot = container_of(request, struct slot, request);

	fuse_reply_err(slot->fuse, -result);
	slot_put(slot);
}

static void on_read(fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset,
		    struct fuse_file_info *file)
{
	struct server *server = server_of(req);
	uint64_t end = session_disk(server->session)->size_bytes;
	struct slot *slot;

	if ((uint64_t)offset >= end) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	if (size > SESSION_COMMAND_MAX) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	slot = server_take_slot(server, req);
	slot->request = (struct session_request){
		.kind = SESSION_READ,
		.offset = (uint64_t)offset,
		.length = MIN(size, end - (uint64_t)offset),
		.data = slot_data(slot),
		.done = read_done,
	};
	session_submit(server->session, &slot->request);
}

static void on_write(fuse_req_t req, fuse_ino_t inode, const char *buf, size_t size, off_t offset,
		     struct fuse_file_info *file)
{
	struct server *server = server_of(req);
	uint64_t end = session_disk(server->session)->size_bytes;
	struct slot *slot;

	if ((uint64_t)offset >= end || size > end - (uint64_t)offset) {
		fuse_reply_err(req, ENOSPC); /* as a block device says at its end */
		return;
	}
	slot = server_take_slot(server, req);
	slot->request = (struct session_request){
		.kind = SESSION_WRITE,
		.offset = (uint64_t)offset,
		.length = size,
		.data = (uint8_t *)(uintptr_t)buf, /* in the slot's memory */
		.done = write_done,
	};
	session_submit(server->session, &slot->request);
}

static void on_fsync(fuse_req_t req, fuse_ino_t inode, int is_datasync, struct fuse_file_info *file)
{
	struct server *server = server_of(req);
	struct slot *slot = server_take_slot(server, req);

	slot->request = (struct session_request){.kind = SESSION_FLUSH, .done = flush_done};
	session_submit(server->session, &slot->request);
}

static void on_fallocate(fuse_req_t req, fuse_ino_t inode, int mode, off_t offset, off_t length,
			 struct fuse_file_info *file)
{
	struct server *server = server_of(req);
	uint64_t end = session_disk(server->session)->size_bytes;
	bool is_hole = mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);

	if (!is_hole && (mode & ~FALLOC_FL_KEEP_SIZE) != FALLOC_FL_ZERO_RANGE) {
		fuse_reply_err(req, EOPNOTSUPP);
		return;
	}
	if ((uint64_t)offset >= end || (uint64_t)length > end - (uint64_t)offset) {
		fuse_reply_err(req, ENOSPC);
		return;
	}
	range_start(server_take_slot(server, req), (uint64_t)offset, (uint64_t)length, is_hole);
}

const struct fuse_lowlevel_ops volume_file_ops = {
	.init = on_init,
	.lookup = on_lookup,
	.getattr = on_getattr,
	.setattr = on_setattr,
	.readdir = on_readdir,
	.open = on_open,
	.release = on_release,
	.read = on_read,
	.write = on_write,
	.fsync = on_fsync,
	.fallocate = on_fallocate,
};
