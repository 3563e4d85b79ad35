/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The superblocks of a repair. Both old ones are copied beside copy B first; then the new ones
 * are written, the unsound copy first, so that at every moment an intact one is there, old or new.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/crc32c.h"
#include "store/repair_state.h"

static const uint64_t super_blocks[] = {FORMAT_SUPER_A_BLOCK, FORMAT_SUPER_B_BLOCK};
static const uint64_t old_blocks[] = {REPAIR_OLD_A_BLOCK, REPAIR_OLD_B_BLOCK};
static const struct format_identity record_identity = {.kind = FORMAT_REPAIR,
						       .block = REPAIR_RECORD_BLOCK};

static int say_failure(struct error *err, int ret, const char *what)
{
	return ret == 0 ? 0
			: error_set(err, ret, "%s failed: %s; the old superblocks count still",
				    what, strerror(-ret));
}

static int keep_old(struct repair *repair)
{
	_Alignas(FORMAT_BLOCK_BYTES) struct format_repair record = {0};
	const struct image *image = &repair->image;
	int ret = 0;

	for (unsigned i = 0; ret == 0 && i < 2; i++) {
		put_le32(&record.old_crc[i], crc32c(0, image->supers[i], FORMAT_BLOCK_BYTES));
		ret = offline_write(image->offline, old_blocks[i], image->supers[i]);
	}
	format_seal(&record, &record_identity, &image->uuid, repair->generation, 0);
	if (ret == 0)
		ret = offline_write(image->offline, REPAIR_RECORD_BLOCK, &record);
	if (ret == 0)
		ret = offline_flush(image->offline);
	return say_failure(repair->err, ret, "keeping the old superblocks");
}

static int put_super(struct offline *offline, struct format_super *super, unsigned copy)
{
	const struct format_identity identity = {.kind = FORMAT_SUPER, .block = super_blocks[copy]};
	struct uuid uuid;
	int ret;

	memcpy(uuid.bytes, super->header.pool, sizeof(uuid.bytes));
	format_seal(super, &identity, &uuid, get_le64(&super->header.generation), 0);
	ret = offline_write(offline, super_blocks[copy], super);
	return ret == 0 ? offline_flush(offline) : ret;
}

int repair_put_supers(struct repair *repair, uint64_t catalogue_root, uint64_t bitmap_root)
{
	_Alignas(FORMAT_BLOCK_BYTES) struct format_super super;
	const struct image *image = &repair->image;
	unsigned first = image->super_is_sound[0] ? 1 : 0;
	int ret;

	if (repair->settings->is_dry_run)
		return 0;
	memcpy(&super, image->super, sizeof(super));
	put_le32(&super.version, FORMAT_VERSION);
	put_le64(&super.features, get_le64(&super.features) | FORMAT_FEATURE_REPAIRED);
	put_le64(&super.journal_epoch, image->journal.epoch + 1);
	put_le64(&super.journal_first, MAX(image->journal_end, image->journal_beyond));
	put_le64(&super.catalogue_root, catalogue_root);
	put_le64(&super.bitmap_root, bitmap_root);
	put_le64(&super.catalogue_pages, image->record_count / FORMAT_RECORDS);
	put_le64(&super.header.generation, repair->generation);
	ret = keep_old(repair);
	if (ret != 0)
		return ret;
	ret = put_super(image->offline, &super, first);
	if (ret == 0)
		ret = put_super(image->offline, &super, !first);
	return say_failure(repair->err, ret, "writing a superblock");
}

/* --- after the repair --- */

struct decision {
	struct image image; /* superblocks only */
	_Alignas(FORMAT_BLOCK_BYTES) uint8_t old[2][FORMAT_BLOCK_BYTES];
};

/* The pool is there and waits for a decision. */
static int decision_open(struct decision *decision, struct offline *offline, struct error *err)
{
	const struct image_settings settings = {0};
	int ret = image_open(&decision->image, offline, &settings, err);

	if (ret != 0)
		return ret;
	if (get_le64(&decision->image.super->features) & FORMAT_FEATURE_REPAIRED)
		return 0;
	image_close(&decision->image);
	return error_set(err, -ENOENT, "no repair of this pool waits to be kept or undone");
}

