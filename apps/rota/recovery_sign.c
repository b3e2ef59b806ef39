/* SPDX-License-Identifier: Apache-2.0 */
/* rota recovery sign, rota recovery show: one cold token after the other, and what stands there so far. */
#include "apps/rota/opts.h"
#include "apps/rota/recovery.h"
#include "apps/rota/verb.h"
#include "host/sign/envelope.h"
#include "rota/codec/der.h"

#include <stdio.h>
#include <string.h>

static struct opts_list tokens;
static bool yes, json;

static const struct opts_row sign_rows[] = {
	{ "token", "NAME", "only this token of rota.ini signs; may repeat", OPTS_LIST, &tokens },
	{ "yes", NULL, "do not ask", OPTS_FLAG, &yes },
	{ "json", NULL, "print the order as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage sign_usage = {
	.synopsis = "rota recovery sign [OPTION]... ORDER",
	.text = "Shows the order, asks, and adds to the file the signatures of the recovery tokens "
		"at "
		"hand.\n"
		"Tokens may come one by one, on different days and machines: each signs the file "
		"that "
		"the one\n"
		"before left. `rota recovery show` says how many are missing.",
	.examples = "  rota recovery sign --token recovery-1 order.json\n"
		    "  rota --dir /media/vault recovery sign /media/stick/order.json",
	.rows = sign_rows,
	.operands_min = 1,
	.operands_max = 1,
};

static const struct opts_row show_rows[] = {
	{ "json", NULL, "as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage show_usage = {
	.synopsis = "rota recovery show [OPTION]... ORDER",
	.text = "Prints what an order says, for whom it is, and which keys of the anchor have "
		"signed it.",
	.examples = "  rota recovery show order.json\n  rota recovery show --json order.json",
	.rows = show_rows,
	.operands_min = 1,
	.operands_max = 1,
};

/* ---- signing ---- */

/* Names that stand in no seat, before anybody is asked. */
static enum rota_err check_tokens(const struct rota_authdir *dir, struct rota_fail *why)
{
	const struct rota_party *party = rota_authdir_party(dir, "recovery");

	for (size_t i = 0; i < tokens.count; i++) {
		size_t at = 0;

		while (at < party->seat_count &&
			strcmp(party->seats[at].token->name, tokens.at[i]) != 0)
			at++;
		if (at == party->seat_count)
			return rota_fail(why, ROTA_ERR_NOT_FOUND,
				"--token %s: no such token in [keys recovery] of rota.ini",
				tokens.at[i]);
	}
	return ROTA_OK;
}

static bool is_wanted(const struct rota_seat *seat)
{
	for (size_t i = 0; i < tokens.count; i++)
		if (strcmp(tokens.at[i], seat->token->name) == 0)
			return true;
	return tokens.count == 0;
}

/* Place of a key in the record; its count when it is none of it. */
static size_t place_of(const struct recovery_order *o, const uint8_t key[static ROTA_P256_KEY_LEN])
{
	const struct rota_keyset *set = &o->desk.record.keyset;
	size_t i = 0;

	while (i < set->count && memcmp(set->key[i].raw, key, ROTA_P256_KEY_LEN) != 0)
		i++;
	return i;
}

/* Before the first that has a higher place; what stood at this one was not good. */
static void insert(json_t *list, size_t place, const uint8_t raw[static ROTA_P256_SIG_LEN])
{
	char hex[2 * ROTA_DER_ECDSA_MAX + 1] = "";
	uint8_t room[ROTA_DER_ECDSA_MAX];
	struct rota_span der;
	size_t at = 0;

	if (rota_der_ecdsa_encode(rota_span(raw, ROTA_P256_SIG_LEN), ROTA_BUF(room), &der) ==
		ROTA_OK)
		rota_hex(der, hex);
	while (at < json_array_size(list) &&
		json_integer_value(json_object_get(json_array_get(list, at), "key")) <
			(json_int_t)place)
		at++;
	if (json_integer_value(json_object_get(json_array_get(list, at), "key")) ==
			(json_int_t)place &&
		at < json_array_size(list))
		json_array_remove(list, at);
	json_array_insert_new(list, at, json_pack("{s:i,s:s}", "key", (int)place, "sig", hex));
}

/* Whether this seat signed: a token that is not at hand is no error as long as another one is. */
static bool sign_seat(struct session *s, struct recovery_order *o, const struct rota_seat *seat)
{
	struct rota_seat_sig sig;
	size_t place;

	if (rota_tokens_public(&s->tokens, seat, sig.key, &s->why) != ROTA_OK)
		return false;
	place = place_of(o, sig.key);
	if (place == o->desk.record.keyset.count) {
		rota_fail(&s->why, ROTA_ERR_DENIED,
			"token %s has no key of the record trust/recovery-keys.json",
			seat->token->name);
		return false;
	}
	if (recovery_signed_by(o, place)) {
		rota_fail(&s->why, ROTA_ERR_DENIED, "token %s has signed it already",
			seat->token->name);
		return false;
	}
	if (rota_tokens_sign(&s->tokens, seat, o->desk.order.digest, &sig, &s->why) != ROTA_OK)
		return false;
	insert(json_object_get(o->file, "signatures"), place, sig.sig);
	return true;
}

static enum rota_err save(struct session *s, struct recovery_order *o, const char *path)
{
	struct recovery_order now;
	enum rota_err err;

	ROTA_TRY(recovery_read(&s->dir, json_incref(o->file), &now, &s->why));
	err = rota_file_write(path, rota_bytes_span(&now.bytes), 0644, &s->why);
	if (err == ROTA_OK)
		fprintf(stderr, "rota: %s is signed by %u, needs %u; %s\n", path,
			recovery_signatures(&now), now.desk.record.keyset.threshold,
			recovery_complete(&now) ? "it is complete: rota recovery publish, or pack"
						: "further tokens must sign");
	recovery_free(&now);
	return err;
}

static enum rota_err sign(struct session *s, struct recovery_order *o, const char *path)
{
	const struct rota_party *party = rota_authdir_party(&s->dir, "recovery");
	unsigned added = 0;

	s->why = (struct rota_fail){ 0 };
	for (size_t i = 0; i < party->seat_count; i++)
		if (is_wanted(&party->seats[i]) && !recovery_complete(o))
			added += sign_seat(s, o, &party->seats[i]);
	if (added == 0) {
		s->why.err = ROTA_ERR_DENIED;
		return rota_fail_in(&s->why, "nothing was signed");
	}
	return save(s, o, path);
}

static enum rota_err run_sign(struct session *s, const char *path)
{
	struct recovery_order order;
	enum rota_err err;

	ROTA_TRY(check_tokens(&s->dir, &s->why));
	ROTA_TRY(recovery_load(&s->dir, path, &order, &s->why));
	recovery_print(&order, json);
	fflush(stdout);
	err = recovery_complete(&order)
		? rota_fail(&s->why, ROTA_ERR_DENIED, "%s has all signatures that it needs", path)
		: session_confirm(s, yes, "Sign this?");
	if (err == ROTA_OK)
		err = sign(s, &order, path);
	recovery_free(&order);
	return err;
}

int verb_recovery_sign(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&sign_usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run_sign(&s, argv[at]));
}

int verb_recovery_show(int argc, char **argv)
{
	struct recovery_order order;
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&show_usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	err = recovery_load(&s.dir, argv[at], &order, &s.why);
	if (err == ROTA_OK) {
		recovery_print(&order, json);
		recovery_free(&order);
	}
	return session_close(&s, err);
}
