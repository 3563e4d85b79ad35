/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has how much: figures that can be told by hand, and the dry run against what deletions
 * then really return.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/store/tree_rig.h"

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

/* One whole block of an extent. */
static void put(int name, uint64_t extent, unsigned block)
{
	static uint8_t data[4096];

	assert_int_equal(fixture_io(&rig.fixture,
				    fixture_volume(&rig.fixture, rig.names[name].name), BLOCK_WRITE,
				    extent * STORE_EXTENT_BYTES + block * 4096, data, sizeof(data)),
			 0);
}

static void unmap(int name, uint64_t extent, uint64_t count)
{
	assert_int_equal(fixture_io(&rig.fixture,
				    fixture_volume(&rig.fixture, rig.names[name].name), BLOCK_UNMAP,
				    extent * STORE_EXTENT_BYTES, NULL, count * STORE_EXTENT_BYTES),
			 0);
}

static void expect(int name, uint64_t written, uint64_t exclusive, uint64_t shared,
		   uint64_t charged)
{
	struct volume_facts facts;

	volume_describe(volume_find(rig.fixture.pool, rig.names[name].name), &facts);
	assert_true(facts.is_counted);
	assert_int_equal(facts.written_bytes, written * STORE_EXTENT_BYTES);
	assert_int_equal(facts.exclusive_bytes, exclusive * STORE_EXTENT_BYTES);
	assert_int_equal(facts.shared_bytes, shared * STORE_EXTENT_BYTES);
	assert_int_equal(facts.charged_bytes, charged * STORE_EXTENT_BYTES);
}

static void overwriting_makes_a_snapshots_extents_its_own(void **state)
{
	int snapshot;

	for (uint64_t i = 0; i < 10; i++)
		put(0, i, 0);
	expect(0, 10, 10, 0, 10);
	snapshot = tree_rig_snapshot(&rig, 0);
	expect(0, 0, 0, 10, 10);
	expect(snapshot, 10, 0, 10, 0);
	put(0, 3, 5);
	expect(0, 1, 1, 10, 11);
	expect(snapshot, 10, 1, 9, 0);
	put(0, 20, 0);
	expect(0, 2, 2, 10, 12);
	expect(snapshot, 10, 1, 9, 0);
	unmap(0, 5, 2);
	expect(0, 2, 2, 10, 12);
	expect(snapshot, 10, 3, 7, 0);
	unmap(0, 20, 1);
	expect(0, 1, 1, 10, 11);
	tree_rig_flush(&rig, 0);
	fixture_reopen(&rig.fixture);
	fixture_run(&rig.fixture);
	expect(snapshot, 10, 3, 7, 0);
}

static void a_clone_is_charged_for_its_own_only(void **state)
{
	int snapshot, clone;

	for (uint64_t i = 0; i < 4; i++)
		put(0, i, 0);
	snapshot = tree_rig_snapshot(&rig, 0);
	clone = tree_rig_clone(&rig, snapshot);
	put(clone, 0, 1);
	put(clone, 600, 1);
	expect(clone, 2, 2, 4, 2);
	expect(0, 0, 0, 4, 4);
	expect(snapshot, 4, 0, 4, 0); /* with two over it nothing is its alone */
	tree_rig_delete(&rig, snapshot);
	expect(0, 0, 1, 3, 0); /* what has no name is nobody's; without 0 the clone takes it over */
	expect(clone, 2, 2, 4, 2);
	tree_rig_delete(&rig, 0);
	expect(clone, 5, 5, 0, 5);
}

static void without_its_volume_a_snapshot_is_nobodys(void **state)
{
	int snapshot;

	put(0, 0, 0);
	snapshot = tree_rig_snapshot(&rig, 0);
	tree_rig_delete(&rig, 0);
	expect(snapshot, 1, 1, 0, 0);
	/* A new volume gets the old one's record, but not its snapshots. */
	(void)tree_rig_create(&rig);
	fixture_reopen(&rig.fixture);
	expect(0, 0, 0, 0, 0);
}

static void the_pool_promises_what_volumes_may_take(void **state)
{
	struct pool_facts facts;
	int snapshot = tree_rig_snapshot(&rig, 0);

	(void)tree_rig_clone(&rig, snapshot);
	pool_describe(rig.fixture.pool, &facts);
	assert_int_equal(facts.volume_count, 2);
	assert_int_equal(facts.snapshot_count, 1);
	assert_int_equal(facts.promised_bytes, 2 * TREE_BYTES);
}

static void take_note(void *owner, const struct store_event *event)
{
	uint64_t *reclaimed = owner;

	assert_int_equal(event->kind, STORE_RECLAIMED);
	assert_int_equal(event->volume[0], 0);
	*reclaimed += event->bytes;
}

/* While the background works the pool says what is still to come, down to nothing. */
static void what_is_on_the_way_is_told(void **state)
{
	struct pool_facts facts;
	uint64_t all = 40 * STORE_EXTENT_BYTES;
	uint64_t reclaimed = 0;
	uint64_t last;
	int snapshot;

	rig.fixture.pool->settings.notify = take_note;
	rig.fixture.pool->settings.notify_owner = &reclaimed;
	for (uint64_t i = 0; i < 50; i++)
		put(0, i * 20, 0);
	snapshot = tree_rig_snapshot(&rig, 0);
	for (uint64_t i = 0; i < 40; i++)
		put(0, i * 20, 0);
	pool_describe(rig.fixture.pool, &facts);
	assert_int_equal(facts.reclaiming_bytes, 0);
	tree_rig_delete_begin(&rig, snapshot);
	pool_describe(rig.fixture.pool, &facts);
	assert_int_equal(facts.reclaiming_bytes, all);
	for (last = all; rig.fixture.pool->background.layer; last = facts.reclaiming_bytes) {
		(void)block_queue_run(&rig.fixture.queue);
		pool_describe(rig.fixture.pool, &facts);
		assert_true(facts.reclaiming_bytes <= last);
	}
	assert_int_equal(last, 0);
	fixture_run(&rig.fixture);
	assert_int_equal(reclaimed, all);
	expect(0, 50, 50, 0, 50);
}

