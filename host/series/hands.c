/* SPDX-License-Identifier: Apache-2.0 */
#include "host/series/hands.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"

#include <stdio.h>
#include <string.h>

/* What the other notary signed. */
struct granted {
	struct rota_seat_sig sig[ROTA_SIGNERS_MAX];
	size_t count;
};

void rota_slot_label(const char *role, uint64_t version, char out[static ROTA_SLOT_LABEL_MAX])
{
	snprintf(out, ROTA_SLOT_LABEL_MAX, "%.9s-%llu", role, (unsigned long long)version);
}

/* The one key that a root gives to a role: its id, or "". */
static const char *key_id(const json_t *root, const char *role)
{
	const json_t *entry = json_object_get(json_object_get(root, "roles"), role);
	const char *id = json_string_value(json_array_get(json_object_get(entry, "keyids"), 0));

	return id ? id : "";
}

static enum rota_err named_key(const json_t *root, const char *role,
	uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	const json_t *key = json_object_get(json_object_get(root, "keys"), key_id(root, role));

	if (rota_p256_of_object(key, point) == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT, "root %lld names no key for %s",
		(long long)json_integer_value(json_object_get(root, "version")), role);
}

/* Before a slot's key signs, the log has what and with which slot: where there is one, no signature is without its entry.
 * *logged: there is one. */
static enum rota_err tell(struct rota_hands *h, const struct rota_hand *hand, const char *role,
	const uint8_t digest[static ROTA_DIGEST_LEN], bool *logged, struct rota_fail *why)
{
	struct rota_notary_event event = { .role = role };
	char hex[ROTA_DIGEST_HEX];
	uint64_t entry;
	json_t *whole;
	enum rota_err err;

	rota_hex(rota_span(digest, ROTA_DIGEST_LEN), hex);
	whole = json_pack("{s:s,s:{s:s,s:s,s:s,s:I}}", "kind", "series", "what", "did", "sign",
		"key", key_id(hand->root, role), "message", hex, "slot", (json_int_t)hand->version);
	event.event = whole;
	err = h->rest->record(h->rest->ctx, &event, &entry, why);
	json_decref(whole);
	*logged = err == ROTA_OK && entry != ROTA_NOTARY_NO_ENTRY;
	return err;
}

/* Where there is a log, somebody behind it judges each file of these roles, and counts its versions: he sees this one too. Of use are
 * his signatures with the keys of an ordinary root, and with those of slots that he holds. */
static enum rota_err have_judged(struct rota_hands *h, const struct rota_notary_file *file,
	const uint8_t digest[static ROTA_DIGEST_LEN], struct granted *out, struct rota_fail *why)
{
	bool logged = false, plain = false;

	*out = (struct granted){ .count = 0 };
	for (size_t i = 0; i < h->count; i++) {
		plain |= h->hand[i].plain;
		if (!h->hand[i].plain)
			ROTA_TRY(tell(h, &h->hand[i], file->party->name, digest, &logged, why));
	}
	return logged || plain ? h->rest->sign(h->rest->ctx, file, out->sig, &out->count, why)
			       : ROTA_OK;
}

/* The signature that was granted with this key; NULL: none was. */
static const struct rota_seat_sig *granted_by(
	const struct granted *g, const uint8_t key[static ROTA_P256_KEY_LEN])
{
	for (size_t i = 0; i < g->count; i++)
		if (memcmp(g->sig[i].key, key, ROTA_P256_KEY_LEN) == 0)
			return &g->sig[i];
	return NULL;
}

static enum rota_err open_and_sign(struct rota_hands *h, struct rota_hand *hand, const char *role,
	const uint8_t digest[static ROTA_DIGEST_LEN], struct rota_seat_sig *out,
	struct rota_fail *why)
{
	char label[ROTA_SLOT_LABEL_MAX];

	rota_slot_label(role, hand->version, label);
	if (!h->opener)
		return rota_fail(why, ROTA_ERR_UNSUPPORTED,
			"a series of online keys is under way, and its tokens are not opened here");
	if (!hand->open)
		ROTA_TRY(h->opener->open(
			h->opener->ctx, hand->version, hand->landing, &hand->signer, why));
	hand->open = true;
	return hand->signer.sign(hand->signer.ctx, label, digest, out->sig, why);
}

/* With the slot's key: who judged it has signed with that too, or its token is opened here. */
static enum rota_err sign_with(struct rota_hands *h, struct rota_hand *hand, const char *role,
	const uint8_t digest[static ROTA_DIGEST_LEN], const struct granted *granted,
	struct rota_seat_sig *out, struct rota_fail *why)
{
	const struct rota_seat_sig *there;

	ROTA_TRY(named_key(hand->root, role, out->key, why));
	there = granted_by(granted, out->key);
	if (there)
		*out = *there;
	else
		ROTA_TRY(open_and_sign(h, hand, role, digest, out, why));
	if (rota_p256_verify(out->key, digest, out->sig))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_SIGNATURE,
		"the token of slot %llu signs with another key than root %llu names for %s",
		(unsigned long long)hand->version, (unsigned long long)hand->version, role);
}

