/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/docker/fake_agent.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/compiler.h"
#include "rpc/agent.pb-c.h"
#include "rpc/server.h"

#define CALLS_SIZE    1024
#define WAIT_SECONDS  10
#define STOP_GRACE_MS 1000

struct fake_agent {
	struct rpc_server *server;
	pthread_mutex_t lock; /* over all that follows */
	pthread_cond_t changed;
	char calls[CALLS_SIZE];
	char shown[CALLS_SIZE];
	char instance[128];
	bool is_released;
};

static void note(struct fake_agent *agent, const char *format, ...) PRINTF_LIKE(2, 3);

static void note(struct fake_agent *agent, const char *format, ...)
{
	size_t len;
	va_list args;

	pthread_mutex_lock(&agent->lock);
	len = strlen(agent->calls);
	if (len > 0)
		agent->calls[len++] = ' ';
	va_start(args, format);
	(void)vsnprintf(agent->calls + len, sizeof(agent->calls) - len, format, args);
	va_end(args);
	pthread_cond_broadcast(&agent->changed);
	pthread_mutex_unlock(&agent->lock);
}

static char *text(const char *constant)
{
	char *copy = strdup(constant);

	assert(copy);
	return copy;
}

static int answer(const char *name, ProtobufCMessage *reply, struct error *err)
{
	Berth__V1__HostVolume *volume = (Berth__V1__HostVolume *)reply;
	char path[128] = "";

	if (strcmp(name, "unknown") == 0)
		return error_set(err, -ENOENT, "there is no volume '%s'", name);
	if (strcmp(name, "unreachable") == 0)
		return error_set(err, -ECONNREFUSED, "node n cannot be asked");
	if (strcmp(name, "nowhere") != 0)
		(void)snprintf(path, sizeof(path), "/mounts/%s", name);
	volume->name = text(name);
	volume->mountpoint = text(path);
	return 0;
}

static void instance_set(struct fake_agent *agent, const char *instance)
{
	pthread_mutex_lock(&agent->lock);
	(void)snprintf(agent->instance, sizeof(agent->instance), "%s", instance);
	pthread_mutex_unlock(&agent->lock);
}

static int on_get(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
		  ProtobufCMessage *reply, struct error *err)
{
	const Berth__V1__HostVolumeName *name = (const Berth__V1__HostVolumeName *)request;

	note(owner, "Get(%s)", name->name);
	return answer(name->name, reply, err);
}

static int on_note_instance(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
			    ProtobufCMessage *reply, struct error *err)
{
	const Berth__V1__InstanceNote *wanted = (const Berth__V1__InstanceNote *)request;

	instance_set(owner, wanted->instance);
	note(owner, "NoteInstance()");
	return 0;
}

static int on_list(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
		   ProtobufCMessage *reply, struct error *err)
{
	note(owner, "List()");
	return 0;
}

static int on_provision(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
			ProtobufCMessage *reply, struct error *err)
{
	const Berth__V1__ProvisionRequest *wanted = (const Berth__V1__ProvisionRequest *)request;

	note(owner, "Provision(%s,%llu,%s,%s)", wanted->name, (unsigned long long)wanted->size,
	     wanted->filesystem, wanted->pool);
	if (strcmp(wanted->name, "full") == 0)
		return error_set(err, -ENOSPC, "pool 'fast' has 1 GiB free, volume 'full' needs 2");
	return answer("made", reply, err);
}

static int on_remove(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
		     ProtobufCMessage *reply, struct error *err)
{
	const Berth__V1__HostVolumeName *name = (const Berth__V1__HostVolumeName *)request;

	note(owner, "Remove(%s)", name->name);
	if (strcmp(name->name, "unknown") == 0)
		return error_set(err, -ENOENT, "there is no volume '%s'", name->name);
	return 0;
}

