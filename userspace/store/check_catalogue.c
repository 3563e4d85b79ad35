/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The catalogue of an image, record by record, as it is after the replay: what an opening would
 * refuse, and what it would not notice.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "store/check_image.h"
#include "store/volume.h"

struct catalogue_check {
	struct image *image;
	struct image_report *report;
	uint32_t *heads;    /* [layer id]: record whose head it is */
	uint32_t *children; /* [layer id]: how many lie over it */
};

static bool is_name(const union format_record *record)
{
	uint16_t kind = get_le16(&record->kind);

	return kind == FORMAT_RECORD_VOLUME || kind == FORMAT_RECORD_SNAPSHOT;
}

/* The byte of the page that has this record; FINDING_NO_BYTE: only the journal has it. */
static uint64_t record_byte(const struct image *image, uint32_t id)
{
	const struct image_pages *leaves = &image->catalogue.leaves;

	for (uint64_t i = 0; i < leaves->count; i++) {
		if (leaves->items[i].index == (id - 1) / FORMAT_RECORDS)
			return format_place_block(leaves->items[i].place) * FORMAT_BLOCK_BYTES;
	}
	return FINDING_NO_BYTE;
}

static void check_volume(struct catalogue_check *check, uint32_t id)
{
	struct image *image = check->image;
	const struct format_volume *volume = &image->records[id - 1].volume;
	uint64_t size = get_le64(&volume->size_bytes);
	uint32_t block = get_le32(&volume->logical_block_bytes);
	uint32_t head = get_le32(&volume->head);
	const struct image_layer *layer = image_find_layer(image, head);

	if (!memchr(volume->name, 0, NAME_SIZE) || name_check("volume", volume->name, NULL) != 0)
		image_note(image, FINDING_RECORD, record_byte(image, id),
			   "record %u has an impossible name", id);
	if (size == 0 || size % STORE_BLOCK_BYTES != 0 || size > VOLUME_SIZE_MAX_BYTES ||
	    (block != 512 && block != 4096))
		image_note(image, FINDING_RECORD, record_byte(image, id),
			   "record %u ('%.64s') has impossible sizes", id, volume->name);
	if (!layer || !layer->is_final)
		image_note(image, FINDING_HEAD, record_byte(image, id),
			   "'%.64s' (record %u) should lie in layer %u, which is not there",
			   volume->name, id, head);
	else if (check->heads[head])
		image_note(image, FINDING_HEAD, record_byte(image, id),
			   "'%.64s' (record %u) and record %u both have layer %u", volume->name, id,
			   check->heads[head], head);
	else if (get_le64(&layer->record.leaf_count) < geometry_leaf_count(size))
		image_note(image, FINDING_HEAD, record_byte(image, id),
			   "'%.64s' (record %u) is larger than its layer %u", volume->name, id,
			   head);
	if (layer && !check->heads[head])
		check->heads[head] = id;
}

static void check_layer(struct catalogue_check *check, uint32_t id)
{
	struct image *image = check->image;
	const struct image_layer *layer = image->layers[id];
	uint32_t parent_id = layer ? get_le32(&layer->record.parent) : 0;
	const struct image_layer *parent = image_find_layer(image, parent_id);

	if (parent_id == 0)
		return;
	if (!parent || !parent->is_final || parent == layer) {
		image_note(image, FINDING_PARENT, record_byte(image, id),
			   "layer %u lies over layer %u, which is not there", id, parent_id);
		return;
	}
	check->children[parent_id]++;
	if (get_le64(&parent->record.leaf_count) > get_le64(&layer->record.leaf_count))
		image_note(image, FINDING_PARENT, record_byte(image, id),
			   "layer %u lies over layer %u, which is larger", id, parent_id);
}

/*
 * From any layer the way down ends. A step counter tells a ring: each layer is walked from once,
 * and a walk stops at what an earlier one has seen.
 */
