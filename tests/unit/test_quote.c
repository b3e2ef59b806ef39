/* SPDX-License-Identifier: Apache-2.0 */
/* host/identity/quote.h over the quotes of a TPM, and over those that somebody makes up. */
#include "host/identity/quote.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "ports/tpm2/objects.h"
#include "ports/tpm2/pcr.h"
#include "rota/base/writer.h"
#include "rota/crypto/factory.h"
#include "tests/unit/rot_backends.h"
#include "tests/unit/swtpm.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

static const uint8_t asked[32] = { 4, 5, 6 };
static enum rota_err quote_of(const struct rota_rot *r, uint8_t *room, struct rota_span *quote)
{
	return r->quote(r->ctx, asked, 1u << 14, rota_buf(room, ROTA_QUOTE_MAX), quote);
}

static enum rota_err judge(const uint8_t *identity, const uint8_t *nonce, uint32_t pcrs,
	struct rota_span quote, struct rota_quote *out)
{
	return rota_quote_verify(&rota_crypto_openssl, identity, nonce, pcrs, quote, out);
}

TEST(a_quote_says_what_was_measured)
{
	uint8_t identity[ROTA_P256_KEY_LEN], room[ROTA_QUOTE_MAX], want[ROTA_SHA256_LEN];
	uint8_t measured[1][ROTA_SHA256_LEN] = { { 7 } }, both[64] = { 0 };
	const struct rota_rot *r = rot_begin_tpm();
	struct rota_quote q, later;
	struct rota_span quote;

	CHECK(r != NULL);
	CHECK_OK(r->key_make(r->ctx, ROTA_ROT_IDENTITY, identity));
	CHECK_OK(rota_pcr_extend(rot_tcti(), 14, measured, 1));
	CHECK_OK(quote_of(r, room, &quote));
	CHECK_OK(judge(identity, asked, 1u << 14, quote, &q));
	memcpy(&both[32], measured, 32); /* a PCR begins as zeros */
	rota_sha256_of(&rota_crypto_openssl, ROTA_SPAN(both), want);
	rota_sha256_of(&rota_crypto_openssl, ROTA_SPAN(want), want); /* of one PCR */
	CHECK_MEM(q.pcrs_sha256, want, sizeof(want));
	swtpm_stop();
	CHECK(swtpm_start(tempdir_path(".")) != NULL);
	CHECK_OK(quote_of(r, room, &quote));
	CHECK_OK(judge(identity, asked, 1u << 14, quote, &later));
	CHECK(memcmp(later.pcrs_sha256, want, sizeof(want)) != 0);
	CHECK(later.resets > q.resets);
	CHECK_MEM(later.key_name, q.key_name, sizeof(q.key_name));
}

TEST(a_quote_is_for_one_nonce_one_device_and_these_pcrs)
{
	uint8_t identity[ROTA_P256_KEY_LEN], other[ROTA_P256_KEY_LEN], room[ROTA_QUOTE_MAX];
	const struct rota_rot *r = rot_begin_tpm();
	const uint8_t old[32] = { 4 };
	struct rota_span quote;
	struct rota_quote q;

	CHECK(r != NULL);
	CHECK_EQ(quote_of(r, room, &quote), ROTA_ERR_NOT_FOUND);
	CHECK_OK(r->key_make(r->ctx, ROTA_ROT_IDENTITY, identity));
	CHECK_OK(r->key_make(r->ctx, ROTA_ROT_LDEVID_0, other));
	CHECK_OK(quote_of(r, room, &quote));
	CHECK_OK(judge(identity, asked, 1u << 14, quote, &q));
	CHECK_EQ(judge(identity, old, 1u << 14, quote, &q), ROTA_ERR_HASH);
	CHECK_EQ(judge(other, asked, 1u << 14, quote, &q), ROTA_ERR_SIGNATURE);
	CHECK_EQ(judge(identity, asked, 1u << 15, quote, &q), ROTA_ERR_FORMAT);
	CHECK_EQ(judge(identity, asked, 1u << 14, rota_span(quote.p, quote.len - 1), &q),
		ROTA_ERR_FORMAT);
	for (size_t i = 0; i < quote.len; i++) {
		room[i] ^= 1;
		CHECK(judge(identity, asked, 1u << 14, quote, &q) != ROTA_OK);
		room[i] ^= 1;
	}
	CHECK_EQ(r->quote(r->ctx, asked, 0, ROTA_BUF(room), &quote), ROTA_ERR_ARGUMENT);
	CHECK_EQ(r->quote(r->ctx, asked, 1u << 24, ROTA_BUF(room), &quote), ROTA_ERR_ARGUMENT);
	CHECK_EQ(r->quote(r->ctx, asked, 1, rota_buf(room, 200), &quote), ROTA_ERR_LIMIT);
}

/* ---- made up ---- */

