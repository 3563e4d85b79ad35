/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Golden bytes of sense data in both formats. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "scsi/sense.h"

static void assert_bytes(const struct sense *sense, bool is_descriptor, const uint8_t *expected,
			 size_t len)
{
	uint8_t out[SENSE_LEN_MAX];

	memset(out, 0xa5, sizeof(out));
	assert_int_equal(sense_encode(sense, is_descriptor, out), len);
	assert_memory_equal(out, expected, len);
}

static void plain_error(void **state)
{
	static const uint8_t fixed[18] = {0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x29, 0x03};
	static const uint8_t descriptor[8] = {0x72, 6, 0x29, 0x03};
	struct sense sense = {.key = 6, .code = 0x2903};

	(void)state;
	assert_bytes(&sense, false, fixed, sizeof(fixed));
	assert_bytes(&sense, true, descriptor, sizeof(descriptor));
}

static void information(void **state)
{
	static const uint8_t fixed[18] = {0xf0, 0, 0x0e, 0x01, 0x02, 0x03, 0x04,
					  10,	0, 0,	 0,    0,    0x1d, 0};
	static const uint8_t descriptor[20] = {0x72, 0x0e, 0x1d, 0, 0, 0, 0, 12, 0, 0x0a,
					       0x80, 0,	   0,	 0, 0, 0, 1, 2,	 3, 4};
	struct sense sense = {
		.key = 0x0e, .code = 0x1d00, .has_information = true, .information = 0x01020304};

	(void)state;
	assert_bytes(&sense, false, fixed, sizeof(fixed));
	assert_bytes(&sense, true, descriptor, sizeof(descriptor));
}

static void information_that_does_not_fit_is_left_out_of_fixed_format(void **state)
{
	static const uint8_t fixed[18] = {0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x21, 0};
	struct sense sense = {.key = 5,
			      .code = 0x2100,
			      .has_information = true,
			      .information = UINT64_C(1) << 32};

	(void)state;
	assert_bytes(&sense, false, fixed, sizeof(fixed));
}

static void field_pointers(void **state)
{
	static const uint8_t cdb[18] = {0x70, 0, 5, 0,	  0, 0, 0,    10, 0,
					0,    0, 0, 0x24, 0, 0, 0xcb, 0,  9};
	static const uint8_t parameter[18] = {0x70, 0, 5, 0,	0, 0, 0,    10,	  0,
					      0,    0, 0, 0x26, 0, 0, 0x80, 0x01, 0x02};
	static const uint8_t descriptor[16] = {0x72, 5, 0x24, 0, 0,    0, 0, 8,
					       0x02, 6, 0,    0, 0xcb, 0, 9, 0};
	struct sense sense = {.key = 5,
			      .code = 0x2400,
			      .field = SENSE_FIELD_IN_CDB,
			      .field_byte = 9,
			      .has_field_bit = true,
			      .field_bit = 3};

	(void)state;
	assert_bytes(&sense, false, cdb, sizeof(cdb));
	assert_bytes(&sense, true, descriptor, sizeof(descriptor));
	sense = (struct sense){
		.key = 5, .code = 0x2600, .field = SENSE_FIELD_IN_DATA, .field_byte = 0x102};
	assert_bytes(&sense, false, parameter, sizeof(parameter));
}

static void descriptors_stand_one_after_the_other(void **state)
{
	struct sense sense = {.key = 5,
			      .code = 0x2100,
			      .has_information = true,
			      .information = 7,
			      .field = SENSE_FIELD_IN_CDB,
			      .field_byte = 2};
	uint8_t out[SENSE_LEN_MAX];

	(void)state;
	assert_int_equal(sense_encode(&sense, true, out), SENSE_DESCRIPTOR_MAX);
	assert_int_equal(out[7], SENSE_DESCRIPTOR_MAX - 8);
	assert_int_equal(out[8], 0x00);
	assert_int_equal(out[20], 0x02);
	assert_int_equal(out[24], 0xc0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_error),
		cmocka_unit_test(information),
		cmocka_unit_test(information_that_does_not_fit_is_left_out_of_fixed_format),
		cmocka_unit_test(field_pointers),
		cmocka_unit_test(descriptors_stand_one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
