/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers as dockerd must find them, byte for byte where it is strict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/size.h"
#include "docker/reply.h"

static void assert_json(json_t *json, const char *expected)
{
	char *text = json_dumps(json, JSON_COMPACT);

	assert_string_equal(text, expected);
	free(text);
	json_decref(json);
}

static void simple_answers_are_as_the_protocol_has_them(void **state)
{
	assert_json(reply_done(), "{\"Err\":\"\"}");
	assert_json(reply_activate(), "{\"Implements\":[\"VolumeDriver\"]}");
	assert_json(reply_capabilities(), "{\"Capabilities\":{\"Scope\":\"global\"}}");
	assert_json(reply_mountpoint("/m/db"), "{\"Mountpoint\":\"/m/db\",\"Err\":\"\"}");
	assert_json(reply_error("pool 'a' is full"), "{\"Err\":\"pool 'a' is full\"}");
}

static void an_error_is_never_empty(void **state)
{
	assert_json(reply_error(""), "{\"Err\":\"it failed\"}");
	assert_json(reply_error("\xff"), "{\"Err\":\"(not UTF-8)\"}");
}

static Berth__V1__HostVolume detached_volume(void)
{
	Berth__V1__HostVolume volume = BERTH__V1__HOST_VOLUME__INIT;

	volume.name = (char *)"db";
	volume.size = 10 * GIB;
	volume.filesystem = (char *)"ext4";
	volume.state = (char *)"detached";
	volume.node = (char *)"unix:/n";
	return volume;
}

static void a_detached_volume_has_no_mountpoint_and_no_device(void **state)
{
	Berth__V1__HostVolume volume = detached_volume();

	assert_json(reply_volume(&volume),
		    "{\"Volume\":{\"Name\":\"db\",\"Status\":{\"size\":\"10 GiB\",\"filesystem\":"
		    "\"ext4\",\"node\":\"unix:/n\",\"pool\":\"\",\"uuid\":\"\",\"state\":"
		    "\"detached\",\"holders\":0}},\"Err\":\"\"}");
}

static void a_mounted_volume_tells_all(void **state)
{
	char *holders[] = {(char *)"a", (char *)"b"};
	Berth__V1__HostVolume volume = detached_volume();
	const json_t *inner, *status;
	json_t *json;

	volume.mountpoint = (char *)"/m/db";
	volume.used = 3 * MIB;
	volume.device = (char *)"/dev/loop3";
	volume.attachment = (char *)"user";
	volume.last_error = (char *)"was slow";
	volume.holders = holders;
	volume.n_holders = 2;
	volume.created_at = 1785542400; /* 2026-08-01 00:00:00 UTC */
	json = reply_volume(&volume);
	inner = json_object_get(json, "Volume");
	status = json_object_get(inner, "Status");
	assert_string_equal(json_string_value(json_object_get(inner, "Mountpoint")), "/m/db");
	assert_string_equal(json_string_value(json_object_get(inner, "CreatedAt")),
			    "2026-08-01T00:00:00Z");
	assert_string_equal(json_string_value(json_object_get(status, "used")), "3 MiB");
	assert_string_equal(json_string_value(json_object_get(status, "device")), "/dev/loop3");
	assert_string_equal(json_string_value(json_object_get(status, "attachment")), "user");
	assert_string_equal(json_string_value(json_object_get(status, "last error")), "was slow");
	assert_int_equal(json_integer_value(json_object_get(status, "holders")), 2);
	json_decref(json);
}

static void a_list_has_names_and_mountpoints(void **state)
{
	Berth__V1__HostVolume first = detached_volume(), second = detached_volume();
	Berth__V1__HostVolume *volumes[] = {&first, &second};
	Berth__V1__ListReply list = BERTH__V1__LIST_REPLY__INIT;

	assert_json(reply_volumes(&list), "{\"Volumes\":[],\"Err\":\"\"}");
	second.name = (char *)"web";
	second.mountpoint = (char *)"/m/web";
	list.volumes = volumes;
	list.n_volumes = 2;
	assert_json(reply_volumes(&list), "{\"Volumes\":[{\"Name\":\"db\"},{\"Name\":\"web\","
					  "\"Mountpoint\":\"/m/web\"}],\"Err\":\"\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(simple_answers_are_as_the_protocol_has_them),
		cmocka_unit_test(an_error_is_never_empty),
		cmocka_unit_test(a_detached_volume_has_no_mountpoint_and_no_device),
		cmocka_unit_test(a_mounted_volume_tells_all),
		cmocka_unit_test(a_list_has_names_and_mountpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
