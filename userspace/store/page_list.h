/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metadata blocks on their way to the disk: a growing array of addresses and copies. */
#ifndef STORE_PAGE_LIST_H
#define STORE_PAGE_LIST_H

#include <stdint.h>

struct page {
	uint64_t block; /* address on the disk, in blocks of 4 KiB */
	void *data;	/* 4 KiB, aligned; owned by the list */
};

struct page_list {
	struct page *pages;
	uint32_t count;
	uint32_t capacity;
};

/* A new block at the end, with the 4 KiB of `from` copied, or zeroed if NULL. NULL: no memory. */
void *page_list_add(struct page_list *list, uint64_t block, const void *from);

/* In the order of addresses, so that neighbours are written together. */
void page_list_sort(struct page_list *list);

/* Frees everything; accepts zeroed memory. */
void page_list_fini(struct page_list *list);

#endif
