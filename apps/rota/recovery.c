/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/recovery.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static enum rota_err read_record(
	const struct rota_authdir *dir, struct recovery_order *o, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	uint8_t sha256[ROTA_DIGEST_LEN];
	json_t *record;
	enum rota_err err;

	rota_authdir_path(dir, "trust/recovery-keys.json", path);
	ROTA_TRY(rota_file_read(path, ROTA_KEYSET_MAX, &o->record, why));
	rota_digest_of(rota_bytes_span(&o->record), sha256);
	rota_orderbook_begin_record(&o->desk, &rota_crypto_openssl);
	err = rota_keyset_feed(&o->desk.record, rota_bytes_span(&o->record));
	if (err == ROTA_OK)
		err = rota_keyset_end(&o->desk.record, sha256);
	if (err != ROTA_OK)
		return rota_fail(why, err, "%s is no key-set record (SPEC 12.2): %s", path,
			rota_err_str(err));
	ROTA_TRY(rota_json_parse_strict(rota_bytes_span(&o->record), &record, why));
	o->keys = json_incref(json_object_get(record, "keys"));
	json_decref(record);
	return ROTA_OK;
}

/* By the device's reader, as no device in particular. */
static enum rota_err read_order(struct recovery_order *o, struct rota_fail *why)
{
	const struct rota_rom nobody = { .key_count = 0 };
	enum rota_err err;

	ROTA_TRY(rota_json_encode(o->file, ROTA_JSON_FILE, &o->bytes, why));
	rota_orderbook_begin_order(&o->desk, &rota_crypto_openssl, &nobody);
	err = rota_order_feed(&o->desk.order, rota_bytes_span(&o->bytes));
	if (err == ROTA_OK)
		err = rota_order_end(&o->desk.order);
	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail(
		why, err, "no device would read this order: %s (SPEC 15.2)", rota_err_str(err));
}

enum rota_err recovery_read(const struct rota_authdir *dir, json_t *file, struct recovery_order *o,
	struct rota_fail *why)
{
	enum rota_err err;

	memset(o, 0, sizeof(*o));
	o->file = file;
	err = read_record(dir, o, why);
	if (err == ROTA_OK)
		err = read_order(o, why);
	if (err != ROTA_OK)
		recovery_free(o);
	return err;
}

enum rota_err recovery_load(const struct rota_authdir *dir, const char *path,
	struct recovery_order *o, struct rota_fail *why)
{
	json_t *file;

	ROTA_TRY(rota_json_load(path, ROTA_ORDER_MAX, &file, why));
	return recovery_read(dir, file, o, why) == ROTA_OK ? ROTA_OK
							   : rota_fail_in(why, "%s", path);
}

void recovery_free(struct recovery_order *o)
{
	json_decref(o->file);
	json_decref(o->keys);
	rota_bytes_free(&o->bytes);
	rota_bytes_free(&o->record);
	o->file = o->keys = NULL;
}

/* ---- who signed ---- */

bool recovery_signed_by(const struct recovery_order *o, size_t place)
{
	const struct rota_order_reader *r = &o->desk.order;
	const struct rota_keyset *set = &o->desk.record.keyset;

	for (uint8_t i = 0; i < r->signature_count; i++) {
		const struct rota_order_signature *sig = &r->signature[i];

		if (sig->key == place && place < set->count &&
			rota_crypto_openssl.verify_digest(rota_crypto_openssl.ctx,
				ROTA_ALG_ECDSA_P256, ROTA_SPAN(set->key[place].raw),
				ROTA_SPAN(sig->raw), r->digest) == ROTA_OK)
			return true;
	}
	return false;
}

unsigned recovery_signatures(const struct recovery_order *o)
{
	unsigned have = 0;

	for (size_t i = 0; i < o->desk.record.keyset.count; i++)
		have += recovery_signed_by(o, i);
	return have;
}

bool recovery_complete(const struct recovery_order *o)
{
	return rota_order_signed(&o->desk.order, &o->desk.record.keyset, &rota_crypto_openssl) ==
		ROTA_OK;
}

enum rota_err recovery_need_complete(const struct recovery_order *o, struct rota_fail *why)
{
	char missing[64] = "";

	if (recovery_complete(o))
		return ROTA_OK;
	for (size_t i = 0; i < o->desk.record.keyset.count; i++) {
		size_t len = strlen(missing);

		if (!recovery_signed_by(o, i))
			snprintf(missing + len, sizeof(missing) - len, "%s %zu", len ? "," : "", i);
	}
	return rota_fail(why, ROTA_ERR_THRESHOLD,
		"%u of %u signatures are there; of the keys%s of the record some must still sign: "
		"rota recovery sign",
		recovery_signatures(o), o->desk.record.keyset.threshold, missing);
}

/* ---- what it names ---- */

