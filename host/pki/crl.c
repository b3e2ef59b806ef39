/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pki/crl.h"
#include "host/pki/derparts.h"
#include "rota/codec/der.h"

static const uint8_t oid_crl_number[] = { 0x55, 0x1D, 0x14 };

static void add_revoked(struct rota_bytes *to, const struct rota_crl_plan *plan)
{
	size_t at = to->len;

	for (size_t i = 0; i < plan->count; i++) {
		const struct rota_revoked *one = &plan->list[i];
		size_t entry = to->len;

		rota_der_add(to, ROTA_DER_INTEGER, rota_span(one->serial, one->len));
		rota_der_add_time(to, one->at_s);
		rota_der_close(to, entry, ROTA_DER_SEQUENCE);
	}
	if (plan->count > 0) /* RFC 5280, 5.1.2.6: absent where there is none */
		rota_der_close(to, at, ROTA_DER_SEQUENCE);
}

static void add_extensions(
	struct rota_bytes *to, const struct rota_crl_plan *plan, struct rota_span issuer_key)
{
	struct rota_bytes number = { 0 };
	size_t at = to->len;

	der_add_authority(to, issuer_key);
	rota_der_add_number(&number, plan->number);
	der_add_extension(to, ROTA_SPAN(oid_crl_number), false, rota_bytes_span(&number));
	rota_bytes_free(&number);
	rota_der_close(to, at, ROTA_DER_SEQUENCE);
	rota_der_close(to, at, ROTA_DER_EXPLICIT(0));
}

enum rota_err rota_crl_tbs(
	const struct rota_crl_plan *plan, struct rota_bytes *out, struct rota_fail *why)
{
	struct rota_span name, key_id;

	*out = (struct rota_bytes){ 0 };
	if (plan->count > ROTA_REVOKED_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT,
			"more than %d certificates of one authority are revoked", ROTA_REVOKED_MAX);
	ROTA_TRY(der_issuer(plan->issuer, &name, &key_id, why));
	rota_der_add_number(out, 1); /* version 2 */
	rota_der_add_ecdsa(out);
	rota_bytes_add(out, name);
	rota_der_add_time(out, plan->from_s);
	rota_der_add_time(out, plan->next_s);
	add_revoked(out, plan);
	add_extensions(out, plan, key_id);
	rota_der_close(out, 0, ROTA_DER_SEQUENCE);
	return ROTA_OK;
}
