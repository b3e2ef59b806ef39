/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/registry_said.h"
#include "apps/rota/fleet_census.h"
#include "host/base/bytes.h"
#include "host/campaign/row.h"
#include "host/ingest/segment.h"
#include "host/registry/identity.h"
#include "host/sign/p256.h"
#include "ports/crypto_openssl/crypto_openssl.h"

/* SPEC 35.1 */
static bool is_signed(const struct rota_reg_device *d, const struct rota_statement *s)
{
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_row row;

	if (rota_row_read(d->row, &row) != ROTA_OK)
		return false;
	rota_statement_digest(&rota_crypto_openssl, s->body, digest);
	return rota_p256_verify(row.identity, digest, s->sig.p);
}

static enum rota_err take(struct session *s, const struct rota_regdb *reg, struct digestset *who,
	const struct rota_record *record)
{
	static bool yes;
	struct rota_statement said;
	struct rota_reg_device d;
	bool known;

	if (record->type != ROTA_RECORD_STATEMENT ||
		rota_statement_decode(record->payload, &said) != ROTA_OK ||
		said.kind != ROTA_STATEMENT_GONE || !digestset_find(who, said.device))
		return ROTA_OK;
	ROTA_TRY(rota_identity_find(reg, said.device, &d, &known, &s->why));
	if (known && is_signed(&d, &said))
		digestset_add(who, said.device)->value = &yes;
	return ROTA_OK;
}

enum rota_err registry_said(struct session *s, const struct rota_regdb *reg, struct digestset *who)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_cursor *cursor = NULL;
	struct rota_ingest_fault fault;
	struct rota_record record;
	enum rota_err err;
	uint64_t torn;

	if (!fleet_journal(s, path))
		return rota_fail(&s->why, ROTA_ERR_NOT_FOUND,
			"%s: [fleet] journal is not set: rotad's, by which it is seen what devices "
			"said",
			s->dir.ini.path);
	err = rota_cursor_open(path, 0, &cursor, &fault);
	if (err != ROTA_OK)
		return rota_fail(&s->why, ROTA_ERR_IO, "%s: %s", path, fault.what);
	while ((err = rota_cursor_next(cursor, &record, &fault)) == ROTA_OK)
		if (take(s, reg, who, &record) != ROTA_OK) {
			rota_cursor_close(cursor);
			return s->why.err;
		}
	err = rota_cursor_judge_end(cursor, err, &torn, &fault);
	rota_cursor_close(cursor);
	return err == ROTA_OK ? ROTA_OK : rota_fail(&s->why, err, "%s: %s", path, fault.what);
}
