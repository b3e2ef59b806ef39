/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/time_maker.h"
#include "rota/base/writer.h"
#include "rota/port/crypto.h"

#include <openssl/ecdsa.h>
#include <stdlib.h>

#define WEEK_S (7 * UINT64_C(86400))
#define NONCE_LEN 16

void time_delegate(struct maker *m, uint64_t now_s)
{
	int role = maker_delegate(m, MAKER_TARGETS, "time", "time/*", true, TIME_KEY, now_s);

	m->role[role].expires_s = now_s + WEEK_S;
}

static void put_raw_signature(struct rota_writer *w, struct maker_bytes der)
{
	const uint8_t *at = der.p;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
	uint8_t raw[ROTA_P256_SIG_LEN];

	if (sig == NULL || BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) != 32 ||
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) != 32)
		abort();
	ECDSA_SIG_free(sig);
	rota_write_le16(w, ROTA_P256_SIG_LEN);
	rota_write_span(w, ROTA_SPAN(raw));
}

/* Who signed `m`, and the signature, behind what `a` has; all of it. */
static struct rota_span signed_by(int key, struct rota_writer *m, struct rota_writer *a)
{
	struct rota_span message = rota_writer_span(m), all;
	struct maker_bytes spki = maker_spki(key);

	rota_write_u8(a, ROTA_ALG_ECDSA_P256);
	rota_write_le16(a, ROTA_P256_KEY_LEN);
	rota_write_span(a, rota_span(spki.p + spki.len - ROTA_P256_KEY_LEN, ROTA_P256_KEY_LEN));
	put_raw_signature(a,
		maker_sign(
			key, (struct maker_bytes){ (uint8_t *)(uintptr_t)message.p, message.len }));
	if (rota_writer_end(a, &all) != ROTA_OK)
		abort();
	return all;
}

struct rota_span time_ticket(
	int key, struct rota_span id, uint32_t number, uint32_t seconds, struct rota_buf room)
{
	uint8_t message[128];
	struct rota_writer m = rota_writer(ROTA_BUF(message)), a = rota_writer(room);

	rota_write_span(&m, ROTA_STR("rota-ticket-v1"));
	rota_write_span(&m, id);
	rota_write_le32(&m, number);
	rota_write_le32(&m, seconds);
	rota_write_span(&a, ROTA_STR("ROTATKT\1"));
	rota_write_le32(&a, number);
	rota_write_le32(&a, seconds);
	return signed_by(key, &m, &a);
}

struct rota_span time_answer(
	int key, uint64_t now_s, struct rota_span id, const uint8_t *nonce, struct rota_buf room)
{
	uint8_t message[128];
	struct rota_writer m = rota_writer(ROTA_BUF(message)), a = rota_writer(room);

	rota_write_span(&m, ROTA_STR("rota-time-v1"));
	rota_write_span(&m, rota_span(nonce, NONCE_LEN));
	rota_write_span(&m, id);
	rota_write_le64(&m, now_s);
	rota_write_le64(&a, now_s);
	return signed_by(key, &m, &a);
}
