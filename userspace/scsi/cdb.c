/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields common to the CDBs of a group (SPC-4, tables 14 to 20). */
#include "scsi/cdb.h"

#include "base/bytes.h"

unsigned cdb_len(uint8_t opcode)
{
	static const uint8_t lengths[8] = {6, 10, 10, 0, 16, 12, 0, 0};

	return lengths[opcode >> 5];
}

uint64_t cdb_lba(const uint8_t *cdb)
{
	switch (cdb_len(cdb[0])) {
	case 6:
		return get_be24(cdb + 1) & 0x1fffff;
	case 16:
		return get_be64(cdb + 2);
	default:
		return get_be32(cdb + 2);
	}
}

uint32_t cdb_transfer_length(const uint8_t *cdb)
{
	switch (cdb_len(cdb[0])) {
	case 6:
		return cdb[4];
	case 10:
		return get_be16(cdb + 7);
	case 12:
		return get_be32(cdb + 6);
	default:
		return get_be32(cdb + 10);
	}
}
