/* SPDX-License-Identifier: Apache-2.0 */
/* Streamed verifications run side by side, one for each signature that needs it. */
#include "rota/trust/sigs.h"

static void begin(struct rota_sigs *s)
{
	const struct rota_crypto *crypto = s->ring->crypto;

	for (size_t i = 0; i < s->count; i++) {
		struct rota_sig *sig = &s->sig[i];
		enum rota_alg alg = rota_keyring_alg(s->ring, sig->key);

		if (rota_alg_signs_sha256(alg) || sig->raw.len == 0)
			continue;
		sig->running =
			crypto->verify_begin(crypto->ctx, &s->verify[i], alg,
				rota_span(sig->key->raw, sig->key->raw_len), sig->raw) == ROTA_OK;
		if (!sig->running)
			sig->raw.len = 0;
	}
}

static void update(struct rota_sigs *s, struct rota_span bytes)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->sig[i].running)
			s->ring->crypto->verify_update(&s->verify[i], bytes);
	}
}

static void finish(struct rota_sigs *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct rota_sig *sig = &s->sig[i];

		if (!sig->running)
			continue;
		sig->running = false;
		sig->valid = s->ring->crypto->verify_finish(&s->verify[i]) == ROTA_OK;
		if (!sig->valid)
			sig->raw.len = 0;
	}
}

const struct rota_sigs_streams rota_sigs_streamed = {
	.room = sizeof(struct rota_verify), .begin = begin, .update = update, .finish = finish
};
