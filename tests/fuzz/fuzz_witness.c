/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to a witness, by the first byte one that has cosigned nothing or six entries. What it says yes to stands in its
 * state, and it says so again. */
#include "host/log/cosigner.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The log whose requests are in the corpus, and what was cosigned of it. */
#define LOG                                                                                        \
	"sensor.rota.invalid/"                                                                     \
	"log+99afc6d5+"                                                                            \
	"AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGW2RzljCUO7YmaA6DbZ4mXsRrBOL9xWbAUtSLdXBgjsdZ58eEwf" \
	"ImWIYthBAIus2BvTlPP09Mm4LrPETMCDm1U="
#define SIX                                                                                        \
	"sensor.rota.invalid/log 6 "                                                               \
	"0e29501a85789d6c42fcf0ba4cebb9b02f4944da5eb5e5e3b64825b05b252e5c\n"

static struct rota_log_policy logs = { .count = 1, .logs = 1 };

static enum rota_err sign(void *ctx, const uint8_t digest[static ROTA_SHA256_LEN],
	uint8_t sig[static ROTA_P256_SIG_LEN], struct rota_fail *why)
{
	(void)ctx;
	(void)why;
	memcpy(sig, digest, ROTA_SHA256_LEN);
	memcpy(sig + ROTA_SHA256_LEN, digest, ROTA_SHA256_LEN);
	return ROTA_OK;
}

static enum rota_cosigner_status ask(const struct rota_cosigner_config *config,
	struct rota_span request, struct rota_bytes *answer)
{
	enum rota_cosigner_status status;
	struct rota_cosigner *c;
	struct rota_fail why;
	bool alarm;

	if (rota_cosigner_open(config, &c, &why) != ROTA_OK)
		abort();
	status = rota_cosigner_add(c, request, 1800000000, answer, &alarm, &why);
	rota_cosigner_close(c);
	if (status == ROTA_COSIGNER_FAILED || (alarm && status == ROTA_COSIGNER_OK))
		abort();
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_span all = rota_span(data, len);
	struct rota_cosigner_config config = { .crypto = &rota_crypto_openssl,
		.logs = &logs,
		.own = { .kind = ROTA_NOTE_WITNESS_P256, .name = ROTA_STR("w") },
		.sign = sign };
	struct rota_bytes first = { 0 }, second = { 0 };
	struct rota_fail why;
	char state[64];
	FILE *f;

	snprintf(state, sizeof(state), "/dev/shm/fuzz-witness-%ld", (long)getpid());
	config.state = state;
	if (rota_vkey_read(&rota_crypto_openssl, ROTA_STR(LOG), &logs.key[0], &why) != ROTA_OK)
		abort();
	logs.note[0] = rota_vkey_note(&logs.key[0]);
	f = len > 0 && data[0] & 1 ? fopen(state, "w") : NULL;
	if (f && (fputs(SIX, f) < 0 || fclose(f) != 0))
		abort();
	if (ask(&config, rota_span_skip(all, 1), &first) == ROTA_COSIGNER_OK &&
		ask(&config, rota_span_skip(all, 1), &second) != ROTA_COSIGNER_CONFLICT &&
		!rota_span_eq(rota_bytes_span(&first), rota_bytes_span(&second)))
		abort();
	unlink(state);
	rota_bytes_free(&first);
	rota_bytes_free(&second);
	return 0;
}
