/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/officers.h"
#include "host/build/dsse.h"
#include "host/sign/p256.h"

#include <string.h>

/* Which officer signed this line, if it counts now; `count` where it does not. */
static size_t officer_of(const struct rota_named_key *officers, size_t count,
	const struct rota_approval *a, const uint8_t ask[static ROTA_DIGEST_LEN], uint64_t now)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	char id[ROTA_DIGEST_HEX], named[ROTA_DIGEST_HEX];
	size_t i = 0;

	if (memcmp(a->ask, ask, sizeof(a->ask)) != 0 || a->expires_s <= now ||
		a->expires_s > now + ROTA_APPROVAL_AHEAD_S)
		return count;
	rota_approval_digest(a, digest);
	rota_hex(ROTA_SPAN(a->key), named);
	for (; i < count; i++) {
		rota_p256_key_id(officers[i].key, id);
		if (strcmp(id, named) == 0)
			break;
	}
	if (i < count && !rota_p256_verify(officers[i].key, digest, a->sig))
		return count;
	return i;
}

enum rota_err rota_officers_count(const struct rota_named_key *officers, size_t officer_count,
	struct rota_span lines, const uint8_t digest[static ROTA_DIGEST_LEN], uint64_t now,
	unsigned *have, struct rota_fail *why)
{
	bool seen[ROTA_NAMED_KEYS_MAX] = { false };
	struct rota_approval a;
	struct rota_span line;
	size_t n = 0;

	*have = 0;
	while (rota_dsse_line(&lines, &line)) {
		size_t who;

		if (n++ == ROTA_OFFICERS_LINES_MAX)
			return rota_fail(why, ROTA_ERR_LIMIT, "more than %d approvals",
				ROTA_OFFICERS_LINES_MAX);
		ROTA_TRY(rota_approval_parse(line, &a, why));
		who = officer_of(officers, officer_count, &a, digest, now);
		if (who == officer_count)
			continue;
		if (a.refuse)
			return rota_fail(
				why, ROTA_ERR_DENIED, "%s refused this", officers[who].name);
		*have += !seen[who];
		seen[who] = true;
	}
	return ROTA_OK;
}
