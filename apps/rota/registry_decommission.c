/* SPDX-License-Identifier: Apache-2.0 */
/* rota registry decommission: a device is over, in the signing daemon's log and in the registry. */
#include "apps/rota/campaign.h"
#include "apps/rota/fleet_census.h"
#include "apps/rota/opts.h"
#include "apps/rota/registry.h"
#include "apps/rota/registry_said.h"
#include "apps/rota/verb.h"
#include "host/campaign/row.h"
#include "host/fetch/fetch.h"
#include "host/notary/digestset.h"
#include "host/pki/idevid.h"
#include "host/pki/tbs.h"
#include "host/registry/identity.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALL_S 20 /* rotad answers when it stands in the database */
#define OK 200
#define ASK_MAX ((size_t)64 * 1024)
/* A line for each of as many as an authority's list has room for, ten times over. */
#define OVER_MAX ((size_t)64 * 1024 * 1024)
/* What is ended without anybody having named it: a day has no more, or a person looks. */
#define GONE_MOST 100

static const char *reason;
static const char *most;
static uint64_t limit = GONE_MOST;
static bool gone, json;

static const struct opts_row rows[] = {
	{ "reason", "TEXT", "why; required", OPTS_TEXT, &reason },
	{ "gone", NULL,
		"also each device that is over for one of the two: it said so itself, or was "
		"revoked",
		OPTS_FLAG, &gone },
	{ "most", "N", "so many that said so themselves, and no more (default: 100)", OPTS_TEXT,
		&most },
	{ "json", NULL, "print the counts as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota registry decommission --reason TEXT [OPTION]... [DEVICE]...",
	.text = "Ends devices for good: the signing daemon enters that their certificates are "
		"over, "
		"then the registry\n"
		"hears that they left the fleet, then the authorities' lists are made anew. What "
		"waits "
		"for approvals is\n"
		"asked for again by the same command. What was done is not done twice.",
	.examples = "  rota registry decommission --reason 'stolen from the van' "
		    "5f0c...\n"
		    "  rota registry decommission --reason 'over elsewhere' --gone",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 256,
};

struct leaving {
	struct session *s;
	struct rota_client *client;
	struct rota_fetch *fetch;
	struct rota_fetch_server rotad;
	struct campaign_fleet fleet;
	X509 *ca; /* of IDevIDs */
	struct digestset over; /* devices that the daemon has as over */
	struct digestset
		said; /* devices that the registry alone has as over; a value: it said so itself */
	unsigned ended, revoked, left, waiting, failed, unproven;
	uint64_t more; /* that said so themselves, above `most` */
	bool away; /* the daemon */
};

/* ---- the daemon ---- */

/* The serial follows from what the registry has (SPEC 29.4), and the device's id from the serial. */
static enum rota_err find_serial(struct leaving *l, const struct rota_reg_device *d,
	uint8_t id[static ROTA_DIGEST_LEN], uint8_t serial[static ROTA_TBS_SERIAL_LEN])
{
	uint8_t made[ROTA_SHA256_LEN];
	struct rota_row row;

	if (rota_row_read(d->row, &row) != ROTA_OK)
		return rota_fail(&l->s->why, ROTA_ERR_FORMAT, "the registry has no row of it");
	memcpy(id, row.device, ROTA_DIGEST_LEN);
	rota_tbs_idevid_serial(l->s->dir.product, d->serial, row.identity, serial);
	rota_tbs_device_id(l->ca, serial, made);
	if (memcmp(made, id, sizeof(made)) == 0)
		return ROTA_OK;
	return rota_fail(&l->s->why, ROTA_ERR_HASH,
		"its certificate is none that the signing daemon issued for this product");
}

static void ask_path(const struct leaving *l, const char *id, char out[static ROTA_FILE_PATH_MAX])
{
	char name[ROTA_DB_ID_LEN + sizeof(".revoke")];

	snprintf(name, sizeof(name), "%s.revoke", id);
	registry_path(l->s, name, out);
}

struct certificate {
	uint8_t device[ROTA_DIGEST_LEN], serial[ROTA_TBS_SERIAL_LEN];
};

/* The request that waits, byte by byte. */
static enum rota_err send(struct leaving *l, const struct certificate *c, struct rota_bytes *ask)
{
	return rota_client_revoke(l->client, l->s->dir.product, "device-ca", reason, c->device,
		ROTA_SPAN(c->serial), ask, &l->s->why);
}

/* Whether nothing comes of that request any more. What failed on its way is sent again, with the approvals that it has. */
static bool is_answered(enum rota_err err)
{
	enum rota_err_class class = rota_err_class(err);

	return err == ROTA_OK || class == ROTA_CLASS_REFUSED || class == ROTA_CLASS_MALFORMED;
}

/* ROTA_OK: the log has it, now or since before. ROTA_ERR_BUSY: not yet. A request that waited may have ended otherwise, with an officer's no: what the log has, only a new
 * one hears. */
static enum rota_err end_certificates(struct leaving *l, const struct rota_reg_device *d)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes ask = { 0 };
	struct certificate c;
	struct rota_fail ignored;
	enum rota_err err;

	ROTA_TRY(find_serial(l, d, c.device, c.serial));
	ask_path(l, d->id, path);
	if (rota_file_read(path, ASK_MAX, &ask, &ignored) != ROTA_OK)
		rota_bytes_free(&ask);
	err = send(l, &c, &ask);
	if (err == ROTA_ERR_VERSION && rota_file_exists(path)) {
		rota_bytes_free(&ask);
		ROTA_TRY(rota_file_remove(path, &l->s->why));
		err = send(l, &c, &ask);
	}
	if (err == ROTA_ERR_BUSY &&
		rota_file_write(path, rota_bytes_span(&ask), 0640, &l->s->why) != ROTA_OK)
		err = l->s->why.err;
	else if (is_answered(err))
		(void)!rota_file_remove(path, &ignored);
	rota_bytes_free(&ask);
	l->revoked += err == ROTA_OK;
	return err == ROTA_ERR_VERSION ? ROTA_OK : err;
}

