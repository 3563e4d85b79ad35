/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a disk says about itself: good answers, answers of other targets, and garbage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/random.h"
#include "initiator/disk.h"

static const char volume_text[] = "9b2e6c1e-7d7b-4e0e-9d52-8e7c0b6f4a11";

static size_t serial_page(uint8_t *page, const char *serial)
{
	memset(page, 0, 4);
	page[1] = 0x80;
	put_be16(page + 2, (uint16_t)strlen(serial));
	strcpy((char *)page + 4, serial);
	return 4 + strlen(serial);
}

/* A T10 designator, then the UUID of SPC-5. */
static size_t identification_page(uint8_t *page, const char *uuid_text)
{
	struct uuid uuid;

	memset(page, 0, 64);
	page[1] = 0x83;
	page[4] = 0x02;
	page[5] = 0x01;
	page[7] = 8;
	strcpy((char *)page + 8, "BERTH   ");
	page[16] = 0x01;
	page[17] = 0x0a;
	page[19] = 18;
	page[20] = 0x10;
	assert_int_equal(uuid_parse(uuid_text, &uuid), 0);
	memcpy(page + 22, uuid.bytes, 16);
	put_be16(page + 2, 34);
	return 38;
}

static void capacity_data(uint8_t *data, uint64_t last_lba, uint32_t block)
{
	memset(data, 0, 32);
	put_be64(data, last_lba);
	put_be32(data + 8, block);
	data[13] = 3;	 /* eight logical blocks in a physical one */
	data[14] = 0xc0; /* LBPME, LBPRZ */
}

static void serial_number_is_the_uuid(void **state)
{
	struct disk disk = {0};
	struct uuid wanted;
	uint8_t page[64];
	size_t len = serial_page(page, "  9b2e6c1e-7d7b-4e0e-9d52-8e7c0b6f4a11 ");

	assert_int_equal(disk_take_serial(&disk, page, len, NULL), 0);
	assert_int_equal(uuid_parse(volume_text, &wanted), 0);
	assert_true(uuid_is_equal(&disk.uuid, &wanted));
	assert_int_equal(disk_check_identity(&disk, &wanted, NULL), 0);
}

static void foreign_serial_number_is_no_uuid(void **state)
{
	struct disk disk = {0};
	struct uuid wanted;
	struct error err;
	uint8_t page[64];
	size_t len = serial_page(page, "beaf11");

	assert_int_equal(disk_take_serial(&disk, page, len, NULL), 0);
	assert_true(uuid_is_nil(&disk.uuid));
	assert_int_equal(uuid_parse(volume_text, &wanted), 0);
	assert_int_equal(disk_check_identity(&disk, &wanted, &err), -ESTALE);
	assert_non_null(strstr(err.text, volume_text));
}

static void uuid_designator_is_found_behind_others(void **state)
{
	struct disk disk = {0};
	struct uuid wanted;
	uint8_t page[64];
	size_t len = identification_page(page, volume_text);

	assert_int_equal(disk_take_identification(&disk, page, len, NULL), 0);
	assert_int_equal(uuid_parse(volume_text, &wanted), 0);
	assert_true(uuid_is_equal(&disk.uuid, &wanted));
}

static void pages_that_disagree_are_refused(void **state)
{
	struct disk disk = {0};
	uint8_t page[64];
	size_t len = serial_page(page, "00000000-7d7b-4e0e-9d52-8e7c0b6f4a11");

	assert_int_equal(disk_take_serial(&disk, page, len, NULL), 0);
	len = identification_page(page, volume_text);
	assert_int_equal(disk_take_identification(&disk, page, len, NULL), -EPROTO);
}

static void another_volume_is_refused_by_name(void **state)
{
	struct disk disk = {0};
	struct uuid other;
	struct error err;
	uint8_t page[64];
	size_t len = serial_page(page, volume_text);

	assert_int_equal(disk_take_serial(&disk, page, len, NULL), 0);
	uuid_generate(&other);
	assert_int_equal(disk_check_identity(&disk, &other, &err), -ESTALE);
	assert_non_null(strstr(err.text, volume_text));
}

static void capacity_gives_sizes_and_provisioning(void **state)
{
	struct disk disk = {0};
	uint8_t data[32];

	capacity_data(data, 2047, 512);
	assert_int_equal(disk_take_capacity(&disk, data, sizeof(data), NULL), 0);
	assert_int_equal(disk.size_bytes, 1024 * 1024);
	assert_int_equal(disk.logical_block_bytes, 512);
	assert_int_equal(disk.physical_block_bytes, 4096);
	assert_true(disk.is_thin);
	assert_true(disk.can_unmap);
}

