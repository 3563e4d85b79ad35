/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mode pages as a table of bytes, and the few bits that can be changed as a table of where
 * they are. Only the page of thresholds can be saved (PS 1); of the others a reset brings the
 * defaults back.
 */
#include "scsi/mode_page.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/compiler.h"

#define PS  0x80 /* the page can be saved; reserved in MODE SELECT */
#define SPF MODE_PAGE_SPF

#define DESCRIPTORS_LEN	       24
#define DESCRIPTOR_ENABLED     0x80
#define DESCRIPTORS_CHANGEABLE MODE_THRESHOLD_SHARED /* those before it */

/* Byte 0 of a descriptor: THRESHOLD ARMING, with a THRESHOLD TYPE of 000b. */
#define ARMED_DECREASING 0x00
#define ARMED_INCREASING 0x01
/* THRESHOLD RESOURCE: the parameter codes of the log page. */
#define RESOURCE_AVAILABLE 0x01
#define RESOURCE_USED	   0x02

static const struct mode_page pages[] = {
	/* Read-write error recovery (SBC-5, 6.5.10). LBPERE comes from the values. */
	{.page = 0x01, .len = 12, .bytes = {0x01, 0x0a}},
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
	/*
	 * Logical block provisioning (SBC-5, 6.5.9): a descriptor for each enum mode_threshold,
	 * with arming and resource after 4.7.3.7.2, table 7.
	 */
	{.page = 0x1c,
	 .subpage = 0x02,
	 .len = 40,
	 .has_thresholds = true,
	 .bytes = {PS | SPF | 0x1c, 0x02, 0x00,
		   0x24, [16] = ARMED_INCREASING, [17] = RESOURCE_USED, [24] = ARMED_DECREASING,
		   [25] = RESOURCE_AVAILABLE, [32] = ARMED_DECREASING, [33] = RESOURCE_AVAILABLE}},
};

/* A changeable bit: where it is, and where its value is kept. */
static const struct mode_bit {
	uint8_t page;
	uint8_t subpage;
	uint8_t byte;
	uint8_t mask;
	size_t value; /* offset of the bool in struct mode_values */
} bits[] = {
	{0x01, 0x00, 7, 0x80, offsetof(struct mode_values, threshold_reporting)},
	{0x08, 0x00, 2, 0x04, offsetof(struct mode_values, write_cache_enable)},
	{0x0a, 0x00, 2, 0x04, offsetof(struct mode_values, descriptor_sense)},
	{0x0a, 0x00, 4, 0x08, offsetof(struct mode_values, software_write_protect)},
	{0x1c, 0x02, 4, 0x01, offsetof(struct mode_values, single_initiator)},
};

static bool bit_is_of(const struct mode_bit *bit, const struct mode_page *page)
{
	return bit->page == page->page && bit->subpage == page->subpage;
}

static bool bit_is_changeable(const struct mode_bit *bit, const struct mode_facts *facts)
{
	switch (bit->page) {
	case 0x08:
		return facts->has_write_cache;
	case 0x01:
	case 0x1c:
		return facts->has_thresholds;
	default:
		return true;
	}
}

static bool *bit_value(const struct mode_bit *bit, struct mode_values *values)
{
	return (bool *)((char *)values + bit->value);
}

static bool has_descriptors(const struct mode_page *page, const struct mode_facts *facts)
{
	return page->has_thresholds && facts->has_thresholds;
}

struct mode_values mode_default(const struct mode_facts *facts)
{
	return (struct mode_values){.write_cache_enable = facts->has_write_cache,
				    .threshold_reporting = facts->has_thresholds};
}

const struct mode_page *mode_page_next(const struct mode_page *previous)
{
	const struct mode_page *next = previous ? previous + 1 : pages;

	return next < pages + ARRAY_SIZE(pages) ? next : NULL;
}

const struct mode_page *mode_page_find(uint8_t page, uint8_t subpage)
{
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (pages[i].page == page && pages[i].subpage == subpage)
			return &pages[i];
	}
	return NULL;
}

size_t mode_page_len(const struct mode_page *page, const struct mode_facts *facts)
{
	if (page->has_thresholds && !facts->has_thresholds)
		return page->len - DESCRIPTORS_LEN;
	return page->len;
}

