/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/proof.h"
#include "host/base/bytes.h"
#include "host/identity/loghead.h"

#include <string.h>

_Static_assert(ROTA_DB_SIG_MAX == ROTA_LOGHEAD_SIG_MAX, "a row has room for any signature");

/* `log` of the newest event that has one; "" where none has. */
static void newest_log(const struct rota_report *report, char out[static ROTA_DB_TEXT_LEN])
{
	struct rota_db_event event;

	out[0] = '\0';
	for (size_t i = rota_report_count(report); i > 0 && out[0] == '\0'; i--) {
		rota_report_event(report, i - 1, &event);
		memcpy(out, event.log, ROTA_DB_TEXT_LEN);
	}
}

static enum rota_err gather(const struct rota_delivery *delivery, const struct rota_report *report,
	const char *log, struct rota_db_proof *out)
{
	struct rota_loghead head;

	if (!rota_loghead_read(log, &head) || delivery->certificate.len > sizeof(out->cert))
		return ROTA_ERR_FORMAT;
	out->count = head.count;
	rota_hex(ROTA_SPAN(head.head), out->head);
	memcpy(out->cert, delivery->certificate.p, delivery->certificate.len);
	out->cert_len = delivery->certificate.len;
	out->sig_len = rota_report_signature(report, ROTA_BUF(out->sig));
	return rota_proof_verify(out);
}

enum rota_err rota_proof_verify(const struct rota_db_proof *proof)
{
	struct rota_loghead head = { .count = proof->count };

	if (!rota_unhex(proof->head, ROTA_BUF(head.head)))
		return ROTA_ERR_FORMAT;
	return rota_loghead_verify(rota_span(proof->cert, proof->cert_len),
		rota_span_cstr(proof->device), &head, rota_span(proof->sig, proof->sig_len));
}

static enum rota_err keep(const struct rota_db *db, const struct rota_db_proof *proof,
	struct rota_registry_alarm *alarm, struct rota_fail *why)
{
	uint64_t heads;
	bool added;

	ROTA_TRY(db->add_proof(db->ctx, proof, &added, &heads, why));
	if (!added)
		return ROTA_OK;
	alarm->proven = heads > 1;
	alarm->count = proof->count;
	return db->prune_proofs(db->ctx, proof->device, ROTA_PROOFS_KEPT, ROTA_PROOFS_FORKED, why);
}

enum rota_err rota_proof_take(const struct rota_db *db, const struct rota_record *record,
	const struct rota_delivery *delivery, const struct rota_report *report,
	struct rota_db_device *d, struct rota_registry_alarm *alarm, struct rota_fail *why)
{
	struct rota_db_proof proof = { .record = record->sequence, .received_ms = record->time_ms };
	char log[ROTA_DB_TEXT_LEN];

	newest_log(report, log);
	if (log[0] == '\0')
		return ROTA_OK;
	memcpy(proof.device, d->id, sizeof(proof.device));
	if (gather(delivery, report, log, &proof) == ROTA_OK)
		return keep(db, &proof, alarm, why);
	d->log_unsigned++;
	alarm->unproven = true;
	return ROTA_OK;
}
