/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the background behaves when the disk does not, and towards those who want something. */
#include <errno.h>
#include <string.h>

#include "tests/unit/store/pool_damage.h"
#include "tests/unit/store/tree_rig.h"
#include "tests/unit/store/watched_disk.h"

static struct tree_rig rig;

static int start(void **state)
{
	tree_rig_start(&rig, 1);
	return 0;
}

static int stop(void **state)
{
	tree_rig_stop(&rig);
	return 0;
}

static uint64_t read_extents; /* on the disk, from this one on */

static bool is_data_read(const struct block_io *io)
{
	return io->kind == BLOCK_READ && io->offset / STORE_EXTENT_BYTES >= read_extents;
}

/* Names 0 and 1: each has some blocks of the same extents. */
static void share_extents(void)
{
	for (int i = 0; i < 8; i++)
		tree_rig_write(&rig, 0);
	assert_int_equal(tree_rig_snapshot(&rig, 0), 1);
	for (int i = 0; i < 8; i++)
		tree_rig_write(&rig, 0);
	tree_rig_flush(&rig, 0);
	read_extents = JOURNAL_EXTENT + rig.fixture.pool->geometry.journal_extents;
}

static uint64_t reclaiming(void)
{
	struct pool_facts facts;

	pool_describe(rig.fixture.pool, &facts);
	return facts.reclaiming_bytes;
}

/* Nothing is lost, the pool goes on, and it is tried again with the next deletion. */
static void what_cannot_be_copied_waits(void **state)
{
	share_extents();
	watched_disk_start(&rig.fixture)->fails = is_data_read;
	tree_rig_delete(&rig, 1);
	assert_null(rig.fixture.pool->background.layer);
	assert_true(reclaiming() > 0);
	watched_disk_stop();
	tree_rig_check_content(&rig);
	assert_int_equal(tree_rig_create(&rig), 1);
	tree_rig_delete(&rig, 1);
	assert_int_equal(reclaiming(), 0);
	assert_null(volume_find(rig.fixture.pool, "n0")->head->parent);
	tree_rig_check_content(&rig);
	tree_rig_check_counters(&rig);
}

static bool is_journal_write(const struct block_io *io)
{
	uint64_t extent = io->offset / STORE_EXTENT_BYTES;

	return io->kind == BLOCK_WRITE && extent >= JOURNAL_EXTENT && extent < read_extents;
}

/* The pool is read-only after it, or has failed; opened again it is as before. */
static void expect_refused(int (*change)(struct fixture *fixture))
{
	share_extents();
	watched_disk_start(&rig.fixture)->fails = is_journal_write;
	assert_true(change(&rig.fixture) != 0);
	assert_int_not_equal(rig.fixture.pool->state, POOL_READ_WRITE);
	watched_disk_stop();
	for (int again = 0; again < 2; again++) {
		unsigned names = 0;

		for (struct volume *volume = NULL;
		     (volume = volume_next(rig.fixture.pool, volume));)
			names++;
		assert_int_equal(names, 2);
		if (rig.fixture.pool->state != POOL_FAILED)
			tree_rig_check_content(&rig);
		tree_rig_kill(&rig);
	}
	tree_rig_delete(&rig, 1);
	tree_rig_delete(&rig, 0);
	assert_int_equal(tree_rig_create(&rig), 0);
}

static int take_snapshot(struct fixture *fixture)
{
	return fixture_snapshot(fixture, "n0", "t");
}

static int make_clone(struct fixture *fixture)
{
	return fixture_clone(fixture, "n1", "t");
}

static int revert(struct fixture *fixture)
{
	const struct layer *head = volume_find(fixture->pool, "n0")->head;
	int ret = fixture_revert(fixture, "n0", "n1");

	assert_ptr_equal(volume_find(fixture->pool, "n0")->head, head);
	return ret;
}

static int delete_volume(struct fixture *fixture)
{
	return fixture_delete(fixture, "n0");
}

static int delete_snapshot(struct fixture *fixture)
{
	return fixture_delete(fixture, "n1");
}

static void what_was_not_durable_has_not_happened(void **state)
{
	expect_refused(take_snapshot);
	expect_refused(make_clone);
	expect_refused(revert);
	expect_refused(delete_volume);
	expect_refused(delete_snapshot);
}

