/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/oracle.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "store/format.h"
#include "store/pool.h"

#define TAG_MAGIC 0x6c61656473736162u

struct tag {
	uint64_t magic;
	uint32_t incarnation;
	uint32_t generation;
	uint64_t number;
	uint64_t magic_again;
};

static enum shape used;

void oracle_use(enum shape shape)
{
	used = shape;
}

uint32_t oracle_sectors(void)
{
	static const uint32_t sectors[] = {
		[SHAPE_DENSE] = 3 * 64, [SHAPE_SPREAD] = 24 * 16, [SHAPE_WIDE] = MODEL_SECTORS};

	return sectors[used];
}

uint32_t oracle_window_sectors(void)
{
	static const uint32_t sectors[] = {
		[SHAPE_DENSE] = 64, [SHAPE_SPREAD] = 16, [SHAPE_WIDE] = WINDOW_SECTORS_MAX};

	return sectors[used];
}

uint64_t oracle_volume_bytes(void)
{
	return used == SHAPE_SPREAD ? 760 * MIB : 40 * MIB;
}

uint64_t oracle_sector_number(uint32_t index)
{
	const uint64_t leaf = (uint64_t)FORMAT_WORDS * STORE_EXTENT_BYTES / SECTOR_BYTES;
	uint32_t sectors = oracle_window_sectors();
	uint64_t window = index / sectors;

	if (window == 0)
		return index;
	if (used != SHAPE_SPREAD && window == 2)
		return (36 * MIB + 48 * KIB) / SECTOR_BYTES + index % sectors;
	return window * leaf - sectors / 2 + index % sectors;
}

void model_copy(struct model *to, const struct model *from)
{
	memcpy(to, from, offsetof(struct model, sectors));
	memcpy(to->sectors, from->sectors, oracle_sectors() * sizeof(struct sector));
}

void oracle_fill(void *data, uint32_t incarnation, uint64_t number, uint32_t generation)
{
	const struct tag tag = {.magic = TAG_MAGIC,
				.incarnation = incarnation,
				.generation = generation,
				.number = number,
				.magic_again = TAG_MAGIC};

	for (size_t at = 0; at < SECTOR_BYTES; at += sizeof(tag))
		memcpy((char *)data + at, &tag, sizeof(tag));
}

void oracle_ask(struct model *model, uint32_t first, uint32_t count, uint32_t generation,
		bool is_zero)
{
	for (uint32_t i = first; i < first + count; i++) {
		model->sectors[i].latest = generation;
		if (is_zero)
			model->sectors[i].last_zero = generation;
	}
}

void oracle_ack(struct model *model, uint32_t first, uint32_t count, uint32_t generation)
{
	for (uint32_t i = first; i < first + count; i++)
		model->sectors[i].acked = generation;
}

void oracle_harden(struct model *model, uint32_t first, uint32_t count, uint32_t generation)
{
	for (uint32_t i = first; i < first + count; i++)
		model->sectors[i].durable = generation;
}

void oracle_harden_all(struct model *model, const struct model *then)
{
	for (uint32_t i = 0; i < oracle_sectors(); i++)
		model->sectors[i].durable = MAX(model->sectors[i].durable, then->sectors[i].acked);
}

/* A sector of one tag, or of nothing but zeros: it repeats itself. */
static bool is_whole(const uint8_t *data, struct tag *out_tag)
{
	memcpy(out_tag, data, sizeof(*out_tag));
	return memcmp(data, data + sizeof(*out_tag), SECTOR_BYTES - sizeof(*out_tag)) == 0;
}

static bool is_zero(const struct tag *tag)
{
	static const struct tag zero;

	return memcmp(tag, &zero, sizeof(zero)) == 0;
}

/* Written by this incarnation, or by one that it descends from, before they parted. */
static bool is_of(const struct lineage *lineage, const struct tag *tag, uint32_t incarnation)
{
	while (incarnation != 0 && incarnation != tag->incarnation) {
		if (tag->generation > lineage->of[incarnation].fork)
			return false;
		incarnation = lineage->of[incarnation].parent;
	}
	return incarnation != 0;
}

bool oracle_is_legal(const struct lineage *lineage, const struct model *model,
		     struct finding *finding)
{
	const struct sector *sector = &model->sectors[finding->index];
	uint64_t number = oracle_sector_number(finding->index);
	struct tag tag;
	bool whole = is_whole(finding->data, &tag);

	if (whole && is_zero(&tag)) {
		finding->generation = sector->last_zero;
		if (sector->last_zero >= finding->least)
			return true;
		(void)snprintf(finding->text, sizeof(finding->text),
			       "sector %" PRIu64 " reads as zeros, expected generation %u to %u",
			       number, finding->least, sector->latest); /* may be cut */
		return false;
	}
	finding->generation = tag.generation;
	if (whole && tag.magic == TAG_MAGIC && tag.magic_again == TAG_MAGIC &&
	    tag.number == number && tag.generation >= finding->least &&
	    tag.generation <= sector->latest && is_of(lineage, &tag, model->incarnation))
		return true;
	(void)snprintf(finding->text, sizeof(finding->text),
		       "sector %" PRIu64 " has incarnation %u sector %" PRIu64
		       " generation %u%s, expected incarnation %u generation %u to %u",
		       number, tag.incarnation, tag.number, tag.generation, whole ? "" : " torn",
		       model->incarnation, finding->least, sector->latest); /* may be cut */
	return false;
}

void oracle_settle(struct model *model, const struct finding *finding)
{
	struct sector *sector = &model->sectors[finding->index];

	sector->durable = sector->acked = sector->latest = finding->generation;
	if (finding->generation != sector->last_zero)
		sector->last_zero = 0;
}
