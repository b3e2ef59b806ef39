/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/digest.h"
#include "host/base/json.h"
#include "host/base/when.h"
#include "host/series/series.h"
#include "host/sign/envelope.h"

static const char *text(const json_t *root, const char *name)
{
	const char *value = json_string_value(json_object_get(root, name));

	return value ? value : "?";
}

static const char *key_of(const json_t *root, const char *role)
{
	const json_t *entry = json_object_get(json_object_get(root, "roles"), role);
	const char *id = json_string_value(json_array_get(json_object_get(entry, "keyids"), 0));

	return id ? id : "?";
}

static long long version_of(const json_t *root)
{
	return (long long)json_integer_value(json_object_get(root, "version"));
}

static void show_common(
	const json_t *before, const json_t *first, const json_t *landing, struct rota_bytes *out)
{
	rota_bytes_print(out,
		"roots %lld to %lld, which differ from root %lld in version, times and the keys of "
		"snapshot and timestamp alone\n",
		version_of(first), version_of(landing), version_of(before));
	rota_bytes_print(out, "issued %s; the first slot begins %s\n", text(first, "x-rota-issued"),
		text(first, "x-rota-not-before"));
	rota_bytes_print(out, "landing root %lld from %s, expires %s\n", version_of(landing),
		text(landing, "x-rota-not-before"), text(landing, "expires"));
}

/* Eight digits of a key id tell a pair from the others; the digest stands for all of the root. */
static enum rota_err show_root(const json_t *root, struct rota_bytes *out, struct rota_fail *why)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	char hex[ROTA_DIGEST_HEX];

	ROTA_TRY(rota_envelope_digest(root, digest, why));
	rota_hex(ROTA_SPAN(digest), hex);
	rota_bytes_print(out, "%lld  %s  %s  %.8s %.8s  %s\n", version_of(root),
		text(root, "x-rota-not-before"), text(root, "x-rota-slot-end"),
		key_of(root, "snapshot"), key_of(root, "timestamp"), hex);
	return ROTA_OK;
}

enum rota_err rota_series_show(
	const json_t *before, const json_t *roots, struct rota_bytes *out, struct rota_fail *why)
{
	size_t count = json_array_size(roots);

	*out = (struct rota_bytes){ 0 };
	show_common(before, json_array_get(roots, 0), json_array_get(roots, count - 1), out);
	rota_bytes_add_text(
		out, "version  from  until  snapshot timestamp  SHA-256 of what is signed\n");
	for (size_t i = 0; i < count; i++) {
		enum rota_err err = show_root(json_array_get(roots, i), out, why);

		if (err != ROTA_OK) {
			rota_bytes_free(out);
			return err;
		}
	}
	return ROTA_OK;
}
