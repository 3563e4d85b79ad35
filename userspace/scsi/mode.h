/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mode parameters (SPC-4, 7.5; SBC-3, 6.5): the pages of a disk, what an initiator may change in
 * them, and the lists that MODE SENSE and MODE SELECT carry.
 */
#ifndef SCSI_MODE_H
#define SCSI_MODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODE_LEN_MAX 256 /* of the whole parameter list of MODE SENSE */

#define MODE_ALL_PAGES	  0x3f
#define MODE_ALL_SUBPAGES 0xff

enum mode_page_control {
	MODE_CURRENT = 0,
	MODE_CHANGEABLE = 1,
	MODE_DEFAULT = 2,
	MODE_SAVED = 3,
};

/*
 * The threshold descriptors of the logical block provisioning page, in their order there (SBC-5,
 * 6.5.9.2). The last one is about the space that all volumes of the pool share, and cannot be
 * changed by an initiator.
 */
enum mode_threshold {
	MODE_THRESHOLD_USED,	  /* increasing, of used LBA mapping resources */
	MODE_THRESHOLD_AVAILABLE, /* decreasing, of available LBA mapping resources */
	MODE_THRESHOLD_SHARED,	  /* the same */
	MODE_THRESHOLD_COUNT,
};

/* Where in the page a descriptor begins: the INFORMATION of its notification (SBC-5, 4.7.3.7.6). */
static inline uint32_t mode_threshold_offset(enum mode_threshold threshold)
{
	return 16 + 8 * (uint32_t)threshold;
}

/* All that can be changed. */
struct mode_values {
	bool write_cache_enable;     /* WCE, caching page */
	bool descriptor_sense;	     /* D_SENSE, control page */
	bool software_write_protect; /* SWP, control page */
	bool threshold_reporting;    /* LBPERE, read-write error recovery page */
	bool single_initiator;	     /* SITUA, logical block provisioning page */
	/* THRESHOLD COUNT, in threshold sets; 0: not ENABLED. */
	uint32_t thresholds[MODE_THRESHOLD_COUNT];
};

/* What the parameters say besides. */
struct mode_facts {
	bool has_write_cache; /* false: WCE stays 0 and cannot be changed */
	bool has_thresholds;  /* false: no descriptors, nothing about them to change or save */
	bool is_write_protected;
	uint64_t block_count;
	uint32_t block_bytes;
};

struct mode_sense {
	bool is_ten;		       /* MODE SENSE(10), and its longer header */
	bool without_block_descriptor; /* DBD */
	bool long_lba_accepted;	       /* LLBAA */
	enum mode_page_control control;
	uint8_t page;
	uint8_t subpage;
};

/* What the pages hold before anybody changed them. */
struct mode_values mode_default(const struct mode_facts *facts);

/*
 * Encode into `out` (MODE_LEN_MAX bytes); returns the length. -ENOENT: there is no such page.
 * `values` are the current ones, or the saved ones for MODE_SAVED.
 */
int mode_encode(uint8_t *out, const struct mode_sense *request, const struct mode_facts *facts,
		const struct mode_values *values);

/*
 * Apply a parameter list of MODE SELECT to `values`: all of it or nothing. -EMSGSIZE: the list is
 * cut off (PARAMETER LIST LENGTH ERROR). -EINVAL: it wants what cannot be, and out_byte is the
 * offset of the first byte that is wrong (INVALID FIELD IN PARAMETER LIST).
 */
int mode_decode(const uint8_t *list, size_t len, bool is_ten, const struct mode_facts *facts,
		struct mode_values *values, uint16_t *out_byte);

#endif