/* What was kept to go back by is not needed any more. */
static int forget_old(struct offline *offline)
{
	_Alignas(FORMAT_BLOCK_BYTES) static const uint8_t zeros[FORMAT_BLOCK_BYTES];
	int ret = offline_write(offline, REPAIR_RECORD_BLOCK, zeros);

	for (unsigned i = 0; ret == 0 && i < 2; i++)
		ret = offline_write(offline, old_blocks[i], zeros);
	return ret == 0 ? offline_flush(offline) : ret;
}

int repair_keep(struct offline *offline, struct error *err)
{
	struct decision *decision = aligned_alloc(FORMAT_BLOCK_BYTES, sizeof(*decision));
	_Alignas(FORMAT_BLOCK_BYTES) struct format_super super;
	unsigned first;
	int ret = decision ? decision_open(decision, offline, err)
			   : error_set(err, -ENOMEM, "not enough memory");

	if (ret == 0) {
		first = decision->image.super_is_sound[0] ? 1 : 0;
		memcpy(&super, decision->image.super, sizeof(super));
		put_le64(&super.features, get_le64(&super.features) & ~FORMAT_FEATURE_REPAIRED);
		put_le64(&super.header.generation, get_le64(&super.header.generation) + 1);
		ret = put_super(offline, &super, first);
		if (ret == 0)
			ret = put_super(offline, &super, !first);
		if (ret == 0)
			ret = forget_old(offline);
		if (ret != 0)
			ret = error_set(err, ret, "writing the superblocks failed: %s; try again",
					strerror(-ret));
		image_close(&decision->image);
	}
	free(decision);
	return ret;
}

/* Both old superblocks as they were, proven by their checksums. */
static int read_old(struct decision *decision, struct offline *offline, struct error *err)
{
	_Alignas(FORMAT_BLOCK_BYTES) struct format_repair record;
	int ret = offline_read(offline, REPAIR_RECORD_BLOCK, &record);

	if (ret == 0)
		ret = format_check(&record, &record_identity, &decision->image.uuid, NULL);
	for (unsigned i = 0; ret == 0 && i < 2; i++) {
		ret = offline_read(offline, old_blocks[i], decision->old[i]);
		if (ret == 0 &&
		    crc32c(0, decision->old[i], FORMAT_BLOCK_BYTES) != get_le32(&record.old_crc[i]))
			ret = -ENODATA;
	}
	return ret == 0 ? 0
			: error_set(err, -ENODATA,
				    "what the repair kept to go back by (bytes 1052672 to 1064959) "
				    "is damaged: nothing was changed");
}

/* The sound one first: until it is there the repaired copy counts. */
static int write_old(struct decision *decision, struct offline *offline)
{
	unsigned first = format_is_intact(decision->old[0]) ? 0 : 1;
	int ret = offline_write(offline, super_blocks[first], decision->old[first]);

	if (ret == 0)
		ret = offline_flush(offline);
	if (ret == 0)
		ret = offline_write(offline, super_blocks[!first], decision->old[!first]);
	if (ret == 0)
		ret = offline_flush(offline);
	return ret == 0 ? forget_old(offline) : ret;
}

int repair_undo(struct offline *offline, struct error *err)
{
	struct decision *decision = aligned_alloc(FORMAT_BLOCK_BYTES, sizeof(*decision));
	int ret = decision ? decision_open(decision, offline, err)
			   : error_set(err, -ENOMEM, "not enough memory");

	if (ret == 0) {
		ret = read_old(decision, offline, err);
		if (ret == 0) {
			ret = write_old(decision, offline);
			if (ret != 0)
				(void)error_set(err, ret,
						"writing the old superblocks failed: %s; "
						"try again",
						strerror(-ret)); /* returns the code */
		}
		image_close(&decision->image);
	}
	free(decision);
	return ret;
}
