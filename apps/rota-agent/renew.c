/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/renew.h"
#include "apps/rota-agent/say.h"
#include "host/base/when.h"
#include "host/est/client.h"
#include "host/identity/cert.h"
#include "host/identity/request.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/hex.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ASK_S 60 /* of one call: a signature of a token behind the server */
#define WAIT_FIRST_S 3600
#define WAIT_MOST_S 86400
#define NONCE_LEN 32

/* One renewal. */
struct renewal {
	struct agent *a;
	unsigned place; /* of the new key */
	enum rota_rot_key by; /* who endorses */
	struct rota_fetch_server server; /* as whom it is asked */
	struct rota_fetch_login login;
	struct agent_shown shown; /* the IDevID, where that asks */
	uint8_t device[ROTA_SHA256_LEN];
	uint8_t point[ROTA_P256_KEY_LEN];
};

static uint64_t elapsed_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

/* ---- when ---- */

static bool valid(const struct agent_ldevid *l, uint64_t now_s)
{
	return l->there && now_s <= l->to_s;
}

/* A third of its life is left, or less. Two certificates: the newer is on trial, and none is asked for. */
static bool due(const struct agent *a, uint64_t now_s)
{
	const struct agent_identity *id = &a->identity;
	const struct agent_ldevid *l;

	if (id->use == AGENT_LDEVID_NONE)
		return true;
	if (a->report.turned_away && !agent_identity_tries(id))
		return true; /* the server does not take it any more */
	l = &id->ldevid[id->use];
	if (agent_identity_tries(id))
		return !valid(&id->ldevid[0], now_s) && !valid(&id->ldevid[1], now_s);
	return now_s + (l->to_s - l->from_s) / 3 >= l->to_s;
}

/* ---- as whom ---- */

/* The LDevID while it is one and the server takes it, else the IDevID. */
static enum rota_err choose(struct renewal *r, bool as_born, uint64_t now_s, struct rota_fail *why)
{
	static uint32_t turn; /* no session of a renewal is used by another one */
	struct agent_identity *id = &r->a->identity;

	r->server = r->a->config->server;
	r->place = id->use == 0 ? 1 : 0;
	if (!as_born && id->use != AGENT_LDEVID_NONE && valid(&id->ldevid[id->use], now_s)) {
		r->by = agent_ldevid_key(id->use);
		return ROTA_OK;
	}
	r->by = ROTA_ROT_IDENTITY;
	ROTA_TRY(agent_shown_open(&r->shown, id->config, id->rot, ROTA_ROT_IDENTITY, why));
	r->login = (struct rota_fetch_login){
		.certificate = r->shown.certificate, .key = r->shown.pkey, .turn = ++turn
	};
	r->server.login = &r->login;
	return ROTA_OK;
}

/* ---- what is asked ---- */

struct gathered {
	char text[2 * NONCE_LEN + 1];
	size_t len;
};

static enum rota_err take(void *ctx, struct rota_span piece)
{
	struct gathered *g = ctx;

	if (piece.len > sizeof(g->text) - 1 - g->len)
		return ROTA_ERR_LENGTH;
	memcpy(g->text + g->len, piece.p, piece.len);
	g->len += piece.len;
	return ROTA_OK;
}

static enum rota_err ask_nonce(
	struct renewal *r, uint8_t nonce[static NONCE_LEN], struct rota_fail *why)
{
	struct gathered g = { 0 };
	const struct rota_fetch_get get = {
		.server = &r->server,
		.path = ROTA_EST_NONCE,
		.max_len = sizeof(g.text) - 1,
		.total_s = ASK_S,
		.ctx = &g,
		.take = take,
	};

	ROTA_TRY(rota_fetch_get(r->a->fetch, &get, why));
	if (rota_unhex(g.text, rota_buf(nonce, NONCE_LEN)))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT, "%s/" ROTA_EST_NONCE " is no nonce", r->server.url);
}

static enum rota_err make_key(struct renewal *r, struct rota_fail *why)
{
	const struct rota_rot *rot = r->a->rot.port;
	enum rota_rot_key key = agent_ldevid_key(r->place);
	char path[ROTA_FILE_PATH_MAX];
	enum rota_err err;

