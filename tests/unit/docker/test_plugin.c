/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plugin from end to end: HTTP as dockerd speaks it on one side, an agent on the other. What
 * matters most is what is not said: no error for a volume that may exist, no change for a
 * request that came without its body, no mount that nobody knows of.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "docker/http.h"
#include "docker/driver_socket.h"
#include "docker/peer.h"
#include "docker/request.h"
#include "tests/unit/docker/fake_agent.h"

#define STOP_GRACE_MS 200

struct plugin {
	char folder[64];
	char socket[96];
	char address[96];
	struct fake_agent *fake;
	struct agent agent;
	struct driver_socket driver_socket;
	struct http *http;
};

static char reply[8192]; /* the last answer: status line, headers, body */

static int plugin_start(void **state)
{
	struct plugin *plugin = calloc(1, sizeof(*plugin));
	struct error err = {0};

	assert_non_null(plugin);
	(void)strcpy(plugin->folder, "/tmp/berth-test-XXXXXX");
	assert_non_null(mkdtemp(plugin->folder));
	(void)snprintf(plugin->socket, sizeof(plugin->socket), "%s/plugins/berth.sock",
		       plugin->folder);
	(void)snprintf(plugin->address, sizeof(plugin->address), "unix:%s/agent.sock",
		       plugin->folder);
	plugin->fake = fake_agent_start(plugin->address);
	assert_int_equal(agent_init(&plugin->agent, plugin->address, &err), 0);
	assert_int_equal(driver_socket_open(&plugin->driver_socket, plugin->socket, &err), 0);
	assert_int_equal(http_start(plugin->driver_socket.fd, &plugin->agent, &plugin->http, &err),
			 0);
	*state = plugin;
	return 0;
}

static int plugin_stop(void **state)
{
	struct plugin *plugin = *state;
	char folder[96];

	driver_socket_hide(&plugin->driver_socket);
	http_stop(plugin->http, STOP_GRACE_MS);
	driver_socket_close(&plugin->driver_socket);
	fake_agent_stop(plugin->fake);
	(void)snprintf(folder, sizeof(folder), "%s/plugins", plugin->folder);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(rmdir(plugin->folder), 0);
	free(plugin);
	return 0;
}

