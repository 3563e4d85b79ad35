/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CHAP: digests against values computed elsewhere, and texts that lie about their length. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "iscsi/chap.h"

#define SECRET "secretsecret12"

static const struct golden {
	enum chap_algorithm algorithm;
	const char *list;
	const char *digest; /* of 2Ah, SECRET and 00h to 0Fh, by Python's hashlib */
} goldens[] = {
	{CHAP_MD5, "5", "0x9860bd91695fa19d4538a10ade829698"},
	{CHAP_SHA1, "6", "0x4e55b217c1706e26ab6f73995f6ecd43a7634d66"},
	{CHAP_SHA256, "7", "0x86521a55d0dcb9552bd5b68e8dc869ccc73616aaa09ce25ba3d6e90d3a839f6e"},
	{CHAP_SHA3_256, "8", "0xadd866f22d33ac994ac4b855d39fc06ce58be029468cf9024391ceddb622e4f2"},
};

static struct chap_challenge fixed_challenge(void)
{
	struct chap_challenge challenge = {.id = 0x2a, .len = 16};

	for (uint8_t i = 0; i < 16; i++)
		challenge.bytes[i] = i;
	return challenge;
}

static void responses_are_those_of_other_implementations(void **state)
{
	struct chap_challenge challenge = fixed_challenge();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(goldens); i++) {
		const struct golden *golden = &goldens[i];
		char text[CHAP_HEX_SIZE(CHAP_DIGEST_LEN_MAX)];
		uint8_t digest[CHAP_DIGEST_LEN_MAX];
		enum chap_algorithm algorithm;
		size_t len;

		assert_int_equal(chap_choose(golden->list, &algorithm), 0);
		assert_int_equal(algorithm, golden->algorithm);
		assert_int_equal(chap_respond(algorithm, &challenge, SECRET, digest), 0);
		assert_string_equal(chap_encode(digest, chap_digest_len(algorithm), text),
				    golden->digest);
		assert_int_equal(chap_decode(golden->digest, digest, sizeof(digest), &len), 0);
		assert_true(chap_verify(algorithm, &challenge, SECRET, digest, len));
	}
}

