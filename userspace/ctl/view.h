/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output. A command makes a JSON object of what it shows; a view says which of its members
 * people see, under which title and in which form. So --json and the table always have the
 * same fields: the table is made from the JSON.
 */
#ifndef CTL_VIEW_H
#define CTL_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* How a member is shown to people; in JSON it is what the object has. */
enum field_kind {
	FIELD_TEXT,	     /* string; empty: "-" */
	FIELD_LIST,	     /* array of strings: "a, b" */
	FIELD_LENGTH,	     /* of an array, to the right */
	FIELD_COUNT,	     /* integer, to the right */
	FIELD_BYTES,	     /* integer: "1.5 GiB", to the right */
	FIELD_ABOUT,	     /* the same, "~1.5 GiB" if the object's member "exact" is false */
	FIELD_BOUND,	     /* the same, "none" for 0 */
	FIELD_PERCENT,	     /* integer: "12%", to the right */
	FIELD_PERCENT_BOUND, /* the same, "none" for 0 */
	FIELD_RATIO,	     /* real: "2.50", to the right */
	FIELD_BOOL,	     /* "yes", "no" */
	FIELD_TIME,	     /* Unix seconds: local date and time; 0: "-" */
};

enum field_place {
	IN_BOTH,
	IN_RECORD, /* too much for a table */
	IN_TABLE,  /* stands for more in a record */
};

struct field {
	const char *key; /* member of the JSON object */
	const char *title;
	enum field_kind kind;
	enum field_place place;
};

struct view {
	const struct field *fields;
	size_t count;
};

/*
 * A table with a line of titles, or with `is_json` the array. No line ends in blanks. `rows` is
 * an array of objects with all members that the view names (and "exact", for FIELD_ABOUT).
 */
void view_print_rows(const struct view *view, const json_t *rows, bool is_json, FILE *out);

/* One object: a line for each field, "title  value", or the JSON object. */
void view_print_record(const struct view *view, const json_t *row, bool is_json, FILE *out);

/* The object on one line, for streams. */
void view_print_line(const json_t *row, FILE *out);

/*
 * A JSON string of text that came from a peer: NULL becomes "", and what is not UTF-8 gets '?'
 * for its strange bytes. For json_pack's "o".
 */
json_t *view_text(const char *text);
json_t *view_texts(char *const *texts, size_t count);

/* Text from a peer, with '?' for control characters. */
void view_print_safe(const char *text, FILE *out);

/* `part` of `whole` in percent, rounded down; 0 of nothing. */
unsigned view_percent(uint64_t part, uint64_t whole);

#endif
