/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A doubly linked list whose links live in the members. A node is in one list or in none;
 * list_remove leaves it in none, so removing twice is harmless.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "base/compiler.h"

struct list_node {
	struct list_node *prev;
	struct list_node *next;
};

struct list {
	struct list_node head;
};

#define LIST_INIT(name)                                                                            \
	{                                                                                          \
		{                                                                                  \
			&(name).head, &(name).head                                                 \
		}                                                                                  \
	}

static inline void list_node_init(struct list_node *node)
{
	node->prev = node->next = node;
}

static inline void list_init(struct list *list)
{
	list_node_init(&list->head);
}

static inline bool list_is_empty(const struct list *list)
{
	return list->head.next == &list->head;
}

/* True if the node (initialised before) is in some list. */
static inline bool list_has_node(const struct list_node *node)
{
	return node->next != node;
}

static inline void list_insert_after(struct list_node *where, struct list_node *node)
{
	node->prev = where;
	node->next = where->next;
	where->next->prev = node;
	where->next = node;
}

static inline void list_append(struct list *list, struct list_node *node)
{
	list_insert_after(list->head.prev, node);
}

static inline void list_prepend(struct list *list, struct list_node *node)
{
	list_insert_after(&list->head, node);
}

static inline void list_remove(struct list_node *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_node_init(node);
}

/* The first node, taken out of the list; NULL if the list is empty. */
static inline struct list_node *list_take_first(struct list *list)
{
	struct list_node *first = list->head.next;

	if (first == &list->head)
		return NULL;
	list_remove(first);
	return first;
}

/* Move all nodes of `from` to the end of `to`. */
static inline void list_append_all(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->head.next->prev = to->head.prev;
	to->head.prev->next = from->head.next;
	from->head.prev->next = &to->head;
	to->head.prev = from->head.prev;
	list_init(from);
}

#define list_entry(node, type, member) container_of(node, type, member)

#define list_for_each(list, entry, type, member)                                                   \
	for (type *entry = list_entry((list)->head.next, type, member);                            \
	     &entry->member != &(list)->head;                                                      \
	     entry = list_entry(entry->member.next, type, member))

/* The body may remove `entry`, and nothing else. */
#define list_for_each_safe(list, entry, type, member)                                              \
	for (type *entry = list_entry((list)->head.next, type, member),                            \
		  *entry##_next = list_entry(entry->member.next, type, member);                    \
	     &entry->member != &(list)->head; entry = entry##_next,                                \
		  entry##_next = list_entry(entry##_next->member.next, type, member))

#endif
