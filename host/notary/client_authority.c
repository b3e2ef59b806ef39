/* SPDX-License-Identifier: Apache-2.0 */
/* Revocations, lists of them, and who answers for them, from the daemon (SPEC 19.10, 19.11). */
#include "host/notary/client_parts.h"
#include "host/pki/crl.h"

#include <stdlib.h>
#include <sys/random.h>

/* A whole list in hex: 40 bytes for each certificate. */
#define CRL_ANSWER_MAX (64u * 1024 + 2u * 48 * ROTA_REVOKED_MAX)

/* Takes the body. */
static enum rota_err write_ask(
	struct rota_ask *ask, json_t *body, struct rota_bytes *out, struct rota_fail *why)
{
	enum rota_err err;

	ask->body = body;
	if (getrandom(ask->id, sizeof(ask->id), 0) != (ssize_t)sizeof(ask->id))
		err = rota_fail(why, ROTA_ERR_IO, "the system gives no random bytes");
	else
		err = rota_ask_write(ask, out, why);
	json_decref(body);
	return err;
}

/* Something signed, of this body. */
static enum rota_err get_der(struct rota_client *c, struct rota_ask *ask, json_t *body,
	struct rota_bytes *der, struct rota_fail *why)
{
	struct rota_bytes bytes, text;
	struct rota_answer answer;
	enum rota_err err;

	*der = (struct rota_bytes){ 0 };
	ROTA_TRY(write_ask(ask, body, &bytes, why));
	err = client_post_long(c, rota_bytes_span(&bytes), CRL_ANSWER_MAX, &text, why);
	rota_bytes_free(&bytes);
	ROTA_TRY(err);
	err = rota_answer_read_long(rota_bytes_span(&text), &answer, der, why);
	if (err == ROTA_OK && der->len == 0)
		err = rota_fail(why, ROTA_ERR_FORMAT, "the signing daemon gives nothing");
	rota_bytes_free(&text);
	if (err != ROTA_OK)
		rota_bytes_free(der);
	return err;
}

enum rota_err rota_client_crl(struct rota_client *c, const char *scope, const char *role,
	const char *reason, struct rota_bytes *der, struct rota_fail *why)
{
	struct rota_ask ask = {
		.kind = ROTA_ASK_CRL, .scope = scope, .role = role, .reason = reason
	};

	return get_der(c, &ask, json_object(), der, why);
}

static json_t *hex_of(struct rota_span bytes)
{
	char *hex = malloc(2 * bytes.len + 1);
	json_t *text;

	if (!hex)
		abort();
	rota_hex(bytes, hex);
	text = json_string(hex);
	free(hex);
	return text;
}

enum rota_err rota_client_responder(struct rota_client *c, const char *scope, const char *role,
	const char *reason, struct rota_span csr, struct rota_bytes *der, struct rota_fail *why)
{
	struct rota_ask ask = {
		.kind = ROTA_ASK_OCSP, .scope = scope, .role = role, .reason = reason
	};

	return get_der(c, &ask, json_pack("{s:o}", "csr", hex_of(csr)), der, why);
}

enum rota_err rota_client_revoke(struct rota_client *c, const char *scope, const char *role,
	const char *reason, const uint8_t device[static ROTA_DIGEST_LEN], struct rota_span serial,
	struct rota_bytes *bytes, struct rota_fail *why)
{
	struct rota_ask ask = {
		.kind = ROTA_ASK_REVOKE, .scope = scope, .role = role, .reason = reason
	};
	struct rota_answer answer;

	if (bytes->len == 0)
		ROTA_TRY(write_ask(&ask,
			json_pack("{s:o,s:o}", "device", hex_of(rota_span(device, ROTA_DIGEST_LEN)),
				"serial", hex_of(serial)),
			bytes, why));
	ROTA_TRY(rota_client_ask(c, rota_bytes_span(bytes), &answer, why));
	return rota_client_verdict(&answer, why);
}
