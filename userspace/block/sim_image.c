/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two levels: chunks of 1 MiB, each a table of 256 pages of 4 KiB. Chunks and pages are counted
 * and shared between images until one of them writes. NULL is zeros.
 */
#include <stdlib.h>
#include <string.h>

#include "block/sim.h"

#define PAGE_BYTES   4096
#define CHUNK_PAGES  256
#define CHUNK_BYTES  (CHUNK_PAGES * PAGE_BYTES)
#define PAGE_SECTORS 8

/* Hashes are kept until the bytes change; 0: not known. */
struct sim_page {
	uint64_t hash;
	uint32_t users;
	uint8_t spoilt; /* a bit a sector */
	uint8_t bytes[PAGE_BYTES];
};

struct sim_chunk {
	uint64_t hash;
	uint32_t users;
	struct sim_page *pages[CHUNK_PAGES];
};

struct sim_image {
	uint64_t chunk_count;
	struct sim_chunk **chunks;
};

struct sim_image *sim_image_new(uint64_t size_bytes)
{
	struct sim_image *image = calloc(1, sizeof(*image));

	if (!image)
		return NULL;
	if (!sim_image_grow(image, size_bytes)) {
		free(image);
		return NULL;
	}
	return image;
}

bool sim_image_grow(struct sim_image *image, uint64_t size_bytes)
{
	uint64_t count = size_bytes / CHUNK_BYTES;
	struct sim_chunk **chunks = realloc(image->chunks, count * sizeof(struct sim_chunk *));

	if (!chunks)
		return false;
	memset(chunks + image->chunk_count, 0, (count - image->chunk_count) * sizeof(*chunks));
	image->chunks = chunks;
	image->chunk_count = count;
	return true;
}

uint64_t sim_image_size(const struct sim_image *image)
{
	return image->chunk_count * CHUNK_BYTES;
}

struct sim_image *sim_image_copy(struct sim_image *image)
{
	struct sim_image *copy = sim_image_new(image->chunk_count * CHUNK_BYTES);

	if (!copy)
		return NULL;
	for (uint64_t i = 0; i < image->chunk_count; i++) {
		copy->chunks[i] = image->chunks[i];
		if (copy->chunks[i])
			copy->chunks[i]->users++;
	}
	return copy;
}

static void page_put(struct sim_page *page)
{
	if (page && --page->users == 0)
		free(page);
}

static void chunk_put(struct sim_chunk *chunk)
{
	if (!chunk || --chunk->users > 0)
		return;
	for (unsigned i = 0; i < CHUNK_PAGES; i++)
		page_put(chunk->pages[i]);
	free(chunk);
}

void sim_image_free(struct sim_image *image)
{
	if (!image)
		return;
	for (uint64_t i = 0; i < image->chunk_count; i++)
		chunk_put(image->chunks[i]);
	free(image->chunks);
	free(image);
}

/* The chunk for this image alone. */
static struct sim_chunk *chunk_own(struct sim_image *image, uint64_t number)
{
	struct sim_chunk *chunk = image->chunks[number];
	struct sim_chunk *own;

	if (chunk && chunk->users == 1) {
		chunk->hash = 0;
		return chunk;
	}
	own = calloc(1, sizeof(*own));
	if (!own)
		return NULL;
	own->users = 1;
	for (unsigned i = 0; chunk && i < CHUNK_PAGES; i++) {
		own->pages[i] = chunk->pages[i];
		if (own->pages[i])
			own->pages[i]->users++;
	}
	chunk_put(chunk);
	image->chunks[number] = own;
	return own;
}

static struct sim_page *page_own(struct sim_image *image, uint64_t number)
{
	struct sim_chunk *chunk = chunk_own(image, number / CHUNK_PAGES);
	struct sim_page **page = chunk ? &chunk->pages[number % CHUNK_PAGES] : NULL;
	struct sim_page *own;

	if (!chunk)
		return NULL;
	if (*page && (*page)->users == 1) {
		(*page)->hash = 0;
		return *page;
	}
	own = calloc(1, sizeof(*own));
	if (!own)
		return NULL;
	if (*page) {
		memcpy(own->bytes, (*page)->bytes, PAGE_BYTES);
		own->spoilt = (*page)->spoilt;
	}
	own->users = 1;
	page_put(*page);
	*page = own;
	return own;
}

/* The sectors of a page that lie in its bytes [at, at + len), whole ones or all it touches. */
static uint8_t page_sectors(uint64_t at, uint64_t len, bool whole)
{
	const uint64_t sector = PAGE_BYTES / PAGE_SECTORS;
	uint64_t first = whole ? (at + sector - 1) / sector : at / sector;
	uint64_t end = whole ? (at + len) / sector : (at + len + sector - 1) / sector;

	return first < end ? (uint8_t)((1u << end) - (1u << first)) : 0;
}

bool sim_image_write(struct sim_image *image, uint64_t offset, const void *from, uint64_t len)
{
	while (len > 0) {
		uint64_t at = offset % PAGE_BYTES;
		uint64_t piece = MIN(len, PAGE_BYTES - at);
		struct sim_page *page = page_own(image, offset / PAGE_BYTES);

		if (!page)
			return false;
		memcpy(page->bytes + at, from, piece);
		if (page->spoilt)
			page->spoilt &= (uint8_t)~page_sectors(at, piece, true);
		from = (const uint8_t *)from + piece;
		offset += piece;
		len -= piece;
	}
	return true;
}

