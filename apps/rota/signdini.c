/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/signdini.h"
#include "apps/rota/serve_state.h"
#include "host/base/bytes.h"
#include "host/base/file.h"
#include "host/log/vkey.h"
#include "host/sign/duty.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whom rotad becomes under root (rota-serve(1)). */
#define INGEST_USER "rota-ingest"
#define LOG_KEY "log"

static bool online(const struct rota_authdir *dir, const char *party)
{
	return rota_party_online(rota_authdir_party(dir, party));
}

static void write_rule(const struct rota_authdir *dir, const char *role, struct rota_bytes *ini)
{
	bool ci = strcmp(role, "ci") == 0, time = strcmp(role, "time") == 0,
	     link = strcmp(role, "keys-link") == 0;

	rota_bytes_print(ini,
		"[rule desk-%s]\nwho = desk\nscope = %s\nrole = %s\nkinds = record%s%s%s%s\n", role,
		dir->product, role, online(dir, role) ? " metadata" : "",
		ci && online(dir, "ci-image") ? " image" : "",
		time && online(dir, role) ? " time ticket" : "", link ? " campaign" : "");
}

/* Keys that open what is stored take a person. */
static void write_campaigns(const struct rota_authdir *dir, struct rota_bytes *ini)
{
	rota_bytes_print(ini,
		"\n# Who may ask for data keys of storage, firmware and auth, once there is an "
		"officer:\n"
		"# [officer NAME]\n# key = the point that rota keys make --use approval prints\n"
		"# [rule desk-campaigns]\n# who = desk\n# scope = %s\n# role = keys-store\n"
		"# kinds = campaign\n# approvals = 1\n# approvers = NAME\n",
		dir->product);
}

/* As root rotad is another user, who has one wish. */
static void write_server(const struct rota_authdir *dir, struct rota_bytes *ini)
{
	struct serve_user user;
	struct rota_fail why;

	if (geteuid() != 0 || !online(dir, "time") ||
		serve_need_user(INGEST_USER, &user, &why) != ROTA_OK)
		return;
	rota_bytes_print(ini,
		"\n# rotad, which answers devices that ask for the time.\n"
		"[client server]\nuid = %u\n"
		"[rule server-time]\nwho = server\nscope = %s\nrole = time\nkinds = time\n"
		"rate = 36000/1h\n",
		(unsigned)user.uid, dir->product);
}

static const struct rota_token *log_token(const struct rota_authdir *dir)
{
	for (size_t i = 0; i < dir->token_count; i++)
		if (dir->tokens[i].online)
			return &dir->tokens[i];
	return NULL;
}

static enum rota_err log_point(
	struct session *s, const struct rota_token *token, uint8_t point[static ROTA_P256_KEY_LEN])
{
	static const char *const keys[] = { LOG_KEY };
	const struct rota_pkcs11_token port = session_token(&s->dir, token);
	struct rota_signer signer;
	enum rota_err err;

	ROTA_TRY(rota_pkcs11_open(&port, keys, 1, &signer, &s->why));
	err = signer.public_key(signer.ctx, LOG_KEY, point, &s->why);
	signer.close(signer.ctx);
	return err;
}

/* Whom auditors, and rota publish, believe: the log alone, until witnesses are named (SPEC 22.7). */
static enum rota_err write_log_policy(struct session *s, const struct rota_token *token)
{
	char path[ROTA_FILE_PATH_MAX], line[ROTA_VKEY_TEXT_MAX];
	char *origin = rota_text("%s.rota.invalid/log", s->dir.product);
	uint8_t point[ROTA_P256_KEY_LEN];
	struct rota_bytes text = { 0 };
	struct rota_vkey key;
	enum rota_err err = log_point(s, token, point);

	if (err == ROTA_OK)
		err = rota_vkey_make(&rota_crypto_openssl, origin, false, point, &key, &s->why);
	free(origin);
	ROTA_TRY(err);
	rota_vkey_write(&key, line);
	rota_bytes_print(&text,
		"# The signing log of %s. Witnesses: `witness NAME VKEY URL`, then `quorum`; see "
		"rota-audit-verify(1).\nlog %s\nquorum none\n",
		s->dir.product, line);
	rota_authdir_path(&s->dir, "trust/log-policy", path);
	err = rota_file_write(path, rota_bytes_span(&text), 0644, &s->why);
	rota_bytes_free(&text);
	return err;
}

static void write_ini(const struct rota_authdir *dir, const struct rota_token *token, bool softhsm,
	const char *users, struct rota_bytes *ini)
{
	rota_bytes_print(ini,
		"# Who may have what signed; signd.ini(5) explains each setting, rota doctor "
		"compares it with\n# rota.ini. Rules with approvals = N ask for officers; rates "
		"and lifetimes can be lower.\n"
		"[daemon]\nstate = signd\nsocket = signd/socket\n%s%s%s%s\n"
		"[scope %s]\nauthority = .\n\n"
		"# The key of the signing log, which signs nothing else.\n"
		"[log]\nkey = %s:" LOG_KEY "\n\n"
		"# Who made this authority.\n[client desk]\nuid = %u\n",
		softhsm ? "lock = no\n" : "", users ? "users = " : "", users ? users : "",
		users ? "\n" : "", dir->product, token->name, (unsigned)getuid());
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
		write_rule(dir, rota_duties[i].name, ini);
	write_campaigns(dir, ini);
	write_server(dir, ini);
}

enum rota_err signdini_write(struct session *s, bool softhsm, const char *users)
{
	const struct rota_token *token = log_token(&s->dir);
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes ini = { 0 };
	enum rota_err err;

	if (!token)
		return rota_fail(&s->why, ROTA_ERR_NOT_FOUND,
			"%s names a signing daemon, and no token with online = yes for it",
			s->dir.ini.path);
	ROTA_TRY(write_log_policy(s, token));
	write_ini(&s->dir, token, softhsm, users, &ini);
	rota_authdir_path(&s->dir, "signd", path);
	err = rota_file_mkdirs(path, 0755, &s->why);
	rota_authdir_path(&s->dir, "signd.ini", path);
	if (err == ROTA_OK)
		err = rota_file_write(path, rota_bytes_span(&ini), 0644, &s->why);
	rota_bytes_free(&ini);
	return err;
}
