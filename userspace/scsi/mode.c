/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mode pages as a table of bytes, and the few bits that can be changed as a table of where
 * they are. Nothing is saved: PS is 0, and a reset brings the defaults back.
 */
#include "scsi/mode.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/compiler.h"

#define HEADER_6_LEN  4
#define HEADER_10_LEN 8

#define SPF 0x40 /* the page has a subpage code and a length of two bytes */

#define PARAMETER_WP	 0x80
#define PARAMETER_DPOFUA 0x10

struct mode_page {
	uint8_t page;
	uint8_t subpage;
	uint8_t len; /* with its header */
	uint8_t bytes[32];
};

static const struct mode_page pages[] = {
	/* Caching (SBC-3, 6.5.5). WCE comes from the values. */
	{.page = 0x08, .len = 20, .bytes = {0x08, 0x12}},
	/*
	 * Control (SPC-4, 7.5.8): one task set for all; unrestricted reordering; no QERR, no TAS,
	 * busy timeout unlimited.
	 */
	{.page = 0x0a, .len = 12, .bytes = {0x0a, 0x0a, 0, 0x10, 0, 0, 0, 0, 0xff, 0xff}},
	/* Control extension (SPC-4, 7.5.9). */
	{.page = 0x0a, .subpage = 0x01, .len = 32, .bytes = {SPF | 0x0a, 0x01, 0x00, 0x1c}},
	/* Informational exceptions control (SPC-4, 7.5.12): MRIE 0, none are reported. */
	{.page = 0x1c, .len = 12, .bytes = {0x1c, 0x0a}},
	/* Logical block provisioning (SBC-3, 6.5.7): no thresholds. */
	{.page = 0x1c, .subpage = 0x02, .len = 16, .bytes = {SPF | 0x1c, 0x02, 0x00, 0x0c}},
};

/* A changeable bit: where it is, and where its value is kept. */
static const struct mode_bit {
	uint8_t page;
	uint8_t byte;
	uint8_t mask;
	size_t value; /* offset of the bool in struct mode_values */
} bits[] = {
	{0x08, 2, 0x04, offsetof(struct mode_values, write_cache_enable)},
	{0x0a, 2, 0x04, offsetof(struct mode_values, descriptor_sense)},
	{0x0a, 4, 0x08, offsetof(struct mode_values, software_write_protect)},
};

static bool bit_is_changeable(const struct mode_bit *bit, const struct mode_facts *facts)
{
	return bit->page != 0x08 || facts->has_write_cache;
}

static bool *bit_value(const struct mode_bit *bit, struct mode_values *values)
{
	return (bool *)((char *)values + bit->value);
}

struct mode_values mode_default(const struct mode_facts *facts)
{
	return (struct mode_values){.write_cache_enable = facts->has_write_cache};
}

/* Set the bits of a page that the table knows, from `values`. */
static void page_set_bits(uint8_t *out, const struct mode_page *page,
			  const struct mode_values *values)
{
	struct mode_values copy = *values;

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		if (page->subpage == 0 && bits[i].page == page->page && *bit_value(&bits[i], &copy))
			out[bits[i].byte] |= bits[i].mask;
	}
}

/* The mask of changeable bits: the page's header, and ones where a bit can be changed. */
static void page_set_changeable(uint8_t *out, const struct mode_page *page,
				const struct mode_facts *facts)
{
	size_t header_len = page->subpage == 0 ? 2 : 4;

	memset(out + header_len, 0, page->len - header_len);
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		if (page->subpage == 0 && bits[i].page == page->page &&
		    bit_is_changeable(&bits[i], facts))
			out[bits[i].byte] |= bits[i].mask;
	}
}

static size_t page_encode(uint8_t *out, const struct mode_page *page,
			  enum mode_page_control control, const struct mode_facts *facts,
			  const struct mode_values *values)
{
	struct mode_values defaults = mode_default(facts);

	memcpy(out, page->bytes, page->len);
	if (control == MODE_CHANGEABLE)
		page_set_changeable(out, page, facts);
	else
		page_set_bits(out, page, control == MODE_DEFAULT ? &defaults : values);
	return page->len;
}

/* 7.5.5: the block descriptor, short (SBC-3, 6.5.2.2) or long (6.5.2.3). */
static size_t block_descriptor_encode(uint8_t *out, bool is_long, const struct mode_facts *facts)
{
	if (is_long) {
		memset(out, 0, 16);
		put_be64(out, facts->block_count);
		put_be32(out + 12, facts->block_bytes);
		return 16;
	}
	put_be32(out, (uint32_t)MIN(facts->block_count, (uint64_t)UINT32_MAX));
	put_be32(out + 4, facts->block_bytes);
	return 8;
}

static bool page_is_wanted(const struct mode_page *page, const struct mode_sense *request)
{
	if (request->page != MODE_ALL_PAGES && request->page != page->page)
		return false;
	return request->subpage == MODE_ALL_SUBPAGES || request->subpage == page->subpage;
}

static size_t header_encode(uint8_t *out, const struct mode_sense *request,
			    const struct mode_facts *facts)
{
	uint8_t parameter = PARAMETER_DPOFUA;
	bool is_long = request->is_ten && request->long_lba_accepted;
	size_t header_len = request->is_ten ? HEADER_10_LEN : HEADER_6_LEN;
	size_t descriptor_len = 0;

	if (facts->is_write_protected)
		parameter |= PARAMETER_WP;
	memset(out, 0, header_len);
	if (!request->without_block_descriptor)
		descriptor_len = block_descriptor_encode(out + header_len, is_long, facts);
	if (request->is_ten) {
		out[3] = parameter;
		out[4] = descriptor_len == 16; /* LONGLBA */
		put_be16(out + 6, (uint16_t)descriptor_len);
	} else {
		out[2] = parameter;
		out[3] = (uint8_t)descriptor_len;
	}
	return header_len + descriptor_len;
}

