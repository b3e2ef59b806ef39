/* SPDX-License-Identifier: Apache-2.0 */
/* What a session may hold, and where in its workspace. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

/* keys: the 16 of SPEC 3.2 in one file, and two while they are replaced; pending_len: a bin of SPEC 3.2 is
 * "retirements-3fff"; names_len: a path of 128; text_len: a P-256 key as PEM is 178; hold_len: that and two names of
 * algorithms. */
#define LIMITS_M3                                                                                  \
	.schemes = rota_schemes_p256, .keys = 18, .key_len = ROTA_P256_KEY_LEN, .sigs = 4,         \
	.sig_len = ROTA_P256_SIG_LEN, .pending_len = ROTA_PENDING_LEN(4, 3, 19), .visited = 8,     \
	.names_len = 192, .text_len = 184, .hold_len = 216, .components = 2, ROTA_LIMITS_USUAL

const struct rota_limits rota_limits_m3 = { LIMITS_M3 };
const struct rota_limits rota_limits_m3_plain = { LIMITS_M3, .listed = 21 };

const struct rota_limits rota_limits_linux = {
	.schemes = rota_schemes_all,
	.keys = 1024,
	.key_len = 550, /* RSA-4096 as DER RSAPublicKey: 526 */
	.sigs = 64,
	.sig_len = 512,
	.pending_len = ROTA_PENDING_LEN(240, 64, ROTA_ROLE_NAME_MAX),
	.visited = 1024,
	.names_len = 4096,
	.text_len = 2048,
	.hold_len = 2048 + 2 * ROTA_TUF_KEYTYPE_MAX,
	.streams = &rota_sigs_streamed,
	.listed =
		65536 + 16, /* hashed bins of the largest repositories, and the roles above them */
	.components = 8,
	ROTA_LIMITS_USUAL,
};

/* What lies in the workspace, one behind the other: where its address goes, and its length as a product. */
struct part {
	uint8_t at; /* in struct rota_session_arrays */
	uint8_t count, each; /* members of struct rota_limits; each 0: 1 */
	uint8_t size;
};

#define PART(at, count, each, type)                                                                \
	{                                                                                          \
		offsetof(struct rota_session_arrays, at), offsetof(struct rota_limits, count),     \
			each, sizeof(type)                                                         \
	}
#define EACH(limit) offsetof(struct rota_limits, limit)

static const struct part parts[] = {
	PART(keys.key, keys, 0, struct rota_key),
	PART(sigs.sig, sigs, 0, struct rota_sig),
	PART(pending, pending_len, 0, uint8_t),
	PART(visited, visited, 0, uint8_t[ROTA_FLOOR_TAG_LEN]),
	PART(keys.raw, keys, EACH(key_len), uint8_t),
	PART(sigs.raw, sigs, EACH(sig_len), uint8_t),
	PART(text.json.names.p, names_len, 0, uint8_t),
	PART(text.json.value.p, text_len, 0, uint8_t),
	PART(text.hold.p, hold_len, 0, uint8_t),
};

#define ALIGN sizeof(uint64_t)

static uintptr_t aligned(uintptr_t at)
{
	return (at + ALIGN - 1) / ALIGN * ALIGN;
}

static size_t limit_of(const struct rota_limits *l, size_t offset)
{
	return *(const uint16_t *)(const void *)((const uint8_t *)l + offset);
}

/* Any of the pointers in struct rota_session_arrays. */
typedef void *__attribute__((may_alias)) any_pointer;

uintptr_t rota_session_lay_out(
	struct rota_session_arrays *r, const struct rota_limits *l, uintptr_t at)
{
	for (const struct part *p = parts; p < parts + sizeof(parts) / sizeof(parts[0]); p++) {
		size_t len = p->size * limit_of(l, p->count);

		at = aligned(at);
		*(any_pointer *)(void *)((uint8_t *)r + p->at) = (void *)at;
		at += p->each != 0 ? len * limit_of(l, p->each) : len;
	}
	at = aligned(at);
	r->listed = (struct rota_listed *)at;
	at += l->listed * sizeof(struct rota_listed);
	r->sigs.verify = (struct rota_verify *)at;
	if (l->streams != NULL)
		at += l->sigs * l->streams->room;
	return at;
}

size_t rota_session_room(const struct rota_limits *limits)
{
	struct rota_session_arrays r;

	return rota_session_lay_out(&r, limits, 0) + ALIGN -
		1; /* what aligning the workspace may cost */
}
