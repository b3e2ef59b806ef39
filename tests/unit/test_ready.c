/* SPDX-License-Identifier: Apache-2.0 */
/* host/factory/ready.h over what a TPM vouches for, and what it does not. */
#include "host/factory/ready.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/tpm2/pcr.h"
#include "tests/unit/rot_backends.h"
#include "tests/unit/test.h"

#define PCRS (1u << 14)

static const uint8_t said[ROTA_SHA256_LEN] = { 1 }, other_said[ROTA_SHA256_LEN] = { 2 };
static const uint8_t images[2][ROTA_SHA256_LEN] = { { 3 }, { 4 } };
static uint8_t identity[ROTA_P256_KEY_LEN], sig[ROTA_P256_SIG_LEN], room[ROTA_QUOTE_MAX];
static struct rota_factory_message m;
static struct rota_quote quote;
static struct rota_fail why;

/* A device that says READY. */
static enum rota_err say(const struct rota_rot *r, uint32_t pcrs)
{
	uint8_t digest[ROTA_SHA256_LEN];

	ROTA_TRY(r->key_make(r->ctx, ROTA_ROT_IDENTITY, identity));
	m = (struct rota_factory_message){ .kind = ROTA_FACTORY_READY };
	m.field[FACTORY_IMAGES] = rota_span(images, sizeof(images));
	rota_factory_ready_digest(ROTA_SPAN(said), m.field[FACTORY_IMAGES], digest);
	m.field[FACTORY_SIGNATURE] = ROTA_SPAN(sig);
	ROTA_TRY(r->sign(r->ctx, ROTA_ROT_IDENTITY, digest, sig));
	return pcrs == 0 ? ROTA_OK
			 : r->quote(r->ctx, digest, pcrs, ROTA_BUF(room), &m.field[FACTORY_QUOTE]);
}

static enum rota_err judge(const uint8_t *heard, uint32_t pcrs, const uint8_t *want)
{
	const struct rota_ready_want w = { .crypto = &rota_crypto_openssl,
		.identity = identity,
		.said = heard,
		.pcrs = pcrs,
		.pcrs_sha256 = want };

	return rota_ready_judge(&w, &m, &quote, &why);
}

TEST(all_that_was_said_is_signed)
{
	const struct rota_rot *r = rot_begin_soft();
	uint8_t changed[sizeof(images)];

	CHECK(r != NULL);
	CHECK_OK(say(r, 0));
	CHECK_OK(judge(said, 0, NULL));
	ROW("another talk");
	CHECK_EQ(judge(other_said, 0, NULL), ROTA_ERR_SIGNATURE);
	ROW("another image");
	memcpy(changed, images, sizeof(changed));
	changed[40] ^= 1;
	m.field[FACTORY_IMAGES] = ROTA_SPAN(changed);
	CHECK_EQ(judge(said, 0, NULL), ROTA_ERR_SIGNATURE);
	ROW("an image less");
	m.field[FACTORY_IMAGES] = rota_span(images, ROTA_SHA256_LEN);
	CHECK_EQ(judge(said, 0, NULL), ROTA_ERR_SIGNATURE);
	m.field[FACTORY_IMAGES] = rota_span(images, sizeof(images));
	ROW("no signature");
	m.field[FACTORY_SIGNATURE] = rota_span(sig, sizeof(sig) - 1);
	CHECK_EQ(judge(said, 0, NULL), ROTA_ERR_SIGNATURE);
	m.field[FACTORY_SIGNATURE] = ROTA_SPAN(sig);
	ROW("no quote where one is wanted");
	CHECK_EQ(judge(said, PCRS, NULL), ROTA_ERR_FORMAT);
	ROW("a quote where none is wanted");
	m.field[FACTORY_QUOTE] = ROTA_SPAN(room);
	CHECK_EQ(judge(said, 0, NULL), ROTA_ERR_FORMAT);
}

TEST(a_tpm_says_what_it_measured)
{
	const struct rota_rot *r = rot_begin_tpm();
	uint8_t shown[ROTA_SHA256_LEN], digest[ROTA_SHA256_LEN],
		measured[1][ROTA_SHA256_LEN] = { { 9 } };
	static uint8_t older[ROTA_QUOTE_MAX];
	struct rota_span whole;

	CHECK(r != NULL);
	CHECK_OK(rota_pcr_extend(rot_tcti(), 14, measured, 1));
	CHECK_OK(say(r, PCRS));
	CHECK_OK(judge(said, PCRS, NULL));
	memcpy(shown, quote.pcrs_sha256, sizeof(shown));
	CHECK_OK(judge(said, PCRS, shown));
	ROW("other PCRs");
	CHECK_EQ(judge(said, PCRS << 1, NULL), ROTA_ERR_FORMAT);
	ROW("it booted something else");
	shown[0] ^= 1;
	CHECK_EQ(judge(said, PCRS, shown), ROTA_ERR_HASH);
	shown[0] ^= 1;
	ROW("a quote of another talk, with a signature of this one");
	rota_factory_ready_digest(ROTA_SPAN(other_said), m.field[FACTORY_IMAGES], digest);
	CHECK_OK(r->quote(r->ctx, digest, PCRS, ROTA_BUF(older), &whole));
	m.field[FACTORY_QUOTE] = whole;
	CHECK_EQ(judge(said, PCRS, shown), ROTA_ERR_HASH);
}

TESTS(T(all_that_was_said_is_signed), T(a_tpm_says_what_it_measured))