/* Also of a chain of layers that are merged one after the other. */
static void what_a_chain_will_return_is_told(void **state)
{
	struct pool_facts facts;
	int snapshots[3];

	for (int n = 0; n < 3; n++) {
		for (uint64_t i = 0; i < 20; i++)
			put(0, i * 30, 0);
		snapshots[n] = tree_rig_snapshot(&rig, 0);
	}
	for (uint64_t i = 0; i < 20; i++)
		put(0, i * 30, 0);
	for (int n = 0; n < 3; n++)
		tree_rig_delete_begin(&rig, snapshots[n]);
	pool_describe(rig.fixture.pool, &facts);
	assert_int_equal(facts.reclaiming_bytes, 60 * STORE_EXTENT_BYTES);
	while (rig.fixture.pool->background.layer) {
		uint64_t used = rig.fixture.pool->space.mapped_count;

		pool_describe(rig.fixture.pool, &facts);
		assert_int_equal(facts.reclaiming_bytes, (used - 20) * STORE_EXTENT_BYTES);
		(void)block_queue_run(&rig.fixture.queue);
	}
	expect(0, 20, 20, 0, 20);
}

/* Every set of names of every small tree. */
static void the_dry_run_says_what_deletion_returns(void **state)
{
	for (unsigned tree = 0; tree < 6; tree++) {
		for (unsigned set = 1; set < 16; set++) {
			uint64_t before, said;
			int names[4];
			unsigned count = 0;

			if (!rig.names[0].is_there)
				(void)tree_rig_create(&rig);
			assert_true(tree_rig_grow(&rig, tree, 3));
			for (int i = 0; i < 4; i++) {
				if (set >> i & 1)
					names[count++] = i;
			}
			said = tree_rig_preview(&rig, names, count);
			before = rig.fixture.pool->space.mapped_count;
			for (unsigned i = 0; i < count; i++)
				tree_rig_delete(&rig, names[(i + tree) % count]);
			assert_int_equal(before - rig.fixture.pool->space.mapped_count, said);
			for (int i = 0; i < 4; i++) {
				if (rig.names[i].is_there)
					tree_rig_delete(&rig, i);
			}
		}
	}
}

struct wait {
	struct store_request request;
	bool is_done;
	int result;
};

static void wait_done(struct store_request *request, int result)
{
	struct wait *wait = container_of(request, struct wait, request);

	wait->is_done = true;
	wait->result = result;
}

static void the_dry_run_wants_names_that_there_are(void **state)
{
	struct wait wait = {.request.done = wait_done};
	const char *const names[] = {"n0", "none"};
	uint64_t bytes = 1;

	pool_preview(rig.fixture.pool, names, 2, &bytes, &wait.request);
	fixture_run(&rig.fixture);
	assert_true(wait.is_done);
	assert_int_equal(wait.result, -ENOENT);
	assert_non_null(strstr(wait.request.error.text, "no volume or snapshot 'none'"));
	assert_int_equal(bytes, 1);
}

/* It waits for a step under way, and the background goes on after it. */
static void the_dry_run_may_come_at_any_time(void **state)
{
	bool has_ended = false;

	for (unsigned turns = 0; !has_ended; turns++) {
		struct wait wait = {.request.done = wait_done};
		const char *const names[] = {"n0"};
		uint64_t bytes = 1;
		int snapshot;

		for (int i = 0; i < 8; i++)
			tree_rig_write(&rig, 0);
		snapshot = tree_rig_snapshot(&rig, 0);
		for (int i = 0; i < 8; i++)
			tree_rig_write(&rig, 0);
		if (turns % 2) { /* all leaves have to be read */
			assert_int_equal(fixture_checkpoint(&rig.fixture), 0);
			fixture_reopen(&rig.fixture);
		}
		tree_rig_delete_begin(&rig, snapshot);
		for (unsigned i = 0; i < turns; i++)
			(void)block_queue_run(&rig.fixture.queue);
		has_ended = !rig.fixture.pool->background.layer;
		pool_preview(rig.fixture.pool, names, 1, &bytes, &wait.request);
		fixture_run(&rig.fixture);
		assert_true(wait.is_done);
		assert_int_equal(wait.result, 0);
		assert_null(rig.fixture.pool->background.layer);
		tree_rig_check_content(&rig);
		tree_rig_check_counters(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(overwriting_makes_a_snapshots_extents_its_own,
						start, stop),
		cmocka_unit_test_setup_teardown(a_clone_is_charged_for_its_own_only, start, stop),
		cmocka_unit_test_setup_teardown(without_its_volume_a_snapshot_is_nobodys, start,
						stop),
		cmocka_unit_test_setup_teardown(the_pool_promises_what_volumes_may_take, start,
						stop),
		cmocka_unit_test_setup_teardown(what_is_on_the_way_is_told, start, stop),
		cmocka_unit_test_setup_teardown(what_a_chain_will_return_is_told, start, stop),
		cmocka_unit_test_setup_teardown(the_dry_run_says_what_deletion_returns, start,
						stop),
		cmocka_unit_test_setup_teardown(the_dry_run_wants_names_that_there_are, start,
						stop),
		cmocka_unit_test_setup_teardown(the_dry_run_may_come_at_any_time, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
