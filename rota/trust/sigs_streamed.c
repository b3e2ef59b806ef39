/* SPDX-License-Identifier: Apache-2.0 */
/* Streamed verifications run side by side, one for each signature that needs it. */
#include "rota/trust/sigs.h"

static void begin(struct rota_sigs *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct rota_key *key = s->sig[i].key;
		enum rota_alg alg = rota_sigs_alg(s, i);

		if (rota_alg_signs_sha256(alg) || s->sig[i].raw_len == 0)
			continue;
		s->sig[i].running =
			s->crypto->verify_begin(s->crypto->ctx, &s->verify[i], alg,
				rota_span(key->raw, key->raw_len), rota_sigs_raw(s, i)) == ROTA_OK;
		if (!s->sig[i].running)
			s->sig[i].raw_len = 0;
	}
}

static void update(struct rota_sigs *s, struct rota_span bytes)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->sig[i].running)
			s->crypto->verify_update(&s->verify[i], bytes);
	}
}

static bool finish(struct rota_sigs *s, size_t at)
{
	s->sig[at].running = false;
	return s->crypto->verify_finish(&s->verify[at]) == ROTA_OK;
}

const struct rota_sigs_streams rota_sigs_streamed = {
	.room = sizeof(struct rota_verify), .begin = begin, .update = update, .finish = finish
};
