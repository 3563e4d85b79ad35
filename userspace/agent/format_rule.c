/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/format_rule.h"

#include <string.h>

static enum format_verdict refuse(const char *reason, const char **out_reason)
{
	*out_reason = reason;
	return FORMAT_REFUSE;
}

static enum format_verdict decide_formatted(const struct format_facts *facts,
					    const char **out_reason)
{
	if (*facts->found_type == '\0')
		return refuse("was formatted once, but no file system is found on it; look at it "
			      "by hand, it is never formatted again",
			      out_reason);
	if (*facts->wanted_type != '\0' && strcmp(facts->found_type, facts->wanted_type) != 0)
		return refuse("holds another kind of file system than its record says", out_reason);
	return FORMAT_USE;
}

static bool is_ours(const struct format_facts *facts)
{
	return *facts->chosen_uuid != '\0' && strcmp(facts->found_uuid, facts->chosen_uuid) == 0 &&
	       strcmp(facts->found_type, facts->wanted_type) == 0;
}

enum format_verdict format_decide(const struct format_facts *facts, const char **out_reason)
{
	if (!facts->is_identity_sure)
		return refuse("is not surely the one behind this device", out_reason);
	if (!facts->is_read_whole)
		return refuse("could not be read, so what is on it is not known", out_reason);
	if (facts->is_formatted_on_node)
		return decide_formatted(facts, out_reason);
	if (facts->is_shared)
		return refuse("is published to several initiators; format it where it is "
			      "published alone",
			      out_reason);
	if (facts->format == RECORD_FORMAT_MADE && is_ours(facts))
		return FORMAT_ADOPT;
	if (facts->format == RECORD_FORMAT_STARTED && facts->is_same_publication)
		return FORMAT_MAKE;
	if (*facts->found_type != '\0')
		return refuse("was never formatted by berth and yet holds data; it is left as "
			      "it is",
			      out_reason);
	if (!facts->is_blank)
		return refuse("was never formatted by berth and yet is not blank; it is left "
			      "as it is",
			      out_reason);
	return FORMAT_MAKE;
}