	/* Certificate first, then key: what is there always fits. */
	agent_identity_path(r->a->config, key, path);
	ROTA_TRY(rota_file_remove(path, why));
	err = rot->key_destroy(rot->ctx, key);
	if (err == ROTA_OK)
		err = rot->key_make(rot->ctx, key, r->point);
	return err == ROTA_OK ? ROTA_OK
			      : rota_fail(why, err, "key %s of the root of trust: %s",
					rota_rotkey_name(key), rota_err_str(err));
}

/* An LDevID names the device; the IDevID says which key that has. */
static enum rota_err add_idevid(const struct renewal *r, char *to, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes der;
	enum rota_err err = ROTA_OK;

	agent_identity_path(r->a->config, ROTA_ROT_IDENTITY, path);
	ROTA_TRY(agent_cert_der(path, &der, why));
	if (der.len > ROTA_EST_IDEVID_MAX)
		err = rota_fail(why, ROTA_ERR_LIMIT, "%s is too long", path);
	else
		rota_hex(rota_bytes_span(&der), to);
	rota_bytes_free(&der);
	return err;
}

static enum rota_err post(struct renewal *r, struct rota_span csr,
	const uint8_t endorsement[static ROTA_ENDORSEMENT_LEN], struct rota_bytes *der,
	struct rota_fail *why)
{
	char endorsed[sizeof(ROTA_EST_ENDORSEMENT) + 2 * ROTA_ENDORSEMENT_LEN] =
		ROTA_EST_ENDORSEMENT;
	char born[sizeof(ROTA_EST_IDEVID) + 2 * ROTA_EST_IDEVID_MAX] = ROTA_EST_IDEVID;
	bool as_born = r->by == ROTA_ROT_IDENTITY;
	const char *const lines[] = { ROTA_EST_TYPE, endorsed, as_born ? NULL : born, NULL };
	static struct rota_fetch_answer answer;
	struct rota_bytes body;
	enum rota_err err;

	rota_hex(rota_span(endorsement, ROTA_ENDORSEMENT_LEN), endorsed + strlen(endorsed));
	if (!as_born)
		ROTA_TRY(add_idevid(r, born + strlen(born), why));
	rota_est_body(csr, &body);
	err = rota_fetch_send(r->a->fetch, &r->server, as_born ? ROTA_EST_ENROL : ROTA_EST_REENROL,
		lines, rota_bytes_span(&body), ASK_S, &answer, why);
	rota_bytes_free(&body);
	ROTA_TRY(err);
	if (answer.status != 200)
		return rota_fail(why,
			answer.status == 403 || answer.status == 401 ? ROTA_ERR_DENIED
								     : ROTA_ERR_NET,
			"%s/est answers %u%s%.200s", r->server.url, answer.status,
			answer.body[0] == '<' ? "" : ": ",
			answer.body[0] == '<' ? "" : answer.body);
	return rota_est_answer(rota_span(answer.body, answer.len), r->point, der, why);
}

static enum rota_err ask(struct renewal *r, struct rota_bytes *der, struct rota_fail *why)
{
	const struct rota_rot *rot = r->a->rot.port;
	uint8_t nonce[NONCE_LEN], endorsement[ROTA_ENDORSEMENT_LEN];
	struct rota_bytes csr;
	enum rota_err err;

	ROTA_TRY(ask_nonce(r, nonce, why)); /* before a key is made in vain */
	ROTA_TRY(make_key(r, why));
	ROTA_TRY(rota_request_csr(rot, agent_ldevid_key(r->place), &csr, why));
	err = rota_request_endorse(rot, &rota_crypto_openssl, r->by, nonce, rota_bytes_span(&csr),
		r->device, endorsement);
	err = err == ROTA_OK ? post(r, rota_bytes_span(&csr), endorsement, der, why)
			     : rota_fail(why, err, "key %s does not endorse: %s",
				       rota_rotkey_name(r->by), rota_err_str(err));
	rota_bytes_free(&csr);
	return err;
}

/* ---- what comes back ---- */

/* Of this device, for this key (which rota_est_answer() saw to), and of use: another one would only lock the device out. */
static enum rota_err check(
	const struct renewal *r, struct rota_span der, uint64_t now_s, struct rota_fail *why)
{
	struct rota_cert cert;

	if (rota_cert_read(der, &cert) != ROTA_OK ||
		!rota_span_eq(cert.common_name, r->a->identity.device))
		return rota_fail(
			why, ROTA_ERR_DENIED, "the LDevID that was issued is not for this device");
	if (cert.not_after <= now_s)
		return rota_fail(
			why, ROTA_ERR_EXPIRED, "the LDevID that was issued has expired already");
	return ROTA_OK;
}

