/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CRC32C (Castagnoli), as iSCSI digests (RFC 7143, 13.1) and our disk format use it. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * The checksum of `len` bytes; start with crc = 0, pass the last result to go on with the
 * next piece. The final inversion is done: crc32c(0, "123456789", 9) is 0xe3069283.
 */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
