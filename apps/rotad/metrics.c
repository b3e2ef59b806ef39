/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/metrics.h"

#include <event2/buffer.h>
#include <inttypes.h>

static void add_numbers(struct evbuffer *to, struct figures *f)
{
	const struct {
		const char *name, *type, *help;
		uint64_t value;
	} rows[] = {
		{ "requests_total", "counter", "Requests that passed the gate.", f->requests },
		{ "reports_total", "counter", "Reports acknowledged.", f->accepted },
		{ "refused_http_total", "counter", "Requests refused as HTTP.", f->refused_http },
		{ "refused_identity_total", "counter", "Requests refused for their certificate.",
			f->refused_identity },
		{ "refused_report_total", "counter", "Reports refused as malformed.",
			f->refused_report },
		{ "refused_statements_total", "counter",
			"Statements of devices refused for signature, proof or form.",
			f->refused_statements },
		{ "lost_proofs_total", "counter",
			"Statements of proofs that the registry lacks: it was put back.",
			f->lost_proofs },
		{ "early_proofs_total", "counter",
			"Proofs put off: nobody told the registry of their campaign.",
			f->early_proofs },
		{ "times_total", "counter", "Devices that were told the time.", f->times },
		{ "ocsp_total", "counter", "Questions about certificates answered.", f->ocsp },
		{ "rows_total", "counter", "Rows of the registry made of statements.", f->rows },
		{ "rows_refused_total", "counter", "Statements that no row could be made of.",
			f->rows_refused },
		{ "bundles_total", "counter", "Key bundles handed to devices.", f->bundles },
		{ "busy_total", "counter", "Reports answered with 503.", f->busy },
		{ "deadlines_total", "counter", "Requests cut for taking too long.", f->deadlines },
		{ "connections_total", "counter", "Connections accepted.", f->connections },
		{ "chain_checks_total", "counter", "Certificate chains verified with OpenSSL.",
			f->chain_checks },
		{ "journal_groups_total", "counter", "Groups of reports made durable.", f->groups },
		{ "journal_sequence", "gauge", "Last durable journal record.", f->durable },
		{ "projection_sequence", "gauge", "Last journal record in the database.",
			f->projected },
		{ "checkpoints_strange_total", "counter",
			"Checkpoints that devices saw and the signing log does not have.",
			f->strange },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		evbuffer_add_printf(to,
			"# HELP rota_%s %s\n# TYPE rota_%s %s\nrota_%s %" PRIu64 "\n", rows[i].name,
			rows[i].help, rows[i].name, rows[i].type, rows[i].name, rows[i].value);
}

static void add_head(struct evbuffer *to, const char *name, const char *type, const char *help)
{
	evbuffer_add_printf(to, "# HELP rota_%s %s\n# TYPE rota_%s %s\n", name, help, name, type);
}

static void add_statements(struct evbuffer *to, struct figures *f)
{
	add_head(to, "statements_total", "counter",
		"What devices said of their keys, by what came of it.");
	for (size_t i = ROTA_FLEET_TAKEN; i < ROTA_FLEET_RESULTS; i++)
		evbuffer_add_printf(to, "rota_statements_total{result=\"%s\"} %" PRIu64 "\n",
			rota_fleet_word((enum rota_fleet_result)i), f->statements[i]);
}

/* NULL: one that no device has proved a key of, or that only a later release knows. */
static const char *purpose_shown(const struct figures *f, uint8_t i)
{
	return f->keys_newest[i] ? rota_purpose_word((uint8_t)(i + 1)) : NULL;
}

static void add_generations(struct evbuffer *to, struct figures *f, const char *name,
	const char *help, const _Atomic uint64_t *generation)
{
	add_head(to, name, "gauge", help);
	for (uint8_t i = 0; i < ROTA_PURPOSES_MAX; i++)
		if (purpose_shown(f, i))
			evbuffer_add_printf(to, "rota_%s{purpose=\"%s\"} %" PRIu64 "\n", name,
				purpose_shown(f, i), generation[i]);
}

static void add_keys(struct evbuffer *to, struct figures *f)
{
	add_head(to, "keys_devices", "gauge",
		"Devices by how far the newest generation has come there.");
	for (uint8_t i = 0; i < ROTA_PURPOSES_MAX; i++)
		for (size_t k = 0; purpose_shown(f, i) && k < ROTA_REACHES; k++)
			evbuffer_add_printf(to,
				"rota_keys_devices{purpose=\"%s\",state=\"%s\"} %" PRIu64 "\n",
				purpose_shown(f, i), rota_reach_word((enum rota_reach)k),
				f->keys[i][k]);
	add_generations(to, f, "keys_newest_generation", "Newest that a device has proved.",
		f->keys_newest);
	add_generations(to, f, "keys_oldest_generation", "Oldest that a device says it holds.",
		f->keys_oldest);
}

void metrics_add(struct evbuffer *to, struct figures *f)
{
	add_numbers(to, f);
	add_statements(to, f);
	add_keys(to, f);
}
