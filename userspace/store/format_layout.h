/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every byte of a pool, as docs/FORMAT.md describes it: constants and structs. All numbers are
 * little-endian, all reserved bytes are zero.
 */
#ifndef STORE_FORMAT_LAYOUT_H
#define STORE_FORMAT_LAYOUT_H

#include <stdint.h>

#define FORMAT_MAGIC		0x48545242u /* "BRTH" */
#define FORMAT_VERSION		2	    /* 1 opens too: it had no layers over layers */
#define FORMAT_BLOCK_BYTES	4096
#define FORMAT_HEADER_BYTES	64
#define FORMAT_PAYLOAD_BYTES	(FORMAT_BLOCK_BYTES - FORMAT_HEADER_BYTES)
#define FORMAT_WORDS		504 /* words of a leaf, places of an index page */
#define FORMAT_RECORD_BYTES	256
#define FORMAT_RECORDS		15 /* of a catalogue page */
#define FORMAT_SUPER_A_BLOCK	0
#define FORMAT_LOSS_BLOCK	8
#define FORMAT_SUPER_B_BLOCK	256 /* 1 MiB: out of reach of a stray partition table */
#define FORMAT_TREE_LEVELS	4
#define FORMAT_FEATURE_REPAIRED UINT64_C(1) /* not accepted yet: opened read-only */
#define FORMAT_JOURNAL_SEALED	1	    /* level: a flush of all data came before it */
#define FORMAT_JOURNAL_MORE	2	    /* level: the commit goes on in the next record */

enum format_kind {
	FORMAT_SUPER = 1,
	FORMAT_JOURNAL = 2,
	FORMAT_INDEX = 3,
	FORMAT_LEAF = 4,
	FORMAT_CATALOGUE = 5,
	FORMAT_BITMAP = 6,
	FORMAT_REPAIR = 7, /* store/repair_state.h */
	FORMAT_LOSS = 8,
};

/* Whose page it is, where it is not a layer's (layers have their record's id, from 1 on). */
#define FORMAT_OWNER_CATALOGUE UINT64_C(0xffffffff00000001)
#define FORMAT_OWNER_BITMAPS   UINT64_C(0xffffffff00000002)

/* At the start of every metadata block. */
struct format_header {
	uint32_t magic;
	uint16_t kind;
	uint16_t level;	     /* INDEX: 1 above the leaves; JOURNAL: FORMAT_JOURNAL_* */
	uint64_t block;	     /* its own address, in blocks of 4 KiB */
	uint64_t generation; /* of the checkpoint; JOURNAL: the record's number */
	uint8_t pool[16];    /* the pool's UUID */
	uint64_t owner;	     /* layer id or FORMAT_OWNER_*; JOURNAL: the epoch */
	uint64_t index;	     /* the page's number in its level; JOURNAL: boot, if not sealed */
	uint32_t used;	     /* JOURNAL: bytes of entries; else 0 */
	uint32_t crc;	     /* CRC32C of the block, this field taken as zero */
};
_Static_assert(sizeof(struct format_header) == FORMAT_HEADER_BYTES, "header is 64 bytes");

struct format_super {
	struct format_header header;
	uint32_t version;
	uint32_t extent_bytes;
	uint64_t features; /* each bit must be known to open the pool; none so far */
	uint64_t extent_count;
	uint64_t journal_extents; /* they begin at extent 64 */
	uint64_t journal_epoch;
	uint64_t journal_first; /* number of the first record to replay */
	uint64_t catalogue_root;
	uint64_t bitmap_root;
	uint64_t catalogue_pages; /* leaves of the catalogue's tree; the bitmaps' follows from
				     extent_count */
	char name[80];
	uint32_t threshold_used_percent; /* tell of it when so much is used; 0: never */
	uint32_t overcommit_percent;	 /* promise at most so much of the room; 0: no limit */
	uint8_t reserved[3872];
};
_Static_assert(sizeof(struct format_super) == FORMAT_BLOCK_BYTES, "a superblock is a block");