static int plugin_connect(const struct plugin *plugin)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", plugin->socket);
	assert_int_equal(connect(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

static int request_send(const struct plugin *plugin, const char *method, const char *path,
			const char *body)
{
	size_t len = strlen(body);
	char head[512];
	int fd = plugin_connect(plugin);
	int head_len = snprintf(head, sizeof(head),
				"%s %s HTTP/1.1\r\nHost: \r\nUser-Agent: Go-http-client/1.1\r\n"
				"Content-Length: %zu\r\n\r\n",
				method, path, len);

	assert_int_equal(write(fd, head, (size_t)head_len), head_len);
	if (len > 0)
		assert_int_equal(send(fd, body, len, MSG_NOSIGNAL), (ssize_t)len);
	return fd;
}

/* Read to the end into `reply`; its length. */
static size_t reply_read(int fd)
{
	size_t len = 0;
	ssize_t got;

	while ((got = read(fd, reply + len, sizeof(reply) - 1 - len)) > 0)
		len += (size_t)got;
	reply[len] = '\0';
	assert_int_equal(close(fd), 0);
	return len;
}

/* The status of the answer; 0 if the connection broke without one. */
static int call(const struct plugin *plugin, const char *path, const char *body)
{
	static const char protocol[] = "HTTP/1.1 ";

	if (reply_read(request_send(plugin, "POST", path, body)) == 0)
		return 0;
	assert_memory_equal(reply, protocol, strlen(protocol));
	return (int)strtol(reply + strlen(protocol), NULL, 10);
}

static const char *reply_body(void)
{
	const char *end = strstr(reply, "\r\n\r\n");

	return end ? end + 4 : "";
}

#define assert_body(text)      assert_string_equal(reply_body(), text)
#define assert_says(text)      assert_non_null(strstr(reply_body(), text))
#define assert_calls(expected) assert_string_equal(fake_agent_calls(plugin->fake), expected)

static void activation_and_capabilities_need_no_agent(void **state)
{
	struct plugin *plugin = *state;

	fake_agent_stop(plugin->fake);
	plugin->fake = NULL;
	assert_int_equal(call(plugin, "/Plugin.Activate", ""), 200);
	assert_body("{\"Implements\":[\"VolumeDriver\"]}");
	assert_int_equal(call(plugin, "/VolumeDriver.Capabilities", "{}\n"), 200);
	assert_body("{\"Capabilities\":{\"Scope\":\"global\"}}");
}

static void get_tells_a_known_volume(void **state)
{
	struct plugin *plugin = *state;

	assert_int_equal(call(plugin, "/VolumeDriver.Get", "{\"Name\":\"db\"}\n"), 200);
	assert_says("\"Name\":\"db\",\"Mountpoint\":\"/mounts/db\"");
	assert_says("\"Err\":\"\"");
	assert_non_null(strstr(reply, "Connection: close"));
}

static void get_says_no_only_when_the_agent_does(void **state)
{
	struct plugin *plugin = *state;

	assert_int_equal(call(plugin, "/VolumeDriver.Get", "{\"Name\":\"unknown\"}"), 200);
	assert_body("{\"Err\":\"there is no volume 'unknown'\"}");
	assert_int_equal(call(plugin, "/VolumeDriver.Get", "{\"Name\":\"unreachable\"}"), 0);
	assert_int_equal(reply[0], '\0');
}

static void get_without_an_agent_breaks_the_connection(void **state)
{
	struct plugin *plugin = *state;

	fake_agent_stop(plugin->fake);
	plugin->fake = NULL;
	assert_int_equal(call(plugin, "/VolumeDriver.Get", "{\"Name\":\"db\"}"), 0);
}

/* dockerd's second try after a broken connection: an error would make it forget the volume. */
static void get_without_a_body_breaks_the_connection(void **state)
{
	struct plugin *plugin = *state;

	assert_int_equal(call(plugin, "/VolumeDriver.Get", ""), 0);
	assert_calls("");
}

static void names_that_no_volume_has_are_not_asked_for(void **state)
{
	struct plugin *plugin = *state;

	assert_int_equal(call(plugin, "/VolumeDriver.Get", "{\"Name\":\"../../etc/x\"}"), 200);
	assert_says("is refused");
	assert_int_equal(call(plugin, "/VolumeDriver.Get", "{\"Name\":\"UPPER\"}"), 200);
	assert_says("lower-case letters");
	assert_calls("");
}

static void malformed_requests_change_nothing(void **state)
{
	static const char *const paths[] = {"/VolumeDriver.Mount", "/VolumeDriver.Unmount",
					    "/VolumeDriver.Create", "/VolumeDriver.Remove"};
	static const char *const bodies[] = {"", "{}", "[", "null", "{\"Name\":7}"};
	struct plugin *plugin = *state;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(bodies); k++) {
			assert_int_equal(call(plugin, paths[i], bodies[k]), 400);
			assert_says("{\"Err\":\"the request ");
		}
	}
	assert_calls("");
}

static void what_is_no_call_of_ours_is_refused(void **state)
{
	struct plugin *plugin = *state;
	static char large[REQUEST_BODY_MAX + 4096];

	assert_int_equal(call(plugin, "/NetworkDriver.Create", "{}"), 404);
	assert_says("\"Err\":\"berth is a volume driver");
	(void)reply_read(request_send(plugin, "GET", "/VolumeDriver.List", ""));
	assert_non_null(strstr(reply, " 405 "));
	memset(large, ' ', sizeof(large) - 1);
	assert_int_equal(call(plugin, "/VolumeDriver.Create", large), 413);
	assert_calls("");
}

static void create_hands_the_options_on(void **state)
{
	struct plugin *plugin = *state;

	assert_int_equal(call(plugin, "/VolumeDriver.Create",
			      "{\"Name\":\"db\",\"Opts\":{\"size\":\"20G\",\"fs\":\"xfs\","
			      "\"pool\":\"fast\"}}"),
			 200);
	assert_body("{\"Err\":\"\"}");
	assert_calls("Provision(db,21474836480,xfs,fast)");
}

