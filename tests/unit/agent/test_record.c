/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records: what is saved is what is loaded, and nothing damaged is ever taken for good. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/record.h"
#include "agent/volumes.h"
#include "base/file.h"

static char folder[] = "/tmp/berth-record-XXXXXX";

static int folder_make(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void fill(struct record *record)
{
	*record = (struct record){
		.name = "db",
		.uuid = "9a7628ea-4fee-4d1d-8291-8a5be32374a9",
		.node = "unix:/run/berth/node.sock",
		.pool = "fast",
		.size_bytes = UINT64_C(1) << 42,
		.created_at_s = 1795471414,
		.filesystem = "xfs",
		.fs_uuid = "11111111-1111-4111-8111-111111111111",
		.mkfs_options = "-i size=1024",
		.owner = "999:999",
		.mode = "0700",
		.format = RECORD_FORMAT_STARTED,
		.format_publication = 1795471415,
		.attachment = "user",
		.is_published = true,
		.target_name = "iqn.2026-11.dev.berth:n1:db",
		.initiator = "iqn.2026-11.dev.berth:host",
		.portal = "[::1]:3260",
		.device = "/dev/loop3",
		.last_error = "a \"quoted\" sentence \\ with \xc3\xa9",
	};
	assert_int_equal(holders_add(&record->holders, "h1", "docker:1", NULL), 0);
	assert_int_equal(holders_add(&record->holders, "h1", "docker:1", NULL), 0);
	assert_int_equal(holders_add(&record->holders, "h2", "", NULL), 0);
}

static void saved_record_is_loaded_as_it_was(void **state)
{
	struct record saved;
	struct record loaded = {0};
	struct error err = {0};
	char *texts[2];

	fill(&saved);
	assert_int_equal(record_save(folder, &saved, &err), 0);
	assert_int_equal(record_load(folder, "db", &loaded, &err), 0);
	assert_int_equal(loaded.holders.count, 2);
	assert_int_equal(loaded.holders.items[0].count, 2);
	/* Everything else: the two have the same text, which has every member. */
	assert_int_equal(record_encode(&saved, &texts[0], &err), 0);
	assert_int_equal(record_encode(&loaded, &texts[1], &err), 0);
	assert_string_equal(texts[0], texts[1]);
	assert_non_null(strstr(texts[0], "\"format\": \"started\""));
	free(texts[0]);
	free(texts[1]);
	record_fini(&saved);
	record_fini(&loaded);
}

static void expect_damaged(const char *text, const char *sentence)
{
	struct record record = {0};
	struct error err = {0};

	assert_int_equal(record_decode(text, strlen(text), &record, &err), -ENODATA);
	if (!strstr(err.text, sentence))
		fail_msg("expected '%s' in '%s'", sentence, err.text);
	record_fini(&record);
}

/* The good text with one thing replaced. */
static void expect_damaged_by(const char *from, const char *to, const char *sentence)
{
	struct record record;
	char changed[8192];
	char *text;
	char *at;

	fill(&record);
	assert_int_equal(record_encode(&record, &text, NULL), 0);
	at = strstr(text, from);
	assert_non_null(at);
	(void)snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, to,
		       at + strlen(from));
	expect_damaged(changed, sentence);
	free(text);
	record_fini(&record);
}

static void text_cut_at_any_byte_is_damaged(void **state)
{
	struct record record;
	struct record out = {0};
	char *text;
	size_t len;

	fill(&record);
	assert_int_equal(record_encode(&record, &text, NULL), 0);
	len = strlen(text);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(record_decode(text, cut, &out, NULL), -ENODATA);
	free(text);
	record_fini(&record);
}

static void damaged_records_are_refused_with_the_reason(void **state)
{
	expect_damaged("", "not a JSON object");
	expect_damaged("[]", "not a JSON object");
	expect_damaged("{}", "no version");
	expect_damaged_by("\"version\": 1", "\"version\": 2", "version 2");
	expect_damaged_by("\"pool\"", "\"pond\"", "'pool'");
	expect_damaged_by("\"holders\"", "\"extra\": 1, \"holders\"", "does not know");
	expect_damaged_by("\"is_published\": true", "\"is_published\": 1", "'is_published'");
	expect_damaged_by("4398046511104", "-1", "'size_bytes'");
	expect_damaged_by("\"started\"", "\"perhaps\"", "'format'");
	expect_damaged_by("9a7628ea-4fee", "9a7628ea+4fee", "'uuid'");
	expect_damaged_by("\"name\": \"db\"", "\"name\": \"../db\"", "volume");
	expect_damaged_by("\"count\": 2", "\"count\": 0", "holder 0");
	expect_damaged_by("\"0700\"", "\"0123456789\"", "'mode'");
}

