/* SPDX-License-Identifier: Apache-2.0 */
/* rota doctor: what is wrong with this authority, step by step, and what to do about it. */
#include "apps/rota/doctor_signd.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/keys/keys.h"
#include "host/pki/cert.h"
#include "host/repo/store.h"
#include "host/repo/verify.h"
#include "host/sign/duty.h"
#include "host/sign/p256.h"

#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Room for a few releases of a small device; less, and publishing will fail soon. */
#define DISK_LEAST ((uint64_t)64 * 1024 * 1024)
#define CERT_WARN_S (30ULL * 86400)

static bool json, offline;

static const struct opts_row rows[] = {
	{ "online-only", NULL, "do not open offline tokens", OPTS_FLAG, &offline },
	{ "json", NULL, "as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota doctor [OPTION]...",
	.text = "Checks configuration, tokens, PINs, keys against the metadata, the repository, "
		"expiries,\n"
		"certificates, disk and clock. One line per step; exit status 1 when any is wrong.",
	.examples = "  rota doctor\n  rota --dir /srv/authority doctor --online-only",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

enum half {
	WHOLE,
	CONNECTED, /* has the online tokens and the repository */
	VAULT, /* has the tokens of people, and no repository */
};

struct visit {
	struct session s;
	enum half half;
	bool daemon; /* answers, for who signs there */
	json_t *steps;
	unsigned bad;
};

static void step(struct visit *v, bool good, const char *name, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void step(struct visit *v, bool good, const char *name, const char *format, ...)
{
	char text[640];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	v->bad += !good;
	if (json)
		json_array_append_new(v->steps,
			json_pack("{s:b,s:s,s:s}", "good", (int)good, "step", name, "text", text));
	else
		printf("%-6s %-14s %s\n", good ? "ok" : "wrong", name, text);
}

/* Not wrong, and not looked at either. */
static void pass_over(struct visit *v, const char *name, const char *text)
{
	if (json)
		json_array_append_new(v->steps,
			json_pack("{s:b,s:b,s:s,s:s}", "good", 1, "passed_over", 1, "step", name,
				"text", text));
	else
		printf("%-6s %-14s %s\n", "note", name, text);
}

/* Which half of `rota authority split` this directory is, by the tokens/NAME that are there: where some of both kinds
 * are, or none at all, it is not one, and what is missing is missed. */
static enum half half_of(const struct rota_authdir *dir)
{
	bool online = false, people = false;

	for (size_t i = 0; i < dir->token_count; i++) {
		char part[64], path[ROTA_FILE_PATH_MAX];

		snprintf(part, sizeof(part), "tokens/%s", dir->tokens[i].name);
		rota_authdir_path(dir, part, path);
		if (rota_file_exists(path))
			*(dir->tokens[i].online ? &online : &people) = true;
	}
	if (online == people)
		return WHOLE;
	return online ? CONNECTED : VAULT;
}

static bool looked_at(const struct visit *v, const struct rota_token *token)
{
	if (token->online)
		return v->half != VAULT;
	return !offline && v->half != CONNECTED;
}

/* Whether the key of a seat is among a role's keys in the metadata. */
static bool seat_listed(const json_t *keyids, const uint8_t point[static ROTA_P256_KEY_LEN])
{
	char id[ROTA_DIGEST_HEX];

	rota_p256_key_id(point, id);
	for (size_t i = 0; i < json_array_size(keyids); i++) {
		const char *one = json_string_value(json_array_get(keyids, i));

		if (one && strcmp(one, id) == 0)
			return true;
	}
	return false;
}

/* What root or targets says of this role: keyids and threshold; NULL for what is no role. */
static const json_t *entry_of(const json_t *root, const json_t *targets, const char *role)
{
	const json_t *top = json_object_get(json_object_get(root, "roles"), role);
	const json_t *list = json_object_get(json_object_get(targets, "delegations"), "roles");

	if (top)
		return top;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		const char *name = json_string_value(json_object_get(one, "name"));

		if (name && strcmp(name, role) == 0)
			return one;
	}
	return NULL;
}

/* A token that did not open has had its line. */
static bool said_before(const struct visit *v, const struct rota_token *token)
{
	enum rota_err state = v->s.tokens.state[token - v->s.dir.tokens];

	return state != ROTA_OK && state != ROTA_ERR_STATE;
}

/* Whether the signing daemon has its keys: what it says of them is looked at, not the token. */
static bool is_daemons(const struct visit *v, const struct rota_party *party)
{
	return v->s.dir.signd[0] && v->half != VAULT && rota_party_online(party);
}

/* A daemon that answers holds this token as another user, who alone reads its PIN. */
static bool is_daemon_users(const struct visit *v, const struct rota_token *token)
{
	char path[ROTA_FILE_PATH_MAX];
	struct stat st;

	if (!v->daemon || !token->online || !token->pin_file || !token->pin_file[0])
		return false;
	rota_authdir_path(&v->s.dir, token->pin_file, path);
	return stat(path, &st) == 0 && st.st_uid != geteuid();
}

static void check_party(struct visit *v, const struct rota_party *party, const json_t *entry)
{
	const struct rota_notary *notary = v->s.desk.notary;
	bool daemons = is_daemons(v, party);
	const json_t *keyids = json_object_get(entry, "keyids");
	json_int_t threshold = json_integer_value(json_object_get(entry, "threshold"));
	unsigned bad = v->bad, looked = 0;

	if (entry && threshold != (json_int_t)party->threshold)
		step(v, false, party->name,
			"the metadata demand %lld signatures, [role %s] of rota.ini says %u",
			(long long)threshold, party->name, party->threshold);

	for (size_t i = 0; i < party->seat_count; i++) {
		const struct rota_seat *seat = &party->seats[i];
		uint8_t point[ROTA_P256_KEY_LEN];

		if (daemons ? !v->daemon
			    : !looked_at(v, seat->token) || said_before(v, seat->token))
			continue;
		if (!daemons && is_daemon_users(v, seat->token)) {
			pass_over(v, party->name,
				"one of its keys is in a token of the signing daemon's user");
			continue;
		}
		looked++;
		if (notary->key(notary->ctx, party, i, point, &v->s.why) != ROTA_OK)
			step(v, false, party->name, "%s", v->s.why.text);
		else if (party->is_role && v->half != VAULT && !seat_listed(keyids, point))
			step(v, false, party->name,
				"token %s, key %s is not a key of this role in the metadata; the "
				"token "
				"or [role %s] is another one",
				seat->token->name, seat->key, party->name);
	}
	if (v->bad == bad && looked)
		step(v, true, party->name, "%u of %zu keys there%s", looked, party->seat_count,
			v->half == VAULT ? "" : " and right");
}

static void check_keys(struct visit *v)
{
	json_t *root = NULL, *targets = NULL;

	if (v->half != VAULT &&
		(rota_store_signed(&v->s.dir, "root", &root, &v->s.why) != ROTA_OK ||
			rota_store_signed(&v->s.dir, "targets", &targets, &v->s.why) != ROTA_OK))
		step(v, false, "repository", "%s", v->s.why.text);
	for (size_t i = 0; (v->half == VAULT || (root && targets)) && i < v->s.dir.party_count;
		i++) {
		const struct rota_party *party = &v->s.dir.parties[i];

		check_party(v, party, entry_of(root, targets, party->name));
	}
	json_decref(root);
	json_decref(targets);
}

/* Periods: late is wrong, soon is a note. */
static void check_periods(struct visit *v)
{
	unsigned bad = v->bad;
	struct rota_keys *k;
	char text[320], trouble[96];

	if (rota_keys_load(&v->s.dir, &k, &v->s.why) != ROTA_OK) {
		step(v, false, "keys", "%s", v->s.why.text);
		return;
	}
	for (size_t i = 0; i < rota_keys_count(k); i++) {
		const struct rota_key_info *key = rota_keys_at(k, i);

		rota_keys_trouble_text(key, v->s.desk.now, trouble);
		snprintf(text, sizeof(text), "key %.16s of %s: %s", key->id, key->uses, trouble);
		if (rota_keys_trouble(key, v->s.desk.now) == ROTA_KEY_SOON)
			pass_over(v, "keys", text);
		else if (trouble[0])
			step(v, false, "keys", "%s", text);
	}
	if (v->bad == bad)
		step(v, true, "keys", "%zu known, the active ones within their periods",
			rota_keys_count(k));
	rota_keys_free(k);
}

static void on_finding(void *ctx, bool good, const char *text)
{
	if (!good)
		step(ctx, false, "repository", "%s", text);
}

static void check_repository(struct visit *v)
{
	const struct rota_verify_sink sink = { .ctx = v, .say = on_finding };
	const struct rota_verify_plan plan = {
		.repo = v->s.dir.repo, .staging = v->s.dir.staging, .now = v->s.desk.now
	};
	struct rota_verify_result result;

	if (rota_repo_verify(&plan, &sink, &result, &v->s.why) != ROTA_OK)
		step(v, false, "repository", "%s", v->s.why.text);
	else if (result.bad == 0)
		step(v, true, "repository", "%llu files and signatures checked",
			(unsigned long long)result.good);
}

static void check_clock(struct visit *v)
{
	uint64_t issued, expires;
	json_t *content;

	if (rota_store_signed(&v->s.dir, "timestamp", &content, &v->s.why) != ROTA_OK)
		return; /* the step `repository` has said so */
	if (rota_metadata_times(content, &issued, &expires) && v->s.desk.now + 600 < issued)
		step(v, false, "clock",
			"the system's clock is before the last timestamp's issue; set it");
	else
		step(v, true, "clock", "later than all that was signed");
	json_decref(content);
}

static void check_disk(struct visit *v)
{
	struct statvfs fs;
	uint64_t room;

	if (statvfs(v->s.dir.repo, &fs) != 0)
		return;
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	step(v, room >= DISK_LEAST, "disk", "%llu MiB free at %s%s",
		(unsigned long long)(room >> 20), v->s.dir.repo,
		room >= DISK_LEAST ? "" : "; make room before the next release");
}

/* Whether the certificate's public key is this raw point. */
static bool same_key(const X509 *cert, const uint8_t point[static ROTA_P256_KEY_LEN])
{
	uint8_t own[ROTA_P256_KEY_LEN];

	return rota_p256_of_pkey(X509_get0_pubkey(cert), own) &&
		memcmp(own, point, sizeof(own)) == 0;
}

static void check_validity(struct visit *v, const char *name, const X509 *cert)
{
	time_t soon = (time_t)(v->s.desk.now + CERT_WARN_S);
	time_t now = (time_t)v->s.desk.now;

	if (X509_cmp_time(X509_get0_notAfter(cert), &now) < 0)
		step(v, false, "certificates", "%s has expired; issue a new one", name);
	else if (X509_cmp_time(X509_get0_notAfter(cert), &soon) < 0)
		step(v, false, "certificates", "%s expires within 30 days; issue a new one", name);
}

static void check_authority_cert(struct visit *v, const char *name)
{
	const struct rota_seat *seat = &rota_authdir_party(&v->s.dir, name)->seats[0];
	char part[64], path[ROTA_FILE_PATH_MAX];
	uint8_t point[ROTA_P256_KEY_LEN];
	X509 *cert;

	snprintf(part, sizeof(part), "ca/%s.pem", name);
	rota_authdir_path(&v->s.dir, part, path);
	if (rota_cert_load(path, &cert, &v->s.why) != ROTA_OK) {
		step(v, false, "certificates", "%s", v->s.why.text);
		return;
	}
	check_validity(v, part, cert);
	if (looked_at(v, seat->token) &&
		rota_tokens_public(&v->s.tokens, seat, point, &v->s.why) == ROTA_OK &&
		!same_key(cert, point))
		step(v, false, "certificates", "%s does not carry the key of token %s", part,
			seat->token->name);
	X509_free(cert);
}

/* The server has nobody to ask; without this OpenSSL asks on the terminal. */
static int no_password(char *to, int room, int writing, void *ctx)
{
	(void)to, (void)room, (void)writing, (void)ctx;
	return -1;
}

static void check_server_cert(struct visit *v)
{
	char path[ROTA_FILE_PATH_MAX];
	X509 *cert, *ca = NULL;
	EVP_PKEY *key = NULL;
	FILE *file;

	rota_authdir_path(&v->s.dir, "server/cert.pem", path);
	if (rota_cert_load(path, &cert, &v->s.why) != ROTA_OK) {
		step(v, false, "certificates", "%s", v->s.why.text);
		return;
	}
	check_validity(v, "server/cert.pem", cert);
	rota_authdir_path(&v->s.dir, "ca/server-ca.pem", path);
	if (rota_cert_load(path, &ca, &v->s.why) == ROTA_OK &&
		X509_verify(cert, X509_get0_pubkey(ca)) != 1)
		step(v, false, "certificates", "server/cert.pem is not signed by ca/server-ca.pem");
	rota_authdir_path(&v->s.dir, "server/key.pem", path);
	file = fopen(path, "re");
	key = file ? PEM_read_PrivateKey(file, NULL, no_password, NULL) : NULL;
	if (!key)
		step(v, false, "certificates",
			"%s cannot be read as a private key without password", path);
	else if (X509_check_private_key(cert, key) != 1)
		step(v, false, "certificates", "server/key.pem is not the key of server/cert.pem");
	if (file)
		fclose(file);
	EVP_PKEY_free(key);
	X509_free(ca);
	X509_free(cert);
}

static void check_certificates(struct visit *v)
{
	unsigned bad = v->bad;

	check_authority_cert(v, "device-ca");
	check_authority_cert(v, "operational-ca");
	check_authority_cert(v, "server-ca");
	if (v->half != VAULT)
		check_server_cert(v);
	if (v->bad == bad)
		step(v, true, "certificates", "three authorities%s are right",
			v->half == VAULT ? "" : " and the server's");
}

static void on_signd(void *ctx, bool good, const char *text)
{
	step(ctx, good, "signd", "%s", text);
}

static void all_steps(struct visit *v)
{
	const struct doctor_sink signd = { .ctx = v, .say = on_signd };

	/* it was judged as a whole when it was loaded */
	step(v, true, "config", "%s: product %s, %zu tokens", v->s.dir.ini.path, v->s.dir.product,
		v->s.dir.token_count);
	v->half = half_of(&v->s.dir);
	if (v->s.dir.signd[0] && v->half != VAULT)
		v->daemon = doctor_signd(&v->s, &signd);
	check_keys(v);
	check_periods(v);
	if (v->half == VAULT) {
		pass_over(v, "repository",
			"none is here, and no online token: what rota repo sign needs was looked "
			"at");
		check_certificates(v);
		return;
	}
	if (v->half == CONNECTED)
		pass_over(v, "tokens",
			"those of people are on another machine (rota authority split); run it "
			"there too");
	check_repository(v);
	check_certificates(v);
	check_disk(v);
	check_clock(v);
}

int verb_doctor(int argc, char **argv)
{
	struct visit v = { 0 };
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	v.steps = json_array();
	err = session_open(&v.s, verb_dir(), SESSION_READ);
	if (err == ROTA_OK) {
		all_steps(&v);
		session_close(&v.s, ROTA_OK);
	} else {
		step(&v, false, "config", "%s", v.s.why.text);
	}
	if (json) {
		json_dumpf(v.steps, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
	} else {
		printf("%s\n",
			v.bad ? "something is wrong: see the lines that begin with it"
			      : "nothing is wrong");
	}
	json_decref(v.steps);
	return v.bad != 0;
}
