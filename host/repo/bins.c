/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/bins.h"
#include "host/base/digest.h"
#include "host/repo/chain.h"
#include "host/sign/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Below it a role's file is shorter than 800 KB. */
#define WORTH_BINS 4000

static const json_t *succinct(const json_t *content)
{
	return json_object_get(json_object_get(content, "delegations"), "succinct_roles");
}

enum rota_err rota_bins_of(
	const json_t *content, const char *role, unsigned *bits, struct rota_fail *why)
{
	const json_t *bins = succinct(content);
	json_int_t count = json_integer_value(json_object_get(bins, "bit_length"));
	const char *prefix = json_string_value(json_object_get(bins, "name_prefix"));

	*bits = 0;
	if (!bins)
		return ROTA_OK;
	if (count < 1 || count > ROTA_BINS_BITS_MAX || !prefix || strcmp(prefix, role) != 0)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"role %s: its bins are not %s-..., 1 to %d bits of them (SPEC 3.7)", role,
			role, ROTA_BINS_BITS_MAX);
	*bits = (unsigned)count;
	return ROTA_OK;
}

uint32_t rota_bins_index(const char *path, unsigned bits)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	uint32_t first;

	rota_digest_of(rota_span_cstr(path), digest);
	first = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 |
		digest[3];
	return first >> (32 - bits);
}

void rota_bins_name(
	const char *role, unsigned bits, uint32_t index, char out[static ROTA_BIN_NAME_MAX])
{
	snprintf(out, ROTA_BIN_NAME_MAX, "%.32s-%0*x", role, (int)(bits + 3) / 4, index);
}

bool rota_bins_named(const char *role, const char *name)
{
	size_t len = strlen(role);
	size_t digits;

	if (strncmp(name, role, len) != 0 || name[len] != '-')
		return false;
	digits = strspn(name + len + 1, "0123456789abcdef");
	return digits >= 1 && digits <= (ROTA_BINS_BITS_MAX + 3) / 4 && name[len + 1 + digits] == 0;
}

bool rota_bins_has(const char *role, unsigned bits, const char *name)
{
	size_t prefix = strlen(role) + 1;

	return bits && rota_bins_named(role, name) && strlen(name) == prefix + (bits + 3) / 4 &&
		strtoul(name + prefix, NULL, 16) >> bits == 0;
}

json_t *rota_bins_delegations(
	const char *role, unsigned bits, json_t *keys, json_t *keyids, unsigned threshold)
{
	return json_pack("{s:o,s:{s:i,s:o,s:s,s:i}}", "keys", keys, "succinct_roles", "bit_length",
		(int)bits, "keyids", keyids, "name_prefix", role, "threshold", (int)threshold);
}

enum rota_err rota_bins_verify(
	const json_t *content, struct rota_span file, json_t **bin, struct rota_fail *why)
{
	json_int_t threshold = json_integer_value(json_object_get(succinct(content), "threshold"));

	return rota_envelope_verify(file,
		json_object_get(json_object_get(content, "delegations"), "keys"),
		json_object_get(succinct(content), "keyids"),
		threshold < 1 || threshold > ROTA_SIGNERS_MAX ? 0 : (unsigned)threshold, bin, why);
}

unsigned rota_bins_advice(uint64_t targets)
{
	unsigned bits = 1;

	if (targets < WORTH_BINS)
		return 0;
	/* the square of the count of bins, against 1.6 for each target */
	while (bits < ROTA_BINS_BITS_MAX && (UINT64_C(1) << (2 * bits + 1)) <= targets * 8 / 5)
		bits++;
	return bits;
}