static void record_under_another_name_is_refused(void **state)
{
	struct record record;
	struct record loaded = {0};
	struct error err = {0};
	char from[64];
	char to[64];

	fill(&record);
	assert_int_equal(record_save(folder, &record, &err), 0);
	(void)snprintf(from, sizeof(from), "%s/db.json", folder);
	(void)snprintf(to, sizeof(to), "%s/other.json", folder);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(record_load(folder, "other", &loaded, &err), -ENODATA);
	assert_int_equal(unlink(to), 0);
	record_fini(&record);
}

static void damaged_volume_is_shown_and_never_owned(void **state)
{
	const struct patience patience = {.deadline_ms = 0};
	struct volume_view view = {0};
	struct volumes *volumes;
	struct volume *volume;
	struct error err = {0};
	char path[64];
	char *text;
	size_t len;

	(void)snprintf(path, sizeof(path), "%s/bad.json", folder);
	assert_int_equal(file_replace(path, "{\"version\": 9}", 14, 0600, &err), 0);
	assert_int_equal(volumes_open(folder, &volumes, &err), 0);
	assert_int_equal(volumes_view(volumes, "bad", &view, &err), 0);
	assert_int_equal(view.state, VOLUME_DAMAGED);
	assert_non_null(strstr(view.trouble, "version 9"));
	volume_view_fini(&view);
	assert_int_equal(volumes_lock(volumes, "bad", &patience, &volume, &err), -ENODATA);
	assert_null(volumes_try_lock(volumes, "bad"));
	volumes_close(volumes);
	assert_int_equal(file_read(path, 100, &text, &len, &err), 0);
	assert_string_equal(text, "{\"version\": 9}");
	free(text);
	assert_int_equal(unlink(path), 0);
}

static void record_that_cannot_be_written_changes_nothing(void **state)
{
	const struct patience patience = {.deadline_ms = 0};
	struct volumes *volumes;
	struct volume *volume;
	struct record record;
	struct error err = {0};
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/sub", folder);
	assert_int_equal(volumes_open(path, &volumes, &err), 0);
	fill(&record);
	assert_int_equal(volumes_lock(volumes, "db", &patience, &volume, &err), 0);
	assert_int_equal(rmdir(path), 0);
	assert_true(volumes_save(volumes, volume, &record, &err) < 0);
	assert_null(volume_record(volume));
	volumes_unlock(volumes, volume);
	record_fini(&record);
	volumes_close(volumes);
}

static void busy_volume_makes_others_wait_no_longer_than_their_deadline(void **state)
{
	const struct patience patience = {.deadline_ms = 0};
	struct volume_view view = {0};
	struct volumes *volumes;
	struct volume *volume;
	struct volume *other;
	struct record record;
	struct error err = {0};

	assert_int_equal(volumes_open(folder, &volumes, &err), 0);
	fill(&record);
	assert_int_equal(volumes_lock(volumes, "db", &patience, &volume, &err), 0);
	assert_int_equal(volumes_save(volumes, volume, &record, &err), 0);
	assert_int_equal(volumes_lock(volumes, "db", &patience, &other, &err), -ETIMEDOUT);
	assert_int_equal(volumes_lock(volumes, "free", &patience, &other, &err), 0);
	volumes_unlock(volumes, other);
	assert_int_equal(volumes_view(volumes, "db", &view, &err), 0); /* waits for nobody */
	volume_view_fini(&view);
	assert_int_equal(volumes_view(volumes, "free", &view, &err), -ENOENT);
	assert_int_equal(volumes_forget(volumes, volume, &err), 0);
	volumes_unlock(volumes, volume);
	assert_int_equal(volumes_view(volumes, "db", &view, &err), -ENOENT);
	record_fini(&record);
	volumes_close(volumes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(saved_record_is_loaded_as_it_was),
		cmocka_unit_test(text_cut_at_any_byte_is_damaged),
		cmocka_unit_test(damaged_records_are_refused_with_the_reason),
		cmocka_unit_test(record_under_another_name_is_refused),
		cmocka_unit_test(damaged_volume_is_shown_and_never_owned),
		cmocka_unit_test(record_that_cannot_be_written_changes_nothing),
		cmocka_unit_test(busy_volume_makes_others_wait_no_longer_than_their_deadline),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
