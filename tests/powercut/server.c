/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/powercut/server.h"
#include "rota/base/reader.h"
#include "tests/powercut/chance.h"
#include "tests/unit/image_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	s->factory[0] = &s->world.image[0];
	s->factory[1] = world_second_make(&s->world);
	server_step(s, WORLD_NOW);
}

void server_retire(struct server *s, unsigned counter)
{
	struct maker *m = &s->world.m;
	uint64_t now_s = m->role[MAKER_TIMESTAMP].issued_s;
	struct maker_text t = { NULL, 0, 0 };
	int role = maker_delegate(
		m, MAKER_TARGETS, "retirements", "retirements/*", true, KEY_OTHER, now_s);

	maker_printf(&t,
		"{\"_type\":\"retirements\",\"cas\":[],\"counter_floor\":[{\"counter\":%u,"
		"\"hardware\":\"demo-1\"}],\"format\":1,\"key_floor\":0,\"keys\":[],"
		"\"product\":\"sensor\",\"sequence\":1}",
		counter);
	maker_target(m, role, "retirements/sensor.json", maker_text_bytes(&t));
	maker_next(m, now_s, MAKER_TARGETS, role);
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

static enum rota_err give(const struct maker_bytes *bytes, struct rota_span *out)
{
	*out = rota_span(bytes->p, bytes->len);
	return ROTA_OK;
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
