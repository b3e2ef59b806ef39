/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/sigs.h"
#include "rota/base/mem.h"

enum rota_err rota_sigs_add(struct rota_sigs *s, const struct rota_tuf_event *e)
{
	const struct rota_key *key = rota_keyring_find(s->ring, s->crypto, &e->id, s->marks);
	const struct rota_scheme *scheme;
	size_t len = 0, at = 0;
	enum rota_err err;

	if (key == NULL)
		return ROTA_OK;
	for (; at < s->count; at++) {
		if (s->sig[at].key == key)
			return ROTA_ERR_FORMAT; /* SPEC 4.2 */
	}
	scheme = s->ring->schemes[key->scheme];
	if (at == s->max ||
		(s->streams == NULL && !rota_alg_signs_sha256((enum rota_alg)scheme->alg)))
		return ROTA_ERR_LIMIT;
	err = rota_sig_raw(scheme, e->text, rota_buf(&s->raw[at * s->raw_max], s->raw_max), &len);
	/* Kept even when malformed, with length 0: a repeated key id must still be seen. */
	s->sig[at] = (struct rota_sig){ .key = key, .raw_len = err == ROTA_OK ? (uint16_t)len : 0 };
	s->count++;
	return err == ROTA_ERR_LIMIT ? err : ROTA_OK;
}

static bool valid(struct rota_sigs *s, size_t at, const uint8_t digest[static ROTA_SHA256_LEN])
{
	const struct rota_sig *sig = &s->sig[at];

	if (sig->running)
		return s->streams->finish(s, at);
	return sig->raw_len != 0 &&
		s->crypto->verify_digest(s->crypto->ctx, rota_sigs_alg(s, at),
			rota_span(sig->key->raw, sig->key->raw_len), rota_sigs_raw(s, at),
			digest) == ROTA_OK;
}

/* Whether an earlier valid signature is by the same public key, under whatever id. */
static bool counted(const struct rota_sigs *s, const struct rota_sig *sig)
{
	for (const struct rota_sig *before = s->sig; before < sig; before++) {
		if (before->raw_len != 0 && rota_key_same(before->key, sig->key))
			return true;
	}
	return false;
}

enum rota_err rota_sigs_verdict(struct rota_sigs *s)
{
	uint8_t digest[ROTA_SHA256_LEN];
	rota_num missing = s->threshold;

	s->crypto->sha256_final(&s->sha256, digest);
	for (size_t i = 0; i < s->count && missing > 0; i++) {
		if (!valid(s, i, digest))
			s->sig[i].raw_len = 0; /* worth nothing, also for counted() */
		else if (!counted(s, &s->sig[i]))
			missing--;
	}
	rota_sigs_drop(s);
	/* A threshold of 0 never came out of the decoder; it must not pass here either. */
	return missing == 0 && s->threshold > 0 ? ROTA_OK : ROTA_ERR_THRESHOLD;
}

void rota_sigs_drop(struct rota_sigs *s)
{
	for (size_t i = 0; s->streams != NULL && i < s->count; i++) {
		if (s->sig[i].running)
			(void)s->streams->finish(s, i);
	}
	s->count = 0;
}
