/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The view cache, and what happens when words move while somebody is looking. The pool of these
 * tests has three layers: "s0" at the bottom, "s1" over it, and the volume's own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/word.h"
#include "tests/unit/store/layers_rig.h"

#define LEAF_BYTES (FORMAT_WORDS * STORE_EXTENT_BYTES)

struct asker {
	struct waiter waiter;
	unsigned woken;
	int result;
};

struct request {
	struct block_io io;
	struct iovec iov;
	bool is_done;
	int result;
	uint8_t data[STORE_EXTENT_BYTES] __attribute__((aligned(4096)));
};

static struct rig rig;
static struct request request;

static void asker_woken(struct waiter *waiter, int result)
{
	struct asker *asker = container_of(waiter, struct asker, waiter);

	asker->woken++;
	asker->result = result;
}

static int ask(struct asker *asker, struct layer *layer, uint64_t number, struct view **out_view)
{
	asker->waiter.run = asker_woken;
	return view_get(rig.fixture.pool, layer, number, &asker->waiter, out_view);
}

static void request_done(struct block_io *io, int result)
{
	request.is_done = true;
	request.result = result;
}

static void submit(enum block_kind kind, uint64_t offset, uint64_t length)
{
	request.is_done = false;
	request.iov = (struct iovec){.iov_base = request.data, .iov_len = length};
	request.io = (struct block_io){
		.kind = kind,
		.offset = offset,
		.length = length,
		.iov = &request.iov,
		.iov_count = 1,
		.done = request_done,
	};
	block_submit(&rig.volume->block, &request.io);
}

static struct layer *layer_of(const char *name)
{
	return volume_find(rig.fixture.pool, name)->head;
}

/* As after a restart: no leaf is in memory. */
static void forget_all(void)
{
	assert_int_equal(fixture_checkpoint(&rig.fixture), 0);
	fixture_reopen(&rig.fixture);
	rig.volume = volume_find(rig.fixture.pool, "v");
}

static struct leaf *pin(struct layer *layer, uint64_t number)
{
	struct asker asker = {.waiter.run = asker_woken};
	struct leaf *leaf = NULL;
	int ret;

	while ((ret = leaf_get(&rig.fixture.pool->cache, layer, number, LEAF_FOR_WRITE,
			       &asker.waiter, &leaf)) == -EAGAIN)
		fixture_run(&rig.fixture);
	assert_int_equal(ret, 0);
	return leaf;
}

static uint64_t word_of(struct layer *layer, uint64_t extent)
{
	struct leaf *leaf = pin(layer, extent / FORMAT_WORDS);
	uint64_t word = leaf_word(leaf, (unsigned)(extent % FORMAT_WORDS));

	leaf_put(&rig.fixture.pool->cache, leaf);
	return word;
}

static unsigned frames_of(const struct list *list)
{
	unsigned count = 0;

	for (const struct list_node *node = list->head.next; node != &list->head; node = node->next)
		count++;
	return count;
}

/* No frame is pinned, filled or lost. */
static void expect_quiet(void)
{
	const struct view_cache *views = &rig.fixture.pool->views;

	assert_int_equal(frames_of(&views->free) + frames_of(&views->idle), views->count);
}

static int start(void **state)
{
	rig_start(&rig, 512);
	rig_write(&rig, 0, 128 * KIB);
	rig_write(&rig, LEAF_BYTES - 64 * KIB, 128 * KIB);
	rig_freeze(&rig);
	rig_write(&rig, 8 * KIB, 4 * KIB);
	rig_unmap(&rig, 12 * KIB, 4 * KIB);
	rig_freeze(&rig);
	return 0;
}

static int stop(void **state)
{
	expect_quiet();
	rig_stop(&rig);
	return 0;
}

static void a_view_says_where_each_block_lies(void **state)
{
	struct asker asker = {0};
	struct view *view;

	assert_int_equal(ask(&asker, layer_of("s1"), 0, &view), 0);
	assert_int_equal(view_place(view, 0, 2), word_place(word_of(layer_of("s1"), 0)));
	assert_int_equal(view_place(view, 0, 3), VIEW_HOLE);
	assert_int_equal(view_place(view, 0, 4), word_place(word_of(layer_of("s0"), 0)));
	assert_int_equal(view_place(view, 1, 15), word_place(word_of(layer_of("s0"), 1)));
	assert_int_equal(view_place(view, 2, 0), VIEW_HOLE);
	view_put(view);
}

