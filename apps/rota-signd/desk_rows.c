/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the registry (SPEC 19.9): items go as a batch, and what the registrar makes of them comes in pieces. */
#include "apps/rota-signd/desk_parts.h"

#include <stdlib.h>
#include <string.h>

struct rota_span desk_shown(const struct deed *deed)
{
	return rota_bytes_span(deed->grant.batch.len > 0 ? &deed->grant.batch : &deed->ask.bytes);
}

bool desk_rows(struct deed *deed, const struct signd_rows_done *done)
{
	size_t all = json_array_size(json_object_get(deed->ask.body, "items"));

	if (!deed->rows)
		deed->rows = calloc(all, sizeof(*deed->rows));
	if (!deed->rows)
		abort();
	if (done->all != all || done->first != deed->row_count || done->count == 0 ||
		done->count > all - deed->row_count)
		return false;
	memcpy(deed->rows + deed->row_count, done->result, done->count * sizeof(done->result[0]));
	deed->row_count += done->count;
	if (deed->row_count == all)
		rota_rows_answer_write(deed->answer.entry, deed->rows, all, &deed->receipt);
	return true;
}