/* A leaf of a layer (words), or an index page (places). */
struct format_words {
	struct format_header header;
	uint64_t words[FORMAT_WORDS];
};
_Static_assert(sizeof(struct format_words) == FORMAT_BLOCK_BYTES, "a leaf is a block");

#define FORMAT_REGION_EXTENTS 16384 /* extents that a bitmap page covers: 1 GiB */
#define FORMAT_REGION_SLOTS   4096  /* metadata slots in them */

/* Free extents of the region may still take room in the backing file. */
#define FORMAT_REGION_UNPUNCHED 1u

struct format_bitmap {
	struct format_header header;
	uint64_t extents[FORMAT_REGION_EXTENTS / 64];
	uint64_t slots[FORMAT_REGION_SLOTS / 64];
	uint32_t flags; /* FORMAT_REGION_UNPUNCHED */
	uint8_t reserved[1468];
};
_Static_assert(sizeof(struct format_bitmap) == FORMAT_BLOCK_BYTES, "a bitmap page is a block");

enum format_record_kind {
	FORMAT_RECORD_FREE = 0,
	FORMAT_RECORD_VOLUME = 1,
	FORMAT_RECORD_LAYER = 2,
	FORMAT_RECORD_SNAPSHOT = 3, /* the same fields as a volume's */
};

#define FORMAT_VOLUME_FORMATTED 1u /* flags of a volume */
#define FORMAT_VOLUME_TELLS_ONE 2u /* thresholds are told to one initiator only */
#define FORMAT_LAYER_UNCOUNTED	2u /* flag of a layer: shadowed_extents is not known */

struct format_volume {
	uint16_t kind;
	uint16_t flags;
	uint32_t head; /* id of its head layer */
	uint64_t size_bytes;
	uint64_t created_at_s;
	uint32_t logical_block_bytes;
	uint32_t reserved0;
	uint8_t uuid[16];
	char name[80];
	uint8_t origin[16]; /* UUID: of a snapshot's volume, of a clone's snapshot; else nil */
	uint64_t reservation_bytes;
	uint64_t limit_bytes;		    /* these three: 0 is none */
	uint64_t threshold_used_bytes;	    /* tell of it when so much is used */
	uint64_t threshold_available_bytes; /* ... when no more is to be had */
	uint8_t reserved[80];
};
_Static_assert(sizeof(struct format_volume) == FORMAT_RECORD_BYTES, "a record is 256 bytes");

struct format_layer {
	uint16_t kind;
	uint16_t flags;
	uint32_t parent; /* id of the layer below; 0: none */
	uint64_t leaf_count;
	uint64_t root; /* place of the topmost index page; 0: no leaf */
	uint64_t mapped_extents;
	uint64_t shadowed_extents; /* of the parent: what merging it into this layer frees */
	uint8_t reserved[216];
};
_Static_assert(sizeof(struct format_layer) == FORMAT_RECORD_BYTES, "a record is 256 bytes");

union format_record {
	uint16_t kind;
	struct format_volume volume;
	struct format_layer layer;
};

struct format_catalogue {
	struct format_header header;
	union format_record records[FORMAT_RECORDS];
	uint8_t reserved[192];
};
_Static_assert(sizeof(struct format_catalogue) == FORMAT_BLOCK_BYTES, "a page is a block");

/* Entries of a journal record, one behind the other; each a head and its data. */
enum format_entry_kind {
	FORMAT_ENTRY_RECORD = 1, /* catalogue record `id` is now the 256 bytes that follow */
	FORMAT_ENTRY_DROP = 2,	 /* leaf `at` of layer `id` has no words any more */
	FORMAT_ENTRY_WORDS = 3,	 /* words of `count` extents of layer `id`, from `at` on */
};

struct format_entry {
	uint16_t kind;
	uint16_t count;
	uint32_t id;
	uint64_t at;
};
_Static_assert(sizeof(struct format_entry) == 16, "an entry's head is 16 bytes");

#endif