static void create_without_options_takes_what_is_there(void **state)
{
	struct plugin *plugin = *state;

	assert_int_equal(call(plugin, "/VolumeDriver.Create", "{\"Name\":\"db\",\"Opts\":null}"),
			 200);
	assert_body("{\"Err\":\"\"}");
	assert_calls("Get(db)");
	fake_agent_forget(plugin->fake);
	assert_int_equal(call(plugin, "/VolumeDriver.Create", "{\"Name\":\"unknown\"}"), 200);
	assert_body("{\"Err\":\"\"}");
	assert_calls("Get(unknown) Provision(unknown,0,,)");
}

static void create_says_why_it_failed(void **state)
{
	struct plugin *plugin = *state;

	assert_int_equal(call(plugin, "/VolumeDriver.Create",
			      "{\"Name\":\"full\",\"Opts\":{\"size\":\"2G\"}}"),
			 200);
	assert_says("\"Err\":\"pool 'fast' has 1 GiB free, volume 'full' needs 2\"");
	assert_int_equal(call(plugin, "/VolumeDriver.Create", "{\"Name\":\"unreachable\"}"), 200);
	assert_says("node n cannot be asked");
	fake_agent_forget(plugin->fake);
	assert_int_equal(
		call(plugin, "/VolumeDriver.Create", "{\"Name\":\"X\",\"Opts\":{\"help\":\"\"}}"),
		200);
	assert_says("options of a berth volume");
	assert_calls("");
}

static void mount_answers_with_the_mountpoint(void **state)
{
	struct plugin *plugin = *state;

	assert_int_equal(call(plugin, "/VolumeDriver.Mount", "{\"Name\":\"db\",\"ID\":\"0f\"}\n"),
			 200);
	assert_body("{\"Mountpoint\":\"/mounts/db\",\"Err\":\"\"}");
	assert_calls("Attach(db,0f)");
}

static void a_mount_is_never_answered_without_a_path(void **state)
{
	struct plugin *plugin = *state;

	assert_int_equal(call(plugin, "/VolumeDriver.Mount", "{\"Name\":\"nowhere\",\"ID\":\"1\"}"),
			 200);
	assert_null(strstr(reply_body(), "Mountpoint"));
	assert_says("told no mount point");
	assert_calls("Attach(nowhere,1) Detach(nowhere,1)");
}

/* The instance must be the same for all calls of one process, and tell pid and start time. */
static void the_instance_is_the_calling_process(void **state)
{
	struct plugin *plugin = *state;
	char first[128], pid[32];

	assert_int_equal(call(plugin, "/Plugin.Activate", ""), 200);
	assert_calls("NoteInstance()");
	(void)snprintf(first, sizeof(first), "%s", fake_agent_instance(plugin->fake));
	assert_int_equal(call(plugin, "/VolumeDriver.Mount", "{\"Name\":\"db\",\"ID\":\"1\"}"),
			 200);
	assert_string_equal(fake_agent_instance(plugin->fake), first);
	assert_int_equal(call(plugin, "/VolumeDriver.Unmount", "{\"Name\":\"db\",\"ID\":\"1\"}"),
			 200);
	assert_string_equal(fake_agent_instance(plugin->fake), first);
	(void)snprintf(pid, sizeof(pid), "/%d/", (int)getpid());
	assert_non_null(strstr(first, pid));
	assert_int_not_equal(first[strlen(first) - 1], '/');
}

static void a_mount_of_unknown_outcome_is_undone_before_the_error(void **state)
{
	struct plugin *plugin = *state;

	assert_int_equal(call(plugin, "/VolumeDriver.Mount", "{\"Name\":\"late\",\"ID\":\"1\"}"),
			 200);
	assert_says("no time was left");
	assert_calls("Attach(late,1) Detach(late,1)");
	fake_agent_forget(plugin->fake);
	/* What surely failed is not undone: a container with the same ID may run. */
	assert_int_equal(
		call(plugin, "/VolumeDriver.Mount", "{\"Name\":\"unreachable\",\"ID\":\"1\"}"),
		200);
	assert_calls("Attach(unreachable,1)");
}