/* ---- devices whose end the daemon has ---- */

static enum rota_err read_over(struct leaving *l)
{
	char path[ROTA_FILE_PATH_MAX], *line, *rest;
	uint8_t id[ROTA_DIGEST_LEN];
	struct rota_bytes text = { 0 };
	enum rota_err err;

	registry_path(l->s, "", path);
	ROTA_TRY(rota_file_mkdirs(path, 0750, &l->s->why));
	registry_path(l->s, "over", path);
	err = rota_file_read(path, OVER_MAX, &text, &l->s->why);
	if (err == ROTA_ERR_NOT_FOUND)
		return ROTA_OK;
	ROTA_TRY(err);
	rest = (char *)text.p;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (rota_unhex(line, ROTA_BUF(id)))
			digestset_add(&l->over, id);
	rota_bytes_free(&text);
	return ROTA_OK;
}

static bool is_over(const struct leaving *l, const char *hex)
{
	uint8_t id[ROTA_DIGEST_LEN];

	return rota_unhex(hex, ROTA_BUF(id)) && digestset_find(&l->over, id) != NULL;
}

static enum rota_err keep_over(struct leaving *l, const char *id)
{
	char path[ROTA_FILE_PATH_MAX], line[ROTA_DB_ID_LEN + 1];

	snprintf(line, sizeof(line), "%s\n", id);
	registry_path(l->s, "over", path);
	return rota_file_append(path, rota_span_cstr(line), 0640, &l->s->why);
}

/* ---- the registry ---- */

static enum rota_err edit(struct leaving *l, const char *id)
{
	const struct passwd *user = getpwuid(getuid());
	char path[sizeof("v1/record/edit/") + ROTA_DB_ID_LEN];
	struct rota_fetch_answer answer;
	struct rota_bytes text;
	json_t *record = json_pack("{s:s,s:s,s:s}", "by", user ? user->pw_name : "rota", "state",
		"decommissioned", "why", reason);
	enum rota_err err = rota_json_encode(record, ROTA_JSON_FILE, &text, &l->s->why);

	json_decref(record);
	ROTA_TRY(err);
	snprintf(path, sizeof(path), "v1/record/edit/%s", id);
	err = rota_fetch_post(
		l->fetch, &l->rotad, path, rota_bytes_span(&text), CALL_S, &answer, &l->s->why);
	rota_bytes_free(&text);
	ROTA_TRY(err);
	if (answer.status == OK)
		return ROTA_OK;
	return rota_fail(&l->s->why, ROTA_ERR_DENIED,
		"its certificates are over, and the registry answers %u: %.200s", answer.status,
		answer.body);
}

