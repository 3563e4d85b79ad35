/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "docker/request.h"

#include <errno.h>
#include <string.h>

static int text_get(const json_t *root, const char *member, const char **out_text,
		    struct error *err)
{
	const json_t *value = json_object_get(root, member);

	if (!json_is_string(value))
		return error_set(err, -EINVAL, "the request has no %s, or it is not a string",
				 member);
	if (json_string_length(value) == 0)
		return error_set(err, -EINVAL, "the request's %s is empty", member);
	*out_text = json_string_value(value);
	return 0;
}

static int options_get(const json_t *root, const json_t **out_options, struct error *err)
{
	json_t *options = json_object_get(root, "Opts");
	const char *key;
	json_t *value;

	if (!options || json_is_null(options))
		return 0;
	if (!json_is_object(options))
		return error_set(err, -EINVAL, "the request's Opts is not an object");
	json_object_foreach (options, key, value) {
		if (!json_is_string(value))
			return error_set(err, -EINVAL, "the value of option '%.40s' is no string",
					 key);
	}
	*out_options = options;
	return 0;
}

static int members_get(struct request *request, unsigned members, struct error *err)
{
	int ret = 0;

	if (members & REQUEST_NAME)
		ret = text_get(request->root, "Name", &request->name, err);
	if (ret == 0 && members & REQUEST_ID)
		ret = text_get(request->root, "ID", &request->id, err);
	if (ret == 0 && members & REQUEST_OPTS)
		ret = options_get(request->root, &request->options, err);
	if (ret == 0 && request->id && strlen(request->id) > REQUEST_ID_MAX)
		return error_set(err, -EINVAL, "the request's ID has more than %d characters",
				 REQUEST_ID_MAX);
	return ret;
}

int request_decode(struct request *request, const char *body, size_t len, unsigned members,
		   struct error *err)
{
	json_error_t cause;

	*request = (struct request){0};
	if (members == 0)
		return 0;
	if (len == 0)
		return error_set(err, -EINVAL,
				 "the request is empty; nothing was done (Docker sends this after "
				 "an earlier request got no answer)");
	request->root = json_loadb(body, len, JSON_REJECT_DUPLICATES, &cause);
	if (!request->root)
		return error_set(err, -EINVAL, "the request is not JSON: %s", cause.text);
	if (!json_is_object(request->root))
		return error_set(err, -EINVAL, "the request is not a JSON object");
	return members_get(request, members, err);
}

void request_fini(struct request *request)
{
	json_decref(request->root);
	*request = (struct request){0};
}
