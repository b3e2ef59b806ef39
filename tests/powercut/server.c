/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/powercut/server.h"
#include "rota/base/hex.h"
#include "rota/base/reader.h"
#include "rota/codec/ticket.h"
#include "tests/powercut/chance.h"
#include "tests/unit/image_make.h"
#include "tests/unit/order_maker.h"
#include "tests/unit/time_maker.h"
#include "tests/unit/world_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORDER_IMAGE_LEN 6000

void server_init(struct server *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	chance_seed(1);
	for (int key = 0; key < KEY_COUNT; key++) /* the same ones, whoever comes first */
		(void)maker_spki(key);
	(void)image_key(0);
	(void)image_key(1);
	chance_seed(seed);
	world_init(&s->world);
	s->rom = image_rom(1);
	s->record = order_record(s->record_sha256);
	s->rom.recovery_sha256 = ROTA_SPAN(s->record_sha256);
	s->factory[0] = &s->world.image[0];
	s->factory[1] = world_second_make(&s->world);
	server_step(s, WORLD_NOW);
}

void server_two_keys(struct server *s)
{
	struct rota_span record = s->rom.recovery_sha256;

	s->rom = image_rom(2);
	s->rom.recovery_sha256 = record;
}

void server_watch(struct server *s, uint32_t period_s, uint32_t bound_s)
{
	s->rom.watchdog = (struct rota_rom_watchdog){ .period_s = period_s, .bound_s = bound_s };
}

void server_retire(struct server *s, unsigned counter, unsigned key_floor)
{
	struct maker *m = &s->world.m;
	uint64_t now_s = m->role[MAKER_TIMESTAMP].issued_s;
	struct maker_text t = { NULL, 0, 0 };
	int role = maker_delegate(
		m, MAKER_TARGETS, "retirements", "retirements/*", true, KEY_OTHER, now_s);

	maker_printf(&t, "{\"_type\":\"retirements\",\"cas\":[],\"counter_floor\":[");
	if (counter > 0)
		maker_printf(&t, "{\"counter\":%u,\"hardware\":\"demo-1\"}", counter);
	maker_printf(&t,
		"],\"format\":1,\"key_floor\":%u,\"keys\":[],\"product\":\"sensor\","
		"\"sequence\":1}",
		key_floor);
	maker_target(m, role, "retirements/sensor.json", maker_text_bytes(&t));
	maker_next(m, now_s, MAKER_TARGETS, role);
}

void server_keys(struct server *s)
{
	struct key_server *keys = &s->keys.server;

	keylife_init(&s->keys, &s->world.m, WORLD_NOW);
	keys->spki = s->world.device.spki;
	if (rota_hex_decode(s->world.device.id, ROTA_BUF(keys->device)) != ROTA_OK)
		abort();
}

static void retire_keys(struct server *s, uint64_t now_s, uint32_t generation)
{
	struct maker *m = &s->world.m;
	struct maker_text t = { NULL, 0, 0 };
	int role = maker_delegate(
		m, MAKER_TARGETS, "retirements", "retirements/*", true, KEY_OTHER, now_s);

	maker_printf(&t,
		"{\"_type\":\"retirements\",\"cas\":[],\"counter_floor\":[],\"format\":1,"
		"\"key_floor\":0,\"keys\":[{\"generation\":%u,\"purpose\":\"storage\"}],"
		"\"product\":\"sensor\",\"sequence\":1}",
		generation);
	maker_target(m, role, "retirements/sensor.json", maker_text_bytes(&t));
	maker_next(m, now_s, MAKER_TARGETS, role);
}

void server_rotate(struct server *s, uint64_t from_s, uint32_t generation, uint32_t retired)
{
	static const uint8_t purposes[] = { ROTA_PURPOSE_TELEMETRY, ROTA_PURPOSE_STORAGE };

	for (size_t i = 0; i < sizeof(purposes); i++)
		key_campaign_for_pool(&s->keys.server, purposes[i], generation, from_s)->overlap_s =
			60;
	if (retired > 0)
		retire_keys(s, from_s, retired);
	key_server_publish(&s->keys.server, from_s);
	server_step(s, from_s);
}

