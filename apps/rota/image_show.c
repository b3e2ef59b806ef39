/* SPDX-License-Identifier: Apache-2.0 */
/* rota image show: what an image says of itself, and whose keys signed it. */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/bar.h"
#include "host/sign/duty.h"
#include "host/sign/imagefile.h"
#include "host/sign/p256.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_FILE_MAX (64 * 1024)

static bool json;
static const char *keys_file;

static const struct opts_row rows[] = {
	{ "json", NULL, "as JSON", OPTS_FLAG, &json },
	{ "keys", "FILE", "image-keys.json to check with (default DIR/trust/image-keys.json)",
		OPTS_TEXT, &keys_file },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota image show [OPTION]... FILE",
	.text = "Prints header and TLVs of an image, checks its digest, and its signatures against "
		"the\n"
		"authority's image keys where those are at hand.",
	.examples = "  rota image show sensor.img\n  rota image show --json sensor.img",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

/* How many keys of this row's channel stand before it: its number in the ROM, as `rota retire` counts. */
static unsigned place_of(const json_t *keys, size_t row)
{
	json_t *channel = json_object_get(json_array_get(keys, row), "channel");
	unsigned before = 0;

	for (size_t i = 0; i < row; i++)
		before += (unsigned)json_equal(
			json_object_get(json_array_get(keys, i), "channel"), channel);
	return before;
}

/* "good, production key 0", or why not. */
static void judge(const json_t *keys, const struct rota_image_info *info,
	const struct rota_image_signature *sig, char out[static 64])
{
	snprintf(out, 64, "%s", keys ? "unknown key" : "not checked: no image-keys.json");
	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *row = json_array_get(keys, i);
		const char *hex = json_string_value(json_object_get(row, "public"));
		const char *channel = json_string_value(json_object_get(row, "channel"));
		uint8_t point[ROTA_P256_KEY_LEN], spki[ROTA_P256_SPKI_LEN], hash[ROTA_DIGEST_LEN];

		if (!hex || !channel || !rota_unhex(hex, ROTA_BUF(point)))
			continue;
		rota_p256_spki(point, spki);
		rota_digest_of(ROTA_SPAN(spki), hash);
		if (memcmp(hash, sig->key_hash, sizeof(hash)) != 0)
			continue;
		snprintf(out, 64, "%s, %.20s key %u",
			rota_p256_verify(point, info->digest, sig->raw) ? "good" : "BAD", channel,
			place_of(keys, i));
	}
}

static json_t *describe(const json_t *keys, const struct rota_image_info *info)
{
	char version[ROTA_VERSION_CSTR_MAX], digest[ROTA_DIGEST_HEX], file[ROTA_DIGEST_HEX];
	json_t *hardware = json_array(), *signatures = json_array();

	for (size_t i = 0; i < info->hardware_count; i++)
		json_array_append_new(hardware,
			json_stringn((const char *)info->hardware[i].text, info->hardware[i].len));
	for (size_t i = 0; i < info->signature_count; i++) {
		char hash[ROTA_DIGEST_HEX], verdict[64];

		rota_hex(ROTA_SPAN(info->signature[i].key_hash), hash);
		judge(keys, info, &info->signature[i], verdict);
		json_array_append_new(
			signatures, json_pack("{s:s,s:s}", "key_hash", hash, "verdict", verdict));
	}
	rota_version_cstr(info->version, version);
	rota_hex(ROTA_SPAN(info->digest), digest);
	rota_hex(ROTA_SPAN(info->file_sha256), file);
	return json_pack("{s:I,s:s,s:I,s:o,s:I,s:s%,s:s,s:o,s:s}", "counter",
		(json_int_t)info->counter, "digest", digest, "file_length",
		(json_int_t)info->file_len, "hardware", hardware, "payload_length",
		(json_int_t)info->payload_len, "product", (const char *)info->product.text,
		(size_t)info->product.len, "sha256", file, "signatures", signatures, "version",
		version);
}

static void print(const json_t *image)
{
	const char *const texts[] = { "product", "version", "digest", "sha256" };
	const char *const numbers[] = { "counter", "payload_length", "file_length" };
	const json_t *list = json_object_get(image, "hardware");

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		printf("%-15s %s\n", texts[i], json_string_value(json_object_get(image, texts[i])));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		printf("%-15s %lld\n", numbers[i],
			(long long)json_integer_value(json_object_get(image, numbers[i])));
	for (size_t i = 0; i < json_array_size(list); i++)
		printf("%-15s %s\n", "hardware", json_string_value(json_array_get(list, i)));
	list = json_object_get(image, "signatures");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		printf("%-15s %.16s...: %s\n", "signature",
			json_string_value(json_object_get(row, "key_hash")),
			json_string_value(json_object_get(row, "verdict")));
	}
}

int verb_image_show(int argc, char **argv)
{
	struct rota_image_info info;
	struct rota_fail why;
	struct rota_bar bar;
	char *path;
	json_t *record = NULL, *image;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	rota_bar_begin(&bar, stderr, "reading");
	err = rota_imagefile_read(argv[at], &rota_crypto_openssl, &bar.port, &info, &why);
	rota_bar_end(&bar);
	if (err != ROTA_OK)
		return say_fail(&why);
	path = keys_file ? rota_text("%s", keys_file)
			 : rota_text("%s/trust/image-keys.json", verb_dir());
	if (keys_file || rota_file_exists(path))
		err = rota_json_load(path, KEYS_FILE_MAX, &record, &why);
	free(path);
	if (err != ROTA_OK)
		return say_fail(&why);
	image = describe(json_object_get(record, "keys"), &info);
	if (json) {
		json_dumpf(image, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
	} else {
		print(image);
	}
	json_decref(image);
	json_decref(record);
	return 0;
}