static void where_no_layer_has_a_leaf_there_is_no_view(void **state)
{
	struct asker asker = {0};
	unsigned frames = frames_of(&rig.fixture.pool->views.free);
	struct view *view = (struct view *)&asker;

	assert_int_equal(ask(&asker, layer_of("s1"), 2, &view), 0);
	assert_null(view);
	assert_int_equal(frames_of(&rig.fixture.pool->views.free), frames);
}

static void a_view_is_filled_once_for_all_who_wait(void **state)
{
	struct asker first = {0}, second = {0};
	struct view *view, *again;

	forget_all();
	assert_int_equal(ask(&first, layer_of("s1"), 0, &view), -EAGAIN);
	assert_int_equal(ask(&second, layer_of("s1"), 0, &view), -EAGAIN);
	assert_int_equal(layer_of("s1")->users, 1);
	fixture_run(&rig.fixture);
	assert_true(first.woken == 1 && first.result == 0);
	assert_true(second.woken == 1 && second.result == 0);
	assert_int_equal(layer_of("s1")->users, 0);
	assert_int_equal(ask(&first, layer_of("s1"), 0, &view), 0);
	assert_int_equal(ask(&second, layer_of("s1"), 0, &again), 0);
	assert_ptr_equal(view, again);
	assert_int_equal(frames_of(&rig.fixture.pool->views.idle), 0);
	view_put(view);
	view_put(again);
}

static void a_view_is_filled_from_the_view_of_a_layer_below(void **state)
{
	struct pool *pool = rig.fixture.pool;
	struct asker asker = {0};
	struct view *below, *view;

	assert_int_equal(ask(&asker, layer_of("s0"), 0, &below), 0);
	below->places[7][7] = 4711; /* no word says so: it is looked up, not made again */
	assert_int_equal(ask(&asker, layer_of("s1"), 0, &view), 0);
	assert_int_equal(view_place(view, 7, 7), 4711);
	assert_int_equal(view_place(view, 0, 3), VIEW_HOLE);
	view_put(below);
	view_put(view);
	view_forget(pool, 0);
}

static void a_pinned_view_that_is_forgotten_is_stale(void **state)
{
	struct asker asker = {0};
	struct view *old, *other, *view;

	assert_int_equal(ask(&asker, layer_of("s1"), 0, &old), 0);
	assert_int_equal(ask(&asker, layer_of("s1"), 1, &other), 0);
	view_forget(rig.fixture.pool, 0);
	assert_true(old->is_stale);
	assert_false(other->is_stale);
	assert_int_equal(ask(&asker, layer_of("s1"), 0, &view), 0);
	assert_ptr_not_equal(view, old);
	assert_false(view->is_stale);
	view_put(old);
	view_put(other);
	view_put(view);
}

static void forgetting_takes_the_views_of_all_layers(void **state)
{
	struct asker asker = {0};
	struct view *bottom, *middle;

	assert_int_equal(ask(&asker, layer_of("s0"), 0, &bottom), 0);
	assert_int_equal(ask(&asker, layer_of("s1"), 0, &middle), 0);
	view_forget(rig.fixture.pool, 0);
	assert_true(bottom->is_stale && middle->is_stale);
	view_put(bottom);
	view_put(middle);
}

/* The word was taken into the view already when it changes. */
static void a_view_that_is_overtaken_is_filled_anew(void **state)
{
	struct asker asker = {0};
	struct layer *middle;
	struct leaf *leaf;
	struct view *view;
	uint64_t word;

	forget_all();
	middle = layer_of("s1");
	leaf = pin(middle, 0);
	word = leaf_word(leaf, 0);
	assert_int_equal(ask(&asker, middle, 0, &view), -EAGAIN); /* for s0's leaf */
	assert_int_equal(layer_of("s0")->users, 1);
	leaf_replay(&rig.fixture.pool->cache, leaf, 0, 0);
	view_forget(rig.fixture.pool, 0);
	fixture_run(&rig.fixture);
	assert_true(asker.woken == 1 && asker.result == 0);
	assert_int_equal(ask(&asker, middle, 0, &view), 0);
	assert_int_equal(view_place(view, 0, 2), word_place(word_of(layer_of("s0"), 0)));
	view_put(view);
	view_forget(rig.fixture.pool, 0);
	leaf_replay(&rig.fixture.pool->cache, leaf, 0, word);
	leaf_put(&rig.fixture.pool->cache, leaf);
}

