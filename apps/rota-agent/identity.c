/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/identity.h"
#include "host/identity/cert.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* SubjectPublicKeyInfo of a P-256 point: the point stands at its end. */
#define SPKI_LEN 91

void agent_identity_path(const struct agent_config *config, enum rota_rot_key key,
	char path[static ROTA_FILE_PATH_MAX])
{
	const char *name = "idevid.pem";

	if (key == ROTA_ROT_LDEVID_0)
		name = "ldevid-0.pem";
	else if (key == ROTA_ROT_LDEVID_1)
		name = "ldevid-1.pem";
	snprintf(path, ROTA_FILE_PATH_MAX, "%s/%s", config->identity, name);
}

/* ---- certificates ---- */

enum rota_err agent_cert_der(const char *path, struct rota_bytes *der, struct rota_fail *why)
{
	struct rota_bytes pem = { 0 };
	unsigned char *raw = NULL;
	X509 *x = NULL;
	BIO *bio;
	int len;

	*der = (struct rota_bytes){ 0 };
	ROTA_TRY(rota_file_read(path, AGENT_CERT_MAX, &pem, why));
	bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	if (bio != NULL)
		x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	len = x != NULL ? i2d_X509(x, &raw) : -1;
	if (len > 0)
		rota_bytes_add(der, rota_span(raw, (size_t)len));
	OPENSSL_free(raw);
	X509_free(x);
	BIO_free(bio);
	rota_bytes_free(&pem);
	ERR_clear_error();
	return len > 0 ? ROTA_OK
		       : rota_fail(why, ROTA_ERR_FORMAT, "%s is no PEM certificate", path);
}

static bool is_of(const struct rota_cert *cert, struct rota_span device,
	const uint8_t point[static ROTA_P256_KEY_LEN])
{
	return rota_span_eq(cert->common_name, device) && cert->spki.len == SPKI_LEN &&
		memcmp(cert->spki.p + SPKI_LEN - ROTA_P256_KEY_LEN, point, ROTA_P256_KEY_LEN) == 0;
}

static struct timespec written(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mtim : (struct timespec){ 0 };
}

/* What lies in a place. Nothing there is no error. */
static enum rota_err look(struct agent_identity *id, unsigned place, struct rota_fail *why)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes der;
	struct rota_cert cert;
	enum rota_err err;

	id->ldevid[place] = (struct agent_ldevid){ 0 };
	agent_identity_path(id->config, agent_ldevid_key(place), path);
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(agent_cert_der(path, &der, why));
	err = rota_cert_read(rota_bytes_span(&der), &cert);
	if (err == ROTA_OK)
		err = id->rot->key_point(id->rot->ctx, agent_ldevid_key(place), point);
	if (err == ROTA_OK && !is_of(&cert, id->device, point))
		err = ROTA_ERR_DENIED;
	if (err == ROTA_OK)
		id->ldevid[place] = (struct agent_ldevid){ .there = true,
			.from_s = cert.not_before,
			.to_s = cert.not_after,
			.written = written(path) };
	rota_bytes_free(&der);
	return err == ROTA_OK
		? ROTA_OK
		: rota_fail(why, err, "%s is not the certificate of this device's key %s: %s", path,
			  rota_rotkey_name(agent_ldevid_key(place)), rota_err_str(err));
}

static unsigned newest(const struct agent_identity *id)
{
	const struct agent_ldevid *l = id->ldevid;

	if (!l[0].there)
		return l[1].there ? 1 : AGENT_LDEVID_NONE;
	if (!l[1].there)
		return 0;
	if (l[0].from_s != l[1].from_s)
		return l[1].from_s > l[0].from_s;
	if (l[0].written.tv_sec != l[1].written.tv_sec)
		return l[1].written.tv_sec > l[0].written.tv_sec;
	return l[1].written.tv_nsec > l[0].written.tv_nsec;
}

/* ---- showing one ---- */

