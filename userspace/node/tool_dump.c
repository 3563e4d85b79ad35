/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Superblock, names, layers. Maps and the journal are in tool_dump_map.c. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "node/tool.h"
#include "node/tool_dump.h"
#include "store/geometry.h"

static json_t *integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *uuid_json(const uint8_t *bytes)
{
	struct uuid uuid;
	char text[UUID_TEXT_SIZE];

	memcpy(uuid.bytes, bytes, sizeof(uuid.bytes));
	return uuid_is_nil(&uuid) ? json_null() : json_string(uuid_format(&uuid, text));
}

static json_t *super_json(const struct image *image)
{
	const struct format_super *super = image->super;
	bool is_repaired = get_le64(&super->features) & FORMAT_FEATURE_REPAIRED;

	return json_pack("{s:s, s:o, s:i, s:b, s:o, s:o, s:o, s:o, s:o, s:[b, b]}", "name",
			 super->name, "uuid", uuid_json(super->header.pool), "format",
			 (int)get_le32(&super->version), "is_repaired", is_repaired, "generation",
			 integer(get_le64(&super->header.generation)), "size_bytes",
			 integer(image->geometry.extent_count * STORE_EXTENT_BYTES), "data_bytes",
			 integer(geometry_data_count(&image->geometry) * STORE_EXTENT_BYTES),
			 "journal_bytes",
			 integer(image->geometry.journal_extents * STORE_EXTENT_BYTES), "epoch",
			 integer(get_le64(&super->journal_epoch)), "copies_are_sound",
			 image->super_is_sound[0], image->super_is_sound[1]);
}

static json_t *policy_json(const struct format_super *super)
{
	return json_pack("{s:i, s:i}", "threshold_used_percent",
			 (int)get_le32(&super->threshold_used_percent), "overcommit_percent",
			 (int)get_le32(&super->overcommit_percent));
}

static json_t *volume_json(uint32_t id, const struct format_volume *volume)
{
	bool is_snapshot = get_le16(&volume->kind) == FORMAT_RECORD_SNAPSHOT;

	return json_pack("{s:s%, s:s, s:i, s:o, s:i, s:o, s:i, s:o, s:b, s:o, s:o, s:o, s:o, s:o}",
			 "name", volume->name, strnlen(volume->name, sizeof(volume->name)), "kind",
			 is_snapshot ? "snapshot" : "volume", "record", (int)id, "uuid",
			 uuid_json(volume->uuid), "layer", (int)get_le32(&volume->head),
			 "size_bytes", integer(get_le64(&volume->size_bytes)),
			 "logical_block_bytes", (int)get_le32(&volume->logical_block_bytes),
			 "created_at_s", integer(get_le64(&volume->created_at_s)), "is_formatted",
			 (get_le16(&volume->flags) & FORMAT_VOLUME_FORMATTED) != 0, "origin",
			 uuid_json(volume->origin), "reservation_bytes",
			 integer(get_le64(&volume->reservation_bytes)), "limit_bytes",
			 integer(get_le64(&volume->limit_bytes)), "threshold_used_bytes",
			 integer(get_le64(&volume->threshold_used_bytes)),
			 "threshold_available_bytes",
			 integer(get_le64(&volume->threshold_available_bytes)));
}

static bool is_name(const union format_record *record)
{
	uint16_t kind = get_le16(&record->kind);

	return kind == FORMAT_RECORD_VOLUME || kind == FORMAT_RECORD_SNAPSHOT;
}

static json_t *volumes_json(const struct image *image)
{
	json_t *list = json_array();

	for (uint32_t id = 1; id <= image->record_count; id++) {
		const union format_record *record = &image->records[id - 1];

		if (is_name(record))
			(void)json_array_append_new(list, volume_json(id, &record->volume));
	}
	return list;
}

/* The name whose head the layer is; NULL: it is hidden. */
static const char *layer_name(const struct image *image, uint32_t layer)
{
	for (uint32_t id = 1; id <= image->record_count; id++) {
		const union format_record *record = &image->records[id - 1];

		if (is_name(record) && get_le32(&record->volume.head) == layer &&
		    memchr(record->volume.name, 0, NAME_SIZE))
			return record->volume.name;
	}
	return NULL;
}

static json_t *layer_json(const struct image *image, uint32_t id, unsigned depth)
{
	const struct image_layer *layer = image->layers[id];
	const struct format_layer *record = &layer->record;
	bool is_counted = !(get_le16(&record->flags) & FORMAT_LAYER_UNCOUNTED);
	const char *name = layer_name(image, id);

	return json_pack(
		"{s:i, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "layer", (int)id, "parent",
		get_le32(&record->parent) ? integer(get_le32(&record->parent)) : json_null(),
		"depth", (int)depth, "head_of", name ? json_string(name) : json_null(), "leaves",
		integer(layer->tree.leaves.count), "leaf_count",
		integer(get_le64(&record->leaf_count)), "mapped_bytes",
		integer(get_le64(&record->mapped_extents) * STORE_EXTENT_BYTES), "shadowed_bytes",
		is_counted ? integer(get_le64(&record->shadowed_extents) * STORE_EXTENT_BYTES)
			   : json_null(),
		"lost_pages", integer(layer->tree.lost.count));
}

