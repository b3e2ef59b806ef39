/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/notary_scene.h"
#include "host/sign/p256.h"
#include "tests/unit/tempdir.h"

#include <stdlib.h>
#include <string.h>

const struct rota_identity notary_engineer = { .uid = 1000 };
const struct rota_identity notary_chief = { .uid = 1001 };
const struct rota_identity notary_clerk = { .uid = 1002 };
const struct rota_identity notary_ci = { .remote = true,
	.spki = { 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
		0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
		0x11, 0x11, 0x11, 0x11, 0x11 } };

/* What bundle_scene.c fills, as a file. */
static void write_authority(const char *repo)
{
	struct rota_bytes text = { 0 };

	rota_bytes_print(&text, "[authority]\nproduct = sensor\n[repository]\npath = %s\n", repo);
	for (int i = 0; i < SOFT_TOKENS; i++)
		rota_bytes_print(&text, "[token t%d]\nmodule = m\nlabel = t%d\nonline = %s\n", i, i,
			i == 7 ? "yes" : "no");
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++) {
		const char *name = rota_duties[i].name;
		bool people = strcmp(name, "releases") == 0 || strcmp(name, "retirements") == 0;

		rota_bytes_print(&text, "[role %s]\nsigners = %s\nthreshold = %d\n", name,
			i == 0           ? "t0:key t1:key t2:key"
				: i == 1 ? "t3:key t4:key t5:key"
				: people ? "t0:key t1:key t6:key"
					 : "t7:key",
			i < 2 || people ? 2 : 1);
	}
	rota_bytes_print(&text,
		"[keys builder]\nsigners = t7:builder\n[keys image]\nsigners = t6:image\n[keys "
		"ci-image]\nsigners = t7:ci-image\n"
		"[keys recovery]\nsigners = t6:r\n[keys device-ca]\nsigners = t7:d\n"
		"[keys operational-ca]\nsigners = t7:o\n[keys server-ca]\nsigners = t7:s\n");
	tempdir_put("online/rota.ini", (const char *)text.p);
	rota_bytes_free(&text);
}

static void add_person(struct notary *n, struct rota_bytes *text, const char *who, int token)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	char hex[2 * ROTA_P256_KEY_LEN + 1];

	if (!rota_p256_of_pkey(n->s.soft.key[token], point))
		abort();
	rota_hex(ROTA_SPAN(point), hex);
	rota_bytes_print(text, "[%s]\nkey = %s\n", who, hex);
}

static void add_rule(struct rota_bytes *text, const char *name, const char *who, const char *role,
	const char *rest)
{
	rota_bytes_print(text, "[rule %s]\nwho = %s\nscope = sensor\nrole = %s\n%s\n", name, who,
		role, rest);
}

static struct rota_bytes rules_text(struct notary *n)
{
	struct rota_bytes text = { 0 };

	rota_bytes_print(
		&text, "[daemon]\nstate = %s\nsocket = /run/signd.sock\n", tempdir_path("state"));
	rota_bytes_print(&text, "[scope sensor]\nauthority = %s\n", tempdir_path("online"));
	rota_bytes_add_text(&text,
		"[log]\nkey = t7:log\n[client engineer]\nuid = 1000\n[client chief]\nuid = 1001\n"
		"[client clerk]\nuid = 1002\n[client ci]\nspki = "
		"1111111111111111111111111111111111111111111111111111111111111111\n");
	add_person(n, &text, "officer anna", ANNA);
	add_person(n, &text, "officer bert", BERT);
	add_person(n, &text, "officer carl", CARL);
	add_person(n, &text, "builder farm", 6);
	add_rule(&text, "snapshot", "engineer", "snapshot", "kinds = metadata");
	add_rule(&text, "timestamp", "engineer", "timestamp", "kinds = metadata");
	add_rule(&text, "rollouts", "engineer", "rollouts", "kinds = metadata");
	add_rule(&text, "revocations", "engineer", "revocations", "kinds = metadata");
	add_rule(&text, "time", "engineer", "time", "kinds = metadata time ticket");
	add_rule(&text, "releases", "engineer", "releases", "kinds = record");
	add_rule(&text, "ci", "ci", "ci",
		"kinds = metadata image record build\npaths = ci/sensor/*/*\nrate = 3/1m\nlifetime "
		"= 2d");
	add_rule(&text, "everyone", "chief", "rollouts",
		"kinds = metadata\napprovals = 2\napprovers = anna bert");
	add_rule(&text, "link", "engineer", "keys-link", "kinds = metadata campaign");
	add_rule(&text, "logins", "engineer", "operational-ca", "kinds = certificate");
	rota_bytes_add_text(&text,
		"[registry sensor]\nkey = registry.key\nmodule = /m.so\nlabel = seald\n"
		"pin_file = pin\n");
	add_rule(&text, "rows", "engineer", "registry", "kinds = rows");
	add_rule(&text, "store", "engineer", "keys-store", "kinds = metadata");
	add_rule(&text, "storage", "engineer", "keys-store",
		"kinds = campaign\napprovals = 1\napprovers = anna bert");
	return text;
}

