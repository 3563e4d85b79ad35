/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initiator/disk.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

#define VPD_HEADER 4

#define GRANULE_BLOCKS_MAX (1U << 20) /* a sane granule; larger ones are taken for garbage */

/* SPC-4, 7.8.6 (designation descriptor). */
#define DESIGNATOR_HEADER    4
#define DESIGNATOR_TYPE_UUID 0x0a /* SPC-5, 7.7.6.11: 10h, 00h, then 16 bytes */

/* The page's body; -EPROTO if the answer isn't page `code` as a whole. */
static int vpd_body(uint8_t code, const uint8_t *data, size_t len, size_t *out_len,
		    struct error *err)
{
	if (len < VPD_HEADER || data[1] != code)
		return error_set(err, -EPROTO, "the target's answer is not VPD page %02xh", code);
	if (data[0] != 0x00)
		return error_set(err, -EPROTO,
				 "LUN 0 of the target is no disk (peripheral byte %02xh)", data[0]);
	*out_len = get_be16(data + 2);
	if (*out_len > len - VPD_HEADER)
		*out_len = len - VPD_HEADER; /* we asked for less than there is */
	return 0;
}

int disk_take_serial(struct disk *disk, const uint8_t *data, size_t len, struct error *err)
{
	char text[UUID_TEXT_SIZE];
	size_t body = 0;
	int ret;

	ret = vpd_body(0x80, data, len, &body, err);
	if (ret < 0)
		return ret;
	data += VPD_HEADER;
	while (body > 0 && (data[body - 1] == ' ' || data[body - 1] == '\0'))
		body--;
	while (body > 0 && data[0] == ' ') {
		data++;
		body--;
	}
	if (body != UUID_TEXT_SIZE - 1)
		return 0; /* some other serial number: no berth volume, no UUID */
	memcpy(text, data, body);
	text[body] = '\0';
	(void)uuid_parse(text, &disk->uuid); /* no UUID: stays nil */
	return 0;
}

int disk_take_identification(struct disk *disk, const uint8_t *data, size_t len, struct error *err)
{
	struct uuid found;
	size_t body = 0;
	int ret;

	ret = vpd_body(0x83, data, len, &body, err);
	if (ret < 0)
		return ret;
	data += VPD_HEADER;
	while (body >= DESIGNATOR_HEADER) {
		size_t size = data[3];
		bool is_of_unit = (data[1] & 0x30) == 0;

		if (size > body - DESIGNATOR_HEADER)
			return 0; /* cut off by our allocation length */
		if (is_of_unit && (data[1] & 0x0f) == DESIGNATOR_TYPE_UUID && size == 18) {
			memcpy(found.bytes, data + DESIGNATOR_HEADER + 2, sizeof(found.bytes));
			if (!uuid_is_nil(&disk->uuid) && !uuid_is_equal(&disk->uuid, &found))
				return error_set(err, -EPROTO,
						 "the target contradicts itself: VPD 80h and 83h "
						 "name different volumes");
			disk->uuid = found;
		}
		data += DESIGNATOR_HEADER + size;
		body -= DESIGNATOR_HEADER + size;
	}
	return 0;
}

int disk_take_capacity(struct disk *disk, const uint8_t *data, size_t len, struct error *err)
{
	uint64_t last_lba;
	uint32_t block;

	if (len < 16)
		return error_set(err, -EPROTO,
				 "the target's answer to READ CAPACITY(16) has %zu bytes", len);
	last_lba = get_be64(data);
	block = get_be32(data + 8);
	if ((block != 512 && block != 4096) || last_lba >= INT64_MAX / block)
		return error_set(err, -EPROTO,
				 "the target offers %llu blocks of %u bytes; berth takes blocks of "
				 "512 or 4096 bytes, and less than 2^63 bytes in all",
				 (unsigned long long)last_lba + 1, block);
	disk->logical_block_bytes = block;
	disk->physical_block_bytes = block << (data[13] & 0x0f);
	disk->size_bytes = (last_lba + 1) * block;
	disk->is_thin = data[14] & 0x80;
	disk->can_unmap = (data[14] & 0xc0) == 0xc0; /* LBPRZ too */
	disk->max_unmap_bytes = block;
	disk->max_write_same_bytes = block;
	disk->unmap_granule_bytes = block;
	disk->unmap_align_bytes = 0;
	return 0;
}

int disk_take_limits(struct disk *disk, const uint8_t *data, size_t len, struct error *err)
{
	uint32_t block = disk->logical_block_bytes;
	uint32_t max_transfer, max_unmap, granule;
	uint64_t max_write_same;
	size_t body = 0;
	int ret;

	ret = vpd_body(0xb0, data, len, &body, err);
	if (ret < 0)
		return ret;
	if (body < 12)
		return 0;
	max_transfer = get_be32(data + 8);
	disk->max_transfer_bytes = max_transfer > UINT32_MAX / block ? 0 : max_transfer * block;
	if (body < 0x3c)
		return 0; /* as SBC-2 had it: nothing of provisioning */
	max_unmap = get_be32(data + 20);
	granule = get_be32(data + 28);
	max_write_same = get_be64(data + 36);
	/* A count of 0 means: none told. Ours is what a block count of 32 bits can say. */
	disk->max_unmap_bytes = (uint64_t)(max_unmap ? max_unmap : UINT32_MAX) * block;
	if (max_write_same == 0 || max_write_same > UINT32_MAX)
		max_write_same = UINT32_MAX;
	disk->max_write_same_bytes = max_write_same * block;
	if (granule > 0 && granule <= GRANULE_BLOCKS_MAX) {
		disk->unmap_granule_bytes = granule * block;
		if (data[32] & 0x80)
			disk->unmap_align_bytes =
				(get_be32(data + 32) & 0x7fffffff) % granule * block;
	}
	return 0;
}

int disk_take_provisioning(struct disk *disk, const uint8_t *data, size_t len, struct error *err)
{
	size_t body = 0;
	int ret;

	ret = vpd_body(0xb2, data, len, &body, err);
	if (ret < 0)
		return ret;
	if (body < 4 || !(data[5] & 0x80)) /* LBPU */
		disk->can_unmap = false;
	return 0;
}

int disk_check_identity(const struct disk *disk, const struct uuid *uuid, struct error *err)
{
	char wanted[UUID_TEXT_SIZE], found[UUID_TEXT_SIZE];

	if (uuid_is_equal(&disk->uuid, uuid))
		return 0;
	if (uuid_is_nil(&disk->uuid))
		return error_set(err, -ESTALE,
				 "the target's disk has no volume UUID, expected %s; this is not "
				 "the volume, and nothing is written to it",
				 uuid_format(uuid, wanted));
	return error_set(err, -ESTALE,
			 "the target serves volume %s, expected %s; this is not the volume, and "
			 "nothing is written to it",
			 uuid_format(&disk->uuid, found), uuid_format(uuid, wanted));
}
