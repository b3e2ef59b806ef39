/* SPDX-License-Identifier: Apache-2.0 */
/* What a thief makes of stolen keys: metadata that says what he likes, signed by what he has. */
#include "apps/rota/drill.h"
#include "host/base/when.h"
#include "host/repo/chain.h"
#include "host/repo/store.h"
#include "host/series/hands.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"
#include "rota/codec/der.h"

#include <openssl/ec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIFE_S 86400
#define POLICY_MAX 65536

/* His own key, made once: nobody stole it. */
static EVP_PKEY *own_key(uint8_t point[static ROTA_P256_KEY_LEN])
{
	static EVP_PKEY *key;

	if (!key)
		key = EVP_EC_gen("P-256");
	if (!key || !rota_p256_of_pkey(key, point))
		abort(); /* no entropy, no drill */
	return key;
}

static enum rota_err sign_own(
	const uint8_t digest[static ROTA_DIGEST_LEN], struct rota_seat_sig *sig)
{
	EVP_PKEY *key = own_key(sig->key);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t der[ROTA_DER_ECDSA_MAX];
	size_t len = sizeof(der);
	enum rota_err err = ROTA_ERR_IO;

	if (ctx && EVP_PKEY_sign_init(ctx) == 1 &&
		EVP_PKEY_sign(ctx, der, &len, digest, ROTA_DIGEST_LEN) == 1)
		err = rota_der_ecdsa_decode(rota_span(der, len), ROTA_BUF(sig->sig));
	EVP_PKEY_CTX_free(ctx);
	return err;
}

/* By the key of a slot that he took with everything else. */
static enum rota_err sign_slot(struct drill *d, const struct drill_hand *hand,
	const uint8_t digest[static ROTA_DIGEST_LEN], struct rota_seat_sig *sig)
{
	const struct rota_slot_opener *slots = &hand->by->slots;
	char label[ROTA_SLOT_LABEL_MAX];
	struct rota_signer signer;
	enum rota_err err;

	rota_slot_label(hand->party, hand->slot, label);
	ROTA_TRY(slots->open(slots->ctx, hand->slot, false, &signer, &d->why));
	err = signer.public_key(signer.ctx, label, sig->key, &d->why);
	if (err == ROTA_OK)
		err = signer.sign(signer.ctx, label, digest, sig->sig, &d->why);
	signer.close(signer.ctx);
	return err;
}

static enum rota_err sign_hand(struct drill *d, const struct drill_hand *hand,
	const uint8_t digest[static ROTA_DIGEST_LEN], json_t *list)
{
	const struct rota_party *party;
	struct rota_seat_sig sig;
	size_t count;

	if (!hand->by) {
		ROTA_TRY(sign_own(digest, &sig));
		json_array_append_new(list, rota_envelope_signature(&sig));
		return ROTA_OK;
	}
	if (hand->slot) {
		ROTA_TRY(sign_slot(d, hand, digest, &sig));
		json_array_append_new(list, rota_envelope_signature(&sig));
		return ROTA_OK;
	}
	party = rota_authdir_party(&hand->by->dir, hand->party);
	count = hand->count ? hand->count : party->threshold;
	for (size_t i = 0; i < count; i++) {
		ROTA_TRY(rota_tokens_sign(
			&hand->by->tokens, &party->seats[hand->first + i], digest, &sig, &d->why));
		json_array_append_new(list, rota_envelope_signature(&sig));
	}
	return ROTA_OK;
}

enum rota_err drill_newest(
	struct drill *d, const struct session *in, const char *role, json_t **content)
{
	json_t *envelope;
	uint64_t version;

	ROTA_TRY(rota_store_newest(&in->dir, role, true, &version, &d->why));
	ROTA_TRY(rota_store_envelope(&in->dir, role, version, &envelope, &d->why));
	*content = json_deep_copy(json_object_get(envelope, "signed"));
	json_decref(envelope);
	return ROTA_OK;
}