/* A layer with a leaf that cannot be read is not touched; all others are. */
static void a_damaged_layer_is_left_alone(void **state)
{
	struct damage damage;
	struct layer *layer;
	uint32_t id;

	share_extents();
	assert_int_equal(tree_rig_create(&rig), 2);
	tree_rig_write(&rig, 2);
	assert_int_equal(fixture_checkpoint(&rig.fixture), 0);
	id = volume_find(rig.fixture.pool, "n1")->head->id;
	pool_free(rig.fixture.pool);
	rig.fixture.pool = NULL;
	damage_start(&damage, rig.fixture.disk, &rig.fixture.queue);
	damage_break(&damage, damage_block(&damage, id, 0, 0));
	damage_stop(&damage);
	assert_int_equal(fixture_open(&rig.fixture, &(struct pool_settings){0}), 0);
	tree_rig_delete(&rig, 1);
	tree_rig_delete(&rig, 2);
	assert_null(rig.fixture.pool->background.layer);
	layer = catalogue_layer(&rig.fixture.pool->catalogue, id);
	assert_non_null(layer);
	assert_true(layer->is_damaged);
	assert_ptr_equal(volume_find(rig.fixture.pool, "n0")->head->parent, layer);
	assert_int_equal(rig.fixture.pool->state, POOL_READ_WRITE);
	assert_int_equal(rig.fixture.pool->space.mapped_count,
			 layer->mapped_extents +
				 volume_find(rig.fixture.pool, "n0")->head->mapped_extents);
}

static void read_done(struct block_io *io, int result)
{
	assert_int_equal(result, 0);
	*(bool *)(uintptr_t)io->scratch[0] = true;
}

/* With a request in flight nothing is merged. */
static void requests_go_first(void **state)
{
	static uint8_t data[4096];
	struct iovec iov = {.iov_base = data, .iov_len = sizeof(data)};
	bool is_done = false;
	struct block_io io = {.kind = BLOCK_READ,
			      .length = sizeof(data),
			      .iov = &iov,
			      .iov_count = 1,
			      .scratch = {(uintptr_t)&is_done},
			      .done = read_done};
	const struct layer *below;
	uint64_t mapped;

	for (int i = 0; i < 30; i++)
		tree_rig_write(&rig, 0);
	assert_int_equal(tree_rig_snapshot(&rig, 0), 1);
	tree_rig_flush(&rig, 0);
	read_extents = JOURNAL_EXTENT + rig.fixture.pool->geometry.journal_extents;
	watched_disk_start(&rig.fixture)->holds = is_data_read;
	block_submit(fixture_volume(&rig.fixture, "n0"), &io);
	fixture_run(&rig.fixture);
	assert_false(is_done);
	below = volume_find(rig.fixture.pool, "n0")->head->parent;
	mapped = below->mapped_extents;
	tree_rig_delete_begin(&rig, 1);
	fixture_run(&rig.fixture);
	assert_non_null(rig.fixture.pool->background.layer);
	assert_int_equal(below->mapped_extents, mapped);
	watched_disk_stop();
	fixture_run(&rig.fixture);
	assert_true(is_done);
	assert_null(rig.fixture.pool->background.layer);
	tree_rig_check_content(&rig);
}

static void close_done(struct store_request *request, int result)
{
	assert_int_equal(result, 0);
	rig.fixture.pool = NULL;
}

static void close_pool(void)
{
	struct store_request request = {.done = close_done};

	watched_disk_start(&rig.fixture)->is_kept = true;
	pool_close(rig.fixture.pool, &request);
	fixture_run(&rig.fixture);
	assert_null(rig.fixture.pool);
	watched_disk_stop();
}

/* True if the snapshot's layer is still there on the disk. */
static bool was_cut_short(void)
{
	const struct pool_settings settings = {.is_read_only = true};
	bool has_parent;

	assert_int_equal(fixture_open(&rig.fixture, &settings), 0);
	has_parent = volume_find(rig.fixture.pool, "n0")->head->parent;
	close_pool();
	return has_parent;
}

/* A close does not wait for the end of it, in whatever turn it comes. */
static void a_close_in_the_midst_of_a_merge_is_clean(void **state)
{
	bool has_ended = false;
	unsigned cut_short = 0;

	for (unsigned turns = 0; !has_ended; turns++) {
		share_extents();
		tree_rig_delete_begin(&rig, 1);
		for (unsigned i = 0; i < turns; i++)
			(void)block_queue_run(&rig.fixture.queue);
		has_ended = !rig.fixture.pool->background.layer;
		close_pool();
		cut_short += was_cut_short();
		assert_int_equal(fixture_open(&rig.fixture, &(struct pool_settings){0}), 0);
		fixture_run(&rig.fixture);
		tree_rig_check_content(&rig);
		tree_rig_check_counters(&rig);
		assert_int_equal(reclaiming(), 0);
	}
	assert_true(cut_short > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_cannot_be_copied_waits, start, stop),
		cmocka_unit_test_setup_teardown(what_was_not_durable_has_not_happened, start, stop),
		cmocka_unit_test_setup_teardown(a_damaged_layer_is_left_alone, start, stop),
		cmocka_unit_test_setup_teardown(requests_go_first, start, stop),
		cmocka_unit_test_setup_teardown(a_close_in_the_midst_of_a_merge_is_clean, start,
						stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
