/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes as people write them. Units are binary whether or not they carry the "i": 20G and
 * 20GiB are the same 20 * 2^30 bytes.
 */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stdint.h>

#include "base/error.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define TIB (GIB * 1024)

#define SIZE_TEXT_MAX 24

/*
 * "10", "4K", "1.5G", "20 GiB", "1TiB", any case, to bytes. -EINVAL with a sentence if it is
 * not a size, is negative, is not a whole number of bytes, or does not fit 63 bits.
 */
int size_parse(const char *text, uint64_t *out_bytes, struct error *err);

/* "10 GiB", "1.5 TiB", "512 B": at most one decimal, into buf of SIZE_TEXT_MAX; returns buf. */
char *size_format(uint64_t bytes, char *buf);

#endif
