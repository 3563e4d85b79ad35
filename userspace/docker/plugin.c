/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dockerd waits 120 s for Create and Mount and 60 s for everything else, and then tells nobody.
 * So each method has less: within its patience it has answered, whatever the agent does.
 */
#include "docker/plugin.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/name.h"
#include "docker/options.h"
#include "docker/reply.h"

#define HTTP_OK		 200
#define HTTP_BAD_REQUEST 400
#define HTTP_NOT_FOUND	 404

/* Below 100 s together, though dockerd would wait 120 s. */
static const struct agent_patience patience_mount = {.connect_ms = 10000, .answer_ms = 85000};
/* On top of a mount that ended without a word, and still below 120 s together. */
static const struct agent_patience patience_undo = {.connect_ms = 5000, .answer_ms = 15000};
static const struct agent_patience patience_change = {.connect_ms = 10000, .answer_ms = 45000};
static const struct agent_patience patience_question = {.connect_ms = 1000, .answer_ms = 10000};
/* Get has no harmless failure, so an agent that is being restarted is worth a wait. */
static const struct agent_patience patience_get = {.connect_ms = 5000, .answer_ms = 10000};

void exchange_refuse(struct exchange *exchange, unsigned status, const char *sentence)
{
	assert(!exchange->answer);
	exchange->status = status;
	exchange->answer = reply_error(sentence);
}

static void answer(struct exchange *exchange, json_t *json)
{
	assert(!exchange->answer);
	exchange->status = HTTP_OK;
	exchange->answer = json;
}

/* Docker shows an error of status 200 as it is, without a prefix of its own. */
static void answer_error(struct exchange *exchange, const struct error *err)
{
	exchange_refuse(exchange, HTTP_OK, err->text);
}

/*
 * The first call of every dockerd: from now on the mounts of one before it are in doubt. The agent
 * notices by itself at the next mount, so an agent that is not there does not matter.
 */
static void activate(struct exchange *exchange)
{
	Berth__V1__InstanceNote note = BERTH__V1__INSTANCE_NOTE__INIT;
	ProtobufCMessage *gone = NULL;
	struct error err;

	note.instance = exchange->instance;
	if (agent_call(exchange->agent, &patience_question, "NoteInstance", &note.base, &gone,
		       &err) < 0)
		log_warn("activated instance=%s without the agent: %s", exchange->instance,
			 err.text);
	else
		log_info("activated instance=%s", exchange->instance);
	agent_answer_free(gone);
	answer(exchange, reply_activate());
}

static void capabilities(struct exchange *exchange)
{
	answer(exchange, reply_capabilities());
}

static int volume_get(const struct exchange *exchange, const struct agent_patience *patience,
		      ProtobufCMessage **out_volume, struct error *err)
{
	Berth__V1__HostVolumeName name = BERTH__V1__HOST_VOLUME_NAME__INIT;

	name.name = (char *)exchange->request.name; /* only read by the encoder */
	return agent_call(exchange->agent, patience, "Get", &name.base, out_volume, err);
}

/*
 * Only the agent's word that the volume does not exist becomes an error; everything else breaks
 * the connection. A name that no volume can have needs no question.
 */
static void get(struct exchange *exchange)
{
	ProtobufCMessage *volume;
	struct error err;
	int ret;

	if (name_check("volume", exchange->request.name, &err) < 0) {
		answer_error(exchange, &err);
		return;
	}
	ret = volume_get(exchange, &patience_get, &volume, &err);
	if (ret == 0) {
		answer(exchange, reply_volume((const Berth__V1__HostVolume *)volume));
		agent_answer_free(volume);
	} else if (ret == -ENOENT) {
		answer_error(exchange, &err);
	} else {
		log_warn("get volume=%s not answered: %s", exchange->request.name, err.text);
	}
}

/* An error is harmless here: dockerd warns, and shows the names that it remembers. */
static void list(struct exchange *exchange)
{
	Berth__V1__ListRequest request = BERTH__V1__LIST_REQUEST__INIT;
	ProtobufCMessage *volumes;
	struct error err;

	if (agent_call(exchange->agent, &patience_question, "List", &request.base, &volumes, &err) <
	    0) {
		answer_error(exchange, &err);
		return;
	}
	answer(exchange, reply_volumes((const Berth__V1__ListReply *)volumes));
	agent_answer_free(volumes);
}

