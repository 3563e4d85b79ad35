/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/store/tree_rig.h"

#include <stdio.h>
#include <string.h>

#include "store/check.h"
#include "store/check_image.h"
#include "store/word.h"

struct image_view {
	struct offline offline;
	struct block_queue *queue;
};

static const uint64_t extents[TREE_EXTENTS] = {0, 1, 503, 504, 700, 1008};

void tree_rig_start(struct tree_rig *rig, uint64_t seed)
{
	fixture_start(&rig->fixture, 256 * MIB, 512);
	rig->random.state = seed;
	memset(rig->names, 0, sizeof(rig->names));
	rig->used_at_first = rig->fixture.pool->space.mapped_count;
	assert_int_equal(tree_rig_create(rig), 0);
}

void tree_rig_stop(struct tree_rig *rig)
{
	fixture_stop(&rig->fixture);
}

static int name_new(struct tree_rig *rig, bool is_snapshot, const struct tree_name *like)
{
	int i = 0;

	while (rig->names[i].is_there)
		assert_true(++i < TREE_NAMES);
	rig->names[i] =
		(struct tree_name){.is_there = true, .is_snapshot = is_snapshot, .volume = -1};
	(void)snprintf(rig->names[i].name, NAME_SIZE, "n%d", i);
	if (like)
		memcpy(rig->names[i].blocks, like->blocks, TREE_BLOCKS);
	return i;
}

int tree_rig_create(struct tree_rig *rig)
{
	int i = name_new(rig, false, NULL);

	assert_int_equal(fixture_create(&rig->fixture, rig->names[i].name, TREE_BYTES), 0);
	return i;
}

int tree_rig_snapshot(struct tree_rig *rig, int volume)
{
	int i = name_new(rig, true, &rig->names[volume]);

	rig->names[i].volume = volume;
	assert_int_equal(
		fixture_snapshot(&rig->fixture, rig->names[volume].name, rig->names[i].name), 0);
	return i;
}

int tree_rig_clone(struct tree_rig *rig, int snapshot)
{
	int i = name_new(rig, false, &rig->names[snapshot]);

	assert_int_equal(
		fixture_clone(&rig->fixture, rig->names[snapshot].name, rig->names[i].name), 0);
	return i;
}

bool tree_rig_grow(struct tree_rig *rig, unsigned number, unsigned steps)
{
	for (unsigned step = 0; step < steps; step++) {
		unsigned names = step + 1;
		unsigned name = number % names;

		number /= names;
		if (rig->names[name].is_snapshot)
			tree_rig_write(rig, tree_rig_clone(rig, (int)name));
		else
			(void)tree_rig_snapshot(rig, (int)name);
		for (unsigned i = 0; i <= names; i++) {
			if (rig->names[i].is_there && !rig->names[i].is_snapshot) {
				tree_rig_write(rig, (int)i);
				tree_rig_unmap(rig, (int)i);
			}
		}
	}
	return number == 0;
}

void tree_rig_revert(struct tree_rig *rig, int volume, int snapshot)
{
	assert_int_equal(
		fixture_revert(&rig->fixture, rig->names[volume].name, rig->names[snapshot].name),
		0);
	memcpy(rig->names[volume].blocks, rig->names[snapshot].blocks, TREE_BLOCKS);
}

static void name_gone(struct tree_rig *rig, int name)
{
	rig->names[name].is_there = false;
	for (int i = 0; i < TREE_NAMES; i++) {
		if (rig->names[i].volume == name)
			rig->names[i].volume = -1;
	}
}

void tree_rig_delete(struct tree_rig *rig, int name)
{
	assert_int_equal(fixture_delete(&rig->fixture, rig->names[name].name), 0);
	name_gone(rig, name);
}

struct wait {
	struct store_request request;
	bool is_done;
};

static void wait_done(struct store_request *request, int result)
{
	assert_int_equal(result, 0);
	container_of(request, struct wait, request)->is_done = true;
}

/* No further than that. */
static void wait_for(struct tree_rig *rig, const struct wait *wait)
{
	while (!wait->is_done)
		(void)block_queue_run(&rig->fixture.queue);
}

int tree_rig_snapshot_begin(struct tree_rig *rig, int volume)
{
	struct wait wait = {.request.done = wait_done};
	struct snapshot_spec spec = {.created_at_s = 1};
	int i = name_new(rig, true, &rig->names[volume]);

	rig->names[i].volume = volume;
	memcpy(spec.volume, rig->names[volume].name, NAME_SIZE);
	memcpy(spec.name, rig->names[i].name, NAME_SIZE);
	volume_snapshot(rig->fixture.pool, &spec, &wait.request);
	wait_for(rig, &wait);
	return i;
}

