/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sign/envelope.h"
#include "host/sign/p256.h"
#include "rota/codec/der.h"
#include "rota/codec/key.h"

#include <string.h>

enum rota_err rota_envelope_digest(
	const json_t *content, uint8_t digest[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	struct rota_bytes canonical;

	ROTA_TRY(rota_json_encode(content, ROTA_JSON_SIGNED, &canonical, why));
	rota_digest_of(rota_bytes_span(&canonical), digest);
	rota_bytes_free(&canonical);
	return ROTA_OK;
}

void rota_envelope_signature_hex(
	const struct rota_seat_sig *sig, char hex[static ROTA_ENVELOPE_SIG_HEX])
{
	uint8_t room[ROTA_DER_ECDSA_MAX];
	struct rota_span der;

	hex[0] = 0;
	if (rota_der_ecdsa_encode(ROTA_SPAN(sig->sig), ROTA_BUF(room), &der) == ROTA_OK)
		rota_hex(der, hex);
}

json_t *rota_envelope_signature(const struct rota_seat_sig *sig)
{
	char id[ROTA_DIGEST_HEX], hex[ROTA_ENVELOPE_SIG_HEX];

	rota_p256_key_id(sig->key, id);
	rota_envelope_signature_hex(sig, hex);
	return json_pack("{s:s,s:s}", "keyid", id, "sig", hex);
}

enum rota_err rota_envelope_sign(const struct rota_notary *notary,
	const struct rota_notary_file *what, struct rota_bytes *file, struct rota_fail *why)
{
	struct rota_seat_sig sigs[ROTA_SIGNERS_MAX];
	json_t *list, *whole;
	size_t count;
	enum rota_err err;

	ROTA_TRY(notary->sign(notary->ctx, what, sigs, &count, why));
	list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, rota_envelope_signature(&sigs[i]));
	whole = json_pack("{s:o,s:O}", "signatures", list, "signed", what->content);
	err = rota_json_encode(whole, ROTA_JSON_FILE, file, why);
	json_decref(whole);
	return err;
}

static bool listed(const json_t *keyids, const char *id)
{
	for (size_t i = 0; i < json_array_size(keyids); i++) {
		const char *one = json_string_value(json_array_get(keyids, i));

		if (one && strcmp(one, id) == 0)
			return true;
	}
	return false;
}

bool rota_envelope_good(const json_t *sig, const json_t *keys, const json_t *keyids,
	const uint8_t digest[static ROTA_DIGEST_LEN], uint8_t point[static ROTA_P256_KEY_LEN])
{
	const char *id = json_string_value(json_object_get(sig, "keyid"));
	const char *hex = json_string_value(json_object_get(sig, "sig"));
	uint8_t raw[ROTA_SIG_RAW_MAX];
	size_t len = 0;

	if (!id || !hex || !listed(keyids, id))
		return false;
	if (rota_p256_of_object(json_object_get(keys, id), point) != ROTA_OK)
		return false;
	if (rota_sig_raw(&rota_scheme_p256, rota_span_cstr(hex), ROTA_BUF(raw), &len) != ROTA_OK)
		return false;
	return rota_p256_verify(point, digest, raw);
}

static bool id_twice(const json_t *sigs, size_t at)
{
	const char *id = json_string_value(json_object_get(json_array_get(sigs, at), "keyid"));

	for (size_t i = 0; id && i < at; i++) {
		const char *other =
			json_string_value(json_object_get(json_array_get(sigs, i), "keyid"));

		if (other && strcmp(id, other) == 0)
			return true;
	}
	return false;
}

static enum rota_err count(const json_t *sigs, const json_t *keys, const json_t *keyids,
	const uint8_t digest[static ROTA_DIGEST_LEN], unsigned threshold, struct rota_fail *why)
{
	uint8_t good[ROTA_SIGNERS_MAX][ROTA_P256_KEY_LEN];
	unsigned have = 0;

	for (size_t i = 0; i < json_array_size(sigs) && have < ROTA_SIGNERS_MAX; i++) {
		bool again = false;

		if (id_twice(sigs, i))
			return rota_fail(why, ROTA_ERR_FORMAT, "a key id signs twice (SPEC 4.2)");
		if (!rota_envelope_good(json_array_get(sigs, i), keys, keyids, digest, good[have]))
			continue;
		for (unsigned k = 0; k < have; k++)
			again |= memcmp(good[k], good[have], ROTA_P256_KEY_LEN) == 0;
		have += !again;
	}
	if (threshold >= 1 && have >= threshold)
		return ROTA_OK;
	return rota_fail(
		why, ROTA_ERR_THRESHOLD, "%u good signatures of %u (TUF 5.3.4)", have, threshold);
}

enum rota_err rota_envelope_verify(struct rota_span file, const json_t *keys, const json_t *keyids,
	unsigned threshold, json_t **content, struct rota_fail *why)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	json_t *whole;
	enum rota_err err;

	*content = NULL;
	ROTA_TRY(rota_json_parse_strict(file, &whole, why));
	*content = json_incref(json_object_get(whole, "signed"));
	if (!json_is_object(*content))
		err = rota_fail(why, ROTA_ERR_FORMAT, "no 'signed' object");
	else
		err = rota_envelope_digest(*content, digest, why);
	if (err == ROTA_OK)
		err = count(
			json_object_get(whole, "signatures"), keys, keyids, digest, threshold, why);
	if (err != ROTA_OK) {
		json_decref(*content);
		*content = NULL;
	}
	json_decref(whole);
	return err;
}
