/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ceremony/fingerprint.h"
#include "host/series/timeline.h"
#include "host/sign/envelope.h"

#include <stdlib.h>
#include <string.h>

#define SIGNS 20 /* of 5 bits each */

/* Crockford's base 32. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, ROTA_DIGEST_LEN);
}

/* All of these digests, in an order that does not depend on that of the parts. */
static void write(
	uint8_t (*all)[ROTA_DIGEST_LEN], size_t count, char out[static ROTA_FINGERPRINT_LEN])
{
	uint8_t digest[ROTA_DIGEST_LEN];
	size_t to = 0;

	qsort(all, count, sizeof(all[0]), compare);
	rota_digest_of(rota_span(all[0], count * sizeof(all[0])), digest);
	for (unsigned i = 0; i < SIGNS; i++) {
		unsigned bit = 5 * i, pair = digest[bit / 8] * 256U + digest[bit / 8 + 1];

		if (i && i % 4 == 0)
			out[to++] = '-';
		out[to++] = alphabet[pair >> (11 - bit % 8) & 31];
	}
	out[to] = 0;
}

enum rota_err rota_fingerprint(const struct rota_bundle *bundle,
	char out[static ROTA_FINGERPRINT_LEN], struct rota_fail *why)
{
	uint8_t all[ROTA_BUNDLE_PARTS_MAX][ROTA_DIGEST_LEN];
	struct rota_bundle_part part;
	size_t count = 0;

	for (; count < ROTA_BUNDLE_PARTS_MAX && rota_bundle_part(bundle, count, &part); count++)
		ROTA_TRY(rota_envelope_digest(part.content, all[count], why));
	write(all, count, out);
	return ROTA_OK;
}

enum rota_err rota_fingerprint_series(
	const json_t *roots, char out[static ROTA_FINGERPRINT_LEN], struct rota_fail *why)
{
	uint8_t all[ROTA_SERIES_MAX][ROTA_DIGEST_LEN];
	size_t count = 0;

	for (; count < ROTA_SERIES_MAX && count < json_array_size(roots); count++)
		ROTA_TRY(rota_envelope_digest(json_array_get(roots, count), all[count], why));
	write(all, count, out);
	return ROTA_OK;
}

/* As it is printed; NUL for what is passed over. */
static char plain(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		return '0';
	if (c == 'I' || c == 'L')
		return '1';
	return c == '-' || c == ' ' ? 0 : c;
}

bool rota_fingerprint_is(const char *typed, const char *fingerprint)
{
	for (;; typed++, fingerprint++) {
		while (*typed && !plain(*typed))
			typed++;
		while (*fingerprint == '-')
			fingerprint++;
		if (!*typed || plain(*typed) != *fingerprint)
			return !*typed && !*fingerprint;
	}
}
