/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One walk counts the checkpoint, and notes what the journal takes and gives; then the bitmaps
 * are compared, and the moves of the journal are made in the count, all that is let go before
 * all that is claimed. Only where an extent has two owners, a second walk finds out who they are.
 */
#include "store/check_image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "store/array.h"
#include "store/image_owners.h"
#include "store/image_walk.h"
#include "store/tally.h"
#include "store/word.h"

/* What the counters of a layer in the checkpoint should say. */
struct counted {
	uint64_t mapped;
	uint64_t shadowed;
	bool is_unknown; /* a leaf of it, or of its parent's, cannot be read */
	bool is_shadow_unknown;
};

struct places {
	uint32_t *items;
	uint64_t count;
	uint64_t capacity;
};

struct image_check {
	struct image_walk walk;
	struct image *image;
	struct image_report *report;
	struct tally tally;
	struct counted *counted; /* [layer id] */
	struct places let_go;	 /* by the journal */
	struct places claimed;
	struct places doubled;
	struct image_claims claims;
};

static int places_add(struct places *places, uint32_t place)
{
	int ret = array_reserve(&places->items, &places->capacity, places->count + 1,
				sizeof(*places->items));

	if (ret == 0)
		places->items[places->count++] = place;
	return ret;
}

static void check_page(struct image_check *check, uint64_t place)
{
	uint64_t block = format_place_block(place);
	bool is_possible;

	if (!tally_page(&check->tally, block, &is_possible))
		image_note(check->image, FINDING_SLOT_DOUBLED, block * FORMAT_BLOCK_BYTES,
			   "two places point to the page at this byte");
}

static void check_tree(struct image_check *check, const struct image_tree *tree)
{
	for (uint64_t i = 0; i < tree->index.count; i++)
		check_page(check, tree->index.items[i].place);
	for (uint64_t i = 0; i < tree->leaves.count; i++)
		check_page(check, tree->leaves.items[i].place);
	check->report->lost_pages += tree->lost.count - tree->damaged;
	if (tree->damaged > 0)
		check->report->leaks_are_known = false;
}

static void count_shadows(struct image_check *check, const struct walk_leaf *leaf)
{
	uint32_t parent_id = get_le32(&leaf->layer->base.parent);
	struct counted *counted = &check->counted[leaf->layer->id];
	const struct walk_leaf *parent;

	if (parent_id == 0 || parent_id > check->image->record_count)
		return;
	parent = check->walk.by_layer[parent_id];
	if (!parent)
		return;
	if (!parent->base || !leaf->base)
		counted->is_shadow_unknown |= parent->is_damaged || leaf->is_damaged;
	for (unsigned i = 0; parent->base && leaf->base && i < FORMAT_WORDS; i++)
		counted->shadowed +=
			tally_is_shadowed(walk_word(leaf->base, i), walk_word(parent->base, i));
}

static int count_leaf(struct image_check *check, const struct walk_leaf *leaf)
{
	struct counted *counted = &check->counted[leaf->layer->id];
	int ret = 0;

	check->report->leaves += leaf->base != NULL;
	for (unsigned i = 0; leaf->base && ret == 0 && i < FORMAT_WORDS; i++) {
		uint32_t place = word_place(walk_word(leaf->base, i));

		if (!place)
			continue;
		counted->mapped++;
		if (!tally_extent(&check->tally, place))
			ret = places_add(&check->doubled, place);
	}
	return ret;
}

/* What the journal lets go of and claims in this leaf. */
static int count_moves(struct image_check *check, const struct walk_leaf *leaf)
{
	int ret = 0;

	if (leaf->is_damaged || leaf->final == leaf->base)
		return 0;
	for (unsigned i = 0; ret == 0 && i < FORMAT_WORDS; i++) {
		uint32_t before = word_place(walk_word(leaf->base, i));
		uint32_t after = word_place(walk_word(leaf->final, i));

		if (before == after)
			continue;
		if (before)
			ret = places_add(&check->let_go, before);
		if (ret == 0 && after)
			ret = places_add(&check->claimed, after);
	}
	return ret;
}

