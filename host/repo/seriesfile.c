/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/seriesfile.h"
#include "host/repo/ahead.h"
#include "host/repo/bundle.h"
#include "host/repo/chain.h"
#include "host/repo/store.h"
#include "host/repo/trust.h"
#include "host/series/series.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"

#include <string.h>

/* ---- made, carried ---- */

static enum rota_err wrong(struct rota_fail *why, const char *what)
{
	return rota_fail(
		why, ROTA_ERR_FORMAT, "%s is not what a series file holds (SPEC 23.2)", what);
}

static bool is_envelope(const json_t *value)
{
	return rota_json_members(value, "signatures signed") &&
		json_is_array(json_object_get(value, "signatures")) &&
		json_array_size(json_object_get(value, "signatures")) <= ROTA_SIGNERS_MAX &&
		json_is_object(json_object_get(value, "signed"));
}

static bool are_envelopes(const json_t *list, size_t most)
{
	bool good = json_is_array(list) && json_array_size(list) <= most;

	for (size_t i = 0; good && i < json_array_size(list); i++)
		good = is_envelope(json_array_get(list, i));
	return good;
}

static const char *text_of(const json_t *whole, const char *name)
{
	const char *text = json_string_value(json_object_get(whole, name));

	return text ? text : "";
}

static enum rota_err take(struct rota_seriesfile *f, struct rota_fail *why)
{
	const json_t *before = json_object_get(f->whole, "before");
	const json_t *next = json_object_get(f->whole, "roots_next");

	if (!rota_json_members(f->whole, "_type anchor before format product roots roots_next") ||
		strcmp(text_of(f->whole, "_type"), "rota-series") != 0)
		return wrong(why, "the file");
	if (json_integer_value(json_object_get(f->whole, "format")) != 1)
		return rota_fail(why, ROTA_ERR_UNSUPPORTED, "another format than 1");
	if (!json_is_null(before) && !is_envelope(before))
		return wrong(why, "'before'");
	if (!are_envelopes(json_object_get(f->whole, "roots"), ROTA_BUNDLE_ROOTS_MAX))
		return wrong(why, "'roots'");
	if (!are_envelopes(next, ROTA_SERIES_MAX) || json_array_size(next) < 2)
		return wrong(why, "'roots_next'");
	f->roots = json_array();
	for (size_t i = 0; i < json_array_size(next); i++)
		json_array_append(f->roots, json_object_get(json_array_get(next, i), "signed"));
	return ROTA_OK;
}

static enum rota_err add_published(
	const struct rota_authdir *dir, json_t *roots, struct rota_fail *why)
{
	uint64_t anchor, newest;

	ROTA_TRY(rota_trust_anchor_version(dir, &anchor, why));
	ROTA_TRY(rota_store_newest(dir, "root", false, &newest, why));
	for (uint64_t v = anchor + 1; v <= newest; v++) {
		json_t *one;

		ROTA_TRY(rota_store_envelope(dir, "root", v, &one, why));
		json_array_append_new(roots, one);
	}
	return ROTA_OK;
}

/* The root that the series follows, where it is not published yet; else null. */
static enum rota_err find_before(
	const struct rota_authdir *dir, const json_t *roots, json_t **before, struct rota_fail *why)
{
	uint64_t version = rota_chain_version(json_array_get(roots, 0)) - 1, newest;
	struct rota_bytes file;
	enum rota_err err;

	ROTA_TRY(rota_store_newest(dir, "root", false, &newest, why));
	if (version <= newest) {
		*before = json_null();
		return ROTA_OK;
	}
	ROTA_TRY(rota_ahead_file(dir, version, &file, why));
	err = rota_json_parse_strict(rota_bytes_span(&file), before, why);
	rota_bytes_free(&file);
	return err;
}

enum rota_err rota_seriesfile_make(const struct rota_authdir *dir, const json_t *roots,
	struct rota_seriesfile *out, struct rota_fail *why)
{
	json_t *published = json_array(), *next = json_array(), *before = NULL;
	char hex[ROTA_DIGEST_HEX];
	struct rota_bytes anchor;
	enum rota_err err;

	*out = (struct rota_seriesfile){ 0 };
	for (size_t i = 0; i < json_array_size(roots); i++)
		json_array_append_new(next,
			json_pack("{s:[],s:O}", "signatures", "signed", json_array_get(roots, i)));
	err = add_published(dir, published, why);
	if (err == ROTA_OK)
		err = find_before(dir, roots, &before, why);
	if (err == ROTA_OK)
		err = rota_trust_anchor_read(dir, &anchor, why);
	if (err != ROTA_OK) {
		json_decref(published);
		json_decref(next);
		json_decref(before);
		return err;
	}
	rota_digest_hex(rota_bytes_span(&anchor), hex);
	rota_bytes_free(&anchor);
	out->whole = json_pack("{s:s,s:s,s:o,s:i,s:s,s:o,s:o}", "_type", "rota-series", "anchor",
		hex, "before", before, "format", 1, "product", dir->product, "roots", published,
		"roots_next", next);
	return take(out, why);
}

