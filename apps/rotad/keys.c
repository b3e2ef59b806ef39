/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/keys.h"
#include "apps/rotad/api.h"
#include "apps/rotad/log.h"
#include "apps/rotad/peer.h"
#include "host/base/bytes.h"
#include "host/base/file.h"
#include "host/base/when.h"
#include "host/http/head.h"
#include "host/identity/nonce.h"
#include "host/registry/identity.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/hex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define CRYPTO (&rota_crypto_openssl)
#define SECRET_LEN 32

/* ---- the secret ---- */

static enum rota_err draw(const char *path, uint8_t out[static SECRET_LEN], struct rota_fail *why)
{
	if (getrandom(out, SECRET_LEN, 0) != SECRET_LEN)
		return rota_fail_errno(why, errno, "no randomness");
	return rota_file_write(path, rota_span(out, SECRET_LEN), 0600, why);
}

/* Nonces that are out stay good over a restart, so it is kept; and it is nobody else's. */
static enum rota_err read_secret(
	const char *path, uint8_t out[static SECRET_LEN], struct rota_fail *why)
{
	enum rota_err err;
	struct stat st;
	uint64_t len;
	int fd;

	ROTA_TRY(rota_file_open(path, &fd, &len, why));
	if (fstat(fd, &st) != 0)
		err = rota_fail_errno(why, errno, "%s", path);
	else if ((st.st_mode & 077) != 0 || st.st_uid != geteuid())
		err = rota_fail(why, ROTA_ERR_DENIED,
			"%s: it must be rotad's own, with mode 0600: remove it, and another one is "
			"drawn",
			path);
	else if (len != SECRET_LEN || read(fd, out, SECRET_LEN) != SECRET_LEN)
		err = rota_fail(why, ROTA_ERR_FORMAT,
			"%s: not %d bytes: remove it, and another one is drawn", path, SECRET_LEN);
	else
		err = ROTA_OK;
	close(fd);
	return err;
}

static enum rota_err need_secret(const char *path, struct rota_hmac *out, struct rota_fail *why)
{
	uint8_t secret[SECRET_LEN];
	enum rota_err err =
		rota_file_exists(path) ? read_secret(path, secret, why) : draw(path, secret, why);

	if (err == ROTA_OK)
		rota_hmac_begin(out, CRYPTO, ROTA_SPAN(secret));
	explicit_bzero(secret, sizeof(secret));
	return err;
}

enum rota_err keys_prepare(const struct config *c, struct rota_hmac *out, struct rota_fail *why)
{
	char *campaigns, *secret;
	enum rota_err err;

	if (c->keys == NULL)
		return ROTA_OK;
	campaigns = rota_text("%s/campaigns", c->keys);
	secret = rota_text("%s/nonce.key", c->keys);
	err = rota_file_mkdirs(campaigns, 0750, why);
	if (err == ROTA_OK)
		err = need_secret(secret, out, why);
	free(campaigns);
	free(secret);
	return err;
}

/* ---- of a worker ---- */

enum rota_err keys_open(struct keys *k, const struct config *c, struct rota_fail *why)
{
	struct rota_db unused;
	char *folder;

	*k = (struct keys){ 0 };
	if (c->keys != NULL) {
		folder = rota_text("%s/campaigns", c->keys);
		k->shelf = rota_keyshelf_new(folder, CRYPTO);
		free(folder);
	}
	ROTA_TRY(rota_db_sqlite_look(c->database, &k->sqlite, &unused, why));
	return rota_db_sqlite_registry(k->sqlite, &k->reg, why);
}

void keys_close(struct keys *k)
{
	rota_db_sqlite_close(k->sqlite);
	rota_keyshelf_free(k->shelf);
	*k = (struct keys){ 0 };
}

void keys_failed(struct worker *w, const struct rota_fail *why)
{
	if (!w->keys.failed)
		log_line("keys: %s", why->text);
	w->keys.failed = true;
}

enum rota_err keys_device(struct worker *w, const uint8_t id[static ROTA_DEVICE_ID_LEN],
	struct rota_reg_device *out, struct rota_row *row)
{
	struct rota_fail why;
	bool known;
	enum rota_err err = rota_identity_find(&w->keys.reg, id, out, &known, &why);

	if (err != ROTA_OK) {
		keys_failed(w, &why);
		return err;
	}
	if (!known || rota_row_read(out->row, row) != ROTA_OK)
		return ROTA_ERR_NOT_FOUND;
	return rota_reg_lives(out->state) ? ROTA_OK : ROTA_ERR_DENIED;
}