static char *front_name(struct drill *d, const char *role, uint64_t version)
{
	if (strcmp(role, "timestamp") == 0)
		return rota_text("%s/metadata/timestamp.json", d->front);
	return rota_text("%s/metadata/%llu.%s.json", d->front, (unsigned long long)version, role);
}

enum rota_err drill_forge(struct drill *d, const char *role, uint64_t version, json_t *content,
	const struct drill_hand *hands, size_t count)
{
	json_t *list = json_array(),
	       *whole = json_pack("{s:o,s:o}", "signatures", list, "signed", content);
	char *path = front_name(d, role, version);
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_bytes file;
	enum rota_err err;

	rota_metadata_stamp(content, role, version, rota_when_now(), LIFE_S);
	err = rota_envelope_digest(content, digest, &d->why);
	for (size_t i = 0; i < count && err == ROTA_OK; i++)
		err = sign_hand(d, &hands[i], digest, list);
	if (err == ROTA_OK)
		err = rota_json_encode(whole, ROTA_JSON_FILE, &file, &d->why);
	json_decref(whole);
	if (err == ROTA_OK) {
		err = rota_file_write(path, rota_bytes_span(&file), 0644, &d->why);
		rota_bytes_free(&file);
	}
	free(path);
	return err;
}

/* The entry of a forged file: whichever version of the role lies in the front. */
static enum rota_err entry_of(struct drill *d, const char *role, uint64_t version, json_t **entry)
{
	char *path = front_name(d, role, version), hex[ROTA_DIGEST_HEX];
	struct rota_bytes file;
	enum rota_err err = rota_file_read(path, ROTA_ENVELOPE_MAX, &file, &d->why);

	free(path);
	ROTA_TRY(err);
	rota_digest_hex(rota_bytes_span(&file), hex);
	*entry = json_pack("{s:{s:s},s:I,s:I}", "hashes", "sha256", hex, "length",
		(json_int_t)file.len, "version", (json_int_t)version);
	rota_bytes_free(&file);
	return ROTA_OK;
}

/* The version that was forged is one above the one that is listed. */
static enum rota_err list_forged(struct drill *d, const char *const *roles, json_t *meta)
{
	for (; *roles; roles++) {
		char name[64];
		json_t *entry;

		snprintf(name, sizeof(name), "%s.json", *roles);
		ROTA_TRY(entry_of(
			d, *roles, rota_chain_version(json_object_get(meta, name)) + 1, &entry));
		json_object_set_new(meta, name, entry);
	}
	return ROTA_OK;
}

enum rota_err drill_carry(struct drill *d, const char *const *roles, uint64_t snapshot,
	uint64_t timestamp, const struct drill_hand hands[static 2])
{
	json_t *content, *entry;
	enum rota_err err;

	ROTA_TRY(drill_newest(d, &d->mine, "snapshot", &content));
	err = list_forged(d, roles, json_object_get(content, "meta"));
	if (err != ROTA_OK) {
		json_decref(content);
		return err;
	}
	ROTA_TRY(drill_forge(d, "snapshot", snapshot, content, &hands[0], 1));
	ROTA_TRY(entry_of(d, "snapshot", snapshot, &entry));
	content = json_pack("{s:{s:o}}", "meta", "snapshot.json", entry);
	return drill_forge(d, "timestamp", timestamp, content, &hands[1], 1);
}

enum rota_err drill_bring_targets(struct drill *d)
{
	char *from = rota_text("%s/targets/.", d->thief.dir.repo),
	     *to = rota_text("%s/targets", d->front);
	enum rota_err err = drill_copy(d, from, to);

	free(from);
	free(to);
	return err;
}

static json_t *entry_in(json_t *content, const char *role, json_t **keys)
{
	json_t *delegations = json_object_get(content, "delegations"), *one;
	size_t i;

	*keys = json_object_get(delegations ? delegations : content, "keys");
	json_array_foreach(json_object_get(delegations, "roles"), i, one)
	{
		if (strcmp(json_string_value(json_object_get(one, "name")), role) == 0)
			return one;
	}
	return json_object_get(json_object_get(content, "roles"), role);
}

