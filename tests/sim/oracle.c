/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/oracle.h"

#include <inttypes.h>
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

static bool spread;

void oracle_use_spread(bool is_spread)
{
	spread = is_spread;
}

uint32_t oracle_window_sectors(void)
{
	return spread ? 48 : WINDOW_SECTORS_MAX;
}

uint64_t oracle_volume_bytes(void)
{
	return spread ? 760 * MIB : 40 * MIB;
}

uint64_t oracle_sector_number(uint32_t index)
{
	const uint64_t leaf = (uint64_t)FORMAT_WORDS * STORE_EXTENT_BYTES / SECTOR_BYTES;
	uint32_t sectors = oracle_window_sectors();
	uint64_t window = index / sectors;

	if (window == 0)
		return index;
	if (!spread && window == 2)
		return 36 * MIB / SECTOR_BYTES + index % sectors;
	return window * leaf - sectors / 2 + index % sectors;
}

void model_begin(struct model *model, uint32_t incarnation, uint64_t size_bytes)
{
	memset(model, 0, sizeof(*model));
	model->exists = true;
	model->incarnation = incarnation;
	model->size_bytes = size_bytes;
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
	for (uint32_t i = 0; i < MODEL_SECTORS; i++)
		model->sectors[i].durable = MAX(model->sectors[i].durable, then->sectors[i].acked);
}

static bool is_zero(const uint8_t *data)
{
	return data[0] == 0 && memcmp(data, data + 1, SECTOR_BYTES - 1) == 0;
}

bool oracle_is_legal(const struct model *model, struct finding *finding)
{
	const struct sector *sector = &model->sectors[finding->index];
	uint64_t number = oracle_sector_number(finding->index);
	struct tag tag;
	uint8_t expected[SECTOR_BYTES];

	if (is_zero(finding->data)) {
		finding->generation = sector->last_zero;
		if (sector->last_zero >= finding->least)
			return true;
		(void)snprintf(finding->text, sizeof(finding->text),
			       "sector %" PRIu64 " reads as zeros, expected generation %u to %u",
			       number, finding->least, sector->latest); /* may be cut */
		return false;
	}
	memcpy(&tag, finding->data, sizeof(tag));
	oracle_fill(expected, tag.incarnation, tag.number, tag.generation);
	finding->generation = tag.generation;
	if (memcmp(expected, finding->data, SECTOR_BYTES) == 0 &&
	    tag.incarnation == model->incarnation && tag.number == number &&
	    tag.generation >= finding->least && tag.generation <= sector->latest)
		return true;
	(void)snprintf(finding->text, sizeof(finding->text),
		       "sector %" PRIu64 " has incarnation %u sector %" PRIu64
		       " generation %u, expected incarnation %u generation %u to %u",
		       number, tag.incarnation, tag.number, tag.generation, model->incarnation,
		       finding->least, sector->latest); /* may be cut */
	return false;
}