static enum rota_err check_part(const char *what, const char *option, bool named, const char *path,
	uint64_t length, const uint8_t *sha256, struct rota_fail *why)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	uint64_t len;

	if (!named && path == NULL)
		return ROTA_OK;
	if (!named)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "the order names no %s; leave %s out",
			what, option);
	if (path == NULL)
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"the order names a%s; give it with %s FILE",
			strcmp(what, "image") == 0 ? "n image" : " root", option);
	ROTA_TRY(rota_digest_file(path, NULL, &len, digest, why));
	if (len == length && memcmp(digest, sha256, sizeof(digest)) == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_HASH, "%s is not the %s that the order names", path, what);
}

enum rota_err recovery_check_parts(
	const struct recovery_order *o, const struct recovery_parts *parts, struct rota_fail *why)
{
	const struct rota_order *order = &o->desk.order.order;

	ROTA_TRY(check_part("image", "--image", order->has_image, parts->image, order->image.length,
		order->image.sha256, why));
	return check_part("root", "--root", order->has_root, parts->root, order->root.length,
		order->root.sha256, why);
}

/* ---- for people ---- */

/* One line of one value: what it belongs to stands on the first of its lines only. */
static void print_line(const char **of, const char *name, const json_t *value)
{
	char *text = json_is_string(value)
		? NULL
		: json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_COMPACT);

	printf("%-12s ", *of);
	if (name)
		printf("%-10s ", name);
	printf("%s\n", text ? text : json_string_value(value));
	free(text);
	*of = "";
}

static void print_value(const char *of, const json_t *value)
{
	const json_t *member;
	const char *name;
	size_t i;

	if (!json_is_object(value) && !json_is_array(value))
		print_line(&of, NULL, value);
	json_array_foreach((json_t *)(uintptr_t)value, i, member)
	{
		print_value(of, member);
		of = "";
	}
	json_object_foreach((json_t *)(uintptr_t)value, name, member) print_line(&of, name, member);
}

static bool is_empty(const json_t *value)
{
	return json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0);
}

/* All members that an order may have (SPEC 15.2; its reader takes no others), and what it means that one is empty. */
static void print_content(const json_t *content)
{
	static const struct {
		const char *name, *empty;
	} members[] = {
		{ "product", "" },
		{ "hardware", "" },
		{ "epoch", "" },
		{ "devices", "all" },
		{ "running", "whatever image runs" },
		{ "image", "none: what runs goes on" },
		{ "root", "none: the root of each device stays" },
		{ "add_keys", "none" },
		{ "retire_keys", "none" },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const json_t *value = json_object_get(content, members[i].name);

		if (is_empty(value))
			printf("%-12s %s\n", members[i].name, members[i].empty);
		else
			print_value(members[i].name, value);
	}
}

static unsigned missing(const struct recovery_order *o)
{
	unsigned have = recovery_signatures(o), need = o->desk.record.keyset.threshold;

	return have < need ? need - have : 0;
}

static void print_text(const struct recovery_order *o)
{
	const struct rota_keyset *set = &o->desk.record.keyset;
	char hex[ROTA_DIGEST_HEX];

	print_content(json_object_get(o->file, "signed"));
	rota_hex(ROTA_SPAN(o->desk.order.digest), hex);
	printf("%-12s %s\n", "signed", hex);
	for (size_t i = 0; i < set->count; i++)
		printf("%-12s key %zu of the record: %s\n", "signature", i,
			recovery_signed_by(o, i) ? "good" : "none");
	if (recovery_complete(o))
		printf("%-12s %u: complete\n", "threshold", set->threshold);
	else
		printf("%-12s %u: %u more must sign, rota recovery sign\n", "threshold",
			set->threshold, missing(o));
}

void recovery_print(const struct recovery_order *o, bool json)
{
	json_t *whole, *signers = json_array();
	char hex[ROTA_DIGEST_HEX], content[ROTA_DIGEST_HEX];

	if (!json) {
		json_decref(signers);
		print_text(o);
		return;
	}
	for (size_t i = 0; i < o->desk.record.keyset.count; i++)
		if (recovery_signed_by(o, i))
			json_array_append_new(signers, json_integer((json_int_t)i));
	rota_hex(ROTA_SPAN(o->desk.order.file_sha256), hex);
	rota_hex(ROTA_SPAN(o->desk.order.digest), content);
	whole = json_pack("{s:b,s:s,s:i,s:O,s:s,s:o,s:i}", "complete", (int)recovery_complete(o),
		"digest", hex, "missing", (int)missing(o), "order",
		json_object_get(o->file, "signed"), "signed", content, "signers", signers,
		"threshold", (int)o->desk.record.keyset.threshold);
	json_dumpf(whole, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
	printf("\n");
	json_decref(whole);
}