void drill_usurp(json_t *content, const char *role)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	char id[ROTA_DIGEST_HEX];
	json_t *keys, *entry = entry_in(content, role, &keys);

	(void)own_key(point);
	rota_p256_key_id(point, id);
	json_object_set_new(keys, id, rota_p256_key_object(point));
	json_object_set_new(entry, "keyids", json_pack("[s]", id));
	json_object_set_new(entry, "threshold", json_integer(1));
}

enum rota_err drill_next_version(struct drill *d, const char *role, uint64_t *version)
{
	ROTA_TRY(rota_store_newest(&d->mine.dir, role, false, version, &d->why));
	++*version;
	return ROTA_OK;
}

enum rota_err drill_forge_next(struct drill *d, const char *role, json_t *content,
	const struct drill_hand *hands, size_t count)
{
	uint64_t version;

	ROTA_TRY(drill_next_version(d, role, &version));
	return drill_forge(d, role, version, content, hands, count);
}

/* ---- policies ---- */

static char *target_path(const char *repo, const char *product, const char *hex)
{
	return rota_text("%s/targets/rollouts/%s.%s.json", repo, hex, product);
}

static enum rota_err load_policy(
	struct drill *d, const struct session *in, json_t *content, json_t **policy)
{
	char *name = rota_text("rollouts/%s.json", in->dir.product), *path;
	const json_t *entry = json_object_get(json_object_get(content, "targets"), name);
	const char *hex =
		json_string_value(json_object_get(json_object_get(entry, "hashes"), "sha256"));
	enum rota_err err;

	free(name);
	if (!hex)
		return rota_fail(&d->why, ROTA_ERR_NOT_FOUND, "there is no policy to forge");
	path = target_path(in->dir.repo, in->dir.product, hex);
	err = rota_json_load(path, POLICY_MAX, policy, &d->why);
	free(path);
	return err;
}

/* The policy that `in` has, with another sequence, as `hand` signs it; `change` sees it first. */
enum rota_err drill_forge_policy(struct drill *d, const struct session *in, uint64_t sequence,
	const struct drill_hand *hand, void (*change)(json_t *policy))
{
	char *name = rota_text("rollouts/%s.json", in->dir.product), *path;
	char hex[ROTA_DIGEST_HEX];
	struct rota_bytes text;
	json_t *content, *policy;
	enum rota_err err;

	ROTA_TRY(drill_newest(d, in, "rollouts", &content));
	ROTA_TRY(load_policy(d, in, content, &policy));
	json_object_set_new(policy, "sequence", json_integer((json_int_t)sequence));
	if (change)
		change(policy);
	ROTA_TRY(rota_json_encode(policy, ROTA_JSON_FILE, &text, &d->why));
	rota_digest_hex(rota_bytes_span(&text), hex);
	path = target_path(d->front, in->dir.product, hex);
	err = rota_file_write(path, rota_bytes_span(&text), 0644, &d->why);
	json_object_set_new(json_object_get(content, "targets"), name,
		json_pack(
			"{s:{s:s},s:I}", "hashes", "sha256", hex, "length", (json_int_t)text.len));
	rota_bytes_free(&text);
	json_decref(policy);
	free(path);
	free(name);
	ROTA_TRY(err);
	return drill_forge_next(d, "rollouts", content, hand, 1);
}

/* One above the sequence that counts. */
enum rota_err drill_next_sequence(struct drill *d, uint64_t *sequence)
{
	json_t *content, *policy;
	enum rota_err err;

	ROTA_TRY(drill_newest(d, &d->mine, "rollouts", &content));
	err = load_policy(d, &d->mine, content, &policy);
	json_decref(content);
	ROTA_TRY(err);
	*sequence = (uint64_t)json_integer_value(json_object_get(policy, "sequence")) + 1;
	json_decref(policy);
	return ROTA_OK;
}