enum rota_err agent_shown_open(struct agent_shown *s, const struct agent_config *c,
	const struct rota_rot *rot, enum rota_rot_key key, struct rota_fail *why)
{
	s->pkey = NULL;
	agent_identity_path(c, key, s->certificate);
	s->key = (struct rota_rotkey){ .rot = rot, .key = key };
	return rota_rotkey_open(&s->key, &s->pkey, why);
}

void agent_shown_close(struct agent_shown *s)
{
	EVP_PKEY_free(s->pkey);
	s->pkey = NULL;
}

static enum rota_err use(struct agent_identity *id, unsigned place, struct rota_fail *why)
{
	struct rota_fetch_login *login = id->config->login;
	enum rota_err err = ROTA_OK;

	agent_shown_close(&id->shown);
	id->use = place;
	if (place != AGENT_LDEVID_NONE)
		err = agent_shown_open(
			&id->shown, id->config, id->rot, agent_ldevid_key(place), why);
	login->certificate = id->shown.certificate;
	login->key = id->shown.pkey;
	login->turn++;
	if (place != AGENT_LDEVID_NONE)
		return err;
	return rota_fail(why, ROTA_ERR_NOT_FOUND, "%s has no certificate to log in with",
		id->config->identity);
}

enum rota_err agent_identity_again(struct agent_identity *id, struct rota_fail *why)
{
	struct rota_fail first = { 0 };

	for (unsigned place = 0; place < AGENT_LDEVIDS; place++)
		if (look(id, place, why) != ROTA_OK)
			first = *why;
	if (use(id, newest(id), why) == ROTA_OK)
		return ROTA_OK;
	if (why->err == ROTA_ERR_NOT_FOUND && first.err != ROTA_OK)
		*why = first; /* there is one, and this is what is wrong with it */
	return why->err;
}

enum rota_err agent_identity_open(struct agent_identity *id, const struct agent_config *config,
	const struct rota_rot *rot, struct rota_span device, struct rota_fail *why)
{
	*id = (struct agent_identity){
		.config = config, .rot = rot, .device = device, .use = AGENT_LDEVID_NONE
	};
	return agent_identity_again(id, why);
}

void agent_identity_close(struct agent_identity *id)
{
	if (id->config != NULL && id->config->login != NULL)
		id->config->login->key = NULL;
	agent_shown_close(&id->shown);
}

/* ---- blue and green ---- */

bool agent_identity_tries(const struct agent_identity *id)
{
	return id->ldevid[0].there && id->ldevid[1].there;
}

/* Certificate first, then key: what is there always fits. */
static enum rota_err drop(struct agent_identity *id, unsigned place, struct rota_fail *why)
{
	enum rota_rot_key key = agent_ldevid_key(place);
	char path[ROTA_FILE_PATH_MAX];
	enum rota_err err;

	agent_identity_path(id->config, key, path);
	ROTA_TRY(rota_file_remove(path, why));
	id->ldevid[place] = (struct agent_ldevid){ 0 };
	err = id->rot->key_destroy(id->rot->ctx, key);
	return err == ROTA_OK ? ROTA_OK
			      : rota_fail(why, err, "key %s of the root of trust stays: %s",
					rota_rotkey_name(key), rota_err_str(err));
}

enum rota_err agent_identity_proved(struct agent_identity *id, struct rota_fail *why)
{
	unsigned older = 1 - newest(id);

	if (!agent_identity_tries(id) || id->use == older)
		return ROTA_OK;
	return drop(id, older, why);
}

enum rota_err agent_identity_refused(struct agent_identity *id, struct rota_fail *why)
{
	unsigned newer = newest(id);
	enum rota_err err;

	if (!agent_identity_tries(id) || id->use != newer)
		return ROTA_OK;
	err = use(id, 1 - newer, why);
	return err == ROTA_OK ? drop(id, newer, why) : err;
}
