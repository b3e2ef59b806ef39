/* SPDX-License-Identifier: Apache-2.0 */
/* What is no role's file: images, signed time, tickets, events. Each signature begins with its own words, so that it is
 * none of anything else. */
#include "host/notary/judge_parts.h"
#include "host/notary/refusal.h"
#include "host/repo/bins.h"
#include "host/repo/judge.h"
#include "host/repo/store.h"
#include "rota/base/writer.h"

#include <string.h>

static uint64_t number(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

/* ---- images (SPEC 19.3) ---- */

static bool same_hardware(const struct rota_artifact *a, const json_t *list)
{
	if (json_array_size(list) != a->hardware_count)
		return false;
	for (size_t i = 0; i < a->hardware_count; i++)
		if (!rota_span_eq(rota_name_span(&a->hardware[i]),
			    rota_span_cstr(json_string_value(json_array_get(list, i)))))
			return false;
	return true;
}

/* The request says of the image what the daemon read in it. */
static enum rota_err agrees(const struct trial *t, const struct rota_artifact *a,
	const uint8_t digest[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	const json_t *body = t->ask->body;
	uint64_t version;

	if (!a->image || a->length != number(body, "length") ||
		memcmp(a->digest, digest, ROTA_DIGEST_LEN) != 0)
		return rota_refuse(why, ROTA_REFUSED_BYTES,
			"the artifact is no image, or not of that digest and length");
	if (!rota_span_eq(rota_name_span(&a->product), rota_span_cstr(t->ask->scope)) ||
		!same_hardware(a, json_object_get(body, "hardware")))
		return rota_refuse(why, ROTA_REFUSED_PRODUCT,
			"the image is for product %.*s, or for other hardware", a->product.len,
			(const char *)a->product.text);
	if (!rota_version_of(rota_judge_text(body, "version"), &version) || version != a->version ||
		number(body, "counter") != a->counter)
		return rota_refuse(why, ROTA_REFUSED_VERSION,
			"the image has another version or security counter");
	return ROTA_OK;
}

enum rota_err judge_image(struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	uint8_t sha256[ROTA_DIGEST_LEN], digest[ROTA_DIGEST_LEN];
	const struct rota_artifact *a;

	if (!rota_unhex(rota_judge_text(t->ask->body, "sha256"), ROTA_BUF(sha256)) ||
		!rota_unhex(rota_judge_text(t->ask->body, "digest"), ROTA_BUF(digest)))
		return rota_refuse(why, ROTA_REFUSED_MEMBER, "no digest");
	a = rota_records_artifact(t->j->records, t->ask->scope, sha256);
	if (!a)
		return rota_refuse(why, ROTA_REFUSED_BYTES,
			"no artifact of that digest was posted for this scope; post it first");
	ROTA_TRY(agrees(t, a, digest, why));
	if (a->counter < rota_records_counter(t->j->records, t->ask->scope))
		return rota_refuse(why, ROTA_REFUSED_LOWER,
			"security counter %u is below the %u of an image that was signed before",
			a->counter, rota_records_counter(t->j->records, t->ask->scope));
	memcpy(out->leaf.message, digest, sizeof(digest));
	memcpy(out->leaf.digest, sha256, sizeof(sha256));
	return ROTA_OK;
}

/* ---- time (SPEC 5.5), tickets (SPEC 10.9) ---- */

enum rota_err judge_time(struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	const char *device = rota_judge_text(t->ask->body, "device");
	uint8_t room[128], nonce[16];
	struct rota_writer w = rota_writer(ROTA_BUF(room));
	struct rota_span text;

	if (!rota_unhex(rota_judge_text(t->ask->body, "nonce"), ROTA_BUF(nonce)))
		return rota_refuse(why, ROTA_REFUSED_MEMBER, "no nonce");
	rota_write_span(&w, ROTA_STR("rota-time-v1"));
	rota_write_span(&w, ROTA_SPAN(nonce));
	rota_write_span(&w, rota_span_cstr(device));
	rota_write_le64(&w, t->j->now);
	ROTA_TRY(rota_writer_end(&w, &text));
	rota_digest_of(text, out->leaf.message);
	out->time_s = t->j->now;
	return ROTA_OK;
}

enum rota_err judge_ticket(struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	uint8_t room[128];
	struct rota_writer w = rota_writer(ROTA_BUF(room));
	struct rota_span text;

	(void)why;
	rota_write_span(&w, ROTA_STR("rota-ticket-v1"));
	rota_write_span(&w, rota_span_cstr(rota_judge_text(t->ask->body, "device")));
	rota_write_le32(&w, (uint32_t)number(t->ask->body, "number"));
	rota_write_le32(&w, (uint32_t)number(t->ask->body, "seconds"));
	ROTA_TRY(rota_writer_end(&w, &text));
	rota_digest_of(text, out->leaf.message);
	return ROTA_OK;
}

/* ---- events ---- */

/* What `releases` lists under a path, in its own file or a bin, verified. */
static enum rota_err find_listed(void *ctx, const char *path, json_t **entry, struct rota_fail *why)
{
	const struct trial *t = ctx;
	json_t *holder;
	char bin[ROTA_BIN_NAME_MAX];
	struct rota_bytes file;
	json_t *content;
	uint64_t version;
	unsigned bits;
	enum rota_err err;

	ROTA_TRY(rota_store_signed(t->dir, "releases", &holder, why));
	err = rota_bins_of(holder, "releases", &bits, why);
	if (err == ROTA_OK && bits) {
		rota_bins_name("releases", bits, rota_bins_index(path, bits), bin);
		err = rota_store_newest(t->dir, bin, true, &version, why);
		if (err == ROTA_OK)
			err = rota_store_read(t->dir, bin, version, &file, why);
		if (err == ROTA_OK) {
			err = rota_bins_verify(holder, rota_bytes_span(&file), &content, why);
			rota_bytes_free(&file);
		}
		json_decref(holder);
		holder = err == ROTA_OK ? content : NULL;
	}
	*entry = json_incref(json_object_get(json_object_get(holder, "targets"), path));
	json_decref(holder);
	return err;
}

/* A release that people signed: listed where it verifies, and read as a device would. */
static enum rota_err judge_released(
	struct trial *t, const json_t *event, struct rota_leaf *leaf, struct rota_fail *why)
{
	const struct rota_duty *duty = rota_duty_find("releases");
	const char *path = rota_judge_text(event, "path");
	uint8_t listed[ROTA_DIGEST_LEN];
	const struct judge_list list = { t, find_listed };
	json_t *entry;
	enum rota_err err;
	bool same;

	/* its rule says which builders and officers it takes (SPEC 26.9), another role's does not */
	if (strcmp(t->ask->role, "releases") != 0)
		return rota_refuse(
			why, ROTA_REFUSED_ROLE, "a release is recorded in role releases");
	if (!rota_unhex(rota_judge_text(event, "digest"), ROTA_BUF(leaf->digest)) ||
		!rota_judge_is_read(duty, path))
		return rota_refuse(why, ROTA_REFUSED_MEMBER,
			"a release has 'digest' and 'path' of its release.json");
	if (find_listed(t, path, &entry, why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_BYTES);
	same = judge_digest_of(entry, listed) && memcmp(listed, leaf->digest, sizeof(listed)) == 0;
	leaf->path = rota_span_cstr(path);
	if (same)
		err = judge_origin_file(t, path, entry, &list, why);
	else
		err = rota_refuse(
			why, ROTA_REFUSED_BYTES, "role releases lists no %s of that digest", path);
	json_decref(entry);
	return err;
}

uint8_t rota_judge_event(const char *word)
{
	static const struct {
		const char *word;
		enum rota_leaf_kind kind;
	} events[] = {
		{ "release", ROTA_LEAF_RELEASE },
		{ "ceremony", ROTA_LEAF_CEREMONY },
		{ "promotion", ROTA_LEAF_PROMOTION },
		{ "incident", ROTA_LEAF_INCIDENT },
		{ "key", ROTA_LEAF_KEY },
		{ "series", ROTA_LEAF_SERIES },
		{ "reconciled", ROTA_LEAF_RECONCILED },
		{ "unwrapped", ROTA_LEAF_UNWRAPPED },
	};

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (strcmp(word, events[i].word) == 0)
			return (uint8_t)events[i].kind;
	return 0;
}

enum rota_err judge_record(struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	const json_t *event = json_object_get(t->ask->body, "event");
	const char *word = rota_judge_text(event, "kind");

	out->leaf.kind = rota_judge_event(word);
	if (out->leaf.kind == 0)
		return rota_refuse(why, ROTA_REFUSED_KIND, "there is no event '%s'", word);
	if (out->leaf.kind == ROTA_LEAF_RELEASE)
		return judge_released(t, event, &out->leaf, why);
	out->leaf.path = rota_span_cstr(rota_judge_text(event, "path"));
	if (json_object_get(event, "digest") &&
		!rota_unhex(rota_judge_text(event, "digest"), ROTA_BUF(out->leaf.digest)))
		return rota_refuse(why, ROTA_REFUSED_MEMBER, "no digest");
	return ROTA_OK;
}