static enum rota_err give(const struct maker_bytes *bytes, struct rota_span *out)
{
	*out = rota_span(bytes->p, bytes->len);
	return ROTA_OK;
}

static const char *hex_of(const uint8_t sha256[static ROTA_SHA256_LEN])
{
	char *text = maker_room(2 * ROTA_SHA256_LEN + 1);

	maker_hex(sha256, ROTA_SHA256_LEN, text);
	return text;
}

/* The image that only an order vouches for, added to what may run. */
static const struct world_image *order_image(struct server *s, unsigned version, uint32_t counter)
{
	uint8_t *payload = maker_room(ORDER_IMAGE_LEN);
	const struct image_spec spec = { .tail_recipe = "dKS",
		.version = (uint64_t)version << 56,
		.counter = counter,
		.payload = rota_span(payload, ORDER_IMAGE_LEN) };
	struct maker_bytes bytes = { maker_room(IMAGE_MAKE_MAX), 0 };
	struct world_image *image;

	for (size_t i = 0; i < ORDER_IMAGE_LEN; i++)
		payload[i] = (uint8_t)(i * 13 + i / 256 + version);
	bytes.len = image_make(&spec, bytes.p);
	image = world_image_add(&s->world, bytes, false);
	world_image_digest(bytes, image->digest);
	return image;
}

/* The member `root`, or NULL. */
static const char *order_root(struct server *s)
{
	uint64_t version = s->world.m.role[MAKER_ROOT].version;
	const struct maker_file *root = maker_meta(&s->world.m, "root", version);
	struct maker_text t = { NULL, 0, 0 };
	uint8_t sha256[ROTA_SHA256_LEN];

	maker_sha256(root->bytes, sha256);
	maker_printf(&t, "{\"length\":%zu,\"sha256\":\"%s\",\"version\":%llu}", root->bytes.len,
		hex_of(sha256), (unsigned long long)version);
	return t.p;
}

void server_order(struct server *s, uint64_t from_s, const struct server_order *what)
{
	const struct world_image *image = order_image(s, what->version, what->counter);
	struct maker_text t = { NULL, 0, 0 };
	uint8_t sha256[ROTA_SHA256_LEN];

	if (s->orders == SERVER_ORDERS_MAX)
		abort();
	maker_sha256(image->bytes, sha256);
	maker_printf(&t,
		"{\"component\":\"app\",\"counter\":%u,\"digest\":\"%s\",\"length\":%zu,"
		"\"sha256\":\"%s\",\"version\":\"%u.0.0\"}",
		what->counter, hex_of(image->digest), image->bytes.len, hex_of(sha256),
		what->version);
	s->order[s->orders].order = order_make(&(struct order_plan){
		.epoch = what->epoch, .image = t.p, .root = what->root ? order_root(s) : NULL });
	s->order[s->orders++].from_s = from_s;
	if (what->broken)
		s->broken = image;
}

static enum rota_err newest_order(const struct server *s, uint64_t now_s, struct rota_span *out)
{
	for (int i = s->orders; i > 0; i--) {
		if (s->order[i - 1].from_s > now_s)
			continue;
		*out = s->order[i - 1].order;
		return ROTA_OK;
	}
	return ROTA_ERR_NOT_FOUND;
}

/* The image of that digest, or what comes of it. */
static enum rota_err give_image(
	const struct server *s, const uint8_t *wanted, struct rota_span *out)
{
	uint8_t sha256[ROTA_SHA256_LEN];

	for (int i = 0; i < s->world.image_count; i++) {
		const struct world_image *image = &s->world.image[i];

		maker_sha256(image->bytes, sha256);
		if (memcmp(sha256, wanted, sizeof(sha256)) != 0)
			continue;
		*out = rota_span(image->bytes.p,
			image == s->broken ? image->bytes.len / 2 : image->bytes.len);
		return ROTA_OK;
	}
	return ROTA_ERR_NOT_FOUND;
}

