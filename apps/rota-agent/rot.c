/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/rot.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "ports/posix/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct rota_flash_geometry page_geometry = {
	.run = { { .sector_len = 4096, .count = 2 } },
	.write_len = 16,
};

static const char *const kinds[] = {
	[ROTA_ROT_NONE] = "none",
	[ROTA_ROT_TPM] = "tpm",
	[ROTA_ROT_PKCS11] = "pkcs11",
	[ROTA_ROT_SOFT] = "soft",
};

const char *agent_rot_kind(enum rota_rot_kind kind)
{
	return (size_t)kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[kind] : "?";
}

const char *agent_rot_warning(const struct agent_rot *r)
{
	if (r->port == NULL || r->kind != ROTA_ROT_SOFT)
		return NULL;
	return "the root of trust is soft: its keys lie in the clear in a file, and whoever puts "
	       "an "
	       "older one back has again what was destroyed; it is for simulation";
}

/* ---- by kind ---- */

static enum rota_err open_tpm(struct agent_rot *r, const struct agent_config *c,
	struct rota_span name, struct rota_fail *why)
{
	const struct rota_rot_tpm_parts parts = {
		.tcti = c->tpm ? c->tpm : AGENT_TPM_USUAL,
		.dir = c->state,
		.root_name = ROTA_SPAN(r->name),
		.crypto = &rota_crypto_openssl,
		.aead = &rota_aead_openssl,
		.random = &rota_random_posix,
	};
	enum rota_err err;

	if (name.len != sizeof(r->name))
		return rota_fail(why, ROTA_ERR_FORMAT, "%s names no storage root of a TPM", c->rom);
	memcpy(r->name, name.p, sizeof(r->name));
	err = rota_rot_tpm_init(&r->tpm, &parts);
	if (err != ROTA_OK)
		return rota_fail(
			why, err, "%s: the storage root of the TPM: %s", c->rom, rota_err_str(err));
	r->port = &r->tpm.port;
	return ROTA_OK;
}

static enum rota_err open_token(
	struct agent_rot *r, const struct agent_config *c, struct rota_fail *why)
{
	const struct rota_pkcs11_token token = {
		.name = c->token.label,
		.dir = c->state,
		.module = c->token.module,
		.label = c->token.label,
		.pin_file = c->token.pin_file,
		.environment = c->token.environment,
	};
	const struct rota_rot_pkcs11_parts parts = {
		.token = &token, .p256 = &rota_p256_openssl, .random = &rota_random_posix
	};

	if (!c->token.module || !c->token.label || !c->token.pin_file)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"%s: [root_of_trust] needs module, token and pin_file for a token",
			c->ini.path);
	ROTA_TRY(rota_rot_pkcs11_open(&r->token, &parts, why));
	r->port = &r->token.port;
	return ROTA_OK;
}

static enum rota_err open_page(
	struct agent_rot *r, const struct agent_config *c, bool make, struct rota_fail *why)
{
	int dir = open(c->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum rota_err err;

	r->page.fd = -1;
	if (dir < 0)
		return rota_fail_errno(why, errno, "cannot open %s", c->state);
	err = make ? rota_flash_file_create(dir, AGENT_ROT_PAGE, &page_geometry) : ROTA_OK;
	if (err == ROTA_ERR_BUSY)
		err = ROTA_OK;
	if (err == ROTA_OK && make && fsync(dir) != 0)
		err = ROTA_ERR_IO;
	if (err == ROTA_OK)
		err = rota_flash_file_open(&r->page, dir, AGENT_ROT_PAGE, &page_geometry);
	close(dir);
	if (err == ROTA_OK)
		return ROTA_OK;
	r->page.fd = -1;
	return rota_fail(
		why, err, "%s/" AGENT_ROT_PAGE " cannot be used: %s", c->state, rota_err_str(err));
}

static enum rota_err open_soft(
	struct agent_rot *r, const struct agent_config *c, bool make, struct rota_fail *why)
{
	const struct rota_rot_soft_parts parts = {
		.page = &r->page.port,
		.p256 = &rota_p256_openssl,
		.aead = &rota_aead_openssl,
		.random = &rota_random_posix,
	};

	ROTA_TRY(open_page(r, c, make, why));
	rota_rot_soft_init(&r->soft, &parts);
	r->port = &r->soft.port;
	return ROTA_OK;
}

/* ---- the whole ---- */

static enum rota_err open_kind(struct agent_rot *r, const struct agent_config *c, bool make,
	struct rota_span name, struct rota_fail *why)
{
	switch (r->kind) {
	case ROTA_ROT_TPM:
		return open_tpm(r, c, name, why);
	case ROTA_ROT_PKCS11:
		return open_token(r, c, why);
	case ROTA_ROT_SOFT:
		return open_soft(r, c, make, why);
	case ROTA_ROT_NONE:
	default:
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"%s names no root of trust: the factory makes it, see rota-agent factory",
			c->rom);
	}
}

enum rota_err agent_rot_open(struct agent_rot *r, const struct agent_config *config,
	enum rota_rot_kind kind, struct rota_span name, struct rota_fail *why)
{
	*r = (struct agent_rot){ .kind = kind, .page.fd = -1 };
	if (config->rot != ROTA_ROT_NONE && config->rot != kind)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"%s line %u: [root_of_trust] kind = %s, but %s says %s", config->ini.path,
			rota_ini_line(&config->ini, "root_of_trust", "kind"),
			agent_rot_kind(config->rot), config->rom, agent_rot_kind(kind));
	return open_kind(r, config, false, name, why);
}

enum rota_err agent_rot_make(
	struct agent_rot *r, const struct agent_config *config, struct rota_fail *why)
{
	uint8_t name[ROTA_ROM_ROOT_NAME_LEN] = { 0 };
	enum rota_err err;

	*r = (struct agent_rot){ .kind = config->rot, .page.fd = -1 };
	if (config->rot == ROTA_ROT_NONE)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"%s: [root_of_trust] lacks 'kind = tpm', pkcs11 or soft", config->ini.path);
	if (config->rot == ROTA_ROT_TPM) {
		const char *tcti = config->tpm ? config->tpm : AGENT_TPM_USUAL;

		err = rota_rot_tpm_make_root(tcti, &rota_crypto_openssl, name);
		if (err != ROTA_OK)
			return rota_fail(why, err, "the TPM at %s makes no storage root: %s", tcti,
				rota_err_str(err));
	}
	return open_kind(r, config, true, ROTA_SPAN(name), why);
}

void agent_rot_close(struct agent_rot *r)
{
	if (r->port != NULL && r->kind == ROTA_ROT_PKCS11)
		rota_rot_pkcs11_close(&r->token);
	if (r->port != NULL && r->kind == ROTA_ROT_SOFT)
		rota_flash_file_close(&r->page);
	r->port = NULL;
}
