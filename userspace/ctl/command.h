/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of `berth`: noun, verb, operands, options. A command is one row of the table
 * of its group (pool.c, volume.c, ...): what it takes, what it may be given, who does it, and
 * its help. parse.c checks everything that can be checked without asking anybody, so that a
 * command's function only ever sees names, sizes and options that fit.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* What a program gets to know when we are done. */
enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_WRONG_USAGE = 2,
};

/* Options, as bits. Every command takes those in OPTIONS_ALWAYS. */
enum option_bit {
	OPTION_HELP = 1 << 0,
	OPTION_VERSION = 1 << 1,
	OPTION_NODE = 1 << 2,
	OPTION_JSON = 1 << 3,
	OPTION_YES = 1 << 4,
	OPTION_POOL = 1 << 5,
	OPTION_SIZE = 1 << 6,
	OPTION_INITIATOR = 1 << 7,
	OPTION_NO_CHAP = 1 << 8,
	OPTION_SHARED = 1 << 9,
	OPTION_AGENT = 1 << 10,
	OPTION_SNAPSHOT = 1 << 11,
	OPTION_RESERVE = 1 << 12,
	OPTION_LIMIT = 1 << 13,
	OPTION_WARN_USED = 1 << 14,
	OPTION_WARN_AVAILABLE = 1 << 15,
	OPTION_WARN_PERCENT = 1 << 16,
	OPTION_OVERCOMMIT = 1 << 17,
};

#define OPTIONS_ALWAYS (OPTION_HELP | OPTION_NODE | OPTION_JSON)

struct command;

/* What the command line says. Strings are the caller's argv, or the environment's. */
struct call {
	const struct command *command;
	unsigned given;	   /* option_bit of all options that were there */
	const char *node;  /* address of the node, never NULL */
	const char *agent; /* address of an agent; NULL: not asked for */
	char *name;	   /* operand NAME: of what the noun says */
	char *volume;	   /* operand VOLUME; NULL if it may be left out and was */
	char *snapshot;	   /* operand SNAPSHOT, or --snapshot */
	char *new_name;	   /* operand NEW-NAME */
	char **names;	   /* operand NAME...: argv's rest */
	size_t name_count;
	char *path;	     /* operand PATH */
	char *pool;	     /* --pool */
	char *initiator;     /* --initiator */
	uint64_t size_bytes; /* operand SIZE or --size; 0 if neither was given */
	/* Of options of the same name; 0 for "none". */
	uint64_t reservation_bytes, limit_bytes, warn_used_bytes, warn_available_bytes;
	uint32_t warn_percent, overcommit_percent;
	bool is_json;
	FILE *out;
};

struct command {
	const char *noun;
	const char *verb;
	/* Words of the operands in struct call; in brackets those that may be left out, and with
	 * "..." the last, where there may be several. */
	const char *operands;
	unsigned options;  /* that it takes beside OPTIONS_ALWAYS */
	unsigned required; /* those of them that must be there */
	/* What the other members cannot say of a command line; -EINVAL. NULL: nothing. */
	int (*check)(const struct call *call, struct error *err);
	/* 0, or a negative errno and a sentence. */
	int (*run)(const struct call *call, struct error *err);
	const char *summary; /* one line, for the list of commands */
	const char *help;    /* lines for its own help, with an example */
};

struct group {
	const char *noun;
	const char *summary;
	const struct command *commands;
	size_t command_count;
};

/* One in each group's file; `groups` (groups.c) has them all, NULL at the end. */
extern const struct group attachment_group;
extern const struct group event_group;
extern const struct group node_group;
extern const struct group pool_group;
extern const struct group snapshot_group;
extern const struct group volume_group;
extern const struct group *const groups[];

const struct group *group_find(const char *noun); /* NULL: there is none */
const struct command *command_find(const struct group *group, const char *verb);

/*
 * Read a whole command line into *call. -EINVAL with a sentence for wrong usage; `call` then
 * still tells which command it was, if it got that far. With OPTION_HELP or OPTION_VERSION
 * given nothing else is checked. *out_group is the group that the noun names, or NULL.
 */
int call_parse(struct call *call, int argc, char **argv, const struct group **out_group,
	       struct error *err);

/* Help for everything (NULL, NULL), for a group, or for one command. */
void help_print(FILE *out, const struct group *group, const struct command *command);

#endif
