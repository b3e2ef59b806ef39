/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/held.h"
#include "host/base/json.h"
#include "rota/codec/note.h"

#include <string.h>

static uint64_t root_of(const json_t *event)
{
	const char *text = json_string_value(json_object_get(event, "root"));
	uint64_t version;

	if (!text || rota_note_decimal(rota_span_cstr(text), &version) != ROTA_OK ||
		version > ROTA_DB_ROOT_MAX)
		return 0;
	return version;
}

void rota_held_read(struct rota_span body, uint64_t roots[static ROTA_REPORT_EVENTS_MAX])
{
	struct rota_fail unread;
	const json_t *events;
	json_t *report;

	memset(roots, 0, ROTA_REPORT_EVENTS_MAX * sizeof(*roots));
	if (rota_json_parse(body, &report, &unread) != ROTA_OK)
		return;
	events = json_object_get(report, "events");
	for (size_t i = 0; i < json_array_size(events) && i < ROTA_REPORT_EVENTS_MAX; i++)
		roots[i] = root_of(json_array_get(events, i));
	json_decref(report);
}
