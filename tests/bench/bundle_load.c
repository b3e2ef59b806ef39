/* SPDX-License-Identifier: Apache-2.0 */
/* bundle_load DIR CAMPAIGN COUNT LOCATORS   -- tree 0 of a campaign (64 hex digits) in DIR, of COUNT bundles of nothing: those
 *                                              of the locators in a file (16 bytes each), and others between them */
#include "host/base/bytes.h"
#include "host/base/file.h"
#include "host/campaign/bundlemake.h"
#include "host/campaign/confirm.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/posix/posix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCATOR ROTA_KEYBUNDLE_LOCATOR_LEN

static struct rota_fail why;

static void need(enum rota_err err)
{
	if (err == ROTA_OK)
		return;
	fprintf(stderr, "bundle_load: %s (%s)\n", why.text, rota_err_str(err));
	exit(1);
}

static int order(const void *a, const void *b)
{
	return memcmp(a, b, LOCATOR);
}

static uint8_t *locators_of(const char *path, uint32_t count)
{
	uint8_t *all = malloc((size_t)count * LOCATOR);
	struct rota_bytes given = { 0 };

	need(rota_file_read(path, (size_t)count * LOCATOR, &given, &why));
	if (all == NULL)
		abort();
	need(rota_random_posix.fill(NULL, rota_buf(all, (size_t)count * LOCATOR)));
	memcpy(all, given.p, given.len);
	rota_bytes_free(&given);
	qsort(all, count, LOCATOR, order);
	return all;
}

static void write_bundles(FILE *f, const uint8_t *locators, uint32_t count)
{
	static const uint8_t filling[128] = { 0 };

	if (fseek(f, ROTA_KEYFILE_BUNDLES_AT, SEEK_SET) != 0)
		abort();
	for (uint32_t i = 0; i < count; i++) {
		const struct rota_keybundle b = { .mode = ROTA_KEYBUNDLE_BASE,
			.index = i,
			.locator = rota_span(locators + (size_t)i * LOCATOR, LOCATOR),
			.agree_id = rota_span(filling, 8),
			.psk_id = rota_span(filling, 8),
			.enc = rota_span(filling, 65),
			.sealed = rota_span(filling, 32),
			.tag = rota_span(filling, 16) };
		uint8_t bytes[ROTA_KEYBUNDLE_LEN];

		rota_keybundle_encode(&b, bytes);
		if (fwrite(bytes, sizeof(bytes), 1, f) != 1)
			abort();
	}
	if (fflush(f) != 0)
		abort();
}

static void write_confirm(const char *path, struct rota_confirm *c)
{
	uint8_t head[ROTA_CONFIRM_HEAD_LEN];

	rota_confirm_encode(c, head);
	need(rota_file_write(path, ROTA_SPAN(head), 0600, &why));
	if (truncate(path, (off_t)rota_confirm_at(c->size)) != 0)
		abort();
}

int main(int argc, char **argv)
{
	struct rota_confirm c = { .size = argc == 5 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0 };
	char *keys, *confirm;
	uint8_t *locators;
	FILE *f;

	if (c.size == 0 || !rota_unhex(argv[2], ROTA_BUF(c.campaign)))
		return 2;
	locators = locators_of(argv[4], c.size);
	keys = rota_text("%s/%s.0.keys", argv[1], argv[2]);
	confirm = rota_text("%s/%s.0.confirm", argv[1], argv[2]);
	f = fopen(keys, "w+e");
	if (f == NULL)
		return 1;
	write_bundles(f, locators, c.size);
	need(rota_keyfile_finish(
		fileno(f), &rota_crypto_openssl, c.campaign, 0, c.size, c.root, &why));
	fclose(f);
	write_confirm(confirm, &c);
	free(locators);
	free(keys);
	free(confirm);
	return 0;
}
