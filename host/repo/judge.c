/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/judge.h"
#include "host/base/digest.h"
#include "host/repo/chain.h"
#include "host/repo/metadata.h"
#include "rota/codec/name.h"
#include "rota/trust/path.h"

#include <string.h>

enum rota_err rota_judge_wrong(struct rota_fail *why, const char *what)
{
	return rota_fail(why, ROTA_ERR_FORMAT,
		"%s is missing, unknown or malformed in what shall be signed (SPEC 14.3)", what);
}

const char *rota_judge_text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

enum rota_err rota_judge_common(
	const json_t *now, const char *type, uint64_t next, struct rota_fail *why)
{
	uint64_t version = rota_chain_version(now);

	if (strcmp(rota_judge_text(now, "_type"), type) != 0 ||
		strcmp(rota_judge_text(now, "spec_version"), "1.0.34") != 0 ||
		!json_is_integer(json_object_get(now, "version")))
		return rota_judge_wrong(why, "_type, spec_version or version");
	if (version != next)
		return rota_fail(why, ROTA_ERR_VERSION, "it has version %llu, the next one is %llu",
			(unsigned long long)version, (unsigned long long)next);
	return ROTA_OK;
}

enum rota_err rota_judge_times(
	const json_t *now, uint64_t before_s, uint64_t clock, struct rota_fail *why)
{
	uint64_t issued, expires;

	if (!rota_metadata_times(now, &issued, &expires))
		return rota_judge_wrong(why, "x-rota-issued or expires");
	if (issued > clock + ROTA_JUDGE_AHEAD_S)
		return rota_fail(why, ROTA_ERR_TIME,
			"it is issued at %s, which is ahead of this machine's clock; set the clock "
			"that is wrong",
			rota_judge_text(now, "x-rota-issued"));
	if (issued < before_s)
		return rota_fail(why, ROTA_ERR_TIME, "it is issued before the version it follows");
	if (expires <= clock)
		return rota_fail(why, ROTA_ERR_EXPIRED, "it has expired already; export again");
	return ROTA_OK;
}

enum rota_err rota_judge_lifetime(
	const json_t *now, const char *role, uint64_t lifetime_s, struct rota_fail *why)
{
	uint64_t issued, expires;

	if (!rota_metadata_times(now, &issued, &expires))
		return rota_judge_wrong(why, "x-rota-issued or expires");
	if (expires > issued && expires - issued <= lifetime_s)
		return ROTA_OK;
	return rota_fail(
		why, ROTA_ERR_TIME, "it would live longer than rota.ini allows role %s", role);
}

static bool is_target(const json_t *entry)
{
	const json_t *hashes = json_object_get(entry, "hashes");
	const json_t *length = json_object_get(entry, "length");
	uint8_t digest[ROTA_DIGEST_LEN];

	return rota_json_members(entry, "hashes length") && rota_json_members(hashes, "sha256") &&
		rota_unhex(rota_judge_text(hashes, "sha256"), ROTA_BUF(digest)) &&
		json_is_integer(length) && json_integer_value(length) >= 0;
}

/* Releases are never changed, only added and taken away. */
enum rota_err rota_judge_target(const struct rota_duty *duty, const char *path, const json_t *old,
	const json_t *entry, struct rota_fail *why)
{
	bool release = strcmp(duty->name, "releases") == 0 || strcmp(duty->name, "ci") == 0;

	if (!rota_path_valid(rota_span_cstr(path)) || !is_target(entry))
		return rota_judge_wrong(why, "a target");
	if (!rota_path_match(rota_span_cstr(duty->paths), rota_span_cstr(path)))
		return rota_fail(
			why, ROTA_ERR_ROLE, "it may not list %s, only %s", path, duty->paths);
	if (old && !json_equal(old, entry) && release)
		return rota_fail(
			why, ROTA_ERR_HASH, "it changes %s; a release is never changed", path);
	return ROTA_OK;
}
