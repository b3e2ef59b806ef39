/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/sigs.h"
#include "rota/base/mem.h"

enum rota_err rota_sigs_add(struct rota_sigs *s, const struct rota_tuf_event *e)
{
	const struct rota_limits *l = s->ring->limits;
	const struct rota_key *key = rota_keyring_find(s->ring, s->marks, e->id);
	struct rota_sig *sig = s->sig, *end = sig + s->count;
	const struct rota_scheme *scheme;
	struct rota_buf to;
	enum rota_err err;

	if (key == NULL)
		return ROTA_OK;
	for (; sig < end; sig++) {
		if (sig->key == key)
			return ROTA_ERR_FORMAT; /* SPEC 4.2 */
	}
	scheme = l->schemes[key->scheme];
	if (s->count == l->sigs ||
		(l->streams == NULL && !rota_alg_signs_sha256((enum rota_alg)scheme->alg)))
		return ROTA_ERR_LIMIT;
	to = rota_buf(&s->raw[s->count++ * l->sig_len], l->sig_len);
	sig->key = key;
	sig->running = false;
	sig->valid = false;
	sig->raw.p = to.p;
	err = rota_sig_raw(scheme, e->text, to, &sig->raw.len);
	/* Kept even when malformed, with length 0: a repeated key id must still be seen. */
	if (err != ROTA_OK)
		sig->raw.len = 0;
	return err == ROTA_ERR_LIMIT ? err : ROTA_OK;
}

static bool verifies(const struct rota_sigs *s, const struct rota_sig *sig,
	const uint8_t digest[static ROTA_SHA256_LEN])
{
	const struct rota_crypto *crypto = s->ring->crypto;
	const struct rota_key *key = sig->key;

	return sig->raw.len != 0 &&
		crypto->verify_digest(crypto->ctx, rota_keyring_alg(s->ring, key),
			rota_span(key->raw, key->raw_len), sig->raw, digest) == ROTA_OK;
}

/* Whether an earlier valid signature is by the same public key, under whatever id. */
static bool counted(const struct rota_sigs *s, const struct rota_sig *sig)
{
	for (const struct rota_sig *before = s->sig; before < sig; before++) {
		if (before->valid && rota_key_same(before->key, sig->key))
			return true;
	}
	return false;
}

enum rota_err rota_sigs_verdict(struct rota_sigs *s)
{
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_sig *end = s->sig + s->count;
	/* Keys beside the one that is met. A threshold of 0 never came out of the decoder; it must not pass here
	 * either, so that of it no number is enough. */
	rota_num more = s->threshold - 1;

	rota_sigs_drop(s);
	s->ring->crypto->sha256_final(&s->sha256, digest);
	for (struct rota_sig *sig = s->sig; sig < end; sig++) {
		if (!sig->valid && !verifies(s, sig, digest))
			continue;
		sig->valid = true;
		if (!counted(s, sig) && more-- == 0)
			return ROTA_OK;
	}
	return ROTA_ERR_THRESHOLD;
}

void rota_sigs_drop(struct rota_sigs *s)
{
	if (s->count != 0 &&
		s->ring->limits->streams != NULL) /* 0: before it was given a ring, too */
		s->ring->limits->streams->finish(s);
	s->count = 0;
}
