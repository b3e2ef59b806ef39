/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/slots.h"

#include <stdlib.h>

void slots_token(const struct rota_authdir *dir, uint64_t version, bool landing, bool kept,
	struct slots_token *out)
{
	out->token = session_token(dir, landing ? dir->standby_token : dir->slot_token);
	if (!kept)
		return;
	rota_ahead_token(version, out->label, out->pin_file);
	out->token.name = out->label;
	out->token.label = out->label;
	out->token.pin_file = out->pin_file;
}

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
	struct slot *slot;
	bool kept = rota_ahead_kept(ctx, version);
	struct slots_token where;
	static const char *const roles[] = { "snapshot", "timestamp" };
	const char *labels[2];
	enum rota_err err;

	if (kept && !rota_ahead_pin(ctx, version))
		return rota_fail(why, ROTA_ERR_DENIED,
			"slot %llu is the signing daemon's, which did not sign with it",
			(unsigned long long)version);
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		abort();
	for (size_t i = 0; i < 2; i++) {
		rota_slot_label(roles[i], version, slot->label[i]);
		labels[i] = slot->label[i];
	}
	slots_token(ctx, version, landing, kept, &where);
	err = rota_pkcs11_open(&where.token, labels, 2, &slot->signer, why);
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
