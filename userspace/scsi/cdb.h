/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fields that stand at the same place in all CDBs of a length (SPC-4, 4.3.3): the length itself
 * follows from the group code, the top three bits of the operation code.
 */
#ifndef SCSI_CDB_H
#define SCSI_CDB_H

#include <stdint.h>

/* 6, 10, 12 or 16; 0 for the groups that are reserved, variable or vendor specific. */
unsigned cdb_len(uint8_t opcode);

/* LOGICAL BLOCK ADDRESS: 21, 32, 32 or 64 bits. */
uint64_t cdb_lba(const uint8_t *cdb);

/*
 * TRANSFER LENGTH, PARAMETER LIST LENGTH or ALLOCATION LENGTH: 8, 16, 32 or 32 bits, as it
 * stands; that 0 means 256 in READ(6) and WRITE(6) is their business.
 */
uint32_t cdb_transfer_length(const uint8_t *cdb);

#endif
