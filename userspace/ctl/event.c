/* SPDX-License-Identifier: GPL-2.0-or-later */
/* berth event: what happens on the node, as it happens. */
#include <inttypes.h>
#include <time.h>

#include "ctl/connection.h"
#include "ctl/view.h"

static void event_print_json(const struct call *call, const Berth__V1__Event *event)
{
	json_t *row = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o}", "at_ms", (json_int_t)event->at,
				"kind", view_text(event->kind), "pool", view_text(event->pool),
				"volume", view_text(event->volume), "initiator",
				view_text(event->initiator), "text", view_text(event->text));

	view_print_line(row, call->out);
	json_decref(row);
}

static void event_print_text(const struct call *call, const Berth__V1__Event *event)
{
	time_t at = (time_t)(event->at / 1000);
	char when[16] = "-";
	struct tm tm;

	if (localtime_r(&at, &tm))
		(void)strftime(when, sizeof(when), "%H:%M:%S", &tm); /* always fits */
	fprintf(call->out, "%s  %-18s  ", when, event->kind);
	view_print_safe(*event->volume ? event->volume : event->pool, call->out);
	fputs("  ", call->out);
	view_print_safe(event->text, call->out);
	fputc('\n', call->out);
	(void)fflush(call->out);
}

static bool on_event(void *owner, const ProtobufCMessage *message)
{
	const struct call *call = owner;
	const Berth__V1__Event *event = (const Berth__V1__Event *)message;

	if (call->is_json)
		event_print_json(call, event);
	else
		event_print_text(call, event);
	return !ferror(call->out);
}

static int event_watch(const struct call *call, struct error *err)
{
	Berth__V1__WatchEventsRequest request = BERTH__V1__WATCH_EVENTS_REQUEST__INIT;

	return node_follow(call, "WatchEvents", &request.base, &berth__v1__event__descriptor,
			   on_event, err);
}

static const struct command event_commands[] = {
	{
		.noun = "event",
		.verb = "watch",
		.operands = "",
		.run = event_watch,
		.summary = "print what happens on the node, until Ctrl-C",
		.help = "Prints a line for each event from now on: pools and volumes made, grown "
			"and\n"
			"deleted, sessions opened and closed. With --json one object a line.\n"
			"\n"
			"Example:\n"
			"  berth event watch --json",
	},
};

const struct group event_group = {
	.noun = "event",
	.summary = "Events: what happens on the node.",
	.commands = event_commands,
	.command_count = ARRAY_SIZE(event_commands),
};
