/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "docker/agent.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/cleanup.h"

#define CONNECT_AGAIN_MS 50

static const char unix_prefix[] = "unix:";

/* Which message answers which method. */
static const struct {
	const char *method;
	const ProtobufCMessageDescriptor *answer;
} methods[] = {
	{"NoteInstance", &berth__v1__gone__descriptor},
	{"Provision", &berth__v1__host_volume__descriptor},
	{"Remove", &berth__v1__gone__descriptor},
	{"Get", &berth__v1__host_volume__descriptor},
	{"List", &berth__v1__list_reply__descriptor},
	{"Attach", &berth__v1__host_volume__descriptor},
	{"Detach", &berth__v1__host_volume__descriptor},
};

static const char *socket_path(const struct agent *agent)
{
	return agent->address + strlen(unix_prefix);
}

int agent_init(struct agent *agent, const char *address, struct error *err)
{
	struct sockaddr_un name;
	size_t prefix = strlen(unix_prefix);

	if (strncmp(address, unix_prefix, prefix) != 0 || address[prefix] != '/' ||
	    strlen(address + prefix) >= sizeof(name.sun_path))
		return error_set(err, -EINVAL,
				 "'%.80s' is not the address of an agent; write unix:/PATH, at "
				 "most %zu characters long",
				 address, sizeof(name.sun_path) - 1);
	agent->address = address;
	return 0;
}

/* 0 if somebody accepts connections there. */
static int listener_probe(const struct agent *agent)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", socket_path(agent));
	return connect(fd, (const struct sockaddr *)&name, sizeof(name)) < 0 ? -errno : 0;
}

static int listener_wait(const struct agent *agent, unsigned timeout_ms, struct error *err)
{
	struct timespec pause = {.tv_nsec = CONNECT_AGAIN_MS * 1000000L};
	unsigned waited_ms = 0;
	int ret;

	while ((ret = listener_probe(agent)) < 0 && waited_ms < timeout_ms) {
		(void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
		waited_ms += CONNECT_AGAIN_MS;
	}
	if (ret < 0)
		return error_set(
			err, -ENOTCONN,
			"the host agent does not answer at %s: %s; is berth-agent running?",
			agent->address, strerror(-ret));
	return 0;
}

static const ProtobufCMessageDescriptor *answer_type(const char *method)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (strcmp(methods[i].method, method) == 0)
			return methods[i].answer;
	}
	return NULL;
}

int agent_call(const struct agent *agent, const struct agent_patience *patience, const char *method,
	       const ProtobufCMessage *message, ProtobufCMessage **out_answer, struct error *err)
{
	char path[64];
	const struct rpc_request request = {path, message, answer_type(method),
					    patience->answer_ms};
	struct rpc_client *client;
	int ret;

	assert(request.reply_type);
	(void)snprintf(path, sizeof(path), "/berth.v1.Agent/%s", method);
	ret = listener_wait(agent, patience->connect_ms, err);
	if (ret < 0)
		return ret;
	ret = rpc_client_new(agent->address, &client, err);
	if (ret < 0)
		return ret;
	ret = rpc_client_unary(client, &request, out_answer, err);
	rpc_client_free(client);
	return ret;
}

void agent_answer_free(ProtobufCMessage *answer)
{
	if (answer)
		protobuf_c_message_free_unpacked(answer, NULL);
}
