/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/sel_sdboot/entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DIGITS_MAX 9 /* fit 32 bits, and so does one more */

/* Take a number without leading zeros. */
static bool take_number(const char **at, uint32_t *out)
{
	size_t digits = strspn(*at, "0123456789");

	if (digits == 0 || digits > DIGITS_MAX || (digits > 1 && **at == '0'))
		return false;
	for (*out = 0; digits > 0; digits--)
		*out = *out * 10 + (uint32_t)(*(*at)++ - '0');
	return true;
}

static bool take(const char **at, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*at, text, len) != 0)
		return false;
	*at += len;
	return true;
}

bool rota_sdboot_entry_parse(const char *name, struct rota_sdboot_entry *out)
{
	*out = (struct rota_sdboot_entry){ 0 };
	if (!take(&name, "rota-") || !take_number(&name, &out->generation))
		return false;
	out->place = strncmp(name, "-b", 2) == 0;
	if (!take(&name, out->place == 0 ? "-a" : "-b"))
		return false;
	out->counted = take(&name, "+");
	if (out->counted && !take_number(&name, &out->left))
		return false;
	if (out->counted && take(&name, "-") && (!take_number(&name, &out->done) || out->done == 0))
		return false; /* a name is the one spelling of what it says */
	return strcmp(name, ".conf") == 0;
}

void rota_sdboot_entry_name(
	const struct rota_sdboot_entry *e, char out[static ROTA_SDBOOT_NAME_MAX])
{
	char count[24] = "";

	if (e->counted && e->done != 0)
		(void)snprintf(count, sizeof(count), "+%" PRIu32 "-%" PRIu32, e->left, e->done);
	else if (e->counted)
		(void)snprintf(count, sizeof(count), "+%" PRIu32, e->left);
	(void)snprintf(out, ROTA_SDBOOT_NAME_MAX, "rota-%" PRIu32 "-%c%s.conf", e->generation,
		e->place == 0 ? 'a' : 'b', count);
}

static bool bad(const struct rota_sdboot_entry *e)
{
	return e->counted && e->left == 0;
}

bool rota_sdboot_entry_before(const struct rota_sdboot_entry *a, const struct rota_sdboot_entry *b)
{
	if (bad(a) != bad(b))
		return bad(b);
	if (a->generation != b->generation)
		return a->generation > b->generation;
	return a->place > b->place;
}
