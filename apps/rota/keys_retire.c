/* SPDX-License-Identifier: Apache-2.0 */
/* rota keys retire: say that a key's time is over, that it is known to others, or destroy it in its token. */
#include "apps/rota/fleet_census.h"
#include "apps/rota/opts.h"
#include "apps/rota/verb.h"
#include "host/keys/told.h"
#include "host/sign/p256.h"

#include <stdio.h>
#include <string.h>

static const char *reason;
static bool compromised, destroy, override, yes;

static const struct opts_row rows[] = {
	{ "compromised", NULL, "others know it, or may: the mark stays for good", OPTS_FLAG,
		&compromised },
	{ "destroy", NULL, "destroy both halves in the token", OPTS_FLAG, &destroy },
	{ "override", NULL, "although devices need it still; how many is kept with the reason",
		OPTS_FLAG, &override },
	{ "reason", "TEXT", "why; it is kept with the event", OPTS_TEXT, &reason },
	{ "yes", NULL, "do not ask before destroying", OPTS_FLAG, &yes },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota keys retire [OPTION]... --reason TEXT ID",
	.text = "Deactivates the key whose id begins with ID (eight digits or more). A key that "
		"metadata or a\n"
		"record still names stays active: `rota ceremony` takes it out of them first. With "
		"--compromised it\n"
		"is marked at once, and `rota doctor` says so until nothing counts its signatures "
		"any more.\n"
		"Where rota.ini names the fleet's database, one that devices need still (`rota "
		"keys "
		"list`) stays, too.",
	.examples = "  rota keys retire --reason 'token lost on a train' --compromised 3f9a01c2\n"
		    "  rota --dir /media/vault keys retire --destroy --reason yearly 77aa01c2",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

static bool is_it(const void *id, const uint8_t *point)
{
	char own[ROTA_DIGEST_HEX];

	rota_p256_key_id(point, own);
	return strcmp(own, id) == 0;
}

static const struct rota_token *token_of(
	const struct rota_authdir *dir, const struct rota_key_info *key)
{
	for (size_t i = 0; i < dir->token_count; i++)
		if (strcmp(dir->tokens[i].name, key->token) == 0)
			return &dir->tokens[i];
	return NULL;
}

/* One that is not there any more was destroyed by a run that was cut off before it could say so. */
static enum rota_err destroy_it(struct session *s, const struct rota_key_info *key)
{
	const struct rota_token *token = token_of(&s->dir, key);
	struct rota_pkcs11_token pkcs11;
	enum rota_err err;

	if (!token || !key->label[0])
		return rota_fail(&s->why, ROTA_ERR_NOT_FOUND,
			"key %.16s: in which token it lies is not known here; go where rota keys "
			"list shows one",
			key->id);
	ROTA_TRY(session_confirm(s, yes, "Destroy this key? It cannot be brought back."));
	pkcs11 = session_token(&s->dir, token);
	err = rota_pkcs11_destroy(&pkcs11, key->label, is_it, key->id, &s->why);
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
}

/* What is said of a key that is retired although devices may need it stays with the event. */
static enum rota_err keep_override(struct session *s, const char *needed, struct rota_key_event *e)
{
	int len = snprintf(e->reason, sizeof(e->reason), "%s (%s)", reason, needed);

	return len < (int)sizeof(e->reason)
		? ROTA_OK
		: rota_fail(&s->why, ROTA_ERR_LIMIT,
			  "--reason leaves no room for '%s' behind it; make it shorter", needed);
}

/* Devices that need the key hold it up (SPEC 25.8). */
static enum rota_err ask_devices(
	struct session *s, const struct rota_key_info *key, struct rota_key_event *e)
{
	struct rota_census_count count = { 0 };
	struct rota_census *census;
	char needed[64];

	if (fleet_census_open(s, &census) != ROTA_OK)
		return override
			? keep_override(s, "devices not counted", e)
			: rota_fail_in(&s->why, "devices that need the key are not counted");
	if (census)
		rota_census_of(census, key, &count);
	rota_census_free(census);
	snprintf(needed, sizeof(needed), "%llu of %llu devices need it",
		(unsigned long long)count.need, (unsigned long long)count.total);
	if (count.need == 0)
		return ROTA_OK;
	return override
		? keep_override(s, needed, e)
		: rota_fail(&s->why, ROTA_ERR_STATE,
			  "key %.16s: %s, %llu of them told nothing; wait for them, or give "
			  "--override",
			  key->id, needed, (unsigned long long)count.silent);
}

static enum rota_err retire(struct session *s, struct rota_keys *k, const char *id)
{
	struct rota_key_event e = { .what = ROTA_KEY_WAS_DEACTIVATED, .at_s = s->desk.now };
	const struct rota_key_info *key;
	enum rota_key_state after;
	bool marked = false;

	if (compromised)
		e.what = ROTA_KEY_WAS_COMPROMISED;
	else if (destroy)
		e.what = ROTA_KEY_WAS_DESTROYED;
	ROTA_TRY(rota_keys_find(k, id, &key, &s->why));
	if (key->named && !compromised)
		return rota_fail(&s->why, ROTA_ERR_STATE,
			"key %.16s still counts for %s; take it out of the metadata first (rota "
			"ceremony prepare --replace)",
			key->id, key->uses);
	memcpy(e.id, key->id, sizeof(e.id));
	snprintf(e.reason, sizeof(e.reason), "%s", reason);
	if (!compromised && key->state != ROTA_KEY_PRE_ACTIVE)
		ROTA_TRY(ask_devices(s, key, &e));
	after = key->state;
	if (destroy && rota_key_step(&after, &marked, e.what) == ROTA_OK)
		ROTA_TRY(destroy_it(s, key));
	ROTA_TRY(rota_keys_note(k, &e, &s->why));
	return rota_keys_settle(k, &s->why);
}

static enum rota_err run(struct session *s, const char *id)
{
	const struct rota_key_info *key;
	struct rota_keys *k;
	enum rota_err err;

	ROTA_TRY(rota_keys_load(&s->dir, &k, &s->why));
	err = retire(s, k, id);
	if (err == ROTA_OK && rota_keys_find(k, id, &key, &s->why) == ROTA_OK)
		printf("key %.16s is %s%s\n", key->id, rota_key_state_text(key->state),
			key->compromised && key->state == ROTA_KEY_DESTROYED ? ", compromised"
									     : "");
	rota_keys_free(k);
	return err == ROTA_OK ? rota_keys_tell(&s->dir, &s->notary, &s->why) : err;
}

int verb_keys_retire(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (compromised && destroy)
		return opts_wrong(&usage, "give one of --compromised and --destroy");
	if (!reason || !*reason || strlen(reason) > ROTA_KEYS_TEXT_MAX)
		return opts_wrong(
			&usage, "--reason TEXT is needed: 1 to %d bytes", ROTA_KEYS_TEXT_MAX);
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s, argv[at]));
}
