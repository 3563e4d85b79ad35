/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * berth-docker: the volume driver that Docker calls. It serves HTTP on a socket in Docker's
 * plugin folder and puts every question to the host agent; it keeps nothing and mounts nothing
 * itself, so it may be stopped, upgraded and started under running containers.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"
#include "base/notify.h"
#include "docker/http.h"
#include "docker/driver_socket.h"

#define STOP_GRACE_MS 5000

struct settings {
	char socket[108]; /* as sun_path */
	char agent[128];
	enum log_level log_level;
};

static int text_set(char *buf, size_t size, const char *value, struct error *err)
{
	if (strlen(value) >= size)
		return error_set(err, -EINVAL, "'%.40s...' is longer than %zu characters", value,
				 size - 1);
	(void)strcpy(buf, value);
	return 0;
}

static int set_socket(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;

	return text_set(settings->socket, sizeof(settings->socket), value, err);
}

static int set_agent(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;

	return text_set(settings->agent, sizeof(settings->agent), value, err);
}

static int set_log_level(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;

	if (!log_level_parse(value, &settings->log_level))
		return error_set(err, -EINVAL, "'%.40s' is not error, warn, info or debug", value);
	return 0;
}

static const struct config_option options[] = {
	{"socket", "PATH", "where Docker finds the driver; the file's name is the driver's",
	 set_socket},
	{"agent", "unix:PATH", "the host agent", set_agent},
	{"log-level", "LEVEL", "error, warn, info or debug", set_log_level},
};

static int settings_load(struct settings *settings, int argc, char **argv, struct error *err)
{
	const struct config config = {
		.program = "berth-docker",
		.section = "docker",
		.summary = "The Docker volume driver of berth.",
		.example = "berth-docker --socket /run/docker/plugins/berth.sock "
			   "--agent unix:/run/berth/agent.sock",
		.options = options,
		.option_count = ARRAY_SIZE(options),
		.owner = settings,
	};

	*settings = (struct settings){
		.socket = "/run/docker/plugins/berth.sock",
		.agent = "unix:/run/berth/agent.sock",
		.log_level = LOG_LEVEL_INFO,
	};
	return config_load(&config, argc, argv, err);
}

/* Serve until a signal asks to end. */
static int serve(const struct settings *settings, const sigset_t *signals, struct error *err)
{
	struct driver_socket driver_socket;
	struct agent agent;
	struct http *http;
	int number = 0;
	int ret = agent_init(&agent, settings->agent, err);

	if (ret < 0)
		return ret;
	ret = driver_socket_open(&driver_socket, settings->socket, err);
	if (ret < 0)
		return ret;
	ret = http_start(driver_socket.fd, &agent, &http, err);
	if (ret < 0)
		goto close_socket;
	log_info("ready socket=%s agent=%s", settings->socket, settings->agent);
	notify_manager("READY=1");
	(void)sigwait(signals, &number); /* fails only for a wrong set */
	log_info("stopping signal=%s", strsignal(number));
	notify_manager("STOPPING=1");
	driver_socket_hide(&driver_socket);
	http_stop(http, STOP_GRACE_MS);
close_socket:
	driver_socket_hide(&driver_socket);
	driver_socket_close(&driver_socket);
	return ret;
}

int main(int argc, char **argv)
{
	struct settings settings;
	struct error err = {0};
	sigset_t signals;
	int ret;

	log_init("berth-docker", LOG_LEVEL_INFO);
	ret = settings_load(&settings, argc, argv, &err);
	if (ret != 0) {
		if (ret < 0)
			log_error("%s", err.text);
		return ret < 0 ? 2 : 0;
	}
	log_init("berth-docker", settings.log_level);
	/* Blocked before any thread is made, so that only sigwait gets them. */
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	if (serve(&settings, &signals, &err) < 0) {
		log_error("%s", err.text);
		return 1;
	}
	return 0;
}
