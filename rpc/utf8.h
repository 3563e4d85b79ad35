/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 (RFC 3629), as protobuf demands it of every string. */
#ifndef RPC_UTF8_H
#define RPC_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Length of the well-formed character at the start of `text`, 1 to 4; 0 if there is none
 * (a stray or missing byte, an overlong form, a surrogate, past U+10FFFF, or len 0).
 */
size_t utf8_character_len(const char *text, size_t len);

/* True for a control character: C0, DEL, or C1 in its two-byte form. */
bool utf8_is_control(const char *character, size_t character_len);

/* True if all of it is well formed and no character is NUL. */
bool utf8_is_text(const char *text, size_t len);

#endif
