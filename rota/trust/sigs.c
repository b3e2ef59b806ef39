/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/sigs.h"
#include "rota/base/mem.h"

void rota_sigs_init(struct rota_sigs *s, struct rota_arena *a, const struct rota_crypto *crypto,
	uint16_t max, uint16_t raw_max, const struct rota_sigs_streams *streams)
{
	*s = (struct rota_sigs){
		.crypto = crypto, .streams = streams, .max = max, .raw_max = raw_max
	};
	s->sig = rota_arena_place(a, max * sizeof(struct rota_sig));
	s->raw = rota_arena_place(a, (size_t)max * raw_max);
	if (streams != NULL)
		s->verify = rota_arena_place(a, max * streams->room);
}

void rota_sigs_begin(struct rota_sigs *s, const struct rota_authority *by)
{
	rota_sigs_drop(s);
	s->by = *by;
}

static const struct rota_scheme *scheme_of(const struct rota_sigs *s, const struct rota_key *key)
{
	return s->by.ring->schemes[key->scheme];
}

enum rota_alg rota_sigs_alg(const struct rota_sigs *s, size_t at)
{
	return (enum rota_alg)scheme_of(s, s->sig[at].key)->alg;
}

struct rota_span rota_sigs_raw(const struct rota_sigs *s, size_t at)
{
	return rota_span(&s->raw[at * s->raw_max], s->sig[at].raw_len);
}

enum rota_err rota_sigs_add(struct rota_sigs *s, struct rota_span keyid, struct rota_span text)
{
	const struct rota_key *key = rota_keyring_find(s->by.ring, s->crypto, keyid, s->by.marks);
	const struct rota_scheme *scheme;
	size_t len = 0, at = s->count;
	enum rota_err err;

	if (key == NULL)
		return ROTA_OK;
	for (size_t i = 0; i < at; i++) {
		if (s->sig[i].key == key)
			return ROTA_ERR_FORMAT; /* SPEC 4.2 */
	}
	scheme = scheme_of(s, key);
	if (at == s->max ||
		(s->streams == NULL && !rota_alg_signs_sha256((enum rota_alg)scheme->alg)))
		return ROTA_ERR_LIMIT;
	err = rota_sig_raw(scheme, text, rota_buf(&s->raw[at * s->raw_max], s->raw_max), &len);
	/* Kept even when malformed, with length 0: a repeated key id must still be seen. */
	s->sig[at] = (struct rota_sig){ .key = key, .raw_len = err == ROTA_OK ? (uint16_t)len : 0 };
	s->count++;
	return err == ROTA_ERR_LIMIT ? err : ROTA_OK;
}

void rota_sigs_signed(struct rota_sigs *s)
{
	s->crypto->sha256_init(&s->sha256);
	if (s->streams != NULL)
		s->streams->begin(s);
}

void rota_sigs_update(struct rota_sigs *s, struct rota_span bytes)
{
	s->crypto->sha256_update(&s->sha256, bytes);
	if (s->streams != NULL)
		s->streams->update(s, bytes);
}

static bool valid(struct rota_sigs *s, size_t at, const uint8_t digest[static ROTA_SHA256_LEN])
{
	const struct rota_key *key = s->sig[at].key;
	enum rota_alg alg = rota_sigs_alg(s, at);

	if (s->sig[at].running)
		return s->streams->finish(s, at);
	if (s->sig[at].raw_len == 0 || !rota_alg_signs_sha256(alg))
		return false;
	return s->crypto->verify_digest(s->crypto->ctx, alg, rota_span(key->raw, key->raw_len),
		       rota_sigs_raw(s, at), digest) == ROTA_OK;
}

/* Whether an earlier valid signature is by the same public key, under whatever id. */
static bool counted(const struct rota_sigs *s, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (s->sig[i].raw_len != 0 && rota_key_same(s->sig[i].key, s->sig[at].key))
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
		if (!valid(s, i, digest))
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
	for (size_t i = 0; s->streams != NULL && i < s->count; i++) {
		if (s->sig[i].running)
			(void)s->streams->finish(s, i);
	}
	s->count = 0;
}