struct layer_walk {
	const struct image *image;
	json_t *list;
	uint32_t *first_child; /* [id] */
	uint32_t *next;	       /* [id]: of the same parent */
	bool *is_listed;
};

/* Parents first; the way back up is the parent itself. */
static void list_tree(struct layer_walk *walk, uint32_t root)
{
	uint32_t id = root;
	unsigned depth = 0;

	while (id) {
		uint32_t down = walk->first_child[id];

		if (!walk->is_listed[id]) {
			walk->is_listed[id] = true;
			(void)json_array_append_new(walk->list, layer_json(walk->image, id, depth));
		}
		walk->first_child[id] = 0;
		if (down) {
			id = down;
			depth++;
		} else if (id == root) {
			return;
		} else if (walk->next[id]) {
			id = walk->next[id];
		} else {
			id = get_le32(&walk->image->layers[id]->record.parent);
			depth--;
		}
	}
}

static void list_layers(struct layer_walk *walk)
{
	const struct image *image = walk->image;

	for (uint32_t id = image->record_count; id > 0; id--) {
		const struct image_layer *layer = image->layers[id];
		uint32_t parent = layer && layer->is_final ? get_le32(&layer->record.parent) : 0;

		if (parent == 0 || !image_find_layer(image, parent))
			continue;
		walk->next[id] = walk->first_child[parent];
		walk->first_child[parent] = id;
	}
	for (unsigned pass = 0; pass < 2; pass++) { /* at last those in a ring, if there are any */
		for (uint32_t id = 1; id <= image->record_count; id++) {
			const struct image_layer *layer = image->layers[id];

			if (!layer || !layer->is_final || walk->is_listed[id])
				continue;
			if (pass == 0 && !image_find_layer(image, get_le32(&layer->record.parent)))
				list_tree(walk, id);
			else if (pass == 1)
				(void)json_array_append_new(walk->list, layer_json(image, id, 0));
		}
	}
}

static json_t *layers_json(const struct image *image)
{
	size_t count = (size_t)image->record_count + 1;
	struct layer_walk walk = {
		.image = image,
		.list = json_array(),
		.first_child = calloc(count, sizeof(uint32_t)),
		.next = calloc(count, sizeof(uint32_t)),
		.is_listed = calloc(count, sizeof(bool)),
	};

	if (walk.first_child && walk.next && walk.is_listed)
		list_layers(&walk);
	free(walk.first_child);
	free(walk.next);
	free(walk.is_listed);
	return walk.list;
}

static json_t *journal_json(const struct image *image, bool has_changes)
{
	json_t *journal = json_pack(
		"{s:o, s:o, s:o, s:o}", "first_record", integer(image->journal.first), "end_record",
		integer(image->journal_end), "damaged_records", integer(image->journal_damaged),
		"changed_words", integer(image->change_count));

	if (has_changes)
		(void)json_object_set_new(journal, "changes", dump_journal(image));
	return journal;
}

static void on_found(void *owner, const struct finding *finding)
{
	bool *has_found = owner;

	*has_found = true;
	fprintf(stderr, "berth-node dump: %s: %s\n", finding_text(finding->kind)->name,
		finding->text);
}

static int dump_run(struct image *image, const struct tool_call *call, struct error *err)
{
	json_t *root =
		json_pack("{s:o, s:o, s:o, s:o, s:o}", "superblock", super_json(image), "policy",
			  policy_json(image->super), "volumes", volumes_json(image), "layers",
			  layers_json(image), "journal", journal_json(image, call->has_journal));
	json_t *map = call->map ? dump_map(image, call->map) : NULL;
	int ret = 0;

	if (map)
		(void)json_object_set_new(root, "map", map);
	if (!root || (call->map && !map)) {
		ret = error_set(err, -ENOENT, "there is no volume or snapshot '%s' in this pool",
				call->map ? call->map : "");
	} else if (call->is_json) {
		(void)json_dumpf(root, stdout, JSON_INDENT(2)); /* a closed pipe is the reader's */
		putchar('\n');
	} else {
		dump_print(root);
	}
	json_decref(root);
	return ret;
}

int tool_dump(const struct tool_call *call)
{
	bool has_found = false;
	struct image_settings settings = {.found = on_found, .owner = &has_found};
	struct tool_disk disk;
	struct image image;
	struct error err;
	int ret = tool_disk_open(&disk, call->path, &err);

	if (ret == 0) {
		settings.boot_id = disk.boot_id;
		ret = image_open(&image, &disk.offline, &settings, &err);
		if (ret == 0) {
			ret = dump_run(&image, call, &err);
			image_close(&image);
		}
		tool_disk_close(&disk);
	}
	if (ret == 0)
		return has_found ? TOOL_FINDINGS : TOOL_CLEAN;
	fprintf(stderr, "berth-node dump: %s\n", err.text);
	return TOOL_CANNOT;
}
