/* SPDX-License-Identifier: Apache-2.0 */
/* What the incidents of devices' keys and identities ask the state of the authority, and do. */
#include "apps/rota/ceremony.h"
#include "apps/rota/incident.h"
#include "apps/rota/incident_steps.h"
#include "host/base/when.h"
#include "host/pki/hierarchy.h"
#include "host/repo/keylist.h"
#include "host/repo/pending.h"
#include "host/repo/retire.h"
#include "rota/codec/purpose.h"

#include <stdio.h>
#include <string.h>

#define CA "device-ca"

/* ---- campaigns ---- */

/* An emergency that devices use since the incident began, or later. */
static bool is_since(const json_t *campaign, uint64_t begun_s)
{
	const char *activation = json_string_value(json_object_get(campaign, "activation")),
		   *state = json_string_value(json_object_get(campaign, "state"));
	uint64_t at_s;

	return json_is_true(json_object_get(campaign, "emergency")) && activation && state &&
		rota_when_parse(activation, &at_s) && at_s >= begun_s &&
		strcmp(state, "aborted") != 0;
}

bool incident_is_rekeyed(const struct incident_scene *c)
{
	const char *begun = json_string_value(json_object_get(c->record, "at"));
	const json_t *campaign;
	struct rota_ledger ledger;
	struct rota_fail ignored;
	uint64_t begun_s;
	uint32_t listed = 0, fresh = 0; /* bits of purposes */
	bool done;
	size_t i;

	if (!begun || !rota_when_parse(begun, &begun_s) ||
		rota_ledger_open(&c->s->dir, rota_keylist_kind(c->what->uses[0]), c->s->dir.product,
			&ledger, &ignored) != ROTA_OK)
		return false;
	done = json_integer_value(json_object_get(ledger.file, "sequence")) == 0;
	json_array_foreach(json_object_get(ledger.file, "campaigns"), i, campaign)
	{
		const char *word = json_string_value(json_object_get(campaign, "purpose"));
		uint32_t bit = word ? 1u << rota_purpose_of(rota_span_cstr(word)) : 0;

		listed |= bit;
		fresh |= is_since(campaign, begun_s) ? bit : 0;
	}
	rota_ledger_close(&ledger);
	return done || (fresh != 0 && fresh == listed);
}

/* ---- the device CA ---- */

void incident_old_ca(const struct incident_scene *c, char out[static ROTA_FILE_PATH_MAX])
{
	char name[96];

	snprintf(name, sizeof(name), "ca/" CA "-%.8s.pem", c->key_count ? c->key[0].id : "");
	rota_authdir_path(&c->s->dir, name, out);
}

/* The old certificate is kept only when the new one is about to take its name. */
bool incident_is_certified(const struct incident_scene *c)
{
	char path[ROTA_FILE_PATH_MAX];

	incident_old_ca(c, path);
	return rota_file_exists(path) && incident_is_replaced(c);
}

enum rota_err incident_certify(struct incident_scene *c)
{
	struct rota_keys *keys;

	ROTA_TRY(rota_hierarchy_renew(&c->s->desk, CA, &c->s->why));
	/* that the old key counts no more is written down now, not at the next ceremony */
	ROTA_TRY(rota_keys_load(&c->s->dir, &keys, &c->s->why));
	rota_keys_free(c->keys);
	c->keys = keys;
	return rota_keys_settle(keys, &c->s->why);
}

static bool lists(const json_t *file, const struct incident_scene *c)
{
	char path[ROTA_FILE_PATH_MAX], hex[ROTA_DIGEST_HEX];
	uint8_t spki[ROTA_DIGEST_LEN];
	struct rota_fail ignored;
	const json_t *one;
	size_t i;

	incident_old_ca(c, path);
	if (rota_hierarchy_spki(path, spki, &ignored) != ROTA_OK)
		return false;
	rota_hex(ROTA_SPAN(spki), hex);
	json_array_foreach(json_object_get(file, "cas"), i, one)
	{
		if (strcmp(json_string_value(one), hex) == 0)
			return true;
	}
	return false;
}

bool incident_is_ca_retired(const struct incident_scene *c)
{
	struct rota_ledger ledger;
	struct rota_fail ignored;
	bool retired;

	if (rota_ledger_open(&c->s->dir, &rota_retirements_kind, c->s->dir.product, &ledger,
		    &ignored) != ROTA_OK)
		return false;
	retired = lists(ledger.file, c);
	rota_ledger_close(&ledger);
	return retired;
}

bool incident_is_ca_waiting(const struct incident_scene *c)
{
	struct rota_fail ignored;
	json_t *waiting = NULL;
	bool waits = rota_pending_load(&c->s->dir, "retirements", &waiting, &ignored) == ROTA_OK &&
		json_object_size(waiting) > 0;

	json_decref(waiting);
	return waits || incident_is_ca_retired(c);
}

bool incident_has_ca_folder(const struct incident_scene *c)
{
	return incident_has_folder(c) || incident_is_ca_retired(c);
}

bool incident_is_ca_signed(const struct incident_scene *c)
{
	return incident_is_ca_retired(c) || incident_has_signatures(c);
}