/* Whether a slot's root names this key. */
static bool is_slots(
	const struct rota_hands *h, const char *role, const uint8_t key[static ROTA_P256_KEY_LEN])
{
	char id[ROTA_DIGEST_HEX];

	rota_p256_key_id(key, id);
	for (size_t i = 0; i < h->count; i++)
		if (!h->hand[i].plain && strcmp(key_id(h->hand[i].root, role), id) == 0)
			return true;
	return false;
}

/* What was granted with the keys of an ordinary root. */
static enum rota_err add_plain(const struct rota_hands *h, const char *role,
	const struct granted *granted, struct rota_seat_sig out[static ROTA_SIGNERS_MAX],
	size_t *count, struct rota_fail *why)
{
	for (size_t i = 0; i < granted->count; i++) {
		if (is_slots(h, role, granted->sig[i].key))
			continue;
		if (*count == ROTA_SIGNERS_MAX)
			return rota_fail(why, ROTA_ERR_LIMIT, "role %s: too many signatures", role);
		out[(*count)++] = granted->sig[i];
	}
	return ROTA_OK;
}

static enum rota_err sign(void *ctx, const struct rota_notary_file *file,
	struct rota_seat_sig out[static ROTA_SIGNERS_MAX], size_t *count, struct rota_fail *why)
{
	struct rota_hands *h = ctx;
	const char *role = file->party->name;
	uint8_t digest[ROTA_DIGEST_LEN];
	struct granted granted;

	if (strcmp(role, "snapshot") != 0 && strcmp(role, "timestamp") != 0)
		return h->rest->sign(h->rest->ctx, file, out, count, why);
	ROTA_TRY(rota_envelope_digest(file->content, digest, why));
	ROTA_TRY(have_judged(h, file, digest, &granted, why));
	*count = 0;
	for (size_t i = 0; i < h->count; i++) {
		if (h->hand[i].plain) {
			ROTA_TRY(add_plain(h, role, &granted, out, count, why));
			continue;
		}
		if (*count == ROTA_SIGNERS_MAX)
			return rota_fail(why, ROTA_ERR_LIMIT, "role %s: too many signatures", role);
		ROTA_TRY(sign_with(h, &h->hand[i], role, digest, &granted, &out[(*count)++], why));
	}
	if (*count)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_EXPIRED,
		"no root has its turn: the series is over, and no other root was signed "
		"(SPEC 23.8)");
}

static enum rota_err key(void *ctx, const struct rota_party *party, size_t seat,
	uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	struct rota_hands *h = ctx;

	return h->rest->key(h->rest->ctx, party, seat, out, why);
}

static enum rota_err image(void *ctx, const struct rota_notary_image *what,
	struct rota_seat_sig *out, struct rota_fail *why)
{
	struct rota_hands *h = ctx;

	return h->rest->image(h->rest->ctx, what, out, why);
}

static enum rota_err statement(void *ctx, const struct rota_notary_statement *what,
	struct rota_seat_sig out[static ROTA_SIGNERS_MAX], size_t *count, struct rota_fail *why)
{
	struct rota_hands *h = ctx;

	return h->rest->statement(h->rest->ctx, what, out, count, why);
}

static enum rota_err record(
	void *ctx, const struct rota_notary_event *event, uint64_t *entry, struct rota_fail *why)
{
	struct rota_hands *h = ctx;

	return h->rest->record(h->rest->ctx, event, entry, why);
}

/* Two ordinary roots have one set of keys here, that of rota.ini now; a key signs once. */
static void drop_older_plain(struct rota_hands *h)
{
	if (h->count < 2 || !h->hand[0].plain || !h->hand[1].plain)
		return;
	h->hand[0] = h->hand[1];
	h->count = 1;
}

void rota_hands_init(struct rota_hands *h, const struct rota_notary *rest,
	const struct rota_slot_opener *opener, json_t *const *roots,
	const struct rota_timeline *timeline, const struct rota_due *due)
{
	*h = (struct rota_hands){ .rest = rest, .opener = opener, .count = due->signers };
	h->notary = (struct rota_notary){
		.ctx = h,
		.key = key,
		.sign = sign,
		.image = image,
		.statement = statement,
		.record = record,
	};
	for (size_t i = 0; i < due->signers; i++) {
		const json_t *root = roots[due->sign[i]];

		h->hand[i].root = root;
		h->hand[i].version = timeline->at[due->sign[i]].version;
		h->hand[i].plain = !json_object_get(root, "x-rota-slot-end");
		h->hand[i].landing = rota_root_lands(root);
	}
	drop_older_plain(h);
}

void rota_hands_close(struct rota_hands *h)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->hand[i].open)
			h->hand[i].signer.close(h->hand[i].signer.ctx);
	h->count = 0;
}

static bool signed_by(const json_t *envelope, const char *id)
{
	const json_t *list = json_object_get(envelope, "signatures");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *one =
			json_string_value(json_object_get(json_array_get(list, i), "keyid"));

		if (one && strcmp(one, id) == 0)
			return true;
	}
	return false;
}

bool rota_hands_cover(const struct rota_hands *h, const char *role, const json_t *envelope)
{
	for (size_t i = 0; i < h->count; i++)
		if (!signed_by(envelope, key_id(h->hand[i].root, role)))
			return false;
	return true;
}

bool rota_hands_turn(const struct rota_hands *h, uint64_t version)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->hand[i].version == version)
			return true;
	return false;
}
