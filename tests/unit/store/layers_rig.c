/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/store/layers_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rig_start(struct rig *rig, uint32_t disk_block_bytes)
{
	memset(rig, 0, sizeof(*rig));
	fixture_start(&rig->fixture, GIB, disk_block_bytes);
	assert_int_equal(fixture_create(&rig->fixture, "v", 256 * MIB), 0);
	rig->volume = volume_find(rig->fixture.pool, "v");
	rig->random.state = 11;
	rig->model = calloc(1, RIG_SPAN);
	assert_non_null(rig->model);
}

void rig_stop(struct rig *rig)
{
	fixture_stop(&rig->fixture);
	free(rig->model);
}

void rig_freeze(struct rig *rig)
{
	char name[NAME_SIZE];

	(void)snprintf(name, sizeof(name), "s%u", rig->depth); /* fits */
	assert_int_equal(fixture_snapshot(&rig->fixture, "v", name), 0);
	rig->depth++;
}

static void fill(struct rig *rig, uint8_t *data, uint64_t len)
{
	for (uint64_t i = 0; i < len; i += sizeof(uint64_t)) {
		uint64_t value = random_next(&rig->random);

		memcpy(data + i, &value, sizeof(value));
	}
}

void rig_write(struct rig *rig, uint64_t offset, uint64_t length)
{
	uint8_t *data = rig->model + offset;

	fill(rig, data, length);
	assert_int_equal(
		fixture_io(&rig->fixture, &rig->volume->block, BLOCK_WRITE, offset, data, length),
		0);
}

void rig_unmap(struct rig *rig, uint64_t offset, uint64_t length)
{
	memset(rig->model + offset, 0, length);
	assert_int_equal(
		fixture_io(&rig->fixture, &rig->volume->block, BLOCK_UNMAP, offset, NULL, length),
		0);
}

void rig_check(struct rig *rig, uint64_t offset, uint64_t length)
{
	static uint8_t back[MIB];

	memset(back, 0xee, length);
	assert_int_equal(
		fixture_io(&rig->fixture, &rig->volume->block, BLOCK_READ, offset, back, length),
		0);
	assert_memory_equal(back, rig->model + offset, length);
}

void rig_check_all(struct rig *rig)
{
	for (uint64_t at = 0; at < RIG_SPAN; at += MIB)
		rig_check(rig, at, MIB);
}

void rig_act(struct rig *rig)
{
	struct random *random = &rig->random;
	uint64_t at = random_below(random, RIG_SPAN / 512) * 512;
	uint64_t most = random_below(random, 8) ? 96 : 2048;
	uint64_t len = (random_below(random, most) + 1) * 512;
	uint64_t what = random_below(random, 8);

	len = MIN(len, RIG_SPAN - at);
	if (what < 3)
		rig_write(rig, at, len);
	else if (what < 5)
		rig_unmap(rig, at, len);
	else
		rig_check(rig, at, len);
}

static struct leaf *pin(struct rig *rig, struct layer *layer, uint64_t number)
{
	struct waiter waiter = {0};
	struct leaf *leaf = NULL;

	/* The cache of the fixture holds all leaves of these tests. */
	assert_int_equal(leaf_get(&rig->fixture.pool->cache, layer, number, false, &waiter, &leaf),
			 0);
	return leaf;
}

uint64_t rig_count_shadowed(struct rig *rig)
{
	struct layer *layer = rig->volume->head;
	uint64_t count = 0;

	for (uint64_t n = 0; layer->parent && n < layer->parent->tree.leaf_count; n++) {
		struct leaf *leaf = pin(rig, layer, n);
		struct leaf *below = pin(rig, layer->parent, n);

		for (unsigned i = 0; leaf && below && i < FORMAT_WORDS; i++)
			count += layer_shadows(leaf_word(leaf, i), leaf_word(below, i));
		if (leaf)
			leaf_put(&rig->fixture.pool->cache, leaf);
		if (below)
			leaf_put(&rig->fixture.pool->cache, below);
	}
	return count;
}
