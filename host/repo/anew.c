/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/anew.h"
#include "host/repo/ahead.h"
#include "host/repo/chain.h"
#include "host/repo/store.h"
#include "host/repo/trust.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"

#include <string.h>

static json_t *root_role(const json_t *content)
{
	return json_object_get(json_object_get(content, "roles"), "root");
}

/* Of the keys that there were, how many stay. */
static size_t staying(const json_t *content, const struct rota_bundle_rekeying *how)
{
	const json_t *id;
	size_t i, stay = 0;

	json_array_foreach(json_object_get(root_role(content), "keyids"), i, id)
	{
		bool goes = false;

		for (size_t n = 0; n < how->swap_count; n++)
			goes |= strcmp(how->swaps[n].old, json_string_value(id)) == 0;
		stay += !goes;
	}
	return stay;
}

enum rota_err rota_anew_make(struct rota_desk *desk, const struct rota_bundle_rekeying *how,
	struct rota_bytes *file, struct rota_fail *why)
{
	const struct rota_party *party = rota_authdir_party(desk->dir, "root");
	json_t *content, *envelope;
	enum rota_err err;

	ROTA_TRY(rota_ahead_newest(desk->dir, &content, why));
	if (staying(content, how) >= party->threshold) {
		json_decref(content);
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"as many keys of root stay as its threshold: they sign an ordinary root "
			"(rota ceremony prepare --replace)");
	}
	json_object_del(content, "x-rota-slot-end");
	err = rota_bundle_rekey(desk, content, how, why);
	rota_metadata_stamp(
		content, "root", rota_chain_version(content) + 1, desk->now, party->lifetime_s);
	envelope = json_pack("{s:[],s:o}", "signatures", "signed", content);
	if (err == ROTA_OK)
		err = rota_json_encode(envelope, ROTA_JSON_FILE, file, why);
	json_decref(envelope);
	return err;
}

static bool has_signed(const json_t *signatures, const char *id)
{
	const json_t *one;
	size_t i;

	json_array_foreach(signatures, i, one)
	{
		const char *by = json_string_value(json_object_get(one, "keyid"));

		if (by && strcmp(by, id) == 0)
			return true;
	}
	return false;
}

static bool names(const json_t *content, const char *id)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(root_role(content), "keyids"), i, one)
	{
		if (json_is_string(one) && strcmp(json_string_value(one), id) == 0)
			return true;
	}
	return false;
}

/* Whether this seat signed now. */
static bool sign_seat(struct rota_desk *desk, const struct rota_seat *seat, json_t *envelope,
	const uint8_t digest[static ROTA_DIGEST_LEN])
{
	json_t *signatures = json_object_get(envelope, "signatures");
	struct rota_seat_sig sig;
	struct rota_fail ignored;
	char id[ROTA_DIGEST_HEX];

	if (rota_tokens_public(desk->tokens, seat, sig.key, &ignored) != ROTA_OK)
		return false;
	rota_p256_key_id(sig.key, id);
	if (!names(json_object_get(envelope, "signed"), id) || has_signed(signatures, id) ||
		rota_tokens_sign(desk->tokens, seat, digest, &sig, &ignored) != ROTA_OK)
		return false;
	json_array_append_new(signatures, rota_envelope_signature(&sig));
	return true;
}

enum rota_err rota_anew_sign(
	struct rota_desk *desk, json_t *envelope, unsigned *added, struct rota_fail *why)
{
	const struct rota_party *party = rota_authdir_party(desk->dir, "root");
	const json_t *content = json_object_get(envelope, "signed");
	const char *type = json_string_value(json_object_get(content, "_type"));
	uint8_t digest[ROTA_DIGEST_LEN];

	*added = 0;
	if (!rota_json_members(envelope, "signatures signed") || !type ||
		strcmp(type, "root") != 0 ||
		!json_is_array(json_object_get(envelope, "signatures")))
		return rota_fail(why, ROTA_ERR_FORMAT, "is no root");
	ROTA_TRY(rota_envelope_digest(content, digest, why));
	for (size_t i = 0; i < party->seat_count; i++)
		*added += sign_seat(desk, &party->seats[i], envelope, digest);
	if (*added)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_DENIED,
		"no token at hand has a key of this root that has not signed it");
}

/* One above all that were signed, or already here, by a run that was cut off. */
static enum rota_err check_version(const struct rota_authdir *dir, uint64_t version,
	struct rota_span file, struct rota_fail *why)
{
	struct rota_bytes there;
	uint64_t newest;
	bool same;

	ROTA_TRY(rota_store_newest(dir, "root", false, &newest, why));
	if (version > newest)
		return ROTA_OK;
	if (version == newest) {
		ROTA_TRY(rota_store_read(dir, "root", version, &there, why));
		same = rota_span_eq(rota_bytes_span(&there), file);
		rota_bytes_free(&there);
		if (same)
			return ROTA_OK;
	}
	return rota_fail(why, ROTA_ERR_VERSION,
		"root %llu is there already; make the new one again", (unsigned long long)newest);
}

/* Keys of slots that a root named which nobody follows any more. */
static enum rota_err drop_ahead(
	const struct rota_authdir *dir, uint64_t version, struct rota_fail *why)
{
	struct rota_ahead ahead;
	enum rota_err err;

	ROTA_TRY(rota_ahead_open(dir, &ahead, why));
	err = ROTA_OK;
	for (size_t i = 0; i < ahead.timeline.count && err == ROTA_OK; i++)
		if (ahead.timeline.at[i].version < version)
			err = rota_ahead_drop(dir, ahead.timeline.at[i].version, why);
	rota_ahead_close(&ahead);
	return err;
}

enum rota_err rota_anew_take(
	const struct rota_authdir *dir, struct rota_span file, struct rota_fail *why)
{
	json_t *content;
	uint64_t version;

	ROTA_TRY(rota_chain_begin(file, &content, why));
	version = rota_chain_version(content);
	json_decref(content);
	ROTA_TRY(check_version(dir, version, file, why));
	ROTA_TRY(drop_ahead(dir, version, why));
	ROTA_TRY(rota_store_put(dir, "root", version, file, why));
	return rota_trust_anchor(dir, file, why);
}