enum rota_err rota_seriesfile_load(
	const char *path, struct rota_seriesfile *out, struct rota_fail *why)
{
	enum rota_err err;

	*out = (struct rota_seriesfile){ 0 };
	ROTA_TRY(rota_json_load(path, ROTA_BUNDLE_MAX, &out->whole, why));
	err = take(out, why);
	if (err == ROTA_OK)
		return ROTA_OK;
	rota_seriesfile_free(out);
	return rota_fail_in(why, "%s", path);
}

enum rota_err rota_seriesfile_save(
	const struct rota_seriesfile *f, const char *path, struct rota_fail *why)
{
	struct rota_bytes text;
	enum rota_err err;

	ROTA_TRY(rota_json_encode(f->whole, ROTA_JSON_FILE, &text, why));
	err = text.len > ROTA_BUNDLE_MAX ? rota_fail(why, ROTA_ERR_LIMIT,
						   "the series file would be too long; make fewer "
						   "slots")
					 : rota_file_write(path, rota_bytes_span(&text), 0644, why);
	rota_bytes_free(&text);
	return err;
}

void rota_seriesfile_free(struct rota_seriesfile *f)
{
	json_decref(f->roots);
	json_decref(f->before);
	json_decref(f->newest);
	json_decref(f->whole);
	*f = (struct rota_seriesfile){ 0 };
}

/* ---- verified ---- */

static enum rota_err open_anchor(
	const struct rota_authdir *dir, struct rota_seriesfile *f, struct rota_fail *why)
{
	char hex[ROTA_DIGEST_HEX];
	struct rota_bytes anchor;
	enum rota_err err = ROTA_OK;

	ROTA_TRY(rota_trust_anchor_read(dir, &anchor, why));
	rota_digest_hex(rota_bytes_span(&anchor), hex);
	if (strcmp(hex, text_of(f->whole, "anchor")) != 0)
		err = rota_fail(why, ROTA_ERR_HASH,
			"the series is of another repository: its first root is not "
			"%s/trust/root.json",
			dir->dir);
	else if (strcmp(dir->product, text_of(f->whole, "product")) != 0)
		err = rota_fail(why, ROTA_ERR_PRODUCT, "the series is of product %s, not %s",
			text_of(f->whole, "product"), dir->product);
	else
		err = rota_chain_begin(rota_bytes_span(&anchor), &f->newest, why);
	rota_bytes_free(&anchor);
	return err;
}

/* A landing root that waits: those between are with a keeper perhaps, and nobody needs them. It has the keys of root that the
 * newest published one has, or it is none of this series; so what root's people signed is what this is. */
static enum rota_err open_before(struct rota_seriesfile *f, struct rota_fail *why)
{
	const json_t *envelope = json_object_get(f->whole, "before");
	struct rota_delegation who;
	struct rota_bytes file;
	enum rota_err err;

	if (json_is_null(envelope)) {
		f->before = json_incref(f->newest);
		return ROTA_OK;
	}
	if (!rota_chain_find(f->newest, "root", &who))
		return wrong(why, "the newest root");
	ROTA_TRY(rota_json_encode(envelope, ROTA_JSON_FILE, &file, why));
	err = rota_envelope_verify(
		rota_bytes_span(&file), who.keys, who.keyids, who.threshold, &f->before, why);
	rota_bytes_free(&file);
	if (err != ROTA_OK)
		return rota_fail_in(why, "'before'");
	if (strcmp(text_of(f->before, "_type"), "root") == 0 &&
		rota_chain_version(f->before) > rota_chain_version(f->newest) &&
		json_equal(json_object_get(json_object_get(f->before, "roles"), "root"),
			json_object_get(json_object_get(f->newest, "roles"), "root")))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_VERSION, "'before' is no root behind the published ones");
}

static enum rota_err check_signatures(
	const struct rota_seriesfile *f, const json_t *envelope, struct rota_fail *why)
{
	const json_t *list = json_object_get(envelope, "signatures");
	const json_t *content = json_object_get(envelope, "signed");
	uint8_t digest[ROTA_DIGEST_LEN], point[ROTA_P256_KEY_LEN];
	struct rota_delegation who;
	json_t *seen = json_object();
	bool good = rota_chain_find(f->before, "root", &who);
	enum rota_err err = rota_envelope_digest(content, digest, why);

	for (size_t i = 0; err == ROTA_OK && good && i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		const char *id = text_of(one, "keyid");

		good = rota_json_members(one, "keyid sig") && !json_object_get(seen, id) &&
			rota_envelope_good(one, who.keys, who.keyids, digest, point);
		json_object_set_new(seen, id, json_true());
	}
	json_decref(seen);
	if (err != ROTA_OK || good)
		return err;
	return rota_fail(why, ROTA_ERR_SIGNATURE,
		"root %llu: a signature does not verify, stands twice, or is of a key that may not "
		"sign it",
		(unsigned long long)rota_chain_version(content));
}

