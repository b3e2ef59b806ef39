/* SPDX-License-Identifier: Apache-2.0 */
#include "host/identity/quote.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/crypto/factory.h"

#include <string.h>

/* TPM 2.0 part 2: numbers that stand in what is signed. */
#define GENERATED 0xFF544347u
#define ATTEST_QUOTE 0x8018
#define ALG_SHA256 0x000B
#define ALG_NULL 0x0010
#define ALG_ECDSA 0x0018
#define ALG_ECC 0x0023
#define NIST_P256 0x0003
#define RH_ENDORSEMENT 0x4000000Bu
/* fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, sign: SPEC 28.3 */
#define QUOTE_KEY 0x00050472u
#define PCR_BYTES 3

struct parts {
	struct rota_span attest, sig, point, vouched;
};

static enum rota_err take_apart(struct rota_span quote, struct parts *out)
{
	struct rota_reader r = rota_reader(quote);

	out->attest = rota_read_span(&r, rota_read_le16(&r));
	out->sig = rota_read_span(&r, ROTA_P256_SIG_LEN);
	out->point = rota_read_span(&r, ROTA_P256_KEY_LEN);
	out->vouched = rota_read_span(&r, ROTA_P256_SIG_LEN);
	return rota_reader_end(&r);
}

/* ---- the quote key ---- */

static void write_number(struct rota_writer *w, const uint8_t *number)
{
	rota_write_be16(w, 32);
	rota_write_span(w, rota_span(number, 32));
}

static void name_of(const struct rota_crypto *crypto, struct rota_span area,
	uint8_t name[static ROTA_QUOTE_NAME_LEN])
{
	name[0] = ALG_SHA256 >> 8;
	name[1] = ALG_SHA256 & 0xFF;
	rota_sha256_of(crypto, area, &name[2]);
}

/* Its Name, by the one template and its point. */
static void key_name(const struct rota_crypto *crypto, struct rota_span point,
	uint8_t name[static ROTA_QUOTE_NAME_LEN])
{
	uint8_t area[128];
	struct rota_writer w = rota_writer(ROTA_BUF(area));

	rota_write_be16(&w, ALG_ECC);
	rota_write_be16(&w, ALG_SHA256);
	rota_write_be32(&w, QUOTE_KEY);
	rota_write_be16(&w, 0); /* no policy */
	rota_write_be16(&w, ALG_NULL); /* no cipher */
	rota_write_be16(&w, ALG_ECDSA);
	rota_write_be16(&w, ALG_SHA256);
	rota_write_be16(&w, NIST_P256);
	rota_write_be16(&w, ALG_NULL); /* no key derivation */
	write_number(&w, &point.p[1]);
	write_number(&w, &point.p[33]);
	name_of(crypto, rota_writer_span(&w), name);
}

/* Part 1, 16: its Name, under that of the hierarchy that it is a primary of. */
static void qualified_name(const struct rota_crypto *crypto,
	const uint8_t name[static ROTA_QUOTE_NAME_LEN], uint8_t out[static ROTA_QUOTE_NAME_LEN])
{
	uint8_t both[4 + ROTA_QUOTE_NAME_LEN];
	struct rota_writer w = rota_writer(ROTA_BUF(both));

	rota_write_be32(&w, RH_ENDORSEMENT);
	rota_write_span(&w, rota_span(name, ROTA_QUOTE_NAME_LEN));
	name_of(crypto, ROTA_SPAN(both), out);
}

/* ---- the attestation ---- */

static struct rota_span read_sized(struct rota_reader *r)
{
	return rota_read_span(r, rota_read_be16(r));
}

/* Exactly these PCRs, of the SHA-256 bank. */
static bool read_selection(struct rota_reader *r, uint32_t pcrs)
{
	bool same = rota_read_be32(r) == 1;

	same = rota_read_be16(r) == ALG_SHA256 && same;
	same = rota_read_u8(r) == PCR_BYTES && same;
	for (unsigned i = 0; i < PCR_BYTES; i++)
		same = rota_read_u8(r) == (uint8_t)(pcrs >> 8 * i) && same;
	return same;
}

/* out->key_name is there. */
static enum rota_err read_attest(const struct rota_crypto *crypto, struct rota_span attest,
	const uint8_t nonce[static 32], uint32_t pcrs, struct rota_quote *out)
{
	struct rota_reader r = rota_reader(attest);
	bool kind = rota_read_be32(&r) == GENERATED;
	struct rota_span signer, data, digest;
	uint8_t want[ROTA_QUOTE_NAME_LEN];

	kind = rota_read_be16(&r) == ATTEST_QUOTE && kind;
	signer = read_sized(&r);
	data = read_sized(&r);
	out->clock_ms = rota_read_be64(&r);
	out->resets = rota_read_be32(&r);
	out->restarts = rota_read_be32(&r);
	(void)rota_read_u8(&r); /* safe: whether the clock was seen on disk lately */
	(void)rota_read_be64(&r); /* firmware */
	kind = read_selection(&r, pcrs) && kind;
	digest = read_sized(&r);
	ROTA_TRY(rota_reader_end(&r));
	qualified_name(crypto, out->key_name, want);
	if (!kind || digest.len != ROTA_SHA256_LEN || !rota_span_eq(signer, ROTA_SPAN(want)))
		return ROTA_ERR_FORMAT;
	if (!rota_span_eq(data, rota_span(nonce, 32)))
		return ROTA_ERR_HASH;
	memcpy(out->pcrs_sha256, digest.p, ROTA_SHA256_LEN);
	return ROTA_OK;
}

/* ---- the signatures ---- */

static enum rota_err check_vouched(const struct rota_crypto *crypto,
	const uint8_t identity[static ROTA_P256_KEY_LEN],
	const uint8_t name[static ROTA_QUOTE_NAME_LEN], struct rota_span sig)
{
	uint8_t digest[ROTA_SHA256_LEN];

	rota_factory_digest(crypto, rota_span(name, ROTA_QUOTE_NAME_LEN), digest);
	return crypto->verify_digest(crypto->ctx, ROTA_ALG_ECDSA_P256,
		rota_span(identity, ROTA_P256_KEY_LEN), sig, digest);
}

enum rota_err rota_quote_verify(const struct rota_crypto *crypto,
	const uint8_t identity[static ROTA_P256_KEY_LEN], const uint8_t nonce[static 32],
	uint32_t pcrs, struct rota_span quote, struct rota_quote *out)
{
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_quote found;
	struct parts parts;

	ROTA_TRY(take_apart(quote, &parts));
	key_name(crypto, parts.point, found.key_name);
	ROTA_TRY(check_vouched(crypto, identity, found.key_name, parts.vouched));
	rota_sha256_of(crypto, parts.attest, digest);
	ROTA_TRY(crypto->verify_digest(
		crypto->ctx, ROTA_ALG_ECDSA_P256, parts.point, parts.sig, digest));
	ROTA_TRY(read_attest(crypto, parts.attest, nonce, pcrs, &found));
	*out = found;
	return ROTA_OK;
}
