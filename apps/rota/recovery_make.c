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
#include "rota/trust/order.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMAGE_KEYS_MAX 65536 /* of trust/image-keys.json, which has three */

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
	{ "retire-key", "KEY", "image key of the ROM to accept no more: 0, the first one, or PEM",
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
		    "  rota recovery make --hardware demo-1 --image rescue.img --retire-key 0 "
		    "order.json\n"
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

/* Those of production, as devices have them in ROM, in its order. */
struct rom_keys {
	uint8_t point[ROTA_ROM_KEYS_MAX][ROTA_P256_KEY_LEN];
	uint8_t count;
};

static enum rota_err load_rom_keys(
	const struct rota_authdir *dir, struct rom_keys *keys, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	json_t *file, *row;
	size_t i;

	*keys = (struct rom_keys){ .count = 0 };
	rota_authdir_path(dir, "trust/image-keys.json", path);
	ROTA_TRY(rota_json_load(path, IMAGE_KEYS_MAX, &file, why));
	json_array_foreach(json_object_get(file, "keys"), i, row)
	{
		const char *channel = json_string_value(json_object_get(row, "channel"));
		const char *hex = json_string_value(json_object_get(row, "public"));

		if (channel == NULL || hex == NULL || strcmp(channel, "production") != 0 ||
			keys->count == ROTA_ROM_KEYS_MAX)
			continue;
		if (rota_unhex(hex, ROTA_BUF(keys->point[keys->count])))
			keys->count++;
	}
	json_decref(file);
	return ROTA_OK;
}

/* By its place in ROM, or a file of it. */
static enum rota_err retired_key(const char *text, const struct rom_keys *keys,
	uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	uint64_t place;

	if (!opts_number(text, UINT32_MAX, &place))
		return read_key(text, point, why);
	if (place >= keys->count)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"--retire-key %s: trust/image-keys.json has %u production keys, the first "
			"is 0",
			text, keys->count);
	memcpy(point, keys->point[place], ROTA_P256_KEY_LEN);
	return ROTA_OK;
}

/* By the device's own rule: it would refuse such an order whole, on the day that it is needed (SPEC 15.3). */
static enum rota_err check_last_key(
	const struct rota_order *order, const struct rom_keys *keys, struct rota_fail *why)
{
	uint8_t spki[ROTA_P256_SPKI_LEN], hash[ROTA_ROM_KEYS_MAX][ROTA_DIGEST_LEN], floor;
	struct rota_rom rom = { .key_count = keys->count };

	for (uint8_t i = 0; i < keys->count; i++) {
		rota_p256_spki(keys->point[i], spki);
		rota_digest_of(ROTA_SPAN(spki), hash[i]);
		rom.key[i].hash = ROTA_SPAN(hash[i]);
	}
	if (rota_order_key_floor(order, &rom, &floor) == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_DENIED,
		"--retire-key names the last image key of production devices; they would refuse "
		"the order whole");
}

static enum rota_err retire_keys(json_t *to, const struct rom_keys *keys, struct rota_fail *why)
{
	for (size_t i = 0; i < retire.count; i++) {
		uint8_t point[ROTA_P256_KEY_LEN], spki[ROTA_P256_SPKI_LEN];
		char hex[ROTA_DIGEST_HEX];

		ROTA_TRY(retired_key(retire.at[i], keys, point, why));
		rota_p256_spki(point, spki);
		rota_digest_hex(ROTA_SPAN(spki), hex);
		json_array_append_new(to, json_string(hex));
	}
	return ROTA_OK;
}

