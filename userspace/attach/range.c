/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fallocate: a hole is UNMAP for the whole granules in it, and zeros for the edges, which UNMAP
 * may leave as they are; a zero range is zeros throughout. Both read as zeros afterwards. The
 * loop device sends discards and "write zeroes" as holes, so nothing less will do.
 */
#include "attach/fuse.h"
#include "attach/server.h"
#include "base/compiler.h"

/* Up to where the piece that begins at `at` goes, and of which kind it is. */
static uint64_t piece_end(const struct disk *disk, const struct slot *slot, uint64_t at,
			  enum session_kind *out_kind)
{
	uint64_t granule = disk->unmap_granule_bytes;
	uint64_t into = (at + granule - disk->unmap_align_bytes) % granule;
	uint64_t whole = (slot->range_end - at) / granule * granule;

	*out_kind = SESSION_WRITE_ZEROES;
	if (!slot->range_is_hole || !disk->can_unmap)
		return slot->range_end;
	if (into != 0)
		return MIN(at + granule - into, slot->range_end);
	if (whole == 0)
		return slot->range_end;
	*out_kind = SESSION_UNMAP;
	return at + whole;
}

static void piece_start(struct slot *slot, uint64_t at);

static void piece_done(struct session_request *request, int result)
{
	struct slot *slot = container_of(request, struct slot, request);
	uint64_t at = request->offset + request->length;

	if (result == 0 && at < slot->range_end) {
		piece_start(slot, at);
		return;
	}
	fuse_reply_err(slot->fuse, -result);
	slot_put(slot);
}

static void piece_start(struct slot *slot, uint64_t at)
{
	struct session *session = slot->server->session;
	enum session_kind kind;
	uint64_t end = piece_end(session_disk(session), slot, at, &kind);

	slot->request = (struct session_request){
		.kind = kind,
		.offset = at,
		.length = end - at,
		.done = piece_done,
	};
	session_submit(session, &slot->request);
}

void range_start(struct slot *slot, uint64_t offset, uint64_t length, bool is_hole)
{
	slot->range_end = offset + length;
	slot->range_is_hole = is_hole;
	piece_start(slot, offset);
}
