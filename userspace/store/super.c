/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which superblock counts, and whether its pool can be opened. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/size.h"
#include "store/geometry.h"
#include "store/recovery.h"

/* Its UUID is its own word: nothing else says what pool this is. */
static bool super_is_intact(const struct format_super *super, uint64_t block)
{
	const struct format_identity identity = {.kind = FORMAT_SUPER, .block = block};
	struct uuid pool;

	memcpy(pool.bytes, super->header.pool, sizeof(pool.bytes));
	return format_check(super, &identity, &pool, NULL) == 0;
}

int super_choose(const void *a, const void *b, const struct format_super **out_super,
		 struct error *err)
{
	const struct format_super *first = a;
	const struct format_super *second = b;
	bool has_first = super_is_intact(first, FORMAT_SUPER_A_BLOCK);
	bool has_second = super_is_intact(second, FORMAT_SUPER_B_BLOCK);

	if (has_first && has_second) {
		if (memcmp(first->header.pool, second->header.pool, 16) != 0)
			return error_set(err, -ENODATA,
					 "the two superblocks (bytes 0 and 1048576) are of "
					 "different pools");
		*out_super =
			get_le64(&second->header.generation) > get_le64(&first->header.generation)
				? second
				: first;
		return 0;
	}
	if (has_first || has_second) {
		*out_super = has_first ? first : second;
		return 0;
	}
	if (get_le32(&first->header.magic) == FORMAT_MAGIC ||
	    get_le32(&second->header.magic) == FORMAT_MAGIC)
		return error_set(err, -ENODATA,
				 "both superblocks (bytes 0 and 1048576 of the disk) are damaged");
	return error_set(err, -EINVAL, "there is no berth pool on this disk");
}

static int super_check_sizes(const struct format_super *super, uint64_t disk_bytes,
			     struct error *err)
{
	uint64_t extents = get_le64(&super->extent_count);
	uint64_t journal = get_le64(&super->journal_extents);
	char has[SIZE_TEXT_MAX];
	char needs[SIZE_TEXT_MAX];

	if (get_le32(&super->extent_bytes) != STORE_EXTENT_BYTES ||
	    extents < POOL_BYTES_MIN / STORE_EXTENT_BYTES || extents > POOL_EXTENTS_MAX ||
	    journal < JOURNAL_EXTENTS_MIN || journal > JOURNAL_EXTENTS_MAX ||
	    JOURNAL_EXTENT + journal > extents)
		return error_set(err, -ENODATA, "the superblock has impossible sizes");
	if (extents > disk_bytes / STORE_EXTENT_BYTES)
		return error_set(err, -EINVAL,
				 "the disk has only %s, the pool on it needs %s: it was cut short",
				 size_format(disk_bytes, has),
				 size_format(extents * STORE_EXTENT_BYTES, needs));
	return 0;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

int super_check(const struct format_super *super, uint64_t disk_bytes, struct error *err)
{
	if (get_le32(&super->version) == 0 || get_le32(&super->version) > FORMAT_VERSION)
		return error_set(err, -EINVAL,
				 "the pool has format %u, this berth-node knows up to %u: use a "
				 "newer one",
				 get_le32(&super->version), FORMAT_VERSION);
	if (get_le64(&super->features) & ~FORMAT_FEATURE_REPAIRED)
		return error_set(err, -EINVAL,
				 "the pool uses features (%#" PRIx64 ") that this berth-node does "
				 "not know: use a newer one",
				 get_le64(&super->features));
	if (!memchr(super->name, 0, NAME_SIZE) ||
	    !is_zero(super->reserved, sizeof(super->reserved)))
		return error_set(err, -ENODATA, "the superblock has bytes where none may be");
	if (name_check("pool", super->name, err) != 0)
		return error_set(err, -ENODATA, "the superblock has an impossible name");
	return super_check_sizes(super, disk_bytes, err);
}
