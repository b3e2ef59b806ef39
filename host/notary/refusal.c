/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct rota_refusal_row rota_refusals[ROTA_REFUSAL_COUNT] = {
	[ROTA_REFUSED_IDENTITY] = { "identity", "19.1", ROTA_ERR_DENIED },
	[ROTA_REFUSED_KIND] = { "kind", "18.3", ROTA_ERR_DENIED },
	[ROTA_REFUSED_ROLE] = { "role", "19.1", ROTA_ERR_ROLE },
	[ROTA_REFUSED_PATH] = { "path", "19.2", ROTA_ERR_ROLE },
	[ROTA_REFUSED_SPELLING] = { "spelling", "2.1", ROTA_ERR_SPELLING },
	[ROTA_REFUSED_MEMBER] = { "member", "19.2", ROTA_ERR_FORMAT },
	[ROTA_REFUSED_VERSION] = { "version", "19.2", ROTA_ERR_VERSION },
	[ROTA_REFUSED_VANISHED] = { "vanished", "19.2", ROTA_ERR_VERSION },
	[ROTA_REFUSED_LOWER] = { "lower", "19.2", ROTA_ERR_VERSION },
	[ROTA_REFUSED_BYTES] = { "bytes", "19.2", ROTA_ERR_HASH },
	[ROTA_REFUSED_PRODUCT] = { "product", "19.2", ROTA_ERR_PRODUCT },
	[ROTA_REFUSED_LIFETIME] = { "lifetime", "14.4", ROTA_ERR_TIME },
	[ROTA_REFUSED_TIME] = { "time", "14.4", ROTA_ERR_TIME },
	[ROTA_REFUSED_CEILING] = { "ceiling", "19.2", ROTA_ERR_CEILING },
	[ROTA_REFUSED_WITHDRAWN] = { "withdrawn", "16.4", ROTA_ERR_WITHDRAWN },
	[ROTA_REFUSED_REVOKED] = { "revoked", "19.10", ROTA_ERR_DENIED },
	[ROTA_REFUSED_SLOT] = { "slot", "4.5", ROTA_ERR_TIME },
	[ROTA_REFUSED_RATE] = { "rate", "19.4", ROTA_ERR_BUSY },
	[ROTA_REFUSED_EXPIRED] = { "expired", "20.3", ROTA_ERR_EXPIRED },
	[ROTA_REFUSED_REPLAY] = { "replay", "18.7", ROTA_ERR_VERSION },
	[ROTA_REFUSED_APPROVER] = { "approver", "20.3", ROTA_ERR_SIGNATURE },
	[ROTA_REFUSED_APPROVALS] = { "approvals", "20.3", ROTA_ERR_THRESHOLD },
	[ROTA_REFUSED_TOKEN] = { "token", "18.2", ROTA_ERR_BUSY },
	[ROTA_REFUSED_LOG] = { "log", "21.4", ROTA_ERR_STATE },
};

enum rota_err rota_refuse(struct rota_fail *why, enum rota_refusal code, const char *format, ...)
{
	const struct rota_refusal_row *row = &rota_refusals[code];
	va_list list;
	int len;

	why->err = row->err;
	len = snprintf(why->text, sizeof(why->text), "%s: ", row->code);
	va_start(list, format);
	vsnprintf(why->text + len, sizeof(why->text) - (size_t)len, format, list);
	va_end(list);
	return row->err;
}

enum rota_err rota_refuse_as(struct rota_fail *why, enum rota_refusal code)
{
	const char *text;

	if (rota_refusal_of(why, &text))
		return why->err;
	return rota_fail_in(why, "%s", rota_refusals[code].code);
}

const struct rota_refusal_row *rota_refusal_find(const char *code)
{
	for (size_t i = 0; i < ROTA_REFUSAL_COUNT; i++)
		if (strcmp(rota_refusals[i].code, code) == 0)
			return &rota_refusals[i];
	return NULL;
}

const struct rota_refusal_row *rota_refusal_of(const struct rota_fail *why, const char **text)
{
	for (size_t i = 0; i < ROTA_REFUSAL_COUNT; i++) {
		size_t len = strlen(rota_refusals[i].code);

		if (strncmp(why->text, rota_refusals[i].code, len) != 0 ||
			strncmp(why->text + len, ": ", 2) != 0)
			continue;
		*text = why->text + len + 2;
		return &rota_refusals[i];
	}
	*text = why->text;
	return NULL;
}
