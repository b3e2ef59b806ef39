/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/artifact.h"
#include "host/base/digest.h"
#include "host/repo/judge.h"

#include <stdlib.h>
#include <string.h>

struct rota_artifact_reader {
	struct rota_image image;
	enum rota_err err; /* of the image, from its first wrong byte on */
	struct rota_digest *whole;
	uint64_t length;
};

struct rota_artifact_reader *rota_artifact_begin(const struct rota_crypto *crypto)
{
	struct rota_artifact_reader *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->whole = rota_digest_new();
	rota_image_begin(&r->image, crypto);
	return r;
}

void rota_artifact_add(struct rota_artifact_reader *r, struct rota_span piece)
{
	rota_digest_add(r->whole, piece);
	r->length += piece.len;
	if (r->err == ROTA_OK)
		r->err = rota_image_update(&r->image, piece);
}

/* Whole, or exactly what the digest covers. */
static bool is_image(struct rota_artifact_reader *r)
{
	uint64_t covered = (uint64_t)ROTA_IMAGE_HEADER_LEN + r->image.info.payload_len +
		r->image.protected_len;

	if (r->err != ROTA_OK)
		return false;
	return rota_image_finish(&r->image) == ROTA_OK ||
		(r->image.info.product.len > 0 && r->length == covered);
}

void rota_artifact_end(struct rota_artifact_reader *r, struct rota_artifact *out)
{
	const struct rota_image_info *info = &r->image.info;

	*out = (struct rota_artifact){ .length = r->length };
	rota_digest_get(r->whole, out->sha256);
	if (!is_image(r))
		return;
	out->image = true;
	memcpy(out->digest, info->digest, sizeof(out->digest));
	out->counter = info->counter;
	out->version = info->version;
	out->product = info->product;
	memcpy(out->hardware, info->hardware, sizeof(out->hardware));
	out->hardware_count = info->hardware_count;
}

void rota_artifact_free(struct rota_artifact_reader *r)
{
	if (!r)
		return;
	rota_digest_free(r->whole);
	free(r);
}

static json_t *hex_json(const uint8_t digest[static ROTA_SHA256_LEN])
{
	char hex[ROTA_DIGEST_HEX];

	rota_hex(rota_span(digest, ROTA_SHA256_LEN), hex);
	return json_string(hex);
}

static json_t *name_json(const struct rota_name *name)
{
	return json_stringn((const char *)name->text, name->len);
}

json_t *rota_artifact_json(const struct rota_artifact *a)
{
	json_t *hardware = json_array();

	for (size_t i = 0; i < a->hardware_count; i++)
		json_array_append_new(hardware, name_json(&a->hardware[i]));
	return json_pack("{s:I,s:o,s:o,s:b,s:I,s:o,s:o,s:o}", "counter", (json_int_t)a->counter,
		"digest", hex_json(a->digest), "hardware", hardware, "image", a->image, "length",
		(json_int_t)a->length, "product", name_json(&a->product), "sha256",
		hex_json(a->sha256), "version",
		json_sprintf("%llx", (unsigned long long)a->version));
}

static bool name_of(const json_t *value, struct rota_name *out)
{
	size_t len = json_string_length(value);

	if (len > sizeof(out->text))
		return false;
	*out = (struct rota_name){ .len = (uint8_t)len };
	memcpy(out->text, json_string_value(value), len);
	return true;
}

bool rota_artifact_of_json(const json_t *value, struct rota_artifact *out)
{
	const json_t *hardware = json_object_get(value, "hardware");
	size_t count = json_array_size(hardware);

	*out = (struct rota_artifact){ 0 };
	if (!rota_unhex(rota_judge_text(value, "sha256"), ROTA_BUF(out->sha256)) ||
		!rota_unhex(rota_judge_text(value, "digest"), ROTA_BUF(out->digest)) ||
		count > ROTA_IMAGE_HARDWARE_MAX)
		return false;
	out->length = (uint64_t)json_integer_value(json_object_get(value, "length"));
	out->counter = (uint32_t)json_integer_value(json_object_get(value, "counter"));
	out->image = json_is_true(json_object_get(value, "image"));
	out->version = strtoull(rota_judge_text(value, "version"), NULL, 16);
	for (size_t i = 0; i < count; i++)
		if (!json_is_string(json_array_get(hardware, i)) ||
			!name_of(json_array_get(hardware, i), &out->hardware[i]))
			return false;
	out->hardware_count = (uint8_t)count;
	return json_is_string(json_object_get(value, "product")) &&
		name_of(json_object_get(value, "product"), &out->product);
}