static void unmapped_blocks_of_unknown_content_are_not_used(void **state)
{
	struct disk disk = {0};
	uint8_t data[32];

	capacity_data(data, 2047, 512);
	data[14] = 0x80; /* LBPME without LBPRZ */
	assert_int_equal(disk_take_capacity(&disk, data, sizeof(data), NULL), 0);
	assert_true(disk.is_thin);
	assert_false(disk.can_unmap);
}

static void absurd_capacities_are_refused(void **state)
{
	static const struct {
		uint64_t last_lba;
		uint32_t block;
	} cases[] = {{7, 0}, {7, 520}, {7, 1}, {UINT64_MAX, 512}, {INT64_MAX / 512, 512}};
	uint8_t data[32];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct disk disk = {0};

		capacity_data(data, cases[i].last_lba, cases[i].block);
		assert_int_equal(disk_take_capacity(&disk, data, sizeof(data), NULL), -EPROTO);
	}
}

static void limits_are_in_bytes(void **state)
{
	struct disk disk = {0};
	uint8_t data[64] = {0};

	capacity_data(data, 1 << 20, 512);
	assert_int_equal(disk_take_capacity(&disk, data, 32, NULL), 0);
	memset(data, 0, sizeof(data));
	data[1] = 0xb0;
	put_be16(data + 2, 0x3c);
	put_be32(data + 8, 2048);		/* maximum transfer length */
	put_be32(data + 20, 65536);		/* maximum unmap LBA count */
	put_be32(data + 28, 128);		/* optimal unmap granularity */
	put_be32(data + 32, 0x80000000u | 130); /* alignment, valid */
	put_be64(data + 36, 4096);		/* maximum write same length */
	assert_int_equal(disk_take_limits(&disk, data, sizeof(data), NULL), 0);
	assert_int_equal(disk.max_transfer_bytes, 1024 * 1024);
	assert_int_equal(disk.max_unmap_bytes, 32 * 1024 * 1024);
	assert_int_equal(disk.unmap_granule_bytes, 64 * 1024);
	assert_int_equal(disk.unmap_align_bytes, 2 * 512);
	assert_int_equal(disk.max_write_same_bytes, 2 * 1024 * 1024);
}

static void provisioning_without_unmap_turns_it_off(void **state)
{
	struct disk disk = {.can_unmap = true};
	uint8_t data[8] = {0x00, 0xb2, 0x00, 0x04, 0x00, 0x80};

	assert_int_equal(disk_take_provisioning(&disk, data, sizeof(data), NULL), 0);
	assert_true(disk.can_unmap);
	data[5] = 0x40; /* WRITE SAME(16) only */
	assert_int_equal(disk_take_provisioning(&disk, data, sizeof(data), NULL), 0);
	assert_false(disk.can_unmap);
}

/* Whatever comes, nothing is read beyond it (ASan watches) and limits stay usable. */
static void garbage_is_survived(void **state)
{
	int (*const takes[])(struct disk *, const uint8_t *, size_t, struct error *) = {
		disk_take_serial, disk_take_identification, disk_take_capacity, disk_take_limits,
		disk_take_provisioning};
	static const uint8_t pages[] = {0x80, 0x83, 0x00, 0xb0, 0xb2};
	struct random random = {42};

	for (int round = 0; round < 20000; round++) {
		size_t len = random_below(&random, 100);
		size_t which = random_below(&random, ARRAY_SIZE(takes));
		uint8_t *data = test_malloc(len ? len : 1);
		struct disk disk = {.logical_block_bytes = 512, .unmap_granule_bytes = 512};

		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t)random_next(&random);
		if (len > 3 && which != 2) {
			data[0] = 0;
			data[1] = pages[which];
			data[2] = 0;
		}
		(void)takes[which](&disk, data, len, NULL);
		assert_true(disk.unmap_granule_bytes >= 512);
		assert_true(disk.unmap_align_bytes < disk.unmap_granule_bytes);
		test_free(data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serial_number_is_the_uuid),
		cmocka_unit_test(foreign_serial_number_is_no_uuid),
		cmocka_unit_test(uuid_designator_is_found_behind_others),
		cmocka_unit_test(pages_that_disagree_are_refused),
		cmocka_unit_test(another_volume_is_refused_by_name),
		cmocka_unit_test(capacity_gives_sizes_and_provisioning),
		cmocka_unit_test(unmapped_blocks_of_unknown_content_are_not_used),
		cmocka_unit_test(absurd_capacities_are_refused),
		cmocka_unit_test(limits_are_in_bytes),
		cmocka_unit_test(provisioning_without_unmap_turns_it_off),
		cmocka_unit_test(garbage_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
