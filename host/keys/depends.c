/* SPDX-License-Identifier: Apache-2.0 */
#include "host/keys/depends.h"
#include "host/repo/store.h"
#include "host/sign/duty.h"

#include <stdlib.h>
#include <string.h>

static void count_one(const struct rota_keys *k, const char *id, unsigned *depends)
{
	for (size_t i = 0; id && i < rota_keys_count(k); i++)
		depends[i] += strcmp(rota_keys_at(k, i)->id, id) == 0;
}

static void count_file(const struct rota_authdir *dir, const char *role, const struct rota_keys *k,
	unsigned *depends)
{
	const json_t *signatures;
	struct rota_fail ignored;
	uint64_t version;
	json_t *file;

	if (rota_store_newest(dir, role, false, &version, &ignored) != ROTA_OK ||
		rota_store_envelope(dir, role, version, &file, &ignored) != ROTA_OK)
		return;
	signatures = json_object_get(file, "signatures");
	for (size_t i = 0; i < json_array_size(signatures); i++)
		count_one(k,
			json_string_value(json_object_get(json_array_get(signatures, i), "keyid")),
			depends);
	json_decref(file);
}

unsigned *rota_keys_depends(const struct rota_authdir *dir, const struct rota_keys *k)
{
	unsigned *depends = calloc(rota_keys_count(k) + 1, sizeof(*depends));

	if (!depends)
		abort();
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
		count_file(dir, rota_duties[i].name, k, depends);
	return depends;
}
