/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CHAP as iSCSI uses it (RFC 7143, 12.1.3; RFC 1994): challenges, responses, and their text form.
 * The only user of OpenSSL's digests. Secrets come in and nothing of them goes out.
 */
#ifndef ISCSI_CHAP_H
#define ISCSI_CHAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAP_CHALLENGE_LEN_MAX 1024
#define CHAP_DIGEST_LEN_MAX    32
/* "0x", two digits a byte, NUL. */
#define CHAP_HEX_SIZE(len) (2 * (len) + 3)

/* The numbers that CHAP_A carries (IANA, PPP authentication algorithms). */
enum chap_algorithm {
	CHAP_MD5 = 5,
	CHAP_SHA1 = 6,
	CHAP_SHA256 = 7,
	CHAP_SHA3_256 = 8,
};

struct chap_challenge {
	uint8_t id;
	uint16_t len;
	uint8_t bytes[CHAP_CHALLENGE_LEN_MAX];
};

/* The first of a CHAP_A list ("5,7") that this machine can do; -ENOENT if there is none. */
int chap_choose(const char *list, enum chap_algorithm *out_algorithm);

size_t chap_digest_len(enum chap_algorithm algorithm);

/* A fresh challenge from the kernel's random source, as long as the digest (at least 16). */
void chap_challenge_make(struct chap_challenge *challenge, enum chap_algorithm algorithm);

/* The digest of id, secret and challenge; -EIO if OpenSSL fails. */
int chap_respond(enum chap_algorithm algorithm, const struct chap_challenge *challenge,
		 const char *secret, uint8_t out_digest[CHAP_DIGEST_LEN_MAX]);

/* True if `response` is the right one. Takes the same time however wrong it is. */
bool chap_verify(enum chap_algorithm algorithm, const struct chap_challenge *challenge,
		 const char *secret, const uint8_t *response, size_t response_len);

/* True if the two texts are equal; the time says nothing about where they differ. */
bool chap_name_is_equal(const char *ours, const char *theirs);

/*
 * Binary values as text (6.1): "0x" and hex digits or "0b" and base64. The length is checked
 * before a byte is decoded: -EINVAL if it is none, is empty or is over `size` bytes.
 */
int chap_decode(const char *text, uint8_t *out_bytes, size_t size, size_t *out_len);

/* As "0x..." into buf of CHAP_HEX_SIZE(len); returns buf. */
char *chap_encode(const uint8_t *bytes, size_t len, char *buf);

/*
 * Challenges sent a short while ago on any connection. An initiator that sends one of them back
 * wants our own answer to it (a reflection attack) and must get none.
 */
#define CHAP_RECENT_COUNT 64

struct chap_recent {
	uint8_t digests[CHAP_RECENT_COUNT][CHAP_DIGEST_LEN_MAX];
	unsigned next;
};

void chap_recent_add(struct chap_recent *recent, const struct chap_challenge *challenge);
bool chap_recent_has(const struct chap_recent *recent, const struct chap_challenge *challenge);

#endif