static void wrong_responses_do_not_verify(void **state)
{
	struct chap_challenge challenge = fixed_challenge();
	uint8_t digest[CHAP_DIGEST_LEN_MAX] = {0};

	(void)state;
	assert_int_equal(chap_respond(CHAP_MD5, &challenge, SECRET, digest), 0);
	assert_true(chap_verify(CHAP_MD5, &challenge, SECRET, digest, 16));
	assert_false(chap_verify(CHAP_MD5, &challenge, SECRET "x", digest, 16));
	assert_false(chap_verify(CHAP_MD5, &challenge, SECRET, digest, 15));
	assert_false(chap_verify(CHAP_MD5, &challenge, SECRET, digest, 17));
	assert_false(chap_verify(CHAP_MD5, &challenge, SECRET, digest, 0));
	for (int bit = 0; bit < 128; bit++) {
		digest[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(chap_verify(CHAP_MD5, &challenge, SECRET, digest, 16));
		digest[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	challenge.id++;
	assert_false(chap_verify(CHAP_MD5, &challenge, SECRET, digest, 16));
}

static void the_first_algorithm_we_know_is_chosen(void **state)
{
	enum chap_algorithm algorithm;

	(void)state;
	assert_int_equal(chap_choose("99,7,5", &algorithm), 0);
	assert_int_equal(algorithm, CHAP_SHA256);
	assert_int_equal(chap_choose("", &algorithm), -ENOENT);
	assert_int_equal(chap_choose("4,9,55,05", &algorithm), -ENOENT);
	assert_int_equal(chap_choose(",,", &algorithm), -ENOENT);
}

static void binary_texts_are_decoded(void **state)
{
	uint8_t bytes[8];
	size_t len;

	(void)state;
	assert_int_equal(chap_decode("0xDEadbeef", bytes, sizeof(bytes), &len), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(bytes, "\xde\xad\xbe\xef", 4);
	/* RFC 4648, section 10. */
	assert_int_equal(chap_decode("0bZm9vYmFy", bytes, sizeof(bytes), &len), 0);
	assert_int_equal(len, 6);
	assert_memory_equal(bytes, "foobar", 6);
	assert_int_equal(chap_decode("0BZm9vYg==", bytes, sizeof(bytes), &len), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(bytes, "foob", 4);
	assert_int_equal(chap_decode("0bZm9vYmE=", bytes, sizeof(bytes), &len), 0);
	assert_int_equal(len, 5);
}

static void malformed_binaries_are_refused(void **state)
{
	static const char *const bad[] = {
		"",	 "0x",	   "0b",     "abcd",   "0xabc",	    "0xag", "0x ab", "0bA",
		"0bAAA", "0bA===", "0bAA=A", "0b====", "0bAA\200A", "1x00", "0bAA*A"};
	uint8_t bytes[16];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (chap_decode(bad[i], bytes, sizeof(bytes), &len) != -EINVAL)
			fail_msg("accepted '%s'", bad[i]);
}

/* The buffer is exactly as long as it claims: the sanitizer sees one byte too many. */
static void lengths_are_checked_before_decoding(void **state)
{
	uint8_t *bytes = malloc(16);
	char text[4096];
	size_t len;

	(void)state;
	memset(text, 'A', sizeof(text));
	for (size_t digits = 0; digits < 200; digits++) {
		memcpy(text, "0b", 2);
		text[2 + digits] = 0;
		if (chap_decode(text, bytes, 16, &len) == 0)
			assert_true(len <= 16 && len == digits / 4 * 3);
		memcpy(text, "0x", 2);
		if (chap_decode(text, bytes, 16, &len) == 0)
			assert_true(len <= 16 && len == digits / 2);
		text[2 + digits] = 'A';
	}
	assert_int_equal(chap_decode("0bAAAAAAAAAAAAAAAAAAAAAA==", bytes, 16, &len), 0);
	assert_int_equal(len, 16);
	assert_int_equal(chap_decode("0bAAAAAAAAAAAAAAAAAAAAAAA=", bytes, 16, &len), -EINVAL);
	free(bytes);
}

static void challenges_are_fresh_and_long_enough(void **state)
{
	struct chap_challenge a, b;

	(void)state;
	chap_challenge_make(&a, CHAP_MD5);
	chap_challenge_make(&b, CHAP_MD5);
	assert_true(a.len >= 16);
	assert_memory_not_equal(a.bytes, b.bytes, a.len);
	chap_challenge_make(&a, CHAP_SHA3_256);
	assert_int_equal(a.len, 32);
}

static void recent_challenges_are_recognised(void **state)
{
	static struct chap_recent recent;
	struct chap_challenge first, later;

	(void)state;
	chap_challenge_make(&first, CHAP_MD5);
	assert_false(chap_recent_has(&recent, &first));
	chap_recent_add(&recent, &first);
	for (int i = 1; i < CHAP_RECENT_COUNT; i++) {
		chap_challenge_make(&later, CHAP_MD5);
		chap_recent_add(&recent, &later);
	}
	first.id++; /* another identifier does not hide it */
	assert_true(chap_recent_has(&recent, &first));
	assert_true(chap_recent_has(&recent, &later));
	chap_challenge_make(&later, CHAP_MD5);
	chap_recent_add(&recent, &later);
	assert_false(chap_recent_has(&recent, &first));
}

static void names_are_compared_whole(void **state)
{
	(void)state;
	assert_true(chap_name_is_equal("user", "user"));
	assert_false(chap_name_is_equal("user", "use"));
	assert_false(chap_name_is_equal("user", "user2"));
	assert_false(chap_name_is_equal("user", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(responses_are_those_of_other_implementations),
		cmocka_unit_test(wrong_responses_do_not_verify),
		cmocka_unit_test(the_first_algorithm_we_know_is_chosen),
		cmocka_unit_test(binary_texts_are_decoded),
		cmocka_unit_test(malformed_binaries_are_refused),
		cmocka_unit_test(lengths_are_checked_before_decoding),
		cmocka_unit_test(challenges_are_fresh_and_long_enough),
		cmocka_unit_test(recent_challenges_are_recognised),
		cmocka_unit_test(names_are_compared_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