/* ---- one after the other ---- */

static enum rota_err leave(struct leaving *l, const struct rota_reg_device *d)
{
	enum rota_err err = is_over(l, d->id) ? ROTA_OK : end_certificates(l, d);

	if (err == ROTA_ERR_BUSY) {
		fprintf(stderr, "rota: device %.16s...: %s\n", d->id, l->s->why.text);
		l->waiting++;
		return ROTA_OK;
	}
	ROTA_TRY(err);
	l->ended++;
	if (!is_over(l, d->id))
		ROTA_TRY(keep_over(l, d->id));
	if (!rota_reg_lives(d->state))
		return ROTA_OK;
	ROTA_TRY(edit(l, d->id));
	l->left++;
	return ROTA_OK;
}

static void tell(struct leaving *l, const char *id, enum rota_err err)
{
	fprintf(stderr, "rota: device %.16s...: %s\n", id, l->s->why.text);
	l->away = err == ROTA_ERR_NET || err == ROTA_ERR_TIMEOUT;
	l->failed++;
}

/* One that cannot leave keeps no other one back. */
static void leave_one(struct leaving *l, const char *id)
{
	const struct rota_regdb *reg = &l->fleet.reg;
	struct rota_reg_device d;
	enum rota_err err = reg->device(reg->ctx, id, &d, &l->s->why);

	if (err == ROTA_ERR_NOT_FOUND)
		rota_fail(&l->s->why, err, "the registry has no device %.70s", id);
	if (err == ROTA_OK)
		err = leave(l, &d);
	if (err != ROTA_OK)
		tell(l, id, err);
}

/* ---- who said so himself ---- */

static enum rota_err take_gone(void *to, const struct rota_reg_device *d)
{
	struct leaving *l = to;
	uint8_t id[ROTA_DIGEST_LEN];

	if (d->state == ROTA_REG_DECOMMISSIONED && !is_over(l, d->id) &&
		rota_unhex(d->id, ROTA_BUF(id)))
		digestset_add(&l->said, id);
	return ROTA_OK;
}

/* The registry's word alone revokes nobody. */
static enum rota_err find_said(struct leaving *l)
{
	const struct rota_regdb *reg = &l->fleet.reg;
	enum rota_err err;

	ROTA_TRY(reg->each(reg->ctx, take_gone, l, &l->s->why));
	if (l->said.count == 0)
		return ROTA_OK;
	err = registry_said(l->s, reg, &l->said);
	if (err == ROTA_ERR_NOT_FOUND)
		fprintf(stderr, "rota: %s\n", l->s->why.text);
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
}

static enum rota_err leave_gone(struct leaving *l)
{
	char hex[ROTA_DB_ID_LEN];
	uint64_t done = 0;

	ROTA_TRY(find_said(l));
	for (size_t i = 0; i < l->said.room && !l->away; i++) {
		const struct digestset_slot *one = &l->said.slots[i];

		if (!one->taken)
			continue;
		rota_hex(ROTA_SPAN(one->key), hex);
		if (!one->value) {
			fprintf(stderr,
				"rota: device %.16s...: the registry has it as over, and no "
				"statement of "
				"its own says so: who means it names it\n",
				hex);
			l->unproven++;
		} else if (done++ < limit) {
			leave_one(l, hex);
		} else {
			l->more++;
		}
	}
	return ROTA_OK;
}

/* ---- who is on the device CA's list, and of the fleet all the same ---- */

static enum rota_err leave_listed(struct leaving *l, const char *id)
{
	if (!is_over(l, id))
		ROTA_TRY(keep_over(l, id));
	ROTA_TRY(edit(l, id));
	l->left++;
	return ROTA_OK;
}

static enum rota_err take_listed(void *to, struct rota_span serial)
{
	struct leaving *l = to;
	const struct rota_regdb *reg = &l->fleet.reg;
	uint8_t id[ROTA_SHA256_LEN];
	char hex[ROTA_DB_ID_LEN];
	struct rota_reg_device d;
	enum rota_err err;

