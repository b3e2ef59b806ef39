/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/build_sign.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/build/dsse.h"

#include <stdlib.h>
#include <sys/random.h>

static enum rota_err party_of(
	const struct rota_authdir *dir, const struct rota_party **party, struct rota_fail *why)
{
	*party = rota_authdir_party(dir, "builder");
	if (*party)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_NOT_FOUND,
		"%s has no [keys builder]; make a key (rota keys make --use builder) and name it "
		"there",
		dir->ini.path);
}

enum rota_err build_can_sign(struct rota_fail *why)
{
	char hex[2 * ROTA_P256_KEY_LEN + 1];
	const struct rota_party *party;
	struct rota_authdir dir;
	enum rota_err err;
	bool asks;

	ROTA_TRY(rota_authdir_load(verb_dir(), &dir, why));
	err = party_of(&dir, &party, why);
	asks = err == ROTA_OK && dir.signd[0] && rota_party_online(party);
	rota_authdir_free(&dir);
	return err == ROTA_OK && asks ? build_key(hex, why) : err;
}

/* The directory's tokens, and the party; closed by session_drop(). */
static enum rota_err begin(
	struct session *s, const struct rota_party **party, struct rota_fail *why)
{
	enum rota_err err = session_open(s, verb_dir(), SESSION_READ);

	if (err == ROTA_OK) {
		err = party_of(&s->dir, party, &s->why);
		if (err != ROTA_OK)
			session_drop(s);
	}
	if (err != ROTA_OK)
		*why = s->why;
	return err;
}

enum rota_err build_sign(
	struct rota_span statement, struct rota_bytes *bundle, struct rota_fail *why)
{
	const struct rota_party *party;
	struct session s;
	enum rota_err err;

	ROTA_TRY(begin(&s, &party, why));
	err = rota_dsse_sign(&s.notary, party, statement, bundle, why);
	session_drop(&s);
	return err;
}

enum rota_err build_key(char hex[static 2 * ROTA_P256_KEY_LEN + 1], struct rota_fail *why)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	const struct rota_party *party;
	struct session s;
	enum rota_err err;

	ROTA_TRY(begin(&s, &party, why));
	err = s.notary.key(s.notary.ctx, party, 0, point, why);
	session_drop(&s);
	if (err == ROTA_OK)
		rota_hex(ROTA_SPAN(point), hex);
	return err;
}

void build_id(char out[static 33])
{
	uint8_t raw[16];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		abort();
	rota_hex(ROTA_SPAN(raw), out);
}
