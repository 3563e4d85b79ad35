/* SPDX-License-Identifier: GPL-2.0-or-later */
/* berth node: the storage node itself. */
#include "ctl/connection.h"
#include "ctl/view.h"

static const struct field node_fields[] = {
	{"name", "NAME", FIELD_TEXT, IN_BOTH},
	{"version", "VERSION", FIELD_TEXT, IN_BOTH},
	{"portals", "PORTALS", FIELD_LIST, IN_BOTH},
	{"uptime", "UPTIME", FIELD_TEXT, IN_BOTH},
};
static const struct view node_view = {node_fields, ARRAY_SIZE(node_fields)};

static json_t *node_json(const Berth__V1__NodeInfo *node)
{
	unsigned long minutes = (unsigned long)(node->uptime_seconds / 60);
	char uptime[32];

	(void)snprintf(uptime, sizeof(uptime), "%lud %luh %lum", minutes / 60 / 24,
		       minutes / 60 % 24, minutes % 60);
	return json_pack("{s:o, s:o, s:o, s:s, s:I}", "name", view_text(node->name), "version",
			 view_text(node->version), "portals",
			 view_texts(node->portals, node->n_portals), "uptime", uptime,
			 "uptime_seconds", (json_int_t)node->uptime_seconds);
}

static int node_show(const struct call *call, struct error *err)
{
	Berth__V1__GetNodeRequest request = BERTH__V1__GET_NODE_REQUEST__INIT;
	ProtobufCMessage *answer;
	json_t *row;
	int ret = node_call(call, "GetNode", &request.base, &berth__v1__node_info__descriptor,
			    &answer, err);

	if (ret < 0)
		return ret;
	row = node_json((const Berth__V1__NodeInfo *)answer);
	view_print_record(&node_view, row, call->is_json, call->out);
	json_decref(row);
	answer_free(answer);
	return 0;
}

static const struct command node_commands[] = {
	{
		.noun = "node",
		.verb = "show",
		.operands = "",
		.run = node_show,
		.summary = "show the node: name, version, portals, uptime",
		.help = "Shows the storage node that answers.\n"
			"\n"
			"Example:\n"
			"  berth node show --node 192.0.2.1:7400",
	},
};

const struct group node_group = {
	.noun = "node",
	.summary = "The storage node.",
	.commands = node_commands,
	.command_count = ARRAY_SIZE(node_commands),
};
