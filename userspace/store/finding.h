/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be wrong with a pool on its disk: one kind each, with what it means to the owner of
 * the data and what to do about it. Found by store/check_image.c, told by berth-node check.
 */
#ifndef STORE_FINDING_H
#define STORE_FINDING_H

#include <stdint.h>

enum finding_kind {
	FINDING_SUPER,		  /* a superblock is damaged */
	FINDING_CATALOGUE,	  /* a page of the catalogue, or of the index above it */
	FINDING_BITMAP,		  /* a page of the bitmaps, or of the index above them */
	FINDING_INDEX,		  /* an index page of a layer */
	FINDING_LEAF,		  /* a leaf of a layer */
	FINDING_WORD,		  /* a leaf with a word that cannot be */
	FINDING_JOURNAL,	  /* a journal record that is damaged or impossible */
	FINDING_RECORD,		  /* a catalogue record that cannot be */
	FINDING_HEAD,		  /* a volume or snapshot without a proper layer */
	FINDING_PARENT,		  /* a layer over one that is not there, or over itself */
	FINDING_NAME,		  /* a name or UUID that two have */
	FINDING_COUNT_MAPPED,	  /* a layer that says another number of extents than it has */
	FINDING_COUNT_SHADOWED,	  /* ... of its parent's that it shadows */
	FINDING_EXTENT_DOUBLED,	  /* an extent that two have */
	FINDING_EXTENT_LEAKED,	  /* an extent in the bitmaps that nobody has */
	FINDING_EXTENT_UNCLAIMED, /* an extent that a word has and the bitmaps have not */
	FINDING_SLOT_DOUBLED,	  /* the same for slots of metadata pages */
	FINDING_SLOT_LEAKED,
	FINDING_SLOT_UNCLAIMED,
	FINDING_KINDS,
};

#define FINDING_NO_BYTE UINT64_MAX

struct finding {
	enum finding_kind kind;
	uint64_t byte; /* of the disk; FINDING_NO_BYTE: it has no place */
	char text[256];
};

struct finding_text {
	const char *name;    /* "damaged leaf": for tables and programs, never changed */
	const char *meaning; /* a sentence */
	const char *advice;  /* a sentence */
};

/* Of every kind there is one. */
const struct finding_text *finding_text(enum finding_kind kind);

#endif