int mode_encode(uint8_t *out, const struct mode_sense *request, const struct mode_facts *facts,
		const struct mode_values *values)
{
	size_t header_len = header_encode(out, request, facts);
	size_t len = header_len;

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (page_is_wanted(&pages[i], request))
			len += page_encode(out + len, &pages[i], request->control, facts, values);
	}
	if (len == header_len)
		return -ENOENT;
	/* MODE DATA LENGTH does not count itself. */
	if (request->is_ten)
		put_be16(out, (uint16_t)(len - 2));
	else
		out[0] = (uint8_t)(len - 1);
	return (int)len;
}

/* --- MODE SELECT --- */

/* Where the list is read, and what it has changed so far. */
struct mode_list {
	const uint8_t *bytes;
	size_t len;
	size_t at;
	const struct mode_facts *facts;
	struct mode_values values;
};

/* The block descriptor may only say what is so already (SBC-3, 6.5.2: resizing is not ours). */
static int block_descriptor_check(struct mode_list *list, size_t len, bool is_long)
{
	const uint8_t *at = list->bytes + list->at;
	uint64_t block_count = is_long ? get_be64(at) : get_be32(at);
	uint32_t block_bytes = is_long ? get_be32(at + 12) : get_be24(at + 5);
	bool means_all = block_count == 0 || (!is_long && block_count == UINT32_MAX);

	if (!means_all && block_count != list->facts->block_count)
		return -EINVAL;
	if (block_bytes != list->facts->block_bytes) {
		list->at += is_long ? 12 : 5;
		return -EINVAL;
	}
	list->at += len;
	return 0;
}

static int header_decode(struct mode_list *list, bool is_ten)
{
	const uint8_t *bytes = list->bytes;
	size_t header_len = is_ten ? HEADER_10_LEN : HEADER_6_LEN;
	size_t descriptor_len;
	bool is_long;

	if (list->len < header_len)
		return -EMSGSIZE;
	list->at = is_ten ? 2 : 1;
	if (bytes[list->at] != 0) /* MEDIUM TYPE (SBC-3, 6.5.1) */
		return -EINVAL;
	is_long = is_ten && (bytes[4] & 1);
	descriptor_len = is_ten ? get_be16(bytes + 6) : bytes[3];
	list->at = is_ten ? 6 : 3;
	if (descriptor_len > list->len - header_len)
		return -EMSGSIZE;
	if (descriptor_len != 0 && descriptor_len != (is_long ? 16 : 8))
		return -EINVAL;
	list->at = header_len;
	return descriptor_len == 0 ? 0 : block_descriptor_check(list, descriptor_len, is_long);
}

static const struct mode_page *page_find(uint8_t page, uint8_t subpage)
{
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (pages[i].page == page && pages[i].subpage == subpage)
			return &pages[i];
	}
	return NULL;
}

/* Every bit as it is now, except those that can be changed; then take these over. */
static int page_apply(struct mode_list *list, const struct mode_page *page)
{
	const uint8_t *at = list->bytes + list->at;
	uint8_t current[sizeof(page->bytes)];
	uint8_t changeable[sizeof(page->bytes)];
	size_t header_len = page->subpage == 0 ? 2 : 4;

	page_encode(current, page, MODE_CURRENT, list->facts, &list->values);
	page_encode(changeable, page, MODE_CHANGEABLE, list->facts, &list->values);
	for (size_t i = 0; i < page->len; i++) {
		uint8_t fixed = i < header_len ? 0xff : (uint8_t)~changeable[i];

		if ((at[i] ^ current[i]) & fixed) {
			list->at += i;
			return -EINVAL;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		if (page->subpage == 0 && bits[i].page == page->page &&
		    bit_is_changeable(&bits[i], list->facts))
			*bit_value(&bits[i], &list->values) = at[bits[i].byte] & bits[i].mask;
	}
	list->at += page->len;
	return 0;
}

static int page_decode(struct mode_list *list)
{
	const uint8_t *at = list->bytes + list->at;
	size_t left = list->len - list->at;
	const struct mode_page *page;
	bool has_subpage;
	size_t len;

	if (left < 2)
		return -EMSGSIZE;
	has_subpage = at[0] & SPF;
	if (has_subpage && left < 4)
		return -EMSGSIZE;
	page = page_find(at[0] & 0x3f, has_subpage ? at[1] : 0);
	if (!page || has_subpage != (page->subpage != 0))
		return -EINVAL;
	len = has_subpage ? 4U + get_be16(at + 2) : 2U + at[1];
	if (len != page->len) {
		list->at += has_subpage ? 2 : 1;
		return -EINVAL;
	}
	if (left < len)
		return -EMSGSIZE;
	return page_apply(list, page);
}

int mode_decode(const uint8_t *bytes, size_t len, bool is_ten, const struct mode_facts *facts,
		struct mode_values *values, uint16_t *out_byte)
{
	struct mode_list list = {.bytes = bytes, .len = len, .facts = facts, .values = *values};
	int ret = header_decode(&list, is_ten);

	while (ret == 0 && list.at < list.len)
		ret = page_decode(&list);
	if (ret == -EINVAL)
		*out_byte = (uint16_t)list.at;
	if (ret == 0)
		*values = list.values;
	return ret;
}