enum rota_err server_recovery(const struct server *s, uint64_t now_s,
	const struct rota_update_want *want, struct rota_span *out)
{
	struct maker_file *root;

	switch (want->part) {
	case ROTA_PACK_ORDER:
		return newest_order(s, now_s, out);
	case ROTA_PACK_RECORD:
		*out = s->record;
		return ROTA_OK;
	case ROTA_PACK_ROOT:
		root = maker_meta((struct maker *)(uintptr_t)&s->world.m, "root",
			s->world.m.role[MAKER_ROOT].version);
		return give(&root->bytes, out);
	case ROTA_PACK_IMAGE:
		break;
	}
	return give_image(s, want->sha256, out);
}

void server_tell_time(struct server *s)
{
	time_delegate(&s->world.m, WORLD_NOW);
	maker_next(&s->world.m, WORLD_NOW, MAKER_TARGETS, -1);
}

void server_ticket(struct server *s, uint64_t from_s, uint32_t seconds)
{
	s->ticket = time_ticket(TIME_KEY, s->rom.device_id, 1, seconds,
		rota_buf(maker_room(ROTA_TICKET_MAX), ROTA_TICKET_MAX));
	s->ticket_from_s = from_s;
}

void server_step(struct server *s, uint64_t from_s)
{
	const struct maker_file *timestamp = maker_meta(&s->world.m, "timestamp", 0);

	if (timestamp == NULL || s->steps == SERVER_STEPS_MAX)
		abort();
	s->step[s->steps].from_s = from_s;
	s->step[s->steps].timestamp = timestamp->bytes;
	s->step[s->steps++].root = s->world.m.role[MAKER_ROOT].version;
}

enum rota_err server_meta(
	const struct server *s, uint64_t now_s, const struct rota_want *want, struct rota_span *out)
{
	struct maker *m = (struct maker *)(uintptr_t)&s->world.m; /* only looked into */
	char role[ROTA_ROLE_NAME_MAX + 1];
	const struct maker_file *f;
	int at = s->steps - 1;

	while (at > 0 && s->step[at].from_s > now_s)
		at--;
	snprintf(role, sizeof(role), "%.*s", (int)want->role.len, (const char *)want->role.p);
	if (strcmp(role, "timestamp") == 0)
		return give(&s->step[at].timestamp, out);
	if (strcmp(role, "root") == 0 && want->version > s->step[at].root)
		return ROTA_ERR_NOT_FOUND;
	f = maker_meta(m, role, want->version);
	return f != NULL ? give(&f->bytes, out) : ROTA_ERR_NOT_FOUND;
}

enum rota_err server_target(
	const struct server *s, const struct rota_update_want *want, struct rota_span *out)
{
	struct maker *m = (struct maker *)(uintptr_t)&s->world.m;
	char path[256];
	const struct maker_file *f;

	snprintf(path, sizeof(path), "%.*s", (int)want->path.len, (const char *)want->path.p);
	f = maker_target_file(m, path, want->sha256);
	return f != NULL ? give(&f->bytes, out) : ROTA_ERR_NOT_FOUND;
}

const struct world_image *server_image(
	const struct server *s, const uint8_t digest[static ROTA_SHA256_LEN])
{
	for (int i = 0; i < s->world.image_count; i++) {
		if (memcmp(s->world.image[i].digest, digest, ROTA_SHA256_LEN) == 0)
			return &s->world.image[i];
	}
	return NULL;
}

/* Where an image's header (SPEC 6.1) has the length of its payload, and its version. */
#define PAYLOAD_LEN_AT 12
#define VERSION_AT 20

struct rota_span server_payload(const struct world_image *image)
{
	struct rota_reader r = rota_reader(rota_span(image->bytes.p + PAYLOAD_LEN_AT, 4));

	return rota_span(image->bytes.p + ROTA_IMAGE_HEADER_LEN, rota_read_le32(&r));
}

uint64_t server_version(const struct world_image *image)
{
	struct rota_reader r = rota_reader(rota_span(image->bytes.p + VERSION_AT, 8));
	uint64_t major = rota_read_u8(&r), minor = rota_read_u8(&r), revision = rota_read_le16(&r);

	return major << 56 | minor << 48 | revision << 32 | rota_read_le32(&r);
}
