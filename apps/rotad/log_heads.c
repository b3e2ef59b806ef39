/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/log_heads.h"
#include "host/base/bytes.h"
#include "host/base/json.h"
#include "host/base/when.h"
#include "host/identity/chain.h"
#include "host/registry/proof.h"
#include "ports/db_sqlite/db_sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROOFS_MAX (ROTA_PROOFS_KEPT + ROTA_PROOFS_FORKED)

struct audit {
	struct rota_db_device device;
	struct rota_db_proof proof[PROOFS_MAX];
	size_t count;
	struct rota_chain *chain;
};

/* All of a device in one transaction, so that the rows are of one moment. */
static enum rota_err load(
	struct audit *a, const struct rota_db *db, const char *id, struct rota_fail *why)
{
	uint64_t after = 0;
	enum rota_err err;

	ROTA_TRY(db->begin(db->ctx, why));
	err = db->device(db->ctx, id, &a->device, why);
	while (err == ROTA_OK && a->count < PROOFS_MAX) {
		err = db->proof(db->ctx, id, after, &a->proof[a->count], why);
		if (err == ROTA_OK)
			after = a->proof[a->count++].record;
	}
	db->rollback(db->ctx);
	if (err == ROTA_ERR_NOT_FOUND && a->device.id[0] == '\0')
		return rota_fail(why, err, "no report of device %s has come", id);
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
}

static bool has_twin(const struct audit *a, size_t n)
{
	for (size_t i = 0; i < a->count; i++)
		if (i != n && a->proof[i].count == a->proof[n].count)
			return true;
	return false;
}

static const char *signature_text(enum rota_err err)
{
	if (err == ROTA_OK)
		return "good";
	return err == ROTA_ERR_DENIED ? "under another device's certificate" : "does not verify";
}

/* What the CA has to say of the certificate, as of when the head came. */
static const char *issuer_text(struct audit *a, const struct rota_db_proof *p)
{
	struct rota_cert cert;
	enum rota_err err = rota_chain_check(
		a->chain, rota_span(p->cert, p->cert_len), p->received_ms / 1000, &cert);

	if (err == ROTA_OK)
		return "good";
	if (err == ROTA_ERR_DENIED)
		return "revoked";
	return err == ROTA_ERR_EXPIRED ? "not valid at that time" : "not of this CA";
}

static json_t *proof_json(struct audit *a, size_t n)
{
	const struct rota_db_proof *p = &a->proof[n];
	char when[ROTA_WHEN_LEN], sig[2 * ROTA_DB_SIG_MAX + 1], cert[2 * ROTA_DB_CERT_MAX + 1];
	char serial[2 * 20 + 1] = "";
	struct rota_cert read;

	rota_when_text(p->received_ms / 1000, when);
	rota_hex(rota_span(p->sig, p->sig_len), sig);
	rota_hex(rota_span(p->cert, p->cert_len), cert);
	if (rota_cert_read(rota_span(p->cert, p->cert_len), &read) == ROTA_OK)
		rota_hex(read.serial, serial);
	return json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b}", "count", (json_int_t)p->count,
		"head", p->head, "received", when, "signature", sig, "certificate", cert, "serial",
		serial, "verdict", signature_text(rota_proof_verify(p)), "issuer",
		issuer_text(a, p), "forked", has_twin(a, n));
}

static bool holds(const json_t *head)
{
	const char *issuer = json_string_value(json_object_get(head, "issuer"));

	/* One who was revoked since has signed all the same. */
	return strcmp(json_string_value(json_object_get(head, "verdict")), "good") == 0 &&
		(strcmp(issuer, "good") == 0 || strcmp(issuer, "revoked") == 0) &&
		!json_is_true(json_object_get(head, "forked"));
}

static void print_head(json_t *head)
{
	const char *hash, *received, *sig, *serial, *verdict, *issuer;
	json_int_t entries;
	int forked;

	if (json_unpack(head, "{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:b}", "count", &entries, "head", &hash,
		    "received", &received, "signature", &sig, "serial", &serial, "verdict",
		    &verdict, "issuer", &issuer, "forked", &forked) != 0)
		return;
	printf("%" JSON_INTEGER_FORMAT " entries, head %s%s\n", entries, hash,
		forked ? "  FORK: another head of as many entries is signed too" : "");
	printf("  came %s, signature %s: %s\n", received, sig, verdict);
	printf("  by the key of certificate %s: %s\n", serial, issuer);
}

static int print(struct audit *a, bool json)
{
	json_t *heads = json_array(), *all;
	bool good = a->count > 0;

	for (size_t i = 0; i < a->count; i++) {
		json_array_append_new(heads, proof_json(a, i));
		good = good && holds(json_array_get(heads, i));
	}
	all = json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:b,s:o}", "device", a->device.id, "checkpoint",
		a->device.checkpoint, "checkpoints_strange",
		(json_int_t)a->device.checkpoints_strange, "log_count",
		(json_int_t)a->device.log_count, "log_forks", (json_int_t)a->device.log_forks,
		"log_unsigned", (json_int_t)a->device.log_unsigned, "good", good, "heads", heads);
	if (json) {
		json_dumpf(all, stdout, JSON_INDENT(2));
		printf("\n");
	} else {
		printf("device %s: %" PRIu64 " entries reported, %" PRIu64
		       " heads that did not follow, %" PRIu64 " reports not signed\n",
			a->device.id, a->device.log_count, a->device.log_forks,
			a->device.log_unsigned);
		if (a->device.checkpoint[0])
			printf("signing log seen: %s; %" PRIu64
			       " checkpoints that it does not have\n",
				a->device.checkpoint, a->device.checkpoints_strange);
		for (size_t i = 0; i < a->count; i++)
			print_head(json_array_get(heads, i));
		if (a->count == 0)
			printf("no signed head is kept\n");
	}
	json_decref(all);
	return good ? 0 : 1;
}

static enum rota_err open_audit(
	struct audit *a, const struct config *c, const char *device, struct rota_fail *why)
{
	struct rota_db_sqlite *sqlite;
	struct rota_db db;
	enum rota_err err;

	if (access(c->database, R_OK) != 0)
		return rota_fail(why, ROTA_ERR_NOT_FOUND, "%s cannot be read", c->database);
	ROTA_TRY(rota_chain_open(c->ca, c->crl, &a->chain, why));
	ROTA_TRY(rota_db_sqlite_open(c->database, &sqlite, &db, why));
	err = load(a, &db, device, why);
	rota_db_sqlite_close(sqlite);
	return err;
}

int log_heads(const struct config *c, const char *device, bool json)
{
	static struct audit a;
	struct rota_fail why;
	int status = 1;

	if (open_audit(&a, c, device, &why) != ROTA_OK)
		fprintf(stderr, "rotad: %s\n", why.text);
	else
		status = print(&a, json);
	rota_chain_close(a.chain);
	return status;
}
