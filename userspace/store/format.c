/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sealing and checking of metadata blocks. */
#include "store/format.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"

static uint32_t format_crc(const void *data)
{
	static const uint8_t zero[4];
	const uint8_t *bytes = data;
	const size_t at = offsetof(struct format_header, crc);
	uint32_t crc = crc32c(0, bytes, at);

	crc = crc32c(crc, zero, sizeof(zero));
	return crc32c(crc, bytes + at + 4, FORMAT_BLOCK_BYTES - at - 4);
}

void format_seal(void *data, const struct format_identity *identity, const struct uuid *pool,
		 uint64_t generation, uint32_t used)
{
	struct format_header *header = data;

	put_le32(&header->magic, FORMAT_MAGIC);
	put_le16(&header->kind, (uint16_t)identity->kind);
	put_le16(&header->level, identity->level);
	put_le64(&header->block, identity->block);
	put_le64(&header->generation, generation);
	memcpy(header->pool, pool->bytes, sizeof(header->pool));
	put_le64(&header->owner, identity->owner);
	put_le64(&header->index, identity->index);
	put_le32(&header->used, used);
	put_le32(&header->crc, format_crc(data));
}

bool format_is_intact(const void *data)
{
	const struct format_header *header = data;

	return get_le32(&header->magic) == FORMAT_MAGIC &&
	       get_le32(&header->crc) == format_crc(data);
}

static const char *kind_text(enum format_kind kind)
{
	static const char *const texts[] = {
		[FORMAT_SUPER] = "superblock",	       [FORMAT_JOURNAL] = "journal record",
		[FORMAT_INDEX] = "index page",	       [FORMAT_LEAF] = "leaf",
		[FORMAT_CATALOGUE] = "catalogue page", [FORMAT_BITMAP] = "bitmap page",
		[FORMAT_REPAIR] = "repair record",     [FORMAT_LOSS] = "loss page",
	};

	return texts[kind];
}

/* What is wrong with it, or NULL. */
static const char *format_fault(const struct format_header *header,
				const struct format_identity *identity, const struct uuid *pool)
{
	if (get_le32(&header->magic) != FORMAT_MAGIC)
		return "it is not a metadata block";
	if (get_le32(&header->crc) != format_crc(header))
		return "its checksum is wrong";
	if (memcmp(header->pool, pool->bytes, sizeof(header->pool)) != 0)
		return "it belongs to another pool";
	if (get_le64(&header->block) != identity->block)
		return "it was meant for another address";
	if (get_le16(&header->kind) != identity->kind ||
	    get_le16(&header->level) != identity->level)
		return "it is of another kind";
	if (get_le64(&header->owner) != identity->owner ||
	    get_le64(&header->index) != identity->index)
		return "it is another page";
	return NULL;
}

int format_check(const void *data, const struct format_identity *identity, const struct uuid *pool,
		 struct error *err)
{
	const char *fault = format_fault(data, identity, pool);

	if (!fault)
		return 0;
	return error_set(err, -ENODATA, "%s at byte %" PRIu64 " of the disk is damaged: %s",
			 kind_text(identity->kind), identity->block * FORMAT_BLOCK_BYTES, fault);
}

uint64_t format_place_of(const void *data)
{
	const struct format_header *header = data;

	return format_place(get_le64(&header->block), get_le32(&header->crc));
}

int format_check_place(const void *data, uint64_t place, const struct format_identity *identity,
		       const struct uuid *pool, struct error *err)
{
	int ret = format_check(data, identity, pool, err);

	if (ret == 0 && format_place_of(data) != place)
		return error_set(err, -ENODATA,
				 "%s at byte %" PRIu64 " of the disk is damaged: it is an older "
				 "version (the disk lost a write)",
				 kind_text(identity->kind), identity->block * FORMAT_BLOCK_BYTES);
	return ret;
}