/* Bytes [offset, offset + len), which are whole pages, become this page; NULL: zeros. */
static bool pages_set(struct sim_image *image, uint64_t offset, uint64_t len, struct sim_page *to)
{
	while (len > 0) {
		struct sim_chunk **chunk = &image->chunks[offset / CHUNK_BYTES];
		uint64_t piece = MIN(len, CHUNK_BYTES - offset % CHUNK_BYTES);
		struct sim_chunk *own;

		if (!to && (!*chunk || piece == CHUNK_BYTES)) {
			chunk_put(*chunk);
			*chunk = NULL;
		} else {
			own = chunk_own(image, offset / CHUNK_BYTES);
			if (!own)
				return false;
			for (uint64_t at = offset; at < offset + piece; at += PAGE_BYTES) {
				page_put(own->pages[at / PAGE_BYTES % CHUNK_PAGES]);
				own->pages[at / PAGE_BYTES % CHUNK_PAGES] = to;
				if (to)
					to->users++;
			}
		}
		offset += piece;
		len -= piece;
	}
	return true;
}

/* As pages_set, also where the ends are in the midst of pages. */
static bool bytes_set(struct sim_image *image, uint64_t offset, uint64_t len, struct sim_page *to)
{
	static const uint8_t zeros[PAGE_BYTES];
	const uint8_t *bytes = to ? to->bytes : zeros;
	uint64_t head = MIN(len, (PAGE_BYTES - offset % PAGE_BYTES) % PAGE_BYTES);
	uint64_t tail = (len - head) % PAGE_BYTES;
	uint64_t whole = len - head - tail;

	return sim_image_write(image, offset, bytes, head) &&
	       pages_set(image, offset + head, whole, to) &&
	       sim_image_write(image, offset + head + whole, bytes, tail);
}

bool sim_image_clear(struct sim_image *image, uint64_t offset, uint64_t len)
{
	return bytes_set(image, offset, len, NULL);
}

bool sim_image_garble(struct sim_image *image, uint64_t offset, uint64_t len)
{
	/* One page for all of it; its first user is this function, for ever. */
	static struct sim_page garbage = {.users = 1,
					  .bytes = {[0 ... PAGE_BYTES - 1] = SIM_GARBAGE_BYTE}};

	return bytes_set(image, offset, len, &garbage);
}

bool sim_image_spoil(struct sim_image *image, uint64_t offset, uint64_t len)
{
	while (len > 0) {
		uint64_t at = offset % PAGE_BYTES;
		uint64_t piece = MIN(len, PAGE_BYTES - at);
		struct sim_page *page = page_own(image, offset / PAGE_BYTES);

		if (!page)
			return false;
		page->spoilt |= page_sectors(at, piece, false);
		offset += piece;
		len -= piece;
	}
	return true;
}

static const struct sim_page *page_at(const struct sim_image *image, uint64_t offset)
{
	const struct sim_chunk *chunk = image->chunks[offset / CHUNK_BYTES];

	return chunk ? chunk->pages[offset / PAGE_BYTES % CHUNK_PAGES] : NULL;
}

uint64_t sim_image_find_data(const struct sim_image *image, uint64_t start, uint64_t end)
{
	while (start < end && !page_at(image, start)) {
		uint64_t unit = image->chunks[start / CHUNK_BYTES] ? PAGE_BYTES : CHUNK_BYTES;

		start += unit - start % unit;
	}
	return MIN(start, end);
}

bool sim_image_is_spoilt(const struct sim_image *image, uint64_t offset, uint64_t len)
{
	while (len > 0) {
		uint64_t at = offset % PAGE_BYTES;
		uint64_t piece = MIN(len, PAGE_BYTES - at);
		const struct sim_page *page = page_at(image, offset);

		if (page && page->spoilt & page_sectors(at, piece, false))
			return true;
		offset += piece;
		len -= piece;
	}
	return false;
}

void sim_image_read(const struct sim_image *image, uint64_t offset, void *to, uint64_t len)
{
	while (len > 0) {
		uint64_t at = offset % PAGE_BYTES;
		uint64_t piece = MIN(len, PAGE_BYTES - at);
		const struct sim_page *page = page_at(image, offset);

		if (page)
			memcpy(to, page->bytes + at, piece);
		else
			memset(to, 0, piece);
		to = (uint8_t *)to + piece;
		offset += piece;
		len -= piece;
	}
}

/* Zeros count for nothing, so that a page of them is the same as none. */
static uint64_t page_hash(struct sim_page *page)
{
	uint64_t hash = 0;

	if (page->hash)
		return page->hash;
	for (size_t i = 0; i < PAGE_BYTES; i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, page->bytes + i, sizeof(word));
		word *= UINT64_C(0x9e3779b97f4a7c15) + (i << 8);
		hash += word ^ (word >> 32);
	}
	page->hash = hash;
	return hash;
}

/* The part of a hash that the one of number `i` below brings. */
static uint64_t hash_part(uint64_t hash, uint64_t i)
{
	struct random random = {.state = hash * (2 * i + 1)};

	return hash ? random_next(&random) : 0;
}

static uint64_t chunk_hash(struct sim_chunk *chunk)
{
	uint64_t hash = 0;

	if (chunk->hash)
		return chunk->hash;
	for (uint64_t i = 0; i < CHUNK_PAGES; i++)
		hash += chunk->pages[i] ? hash_part(page_hash(chunk->pages[i]), i) : 0;
	chunk->hash = hash;
	return hash;
}

uint64_t sim_image_hash(const struct sim_image *image)
{
	uint64_t hash = 0;

	for (uint64_t i = 0; i < image->chunk_count; i++)
		hash += image->chunks[i] ? hash_part(chunk_hash(image->chunks[i]), i) : 0;
	return hash;
}