/* The journal freed the layer: before, it took every extent from it. */
static void check_left_over(struct image_check *check, const struct walk_leaf *leaf)
{
	uint64_t words[FORMAT_WORDS];
	uint64_t left = 0;

	memcpy(words, leaf->base, sizeof(words));
	for (uint64_t i = 0; i < leaf->change_count; i++) {
		const struct image_change *change = &check->image->changes[leaf->first_change + i];

		if (change->order >= leaf->layer->since)
			continue;
		if (change->kind == IMAGE_DROP)
			memset(words, 0, sizeof(words));
		else
			words[change->index] = htole64(change->word);
	}
	for (unsigned i = 0; i < FORMAT_WORDS; i++)
		left += word_place(walk_word(words, i)) != 0;
	if (left > 0)
		image_note(check->image, FINDING_EXTENT_LEAKED,
			   format_place_block(leaf->place) * FORMAT_BLOCK_BYTES,
			   "layer %u was freed with %" PRIu64 " extents in its leaf %" PRIu64,
			   leaf->layer->id, left, check->walk.number);
}

static int check_group(struct image_walk *walk)
{
	struct image_check *check = container_of(walk, struct image_check, walk);
	int ret = 0;

	for (uint64_t i = 0; ret == 0 && i < walk->count; i++) {
		struct walk_leaf *leaf = &walk->leaves[i];

		if (leaf->is_damaged) {
			check->counted[leaf->layer->id].is_unknown = true;
			check->counted[leaf->layer->id].is_shadow_unknown = true;
			if (leaf->place && !leaf->base)
				check->report->leaks_are_known = false;
		}
		if (!leaf->layer->is_final && leaf->base)
			check_left_over(check, leaf);
		count_shadows(check, leaf);
		ret = count_leaf(check, leaf);
		if (ret == 0)
			ret = count_moves(check, leaf);
	}
	return ret;
}

static void check_counters(struct image_check *check)
{
	struct image *image = check->image;

	for (uint32_t i = 0; i < image->layer_count; i++) {
		const struct image_layer *layer = image->layers[image->layer_ids[i]];
		const struct counted *counted = &check->counted[layer->id];
		uint32_t parent_id = get_le32(&layer->base.parent);
		const struct image_layer *parent = image_find_layer(image, parent_id);
		bool is_whole = !counted->is_unknown && layer->tree.lost.count == 0;
		bool is_counted = !(get_le16(&layer->base.flags) & FORMAT_LAYER_UNCOUNTED);

		if (!layer->is_base ||
		    get_le16(&image->base[layer->id - 1].kind) != FORMAT_RECORD_LAYER)
			continue; /* its record cannot be read, so it says nothing */
		if (is_whole && get_le64(&layer->base.mapped_extents) != counted->mapped)
			image_note(image, FINDING_COUNT_MAPPED, FINDING_NO_BYTE,
				   "layer %u has %" PRIu64 " extents and says %" PRIu64, layer->id,
				   counted->mapped, get_le64(&layer->base.mapped_extents));
		if (is_whole && is_counted && !counted->is_shadow_unknown &&
		    (!parent || parent->tree.lost.count == 0) &&
		    get_le64(&layer->base.shadowed_extents) != counted->shadowed)
			image_note(image, FINDING_COUNT_SHADOWED, FINDING_NO_BYTE,
				   "layer %u shadows %" PRIu64
				   " extents of the layer below and says %" PRIu64,
				   layer->id, counted->shadowed,
				   get_le64(&layer->base.shadowed_extents));
	}
}

static void compare_slots(struct image_check *check, uint64_t region)
{
	const uint64_t first = region * FORMAT_REGION_SLOTS;

	for (uint64_t slot = first; slot < first + FORMAT_REGION_SLOTS; slot++) {
		bool is_used = bitmap_has(check->tally.slots, slot);
		uint64_t byte = geometry_slot_block(slot) * FORMAT_BLOCK_BYTES;

		if (is_used == bitmap_has(check->image->slots, slot))
			continue;
		if (is_used)
			image_note(check->image, FINDING_SLOT_UNCLAIMED, byte,
				   "the page at this byte is in use and its slot is not marked");
		else if (check->report->leaks_are_known)
			image_note(check->image, FINDING_SLOT_LEAKED, byte,
				   "no page is in the slot at this byte, and it is marked");
	}
}

