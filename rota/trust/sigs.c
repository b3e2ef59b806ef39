/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/sigs.h"
#include "rota/base/mem.h"

void rota_sigs_init(struct rota_sigs *s, struct rota_arena *a, const struct rota_crypto *crypto,
	uint16_t max, uint16_t raw_max, bool streams)
{
	struct rota_buf sigs = rota_arena_take(a, max * sizeof(struct rota_sig));
	struct rota_buf raw = rota_arena_take(a, (size_t)max * raw_max);
	struct rota_buf verify = rota_arena_take(a, streams ? max * sizeof(struct rota_verify) : 0);

	memset(s, 0, sizeof(*s));
	s->crypto = crypto;
	s->raw_max = raw_max;
	if (rota_arena_end(a) != ROTA_OK)
		return;
	s->sig = (struct rota_sig *)(void *)sigs.p;
	s->max = max;
	for (size_t i = 0; i < max; i++) {
		s->sig[i].raw = &raw.p[i * raw_max];
		if (streams)
			s->sig[i].verify = &((struct rota_verify *)(void *)verify.p)[i];
	}
}

void rota_sigs_begin(struct rota_sigs *s, struct rota_authority by)
{
	rota_sigs_drop(s);
	s->by = by;
}

static const struct rota_key *key_of(const struct rota_sigs *s, const struct rota_sig *sig)
{
	return &s->by.ring->key[sig->key];
}

static const struct rota_scheme *scheme_of(const struct rota_sigs *s, const struct rota_key *key)
{
	return s->by.ring->schemes[key->scheme];
}

static enum rota_alg alg_of(const struct rota_sigs *s, const struct rota_key *key)
{
	return (enum rota_alg)scheme_of(s, key)->alg;
}

enum rota_err rota_sigs_add(struct rota_sigs *s, struct rota_span keyid, struct rota_span text)
{
	const struct rota_key *key = rota_keyring_find(s->by.ring, s->crypto, keyid, s->by.marks);
	struct rota_sig *sig;
	size_t len;
	enum rota_err err;

	if (key == NULL)
		return ROTA_OK;
	for (size_t i = 0; i < s->count; i++) {
		if (key_of(s, &s->sig[i]) == key)
			return ROTA_ERR_FORMAT; /* SPEC 4.2 */
	}
	if (s->count == s->max)
		return ROTA_ERR_LIMIT;
	sig = &s->sig[s->count];
	err = rota_sig_raw(scheme_of(s, key), text, rota_buf(sig->raw, s->raw_max), &len);
	/* Kept even when malformed, with length 0: a repeated key id must still be seen. */
	sig->raw_len = err == ROTA_OK ? (uint16_t)len : 0;
	sig->key = (uint16_t)(key - s->by.ring->key);
	sig->running = false;
	s->count++;
	return err == ROTA_ERR_LIMIT ? err : ROTA_OK;
}

enum rota_err rota_sigs_signed(struct rota_sigs *s)
{
	s->crypto->sha256_init(&s->sha256);
	for (size_t i = 0; i < s->count; i++) {
		struct rota_sig *sig = &s->sig[i];
		const struct rota_key *key = key_of(s, sig);

		if (rota_alg_signs_sha256(alg_of(s, key)) || sig->raw_len == 0)
			continue;
		if (sig->verify == NULL)
			return ROTA_ERR_LIMIT;
		sig->running = s->crypto->verify_begin(s->crypto->ctx, sig->verify, alg_of(s, key),
				       rota_span(key->raw, key->raw_len),
				       rota_span(sig->raw, sig->raw_len)) == ROTA_OK;
	}
	return ROTA_OK;
}

void rota_sigs_update(struct rota_sigs *s, struct rota_span bytes)
{
	s->crypto->sha256_update(&s->sha256, bytes);
	for (size_t i = 0; i < s->count; i++) {
		if (s->sig[i].running)
			s->crypto->verify_update(s->sig[i].verify, bytes);
	}
}

static bool valid(
	struct rota_sigs *s, struct rota_sig *sig, const uint8_t digest[static ROTA_SHA256_LEN])
{
	const struct rota_key *key = key_of(s, sig);

	if (sig->running) {
		sig->running = false;
		return s->crypto->verify_finish(sig->verify) == ROTA_OK;
	}
	if (sig->raw_len == 0 || !rota_alg_signs_sha256(alg_of(s, key)))
		return false;
	return s->crypto->verify_digest(s->crypto->ctx, alg_of(s, key),
		       rota_span(key->raw, key->raw_len), rota_span(sig->raw, sig->raw_len),
		       digest) == ROTA_OK;
}

/* Whether an earlier valid signature is by the same public key, under whatever id. */
static bool counted(const struct rota_sigs *s, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (s->sig[i].raw_len != 0 &&
			rota_key_same(key_of(s, &s->sig[i]), key_of(s, &s->sig[at])))
			return true;
	}
	return false;
}

enum rota_err rota_sigs_verdict(struct rota_sigs *s)
{
	uint8_t digest[ROTA_SHA256_LEN];
	uint32_t distinct = 0;
	uint32_t threshold = s->by.threshold;

	s->crypto->sha256_final(&s->sha256, digest);
	for (size_t i = 0; i < s->count && distinct < threshold; i++) {
		if (!valid(s, &s->sig[i], digest))
			s->sig[i].raw_len = 0; /* worth nothing, also for counted() */
		else if (!counted(s, i))
			distinct++;
	}
	rota_sigs_drop(s);
	/* A threshold of 0 never came out of the decoder; it must not pass here either. */
	return threshold > 0 && distinct >= threshold ? ROTA_OK : ROTA_ERR_THRESHOLD;
}

void rota_sigs_drop(struct rota_sigs *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->sig[i].running)
			(void)s->crypto->verify_finish(s->sig[i].verify);
		s->sig[i].running = false;
	}
	s->count = 0;
}