enum rota_err notary_policy(struct notary *n, const char *from, const char *to)
{
	struct rota_bytes text = rules_text(n), edited = { 0 };
	char *at = from ? strstr((char *)text.p, from) : (char *)text.p;

	if (!at)
		abort();
	rota_bytes_add(&edited, rota_span(text.p, (size_t)(at - (char *)text.p)));
	rota_bytes_add_text(&edited, from ? to : "");
	rota_bytes_add_text(&edited, at + (from ? strlen(from) : 0));
	rota_policy_free(n->policy);
	n->policy = NULL;
	tempdir_put("signd.ini", (const char *)edited.p);
	rota_bytes_free(&text);
	rota_bytes_free(&edited);
	return rota_policy_load(tempdir_path("signd.ini"), &n->policy, &n->s.why);
}

bool notary_begin(struct notary *n)
{
	n->policy = NULL;
	if (!scene_begin(&n->s))
		return false;
	write_authority(n->s.online.repo);
	return notary_policy(n, NULL, NULL) == ROTA_OK;
}

void notary_end(struct notary *n)
{
	rota_policy_free(n->policy);
	scene_end(&n->s);
}

enum rota_err notary_ask(struct notary *n, const char *kind, const char *role, json_t *body,
	json_t *files, struct rota_ask *out)
{
	struct rota_ask ask = { .id = { 1, 2, 3 },
		.scope = "sensor",
		.role = role,
		.reason = "as planned",
		.body = body,
		.files = files };
	struct rota_bytes bytes;
	enum rota_err err;

	while (strcmp(rota_ask_word(ask.kind), kind) != 0)
		ask.kind++;
	err = rota_ask_write(&ask, &bytes, &n->s.why);
	json_decref(body);
	json_decref(files);
	return err == ROTA_OK ? rota_ask_parse(bytes, out, &n->s.why) : err;
}

void notary_sign(struct notary *n, int officer, struct rota_approval *a)
{
	struct rota_token token = { .name = officer == ANNA ? "t3"
			: officer == BERT                   ? "t4"
							    : "t5" };
	struct rota_opener opener = soft_opener(&n->s.soft);
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_signer signer;

	rota_approval_digest(a, digest);
	if (opener.open(opener.ctx, &token, &signer, &n->s.why) != ROTA_OK ||
		signer.sign(signer.ctx, "key", digest, a->sig, &n->s.why) != ROTA_OK)
		abort();
	signer.close(signer.ctx);
}

void notary_approve(struct notary *n, int officer, const struct rota_ask *ask, uint64_t expires_s,
	bool refuse, struct rota_approval *out)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	char id[ROTA_DIGEST_HEX];

	*out = (struct rota_approval){ .expires_s = expires_s, .refuse = refuse };
	memcpy(out->ask, ask->digest, sizeof(out->ask));
	if (!rota_p256_of_pkey(n->s.soft.key[officer], point))
		abort();
	rota_p256_key_id(point, id);
	if (!rota_unhex(id, ROTA_BUF(out->key)))
		abort();
	notary_sign(n, officer, out);
}
