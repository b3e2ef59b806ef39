/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/rot_backends.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "ports/flash_sim/flash_sim.h"
#include "ports/pkcs11/rot_pkcs11.h"
#include "ports/posix/posix.h"
#include "ports/rot_soft/rot_soft.h"
#include "ports/tpm2/rot_tpm.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/swtpm.h"
#include "tests/unit/tempdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct rota_rot *rot_begin_soft(void)
{
	static const struct rota_flash_sim_chip chip = {
		.runs = { { 1024, 2 } },
		.write_len = 8,
		.erased = 0xFF,
		.once = true,
		.ecc = true,
		.erase_steps = 4,
	};
	static struct rota_sim_supply supply;
	static struct rota_flash_sim sim;
	static struct rota_flash_sim_region page;
	static struct rota_rot_soft soft;
	const struct rota_rot_soft_parts parts = {
		.page = &page.port,
		.p256 = &rota_p256_openssl,
		.aead = &rota_aead_openssl,
		.random = &rota_random_posix,
	};

	rota_flash_sim_free(&sim);
	rota_sim_supply_init(&supply, 1);
	if (rota_flash_sim_init(&sim, &chip, &supply) != ROTA_OK ||
		rota_flash_sim_region(&page, &sim, 0, 1024, 2) != ROTA_OK)
		return NULL;
	rota_rot_soft_init(&soft, &parts);
	return &soft.port;
}

/* ---- a token ---- */

static struct rota_rot_pkcs11 token_rot;
static bool token_open;

static void end_token(void)
{
	if (token_open)
		rota_rot_pkcs11_close(&token_rot);
	token_open = false;
}

/* An empty token of SoftHSM; with a mood behind p11shim.c. */
static const struct rota_rot *begin_pkcs11(const char *mood, const struct rota_rot *wraps)
{
	static char environment[1000];
	const char *dir = tempdir_fresh();
	const struct rota_pkcs11_token token = {
		.name = "device",
		.dir = dir,
		.module = mood ? P11SHIM : softhsm_module(),
		.label = "t",
		.pin_file = "pin",
		.environment = environment,
	};
	const struct rota_rot_pkcs11_parts parts = {
		.token = &token,
		.p256 = &rota_p256_openssl,
		.random = &rota_random_posix,
		.wraps = wraps,
	};
	struct rota_fail why;

	snprintf(environment, sizeof(environment),
		"SOFTHSM2_CONF=%s/softhsm2.conf P11SHIM_DIR=%s P11SHIM_MODULE=%s", dir, dir,
		softhsm_module());
	softhsm_store("store", "7301-pin-of-a-test\n");
	if (rota_pkcs11_create(&token, "so-pin", NULL, 0, &why) == ROTA_OK) {
		if (mood)
			tempdir_put("mood", mood);
		token_open = rota_rot_pkcs11_open(&token_rot, &parts, &why) == ROTA_OK;
	}
	if (!token_open)
		printf("%s\n", why.text);
	return token_open ? &token_rot.port : NULL;
}

const struct rota_rot *rot_begin_pkcs11_mood(const char *mood, const struct rota_rot *wraps)
{
	static bool known;

	if (!known)
		atexit(end_token);
	known = true;
	end_token();
	return begin_pkcs11(mood, wraps);
}

const struct rota_rot *rot_begin_pkcs11(void)
{
	return rot_begin_pkcs11_mood(NULL, NULL);
}

/* ---- a TPM ---- */

static const char *tcti;
static uint8_t root_name[ROTA_ROM_ROOT_NAME_LEN];

const char *rot_tcti(void)
{
	return tcti;
}

const uint8_t *rot_root_name(void)
{
	return root_name;
}

const struct rota_rot *rot_open_tpm(const char *way, const uint8_t *name)
{
	static struct rota_rot_tpm tpm;
	static char kept_way[300], dir[200];
	struct rota_rot_tpm_parts parts = {
		.tcti = kept_way,
		.dir = dir,
		.root_name = rota_span(name, ROTA_ROM_ROOT_NAME_LEN),
		.crypto = &rota_crypto_openssl,
		.aead = &rota_aead_openssl,
		.random = &rota_random_posix,
	};

	strncpy(kept_way, way, sizeof(kept_way) - 1);
	strncpy(dir, tempdir_path("."), sizeof(dir) - 1);
	return rota_rot_tpm_init(&tpm, &parts) == ROTA_OK ? &tpm.port : NULL;
}

bool rot_begin_blank_tpm(void)
{
	tcti = swtpm_start(tempdir_fresh());
	return tcti != NULL;
}

const struct rota_rot *rot_begin_tpm(void)
{
	if (!rot_begin_blank_tpm() ||
		rota_rot_tpm_make_root(tcti, &rota_crypto_openssl, root_name) != ROTA_OK)
		return NULL;
	return rot_open_tpm(tcti, root_name);
}
