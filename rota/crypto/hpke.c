/* SPDX-License-Identifier: Apache-2.0 */
/* Method: a key exchange, a key schedule and one AEAD call, each in a function of its own that leaves the stack before
 * the next is called: what a microcontroller must have is the deepest of the three, not their sum. */
#include "rota/crypto/hpke.h"
#include "rota/base/mem.h"
#include "rota/crypto/hmac.h"

#define KEY_LEN 16 /* AES-128 */

enum { MODE_BASE = 0x00, MODE_PSK = 0x01 }; /* RFC 9180, 5 */

/* RFC 9180, 4.1 and 5.1: what each label of the two parts begins with. Numbers of 7.1, 7.2 and 7.3. */
static const uint8_t kem_suite[] = { 'K', 'E', 'M', 0x00, 0x10 };
static const uint8_t hpke_suite[] = { 'H', 'P', 'K', 'E', 0x00, 0x10, 0x00, 0x01, 0x00, 0x01 };

/* What comes out of the key schedule. */
struct message_key {
	uint8_t key[KEY_LEN], nonce[ROTA_AEAD_NONCE_LEN];
};

/* What stands before the input of each step (RFC 9180, 4). */
struct label {
	struct rota_span suite, name;
};

static void update_label(
	struct rota_hmac *h, const struct rota_crypto *crypto, const struct label *label)
{
	rota_hmac_update(h, crypto, ROTA_STR("HPKE-v1"));
	rota_hmac_update(h, crypto, label->suite);
	rota_hmac_update(h, crypto, label->name);
}

/* LabeledExtract */
static void extract(const struct rota_crypto *crypto, struct rota_span salt,
	const struct label *label, struct rota_span ikm, uint8_t out[static ROTA_HMAC_LEN])
{
	struct rota_hmac h;

	rota_hmac_begin(&h, crypto, salt);
	update_label(&h, crypto, label);
	rota_hmac_update(&h, crypto, ikm);
	rota_hmac_end(&h, crypto, out);
}

/* LabeledExpand, of two parts and to at most 32 bytes: the first block of RFC 5869 2.3, which is all that is needed. */
static void expand(const struct rota_crypto *crypto, const uint8_t prk[static ROTA_HMAC_LEN],
	const struct label *label, const struct rota_span info[static 2], struct rota_buf out)
{
	static const uint8_t first = 0x01;
	const uint8_t len[2] = { 0, (uint8_t)out.len };
	uint8_t block[ROTA_HMAC_LEN];
	struct rota_hmac h;

	rota_hmac_begin(&h, crypto, rota_span(prk, ROTA_HMAC_LEN));
	rota_hmac_update(&h, crypto, ROTA_SPAN(len));
	update_label(&h, crypto, label);
	rota_hmac_update(&h, crypto, info[0]);
	rota_hmac_update(&h, crypto, info[1]);
	rota_hmac_update(&h, crypto, rota_span(&first, 1));
	rota_hmac_end(&h, crypto, block);
	memcpy(out.p, block, out.len);
	rota_wipe(block, sizeof(block));
}

/* ExtractAndExpand, RFC 9180, 4.1. context: the sender's point and the receiver's. */
static void share(const struct rota_crypto *crypto, const uint8_t dh[static ROTA_P256_DH_LEN],
	const struct rota_span context[static 2], uint8_t out[static ROTA_HMAC_LEN])
{
	struct label label = { ROTA_SPAN(kem_suite), ROTA_STR("eae_prk") };
	uint8_t prk[ROTA_HMAC_LEN];

	extract(crypto, rota_span(NULL, 0), &label, rota_span(dh, ROTA_P256_DH_LEN), prk);
	label.name = ROTA_STR("shared_secret");
	expand(crypto, prk, &label, context, rota_buf(out, ROTA_HMAC_LEN));
	rota_wipe(prk, sizeof(prk));
}

/* KeySchedule, RFC 9180, 5.1 */
static void schedule(const struct rota_crypto *crypto, const uint8_t shared[static ROTA_HMAC_LEN],
	const struct rota_hpke_psk *psk, struct rota_span info, struct message_key *out)
{
	struct {
		uint8_t mode, psk_id_hash[ROTA_HMAC_LEN], info_hash[ROTA_HMAC_LEN];
	} context = { .mode = psk->psk.len > 0 ? MODE_PSK : MODE_BASE };
	const struct rota_span parts[2] = { rota_span(&context, sizeof(context)) };
	struct label label = { ROTA_SPAN(hpke_suite), ROTA_STR("psk_id_hash") };
	uint8_t secret[ROTA_HMAC_LEN];

	extract(crypto, rota_span(NULL, 0), &label, psk->id, context.psk_id_hash);
	label.name = ROTA_STR("info_hash");
	extract(crypto, rota_span(NULL, 0), &label, info, context.info_hash);
	label.name = ROTA_STR("secret");
	extract(crypto, rota_span(shared, ROTA_HMAC_LEN), &label, psk->psk, secret);
	label.name = ROTA_STR("key");
	expand(crypto, secret, &label, parts, ROTA_BUF(out->key));
	label.name = ROTA_STR("base_nonce");
	expand(crypto, secret, &label, parts, ROTA_BUF(out->nonce));
	rota_wipe(secret, sizeof(secret));
}

