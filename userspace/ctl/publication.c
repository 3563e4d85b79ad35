/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything an initiator must be told to reach a volume. Secrets are printed here and nowhere
 * else: the node tells them once, in its answer to Publish.
 */
#include "ctl/publication.h"

#include "base/compiler.h"
#include "ctl/view.h"

#define URL_SIZE 1024

static const struct field access_fields[] = {
	{"volume", "volume", FIELD_TEXT, IN_BOTH},
	{"portals", "portal", FIELD_LIST, IN_BOTH},
	{"target_name", "target", FIELD_TEXT, IN_BOTH},
	{"initiator", "initiator", FIELD_TEXT, IN_BOTH},
	{"shared", "shared", FIELD_BOOL, IN_BOTH},
	{"chap_user", "user", FIELD_TEXT, IN_BOTH},
	{"chap_secret", "secret", FIELD_TEXT, IN_BOTH},
	{"chap_target_user", "target's user", FIELD_TEXT, IN_BOTH},
	{"chap_target_secret", "target's secret", FIELD_TEXT, IN_BOTH},
	{"url", "url", FIELD_TEXT, IN_BOTH},
};
static const struct view access_view = {access_fields, ARRAY_SIZE(access_fields)};

static bool has_text(const char *text)
{
	return text && *text;
}

json_t *publication_json(const Berth__V1__Publication *publication)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:I, s:I}", "volume",
			 view_text(publication->volume), "volume_uuid",
			 view_text(publication->volume_uuid), "initiator",
			 view_text(publication->initiator), "target_name",
			 view_text(publication->target_name), "portals",
			 view_texts(publication->portals, publication->n_portals), "chap_user",
			 view_text(publication->chap_user), "shared", (int)publication->shared,
			 "sessions", (json_int_t)publication->sessions, "published_at",
			 (json_int_t)publication->published_at);
}

static const char *first_portal(const Berth__V1__Publication *publication)
{
	return publication->n_portals > 0 ? publication->portals[0] : "";
}

/* As libiscsi reads it, and so qemu-img, fio and iscsi-inq. */
static void url_format(const Berth__V1__Publication *publication, char *buf, size_t size)
{
	char login[URL_SIZE / 4] = "";
	char mutual[URL_SIZE / 4] = "";

	if (has_text(publication->chap_secret))
		(void)snprintf(login, sizeof(login), "%s%%%s@", publication->chap_user,
			       publication->chap_secret);
	if (has_text(publication->chap_target_secret))
		(void)snprintf(mutual, sizeof(mutual), "?target_user=%s&target_password=%s",
			       publication->chap_target_user, publication->chap_target_secret);
	(void)snprintf(buf, size, "iscsi://%s%s/%s/0%s", login, first_portal(publication),
		       publication->target_name, mutual);
}

/* One `iscsiadm ... --op update`. */
static void setting_print(FILE *out, const Berth__V1__Publication *publication, const char *name,
			  const char *value)
{
	fprintf(out, "  iscsiadm -m node -T %s -p %s -o update -n node.session.auth.%s -v '%s'\n",
		publication->target_name, first_portal(publication), name, value);
}

static void iscsiadm_print(FILE *out, const Berth__V1__Publication *publication)
{
	const char *target = publication->target_name;
	const char *portal = first_portal(publication);

	fprintf(out, "  iscsiadm -m node -T %s -p %s -o new\n", target, portal);
	if (has_text(publication->chap_secret)) {
		setting_print(out, publication, "authmethod", "CHAP");
		setting_print(out, publication, "username", publication->chap_user);
		setting_print(out, publication, "password", publication->chap_secret);
	}
	if (has_text(publication->chap_target_secret)) {
		setting_print(out, publication, "username_in", publication->chap_target_user);
		setting_print(out, publication, "password_in", publication->chap_target_secret);
	}
	fprintf(out, "  iscsiadm -m node -T %s -p %s --login\n", target, portal);
}

/* QEMU takes the initiator's name only as an option, so the URL is not enough. */
static void qemu_print(FILE *out, const Berth__V1__Publication *publication)
{
	bool has_chap = has_text(publication->chap_secret);

	fputs("\nQEMU:\n  qemu-img info ", out);
	if (has_chap)
		fprintf(out, "--object secret,id=chap,data=%s \\\n    ", publication->chap_secret);
	fprintf(out,
		"--image-opts \\\n    driver=iscsi,transport=tcp,portal=%s,target=%s,lun=0,"
		"initiator-name=%s",
		first_portal(publication), publication->target_name, publication->initiator);
	if (has_chap)
		fprintf(out, ",user=%s,password-secret=chap", publication->chap_user);
	fputc('\n', out);
}

void publication_print_access(const Berth__V1__Publication *publication, bool is_json, FILE *out)
{
	json_t *row = publication_json(publication);
	char url[URL_SIZE];

	url_format(publication, url, sizeof(url));
	(void)json_object_set_new(row, "chap_secret", view_text(publication->chap_secret));
	(void)json_object_set_new(row, "chap_target_user",
				  view_text(publication->chap_target_user));
	(void)json_object_set_new(row, "chap_target_secret",
				  view_text(publication->chap_target_secret));
	(void)json_object_set_new(row, "url", view_text(url));
	view_print_record(&access_view, row, is_json, out);
	json_decref(row);
	if (is_json)
		return;
	fprintf(out, "\nThe Linux initiator (its name is in /etc/iscsi/initiatorname.iscsi):\n");
	iscsiadm_print(out, publication);
	fprintf(out, "\nlibiscsi's programs:\n  iscsi-inq -i %s '%s'\n", publication->initiator,
		url);
	qemu_print(out, publication);
}
