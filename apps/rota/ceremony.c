/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/ceremony.h"
#include "apps/rota/rolearg.h"
#include "host/base/when.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MACHINE_ID "/etc/machine-id"
#define MACHINE_ID_MAX 64
#define MACHINE_DIGITS 16

void ceremony_path(const char *folder, const char *name, char out[static CEREMONY_PATH_MAX])
{
	if ((size_t)snprintf(out, CEREMONY_PATH_MAX, "%s/%s", folder, name) >= CEREMONY_PATH_MAX)
		out[0] = 0;
}

static enum rota_err check_fingerprint(struct ceremony *c, struct rota_fail *why)
{
	const json_t *first = json_array_get(c->transcript.lines, 0);
	const char *said = json_string_value(json_object_get(first, "fingerprint"));

	ROTA_TRY(rota_fingerprint(&c->bundle, c->fingerprint, why));
	if (said && strcmp(said, c->fingerprint) == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_HASH,
		"%s: the bundle has the fingerprint %s, and the transcript begins with another; it "
		"was exchanged, prepare the ceremony again",
		c->folder, c->fingerprint);
}

/* What the log is told of it at the end stands there from the beginning. */
static enum rota_err check_purpose(const struct ceremony *c, struct rota_fail *why)
{
	const json_t *first = json_array_get(c->transcript.lines, 0);

	if (json_is_array(json_object_get(first, "parts")) &&
		json_is_string(json_object_get(first, "product")) &&
		json_is_string(json_object_get(first, "purpose")) &&
		json_is_string(json_object_get(first, "reason")))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT,
		"%s: the transcript's first line lacks what the ceremony is for (SPEC 24.4); "
		"somebody "
		"wrote it anew, prepare the ceremony again",
		c->folder);
}

enum rota_err ceremony_open(const char *folder, struct ceremony *out, struct rota_fail *why)
{
	char path[CEREMONY_PATH_MAX];
	enum rota_err err;

	*out = (struct ceremony){ .folder = folder };
	ceremony_path(folder, "transcript", path);
	ROTA_TRY(rota_transcript_load(path, &out->transcript, why));
	ceremony_path(folder, "bundle", path);
	err = rota_bundle_load(path, &out->bundle, why);
	if (err == ROTA_OK)
		err = check_fingerprint(out, why);
	if (err == ROTA_OK)
		err = check_purpose(out, why);
	if (err != ROTA_OK)
		ceremony_close(out);
	return err;
}

void ceremony_close(struct ceremony *c)
{
	rota_transcript_free(&c->transcript);
	if (c->bundle.whole)
		rota_bundle_free(&c->bundle);
	c->bundle.whole = NULL;
}

/* Which machine, without giving its id away. */
static void machine(char out[static MACHINE_DIGITS + 1])
{
	struct rota_bytes id;
	struct rota_fail ignored;
	char hex[ROTA_DIGEST_HEX];

	out[0] = 0;
	if (rota_file_read(MACHINE_ID, MACHINE_ID_MAX, &id, &ignored) != ROTA_OK)
		return;
	rota_digest_hex(rota_bytes_span(&id), hex);
	rota_bytes_free(&id);
	snprintf(out, MACHINE_DIGITS + 1, "%.*s", MACHINE_DIGITS, hex);
}

json_t *ceremony_line(const char *did, const char *fingerprint, uint64_t now)
{
	const struct passwd *user = getpwuid(getuid());
	char at[ROTA_WHEN_LEN], id[MACHINE_DIGITS + 1], who[64];
	struct utsname host = { 0 };

	rota_when_text(now, at);
	machine(id);
	(void)uname(&host);
	if (user)
		snprintf(who, sizeof(who), "%s", user->pw_name);
	else
		snprintf(who, sizeof(who), "%u", (unsigned)getuid());
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "at", at, "did", did, "fingerprint",
		fingerprint, "host", host.nodename, "machine", id, "user", who);
}

static enum rota_err set_threshold(struct session *s, const char *text)
{
	const struct rota_duty *role;
	const char *value = rolearg(text, &role);
	struct rota_party *party;
	uint64_t n;

	if (!value || !opts_number(value, ROTA_SIGNERS_MAX, &n) || n == 0)
		return rota_fail(&s->why, ROTA_ERR_ARGUMENT,
			"%s is not ROLE=N with a role of SPEC 3.2 and 1 to %d", text,
			ROTA_SIGNERS_MAX);
	party = (struct rota_party *)(uintptr_t)rota_authdir_party(&s->dir, role->name);
	if (!rota_party_online(party)) {
		party->threshold = (unsigned)n;
		if (!rota_party_online(party))
			return ROTA_OK;
	}
	return rota_fail(&s->why, ROTA_ERR_ARGUMENT,
		"role %s would not be signed by people; set it in [role %s] of rota.ini",
		role->name, role->name);
}

enum rota_err ceremony_thresholds(struct session *s, const struct opts_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		ROTA_TRY(set_threshold(s, list->at[i]));
	return ROTA_OK;
}