	rota_device_id(l->ca, serial, id);
	rota_hex(ROTA_SPAN(id), hex);
	err = reg->device(reg->ctx, hex, &d, &l->s->why);
	if (err == ROTA_ERR_NOT_FOUND || (err == ROTA_OK && !rota_reg_lives(d.state)))
		return ROTA_OK;
	if (err == ROTA_OK)
		err = leave_listed(l, hex);
	if (err != ROTA_OK)
		tell(l, hex, err);
	return err == ROTA_ERR_NET || err == ROTA_ERR_TIMEOUT ? err : ROTA_OK;
}

/* ---- the verb ---- */

static enum rota_err open_all(struct leaving *l)
{
	static const struct rota_fetch_settings settings = {
		.user_agent = "rota", .connect_s = 5, .stall_s = CALL_S
	};
	static char path[ROTA_FILE_PATH_MAX];

	if (!fleet_operators(l->s, path))
		return rota_fail(&l->s->why, ROTA_ERR_NOT_FOUND,
			"%s: [fleet] operators is not set: rotad's socket, by which the registry "
			"hears",
			l->s->dir.ini.path);
	l->rotad =
		(struct rota_fetch_server){ .url = "http://rotad", .socket = path, .plain = true };
	ROTA_TRY(campaign_fleet_open(l->s, &l->fleet));
	ROTA_TRY(read_over(l));
	ROTA_TRY(registry_authority(l->s, "device-ca", &l->ca));
	ROTA_TRY(registry_client(l->s, &l->client));
	l->fetch = rota_fetch_new(&settings);
	return l->fetch ? ROTA_OK : rota_fail(&l->s->why, ROTA_ERR_FULL, "libcurl does not start");
}

static void say(const struct leaving *l)
{
	if (l->more > 0)
		fprintf(stderr,
			"rota: %llu more said that they are over: the next run, or --most\n",
			(unsigned long long)l->more);
	if (json)
		printf("{\"failed\":%u,\"left\":%u,\"more\":%llu,\"revoked\":%u,\"unproven\":%u,"
		       "\"waiting\":%u}\n",
			l->failed, l->left, (unsigned long long)l->more, l->revoked, l->unproven,
			l->waiting);
	else
		printf("%u are over since now, %u left the registry, %u wait for approvals\n",
			l->revoked, l->left, l->waiting);
}

/* Whatever came of single devices, of those that are over there are lists; also where a run before this one got no further. */
static enum rota_err make_lists(struct leaving *l)
{
	struct registry_lists made;

	if (!gone && l->ended == 0)
		return ROTA_OK;
	if (registry_lists_make(l->s, l->client, false, &made) == ROTA_OK)
		return ROTA_OK;
	return rota_fail_in(&l->s->why,
		"%u are over since now, and maybe on no list yet: rota registry lists", l->revoked);
}

static enum rota_err run(struct leaving *l, int count, char **id)
{
	struct rota_fail first = { 0 };

	ROTA_TRY(open_all(l));
	for (int i = 0; i < count && !l->away; i++)
		leave_one(l, id[i]);
	if (gone && leave_gone(l) != ROTA_OK)
		first = l->s->why;
	ROTA_TRY(make_lists(l));
	if (gone)
		ROTA_TRY(registry_listed(l->s, "device-ca", take_listed, l));
	say(l);
	if (first.err != ROTA_OK)
		l->s->why = first;
	return first.err;
}

static void close_all(struct leaving *l)
{
	rota_client_close(l->client);
	rota_fetch_free(l->fetch);
	campaign_fleet_close(&l->fleet);
	digestset_free(&l->over, NULL);
	digestset_free(&l->said, NULL);
	X509_free(l->ca);
}

int verb_registry_decommission(int argc, char **argv)
{
	struct leaving l = { 0 };
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (!reason)
		return opts_wrong(&usage, "--reason is missing");
	if (most && (!gone || !opts_number(most, UINT32_MAX, &limit)))
		return opts_wrong(&usage, "--most: a number, with --gone");
	if (at == argc && !gone)
		return opts_wrong(&usage, "which DEVICE? or --gone");
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	l.s = &s;
	err = run(&l, argc - at, argv + at);
	close_all(&l);
	status = session_close(&s, err);
	return status == 0 && l.waiting + l.failed + l.unproven + l.more > 0 ? 1 : status;
}