static void a_layer_that_leaves_is_kept_until_its_leaf_is_read(void **state)
{
	struct asker asker = {0};
	struct asker background = {.waiter.run = asker_woken};
	struct layer *bottom;
	struct view *view;

	forget_all();
	bottom = layer_of("s0");
	leaf_put(&rig.fixture.pool->cache, pin(layer_of("s1"), 0));
	assert_int_equal(ask(&asker, layer_of("s1"), 0, &view), -EAGAIN);
	view_forget_layer(rig.fixture.pool, bottom);
	layer_wait_unused(bottom, &rig.fixture.pool->runner, &background.waiter);
	runner_run(&rig.fixture.pool->runner);
	assert_true(asker.woken == 0 && background.woken == 0);
	fixture_run(&rig.fixture);
	assert_true(asker.woken == 1 && asker.result == 0);
	assert_int_equal(background.woken, 1);
	assert_int_equal(frames_of(&rig.fixture.pool->views.idle), 0);
}

static void more_views_than_frames_take_turns(void **state)
{
	uint32_t frames = rig.fixture.pool->views.count;
	char name[NAME_SIZE];

	rig_write(&rig, 2 * LEAF_BYTES, 4096);
	for (uint32_t i = 0; i < frames; i++)
		rig_freeze(&rig);
	for (uint32_t i = rig.depth - 1; i > 3; i--) {
		(void)snprintf(name, sizeof(name), "s%u", i); /* fits */
		rig.volume = volume_find(rig.fixture.pool, name);
		rig_check(&rig, 0, MIB);
		rig_check(&rig, 2 * LEAF_BYTES - 64 * KIB, 128 * KIB);
	}
	assert_int_equal(frames_of(&rig.fixture.pool->views.free), 0);
}

/* --- the disk fails --- */

static const struct block_ops *disk_ops;
static uint64_t failing_offset;

static void submit_failing(struct block *block, struct block_io *io)
{
	if (io->kind == BLOCK_READ && io->offset == failing_offset)
		block_queue_complete(block->queue, io, -EIO);
	else
		disk_ops->submit(block, io);
}

static uint64_t offset_of_leaf(const struct layer *layer, uint64_t number)
{
	return format_place_block(tree_place(&layer->tree, number)) * FORMAT_BLOCK_BYTES;
}

static int io(enum block_kind kind, uint64_t offset, uint64_t length)
{
	return fixture_io(&rig.fixture, &rig.volume->block, kind, offset, request.data, length);
}

static void a_leaf_that_could_not_be_read_is_read_again(void **state)
{
	struct block *disk = rig.fixture.disk;
	struct block_ops failing = *disk->ops;

	forget_all();
	disk_ops = disk->ops;
	failing.submit = submit_failing;
	failing_offset = offset_of_leaf(layer_of("s0"), 0);
	disk->ops = &failing;
	assert_int_equal(io(BLOCK_READ, 0, 4096), -EIO);
	assert_int_equal(io(BLOCK_READ, 8 * KIB, 4096), -EIO); /* s1 has it, the view does not */
	assert_int_equal(io(BLOCK_WRITE, 512, 512), -EIO);
	disk->ops = disk_ops;
	rig_check(&rig, 0, 64 * KIB);
}

static void damage(const struct layer *layer, uint64_t number)
{
	static uint8_t garbage[FORMAT_BLOCK_BYTES] = {1, 2, 3};

	assert_int_equal(fixture_io(&rig.fixture, rig.fixture.disk, BLOCK_WRITE,
				    offset_of_leaf(layer, number), garbage, sizeof(garbage)),
			 0);
}

static void a_damaged_leaf_is_the_loss_of_those_who_need_it(void **state)
{
	forget_all();
	damage(layer_of("s0"), 0);
	rig_check(&rig, 8 * KIB, 8 * KIB); /* s1 has it */
	rig_check(&rig, LEAF_BYTES, 64 * KIB);
	assert_int_equal(io(BLOCK_READ, 0, 4096), -ENODATA);
	assert_int_equal(io(BLOCK_READ, 4096, 8192), -ENODATA); /* in part */
	assert_int_equal(io(BLOCK_WRITE, 512, 512), -ENODATA);
	rig_write(&rig, 0, 4096);
	rig_unmap(&rig, 4096, 4096);
	rig_check(&rig, 0, 16 * KIB);
	assert_true(layer_of("s0")->is_damaged);
}

/* What it shadows cannot be counted then, but that harms no write. */
static void over_a_damaged_leaf_whole_blocks_can_be_written(void **state)
{
	forget_all();
	damage(layer_of("s1"), 0);
	rig_write(&rig, 0, 64 * KIB);
	rig_unmap(&rig, 4096, 4096);
	rig_check(&rig, 0, 64 * KIB);
	assert_int_equal(io(BLOCK_READ, 64 * KIB, 4096), -ENODATA);
}

