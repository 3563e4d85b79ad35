/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only file that knows ISA-L, which picks the fastest code for the processor at run time. */
#include "base/crc32c.h"

#include <isa-l.h>

#include "base/compiler.h"

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *at = data;

	/* ISA-L counts in int and leaves both inversions to its caller. */
	crc = ~crc;
	while (len > 0) {
		int piece = (int)MIN(len, (size_t)1 << 30);

		crc = crc32_iscsi((unsigned char *)(uintptr_t)at, piece, crc);
		at += piece;
		len -= (size_t)piece;
	}
	return ~crc;
}