static int check_rings(struct catalogue_check *check)
{
	const struct image *image = check->image;
	uint32_t *seen = calloc((size_t)image->record_count + 1, sizeof(*seen));

	if (!seen)
		return -ENOMEM;
	for (uint32_t i = 0; i < image->layer_count; i++) {
		uint32_t start = image->layer_ids[i];
		uint32_t id = start;
		const struct image_layer *layer;

		while ((layer = image_find_layer(image, id)) && layer->is_final && !seen[id]) {
			seen[id] = start;
			id = get_le32(&layer->record.parent);
		}
		if (layer && layer->is_final && seen[id] == start)
			image_note(check->image, FINDING_PARENT, record_byte(image, id),
				   "layer %u lies over itself, through the layers below it", id);
	}
	free(seen);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct format_volume *left = *(const struct format_volume *const *)a;
	const struct format_volume *right = *(const struct format_volume *const *)b;

	return strncmp(left->name, right->name, sizeof(left->name));
}

static int compare_uuids(const void *a, const void *b)
{
	const struct format_volume *left = *(const struct format_volume *const *)a;
	const struct format_volume *right = *(const struct format_volume *const *)b;

	return memcmp(left->uuid, right->uuid, sizeof(left->uuid));
}

static int check_twins(struct catalogue_check *check)
{
	struct image *image = check->image;
	const struct format_volume **names;
	uint32_t count = 0;

	names = calloc((size_t)image->record_count + 1, sizeof(const struct format_volume *));
	if (!names)
		return -ENOMEM;
	for (uint32_t id = 1; id <= image->record_count; id++) {
		if (is_name(&image->records[id - 1]))
			names[count++] = &image->records[id - 1].volume;
	}
	qsort(names, count, sizeof(*names), compare_names);
	for (uint32_t i = 1; i < count; i++) {
		if (compare_names(&names[i - 1], &names[i]) == 0)
			image_note(image, FINDING_NAME, FINDING_NO_BYTE,
				   "two records have the name '%.64s'", names[i]->name);
	}
	qsort(names, count, sizeof(*names), compare_uuids);
	for (uint32_t i = 1; i < count; i++) {
		if (compare_uuids(&names[i - 1], &names[i]) == 0)
			image_note(image, FINDING_NAME, FINDING_NO_BYTE,
				   "'%.64s' and '%.64s' have the same UUID", names[i - 1]->name,
				   names[i]->name);
	}
	free(names);
	return 0;
}

static void check_records(struct catalogue_check *check)
{
	struct image *image = check->image;

	for (uint32_t id = 1; id <= image->record_count; id++) {
		uint16_t kind = get_le16(&image->records[id - 1].kind);

		check->report->volumes += kind == FORMAT_RECORD_VOLUME;
		check->report->snapshots += kind == FORMAT_RECORD_SNAPSHOT;
		check->report->layers += kind == FORMAT_RECORD_LAYER;
		if (is_name(&image->records[id - 1]))
			check_volume(check, id);
		else if (kind == FORMAT_RECORD_LAYER)
			check_layer(check, id);
		else if (kind != FORMAT_RECORD_FREE)
			image_note(image, FINDING_RECORD, record_byte(image, id),
				   "record %u is of no known kind (%u)", id, kind);
	}
}

static void check_heads(struct catalogue_check *check)
{
	struct image *image = check->image;

	for (uint32_t i = 0; i < image->layer_count; i++) {
		uint32_t id = image->layer_ids[i];
		uint32_t head = check->heads[id];

		if (!image->layers[id]->is_final)
			continue;
		check->report->hidden_layers += head == 0;
		if (head && check->children[id] > 0 &&
		    get_le16(&image->records[head - 1].kind) == FORMAT_RECORD_VOLUME)
			image_note(image, FINDING_HEAD, record_byte(image, head),
				   "volume '%.64s' writes to layer %u, over which others lie",
				   image->records[head - 1].volume.name, id);
	}
}

int check_image_catalogue(struct image *image, struct image_report *report)
{
	struct catalogue_check check = {
		.image = image,
		.report = report,
		.heads = calloc((size_t)image->record_count + 1, sizeof(uint32_t)),
		.children = calloc((size_t)image->record_count + 1, sizeof(uint32_t)),
	};
	int ret = check.heads && check.children ? 0 : -ENOMEM;

	if (ret == 0) {
		check_records(&check);
		check_heads(&check);
		ret = check_rings(&check);
	}
	if (ret == 0)
		ret = check_twins(&check);
	free(check.heads);
	free(check.children);
	return ret;
}
