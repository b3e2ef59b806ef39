/* SPDX-License-Identifier: Apache-2.0 */
/* rota keys make: a new key pair in a token, and its public half for whoever is to name it. */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/keys/keys.h"
#include "host/keys/period.h"
#include "host/keys/told.h"
#include "host/sign/p256.h"

#include <stdio.h>
#include <string.h>

static const char *token, *label, *use, *owner, *out;
static bool json;

static const struct opts_row rows[] = {
	{ "token", "NAME", "the token of rota.ini to make it in", OPTS_TEXT, &token },
	{ "label", "KEY", "what the key is called there", OPTS_TEXT, &label },
	{ "use", "USE",
		"what it will sign: a role or set of keys of rota.ini(5), approval, log, "
		"witness or builder",
		OPTS_TEXT, &use },
	{ "owner", "TEXT", "who keeps it (default: the token's owner in rota.ini)", OPTS_TEXT,
		&owner },
	{ "out", "FILE", "where the public key goes, as PEM (default: standard output)", OPTS_TEXT,
		&out },
	{ "json", NULL,
		"print id and public key as JSON; `point`: as rota.ini and signd.ini take it",
		OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota keys make --token NAME --label KEY --use USE [OPTION]...",
	.text = "Makes a P-256 key pair in the token. The private half never leaves it: that it is "
		"sensitive, not\n"
		"extractable and was made there is read back from the token, or the key goes "
		"again. "
		"The key is\n"
		"pre-active until metadata names it, which takes a ceremony: give the public key "
		"to "
		"`rota ceremony\n"
		"prepare --replace`.",
	.examples =
		"  rota --dir /media/vault keys make --token root-4 --label root --use root --out "
		"new.pem",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

static const struct rota_token *find_token(const struct rota_authdir *dir)
{
	for (size_t i = 0; i < dir->token_count; i++)
		if (strcmp(dir->tokens[i].name, token) == 0)
			return &dir->tokens[i];
	return NULL;
}

static enum rota_err tell(
	const char *id, const uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	char pem[ROTA_P256_PEM_MAX], hex[2 * ROTA_P256_KEY_LEN + 1];
	json_t *whole;

	rota_p256_pem(point, pem);
	rota_hex(rota_span(point, ROTA_P256_KEY_LEN), hex);
	if (out)
		ROTA_TRY(rota_file_write(out, rota_span_cstr(pem), 0644, why));
	if (json) {
		whole = json_pack("{s:s,s:s,s:s}", "id", id, "point", hex, "public", pem);
		json_dumpf(whole, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
		json_decref(whole);
	} else if (!out) {
		printf("%s", pem);
	}
	fprintf(stderr, "rota: key %.16s made in token %s as %s\n", id, token, label);
	if (!json && (strcmp(use, "approval") == 0 || strcmp(use, "builder") == 0))
		fprintf(stderr, "rota: as rota.ini and signd.ini name it: %s\n", hex);
	return ROTA_OK;
}

static enum rota_err run(struct session *s)
{
	struct rota_key_event e = { .what = ROTA_KEY_MADE, .at_s = s->desk.now };
	const struct rota_token *where = find_token(&s->dir);
	uint8_t point[ROTA_P256_KEY_LEN];
	struct rota_pkcs11_token pkcs11;
	struct rota_keys *k;
	enum rota_err err;

	if (!where)
		return rota_fail(&s->why, ROTA_ERR_NOT_FOUND, "%s: no section [token %s]",
			s->dir.ini.path, token);
	pkcs11 = session_token(&s->dir, where);
	ROTA_TRY(
		rota_keys_load(&s->dir, &k, &s->why)); /* before the key: one is not made in vain */
	err = rota_pkcs11_generate(&pkcs11, label, point, &s->why);
	if (err == ROTA_OK) {
		rota_p256_key_id(point, e.id);
		snprintf(e.token, sizeof(e.token), "%s", token);
		snprintf(e.label, sizeof(e.label), "%s", label);
		snprintf(e.uses, sizeof(e.uses), "%s", use);
		snprintf(e.owner, sizeof(e.owner), "%s", owner ? owner : where->owner);
		err = rota_keys_note(k, &e, &s->why);
	}
	if (err == ROTA_OK)
		err = rota_keys_settle(k, &s->why);
	if (err == ROTA_OK)
		err = tell(e.id, point, &s->why);
	rota_keys_free(k);
	return err == ROTA_OK ? rota_keys_tell(&s->dir, &s->notary, &s->why) : err;
}

int verb_keys_make(int argc, char **argv)
{
	uint64_t period;
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (!token || !label || !use)
		return opts_wrong(&usage, "--token, --label and --use are needed");
	if (!rota_key_period(use, &period))
		return opts_wrong(&usage,
			"--use %s is no use of a key: those are the roles and sets of keys of "
			"rota.ini, "
			"approval, builder, log, witness",
			use);
	if (strlen(label) > ROTA_SIGNER_LABEL_MAX || strlen(owner ? owner : "") > ROTA_OWNER_MAX)
		return opts_wrong(&usage, "a label has at most %d bytes, an owner %d",
			ROTA_SIGNER_LABEL_MAX, ROTA_OWNER_MAX);
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s));
}