/* The agent is killed while it attaches, and a new one comes. */
static void a_mount_that_lost_its_agent_is_undone_at_the_next_one(void **state)
{
	struct plugin *plugin = *state;
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd;

	fake_agent_stop(plugin->fake);
	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s",
		       plugin->address + strlen("unix:"));
	assert_int_equal(bind(listener, (const struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(listener, 4), 0);
	fd = request_send(plugin, "POST", "/VolumeDriver.Mount", "{\"Name\":\"db\",\"ID\":\"8\"}");
	for (int i = 0; i < 2; i++) { /* a look whether somebody listens, then the call */
		int call_fd = accept(listener, NULL, NULL);
		char bytes[64];

		assert_true(call_fd >= 0);
		while (i == 1 && read(call_fd, bytes, sizeof(bytes)) < (ssize_t)sizeof(bytes))
			continue;
		assert_int_equal(close(call_fd), 0);
	}
	assert_int_equal(unlink(name.sun_path), 0);
	assert_int_equal(close(listener), 0);
	plugin->fake = fake_agent_start(plugin->address);
	assert_true(reply_read(fd) > 0);
	assert_null(strstr(reply_body(), "Mountpoint"));
	assert_calls("Detach(db,8)");
}

static void a_mount_whose_caller_went_away_is_undone(void **state)
{
	struct plugin *plugin = *state;
	int fd = request_send(plugin, "POST", "/VolumeDriver.Mount",
			      "{\"Name\":\"slow\",\"ID\":\"2\"}");

	assert_true(fake_agent_wait(plugin->fake, "Attach(slow,2)"));
	assert_int_equal(close(fd), 0);
	fake_agent_release(plugin->fake);
	assert_true(fake_agent_wait(plugin->fake, "Attach(slow,2) Detach(slow,2)"));
}

struct caller {
	struct plugin *plugin;
	int fd;
};

/* The agent answers only after the plugin has cut the caller off. */
static void *release_after_cut(void *owner)
{
	struct caller *caller = owner;
	char byte;

	if (read(caller->fd, &byte, 1) == 0)
		fake_agent_release(caller->plugin->fake);
	return NULL;
}

static void a_mount_under_way_at_the_end_is_undone(void **state)
{
	struct plugin *plugin = *state;
	struct caller caller = {.plugin = plugin};
	pthread_t thread;

	caller.fd = request_send(plugin, "POST", "/VolumeDriver.Mount",
				 "{\"Name\":\"slow\",\"ID\":\"3\"}");
	assert_true(fake_agent_wait(plugin->fake, "Attach(slow,3)"));
	assert_int_equal(pthread_create(&thread, NULL, release_after_cut, &caller), 0);
	http_stop(plugin->http, STOP_GRACE_MS);
	plugin->http = NULL;
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_calls("Attach(slow,3) Detach(slow,3)");
	assert_int_equal(close(caller.fd), 0);
}

static void two_mounts_at_once_both_reach_the_agent(void **state)
{
	struct plugin *plugin = *state;
	int first = request_send(plugin, "POST", "/VolumeDriver.Mount",
				 "{\"Name\":\"slow\",\"ID\":\"4\"}");

	assert_true(fake_agent_wait(plugin->fake, "Attach(slow,4)"));
	assert_int_equal(call(plugin, "/VolumeDriver.Mount", "{\"Name\":\"db\",\"ID\":\"5\"}"),
			 200);
	fake_agent_release(plugin->fake);
	assert_true(reply_read(first) > 0);
	assert_body("{\"Mountpoint\":\"/mounts/slow\",\"Err\":\"\"}");
}

static void an_agent_that_is_just_starting_is_waited_for(void **state)
{
	struct plugin *plugin = *state;
	int fd;

	fake_agent_stop(plugin->fake);
	fd = request_send(plugin, "POST", "/VolumeDriver.Unmount",
			  "{\"Name\":\"db\",\"ID\":\"6\"}");
	plugin->fake = fake_agent_start(plugin->address);
	assert_true(reply_read(fd) > 0);
	assert_body("{\"Err\":\"\"}");
	assert_calls("Detach(db,6)");
}

static void what_is_gone_already_is_success(void **state)
{
	struct plugin *plugin = *state;

	assert_int_equal(
		call(plugin, "/VolumeDriver.Unmount", "{\"Name\":\"unknown\",\"ID\":\"7\"}"), 200);
	assert_body("{\"Err\":\"\"}");
	assert_int_equal(call(plugin, "/VolumeDriver.Remove", "{\"Name\":\"unknown\"}"), 200);
	assert_body("{\"Err\":\"\"}");
}

static void list_and_path_fail_with_an_error(void **state)
{
	struct plugin *plugin = *state;

	assert_int_equal(call(plugin, "/VolumeDriver.List", "{}\n"), 200);
	assert_body("{\"Volumes\":[],\"Err\":\"\"}");
	assert_int_equal(call(plugin, "/VolumeDriver.Path", "{\"Name\":\"db\"}"), 200);
	assert_body("{\"Mountpoint\":\"/mounts/db\",\"Err\":\"\"}");
	fake_agent_stop(plugin->fake);
	plugin->fake = NULL;
	assert_int_equal(call(plugin, "/VolumeDriver.List", "{}\n"), 200);
	assert_says("is berth-agent running?");
	assert_int_equal(call(plugin, "/VolumeDriver.Path", "{\"Name\":\"db\"}"), 200);
	assert_says("is berth-agent running?");
}

static void a_socket_in_use_is_refused_and_a_stale_one_replaced(void **state)
{
	struct plugin *plugin = *state;
	struct driver_socket second;
	struct error err = {0};

	assert_int_equal(driver_socket_open(&second, plugin->socket, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "stop it first"));
	/* As kill -9 leaves it: the socket is in the folder, nobody behind it. */
	http_stop(plugin->http, STOP_GRACE_MS);
	plugin->http = NULL;
	driver_socket_close(&plugin->driver_socket);
	assert_int_equal(access(plugin->socket, F_OK), 0);
	assert_int_equal(driver_socket_open(&plugin->driver_socket, plugin->socket, &err), 0);
}

#define plugin_test(behaviour) cmocka_unit_test_setup_teardown(behaviour, plugin_start, plugin_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		plugin_test(activation_and_capabilities_need_no_agent),
		plugin_test(get_tells_a_known_volume),
		plugin_test(get_says_no_only_when_the_agent_does),
		plugin_test(get_without_an_agent_breaks_the_connection),
		plugin_test(get_without_a_body_breaks_the_connection),
		plugin_test(names_that_no_volume_has_are_not_asked_for),
		plugin_test(malformed_requests_change_nothing),
		plugin_test(what_is_no_call_of_ours_is_refused),
		plugin_test(create_hands_the_options_on),
		plugin_test(create_without_options_takes_what_is_there),
		plugin_test(create_says_why_it_failed),
		plugin_test(mount_answers_with_the_mountpoint),
		plugin_test(a_mount_is_never_answered_without_a_path),
		plugin_test(the_instance_is_the_calling_process),
		plugin_test(a_mount_of_unknown_outcome_is_undone_before_the_error),
		plugin_test(a_mount_that_lost_its_agent_is_undone_at_the_next_one),
		plugin_test(a_mount_whose_caller_went_away_is_undone),
		plugin_test(a_mount_under_way_at_the_end_is_undone),
		plugin_test(two_mounts_at_once_both_reach_the_agent),
		plugin_test(an_agent_that_is_just_starting_is_waited_for),
		plugin_test(what_is_gone_already_is_success),
		plugin_test(list_and_path_fail_with_an_error),
		plugin_test(a_socket_in_use_is_refused_and_a_stale_one_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