enum rota_err rota_seriesfile_open(const struct rota_authdir *dir, struct rota_seriesfile *f,
	uint64_t now, struct rota_fail *why)
{
	const json_t *published = json_object_get(f->whole, "roots");
	const json_t *next = json_object_get(f->whole, "roots_next");

	ROTA_TRY(open_anchor(dir, f, why));
	for (size_t i = 0; i < json_array_size(published); i++)
		if (rota_chain_succeed_by(&f->newest, json_array_get(published, i), why) != ROTA_OK)
			return rota_fail_in(why, "root after version %llu",
				(unsigned long long)rota_chain_version(f->newest));
	ROTA_TRY(open_before(f, why));
	ROTA_TRY(rota_series_judge(
		f->before, f->roots, rota_authdir_party(dir, "root")->lifetime_s, now, why));
	for (size_t i = 0; i < json_array_size(next); i++)
		ROTA_TRY(check_signatures(f, json_array_get(next, i), why));
	return ROTA_OK;
}

/* ---- together ---- */

bool rota_seriesfile_complete(const struct rota_seriesfile *f)
{
	const json_t *next = json_object_get(f->whole, "roots_next");
	struct rota_delegation who;
	bool complete = rota_chain_find(f->before, "root", &who);

	for (size_t i = 0; i < json_array_size(next); i++)
		complete &= json_array_size(json_object_get(
				    json_array_get(next, i), "signatures")) >= who.threshold;
	return complete;
}

static bool has_signed(const json_t *signatures, const char *id)
{
	for (size_t i = 0; i < json_array_size(signatures); i++)
		if (strcmp(text_of(json_array_get(signatures, i), "keyid"), id) == 0)
			return true;
	return false;
}

enum rota_err rota_seriesfile_merge(
	struct rota_seriesfile *to, const struct rota_seriesfile *from, struct rota_fail *why)
{
	const json_t *ours = json_object_get(to->whole, "roots_next");
	const json_t *theirs = json_object_get(from->whole, "roots_next");

	if (!json_equal(to->roots, from->roots))
		return rota_fail(why, ROTA_ERR_HASH, "the copies are of two series");
	for (size_t i = 0; i < json_array_size(ours); i++) {
		json_t *list = json_object_get(json_array_get(ours, i), "signatures");
		const json_t *more = json_object_get(json_array_get(theirs, i), "signatures");

		for (size_t n = 0; n < json_array_size(more); n++)
			if (!has_signed(list, text_of(json_array_get(more, n), "keyid")))
				json_array_append(list, json_array_get(more, n));
	}
	return ROTA_OK;
}

/* ---- signed ---- */

static enum rota_err sign_all(struct rota_desk *desk, struct rota_seriesfile *f,
	const struct rota_seat *seat, const char *id, struct rota_fail *why)
{
	const json_t *next = json_object_get(f->whole, "roots_next");

	for (size_t i = 0; i < json_array_size(next); i++) {
		const json_t *envelope = json_array_get(next, i);
		json_t *list = json_object_get(envelope, "signatures");
		uint8_t digest[ROTA_DIGEST_LEN];
		struct rota_seat_sig sig;

		if (has_signed(list, id))
			continue;
		ROTA_TRY(rota_envelope_digest(json_object_get(envelope, "signed"), digest, why));
		ROTA_TRY(rota_tokens_sign(desk->tokens, seat, digest, &sig, why));
		json_array_append_new(list, rota_envelope_signature(&sig));
	}
	return ROTA_OK;
}

static bool may_sign(const struct rota_seriesfile *f, const char *id)
{
	struct rota_delegation who;

	if (!rota_chain_find(f->before, "root", &who))
		return false;
	for (size_t i = 0; i < json_array_size(who.keyids); i++)
		if (strcmp(json_string_value(json_array_get(who.keyids, i)), id) == 0)
			return true;
	return false;
}

static bool all_signed(const struct rota_seriesfile *f, const char *id)
{
	const json_t *next = json_object_get(f->whole, "roots_next");

	for (size_t i = 0; i < json_array_size(next); i++)
		if (!has_signed(json_object_get(json_array_get(next, i), "signatures"), id))
			return false;
	return true;
}

enum rota_err rota_seriesfile_sign(
	struct rota_desk *desk, struct rota_seriesfile *f, unsigned *keys, struct rota_fail *why)
{
	const struct rota_party *party = rota_authdir_party(desk->dir, "root");

	*keys = 0;
	*why = (struct rota_fail){ 0 };
	for (size_t i = 0; i < party->seat_count && !rota_seriesfile_complete(f); i++) {
		uint8_t point[ROTA_P256_KEY_LEN];
		char id[ROTA_DIGEST_HEX];

		if (rota_tokens_public(desk->tokens, &party->seats[i], point, why) != ROTA_OK)
			continue;
		rota_p256_key_id(point, id);
		if (!may_sign(f, id) || all_signed(f, id))
			continue;
		ROTA_TRY(rota_seriesfile_remember(desk->dir, f, desk->now, why));
		ROTA_TRY(sign_all(desk, f, &party->seats[i], id, why));
		++*keys;
	}
	return ROTA_OK;
}