void tree_rig_delete_begin(struct tree_rig *rig, int name)
{
	struct wait wait = {.request.done = wait_done};

	volume_delete(rig->fixture.pool, rig->names[name].name, &wait.request);
	wait_for(rig, &wait);
	name_gone(rig, name);
}

/* Some blocks of one extent. */
static void choose_blocks(struct tree_rig *rig, unsigned *out_first, unsigned *out_count)
{
	unsigned extent = (unsigned)random_below(&rig->random, TREE_EXTENTS);
	unsigned first = (unsigned)random_below(&rig->random, 16);
	unsigned most = random_below(&rig->random, 3) ? 4 : 16;

	*out_count = 1 + (unsigned)random_below(&rig->random, MIN(most, 16 - first));
	*out_first = extent * 16 + first;
}

uint64_t tree_rig_offset(unsigned block)
{
	return extents[block / 16] * STORE_EXTENT_BYTES + block % 16 * 4096;
}

void tree_rig_write(struct tree_rig *rig, int volume)
{
	static uint8_t data[STORE_EXTENT_BYTES];
	struct tree_name *name = &rig->names[volume];

	for (unsigned n = (unsigned)random_below(&rig->random, 4) + 1; n > 0; n--) {
		uint8_t byte = (uint8_t)(1 + random_below(&rig->random, 255));
		unsigned first, count;

		choose_blocks(rig, &first, &count);
		memset(data, byte, count * 4096);
		memset(name->blocks + first, byte, count);
		assert_int_equal(fixture_io(&rig->fixture,
					    fixture_volume(&rig->fixture, name->name), BLOCK_WRITE,
					    tree_rig_offset(first), data, count * 4096),
				 0);
	}
}

void tree_rig_unmap(struct tree_rig *rig, int volume)
{
	struct tree_name *name = &rig->names[volume];
	unsigned first, count;

	choose_blocks(rig, &first, &count);
	memset(name->blocks + first, 0, count);
	assert_int_equal(fixture_io(&rig->fixture, fixture_volume(&rig->fixture, name->name),
				    BLOCK_UNMAP, tree_rig_offset(first), NULL, count * 4096),
			 0);
}

void tree_rig_flush(struct tree_rig *rig, int volume)
{
	assert_int_equal(fixture_io(&rig->fixture,
				    fixture_volume(&rig->fixture, rig->names[volume].name),
				    BLOCK_FLUSH, 0, NULL, 0),
			 0);
}

int tree_rig_choose(struct tree_rig *rig, bool is_snapshot)
{
	int start = (int)random_below(&rig->random, TREE_NAMES);

	for (int i = 0; i < TREE_NAMES; i++) {
		int name = (start + i) % TREE_NAMES;

		if (rig->names[name].is_there && rig->names[name].is_snapshot == is_snapshot)
			return name;
	}
	return -1;
}

static void check_name(struct tree_rig *rig, const struct tree_name *name)
{
	static uint8_t data[STORE_EXTENT_BYTES];

	for (unsigned block = 0; block < TREE_BLOCKS; block++) {
		if (block % 16 == 0) {
			memset(data, 0xee, sizeof(data));
			assert_int_equal(
				fixture_io(&rig->fixture, fixture_volume(&rig->fixture, name->name),
					   BLOCK_READ, tree_rig_offset(block), data, sizeof(data)),
				0);
		}
		for (unsigned i = 0; i < 4096; i += 511) {
			if (data[block % 16 * 4096 + i] != name->blocks[block])
				fail_msg("%s block %u: expected %u, seen %u", name->name, block,
					 name->blocks[block], data[block % 16 * 4096 + i]);
		}
	}
}

void tree_rig_check_content(struct tree_rig *rig)
{
	for (int i = 0; i < TREE_NAMES; i++) {
		if (rig->names[i].is_there)
			check_name(rig, &rig->names[i]);
	}
}

static void nothing(struct waiter *waiter, int result)
{
}

static uint64_t word_of(struct tree_rig *rig, struct layer *layer, uint64_t extent)
{
	struct pool *pool = rig->fixture.pool;
	struct waiter waiter = {.run = nothing};
	struct leaf *leaf = NULL;
	uint64_t word;

	if (extent / FORMAT_WORDS >= layer->tree.leaf_count)
		return 0;
	while (leaf_get(&pool->cache, layer, extent / FORMAT_WORDS, false, &waiter, &leaf) != 0)
		fixture_run(&rig->fixture);
	if (!leaf)
		return 0;
	word = leaf_word(leaf, extent % FORMAT_WORDS);
	leaf_put(&pool->cache, leaf);
	return word;
}

