/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The golden bytes of docs/FORMAT.md, written out by hand: offsets, order of bytes, values. */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "store/word.h"
#include "tests/unit/store/store_fixture.h"

static const struct uuid pool = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
static uint8_t block[FORMAT_BLOCK_BYTES] __attribute__((aligned(8)));

static void expect_bytes(const void *data, size_t offset, const char *expected, size_t len)
{
	assert_memory_equal((const uint8_t *)data + offset, expected, len);
}

static void the_header_is_64_bytes_in_this_order(void **state)
{
	const struct format_identity identity = {.kind = FORMAT_INDEX,
						 .level = 2,
						 .block = 0x0102030405,
						 .owner = 0x1122,
						 .index = 7};

	memset(block, 0xaa, sizeof(block));
	format_seal(block, &identity, &pool, 0x99, 0x1234);
	expect_bytes(block, 0, "BRTH\3\0\2\0", 8);
	expect_bytes(block, 8, "\5\4\3\2\1\0\0\0", 8);
	expect_bytes(block, 16, "\x99\0\0\0\0\0\0\0", 8);
	expect_bytes(block, 24, "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16);
	expect_bytes(block, 40, "\x22\x11\0\0\0\0\0\0\7\0\0\0\0\0\0\0\x34\x12\0\0", 20);
}

static void the_checksum_covers_all_with_its_own_field_zero(void **state)
{
	const struct format_identity identity = {.kind = FORMAT_LEAF, .block = 5, .owner = 1};
	uint32_t crc;

	memset(block, 0x5a, sizeof(block));
	format_seal(block, &identity, &pool, 1, 0);
	crc = get_le32(block + 60);
	put_le32(block + 60, 0);
	assert_int_equal(crc, crc32c(0, block, sizeof(block)));
	put_le32(block + 60, crc);
	assert_int_equal(format_check(block, &identity, &pool, NULL), 0);
}

static void any_changed_bit_is_found(void **state)
{
	const struct format_identity identity = {.kind = FORMAT_LEAF, .block = 5, .owner = 1};
	struct error err;

	memset(block, 0, sizeof(block));
	format_seal(block, &identity, &pool, 1, 0);
	for (size_t bit = 0; bit < sizeof(block) * 8; bit += 37) {
		block[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		assert_int_equal(format_check(block, &identity, &pool, &err), -ENODATA);
		block[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	assert_non_null(strstr(err.text, "byte 20480"));
}

static void a_block_of_another_place_kind_owner_or_pool_is_refused(void **state)
{
	const struct format_identity right = {
		.kind = FORMAT_LEAF, .block = 5, .owner = 1, .index = 2};
	const struct format_identity wrong[] = {
		{.kind = FORMAT_INDEX, .block = 5, .owner = 1, .index = 2},
		{.kind = FORMAT_LEAF, .level = 1, .block = 5, .owner = 1, .index = 2},
		{.kind = FORMAT_LEAF, .block = 6, .owner = 1, .index = 2},
		{.kind = FORMAT_LEAF, .block = 5, .owner = 2, .index = 2},
		{.kind = FORMAT_LEAF, .block = 5, .owner = 1, .index = 3},
	};
	const struct uuid other = {{1}};

	memset(block, 0, sizeof(block));
	format_seal(block, &right, &pool, 1, 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(format_check(block, &wrong[i], &pool, NULL), -ENODATA);
	assert_int_equal(format_check(block, &right, &other, NULL), -ENODATA);
	assert_int_equal(format_check(block, &right, &pool, NULL), 0);
}

static void a_place_finds_out_an_older_page(void **state)
{
	const struct format_identity identity = {.kind = FORMAT_LEAF, .block = 0x123456789};
	uint64_t place;

	memset(block, 0, sizeof(block));
	format_seal(block, &identity, &pool, 2, 0);
	place = format_place_of(block);
	assert_int_equal(format_place_block(place), 0x123456789);
	assert_int_equal(place & 0xfffffff, get_le32(block + 60) & 0xfffffff);
	assert_int_equal(format_check_place(block, place, &identity, &pool, NULL), 0);
	format_seal(block, &identity, &pool, 1, 0);
	assert_int_equal(format_check_place(block, place, &identity, &pool, NULL), -ENODATA);
}

static void the_structs_lie_where_the_document_says(void **state)
{
	assert_int_equal(offsetof(struct format_super, version), 64);
	assert_int_equal(offsetof(struct format_super, features), 72);
	assert_int_equal(offsetof(struct format_super, extent_count), 80);
	assert_int_equal(offsetof(struct format_super, journal_extents), 88);
	assert_int_equal(offsetof(struct format_super, journal_epoch), 96);
	assert_int_equal(offsetof(struct format_super, journal_first), 104);
	assert_int_equal(offsetof(struct format_super, catalogue_root), 112);
	assert_int_equal(offsetof(struct format_super, bitmap_root), 120);
	assert_int_equal(offsetof(struct format_super, catalogue_pages), 128);
	assert_int_equal(offsetof(struct format_super, name), 136);
	assert_int_equal(offsetof(struct format_super, threshold_used_percent), 216);
	assert_int_equal(offsetof(struct format_super, overcommit_percent), 220);
	assert_int_equal(offsetof(struct format_super, reserved), 224);
	assert_int_equal(offsetof(struct format_bitmap, extents), 64);
	assert_int_equal(offsetof(struct format_bitmap, slots), 2112);
	assert_int_equal(offsetof(struct format_bitmap, flags), 2624);
	assert_int_equal(offsetof(struct format_bitmap, reserved), 2628);
	assert_int_equal(offsetof(struct format_catalogue, records), 64);
	assert_int_equal(offsetof(struct format_volume, head), 4);
	assert_int_equal(offsetof(struct format_volume, size_bytes), 8);
	assert_int_equal(offsetof(struct format_volume, created_at_s), 16);
	assert_int_equal(offsetof(struct format_volume, logical_block_bytes), 24);
	assert_int_equal(offsetof(struct format_volume, uuid), 32);
	assert_int_equal(offsetof(struct format_volume, name), 48);
	assert_int_equal(offsetof(struct format_volume, origin), 128);
	assert_int_equal(offsetof(struct format_volume, reservation_bytes), 144);
	assert_int_equal(offsetof(struct format_volume, limit_bytes), 152);
	assert_int_equal(offsetof(struct format_volume, threshold_used_bytes), 160);
	assert_int_equal(offsetof(struct format_volume, threshold_available_bytes), 168);
	assert_int_equal(offsetof(struct format_layer, parent), 4);
	assert_int_equal(offsetof(struct format_layer, leaf_count), 8);
	assert_int_equal(offsetof(struct format_layer, root), 16);
	assert_int_equal(offsetof(struct format_layer, mapped_extents), 24);
	assert_int_equal(offsetof(struct format_layer, shadowed_extents), 32);
}

/* The disk itself, as pool_format and a first write leave it. */
static void a_pool_on_the_disk_has_these_bytes(void **state)
{
	struct fixture fixture;
	static uint8_t data[8192];

	fixture_start(&fixture, 64 * MIB, 512);
	assert_int_equal(fixture_io(&fixture, fixture.disk, BLOCK_READ, 0, block, sizeof(block)),
			 0);
	expect_bytes(block, 0, "BRTH\1\0\0\0\0\0\0\0\0\0\0\0", 16);
	expect_bytes(block, 64, "\2\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0", 16);
	expect_bytes(block, 80, "\0\4\0\0\0\0\0\0\x10\0\0\0\0\0\0\0", 16); /* 1024 and 16 */
	expect_bytes(block, 96, "\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 16);   /* epoch 2 */
	expect_bytes(block, 136, "p\0\0", 3);
	assert_int_equal(fixture_io(&fixture, fixture.disk, BLOCK_READ, MIB, block, sizeof(block)),
			 0);
	expect_bytes(block, 0, "BRTH\1\0\0\0\0\1\0\0\0\0\0\0", 16); /* block 256 */

	/* Record 1, block 1025: volume and layer, sealed. Record 2: the word of extent 3, not
	 * sealed. Record 3: the flush, sealed and empty. */
	assert_int_equal(fixture_create(&fixture, "v", 16 * MIB), 0);
	assert_int_equal(fixture_io(&fixture, fixture_volume(&fixture, "v"), BLOCK_WRITE,
				    3 * 65536 + 4096, data, sizeof(data)),
			 0);
	assert_int_equal(
		fixture_io(&fixture, fixture_volume(&fixture, "v"), BLOCK_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(
		fixture_io(&fixture, fixture.disk, BLOCK_READ, 1025 * 4096, block, sizeof(block)),
		0);
	expect_bytes(block, 4, "\2\0\1\0\1\4\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 20);
	expect_bytes(block, 64, "\1\0\1\0\1\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0", 20);
	expect_bytes(block, 64 + 272, "\1\0\1\0\2\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0", 24);
	assert_int_equal(
		fixture_io(&fixture, fixture.disk, BLOCK_READ, 1026 * 4096, block, sizeof(block)),
		0);
	expect_bytes(block, 4, "\2\0\0\0", 4);
	expect_bytes(block, 64, "\3\0\1\0\1\0\0\0\3\0\0\0\0\0\0\0", 16);
	/* First data extent: 64 + 16. Blocks 1 and 2 are written. */
	expect_bytes(block, 80, "\0\0\6\0\x50\0\0\0", 8);
	assert_int_equal(
		fixture_io(&fixture, fixture.disk, BLOCK_READ, 1027 * 4096, block, sizeof(block)),
		0);
	expect_bytes(block, 4, "\2\0\1\0\3\4\0\0\0\0\0\0\3\0\0\0", 16);
	expect_bytes(block, 56, "\0\0\0\0", 4);
	fixture_stop(&fixture);
}

static void words_obey_their_rules(void **state)
{
	uint64_t word = word_write(0, 0x12345678, 0x0003);

	assert_int_equal(word, UINT64_C(0x1234567800030000));
	assert_int_equal(word_clear(word, 0x0001, false), UINT64_C(0x1234567800020000));
	assert_int_equal(word_clear(word, 0x0003, false), 0);
	assert_int_equal(word_clear(word, 0x0003, true), 3);
	assert_int_equal(word_clear(word, 0x0001, true), UINT64_C(0x1234567800020001));
	assert_int_equal(word_write(3, 9, 1), word_make(9, 1, 2));
	assert_true(word_is_sound(0));
	assert_true(word_is_sound(word));
	assert_false(word_is_sound(word_make(1, 0, 0)));
	assert_false(word_is_sound(word_make(0, 1, 0)));
	assert_false(word_is_sound(word_make(1, 1, 1)));
}

static void slots_and_data_never_share_an_extent(void **state)
{
	const struct geometry geometry = {.extent_count = 2 * 4096 + 100, .journal_extents = 16};
	uint64_t slots = 0;
	uint64_t data = 0;

	for (uint64_t i = 0; i < geometry_slot_end(&geometry); i++) {
		uint64_t at = geometry_slot_block(i);

		assert_int_equal(geometry_block_slot(at), i);
		assert_false(geometry_is_data(&geometry, at / 16));
		assert_int_equal(geometry_is_slot_block(&geometry, at),
				 geometry_is_slot(&geometry, i));
		slots += geometry_is_slot(&geometry, i);
	}
	for (uint64_t i = 0; i < 3 * 4096; i++)
		data += geometry_is_data(&geometry, i);
	assert_int_equal(slots, geometry_slot_count(&geometry));
	assert_int_equal(data, geometry_data_count(&geometry));
	assert_int_equal(data, 2 * 4096 + 100 - 3 * 64 - 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_header_is_64_bytes_in_this_order),
		cmocka_unit_test(the_checksum_covers_all_with_its_own_field_zero),
		cmocka_unit_test(any_changed_bit_is_found),
		cmocka_unit_test(a_block_of_another_place_kind_owner_or_pool_is_refused),
		cmocka_unit_test(a_place_finds_out_an_older_page),
		cmocka_unit_test(the_structs_lie_where_the_document_says),
		cmocka_unit_test(a_pool_on_the_disk_has_these_bytes),
		cmocka_unit_test(words_obey_their_rules),
		cmocka_unit_test(slots_and_data_never_share_an_extent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
