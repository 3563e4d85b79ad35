/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Publications on the control API. */
#include <errno.h>
#include <string.h>

#include "node/api.h"
#include "rpc/message.h"

static int secrets_fill(const struct target_access *access, Berth__V1__Publication *message)
{
	int ret = rpc_set_string(&message->chap_secret, access->chap_secret);

	if (ret == 0)
		ret = rpc_set_string(&message->chap_target_secret, access->chap_target_secret);
	return ret;
}

int api_fill_publication(struct node *node, const struct publication *publication, bool has_secrets,
			 Berth__V1__Publication *out_message)
{
	const struct target_access *access = &publication->access;
	char target_name[ISCSI_NAME_SIZE];
	char uuid[UUID_TEXT_SIZE];

	node_target_name(node, publication->volume, target_name);
	out_message->shared = publication->is_shared;
	out_message->published_at = publication->published_at_s;
	out_message->sessions = target_session_count(node->target, target_name, access->initiator);
	for (unsigned i = 0; i < node->portal_count; i++) {
		if (rpc_add_string(&out_message->n_portals, &out_message->portals,
				   node->portals[i]) < 0)
			return -ENOMEM;
	}
	if (rpc_set_string(&out_message->volume, publication->volume) < 0 ||
	    rpc_set_string(&out_message->initiator, access->initiator) < 0 ||
	    rpc_set_string(&out_message->target_name, target_name) < 0 ||
	    rpc_set_string(&out_message->chap_user, access->chap_user) < 0 ||
	    rpc_set_string(&out_message->chap_target_user, access->chap_target_user) < 0 ||
	    rpc_set_string(&out_message->volume_uuid,
			   uuid_format(&publication->volume_uuid, uuid)) < 0)
		return -ENOMEM;
	return has_secrets ? secrets_fill(access, out_message) : 0;
}

int api_publish(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		struct error *err)
{
	const Berth__V1__PublishRequest *wanted = (const Berth__V1__PublishRequest *)request;
	const struct publication_request publish = {
		.volume = wanted->volume,
		.initiator = wanted->initiator,
		.has_no_chap = wanted->no_chap,
		.is_shared = wanted->shared,
	};
	const struct publication *publication;
	int ret = node_publish(node, &publish, &publication, err);

	if (ret == 0)
		ret = api_fill_publication(node, publication, true,
					   (Berth__V1__Publication *)reply);
	return ret;
}

int api_unpublish(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		  struct error *err)
{
	const Berth__V1__UnpublishRequest *wanted = (const Berth__V1__UnpublishRequest *)request;
	const struct volume_choice choice = {wanted->volume, wanted->volume_uuid};

	return node_unpublish(node, &choice, wanted->initiator, err);
}

int api_list_publications(struct node *node, const ProtobufCMessage *request,
			  ProtobufCMessage *reply, struct error *err)
{
	const Berth__V1__ListPublicationsRequest *wanted =
		(const Berth__V1__ListPublicationsRequest *)request;
	Berth__V1__ListPublicationsReply *list = (Berth__V1__ListPublicationsReply *)reply;
	int ret = 0;

	list_for_each (&node->publications, publication, struct publication, link) {
		Berth__V1__Publication *message;

		if (*wanted->volume && strcmp(wanted->volume, publication->volume) != 0)
			continue;
		message = rpc_add_message(&list->n_publications, &list->publications,
					  &berth__v1__publication__descriptor);
		ret = message ? api_fill_publication(node, publication, false, message) : -ENOMEM;
		if (ret < 0)
			break;
	}
	return ret;
}