/* --- words move while a request is under way --- */

struct raw {
	struct block_io io;
	struct iovec iov;
	uint8_t data[STORE_EXTENT_BYTES];
};

static void raw_done(struct block_io *io, int result)
{
	assert_int_equal(result, 0);
}

/* A disk in memory has it when it was submitted. */
static void raw_write(struct raw *raw, uint32_t place)
{
	raw->iov = (struct iovec){.iov_base = raw->data, .iov_len = sizeof(raw->data)};
	raw->io = (struct block_io){
		.kind = BLOCK_WRITE,
		.offset = (uint64_t)place * STORE_EXTENT_BYTES,
		.length = sizeof(raw->data),
		.iov = &raw->iov,
		.iov_count = 1,
		.done = raw_done,
	};
	block_submit(rig.fixture.disk, &raw->io);
}

/*
 * What a merge does: the extent's blocks are copied to the upper layer, the lower one lets its own
 * extent go, and it becomes somebody else's. All in one turn.
 */
static void move_up(struct layer *from, struct layer *into, uint64_t extent)
{
	static struct raw copy, other;
	struct pool *pool = rig.fixture.pool;
	struct leaf *below = pin(from, extent / FORMAT_WORDS);
	struct leaf *above = pin(into, extent / FORMAT_WORDS);
	unsigned index = (unsigned)(extent % FORMAT_WORDS);
	uint64_t word = leaf_word(below, index);
	uint32_t place;

	assert_int_equal(leaf_word(above, index), 0);
	memcpy(copy.data, rig.model + extent * STORE_EXTENT_BYTES, sizeof(copy.data));
	memset(other.data, 0xaa, sizeof(other.data));
	assert_int_equal(space_take(&pool->space, 0, &place), 0);
	space_map(&pool->space, place);
	assert_true(space_unmap(&pool->space, word_place(word)));
	space_release(&pool->space, word_place(word));
	raw_write(&copy, place);
	raw_write(&other, word_place(word));
	leaf_change(&pool->cache, below, index, 0);
	leaf_change(&pool->cache, above, index,
		    word_make(place, word_written(word), word_zero(word)));
	from->mapped_extents--;
	into->mapped_extents++;
	view_forget(pool, extent / FORMAT_WORDS);
	leaf_put(&pool->cache, below);
	leaf_put(&pool->cache, above);
}

/* A merge that waits for a leaf of the layer that goes, to move one extent up. */
struct mover {
	struct waiter waiter;
	struct layer *from, *into;
	uint64_t extent;
};

static void mover_woken(struct waiter *waiter, int result)
{
	struct mover *mover = container_of(waiter, struct mover, waiter);

	assert_int_equal(result, 0);
	move_up(mover->from, mover->into, mover->extent);
}

static void mover_wait(struct mover *mover, struct layer *from, uint64_t extent)
{
	struct leaf *leaf;

	mover->waiter.run = mover_woken;
	mover->from = from;
	mover->extent = extent;
	assert_int_equal(leaf_get(&rig.fixture.pool->cache, from, extent / FORMAT_WORDS,
				  LEAF_IF_THERE, &mover->waiter, &leaf),
			 -EAGAIN);
}

static void expect_done(void)
{
	fixture_run(&rig.fixture);
	assert_true(request.is_done);
	assert_int_equal(request.result, 0);
}

/*
 * The leaf arrives: the view is filled, then the merge moves the extent, then the request has its
 * turn.
 */
static void a_merge_between_filling_and_looking_is_seen(void **state)
{
	static struct mover mover;

	forget_all();
	leaf_put(&rig.fixture.pool->cache, pin(layer_of("s1"), 0));
	submit(BLOCK_READ, 64 * KIB, 64 * KIB);
	mover.into = layer_of("s1");
	mover_wait(&mover, layer_of("s0"), 1);
	expect_done();
	assert_memory_equal(request.data, rig.model + 64 * KIB, 64 * KIB);
	assert_int_equal(word_of(layer_of("s0"), 1), 0);
}

/* It has one view already and waits for the other. */
static void a_merge_while_a_read_waits_for_its_second_view_is_seen(void **state)
{
	forget_all();
	leaf_put(&rig.fixture.pool->cache, pin(layer_of("s0"), 0));
	leaf_put(&rig.fixture.pool->cache, pin(layer_of("s1"), 0));
	submit(BLOCK_READ, LEAF_BYTES - 32 * KIB, 64 * KIB);
	move_up(layer_of("s0"), layer_of("s1"), FORMAT_WORDS - 1);
	assert_false(request.is_done);
	expect_done();
	assert_memory_equal(request.data, rig.model + LEAF_BYTES - 32 * KIB, 64 * KIB);
}

