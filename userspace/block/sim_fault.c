/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which requests of a simulated disk go wrong, and how. */
#include <stdlib.h>

#include "block/sim_state.h"

#define WRITES (SIM_KIND(BLOCK_WRITE) | SIM_KIND(BLOCK_UNMAP) | SIM_KIND(BLOCK_WRITE_ZEROES))

void sim_disk_set_faults(struct sim_disk *disk, const struct sim_faults *faults)
{
	disk->faults = *faults;
	disk->faults_hit = 0;
}

uint64_t sim_disk_faults_hit(const struct sim_disk *disk)
{
	return disk->faults_hit;
}

static bool fault_concerns(const struct sim_faults *faults, const struct block_io *io)
{
	if (faults->kinds && !(faults->kinds & SIM_KIND(io->kind)))
		return false;
	if (faults->end == 0 || io->kind == BLOCK_FLUSH)
		return true;
	return io->offset < faults->end && io->offset + io->length > faults->start;
}

bool sim_fault_hits(struct sim_disk *disk, const struct block_io *io, enum sim_fault *out_fault)
{
	static const uint32_t suffered_by[] = {
		[SIM_FAILS] = ~0u,
		[SIM_FORGETS] = SIM_KIND(BLOCK_FLUSH),
		[SIM_FLIPS] = SIM_KIND(BLOCK_READ) | SIM_KIND(BLOCK_WRITE),
		[SIM_MISDIRECTS] = SIM_KIND(BLOCK_READ) | SIM_KIND(BLOCK_WRITE),
		[SIM_LOSES] = WRITES | SIM_KIND(BLOCK_FLUSH),
	};
	const struct sim_faults *faults = &disk->faults;

	if (faults->fail_at == 0 || disk->ended < faults->fail_at ||
	    (disk->faults_hit > 0 && !faults->fails_on) || !fault_concerns(faults, io))
		return false;
	if (faults->one_in > 1 && random_below(&disk->random, faults->one_in) != 0)
		return false;
	disk->faults_hit++;
	*out_fault = suffered_by[faults->fault] & SIM_KIND(io->kind) ? faults->fault : SIM_FAILS;
	return true;
}

/* The faulty bytes in [*start, *end), or of all the disk where no range was given. */
static void fault_range(const struct sim_disk *disk, uint64_t *start, uint64_t *end)
{
	if (disk->faults.end == 0)
		return;
	*start = MAX(*start, disk->faults.start);
	*end = MIN(*end, disk->faults.end);
}

void sim_fault_flip(struct sim_disk *disk, const struct iovec *iov, uint64_t offset, uint64_t len)
{
	uint64_t start = offset;
	uint64_t end = offset + len;
	uint64_t at;

	fault_range(disk, &start, &end);
	at = start - offset + random_below(&disk->random, end - start);
	for (; at >= iov->iov_len; iov++)
		at -= iov->iov_len;
	((uint8_t *)iov->iov_base)[at] ^= (uint8_t)(1u << random_below(&disk->random, 8));
}

uint64_t sim_fault_misdirect(struct sim_disk *disk, uint64_t length)
{
	uint64_t unit = disk->logical_block_bytes;
	uint64_t start = 0;
	uint64_t end = disk->size_bytes;

	fault_range(disk, &start, &end);
	if (end - start < length) {
		start = 0;
		end = disk->size_bytes;
	}
	return start / unit * unit +
	       random_below(&disk->random, (end - start - length) / unit + 1) * unit;
}
