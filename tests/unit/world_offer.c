/* SPDX-License-Identifier: Apache-2.0 */
/* What the server offers: images, release.json and the rollout policy, put together by hand. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/codec/version.h"
#include "tests/unit/image_make.h"
#include "tests/unit/world_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLICY_PATH "rollouts/sensor.json"
#define SECOND_LEN 1000

struct world_image *world_image_add(struct world *w, struct maker_bytes bytes, bool crashes)
{
	struct world_image *image = &w->image[w->image_count++];

	if (w->image_count > WORLD_IMAGES_MAX)
		abort();
	image->bytes = bytes;
	image->crashes = crashes;
	return image;
}

uint64_t world_version(const char *text)
{
	uint64_t version;

	if (rota_version_parse(rota_span_cstr(text), &version) != ROTA_OK)
		abort();
	return version;
}

struct maker_bytes world_image_make(const struct world_release *r, bool second)
{
	static uint8_t payload[WORLD_SLOT_LEN];
	uint8_t *room = maker_room(IMAGE_MAKE_MAX);
	struct image_spec spec = {
		.version = world_version(r->image_version != NULL ? r->image_version : r->version),
		.counter = r->counter,
		.product = r->image_product,
		.tail_recipe = r->image_tail,
		.payload = rota_span(payload, second ? SECOND_LEN : r->payload_len),
	};

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7 + (size_t)r->version[0] + i / 256 + second);
	return (struct maker_bytes){ room, image_make(&spec, room) };
}

void world_image_digest(struct maker_bytes bytes, uint8_t out[32])
{
	struct rota_image im;

	rota_image_begin(&im, &rota_crypto_openssl);
	if (rota_image_update(&im, rota_span(bytes.p, bytes.len)) != ROTA_OK ||
		rota_image_finish(&im) != ROTA_OK)
		abort();
	memcpy(out, im.info.digest, 32);
}

static void put_component(struct maker_text *t, const struct world_release *r,
	const struct world_image *image, const char *path, bool data)
{
	uint8_t sha256[32], digest[32];
	char hex[65];

	maker_sha256(image->bytes, sha256);
	memcpy(digest, image->digest, 32);
	digest[0] ^= r->wrong_digest;
	sha256[0] ^= r->wrong_sha256;
	maker_printf(t, "{\"counter\":%u,\"depends\":[%s]",
		data && !r->second_image         ? 0
			: r->listed_counter != 0 ? r->listed_counter
						 : r->counter,
		data ? "" : r->depends);
	maker_hex(digest, 32, hex);
	if (!data || r->second_image)
		maker_printf(t, ",\"digest\":\"%s\"", hex);
	maker_hex(sha256, 32, hex);
	maker_printf(t,
		",\"hardware\":[\"%s\"],\"length\":%zu,\"name\":\"%s\",\"order\":%d,\"path\":\"%"
		"s\","
		"\"sha256\":\"%s\",\"slot\":\"%s\"}",
		r->hardware, image->bytes.len, data ? "data" : "app", data ? 1 : 0, path, hex,
		data ? "data" : r->slot);
}

struct world_image *world_data_make(struct world *w)
{
	struct maker_text t = { NULL, 0, 0 };
	struct world_image *image;

	maker_printf(&t, "data of %s %0300d", w->release.version, 0);
	image = world_image_add(w, maker_text_bytes(&t), false);
	maker_sha256(image->bytes, image->digest);
	return image;
}

struct world_image *world_second_make(struct world *w)
{
	struct world_image *image = world_image_add(w, world_image_make(&w->release, true), false);

	world_image_digest(image->bytes, image->digest);
	return image;
}

void world_release(struct world *w)
{
	const struct world_release *r = &w->release;
	int role = strcmp(w->role, "ci") == 0 ? MAKER_CI : MAKER_RELEASES;
	struct world_image *app = world_image_add(w, world_image_make(r, false), r->crashes),
			   *data = NULL;
	struct maker_text t = { NULL, 0, 0 };
	char issued[21], *path = maker_room(128), *app_path = maker_room(128),
			 *data_path = maker_room(128);

	world_image_digest(app->bytes, app->digest);
	snprintf(path, 128, "%s/sensor/%s/release.json", w->role, r->version);
	snprintf(app_path, 128, "%s/sensor/%s/app.bin", w->role, r->version);
	snprintf(data_path, 128, "%s/sensor/%s/data.bin", w->role, r->version);
	maker_time(r->issued_s, issued);
	maker_printf(&t,
		"{\"_type\":\"release\",\"abort\":\"revert\",\"build\":\"b1\",\"ceilings\":{"
		"\"canary\":%u,\"everyone\":\"%s\",\"first_ppm\":%u,\"groups\":[%s],\"growth\":%u,"
		"\"soak_s\":%u},\"components\":[",
		r->canary, r->everyone, r->first_ppm, r->groups, r->growth, r->soak_s);
	put_component(&t, r, app, app_path, false);
	if (r->two || r->second_image) {
		data = r->second_image ? world_second_make(w) : world_data_make(w);
		maker_printf(&t, ",");
		put_component(&t, r, data, data_path, true);
		maker_target(&w->m, role, data_path, data->bytes);
	}
	maker_printf(&t,
		"],\"deltas\":[],\"format\":1,\"issued\":\"%s\",\"minimum\":\"%s\",\"product\":\"%"
		"s\","
		"\"revert_to\":[%s],\"version\":\"%s\"}",
		issued, r->minimum, r->product, r->revert_to, r->version);
	maker_target(&w->m, role, app_path, app->bytes);
	maker_target(&w->m, role, path, maker_text_bytes(&t));
	maker_sha256(maker_text_bytes(&t), w->release_sha256);
	snprintf(w->release_path, sizeof(w->release_path), "%s", path);
	maker_next(&w->m, w->m.role[MAKER_TIMESTAMP].issued_s, role, -1);
}

void world_policy(struct world *w)
{
	const struct world_policy *p = &w->policy;
	struct maker_text t = { NULL, 0, 0 };
	char hex[65];

	w->release_sha256[0] ^= p->wrong_sha256;
	maker_hex(w->release_sha256, 32, hex);
	w->release_sha256[0] ^= p->wrong_sha256;
	maker_printf(&t, "{\"_type\":\"rollout\",\"campaigns\":[");
	if (p->state != NULL)
		maker_printf(&t,
			"{\"attempt\":%u,\"channel\":\"%s\",\"id\":\"c1\",\"open\":%u,\"release\":{"
			"\"path\":\"%s\",\"sha256\":\"%s\"},\"retry\":{\"backoff_s\":%u,\"max\":%u}"
			","
			"\"stages\":[%s],\"state\":\"%s\"%s}",
			p->attempt, p->channel, p->open,
			p->path != NULL ? p->path : w->release_path, hex, p->backoff_s,
			p->retry_max, p->stages, p->state, p->window);
	maker_printf(&t, "],\"format\":1,\"product\":\"%s\",\"sequence\":%llu}", p->product,
		(unsigned long long)p->sequence);
	maker_target(&w->m, MAKER_ROLLOUTS, POLICY_PATH, maker_text_bytes(&t));
	maker_next(&w->m, w->m.role[MAKER_TIMESTAMP].issued_s, MAKER_ROLLOUTS, -1);
	w->policy.sequence++;
}
