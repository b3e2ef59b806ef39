/* SPDX-License-Identifier: Apache-2.0 */
/* rota recovery make: write down what devices shall do to be saved; nobody has signed it yet. */
#include "apps/rota/opts.h"
#include "apps/rota/recovery.h"
#include "apps/rota/verb.h"
#include "host/sign/duty.h"
#include "host/sign/imagefile.h"
#include "host/sign/p256.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/codec/key.h"
#include "rota/trust/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *epoch, *image, *component, *root;
static struct opts_list hardware, devices, running, add, retire;
static bool json;

static const struct opts_row rows[] = {
	{ "hardware", "NAME", "hardware id that it is for; may repeat", OPTS_LIST, &hardware },
	{ "epoch", "N", "above that of every earlier order (default: the published one's + 1)",
		OPTS_TEXT, &epoch },
	{ "device", "ID", "only for this device; may repeat", OPTS_LIST, &devices },
	{ "running", "DIGEST", "only where an image of this digest runs; may repeat", OPTS_LIST,
		&running },
	{ "image", "FILE", "image to install: the order stands for its signature", OPTS_TEXT,
		&image },
	{ "component", "SLOT", "slot that it goes to (app)", OPTS_TEXT, &component },
	{ "root", "FILE", "root metadata to trust from now on", OPTS_TEXT, &root },
	{ "add-key", "FILE", "image key to accept beside those in ROM, PEM; may repeat", OPTS_LIST,
		&add },
	{ "retire-key", "FILE", "image key of the ROM to accept no more, PEM; may repeat",
		OPTS_LIST, &retire },
	{ "json", NULL, "print the order as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota recovery make [OPTION]... ORDER",
	.text = "Writes a recovery order to the file ORDER. A device that finds it there, or on a "
		"stick "
		"or a\n"
		"line, follows it without TUF, clock or certificate, once enough of the anchor's "
		"tokens "
		"have\n"
		"signed it: it installs the image, trusts the root, takes or retires image keys. "
		"Say for "
		"whom.",
	.examples = "  rota recovery make --hardware demo-1 --image rescue.img order.json\n"
		    "  rota recovery make --hardware demo-1 --root repo/metadata/7.root.json "
		    "order.json",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

/* ---- parts ---- */

static json_t *texts(const struct opts_list *list)
{
	json_t *out = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(out, json_string(list->at[i]));
	return out;
}

static enum rota_err read_key(
	const char *path, uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	struct rota_bytes pem;
	enum rota_err err;
	size_t len;

	ROTA_TRY(rota_file_read(path, ROTA_KEY_TEXT_MAX, &pem, why));
	err = rota_key_raw(
		&rota_scheme_p256, rota_bytes_span(&pem), rota_buf(point, ROTA_P256_KEY_LEN), &len);
	rota_bytes_free(&pem);
	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, err, "%s is no P-256 public key in PEM", path);
}

static enum rota_err add_keys(json_t *to, struct rota_fail *why)
{
	for (size_t i = 0; i < add.count; i++) {
		char hex[2 * ROTA_P256_KEY_LEN + 1];
		uint8_t point[ROTA_P256_KEY_LEN];

		ROTA_TRY(read_key(add.at[i], point, why));
		rota_hex(ROTA_SPAN(point), hex);
		json_array_append_new(
			to, json_pack("{s:i,s:s}", "alg", (int)ROTA_ALG_ECDSA_P256, "public", hex));
	}
	return ROTA_OK;
}

static enum rota_err retire_keys(json_t *to, struct rota_fail *why)
{
	for (size_t i = 0; i < retire.count; i++) {
		uint8_t point[ROTA_P256_KEY_LEN], spki[ROTA_P256_SPKI_LEN];
		char hex[ROTA_DIGEST_HEX];

		ROTA_TRY(read_key(retire.at[i], point, why));
		rota_p256_spki(point, spki);
		rota_digest_hex(ROTA_SPAN(spki), hex);
		json_array_append_new(to, json_string(hex));
	}
	return ROTA_OK;
}

static enum rota_err describe_image(
	const struct rota_authdir *dir, json_t **out, struct rota_fail *why)
{
	char digest[ROTA_DIGEST_HEX], file[ROTA_DIGEST_HEX], version[ROTA_VERSION_CSTR_MAX];
	struct rota_image_info info;

	*out = json_null();
	if (image == NULL)
		return ROTA_OK;
	ROTA_TRY(rota_imagefile_read(image, &rota_crypto_openssl, NULL, &info, why));
	if (!rota_span_eq(rota_name_span(&info.product), rota_span_cstr(dir->product)))
		return rota_fail(why, ROTA_ERR_PRODUCT, "%s is for another product", image);
	rota_hex(ROTA_SPAN(info.digest), digest);
	rota_hex(ROTA_SPAN(info.file_sha256), file);
	rota_version_cstr(info.version, version);
	*out = json_pack("{s:s,s:I,s:s,s:I,s:s,s:s}", "component", component ? component : "app",
		"counter", (json_int_t)info.counter, "digest", digest, "length",
		(json_int_t)info.file_len, "sha256", file, "version", version);
	return ROTA_OK;
}

static enum rota_err describe_root(json_t **out, struct rota_fail *why)
{
	struct rota_bytes bytes;
	char hex[ROTA_DIGEST_HEX];
	const json_t *content;
	const char *type;
	json_t *file;

	*out = json_null();
	if (root == NULL)
		return ROTA_OK;
	ROTA_TRY(rota_file_read(root, ROTA_ROOT_MAX_LEN, &bytes, why));
	rota_digest_hex(rota_bytes_span(&bytes), hex);
	if (rota_json_parse_strict(rota_bytes_span(&bytes), &file, why) != ROTA_OK) {
		rota_bytes_free(&bytes);
		return rota_fail_in(why, "%s", root);
	}
	content = json_object_get(file, "signed");
	type = json_string_value(json_object_get(content, "_type"));
	if (type != NULL && strcmp(type, "root") == 0)
		*out = json_pack("{s:I,s:s,s:I}", "length", (json_int_t)bytes.len, "sha256", hex,
			"version",
			(json_int_t)json_integer_value(json_object_get(content, "version")));
	json_decref(file);
	rota_bytes_free(&bytes);
	if (!json_is_null(*out))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_ROLE, "%s is no root metadata", root);
}

