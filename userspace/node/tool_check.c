/* SPDX-License-Identifier: GPL-2.0-or-later */
/* berth-node check: asks store/check_image and tells what it found, for people or as JSON. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/bytes.h"
#include "base/size.h"
#include "node/tool.h"
#include "store/array.h"
#include "store/check_image.h"

#define SHOWN_MAX 10 /* of a kind */

struct findings {
	struct finding *items;
	uint64_t count;
	uint64_t capacity;
	uint64_t by_kind[FINDING_KINDS];
	uint64_t total;
	bool keeps_all;
};

static void on_found(void *owner, const struct finding *finding)
{
	struct findings *findings = owner;
	bool is_kept = findings->keeps_all || findings->by_kind[finding->kind] < SHOWN_MAX;

	findings->by_kind[finding->kind]++;
	findings->total++;
	if (is_kept && array_reserve(&findings->items, &findings->capacity, findings->count + 1,
				     sizeof(*findings->items)) == 0)
		findings->items[findings->count++] = *finding; /* else it is counted at least */
}

static void print_kind(const struct findings *findings, enum finding_kind kind)
{
	const struct finding_text *text = finding_text(kind);
	uint64_t shown = 0;

	printf("\n%s: %" PRIu64 "\n    %s\n    What to do: %s\n", text->name,
	       findings->by_kind[kind], text->meaning, text->advice);
	for (uint64_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];

		if (finding->kind != kind)
			continue;
		shown++;
		if (finding->byte == FINDING_NO_BYTE)
			printf("  - %s\n", finding->text);
		else
			printf("  - byte %" PRIu64 ": %s\n", finding->byte, finding->text);
	}
	if (shown < findings->by_kind[kind])
		printf("  - and %" PRIu64 " more (--all shows them)\n",
		       findings->by_kind[kind] - shown);
}

static void print_summary(const struct image *image, const struct image_report *report,
			  const char *path)
{
	char uuid[UUID_TEXT_SIZE];
	char size[SIZE_TEXT_MAX];
	char used[SIZE_TEXT_MAX];
	char free[SIZE_TEXT_MAX];
	uint64_t free_extents = report->data_extents - report->mapped;

	printf("pool '%.64s' %s on %s\n\n", image->super->name, uuid_format(&image->uuid, uuid),
	       path);
	printf("  %-12s %s, format %u, generation %" PRIu64 "\n", "size",
	       size_format(image->geometry.extent_count * STORE_EXTENT_BYTES, size),
	       get_le32(&image->super->version), get_le64(&image->super->header.generation));
	printf("  %-12s %u volumes, %u snapshots\n", "names", report->volumes, report->snapshots);
	printf("  %-12s %u, of which %u hidden\n", "layers", report->layers, report->hidden_layers);
	printf("  %-12s %" PRIu64 " extents (%s), free %s\n", "data", report->mapped,
	       size_format(report->mapped * STORE_EXTENT_BYTES, used),
	       size_format(free_extents * STORE_EXTENT_BYTES, free));
	printf("  %-12s %" PRIu64 " pages, %" PRIu64 " of them leaves\n", "metadata", report->pages,
	       report->leaves);
	printf("  %-12s %" PRIu64 " records, %" PRIu64 " words to replay\n", "journal",
	       image->journal_end - image->journal.first, report->words_replayed);
	if (report->lost_pages > 0)
		printf("  %-12s %" PRIu64 " pages were given up by an earlier repair\n", "lost",
		       report->lost_pages);
	if (!report->leaks_are_known)
		printf("  %-12s whether space is lost cannot be told: %" PRIu64
		       " extents may belong to what cannot be read\n",
		       "leaks", report->unowned);
}

static void print_report(const struct image *image, const struct image_report *report,
			 const struct findings *findings, const struct tool_call *call,
			 double seconds)
{
	print_summary(image, report, call->path);
	for (unsigned kind = 0; kind < FINDING_KINDS; kind++) {
		if (findings->by_kind[kind] > 0)
			print_kind(findings, kind);
	}
	if (findings->total == 0)
		printf("\nsound: nothing was found in %.1f s\n", seconds);
	else
		printf("\n%" PRIu64 " findings in %.1f s; nothing was changed\n", findings->total,
		       seconds);
}

static json_t *findings_json(const struct findings *findings)
{
	json_t *list = json_array();

	for (uint64_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];
		json_t *item = json_pack("{s:s, s:s}", "kind", finding_text(finding->kind)->name,
					 "text", finding->text);

		if (finding->byte != FINDING_NO_BYTE)
			(void)json_object_set_new(item, "byte",
						  json_integer((json_int_t)finding->byte));
		(void)json_array_append_new(list, item);
	}
	return list;
}

static void print_json(const struct image *image, const struct image_report *report,
		       const struct findings *findings)
{
	char uuid[UUID_TEXT_SIZE];
	json_t *root = json_pack(
		"{s:s, s:s, s:b, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o}",
		"pool", image->super->name, "uuid", uuid_format(&image->uuid, uuid), "is_sound",
		findings->total == 0, "volumes", report->volumes, "snapshots", report->snapshots,
		"layers", report->layers, "hidden_layers", report->hidden_layers, "data_bytes",
		(json_int_t)report->data_extents * STORE_EXTENT_BYTES, "used_bytes",
		(json_int_t)report->mapped * STORE_EXTENT_BYTES, "metadata_pages",
		(json_int_t)report->pages, "words_to_replay", (json_int_t)report->words_replayed,
		"lost_pages", (json_int_t)report->lost_pages, "finding_count",
		(json_int_t)findings->total, "leaks_are_known", report->leaks_are_known, "findings",
		findings_json(findings));

	(void)json_dumpf(root, stdout, JSON_INDENT(2)); /* a closed pipe is the reader's wish */
	putchar('\n');
	json_decref(root);
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int check_run(struct tool_disk *disk, const struct tool_call *call, struct error *err)
{
	struct findings findings = {.keeps_all = call->shows_all || call->is_json};
	const struct image_settings settings = {
		.boot_id = disk->boot_id, .found = on_found, .owner = &findings};
	struct image_report report;
	struct image image;
	double start = now_s();
	int ret = image_open(&image, &disk->offline, &settings, err);

	if (ret == 0) {
		ret = check_image(&image, &report, NULL);
		if (ret != 0)
			ret = error_set(err, ret, "not enough memory for a check");
		else if (call->is_json)
			print_json(&image, &report, &findings);
		else
			print_report(&image, &report, &findings, call, now_s() - start);
		image_close(&image);
	}
	free(findings.items);
	if (ret != 0)
		return ret;
	return findings.total > 0 ? TOOL_FINDINGS : TOOL_CLEAN;
}

int tool_check(const struct tool_call *call)
{
	struct tool_disk disk;
	struct error err;
	int ret = tool_disk_open(&disk, call->path, &err);

	if (ret == 0) {
		ret = check_run(&disk, call, &err);
		tool_disk_close(&disk);
	}
	if (ret >= 0)
		return ret;
	fprintf(stderr, "berth-node check: %s\n", err.text);
	return TOOL_CANNOT;
}
