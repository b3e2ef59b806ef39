/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the registry (SPEC 19.9). Whether a row follows from an item is for who holds the registry's key; here it is only whether the
 * client may ask, and what the entry names: all items, by one digest. */
#include "host/notary/judge_parts.h"
#include "host/notary/refusal.h"
#include "host/notary/rows.h"

enum rota_err judge_rows(struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	if (json_object_size(t->ask->files) != 0)
		return rota_refuse(why, ROTA_REFUSED_MEMBER, "a request for rows brings no files");
	rota_rows_batch(t->ask->body, &out->batch);
	out->leaf.kind = ROTA_LEAF_ROWS;
	out->leaf.version = json_array_size(json_object_get(t->ask->body, "items"));
	rota_digest_of(rota_bytes_span(&out->batch), out->leaf.message);
	return ROTA_OK;
}
