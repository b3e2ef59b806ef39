/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine of root's people remembers of a series: its first root as any root, and its last. */
#include "host/base/digest.h"
#include "host/repo/bundle_record.h"
#include "host/repo/seriesfile.h"
#include "host/sign/envelope.h"

#include <string.h>

#define LAST "series"

struct check {
	const struct rota_seriesfile *f;
	bool again;
};

static uint64_t number(const json_t *line, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(line, name));
}

/* Whether that root of the series has this digest. */
static bool is_same(const struct rota_seriesfile *f, uint64_t version, const char *digest)
{
	uint64_t first = rota_chain_version(json_array_get(f->roots, 0));
	uint8_t own[ROTA_DIGEST_LEN];
	char hex[ROTA_DIGEST_HEX];
	struct rota_fail ignored;

	if (version - first >= json_array_size(f->roots) ||
		rota_envelope_digest(json_array_get(f->roots, version - first), own, &ignored) !=
			ROTA_OK)
		return false;
	rota_hex(ROTA_SPAN(own), hex);
	return strcmp(hex, digest) == 0;
}

static enum rota_err on_line(void *ctx, const json_t *line, struct rota_fail *why)
{
	const struct check *c = ctx;
	const char *role = json_string_value(json_object_get(line, "role"));
	uint64_t version = number(line, "version");
	uint64_t first = rota_chain_version(json_array_get(c->f->roots, 0));

	if (number(line, "root") > rota_chain_version(c->f->newest))
		return rota_fail(why, ROTA_ERR_VERSION,
			"goes back: it has root version %llu, this machine has seen %llu; have the "
			"repository looked at before you sign",
			(unsigned long long)rota_chain_version(c->f->newest),
			(unsigned long long)number(line, "root"));
	if ((strcmp(role, "root") != 0 && strcmp(role, LAST) != 0) || version < first || c->again ||
		is_same(c->f, version, json_string_value(json_object_get(line, "digest"))))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_STATE,
		"this machine signed another root %llu at %s; when that one will not be used, sign "
		"with --again",
		(unsigned long long)version, json_string_value(json_object_get(line, "at")));
}

enum rota_err rota_seriesfile_check(const struct rota_authdir *dir, const struct rota_seriesfile *f,
	bool again, struct rota_fail *why)
{
	struct check c = { f, again };

	return rota_bundle_record_each(dir, on_line, &c, why);
}

enum rota_err rota_seriesfile_remember(const struct rota_authdir *dir,
	const struct rota_seriesfile *f, uint64_t now, struct rota_fail *why)
{
	size_t count = json_array_size(f->roots);
	const json_t *ends[2] = { json_array_get(f->roots, 0),
		json_array_get(f->roots, count - 1) };

	for (size_t i = 0; i < 2; i++) {
		struct rota_bundle_signed what = { .at_s = now,
			.role = i ? LAST : "root",
			.root = rota_chain_version(f->newest),
			.version = rota_chain_version(ends[i]) };

		ROTA_TRY(rota_envelope_digest(ends[i], what.digest, why));
		ROTA_TRY(rota_bundle_record_put(dir, &what, why));
	}
	return ROTA_OK;
}
