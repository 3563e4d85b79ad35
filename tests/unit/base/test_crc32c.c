/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CRC32C against the examples of RFC 7143 (appendix A.4) and in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>

#include "base/crc32c.h"

static void check_string_has_its_known_checksum(void **state)
{
	assert_true(crc32c(0, "123456789", 9) == 0xe3069283);
	assert_true(crc32c(0, "", 0) == 0);
}

static void rfc_7143_examples(void **state)
{
	uint8_t up[32];
	uint8_t down[32];
	uint8_t same[32];
	static const uint8_t read_command[48] = {
		0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0,	0, 0, 0, 0,
		0x14, 0,    0, 0, 0, 0, 4, 0, 0,    0, 0, 0x14, 0, 0, 0, 0x18,
		0x28, 0,    0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0,	0, 0, 0, 0,
	};

	for (uint8_t i = 0; i < 32; i++) {
		up[i] = i;
		down[i] = 31 - i;
	}
	assert_true(crc32c(0, up, 32) == 0x46dd794e);
	assert_true(crc32c(0, down, 32) == 0x113fdb5c);
	memset(same, 0, 32);
	assert_true(crc32c(0, same, 32) == 0x8a9136aa);
	memset(same, 0xff, 32);
	assert_true(crc32c(0, same, 32) == 0x62a8ab43);
	assert_true(crc32c(0, read_command, 48) == 0xd9963a56);
}

static void pieces_give_the_checksum_of_the_whole(void **state)
{
	uint8_t data[1000];
	uint32_t whole;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	whole = crc32c(0, data, sizeof(data));
	for (size_t cut = 0; cut <= sizeof(data); cut++) {
		uint32_t crc = crc32c(0, data, cut);

		assert_true(crc32c(crc, data + cut, sizeof(data) - cut) == whole);
	}
}

/* ISA-L counts in int; more than 2^30 bytes are given to it in turns. */
static void a_length_past_ints_is_taken_in_turns(void **state)
{
	size_t len = ((size_t)1 << 31) + 5;
	size_t piece = (size_t)1 << 20;
	void *zeros =
		mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint32_t crc = 0;

	assert_ptr_not_equal(zeros, MAP_FAILED);
	for (size_t i = 0; i < len / piece; i++)
		crc = crc32c(crc, zeros, piece);
	crc = crc32c(crc, zeros, len % piece);
	assert_true(crc32c(0, zeros, len) == crc);
	(void)munmap(zeros, len); /* the end of the test */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_string_has_its_known_checksum),
		cmocka_unit_test(rfc_7143_examples),
		cmocka_unit_test(pieces_give_the_checksum_of_the_whole),
		cmocka_unit_test(a_length_past_ints_is_taken_in_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
