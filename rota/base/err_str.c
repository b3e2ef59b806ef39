/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/base/err.h"

static const char *const text[ROTA_ERR_COUNT] = {
	[ROTA_OK] = "no error",
	[ROTA_ERR_NET] = "the network failed",
	[ROTA_ERR_TIMEOUT] = "a deadline passed",
	[ROTA_ERR_NOT_FOUND] = "not found",
	[ROTA_ERR_BUSY] = "in use by another process",
	[ROTA_ERR_SIGNATURE] = "a signature does not verify",
	[ROTA_ERR_THRESHOLD] = "too few valid signatures of distinct keys",
	[ROTA_ERR_VERSION] = "the version goes back or is not the one announced",
	[ROTA_ERR_EXPIRED] = "expired",
	[ROTA_ERR_TIME] = "issued or lasting outside the time it may",
	[ROTA_ERR_LENGTH] = "longer or shorter than announced",
	[ROTA_ERR_HASH] = "the digest is not the one announced",
	[ROTA_ERR_ROLE] = "wrong kind of metadata, or a role that may not say this",
	[ROTA_ERR_PRODUCT] = "made for another product",
	[ROTA_ERR_HARDWARE] = "made for other hardware",
	[ROTA_ERR_COUNTER] = "security counter below the device's floor",
	[ROTA_ERR_CEILING] = "more than the release signers allow",
	[ROTA_ERR_DOWNGRADE] = "an older release that nothing permits",
	[ROTA_ERR_WITHDRAWN] = "withdrawn",
	[ROTA_ERR_DENIED] = "not permitted",
	[ROTA_ERR_SPELLING] = "not in the one spelling of JSON",
	[ROTA_ERR_FORMAT] = "malformed",
	[ROTA_ERR_LIMIT] = "over a limit",
	[ROTA_ERR_UNSUPPORTED] = "a version, scheme or feature that is not known here",
	[ROTA_ERR_IO] = "reading or writing failed",
	[ROTA_ERR_FULL] = "no room left",
	[ROTA_ERR_CORRUPT] = "what is stored is damaged",
	[ROTA_ERR_ARGUMENT] = "called with an invalid argument (a bug)",
	[ROTA_ERR_STATE] = "called in the wrong state (a bug)",
};

const char *rota_err_str(enum rota_err err)
{
	if ((unsigned)err >= ROTA_ERR_COUNT)
		return "unknown error (a bug)";
	return text[err];
}
