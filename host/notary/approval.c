/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/approval.h"
#include "host/base/when.h"
#include "host/notary/refusal.h"
#include "host/repo/judge.h"
#include "rota/base/writer.h"
#include "rota/codec/der.h"
#include "rota/codec/key.h"

#include <stdlib.h>
#include <string.h>

#define DOMAIN "rota-approval-v1"

void rota_approval_digest(const struct rota_approval *a, uint8_t out[static ROTA_DIGEST_LEN])
{
	uint8_t room[sizeof(DOMAIN) - 1 + ROTA_DIGEST_LEN + 9];
	struct rota_writer w = rota_writer(ROTA_BUF(room));

	rota_write_span(&w, ROTA_STR(DOMAIN));
	rota_write_span(&w, ROTA_SPAN(a->ask));
	rota_write_le64(&w, a->expires_s);
	rota_write_u8(&w, a->refuse);
	rota_digest_of(ROTA_SPAN(room), out);
}

static bool read_members(const json_t *whole, struct rota_approval *out)
{
	const json_t *refuse = json_object_get(whole, "refuse");
	uint8_t raw[ROTA_SIG_RAW_MAX];
	size_t len;

	if (!rota_json_members(whole, "_type ask expires format key refuse sig") ||
		strcmp(rota_judge_text(whole, "_type"), "rota-approval") != 0 ||
		json_integer_value(json_object_get(whole, "format")) != 1 ||
		!json_is_boolean(refuse) ||
		!rota_unhex(rota_judge_text(whole, "ask"), ROTA_BUF(out->ask)) ||
		!rota_unhex(rota_judge_text(whole, "key"), ROTA_BUF(out->key)) ||
		!rota_when_parse(rota_judge_text(whole, "expires"), &out->expires_s) ||
		rota_sig_raw(&rota_scheme_p256, rota_span_cstr(rota_judge_text(whole, "sig")),
			ROTA_BUF(raw), &len) != ROTA_OK ||
		len != sizeof(out->sig))
		return false;
	memcpy(out->sig, raw, sizeof(out->sig));
	out->refuse = json_is_true(refuse);
	return true;
}

enum rota_err rota_approval_parse(
	struct rota_span in, struct rota_approval *out, struct rota_fail *why)
{
	json_t *whole;
	bool good;

	*out = (struct rota_approval){ 0 };
	if (in.len > ROTA_APPROVAL_MAX)
		return rota_refuse(why, ROTA_REFUSED_SPELLING, "an approval has at most %d bytes",
			ROTA_APPROVAL_MAX);
	if (rota_json_parse_strict(in, &whole, why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_SPELLING);
	good = read_members(whole, out);
	json_decref(whole);
	if (good)
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_MEMBER, "this is no approval of SPEC 20.1");
}

void rota_approval_write(const struct rota_approval *a, struct rota_bytes *out)
{
	char ask[ROTA_DIGEST_HEX], key[ROTA_DIGEST_HEX], expires[ROTA_WHEN_LEN];
	char sig[2 * ROTA_DER_ECDSA_MAX + 1] = "";
	uint8_t room[ROTA_DER_ECDSA_MAX];
	struct rota_span der;
	struct rota_fail why;
	json_t *whole;

	rota_hex(ROTA_SPAN(a->ask), ask);
	rota_hex(ROTA_SPAN(a->key), key);
	rota_when_text(a->expires_s, expires);
	if (rota_der_ecdsa_encode(ROTA_SPAN(a->sig), ROTA_BUF(room), &der) == ROTA_OK)
		rota_hex(der, sig);
	whole = json_pack("{s:s,s:s,s:s,s:i,s:s,s:b,s:s}", "_type", "rota-approval", "ask", ask,
		"expires", expires, "format", 1, "key", key, "refuse", a->refuse, "sig", sig);
	if (rota_json_encode(whole, ROTA_JSON_FILE, out, &why) != ROTA_OK)
		abort(); /* made of our own values */
	json_decref(whole);
}
