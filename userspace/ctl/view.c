/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables and records from JSON objects. All cells are made first, so that a column is as wide as
 * its widest cell. Control characters never reach the terminal: what a peer sends is data.
 */
#include "ctl/view.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/compiler.h"
#include "base/size.h"

#define COLUMN_GAP 2

json_t *view_text(const char *text)
{
	json_t *string;
	char *copy;

	if (!text)
		text = "";
	string = json_string(text);
	if (string)
		return string;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (char *at = copy; *at; at++) {
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	}
	string = json_string(copy);
	free(copy);
	return string;
}

json_t *view_texts(char *const *texts, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(list, view_text(texts[i])); /* NULL is refused */
	return list;
}

unsigned view_percent(uint64_t part, uint64_t whole)
{
	return whole ? (unsigned)((unsigned __int128)part * 100 / whole) : 0;
}

static bool is_number(enum field_kind kind)
{
	return kind != FIELD_TEXT && kind != FIELD_LIST && kind != FIELD_BOOL && kind != FIELD_TIME;
}

static void time_print(FILE *out, json_int_t seconds)
{
	time_t at = (time_t)seconds;
	char text[32];
	struct tm tm;

	if (seconds == 0 || !localtime_r(&at, &tm) ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		fputc('-', out);
	else
		fputs(text, out);
}

static void list_print(FILE *out, const json_t *list)
{
	size_t index;
	json_t *item;

	if (json_array_size(list) == 0)
		fputc('-', out);
	json_array_foreach (list, index, item)
		fprintf(out, "%s%s", index > 0 ? ", " : "", json_string_value(item));
}

static void value_print(FILE *out, enum field_kind kind, const json_t *value)
{
	bool is_bound = kind == FIELD_BOUND || kind == FIELD_PERCENT_BOUND;
	char size[SIZE_TEXT_MAX];

	if (is_bound && json_integer_value(value) == 0) {
		fputs("none", out);
		return;
	}
	switch (kind) {
	case FIELD_TEXT:
		fputs(json_string_length(value) > 0 ? json_string_value(value) : "-", out);
		break;
	case FIELD_LIST:
		list_print(out, value);
		break;
	case FIELD_LENGTH:
		fprintf(out, "%zu", json_array_size(value));
		break;
	case FIELD_COUNT:
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case FIELD_BYTES:
	case FIELD_ABOUT:
	case FIELD_BOUND:
		fputs(size_format((uint64_t)json_integer_value(value), size), out);
		break;
	case FIELD_PERCENT:
	case FIELD_PERCENT_BOUND:
		fprintf(out, "%" JSON_INTEGER_FORMAT "%%", json_integer_value(value));
		break;
	case FIELD_RATIO:
		fprintf(out, "%.2f", json_real_value(value));
		break;
	case FIELD_BOOL:
		fputs(json_is_true(value) ? "yes" : "no", out);
		break;
	case FIELD_TIME:
		time_print(out, json_integer_value(value));
		break;
	}
}

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

void view_print_safe(const char *text, FILE *out)
{
	for (; *text; text++)
		fputc(is_control(*text) ? '?' : *text, out);
}

/* What people see of a member, on the heap. */
static char *cell_new(const struct field *field, const json_t *row)
{
	const json_t *value = json_object_get(row, field->key);
	char *text = NULL;
	size_t len;
	FILE *out;

	assert(value); /* a view names only members that its command puts in */
	out = open_memstream(&text, &len);
	if (!out)
		abort(); /* no memory for a line of text */
	if (field->kind == FIELD_ABOUT && !json_is_true(json_object_get(row, "exact")))
		fputc('~', out);
	value_print(out, field->kind, value);
	if (fclose(out) != 0)
		abort();
	for (char *at = text; *at; at++) {
		if (is_control(*at))
			*at = '?';
	}
	return text;
}

/* Columns that the text takes: bytes that do not continue a UTF-8 character. */
static int text_width(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void padding_print(FILE *out, int width)
{
	fprintf(out, "%*s", width, "");
}

/* One line. Padding that would end it is kept back. */
static void line_print(const struct view *view, char *const *cells, const int *widths, FILE *out)
{
	int owed = 0;

	for (size_t i = 0; i < view->count; i++) {
		int padding;

		if (view->fields[i].place == IN_RECORD)
			continue;
		padding = widths[i] - text_width(cells[i]);
		if (is_number(view->fields[i].kind)) {
			padding_print(out, owed + padding);
			owed = 0;
		} else {
			padding_print(out, owed);
			owed = padding;
		}
		fputs(cells[i], out);
		owed += COLUMN_GAP;
	}
	fputc('\n', out);
}

static void json_print(const json_t *value, FILE *out)
{
	(void)json_dumpf(value, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6)); /* main checks out */
	fputc('\n', out);
}

static void table_print(const struct view *view, const json_t *rows, FILE *out)
{
	size_t lines = json_array_size(rows) + 1;
	char **cells = calloc(lines * view->count, sizeof(*cells));
	int *widths = calloc(view->count, sizeof(*widths));

	if (!cells || !widths)
		abort();
	for (size_t i = 0; i < lines * view->count; i++) {
		const struct field *field = &view->fields[i % view->count];
		size_t line = i / view->count;

		cells[i] = line == 0 ? strdup(field->title)
				     : cell_new(field, json_array_get(rows, line - 1));
		if (!cells[i])
			abort();
		widths[i % view->count] = MAX(widths[i % view->count], text_width(cells[i]));
	}
	for (size_t line = 0; line < lines; line++)
		line_print(view, &cells[line * view->count], widths, out);
	for (size_t i = 0; i < lines * view->count; i++)
		free(cells[i]);
	free(cells);
	free(widths);
}

void view_print_rows(const struct view *view, const json_t *rows, bool is_json, FILE *out)
{
	if (is_json)
		json_print(rows, out);
	else
		table_print(view, rows, out);
}

void view_print_record(const struct view *view, const json_t *row, bool is_json, FILE *out)
{
	int width = 0;

	if (is_json) {
		json_print(row, out);
		return;
	}
	for (size_t i = 0; i < view->count; i++)
		width = MAX(width, text_width(view->fields[i].title));
	for (size_t i = 0; i < view->count; i++) {
		char *cell;

		if (view->fields[i].place == IN_TABLE)
			continue;
		cell = cell_new(&view->fields[i], row);
		fprintf(out, "%-*s  %s\n", width, view->fields[i].title, cell);
		free(cell);
	}
}

void view_print_line(const json_t *row, FILE *out)
{
	(void)json_dumpf(row, out, JSON_COMPACT); /* main checks out */
	fputc('\n', out);
	(void)fflush(out);
}
