/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a write leaves on an image. An UNMAP leaves pages of 4 KiB that hold anything as they
 * were, zeros or garbage; which, follows from the write and the page alone, so that all images
 * agree.
 */
#include "block/sim_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "block/request.h"

#define PAGE_BYTES 4096

enum sim_remains {
	SIM_OLD,
	SIM_ZEROS,
	SIM_GARBAGE,
	SIM_REMAINS
};

struct sim_write *sim_write_new(const struct block_io *io, uint64_t salt)
{
	struct sim_write *write = calloc(1, sizeof(*write));

	assert(write);
	write->kind = io->kind;
	write->offset = io->offset;
	write->length = io->length;
	write->salt = salt;
	if (io->kind == BLOCK_WRITE) {
		write->bytes = malloc(io->length);
		assert(write->bytes);
		block_iov_read(io->iov, 0, write->bytes, io->length);
	}
	return write;
}

struct sim_write *sim_write_slice(const struct sim_write *write, uint64_t first, uint64_t count)
{
	struct sim_write *slice = malloc(sizeof(*slice));

	assert(slice);
	*slice = *write;
	slice->offset = write->offset + first * SECTOR_BYTES;
	slice->length = count * SECTOR_BYTES;
	if (write->bytes) {
		slice->bytes = malloc(slice->length);
		assert(slice->bytes || slice->length == 0);
		memcpy(slice->bytes, write->bytes + first * SECTOR_BYTES, slice->length);
	}
	return slice;
}

void sim_write_free(struct sim_write *write)
{
	list_remove(&write->link);
	free(write->bytes);
	free(write);
}

static void sim_leave(struct sim_image *image, uint64_t offset, uint64_t length,
		      enum sim_remains remains)
{
	bool is_ok = true;

	if (remains == SIM_ZEROS)
		is_ok = sim_image_clear(image, offset, length);
	else if (remains == SIM_GARBAGE)
		is_ok = sim_image_garble(image, offset, length);
	assert(is_ok);
}

static void sim_leave_pages(struct sim_image *image, uint64_t offset, uint64_t length,
			    uint64_t salt)
{
	uint64_t end = offset + length;

	for (;;) {
		struct random random;
		uint64_t piece;

		offset = sim_image_find_data(image, offset, end);
		if (offset == end)
			return;
		piece = MIN(end - offset, PAGE_BYTES - offset % PAGE_BYTES);
		random.state = salt ^ offset / PAGE_BYTES << 20;
		sim_leave(image, offset, piece,
			  (enum sim_remains)random_below(&random, SIM_REMAINS));
		offset += piece;
	}
}

void sim_write_apply(struct sim_image *image, const struct sim_write *write, uint64_t first,
		     uint64_t count)
{
	uint64_t skip = first * SECTOR_BYTES;
	uint64_t length = count * SECTOR_BYTES;
	bool is_ok = true;

	if (write->kind == BLOCK_WRITE)
		is_ok = sim_image_write(image, write->offset + skip, write->bytes + skip, length);
	else if (write->kind == BLOCK_UNMAP)
		sim_leave_pages(image, write->offset + skip, length, write->salt);
	else
		is_ok = sim_image_clear(image, write->offset + skip, length);
	assert(is_ok);
}

void sim_write_apply_all(struct sim_image *image, const struct sim_write *write)
{
	sim_write_apply(image, write, 0, write->length / SECTOR_BYTES);
}

void sim_write_blur(struct sim_image *image, const struct sim_write *write, uint64_t salt)
{
	sim_leave_pages(image, write->offset, write->length, salt);
}
