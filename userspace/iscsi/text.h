/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text of login and text PDUs: "key=value" pairs, each ended by a NUL (RFC 7143, 6.1). Nothing is
 * copied: a parsed pair points into the text, whose NULs and '=' end the strings.
 */
#ifndef ISCSI_TEXT_H
#define ISCSI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define TEXT_KEY_LEN_MAX   63
#define TEXT_VALUE_LEN_MAX 255
/* So many pairs that the answers, each at most 63 + "=NotUnderstood" + NUL, fit 8192 bytes. */
#define TEXT_PAIRS_MAX 100

struct text_pair {
	const char *key;
	const char *value;
	bool is_ascii; /* no byte of the value above 7Eh */
};

struct text_pairs {
	struct text_pair list[TEXT_PAIRS_MAX];
	unsigned count;
};

/*
 * Take a whole text apart (one that spans several PDUs after putting it together), writing into
 * it. -EPROTO: a pair without '=' or key, a key that is no label or too long, a value that is too
 * long or has control bytes, a key twice, the last pair without its NUL. -E2BIG: too many pairs.
 */
int text_parse(char *data, size_t len, struct text_pairs *out_pairs);

/* The value of a key, NULL if it is not there. */
const char *text_find(const struct text_pairs *pairs, const char *key);

/* True if `item` is an element of the comma-separated list. */
bool text_list_has(const char *list, const char *item);

/* A decimal or hexadecimal ("0x") constant of at most 64 bits: 0 or -EINVAL. */
int text_number(const char *value, uint64_t *out_number);

/* A text being built in the caller's memory. */
struct text_writer {
	char *data;
	size_t size;
	size_t len;
	bool is_cut; /* a pair did not fit; nothing is added any more */
};

void text_add(struct text_writer *writer, const char *key, const char *format, ...)
	PRINTF_LIKE(3, 4);

#endif