/* Asked only after a Get that went well; an error leaves the path empty, no more. */
static void path(struct exchange *exchange)
{
	ProtobufCMessage *volume;
	struct error err;

	if (volume_get(exchange, &patience_question, &volume, &err) < 0) {
		answer_error(exchange, &err);
		return;
	}
	answer(exchange, reply_mountpoint(((const Berth__V1__HostVolume *)volume)->mountpoint));
	agent_answer_free(volume);
}

/* Protobuf has no NULL strings; "" stands for what was not said. */
static char *proto_text(const char *text)
{
	return (char *)(text ? text : ""); /* only read by the encoder */
}

static int volume_provision(const struct exchange *exchange, const struct volume_options *options,
			    struct error *err)
{
	Berth__V1__ProvisionRequest request = BERTH__V1__PROVISION_REQUEST__INIT;
	ProtobufCMessage *volume;
	int ret;

	request.name = proto_text(exchange->request.name);
	request.size = options->size_bytes;
	request.pool = proto_text(options->pool);
	request.filesystem = proto_text(options->filesystem);
	request.owner = proto_text(options->owner);
	request.mode = proto_text(options->mode);
	request.mkfs_options = proto_text(options->mkfs_options);
	ret = agent_call(exchange->agent, &patience_mount, "Provision", &request.base, &volume,
			 err);
	if (ret < 0)
		return ret;
	log_info("provisioned volume=%s", exchange->request.name);
	agent_answer_free(volume);
	return 0;
}

/*
 * Without options a volume that exists is taken as it is: dockerd does this when a container
 * names it together with the driver. The agent's defaults must not be compared with it then.
 */
static int volume_ensure(const struct exchange *exchange, const struct volume_options *options,
			 struct error *err)
{
	ProtobufCMessage *volume;
	int ret;

	if (json_object_size(exchange->request.options) == 0) {
		ret = volume_get(exchange, &patience_change, &volume, err);
		if (ret == 0)
			agent_answer_free(volume);
		if (ret != -ENOENT)
			return ret;
	}
	return volume_provision(exchange, options, err);
}

static void create(struct exchange *exchange)
{
	struct volume_options options;
	struct error err = {0};

	/* Options first: `-o help` comes with a name that Docker made up. */
	if (volume_options_parse(&options, exchange->request.options, &err) < 0 ||
	    name_check("volume", exchange->request.name, &err) < 0 ||
	    volume_ensure(exchange, &options, &err) < 0)
		answer_error(exchange, &err);
	else
		answer(exchange, reply_done());
}

/* A volume that is gone is what was wanted. */
static void remove_volume(struct exchange *exchange)
{
	Berth__V1__HostVolumeName name = BERTH__V1__HOST_VOLUME_NAME__INIT;
	ProtobufCMessage *gone = NULL;
	struct error err = {0};
	int ret;

	name.name = proto_text(exchange->request.name);
	ret = agent_call(exchange->agent, &patience_change, "Remove", &name.base, &gone, &err);
	if (ret < 0 && ret != -ENOENT) {
		answer_error(exchange, &err);
		return;
	}
	agent_answer_free(gone);
	log_info("removed volume=%s", exchange->request.name);
	answer(exchange, reply_done());
}

static int holder_detach(const struct exchange *exchange, const struct agent_patience *patience,
			 struct error *err)
{
	Berth__V1__DetachRequest request = BERTH__V1__DETACH_REQUEST__INIT;
	ProtobufCMessage *volume = NULL;
	int ret;

	request.name = proto_text(exchange->request.name);
	request.holder = proto_text(exchange->request.id);
	request.instance = proto_text(exchange->instance);
	ret = agent_call(exchange->agent, patience, "Detach", &request.base, &volume, err);
	agent_answer_free(volume);
	return ret;
}

/* The call may have been carried out, and no agent's word says that it was not. */
static bool is_outcome_unknown(int ret)
{
	return ret == -ECONNRESET || ret == -EPIPE || ret == -ETIMEDOUT || ret == -EPROTO ||
	       ret == -EMSGSIZE;
}

/* A holder that dockerd, told of an error, will never let go of. Where a running container has the
 * same ID (docker cp), the agent finds its volume in use and leaves it alone. */
