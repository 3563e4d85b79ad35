/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parameter lists of MODE SENSE and MODE SELECT: a header, a block descriptor, and pages.
 */
#include "scsi/mode.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "scsi/mode_page.h"

#define HEADER_6_LEN  4
#define HEADER_10_LEN 8

#define PARAMETER_WP	 0x80
#define PARAMETER_DPOFUA 0x10

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

	for (const struct mode_page *page = mode_page_next(NULL); page;
	     page = mode_page_next(page)) {
		if (page_is_wanted(page, request))
			len += mode_page_encode(out + len, page, request->control, facts, values);
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

static int page_apply(struct mode_list *list, const struct mode_page *page)
{
	size_t offset = mode_page_len(page, list->facts);
	int ret =
		mode_page_apply(list->bytes + list->at, page, list->facts, &list->values, &offset);

	list->at += offset; /* to the wrong byte, or behind the page */
	return ret;
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
	has_subpage = at[0] & MODE_PAGE_SPF;
	if (has_subpage && left < 4)
		return -EMSGSIZE;
	page = mode_page_find(at[0] & 0x3f, has_subpage ? at[1] : 0);
	if (!page || has_subpage != (page->subpage != 0))
		return -EINVAL;
	len = has_subpage ? 4U + get_be16(at + 2) : 2U + at[1];
	if (len != mode_page_len(page, list->facts)) {
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
