/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "iscsi/chap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/compiler.h"
#include "base/random.h"

/* Shorter challenges than this could be tried out in advance. */
#define CHAP_CHALLENGE_LEN_MIN 16

static const struct chap_digest {
	enum chap_algorithm algorithm;
	const char *text; /* in CHAP_A */
	const EVP_MD *(*method)(void);
	size_t len;
} chap_digests[] = {
	{CHAP_MD5, "5", EVP_md5, 16},
	{CHAP_SHA1, "6", EVP_sha1, 20},
	{CHAP_SHA256, "7", EVP_sha256, 32},
	{CHAP_SHA3_256, "8", EVP_sha3_256, 32},
};

static const struct chap_digest *chap_digest_of(enum chap_algorithm algorithm)
{
	for (unsigned i = 0; i < ARRAY_SIZE(chap_digests); i++)
		if (chap_digests[i].algorithm == algorithm)
			return &chap_digests[i];
	abort(); /* chap_choose gives no other */
}

/* A machine in FIPS mode has no MD5: try it. */
static bool chap_digest_works(const struct chap_digest *digest)
{
	uint8_t value[EVP_MAX_MD_SIZE];

	return EVP_Digest("", 0, value, NULL, digest->method(), NULL) == 1;
}

int chap_choose(const char *list, enum chap_algorithm *out_algorithm)
{
	while (list) {
		size_t len = strcspn(list, ",");

		for (unsigned i = 0; i < ARRAY_SIZE(chap_digests); i++) {
			const struct chap_digest *digest = &chap_digests[i];

			if (len == 1 && *list == *digest->text && chap_digest_works(digest)) {
				*out_algorithm = digest->algorithm;
				return 0;
			}
		}
		list = list[len] ? list + len + 1 : NULL;
	}
	return -ENOENT;
}

size_t chap_digest_len(enum chap_algorithm algorithm)
{
	return chap_digest_of(algorithm)->len;
}

void chap_challenge_make(struct chap_challenge *challenge, enum chap_algorithm algorithm)
{
	challenge->len = (uint16_t)MAX(chap_digest_len(algorithm), (size_t)CHAP_CHALLENGE_LEN_MIN);
	random_bytes(&challenge->id, 1);
	random_bytes(challenge->bytes, challenge->len);
}

int chap_respond(enum chap_algorithm algorithm, const struct chap_challenge *challenge,
		 const char *secret, uint8_t out_digest[CHAP_DIGEST_LEN_MAX])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool is_done;

	if (!context)
		return -EIO;
	is_done = EVP_DigestInit_ex(context, chap_digest_of(algorithm)->method(), NULL) == 1 &&
		  EVP_DigestUpdate(context, &challenge->id, 1) == 1 &&
		  EVP_DigestUpdate(context, secret, strlen(secret)) == 1 &&
		  EVP_DigestUpdate(context, challenge->bytes, challenge->len) == 1 &&
		  EVP_DigestFinal_ex(context, out_digest, NULL) == 1;
	EVP_MD_CTX_free(context);
	return is_done ? 0 : -EIO;
}

bool chap_verify(enum chap_algorithm algorithm, const struct chap_challenge *challenge,
		 const char *secret, const uint8_t *response, size_t response_len)
{
	uint8_t expected[CHAP_DIGEST_LEN_MAX];
	size_t len = chap_digest_len(algorithm);
	bool is_right;

	if (chap_respond(algorithm, challenge, secret, expected) < 0)
		return false;
	is_right = response_len == len && CRYPTO_memcmp(expected, response, len) == 0;
	OPENSSL_cleanse(expected, sizeof(expected));
	return is_right;
}

bool chap_name_is_equal(const char *ours, const char *theirs)
{
	uint8_t a[CHAP_DIGEST_LEN_MAX], b[CHAP_DIGEST_LEN_MAX];

	/* Digests of both, so that every comparison is of equal length. */
	if (EVP_Digest(ours, strlen(ours), a, NULL, EVP_sha256(), NULL) != 1 ||
	    EVP_Digest(theirs, strlen(theirs), b, NULL, EVP_sha256(), NULL) != 1)
		return false;
	return CRYPTO_memcmp(a, b, sizeof(a)) == 0;
}

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

static int chap_decode_hex(const char *digits, uint8_t *out_bytes, size_t size, size_t *out_len)
{
	size_t len = strlen(digits);

	if (len == 0 || len % 2 != 0 || len / 2 > size)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_value(digits[i]), low = hex_value(digits[i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		out_bytes[i / 2] = (uint8_t)(high << 4 | low);
	}
	*out_len = len / 2;
	return 0;
}

static int base64_value(char digit)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = digit ? strchr(alphabet, digit) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

static int chap_decode_base64(const char *digits, uint8_t *out_bytes, size_t size, size_t *out_len)
{
	size_t len = strlen(digits), padding = 0, out = 0;
	uint32_t bits = 0;

	if (len == 0 || len % 4 != 0)
		return -EINVAL;
	while (padding < 2 && digits[len - 1 - padding] == '=')
		padding++;
	if (len / 4 * 3 - padding > size)
		return -EINVAL;
	for (size_t i = 0; i < len - padding; i++) {
		int value = base64_value(digits[i]);

		if (value < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)value;
		if (i % 4 != 0)
			out_bytes[out++] = (uint8_t)(bits >> (6 - i % 4 * 2));
	}
	*out_len = out;
	return 0;
}

int chap_decode(const char *text, uint8_t *out_bytes, size_t size, size_t *out_len)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return chap_decode_hex(text + 2, out_bytes, size, out_len);
	if (text[0] == '0' && (text[1] == 'b' || text[1] == 'B'))
		return chap_decode_base64(text + 2, out_bytes, size, out_len);
	return -EINVAL;
}

char *chap_encode(const uint8_t *bytes, size_t len, char *buf)
{
	static const char digits[] = "0123456789abcdef";
	char *at = buf;

	*at++ = '0';
	*at++ = 'x';
	for (size_t i = 0; i < len; i++) {
		*at++ = digits[bytes[i] >> 4];
		*at++ = digits[bytes[i] & 15];
	}
	*at = 0;
	return buf;
}

static bool chap_recent_digest(const struct chap_challenge *challenge, uint8_t *out_digest)
{
	return EVP_Digest(challenge->bytes, challenge->len, out_digest, NULL, EVP_sha256(), NULL) ==
	       1;
}

void chap_recent_add(struct chap_recent *recent, const struct chap_challenge *challenge)
{
	if (chap_recent_digest(challenge, recent->digests[recent->next]))
		recent->next = (recent->next + 1) % CHAP_RECENT_COUNT;
}

bool chap_recent_has(const struct chap_recent *recent, const struct chap_challenge *challenge)
{
	uint8_t digest[CHAP_DIGEST_LEN_MAX];

	if (!chap_recent_digest(challenge, digest))
		return true; /* cannot tell: refuse */
	for (unsigned i = 0; i < CHAP_RECENT_COUNT; i++)
		if (memcmp(recent->digests[i], digest, sizeof(digest)) == 0)
			return true;
	return false;
}