/* From what was agreed on to the key of the message. A dh of zeros is what no honest pair has, and what hardware that
 * failed may answer. */
static ROTA_APART enum rota_err derive(const struct rota_hpke *h, const uint8_t *dh,
	const struct rota_span context[static 2], const struct rota_hpke_psk *psk,
	struct rota_span info, struct message_key *out)
{
	static const uint8_t zeros[ROTA_P256_DH_LEN];
	uint8_t shared[ROTA_HMAC_LEN];

	if (rota_mem_equal_ct(dh, zeros, sizeof(zeros)))
		return ROTA_ERR_FORMAT;
	share(h->crypto, dh, context, shared);
	schedule(h->crypto, shared, psk, info, out);
	rota_wipe(shared, sizeof(shared));
	return ROTA_OK;
}

/* VerifyPSKInputs, RFC 9180, 5.1 */
static enum rota_err check_psk(const struct rota_hpke_psk *psk)
{
	if (psk->psk.len == 0 && psk->id.len == 0)
		return ROTA_OK;
	return psk->psk.len >= ROTA_HPKE_PSK_MIN && psk->id.len > 0 ? ROTA_OK : ROTA_ERR_ARGUMENT;
}

/* The sender's half. */
static ROTA_APART enum rota_err encapsulate(const struct rota_hpke *h, const struct rota_p256 *p256,
	const uint8_t *peer, const struct rota_hpke_psk *psk, struct rota_span info, uint8_t *enc,
	struct message_key *out)
{
	const struct rota_span context[2] = { rota_span(enc, ROTA_HPKE_ENC_LEN),
		rota_span(peer, ROTA_P256_KEY_LEN) };
	uint8_t dh[ROTA_P256_DH_LEN];
	enum rota_err err = p256->ephemeral(p256->ctx, peer, enc, dh);

	if (err == ROTA_OK)
		err = derive(h, dh, context, psk, info, out);
	rota_wipe(dh, sizeof(dh));
	return err;
}

enum rota_err rota_hpke_seal(const struct rota_hpke *h, const struct rota_p256 *p256,
	const uint8_t peer[static ROTA_P256_KEY_LEN], const struct rota_hpke_psk *psk,
	const struct rota_hpke_text *text, struct rota_buf data,
	uint8_t enc[static ROTA_HPKE_ENC_LEN], uint8_t tag[static ROTA_AEAD_TAG_LEN])
{
	struct rota_aead_key k;
	struct message_key key;
	enum rota_err err;

	ROTA_TRY(check_psk(psk));
	err = encapsulate(h, p256, peer, psk, text->info, enc, &key);
	if (err == ROTA_OK)
		err = h->aead->begin(&k, ROTA_SPAN(key.key));
	if (err == ROTA_OK) {
		err = h->aead->seal(&k, key.nonce, text->aad, data, tag);
		h->aead->end(&k);
	}
	rota_wipe(&key, sizeof(key));
	return err;
}

/* The receiver's half. */
static ROTA_APART enum rota_err decapsulate(const struct rota_hpke *h,
	const struct rota_agreement *own, const uint8_t *enc, const struct rota_hpke_psk *psk,
	struct rota_span info, struct message_key *out)
{
	const struct rota_span context[2] = { rota_span(enc, ROTA_HPKE_ENC_LEN),
		rota_span(own->point, ROTA_P256_KEY_LEN) };
	uint8_t dh[ROTA_P256_DH_LEN];
	enum rota_err err = own->dh(own->ctx, enc, dh);

	if (err == ROTA_OK)
		err = derive(h, dh, context, psk, info, out);
	rota_wipe(dh, sizeof(dh));
	return err;
}

/* The AEAD's key lies on the stack while it is used only. */
static ROTA_APART enum rota_err open_with(const struct rota_aead *aead,
	const struct message_key *key, struct rota_span aad, struct rota_buf data,
	const uint8_t *tag)
{
	struct rota_aead_key k;
	enum rota_err err;

	ROTA_TRY(aead->begin(&k, ROTA_SPAN(key->key)));
	err = aead->open(&k, key->nonce, aad, data, tag);
	aead->end(&k);
	return err;
}

enum rota_err rota_hpke_open(const struct rota_hpke *h, const struct rota_agreement *own,
	const uint8_t enc[static ROTA_HPKE_ENC_LEN], const struct rota_hpke_psk *psk,
	const struct rota_hpke_text *text, struct rota_buf data,
	const uint8_t tag[static ROTA_AEAD_TAG_LEN])
{
	struct message_key key;
	enum rota_err err;

	ROTA_TRY(check_psk(psk));
	err = decapsulate(h, own, enc, psk, text->info, &key);
	if (err == ROTA_OK)
		err = open_with(h->aead, &key, text->aad, data, tag);
	rota_wipe(&key, sizeof(key));
	return err;
}