/* The bits and descriptors that the values know. */
static void page_set_values(uint8_t *out, const struct mode_page *page,
			    const struct mode_facts *facts, const struct mode_values *values)
{
	struct mode_values copy = *values;

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		if (bit_is_of(&bits[i], page) && *bit_value(&bits[i], &copy))
			out[bits[i].byte] |= bits[i].mask;
	}
	for (unsigned i = 0; i < MODE_THRESHOLD_COUNT && has_descriptors(page, facts); i++) {
		uint8_t *descriptor = out + mode_threshold_offset(i);

		if (values->thresholds[i] != 0)
			descriptor[0] |= DESCRIPTOR_ENABLED;
		put_be32(descriptor + 4, values->thresholds[i]);
	}
}

/* The mask of changeable bits: the page's header, and ones where a bit can be changed. */
static void page_set_changeable(uint8_t *out, const struct mode_page *page,
				const struct mode_facts *facts)
{
	size_t header_len = page->subpage == 0 ? 2 : 4;

	memset(out + header_len, 0, mode_page_len(page, facts) - header_len);
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		if (bit_is_of(&bits[i], page) && bit_is_changeable(&bits[i], facts))
			out[bits[i].byte] |= bits[i].mask;
	}
	for (unsigned i = 0; i < DESCRIPTORS_CHANGEABLE && has_descriptors(page, facts); i++) {
		out[mode_threshold_offset(i)] = DESCRIPTOR_ENABLED;
		put_be32(out + mode_threshold_offset(i) + 4, UINT32_MAX);
	}
}

size_t mode_page_encode(uint8_t *out, const struct mode_page *page, enum mode_page_control control,
			const struct mode_facts *facts, const struct mode_values *values)
{
	struct mode_values defaults = mode_default(facts);
	size_t len = mode_page_len(page, facts);

	memcpy(out, page->bytes, len);
	if (len < page->len) { /* there are no thresholds: nothing to save */
		out[0] &= (uint8_t)~PS;
		out[3] = (uint8_t)(len - 4);
	}
	/* It is not this device's, so its default is what it is. */
	defaults.thresholds[MODE_THRESHOLD_SHARED] = values->thresholds[MODE_THRESHOLD_SHARED];
	if (control == MODE_CHANGEABLE)
		page_set_changeable(out, page, facts);
	else
		page_set_values(out, page, facts, control == MODE_DEFAULT ? &defaults : values);
	return len;
}

/* --- changing --- */

/* Every bit must be as it is now, except those that can be changed. */
static int page_check(const uint8_t *at, const struct mode_page *page,
		      const struct mode_facts *facts, const struct mode_values *values,
		      size_t *out_offset)
{
	uint8_t current[MODE_PAGE_LEN_MAX];
	uint8_t changeable[MODE_PAGE_LEN_MAX];
	size_t header_len = page->subpage == 0 ? 2 : 4;
	size_t len = mode_page_encode(current, page, MODE_CURRENT, facts, values);

	current[0] &= (uint8_t)~PS;
	mode_page_encode(changeable, page, MODE_CHANGEABLE, facts, values);
	for (size_t i = 0; i < len; i++) {
		uint8_t fixed = i < header_len ? 0xff : (uint8_t)~changeable[i];

		if ((at[i] ^ current[i]) & fixed) {
			*out_offset = i;
			return -EINVAL;
		}
	}
	return 0;
}

/* What a descriptor counts while it is not ENABLED means nothing; 0 could never be crossed. */
static int thresholds_apply(const uint8_t *at, struct mode_values *values, size_t *out_offset)
{
	for (unsigned i = 0; i < DESCRIPTORS_CHANGEABLE; i++) {
		const uint8_t *descriptor = at + mode_threshold_offset(i);
		bool is_enabled = descriptor[0] & DESCRIPTOR_ENABLED;
		uint32_t count = get_be32(descriptor + 4);

		if (is_enabled && count == 0) {
			*out_offset = mode_threshold_offset(i) + 4;
			return -EINVAL;
		}
		values->thresholds[i] = is_enabled ? count : 0;
	}
	return 0;
}

int mode_page_apply(const uint8_t *at, const struct mode_page *page, const struct mode_facts *facts,
		    struct mode_values *values, size_t *out_offset)
{
	int ret = page_check(at, page, facts, values, out_offset);

	if (ret != 0)
		return ret;
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		if (bit_is_of(&bits[i], page) && bit_is_changeable(&bits[i], facts))
			*bit_value(&bits[i], values) = at[bits[i].byte] & bits[i].mask;
	}
	return has_descriptors(page, facts) ? thresholds_apply(at, values, out_offset) : 0;
}
