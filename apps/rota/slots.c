/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/slots.h"
#include "host/repo/ahead.h"
#include "host/repo/store.h"
#include "host/sign/p256.h"
#include "ports/pkcs11/pkcs11.h"

#include <stdlib.h>
#include <string.h>

static const char *const roles[] = { "snapshot", "timestamp" };

static struct rota_pkcs11_token token_of(const struct rota_authdir *dir, bool landing)
{
	const struct rota_token *token = landing ? dir->standby_token : dir->slot_token;

	return (struct rota_pkcs11_token){ .name = token->name,
		.dir = dir->dir,
		.module = token->module,
		.label = token->label,
		.pin_file = token->pin_file,
		.environment = token->environment };
}

/* ---- opened ---- */

/* A signer with the labels that it was opened for, which must stay. */
struct slot {
	struct rota_signer signer;
	char label[2][ROTA_SLOT_LABEL_MAX];
};

static enum rota_err slot_public(
	void *ctx, const char *key, uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	struct slot *slot = ctx;

	return slot->signer.public_key(slot->signer.ctx, key, out, why);
}

static enum rota_err slot_sign(void *ctx, const char *key,
	const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN],
	struct rota_fail *why)
{
	struct slot *slot = ctx;

	return slot->signer.sign(slot->signer.ctx, key, digest, sig, why);
}

static void slot_close(void *ctx)
{
	struct slot *slot = ctx;

	slot->signer.close(slot->signer.ctx);
	free(slot);
}

static enum rota_err slot_open(
	void *ctx, uint64_t version, bool landing, struct rota_signer *out, struct rota_fail *why)
{
	const struct rota_pkcs11_token token = token_of(ctx, landing);
	struct slot *slot = calloc(1, sizeof(*slot));
	const char *labels[2];
	enum rota_err err;

	if (!slot)
		abort();
	for (size_t i = 0; i < 2; i++) {
		rota_slot_label(roles[i], version, slot->label[i]);
		labels[i] = slot->label[i];
	}
	err = rota_pkcs11_open(&token, labels, 2, &slot->signer, why);
	if (err != ROTA_OK) {
		free(slot);
		return err;
	}
	*out = (struct rota_signer){
		.ctx = slot, .public_key = slot_public, .sign = slot_sign, .close = slot_close
	};
	return ROTA_OK;
}

struct rota_slot_opener slots_opener(const struct rota_authdir *dir)
{
	return (struct rota_slot_opener){ .ctx = (void *)(uintptr_t)dir, .open = slot_open };
}

/* ---- made ---- */

static bool any(const void *ctx, const uint8_t *point)
{
	(void)ctx;
	(void)point;
	return true;
}

enum rota_err slots_make(const struct rota_authdir *dir, uint64_t version, bool landing,
	struct rota_series_pair *out, struct rota_fail *why)
{
	const struct rota_pkcs11_token token = token_of(dir, landing);
	uint8_t *const points[] = { out->snapshot, out->timestamp };

	for (size_t i = 0; i < 2; i++) {
		char label[ROTA_SLOT_LABEL_MAX];
		enum rota_err err;

		rota_slot_label(roles[i], version, label);
		err = rota_pkcs11_generate(&token, label, points[i], why);
		if (err == ROTA_ERR_STATE) {
			ROTA_TRY(rota_pkcs11_destroy(&token, label, any, NULL, why));
			err = rota_pkcs11_generate(&token, label, points[i], why);
		}
		ROTA_TRY(err);
	}
	return ROTA_OK;
}

/* ---- destroyed ---- */

/* The key that a root names, and no other of that label. */
static bool is_named(const void *ctx, const uint8_t *point)
{
	char id[ROTA_DIGEST_HEX];

	rota_p256_key_id(point, id);
	return json_object_get(json_object_get(ctx, "keys"), id) != NULL;
}

static enum rota_err destroy(
	const struct rota_authdir *dir, const json_t *root, uint64_t version, struct rota_fail *why)
{
	const struct rota_pkcs11_token token = token_of(dir, rota_root_lands(root));

	for (size_t i = 0; i < 2; i++) {
		char label[ROTA_SLOT_LABEL_MAX];
		enum rota_err err;

		rota_slot_label(roles[i], version, label);
		err = rota_pkcs11_destroy(&token, label, is_named, root, why);
		if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND) /* a run was cut off */
			return err;
	}
	return ROTA_OK;
}

enum rota_err slots_retire(struct session *s, unsigned *count)
{
	enum rota_err err = ROTA_OK;
	struct rota_ahead ahead;
	uint64_t published;

	*count = 0;
	ROTA_TRY(rota_store_newest(&s->dir, "root", false, &published, &s->why));
	ROTA_TRY(rota_ahead_open(&s->dir, &ahead, &s->why));
	for (size_t i = 1; err == ROTA_OK && i < ahead.timeline.count; i++) {
		uint64_t version = ahead.timeline.at[i].version;
		bool plain = !json_object_get(ahead.root[i], "x-rota-slot-end");
		bool last = i + 1 == ahead.timeline.count;

		if (version > published ||
			(!rota_timeline_over(&ahead.timeline, i, s->desk.now) && !(plain && last)))
			break;
		if (!plain)
			err = destroy(&s->dir, ahead.root[i], version, &s->why);
		if (err == ROTA_OK)
			err = rota_ahead_drop(&s->dir, version, &s->why);
		*count += err == ROTA_OK && !plain;
	}
	rota_ahead_close(&ahead);
	return err;
}
