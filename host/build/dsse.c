/* SPDX-License-Identifier: Apache-2.0 */
#include "host/build/dsse.h"
#include "host/sign/p256.h"
#include "rota/base/base64.h"
#include "rota/codec/der.h"

#include <stdlib.h>
#include <string.h>

#define PAYLOAD_TYPE "application/vnd.in-toto+json"

void rota_dsse_message(struct rota_span statement, struct rota_bytes *out)
{
	*out = (struct rota_bytes){ 0 };
	rota_bytes_print(
		out, "DSSEv1 %zu " PAYLOAD_TYPE " %zu ", strlen(PAYLOAD_TYPE), statement.len);
	rota_bytes_add(out, statement);
}

static void message_digest(struct rota_span statement, uint8_t digest[static ROTA_DIGEST_LEN])
{
	struct rota_bytes message;

	rota_dsse_message(statement, &message);
	rota_digest_of(rota_bytes_span(&message), digest);
	rota_bytes_free(&message);
}

/* As a string of JSON; the caller decrefs. */
static json_t *base64_json(struct rota_span data)
{
	size_t room = (data.len + 2) / 3 * 4;
	char *text = malloc(room + 1);
	json_t *value;
	size_t len;

	if (!text || rota_base64_encode(data, rota_buf(text, room), &len) != ROTA_OK)
		abort();
	value = json_stringn(text, len);
	free(text);
	return value;
}

void rota_dsse_write(
	struct rota_span statement, const struct rota_seat_sig *sig, struct rota_bytes *out)
{
	uint8_t room[ROTA_DER_ECDSA_MAX];
	char id[ROTA_DIGEST_HEX];
	struct rota_bytes line;
	struct rota_span der;
	struct rota_fail why;
	json_t *envelope;

	if (rota_der_ecdsa_encode(ROTA_SPAN(sig->sig), ROTA_BUF(room), &der) != ROTA_OK)
		abort(); /* a signature that verified has a DER form */
	rota_p256_key_id(sig->key, id);
	envelope = json_pack("{s:o,s:s,s:[{s:s,s:o}]}", "payload", base64_json(statement),
		"payloadType", PAYLOAD_TYPE, "signatures", "keyid", id, "sig", base64_json(der));
	if (rota_json_encode(envelope, ROTA_JSON_FILE, &line, &why) != ROTA_OK)
		abort(); /* letters and digits only */
	json_decref(envelope);
	rota_bytes_add(out, rota_bytes_span(&line));
	rota_bytes_add_text(out, "\n");
	rota_bytes_free(&line);
}

/* What a member of base64 holds; false when it is none. The caller frees. */
static bool unbase64(const json_t *value, struct rota_bytes *out)
{
	const char *text = json_string_value(value);
	size_t room = text ? json_string_length(value) / 4 * 3 + 3 : 0;

	*out = (struct rota_bytes){ 0 };
	if (!text)
		return false;
	out->p = malloc(room + 1);
	if (!out->p)
		abort();
	out->room = room;
	if (rota_base64_decode(rota_span(text, json_string_length(value)), rota_buf(out->p, room),
		    &out->len) == ROTA_OK) {
		out->p[out->len] = 0;
		return true;
	}
	rota_bytes_free(out);
	*out = (struct rota_bytes){ 0 };
	return false;
}

static bool verifies(const json_t *signature, const uint8_t point[static ROTA_P256_KEY_LEN],
	const uint8_t digest[static ROTA_DIGEST_LEN])
{
	uint8_t raw[ROTA_P256_SIG_LEN];
	struct rota_bytes der;
	bool good;

	if (!unbase64(json_object_get(signature, "sig"), &der))
		return false;
	good = rota_der_ecdsa_decode(rota_bytes_span(&der), ROTA_BUF(raw)) == ROTA_OK &&
		rota_p256_verify(point, digest, raw);
	rota_bytes_free(&der);
	return good;
}

/* Which of the points signed. */
static enum rota_err find_signer(const json_t *signatures,
	const uint8_t (*points)[ROTA_P256_KEY_LEN], size_t count,
	const uint8_t digest[static ROTA_DIGEST_LEN], size_t *signer, struct rota_fail *why)
{
	const json_t *one;
	size_t i;

	*signer = count;
	json_array_foreach(signatures, i, one)
	{
		const char *named = json_string_value(json_object_get(one, "keyid"));

		for (size_t k = 0; named && k < count && *signer == count; k++) {
			char id[ROTA_DIGEST_HEX];

			rota_p256_key_id(points[k], id);
			if (strcmp(id, named) != 0)
				continue;
			if (!verifies(one, points[k], digest))
				return rota_fail(why, ROTA_ERR_SIGNATURE,
					"the statement's signature by builder key %s does not "
					"verify (SPEC 26.2)",
					id);
			*signer = k;
		}
	}
	return ROTA_OK;
}

enum rota_err rota_dsse_read(struct rota_span line, const uint8_t (*points)[ROTA_P256_KEY_LEN],
	size_t count, struct rota_bytes *statement, size_t *signer, struct rota_fail *why)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	const char *type;
	json_t *envelope;
	enum rota_err err;

	ROTA_TRY(rota_json_parse(line, &envelope, why));
	type = json_string_value(json_object_get(envelope, "payloadType"));
	if (!type || strcmp(type, PAYLOAD_TYPE) != 0 ||
		!unbase64(json_object_get(envelope, "payload"), statement)) {
		json_decref(envelope);
		return rota_fail(
			why, ROTA_ERR_FORMAT, "no DSSE envelope of " PAYLOAD_TYPE " (SPEC 26.2)");
	}
	message_digest(rota_bytes_span(statement), digest);
	err = find_signer(
		json_object_get(envelope, "signatures"), points, count, digest, signer, why);
	json_decref(envelope);
	if (err != ROTA_OK)
		rota_bytes_free(statement);
	return err;
}

bool rota_dsse_line(struct rota_span *rest, struct rota_span *line)
{
	const uint8_t *end;

	if (rest->len == 0)
		return false;
	end = memchr(rest->p, '\n', rest->len);
	*line = rota_span(rest->p, end ? (size_t)(end - rest->p) : rest->len);
	*rest = rota_span(
		rest->p + line->len + (end ? 1 : 0), rest->len - line->len - (end ? 1 : 0));
	return true;
}