static enum rota_err keep(const struct renewal *r, struct rota_span der, struct rota_fail *why)
{
	const unsigned char *at = der.p;
	X509 *x = d2i_X509(NULL, &at, (long)der.len);
	BIO *bio = BIO_new(BIO_s_mem());
	char path[ROTA_FILE_PATH_MAX], *text = NULL;
	long len = 0;
	enum rota_err err;

	agent_identity_path(r->a->config, agent_ldevid_key(r->place), path);
	if (x != NULL && bio != NULL && PEM_write_bio_X509(bio, x) == 1)
		len = BIO_get_mem_data(bio, &text);
	err = len > 0 ? rota_file_write(path, rota_span(text, (size_t)len), 0644, why)
		      : rota_fail(why, ROTA_ERR_FULL, "out of memory");
	X509_free(x);
	BIO_free(bio);
	return err;
}

static enum rota_err renew_as(
	struct renewal *r, bool as_born, uint64_t now_s, struct rota_fail *why)
{
	struct rota_bytes der = { 0 };
	enum rota_err err;

	if (rota_hex_decode(r->a->identity.device, ROTA_BUF(r->device)) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_FORMAT, "the device id is none");
	err = choose(r, as_born, now_s, why);
	if (err == ROTA_OK)
		err = ask(r, &der, why);
	if (err == ROTA_OK)
		err = check(r, rota_bytes_span(&der), now_s, why);
	if (err == ROTA_OK)
		err = keep(r, rota_bytes_span(&der), why);
	rota_bytes_free(&der);
	agent_shown_close(&r->shown);
	return err == ROTA_OK ? agent_identity_again(&r->a->identity, why) : err;
}

/* Whom the server turns away as what it became asks as what it was born. */
static enum rota_err renew(struct renewal *r, uint64_t now_s, struct rota_fail *why)
{
	enum rota_err err = renew_as(r, r->a->report.turned_away, now_s, why);

	if ((err == ROTA_ERR_DENIED || err == ROTA_ERR_NOT_FOUND) && r->by != ROTA_ROT_IDENTITY)
		err = renew_as(r, true, now_s, why);
	return err;
}

static void say_renewed(const struct agent *a, enum rota_rot_key by)
{
	const struct agent_identity *id = &a->identity;
	char until[ROTA_WHEN_LEN];

	rota_when_text(id->ldevid[id->use].to_s, until);
	say("renewed",
		(struct say_field[]){ { "key", rota_rotkey_name(agent_ldevid_key(id->use)) },
			{ "by", rota_rotkey_name(by) }, { "until", until }, { NULL, NULL } });
}

/* Who asks in vain asks less and less often. */
static void wait_longer(struct agent *a)
{
	a->renew_wait_s = a->renew_wait_s ? 2 * a->renew_wait_s : WAIT_FIRST_S;
	if (a->renew_wait_s > WAIT_MOST_S)
		a->renew_wait_s = WAIT_MOST_S;
	a->renew_after_s = elapsed_s() + a->renew_wait_s;
}

void agent_renew(struct agent *a, uint64_t now_s)
{
	struct agent_identity *id = &a->identity;
	struct renewal r = { .a = a };
	struct rota_fail why;
	enum rota_err err;

	if (id->config == NULL || a->rot.port == NULL || !a->config->server.url)
		return;
	err = agent_identity_again(id, &why);
	if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND)
		say("warning",
			(struct say_field[]){
				{ "step", "identity" }, { "reason", why.text }, { NULL, NULL } });
	if (err == ROTA_ERR_IO || err == ROTA_ERR_BUSY || err == ROTA_ERR_TIMEOUT)
		return; /* what is there is not known: nothing of it is replaced */
	if (!due(a, now_s) || elapsed_s() < a->renew_after_s)
		return;
	if (renew(&r, now_s, &why) == ROTA_OK) {
		a->renew_wait_s = a->renew_after_s = 0;
		say_renewed(a, r.by);
		return;
	}
	wait_longer(a);
	say("warning",
		(struct say_field[]){
			{ "step", "renew" }, { "reason", why.text }, { NULL, NULL } });
}
