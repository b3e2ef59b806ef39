/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sign/notary.h"
#include "host/sign/envelope.h"

static enum rota_err key(void *ctx, const struct rota_party *party, size_t seat,
	uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	return rota_tokens_public(ctx, &party->seats[seat], out, why);
}

static enum rota_err sign(void *ctx, const struct rota_notary_file *file,
	struct rota_seat_sig out[static ROTA_SIGNERS_MAX], size_t *count, struct rota_fail *why)
{
	uint8_t digest[ROTA_DIGEST_LEN];

	ROTA_TRY(rota_envelope_digest(file->content, digest, why));
	ROTA_TRY(rota_tokens_sign_party(ctx, file->party, digest, out, why));
	*count = file->party->threshold;
	return ROTA_OK;
}

static enum rota_err image(void *ctx, const struct rota_notary_image *image,
	struct rota_seat_sig *out, struct rota_fail *why)
{
	return rota_tokens_sign(ctx, &image->party->seats[image->seat], image->digest, out, why);
}

static enum rota_err statement(void *ctx, const struct rota_notary_statement *what,
	struct rota_seat_sig out[static ROTA_SIGNERS_MAX], size_t *count, struct rota_fail *why)
{
	ROTA_TRY(rota_tokens_sign_party(ctx, what->party, what->digest, out, why));
	*count = what->party->threshold;
	return ROTA_OK;
}

static enum rota_err record(
	void *ctx, const struct rota_notary_event *event, uint64_t *entry, struct rota_fail *why)
{
	(void)ctx, (void)event, (void)why;
	*entry = ROTA_NOTARY_NO_ENTRY;
	return ROTA_OK;
}

struct rota_notary rota_notary_at_hand(struct rota_tokens *tokens)
{
	return (struct rota_notary){
		.ctx = tokens,
		.key = key,
		.sign = sign,
		.image = image,
		.statement = statement,
		.record = record,
	};
}
