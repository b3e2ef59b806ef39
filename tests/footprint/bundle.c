/* SPDX-License-Identifier: Apache-2.0 */
/* How much stack it takes to open a message that was sealed to a device (SPEC 31.1), on a Cortex-M3 in QEMU, with the
 * multiplication of a point and without it: a device whose root of trust is hardware has it multiplied there. The
 * message is that of RFC 9180, A.3.2, so that what is measured is seen to work. */
#include "boards/cortexm/stack.h"
#include "ports/crypto_bearssl/crypto_bearssl.h"
#include "ports/crypto_bearssl/secret.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"
#include "rota/crypto/hpke.h"

#include <stdio.h>

#define TEXT_LEN 29

static uint8_t enc[ROTA_HPKE_ENC_LEN], secret[ROTA_P256_SECRET_LEN], point[ROTA_P256_KEY_LEN];
static uint8_t psk[32], psk_id[22], info[20], aad[7], data[TEXT_LEN], tag[ROTA_AEAD_TAG_LEN];
static uint8_t agreed[ROTA_P256_DH_LEN];
static struct rota_p256_bearssl p256; /* opens without randomness */

static const struct {
	const char *hex;
	struct rota_buf room;
} vector[] = {
	{ "04305d35563527bce037773d79a13deabed0e8e7cde61eecee403496959e89e4d0ca701726696d1485137ccb"
	  "5341b3c1c7aaee90a4a02449725e744b1193b53b5f",
		{ enc, sizeof(enc) } },
	{ "438d8bcef33b89e0e9ae5eb0957c353c25a94584b0dd59c991372a75b43cb661",
		{ secret, sizeof(secret) } },
	{ "040d97419ae99f13007a93996648b2674e5260a8ebd2b822e84899cd52d87446ea394ca76223b76639eccdf0"
	  "0e1967db10ade37db4e7db476261fcc8df97c5ffd1",
		{ point, sizeof(point) } },
	{ "0247fd33b913760fa1fa51e1892d9f307fbe65eb171e8132c2af18555a738b82",
		{ psk, sizeof(psk) } },
	{ "456e6e796e20447572696e206172616e204d6f726961", { psk_id, sizeof(psk_id) } },
	{ "4f6465206f6e2061204772656369616e2055726e", { info, sizeof(info) } },
	{ "436f756e742d30", { aad, sizeof(aad) } },
	{ "90c4deb5b75318530194e4bb62f890b019b1397bbf9d0d6eb918890e1f", { data, sizeof(data) } },
	{ "b2be1ac2603193b60a49c2126b75d0eb", { tag, sizeof(tag) } },
};

/* ---- who holds the private key ---- */

static enum rota_err multiply(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t dh[static ROTA_P256_DH_LEN])
{
	(void)ctx;
	return p256.port.agree(p256.port.ctx, secret, peer, dh);
}

static enum rota_err remember(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t dh[static ROTA_P256_DH_LEN])
{
	(void)ctx;
	(void)peer;
	memcpy(dh, agreed, sizeof(agreed));
	return ROTA_OK;
}

/* ---- measuring ---- */

static int failed;

static void took(const char *name, enum rota_err err)
{
	printf("%s %u\n", name, (unsigned)stack_used());
	failed |= err != ROTA_OK;
}

static enum rota_err open_by(enum rota_err (*dh)(void *ctx,
	const uint8_t peer[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN]))
{
	const struct rota_hpke hpke = { &rota_crypto_bearssl, &rota_aead_bearssl };
	const struct rota_agreement own = { .point = point, .dh = dh };
	const struct rota_hpke_psk known = { ROTA_SPAN(psk), ROTA_SPAN(psk_id) };
	const struct rota_hpke_text text = { ROTA_SPAN(info), ROTA_SPAN(aad) };
	uint8_t opened[TEXT_LEN];

	memcpy(opened, data, sizeof(opened));
	return rota_hpke_open(&hpke, &own, enc, &known, &text, ROTA_BUF(opened), tag);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++)
		failed |= rota_hex_decode(rota_span_cstr(vector[i].hex), vector[i].room) != ROTA_OK;
	rota_p256_bearssl_init(&p256, NULL);
	stack_paint();
	took("stack_ecdh", multiply(NULL, enc, agreed));
	stack_paint();
	took("stack_open", open_by(remember));
	stack_paint();
	took("stack_open_ecdh", open_by(multiply));
	return failed;
}