/* The same, of a device's row alone. */
static enum rota_err keys_row(
	struct worker *w, const uint8_t id[static ROTA_DEVICE_ID_LEN], struct rota_row *out)
{
	const struct rota_regdb *reg = &w->keys.reg;
	char text[ROTA_DB_ID_LEN];
	uint8_t state, row[ROTA_ROW_LEN];
	struct rota_fail why;
	enum rota_err err;

	rota_hex(rota_span(id, ROTA_DEVICE_ID_LEN), text);
	err = reg->row(reg->ctx, text, &state, row, &why);
	if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND)
		keys_failed(w, &why);
	ROTA_TRY(err);
	return rota_reg_lives(state) && rota_row_read(row, out) == ROTA_OK ? ROTA_OK
									   : ROTA_ERR_NOT_FOUND;
}

/* ---- a bundle ---- */

/* The id behind `API_KEYS`. */
static bool read_campaign(struct rota_span target, uint8_t id[static ROTA_SHA256_LEN])
{
	return rota_hex_decode(rota_span_skip(target, sizeof(API_KEYS) - 1),
		       rota_buf(id, ROTA_SHA256_LEN)) == ROTA_OK;
}

static enum rota_err make_answer(struct worker *w, const struct peer *peer,
	const uint8_t campaign[static ROTA_SHA256_LEN], uint8_t out[static ROTA_KEYANSWER_MAX],
	size_t *len)
{
	uint8_t nonce[ROTA_NONCE_LEN];
	struct rota_keyshelf_ask ask;
	struct rota_row row;
	struct rota_fail why;
	enum rota_err err;

	ROTA_TRY(keys_row(w, peer->id, &row));
	rota_nonce_make(CRYPTO, &w->shared->prove, KEYS_NONCE, peer->id, rota_when_now(), nonce);
	ask = (struct rota_keyshelf_ask){ campaign, row.identity };
	err = rota_keyshelf_answer(w->keys.shelf, &ask, nonce, out, len, &why);
	if (err == ROTA_OK)
		w->keys.failed = false;
	else if (err != ROTA_ERR_NOT_FOUND)
		keys_failed(w, &why);
	return err;
}

/* Of a whole answer: rotad's head has some hundred bytes. */
static size_t respond(struct rota_buf out, int status, const char *more, struct rota_span body)
{
	int len = snprintf((char *)out.p, out.len,
		"HTTP/1.1 %d %s\r\n%sCache-Control: no-store\r\nContent-Length: %zu\r\n\r\n",
		status, status == 200 ? "OK" : "Refused", more, body.len);

	if (len < 0 || body.len > out.len - (size_t)len)
		abort(); /* both are ours */
	memcpy(out.p + len, body.p, body.len);
	return (size_t)len + body.len;
}

static size_t refuse(struct rota_buf out, int status, const char *why)
{
	char *text = rota_text("{\"error\":\"%s\"}\n", why);
	size_t len = respond(out, status,
		status == 503 ? "Content-Type: application/json\r\nRetry-After: 10\r\n"
			      : "Content-Type: application/json\r\n",
		rota_span_cstr(text));

	free(text);
	return len;
}

/* Who may not have one and who has none are not told apart. */
static size_t answer_bundle(
	struct worker *w, struct rota_span target, struct rota_span in, struct rota_buf out)
{
	uint8_t campaign[ROTA_SHA256_LEN], answer[ROTA_KEYANSWER_MAX];
	enum rota_err err = ROTA_ERR_NOT_FOUND;
	struct rota_span certificate;
	const char *refusal;
	struct peer peer;
	size_t len;

	(void)rota_http_header(in, PEER_HEADER_LOWER, &certificate);
	refusal = peer_of(w, certificate, &peer);
	if (refusal != NULL)
		return refuse(out, 403, refusal);
	if (w->keys.shelf != NULL && read_campaign(target, campaign))
		err = make_answer(w, &peer, campaign, answer, &len);
	if (err == ROTA_ERR_NOT_FOUND)
		return refuse(out, 404, "no bundle of this campaign is here for the device");
	if (err != ROTA_OK)
		return refuse(out, 503, "bundles cannot be read now");
	count_one(&w->shared->figures.bundles);
	return respond(
		out, 200, "Content-Type: application/octet-stream\r\n", rota_span(answer, len));
}

size_t keys_direct(
	void *worker, const struct rota_http_head *head, struct rota_span in, struct rota_buf out)
{
	struct worker *w = worker;

	if (head->method != ROTA_HTTP_GET || !rota_span_starts(head->target, ROTA_STR(API_KEYS)))
		return 0;
	count_one(&w->shared->figures.requests);
	return answer_bundle(w, head->target, in, out);
}