static void so_is_it_by_a_write_that_keeps_the_rest_of_a_block(void **state)
{
	static struct mover mover;

	forget_all();
	leaf_put(&rig.fixture.pool->cache, pin(layer_of("s1"), 0));
	memset(request.data, 5, 512);
	memset(rig.model + 64 * KIB + 512, 5, 512);
	submit(BLOCK_WRITE, 64 * KIB + 512, 512);
	mover.into = layer_of("s1");
	mover_wait(&mover, layer_of("s0"), 1);
	expect_done();
	rig_check(&rig, 64 * KIB, 64 * KIB);
}

/* Names as a snapshot moves them, at once and with nothing run in between. */
static void put_head_over(void)
{
	struct pool *pool = rig.fixture.pool;
	struct layer *layer;
	uint32_t id;

	assert_int_equal(catalogue_find_free(&pool->catalogue, 0, &id), 0);
	assert_int_equal(layer_new(id, rig.volume->head->tree.leaf_count, &layer), 0);
	catalogue_add_layer(&pool->catalogue, layer);
	layer_set_parent(layer, rig.volume->head);
	layer->named = rig.volume;
	layer->owner = rig.volume;
	rig.volume->head = layer;
	rig.volume->head_id = id;
	commit_add_record(pool, id);
	commit_add_record(pool, rig.volume->id);
}

static void a_read_begun_before_a_snapshot_looks_at_the_new_head(void **state)
{
	static struct mover mover;
	struct layer *old;

	rig_write(&rig, 0, 64 * KIB);
	forget_all();
	old = rig.volume->head;
	mover_wait(&mover, old, 0);
	submit(BLOCK_READ, 0, 64 * KIB);
	assert_int_equal(old->users, 1);
	put_head_over();
	mover.into = rig.volume->head;
	expect_done();
	assert_memory_equal(request.data, rig.model, 64 * KIB);
	assert_int_equal(old->users, 0);
}

static uint32_t readers(void)
{
	return rig.fixture.pool->space.readers[0] + rig.fixture.pool->space.readers[1];
}

static void who_reads_what_is_inherited_counts_as_a_reader(void **state)
{
	submit(BLOCK_READ, 0, 4096);
	assert_int_equal(readers(), 1);
	expect_done();
	assert_int_equal(readers(), 0);
	memcpy(request.data, rig.model, 512);
	submit(BLOCK_WRITE, 0, 512); /* the other sectors are being read */
	assert_int_equal(readers(), 1);
	assert_true(block_queue_run(&rig.fixture.queue));
	assert_false(request.is_done); /* being written */
	assert_int_equal(readers(), 0);
	expect_done();
	rig_check(&rig, 0, 64 * KIB);
}

/* So it neither holds back frames nor what a merge wants to change while the disk works. */
static void a_read_on_its_way_to_the_disk_pins_nothing(void **state)
{
	submit(BLOCK_READ, 0, 64 * KIB);
	assert_false(request.is_done);
	expect_quiet();
	for (uint32_t i = 0; i < rig.fixture.pool->cache.count; i++)
		assert_int_equal(rig.fixture.pool->cache.leaves[i].pins, 0);
	expect_done();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(a_view_says_where_each_block_lies),
		TEST(where_no_layer_has_a_leaf_there_is_no_view),
		TEST(a_view_is_filled_once_for_all_who_wait),
		TEST(a_view_is_filled_from_the_view_of_a_layer_below),
		TEST(a_pinned_view_that_is_forgotten_is_stale),
		TEST(forgetting_takes_the_views_of_all_layers),
		TEST(a_view_that_is_overtaken_is_filled_anew),
		TEST(a_layer_that_leaves_is_kept_until_its_leaf_is_read),
		TEST(more_views_than_frames_take_turns),
		TEST(a_leaf_that_could_not_be_read_is_read_again),
		TEST(a_damaged_leaf_is_the_loss_of_those_who_need_it),
		TEST(over_a_damaged_leaf_whole_blocks_can_be_written),
		TEST(a_merge_between_filling_and_looking_is_seen),
		TEST(a_merge_while_a_read_waits_for_its_second_view_is_seen),
		TEST(so_is_it_by_a_write_that_keeps_the_rest_of_a_block),
		TEST(a_read_begun_before_a_snapshot_looks_at_the_new_head),
		TEST(who_reads_what_is_inherited_counts_as_a_reader),
		TEST(a_read_on_its_way_to_the_disk_pins_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
