/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The object of a dump as text: one line a thing, the layers as the tree they are. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/size.h"
#include "node/tool_dump.h"

#define INDENT_MAX 20

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static const char *size_of(const json_t *object, const char *key, char *buf)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? size_format((uint64_t)json_integer_value(value), buf)
				      : "unknown";
}

static void print_super(const json_t *super, const json_t *policy)
{
	char size[SIZE_TEXT_MAX];
	char data[SIZE_TEXT_MAX];
	char journal[SIZE_TEXT_MAX];

	printf("pool %s\n", text_of(super, "name"));
	printf("  uuid         %s\n", text_of(super, "uuid"));
	printf("  format       %lld, generation %lld, epoch %lld\n", number_of(super, "format"),
	       number_of(super, "generation"), number_of(super, "epoch"));
	printf("  size         %s, for data %s, journal %s\n", size_of(super, "size_bytes", size),
	       size_of(super, "data_bytes", data), size_of(super, "journal_bytes", journal));
	if (is_true(super, "is_repaired"))
		printf("  repaired     and neither kept nor undone yet\n");
	printf("  policy       threshold %lld %%, overcommit %lld %% (0: none)\n",
	       number_of(policy, "threshold_used_percent"),
	       number_of(policy, "overcommit_percent"));
}

static void print_volume(const json_t *volume)
{
	static const char *const sizes[] = {"reservation_bytes", "limit_bytes",
					    "threshold_used_bytes", "threshold_available_bytes"};
	static const char *const names[] = {"reservation", "limit", "threshold used",
					    "threshold available"};
	char size[SIZE_TEXT_MAX];

	printf("%s %s\n", text_of(volume, "kind"), text_of(volume, "name"));
	printf("  uuid         %s\n", text_of(volume, "uuid"));
	printf("  size         %s in blocks of %lld, %sformatted\n",
	       size_of(volume, "size_bytes", size), number_of(volume, "logical_block_bytes"),
	       is_true(volume, "is_formatted") ? "" : "not ");
	printf("  layer        %lld\n", number_of(volume, "layer"));
	if (json_is_string(json_object_get(volume, "origin")))
		printf("  origin       %s\n", text_of(volume, "origin"));
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (number_of(volume, sizes[i]) > 0)
			printf("  %-12s %s\n", names[i], size_of(volume, sizes[i], size));
	}
}

static void print_layer(const json_t *layer)
{
	long long depth = number_of(layer, "depth");
	const json_t *name = json_object_get(layer, "head_of");
	char mapped[SIZE_TEXT_MAX];
	char shadowed[SIZE_TEXT_MAX];

	printf("  %*s%lld %s: %s", (int)MIN(2 * depth, (long long)INDENT_MAX), "",
	       number_of(layer, "layer"), json_is_string(name) ? json_string_value(name) : "hidden",
	       size_of(layer, "mapped_bytes", mapped));
	if (json_is_integer(json_object_get(layer, "parent")))
		printf(" over %lld, shadows %s of it", number_of(layer, "parent"),
		       size_of(layer, "shadowed_bytes", shadowed));
	if (number_of(layer, "lost_pages") > 0)
		printf(", %lld pages lost", number_of(layer, "lost_pages"));
	putchar('\n');
}

static void print_run(const json_t *run)
{
	printf("  %10lld %10lld  layer %lld  ", number_of(run, "extent"), number_of(run, "count"),
	       number_of(run, "layer"));
	if (is_true(run, "is_lost"))
		printf("lost\n");
	else
		printf("place %lld written %s zero %s\n", number_of(run, "place"),
		       text_of(run, "written"), text_of(run, "zero"));
}

static void print_change(const json_t *change)
{
	if (json_object_get(change, "drops_leaf"))
		printf("  layer %lld leaf %lld dropped\n", number_of(change, "layer"),
		       number_of(change, "drops_leaf"));
	else
		printf("  layer %lld extent %lld place %lld written %s zero %s\n",
		       number_of(change, "layer"), number_of(change, "extent"),
		       number_of(change, "place"), text_of(change, "written"),
		       text_of(change, "zero"));
}

static void print_list(const json_t *list, const char *title, void (*print)(const json_t *item))
{
	size_t count = json_array_size(list);

	if (!list)
		return;
	printf("\n%s%s", title, *title ? "\n" : "");
	for (size_t i = 0; i < count; i++)
		print(json_array_get(list, i));
}

void dump_print(const json_t *root)
{
	const json_t *journal = json_object_get(root, "journal");

	print_super(json_object_get(root, "superblock"), json_object_get(root, "policy"));
	print_list(json_object_get(root, "volumes"), "", print_volume);
	print_list(json_object_get(root, "layers"), "layers", print_layer);
	printf("\njournal\n  records %lld to %lld, %lld changes\n",
	       number_of(journal, "first_record"), number_of(journal, "end_record") - 1,
	       number_of(journal, "changed_words"));
	print_list(json_object_get(journal, "changes"), "changes", print_change);
	print_list(json_object_get(root, "map"), "map (extents of 64 KiB: from, how many)",
		   print_run);
}