/* A quote key in software, for which a device that is broken into has its identity vouch. */
struct forger {
	const struct rota_rot *device;
	uint8_t secret[ROTA_P256_SECRET_LEN], point[ROTA_P256_KEY_LEN];
	uint8_t name[ROTA_QUOTE_NAME_LEN];
	uint8_t room[ROTA_QUOTE_MAX];
};

static void take_number(TPM2B_ECC_PARAMETER *to, const uint8_t *from)
{
	to->size = 32;
	memcpy(to->buffer, from, 32);
}

static enum rota_err forger_begin(struct forger *f)
{
	TPMT_PUBLIC public = rota_tpm2_quote_template.publicArea;

	ROTA_TRY(rota_p256_openssl.make(rota_p256_openssl.ctx, f->secret, f->point));
	take_number(&public.unique.ecc.x, &f->point[1]);
	take_number(&public.unique.ecc.y, &f->point[33]);
	return rota_tpm2_name(&public, &rota_crypto_openssl, f->name);
}

/* The attestation `attest`, signed by him and vouched for. */
static enum rota_err forge(struct forger *f, struct rota_span attest, struct rota_span *out)
{
	const struct rota_crypto *crypto = &rota_crypto_openssl;
	uint8_t digest[ROTA_SHA256_LEN], sig[ROTA_P256_SIG_LEN], vouched[ROTA_P256_SIG_LEN];
	struct rota_writer w = rota_writer(ROTA_BUF(f->room));

	rota_sha256_of(crypto, attest, digest);
	ROTA_TRY(rota_p256_openssl.sign(rota_p256_openssl.ctx, f->secret, digest, sig));
	rota_factory_digest(crypto, ROTA_SPAN(f->name), digest);
	ROTA_TRY(f->device->sign(f->device->ctx, ROTA_ROT_IDENTITY, digest, vouched));
	rota_write_le16(&w, (uint16_t)attest.len);
	rota_write_span(&w, attest);
	rota_write_span(&w, ROTA_SPAN(sig));
	rota_write_span(&w, ROTA_SPAN(f->point));
	rota_write_span(&w, ROTA_SPAN(vouched));
	return rota_writer_end(&w, out);
}

/* His key's qualified name into a true attestation: magic (4), type (2), length (2), then it. */
static void put_signer(struct forger *f, uint8_t *attest)
{
	uint8_t both[4 + ROTA_QUOTE_NAME_LEN] = { 0x40, 0, 0, 0x0B };

	memcpy(&both[4], f->name, sizeof(f->name));
	attest[8] = 0;
	attest[9] = 0x0B;
	rota_sha256_of(&rota_crypto_openssl, ROTA_SPAN(both), &attest[10]);
}

TEST(a_quote_key_in_software_is_known_by_its_name)
{
	uint8_t identity[ROTA_P256_KEY_LEN], room[ROTA_QUOTE_MAX], attest[ROTA_QUOTE_MAX];
	struct forger f = { .device = rot_begin_tpm() };
	struct rota_quote truth, q;
	struct rota_span quote, forged;
	size_t len;

	CHECK(f.device != NULL);
	CHECK_OK(f.device->key_make(f.device->ctx, ROTA_ROT_IDENTITY, identity));
	CHECK_OK(quote_of(f.device, room, &quote));
	CHECK_OK(judge(identity, asked, 1u << 14, quote, &truth));
	CHECK_OK(forger_begin(&f));
	len = (size_t)(room[0] | room[1] << 8);
	memcpy(attest, &room[2], len);
	ROW("says that the TPM's own key signed");
	CHECK_OK(forge(&f, rota_span(attest, len), &forged));
	CHECK_EQ(judge(identity, asked, 1u << 14, forged, &q), ROTA_ERR_FORMAT);
	ROW("says that his did");
	put_signer(&f, attest);
	CHECK_OK(forge(&f, rota_span(attest, len), &forged));
	CHECK_OK(judge(identity, asked, 1u << 14, forged, &q));
	CHECK(memcmp(q.key_name, truth.key_name, sizeof(q.key_name)) != 0);
	ROW("another kind of attestation");
	attest[5] ^= 1;
	CHECK_OK(forge(&f, rota_span(attest, len), &forged));
	CHECK_EQ(judge(identity, asked, 1u << 14, forged, &q), ROTA_ERR_FORMAT);
	attest[5] ^= 1;
	attest[0] ^= 1;
	CHECK_OK(forge(&f, rota_span(attest, len), &forged));
	CHECK_EQ(judge(identity, asked, 1u << 14, forged, &q), ROTA_ERR_FORMAT);
}

TESTS(T(a_quote_says_what_was_measured), T(a_quote_is_for_one_nonce_one_device_and_these_pcrs),
	T(a_quote_key_in_software_is_known_by_its_name))