/* A device would take the order, and then find that its image is another's. */
static enum rota_err check_hardware(const struct rota_image_info *info, struct rota_fail *why)
{
	for (size_t i = 0; i < hardware.count; i++) {
		uint8_t at = 0;

		while (at < info->hardware_count &&
			!rota_span_eq(rota_name_span(&info->hardware[at]),
				rota_span_cstr(hardware.at[i])))
			at++;
		if (at == info->hardware_count)
			return rota_fail(why, ROTA_ERR_HARDWARE,
				"%s is not for hardware %s; `rota image show` says for which",
				image, hardware.at[i]);
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
	ROTA_TRY(check_hardware(&info, why));
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
		return opts_number(epoch, UINT32_MAX, out) ? ROTA_OK : ROTA_ERR_ARGUMENT;
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

static enum rota_err make(const struct rota_authdir *dir, const struct rom_keys *keys,
	json_t **file, struct rota_fail *why)
{
	json_t *adds = json_array(), *retires = json_array(), *of_image = NULL, *of_root = NULL;
	uint64_t number;
	enum rota_err err = next_epoch(dir, &number, why);

	if (err == ROTA_OK)
		err = add_keys(adds, why);
	if (err == ROTA_OK)
		err = retire_keys(retires, keys, why);
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
	struct rom_keys keys = { .count = 0 };
	json_t *file = NULL;
	enum rota_err err;

	if (rota_file_exists(path)) /* people may have signed it */
		return rota_fail(&s->why, ROTA_ERR_STATE,
			"%s is there already; remove it, or name another file", path);
	if (retire.count > 0)
		ROTA_TRY(load_rom_keys(&s->dir, &keys, &s->why));
	ROTA_TRY(make(&s->dir, &keys, &file, &s->why));
	ROTA_TRY(recovery_read(&s->dir, file, &order, &s->why));
	err = check_last_key(&order.desk.order.order, &keys, &s->why);
	if (err == ROTA_OK)
		err = rota_file_write(path, rota_bytes_span(&order.bytes), 0644, &s->why);
	if (err == ROTA_OK) {
		recovery_print(&order, json);
		fprintf(stderr, "rota: %s is made; now people sign it: rota recovery sign %s\n",
			path, path);
	}
	recovery_free(&order);
	return err;
}

/* The first that is not 64 lower-case hex digits, or NULL. */
static const char *no_digest(const struct opts_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (strspn(list->at[i], "0123456789abcdef") != 64 || list->at[i][64] != '\0')
			return list->at[i];
	return NULL;
}

/* 0: right; else the exit status. */
static int check_lengths(void)
{
	const struct {
		const char *option;
		size_t count, most;
	} lists[] = { { "hardware", hardware.count, ROTA_ORDER_HARDWARE_MAX },
		{ "running", running.count, ROTA_ORDER_RUNNING_MAX },
		{ "add-key", add.count, ROTA_ORDER_KEYS_MAX },
		{ "retire-key", retire.count, ROTA_ORDER_KEYS_MAX } };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (lists[i].count > lists[i].most)
			return opts_wrong(&usage, "--%s may stand %zu times in an order",
				lists[i].option, lists[i].most);
	return 0;
}

static int check_options(void)
{
	uint64_t number = 1;

	if (hardware.count == 0)
		return opts_wrong(&usage, "--hardware NAME is needed: for which hardware?");
	if (!image && !root && !add.count && !retire.count)
		return opts_wrong(&usage,
			"it orders nothing: give --image, --root, --add-key or --retire-key");
	if (epoch != NULL && (!opts_number(epoch, UINT32_MAX, &number) || number == 0))
		return opts_wrong(&usage, "--epoch takes 1 to 4294967295");
	if (component != NULL && image == NULL)
		return opts_wrong(&usage, "--component goes with --image");
	if (component != NULL && !rota_name_ok(component))
		return opts_wrong(&usage, "--component %s is no name of a slot", component);
	for (size_t i = 0; i < hardware.count; i++)
		if (!rota_name_ok(hardware.at[i]))
			return opts_wrong(&usage, "--hardware %s is no name", hardware.at[i]);
	if (no_digest(&devices) != NULL)
		return opts_wrong(&usage, "--device %s is no device id: 64 hex digits, lower case",
			no_digest(&devices));
	if (no_digest(&running) != NULL)
		return opts_wrong(&usage,
			"--running %s is no image digest: 64 hex digits, lower case",
			no_digest(&running));
	return check_lengths();
}

int verb_recovery_make(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	status = check_options();
	if (status != 0)
		return status;
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s, argv[at]));
}