/* Above the order that stands in the repository. */
static enum rota_err next_epoch(
	const struct rota_authdir *dir, uint64_t *out, struct rota_fail *why)
{
	char path[2 * ROTA_FILE_PATH_MAX];
	json_t *file;

	*out = 1;
	if (epoch != NULL)
		return opts_number(epoch, UINT32_MAX, out) && *out > 0
			? ROTA_OK
			: rota_fail(why, ROTA_ERR_ARGUMENT, "--epoch takes 1 to 4294967295");
	snprintf(path, sizeof(path), "%s/recovery/%s.json", dir->repo, dir->product);
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(rota_json_load(path, ROTA_ORDER_MAX, &file, why));
	*out = 1 +
		(uint64_t)json_integer_value(
			json_object_get(json_object_get(file, "signed"), "epoch"));
	json_decref(file);
	return ROTA_OK;
}

/* ---- the whole ---- */

static enum rota_err make(const struct rota_authdir *dir, json_t **file, struct rota_fail *why)
{
	json_t *adds = json_array(), *retires = json_array(), *of_image = NULL, *of_root = NULL;
	uint64_t number;
	enum rota_err err = next_epoch(dir, &number, why);

	if (err == ROTA_OK)
		err = add_keys(adds, why);
	if (err == ROTA_OK)
		err = retire_keys(retires, why);
	if (err == ROTA_OK)
		err = describe_image(dir, &of_image, why);
	if (err == ROTA_OK)
		err = describe_root(&of_root, why);
	if (err == ROTA_OK)
		*file = json_pack("{s:[],s:{s:s,s:O,s:o,s:I,s:i,s:o,s:O,s:s,s:O,s:O,s:o}}",
			"signatures", "signed", "_type", "recovery", "add_keys", adds, "devices",
			texts(&devices), "epoch", (json_int_t)number, "format", 1, "hardware",
			texts(&hardware), "image", of_image, "product", dir->product, "retire_keys",
			retires, "root", of_root, "running", texts(&running));
	json_decref(adds);
	json_decref(retires);
	json_decref(of_image);
	json_decref(of_root);
	return err;
}

static enum rota_err run(struct session *s, const char *path)
{
	struct recovery_order order;
	json_t *file = NULL;
	enum rota_err err;

	ROTA_TRY(make(&s->dir, &file, &s->why));
	ROTA_TRY(recovery_read(&s->dir, file, &order, &s->why));
	err = rota_file_write(path, rota_bytes_span(&order.bytes), 0644, &s->why);
	if (err == ROTA_OK) {
		recovery_print(&order, json);
		fprintf(stderr, "rota: %s is made; now people sign it: rota recovery sign %s\n",
			path, path);
	}
	recovery_free(&order);
	return err;
}

int verb_recovery_make(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (hardware.count == 0)
		return opts_wrong(&usage, "--hardware NAME is needed: for which hardware?");
	if (!image && !root && !add.count && !retire.count)
		return opts_wrong(&usage,
			"it orders nothing: give --image, --root, --add-key or --retire-key");
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s, argv[at]));
}
