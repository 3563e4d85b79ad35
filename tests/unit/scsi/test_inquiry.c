/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Golden bytes of INQUIRY data and of each vital product data page. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "scsi/inquiry.h"

#define UUID_BYTES                                                                                 \
	{                                                                                          \
		{                                                                                  \
			0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0x4d, 0xef, 0x81, 0x23, 0x45, 0x67,    \
				0x89, 0xab, 0xcd, 0xef                                             \
		}                                                                                  \
	}

static const struct uuid uuid = UUID_BYTES;

static uint8_t page[INQUIRY_LEN_MAX];

static int dirty(void **state)
{
	(void)state;
	memset(page, 0xa5, sizeof(page));
	return 0;
}

static void standard_data(void **state)
{
	static const uint8_t start[8] = {0x00, 0x00, 0x06, 0x02, 91, 0x00, 0x00, 0x02};
	static const uint8_t versions[8] = {0x00, 0xa0, 0x09, 0x60, 0x04, 0x60, 0x04, 0xc0};

	(void)state;
	assert_int_equal(inquiry_encode_standard(page), 96);
	assert_memory_equal(page, start, sizeof(start));
	assert_memory_equal(page + 8, "BERTH   Thin Volume     0001", 28);
	for (size_t i = 36; i < 58; i++)
		assert_int_equal(page[i], 0);
	assert_memory_equal(page + 58, versions, sizeof(versions));
	for (size_t i = 66; i < 96; i++)
		assert_int_equal(page[i], 0);
}

static void absent_lun_has_qualifier_3(void **state)
{
	(void)state;
	assert_int_equal(inquiry_encode_absent(page), 96);
	assert_int_equal(page[0], 0x7f);
	assert_int_equal(page[4], 91);
}

static void supported_pages(void **state)
{
	static const uint8_t expected[] = {0, 0x00, 0, 6, 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2};

	(void)state;
	assert_int_equal(vpd_encode_supported_pages(page), sizeof(expected));
	assert_memory_equal(page, expected, sizeof(expected));
}

static void serial_is_the_uuid_as_text(void **state)
{
	static const uint8_t header[] = {0, 0x80, 0, 36};

	(void)state;
	assert_int_equal(vpd_encode_serial(page, &uuid), 40);
	assert_memory_equal(page, header, sizeof(header));
	assert_memory_equal(page + 4, "12345678-9abc-4def-8123-456789abcdef", 36);
}

static void identification(void **state)
{
	static const struct vpd_names names = {
		.uuid = UUID_BYTES,
		.label = "db",
		.target_name = "iqn.x:n:db",
		.target_port = "iqn.x:n:db,t,0x0001",
	};
	static const uint8_t expected[] =
		/* NAA, locally assigned: the last 60 bits */
		"\x01\x03\x00\x08\x31\x23\x45\x67\x89\xab\xcd\xef"
		/* T10 vendor ID based */
		"\x02\x01\x00\x2c"
		"BERTH   12345678-9abc-4def-8123-456789abcdef"
		/* UUID */
		"\x01\x0a\x00\x12\x10\x00"
		"\x12\x34\x56\x78\x9a\xbc\x4d\xef\x81\x23\x45\x67\x89\xab\xcd\xef"
		/* vendor specific: the label */
		"\x03\x00\x00\x02"
		"db"
		/* SCSI name string of the target port, with NUL, to a multiple of four */
		"\x53\x98\x00\x14"
		"iqn.x:n:db,t,0x0001\0"
		/* relative target port 1 */
		"\x51\x94\x00\x04\x00\x00\x00\x01"
		/* SCSI name string of the target device */
		"\x53\xa8\x00\x0c"
		"iqn.x:n:db\0\0";
	size_t len = sizeof(expected) - 1;

	(void)state;
	assert_int_equal(vpd_encode_identification(page, &names), 4 + len);
	assert_int_equal(page[0], 0);
	assert_int_equal(page[1], 0x83);
	assert_int_equal(get_be16(page + 2), len);
	assert_memory_equal(page + 4, expected, len);
}

static void longest_names_fit(void **state)
{
	char label[65];
	char name[300];
	struct vpd_names names = {
		.uuid = uuid, .label = label, .target_name = name, .target_port = name};
	size_t len;
	size_t at = 4;

	(void)state;
	memset(label, 'l', sizeof(label) - 1);
	label[64] = '\0';
	memset(name, 'n', sizeof(name) - 1);
	name[299] = '\0';
	len = vpd_encode_identification(page, &names);
	assert_true(len < sizeof(page));
	/* The designators fill the page, each with the length that it claims. */
	while (at < len)
		at += 4U + page[at + 3];
	assert_int_equal(at, len);
}

static void block_limits(void **state)
{
	static const struct vpd_limits limits = {
		.maximum_compare_and_write_length = 0x80,
		.optimal_transfer_length_granularity = 8,
		.maximum_transfer_length = 0x800,
		.optimal_transfer_length = 0x80,
		.maximum_unmap_lba_count = 0x01020304,
		.maximum_unmap_block_descriptor_count = 0x100,
		.optimal_unmap_granularity = 0x80,
		.maximum_write_same_length = UINT64_C(0x0102030405060708),
	};
	static const uint8_t expected[64] = {0, 0xb0, 0, 60, 0x01, 0x80, 0, 8, 0, 0,	8,
					     0, 0,    0, 0,  0x80, 0,	 0, 0, 0, 1,	2,
					     3, 4,    0, 0,  1,	   0,	 0, 0, 0, 0x80, 0x80,
					     0, 0,    0, 1,  2,	   3,	 4, 5, 6, 7,	8};

	(void)state;
	assert_int_equal(vpd_encode_limits(page, &limits), 64);
	assert_memory_equal(page, expected, 64);
}

static void characteristics_of_a_disk_without_a_motor(void **state)
{
	static const uint8_t expected[64] = {0, 0xb1, 0, 60, 0, 1};

	(void)state;
	assert_int_equal(vpd_encode_characteristics(page), 64);
	assert_memory_equal(page, expected, 64);
}

static void provisioning(void **state)
{
	static const uint8_t thin[8] = {0, 0xb2, 0, 4, 0, 0xe4, 0x02, 0};
	static const uint8_t with_thresholds[8] = {0, 0xb2, 0, 4, 11, 0xe4, 0x02, 0};
	static const uint8_t thick[8] = {0, 0xb2, 0, 4, 0, 0, 0, 0};

	(void)state;
	assert_int_equal(vpd_encode_provisioning(page, true, 0), 8);
	assert_memory_equal(page, thin, 8);
	assert_int_equal(vpd_encode_provisioning(page, true, 11), 8);
	assert_memory_equal(page, with_thresholds, 8);
	assert_int_equal(vpd_encode_provisioning(page, false, 0), 8);
	assert_memory_equal(page, thick, 8);
}

#define TEST(name) cmocka_unit_test_setup(name, dirty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(standard_data),   TEST(absent_lun_has_qualifier_3),
		TEST(supported_pages), TEST(serial_is_the_uuid_as_text),
		TEST(identification),  TEST(longest_names_fit),
		TEST(block_limits),    TEST(characteristics_of_a_disk_without_a_motor),
		TEST(provisioning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
