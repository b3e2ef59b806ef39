/* SPDX-License-Identifier: Apache-2.0 */
#include "host/factory/ready.h"

#include <string.h>

static enum rota_err refuse(struct rota_fail *why, enum rota_err err, const char *what)
{
	return rota_fail(why, err, "the device %s", what);
}

static enum rota_err judge_quote(const struct rota_ready_want *want, struct rota_span said,
	const uint8_t nonce[static ROTA_SHA256_LEN], struct rota_quote *quote,
	struct rota_fail *why)
{
	enum rota_err err;

	if (want->pcrs == 0)
		return said.len == 0
			? ROTA_OK
			: refuse(why, ROTA_ERR_FORMAT, "quotes where its root of trust cannot");
	err = rota_quote_verify(want->crypto, want->identity, nonce, want->pcrs, said, quote);
	if (err != ROTA_OK)
		return rota_fail(
			why, err, "the device's TPM does not vouch for it: %s", rota_err_str(err));
	if (want->pcrs_sha256 &&
		memcmp(quote->pcrs_sha256, want->pcrs_sha256, sizeof(quote->pcrs_sha256)) != 0)
		return refuse(why, ROTA_ERR_HASH,
			"booted something else: its PCRs are not those of --pcr-digest");
	return ROTA_OK;
}

enum rota_err rota_ready_judge(const struct rota_ready_want *want,
	const struct rota_factory_message *m, struct rota_quote *quote, struct rota_fail *why)
{
	struct rota_span sig = m->field[FACTORY_SIGNATURE];
	uint8_t digest[ROTA_SHA256_LEN];

	*quote = (struct rota_quote){ 0 };
	rota_factory_ready_digest(
		rota_span(want->said, ROTA_SHA256_LEN), m->field[FACTORY_IMAGES], digest);
	if (sig.len != ROTA_P256_SIG_LEN ||
		want->crypto->verify_digest(want->crypto->ctx, ROTA_ALG_ECDSA_P256,
			rota_span(want->identity, ROTA_P256_KEY_LEN), sig, digest) != ROTA_OK)
		return refuse(why, ROTA_ERR_SIGNATURE,
			"has not signed what was said and what is installed in it: somebody on the "
			"way changed it");
	return judge_quote(want, m->field[FACTORY_QUOTE], digest, quote, why);
}