static void check_layer(struct tree_rig *rig, struct layer *layer)
{
	uint64_t mapped = 0;
	uint64_t shadowed = 0;

	for (unsigned i = 0; i < TREE_EXTENTS; i++) {
		uint64_t word = word_of(rig, layer, extents[i]);

		mapped += word_place(word) != 0;
		if (layer->parent)
			shadowed += layer_shadows(word, word_of(rig, layer->parent, extents[i]));
	}
	assert_int_equal(layer->mapped_extents, mapped);
	assert_true(layer->is_counted);
	assert_int_equal(layer->shadowed_extents, shadowed);
}

void tree_rig_check_counters(struct tree_rig *rig)
{
	struct pool *pool = rig->fixture.pool;
	struct wait wait = {.request.done = wait_done};
	struct check_report report;

	for (uint32_t id = 1; id <= pool->catalogue.count; id++) {
		struct layer *layer = catalogue_layer(&pool->catalogue, id);

		if (layer)
			check_layer(rig, layer);
	}
	list_for_each (&pool->catalogue.volumes, volume, struct volume, link) {
		uint64_t charged = 0;

		list_for_each (&pool->catalogue.volumes, other, struct volume, link) {
			if (other == volume ||
			    (other->is_snapshot && uuid_is_equal(&other->origin, &volume->uuid)))
				charged += other->head->mapped_extents;
		}
		if (!volume->is_snapshot)
			assert_int_equal(volume->charged_extents, charged);
	}
	if (space_has_pending(&pool->space))
		return; /* extents that no word has are free only after the next flush */
	pool_check(pool, &report, &wait.request);
	fixture_run(&rig->fixture);
	assert_true(wait.is_done);
	if (!check_is_clean(&report))
		fail_msg("%s", report.first.text);
}

uint64_t tree_rig_preview(struct tree_rig *rig, const int *names, unsigned count)
{
	struct wait wait = {.request.done = wait_done};
	const char *texts[TREE_NAMES];
	uint64_t bytes = 1;

	for (unsigned i = 0; i < count; i++)
		texts[i] = rig->names[names[i]].name;
	pool_preview(rig->fixture.pool, texts, count, &bytes, &wait.request);
	fixture_run(&rig->fixture);
	assert_true(wait.is_done);
	assert_int_equal(bytes % STORE_EXTENT_BYTES, 0);
	return bytes / STORE_EXTENT_BYTES;
}

void tree_rig_delete_counted(struct tree_rig *rig, int name)
{
	struct pool *pool = rig->fixture.pool;
	uint64_t before = pool->space.mapped_count;
	struct volume_facts facts;

	volume_describe(volume_find(pool, rig->names[name].name), &facts);
	assert_true(facts.is_counted);
	assert_int_equal(tree_rig_preview(rig, &name, 1),
			 facts.exclusive_bytes / STORE_EXTENT_BYTES);
	tree_rig_delete(rig, name);
	assert_int_equal(before - pool->space.mapped_count,
			 facts.exclusive_bytes / STORE_EXTENT_BYTES);
}

void tree_rig_check_empty(struct tree_rig *rig)
{
	struct pool *pool = rig->fixture.pool;

	assert_int_equal(pool->space.mapped_count, rig->used_at_first);
	for (uint32_t id = 1; id <= pool->catalogue.count; id++)
		assert_null(catalogue_layer(&pool->catalogue, id));
	assert_null(volume_next(pool, NULL));
}

static void image_turn(struct offline *offline)
{
	struct image_view *view = container_of(offline, struct image_view, offline);

	(void)block_queue_run(view->queue); /* the caller looks whether it was enough */
}

static void image_found(void *owner, const struct finding *finding)
{
	fail_msg("left on the disk: %s", finding->text);
}

/* What a dead process left is sound, and all counters in it are right or known to be unknown. */
static void check_disk(struct tree_rig *rig)
{
	const struct image_settings settings = {.found = image_found};
	struct image_view view = {
		.offline = {.disk = rig->fixture.disk, .turn = image_turn},
		.queue = &rig->fixture.queue,
	};
	struct image_report report;
	struct image image;
	struct error error;

	assert_int_equal(image_open(&image, &view.offline, &settings, &error), 0);
	assert_int_equal(check_image(&image, &report, NULL), 0);
	image_close(&image);
}

void tree_rig_kill(struct tree_rig *rig)
{
	list_init(&rig->fixture.queue.ready);
	check_disk(rig);
	merge_put(rig->fixture.pool); /* its memory is checked to be all back */
	fixture_reopen(&rig->fixture);
	fixture_run(&rig->fixture);
}
