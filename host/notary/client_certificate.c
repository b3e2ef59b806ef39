/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/client_certificate.h"
#include "host/notary/certify.h"
#include "host/notary/client_parts.h"

#include <stdlib.h>
#include <sys/random.h>

#define SHOWN_MAX 1024

enum rota_err rota_client_nonce(struct rota_client *c, const char *scope, const char *device,
	uint8_t out[static 32], struct rota_fail *why)
{
	char *path = rota_text("v1/nonce/%s/%s", scope, device);
	enum rota_err err;
	json_t *whole;

	err = client_get(c, path, SHOWN_MAX, "nonce", &whole, why);
	free(path);
	ROTA_TRY(err);
	if (!rota_unhex(json_string_value(json_object_get(whole, "nonce")), rota_buf(out, 32)))
		err = rota_fail(why, ROTA_ERR_FORMAT, "the signing daemon shows no nonce");
	json_decref(whole);
	return err;
}

static json_t *hex_of(struct rota_span part)
{
	char *hex = malloc(2 * part.len + 1);
	json_t *text;

	if (!hex)
		abort();
	rota_hex(part, hex);
	text = json_string(hex);
	free(hex);
	return text;
}

static enum rota_err write_ask(
	const struct rota_certificate_ask *a, struct rota_bytes *out, struct rota_fail *why)
{
	struct rota_ask ask = { .kind = ROTA_ASK_CERTIFICATE,
		.scope = a->scope,
		.role = a->party,
		.reason = a->reason };
	enum rota_err err;

	if (a->csr.len > ROTA_CERTIFY_PART_MAX || a->identity.len > ROTA_CERTIFY_PART_MAX ||
		a->ldevid.len > ROTA_CERTIFY_PART_MAX ||
		a->endorsement.len > ROTA_CERTIFY_ENDORSEMENT_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "the device's request is too long");
	if (getrandom(ask.id, sizeof(ask.id), 0) != (ssize_t)sizeof(ask.id))
		return rota_fail(why, ROTA_ERR_IO, "the system gives no random numbers");
	ask.body = json_pack("{s:o,s:o,s:o,s:o,s:s}", "csr", hex_of(a->csr), "endorsement",
		hex_of(a->endorsement), "identity", hex_of(a->identity), "ldevid",
		hex_of(a->ldevid), "party", a->party);
	err = rota_ask_write(&ask, out, why);
	json_decref(ask.body);
	return err;
}

/* A daemon with too many connections says a bare status, which is no word about the request. */
static enum rota_err ask_daemon(struct rota_client *c, struct rota_span text,
	struct rota_answer *answer, struct rota_fail *why)
{
	enum rota_err err = rota_client_ask(c, text, answer, why);

	if (err == ROTA_ERR_FORMAT)
		err = why->err = ROTA_ERR_BUSY;
	return err;
}

enum rota_err rota_client_certificate(struct rota_client *c, const struct rota_certificate_ask *ask,
	struct rota_bytes *der, struct rota_fail *why)
{
	struct rota_answer *answer = calloc(1, sizeof(*answer));
	struct rota_bytes text = { 0 };
	enum rota_err err;

	*der = (struct rota_bytes){ 0 };
	if (!answer)
		return rota_fail(why, ROTA_ERR_FULL, "out of memory");
	err = write_ask(ask, &text, why);
	if (err == ROTA_OK)
		err = ask_daemon(c, rota_bytes_span(&text), answer, why);
	if (err == ROTA_OK)
		err = rota_client_verdict(answer, why);
	if (err == ROTA_OK && answer->der_len == 0)
		err = rota_fail(why, ROTA_ERR_FORMAT, "the signing daemon gives no certificate");
	if (err == ROTA_OK)
		rota_bytes_add(der, rota_span(answer->der, answer->der_len));
	rota_bytes_free(&text);
	free(answer);
	return err;
}
