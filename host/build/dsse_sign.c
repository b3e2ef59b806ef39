/* SPDX-License-Identifier: Apache-2.0 */
#include "host/build/dsse.h"
#include "host/base/digest.h"

enum rota_err rota_dsse_sign(const struct rota_notary *notary, const struct rota_party *party,
	struct rota_span statement, struct rota_bytes *out, struct rota_fail *why)
{
	struct rota_notary_statement what = { .party = party, .text = statement };
	struct rota_seat_sig sigs[ROTA_SIGNERS_MAX];
	struct rota_bytes message;
	size_t count;

	rota_dsse_message(statement, &message);
	rota_digest_of(rota_bytes_span(&message), what.digest);
	rota_bytes_free(&message);
	ROTA_TRY(notary->statement(notary->ctx, &what, sigs, &count, why));
	for (size_t i = 0; i < count; i++)
		rota_dsse_write(statement, &sigs[i], out);
	return ROTA_OK;
}