static int on_attach(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
		     ProtobufCMessage *reply, struct error *err)
{
	const Berth__V1__AttachRequest *wanted = (const Berth__V1__AttachRequest *)request;
	struct fake_agent *agent = owner;

	instance_set(agent, wanted->instance);
	note(agent, "Attach(%s,%s)", wanted->name, wanted->holder);
	pthread_mutex_lock(&agent->lock);
	while (strcmp(wanted->name, "slow") == 0 && !agent->is_released)
		pthread_cond_wait(&agent->changed, &agent->lock);
	pthread_mutex_unlock(&agent->lock);
	if (strcmp(wanted->name, "late") == 0)
		return error_set(err, -ETIMEDOUT, "no time was left");
	return answer(wanted->name, reply, err);
}

static int on_detach(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
		     ProtobufCMessage *reply, struct error *err)
{
	const Berth__V1__DetachRequest *wanted = (const Berth__V1__DetachRequest *)request;

	instance_set(owner, wanted->instance);
	note(owner, "Detach(%s,%s)", wanted->name, wanted->holder);
	return answer(wanted->name, reply, err);
}

#define METHOD(verb, request_type, reply_type, handler)                                            \
	{                                                                                          \
		"/berth.v1.Agent/" verb, &berth__v1__##request_type##__descriptor,                 \
			&berth__v1__##reply_type##__descriptor, false, handler                     \
	}

static const struct rpc_method methods[] = {
	METHOD("Get", host_volume_name, host_volume, on_get),
	METHOD("NoteInstance", instance_note, gone, on_note_instance),
	METHOD("List", list_request, list_reply, on_list),
	METHOD("Provision", provision_request, host_volume, on_provision),
	METHOD("Remove", host_volume_name, gone, on_remove),
	METHOD("Attach", attach_request, host_volume, on_attach),
	METHOD("Detach", detach_request, host_volume, on_detach),
};

struct fake_agent *fake_agent_start(const char *address)
{
	struct fake_agent *agent = calloc(1, sizeof(*agent));
	const struct rpc_server_settings settings = {
		.methods = methods,
		.method_count = ARRAY_SIZE(methods),
		.owner = agent,
	};
	struct error err = {0};

	assert(agent);
	pthread_mutex_init(&agent->lock, NULL);
	pthread_cond_init(&agent->changed, NULL);
	if (rpc_server_new(&settings, &agent->server, &err) < 0 ||
	    rpc_server_listen(agent->server, address, NULL, &err) < 0 ||
	    rpc_server_start(agent->server, &err) < 0) {
		fprintf(stderr, "the fake agent cannot start: %s\n", err.text);
		abort();
	}
	return agent;
}

void fake_agent_stop(struct fake_agent *agent)
{
	if (!agent)
		return;
	fake_agent_release(agent);
	rpc_server_stop(agent->server, STOP_GRACE_MS);
	pthread_cond_destroy(&agent->changed);
	pthread_mutex_destroy(&agent->lock);
	free(agent);
}

const char *fake_agent_calls(struct fake_agent *agent)
{
	pthread_mutex_lock(&agent->lock);
	memcpy(agent->shown, agent->calls, sizeof(agent->shown));
	pthread_mutex_unlock(&agent->lock);
	return agent->shown;
}

void fake_agent_forget(struct fake_agent *agent)
{
	pthread_mutex_lock(&agent->lock);
	agent->calls[0] = '\0';
	pthread_mutex_unlock(&agent->lock);
}

bool fake_agent_wait(struct fake_agent *agent, const char *calls)
{
	struct timespec deadline;
	int ret = 0;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += WAIT_SECONDS;
	pthread_mutex_lock(&agent->lock);
	while (strcmp(agent->calls, calls) != 0 && ret == 0)
		ret = pthread_cond_timedwait(&agent->changed, &agent->lock, &deadline);
	pthread_mutex_unlock(&agent->lock);
	return ret == 0;
}

void fake_agent_release(struct fake_agent *agent)
{
	pthread_mutex_lock(&agent->lock);
	agent->is_released = true;
	pthread_cond_broadcast(&agent->changed);
	pthread_mutex_unlock(&agent->lock);
}

const char *fake_agent_instance(struct fake_agent *agent)
{
	pthread_mutex_lock(&agent->lock);
	memcpy(agent->shown, agent->instance, sizeof(agent->instance));
	pthread_mutex_unlock(&agent->lock);
	return agent->shown;
}