static void holder_take_back(struct exchange *exchange, const struct agent_patience *patience)
{
	struct error err = {0};

	exchange->is_mounted = false;
	if (holder_detach(exchange, patience, &err) < 0)
		log_error("mount of volume=%s holder=%.12s has no taker and cannot be undone: %s",
			  exchange->request.name, exchange->request.id, err.text);
	else
		log_warn("mount of volume=%s holder=%.12s had no taker and was undone",
			 exchange->request.name, exchange->request.id);
}

/* dockerd believes any path, so only one that can be a mount is ever handed out. */
static void mount(struct exchange *exchange)
{
	Berth__V1__AttachRequest request = BERTH__V1__ATTACH_REQUEST__INIT;
	const Berth__V1__HostVolume *volume;
	ProtobufCMessage *attached;
	struct error err = {0};
	int ret;

	request.name = proto_text(exchange->request.name);
	request.holder = proto_text(exchange->request.id);
	request.instance = exchange->instance;
	ret = agent_call(exchange->agent, &patience_mount, "Attach", &request.base, &attached,
			 &err);
	if (ret < 0) {
		if (is_outcome_unknown(ret))
			holder_take_back(exchange, &patience_undo);
		answer_error(exchange, &err);
		return;
	}
	volume = (const Berth__V1__HostVolume *)attached;
	exchange->is_mounted = true;
	if (volume->mountpoint[0] == '/') {
		log_info("mounted volume=%s holder=%.12s on=%s", exchange->request.name,
			 exchange->request.id, volume->mountpoint);
		answer(exchange, reply_mountpoint(volume->mountpoint));
	} else {
		log_error("mounted volume=%s without a mount point, taking it back",
			  exchange->request.name);
		exchange_undo(exchange);
		exchange_refuse(exchange, HTTP_OK,
				"the host agent attached the volume but told no "
				"mount point; look at its log");
	}
	agent_answer_free(attached);
}

/* A volume that this host does not know any more was moved or removed: nothing left to do. */
static void unmount(struct exchange *exchange)
{
	struct error err = {0};
	int ret = holder_detach(exchange, &patience_change, &err);

	if (ret < 0 && ret != -ENOENT) {
		answer_error(exchange, &err);
		return;
	}
	log_info("unmounted volume=%s holder=%.12s", exchange->request.name, exchange->request.id);
	answer(exchange, reply_done());
}

static const struct method {
	const char *path;
	unsigned members;
	void (*run)(struct exchange *exchange);
} methods[] = {
	{"/Plugin.Activate", 0, activate},
	{"/VolumeDriver.Capabilities", 0, capabilities},
	{"/VolumeDriver.Create", REQUEST_NAME | REQUEST_OPTS, create},
	{"/VolumeDriver.Get", REQUEST_NAME, get},
	{"/VolumeDriver.List", 0, list},
	{"/VolumeDriver.Path", REQUEST_NAME, path},
	{"/VolumeDriver.Mount", REQUEST_NAME | REQUEST_ID, mount},
	{"/VolumeDriver.Unmount", REQUEST_NAME | REQUEST_ID, unmount},
	{"/VolumeDriver.Remove", REQUEST_NAME, remove_volume},
};

static const struct method *method_find(const char *wanted)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (strcmp(methods[i].path, wanted) == 0)
			return &methods[i];
	}
	return NULL;
}

void exchange_handle(struct exchange *exchange, const char *wanted, const char *body, size_t len)
{
	const struct method *method = method_find(wanted);
	struct error err = {0};

	if (!method) {
		exchange_refuse(exchange, HTTP_NOT_FOUND,
				"berth is a volume driver and has no such method");
		return;
	}
	if (request_decode(&exchange->request, body, len, method->members, &err) == 0) {
		method->run(exchange);
		return;
	}
	if (method->run == get && len == 0) {
		/* dockerd's next try after a Get that was broken off; it is broken off like that.
		 */
		log_debug("get without a body not answered");
		return;
	}
	log_warn("refused call=%s: %s", wanted, err.text);
	exchange_refuse(exchange, HTTP_BAD_REQUEST, err.text);
}

void exchange_undo(struct exchange *exchange)
{
	if (exchange->is_mounted)
		holder_take_back(exchange, &patience_change);
}

void exchange_fini(struct exchange *exchange)
{
	if (!exchange)
		return;
	json_decref(exchange->answer);
	request_fini(&exchange->request);
}