static void compare_extents(struct image_check *check, uint64_t region)
{
	const uint64_t first = region * FORMAT_REGION_EXTENTS;

	for (uint64_t at = first; at < first + FORMAT_REGION_EXTENTS; at += BITMAP_WORD_BITS) {
		uint64_t counted = check->tally.extents[at / BITMAP_WORD_BITS];
		uint64_t stored = check->image->extents[at / BITMAP_WORD_BITS];

		for (unsigned bit = 0; counted != stored && bit < BITMAP_WORD_BITS; bit++) {
			uint64_t byte = (at + bit) * STORE_EXTENT_BYTES;

			if ((counted ^ stored) >> bit & 1 && counted >> bit & 1)
				image_note(check->image, FINDING_EXTENT_UNCLAIMED, byte,
					   "extent %" PRIu64 " has an owner and is not marked",
					   at + bit);
			else if ((counted ^ stored) >> bit & 1 && check->report->leaks_are_known)
				image_note(check->image, FINDING_EXTENT_LEAKED, byte,
					   "extent %" PRIu64 " is marked and has no owner",
					   at + bit);
			else if ((counted ^ stored) >> bit & 1)
				check->report->unowned++;
		}
	}
}

static void compare_bitmaps(struct image_check *check)
{
	for (uint64_t i = 0; i < geometry_region_count(&check->image->geometry); i++) {
		if (bitmap_has(check->image->bad_regions, i))
			continue;
		compare_extents(check, i);
		compare_slots(check, i);
	}
}

/* From the count of the checkpoint to that after the replay. */
static int apply_moves(struct image_check *check)
{
	int ret = 0;

	for (uint64_t i = 0; i < check->let_go.count; i++)
		bitmap_clear(check->tally.extents, check->let_go.items[i]);
	check->report->mapped = check->tally.mapped - check->let_go.count + check->claimed.count;
	for (uint64_t i = 0; ret == 0 && i < check->claimed.count; i++) {
		if (!tally_extent(&check->tally, check->claimed.items[i]))
			ret = places_add(&check->doubled, check->claimed.items[i]);
	}
	return ret;
}

static int name_owners(struct image_check *check)
{
	struct image *image = check->image;
	struct image_owners *owners = &check->claims.doubled;
	int ret;

	if (check->doubled.count == 0)
		return 0;
	ret = image_owners_find(image, check->doubled.items, check->doubled.count, owners);
	for (uint64_t i = 0; ret == 0 && i < owners->count; i++) {
		const struct image_owner *owner = &owners->items[i];

		image_note(image, FINDING_EXTENT_DOUBLED,
			   (uint64_t)owner->place * STORE_EXTENT_BYTES,
			   "extent %u is said to be extent %" PRIu64 " of layer %u, and another's",
			   owner->place, owner->leaf * FORMAT_WORDS + owner->index, owner->layer);
	}
	return ret;
}

/* Before and after the moves of the journal. */
static void note_claims(struct image_check *check)
{
	for (uint64_t i = 0; i < BITMAP_WORDS(check->tally.extent_bits); i++)
		check->claims.extents[i] |= check->tally.extents[i];
}

void image_claims_fini(struct image_claims *claims)
{
	image_owners_fini(&claims->doubled);
	free(claims->extents);
	*claims = (struct image_claims){0};
}

static int check_run(struct image_check *check)
{
	struct image *image = check->image;
	int ret = check_image_catalogue(image, check->report);

	check_tree(check, &image->bitmaps);
	check_tree(check, &image->catalogue);
	for (uint32_t i = 0; i < image->layer_count; i++)
		check_tree(check, &image->layers[image->layer_ids[i]]->tree);
	if (ret == 0)
		ret = image_walk(&check->walk);
	if (ret != 0)
		return ret;
	check->report->pages = check->tally.pages;
	check_counters(check);
	compare_bitmaps(check);
	note_claims(check);
	ret = apply_moves(check);
	note_claims(check);
	return ret == 0 ? name_owners(check) : ret;
}

int check_image(struct image *image, struct image_report *out_report,
		struct image_claims *out_claims)
{
	struct image_check check = {
		.walk = {.image = image, .on_group = check_group},
		.image = image,
		.report = out_report,
		.counted = calloc((size_t)image->record_count + 1, sizeof(struct counted)),
	};
	int ret = tally_init(&check.tally, &image->geometry);

	*out_report = (struct image_report){
		.data_extents = geometry_data_count(&image->geometry),
		.words_replayed = image->change_count,
		.leaks_are_known = true,
	};
	check.claims.extents = calloc(BITMAP_WORDS(check.tally.extent_bits), sizeof(uint64_t));
	if (!check.counted || !check.claims.extents)
		ret = -ENOMEM;
	if (ret == 0)
		ret = check_run(&check);
	tally_fini(&check.tally);
	free(check.counted);
	free(check.let_go.items);
	free(check.claimed.items);
	free(check.doubled.items);
	if (out_claims && ret == 0)
		*out_claims = check.claims;
	else
		image_claims_fini(&check.claims);
	return ret;
}
