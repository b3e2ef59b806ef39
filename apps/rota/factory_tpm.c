/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/factory_tpm.h"
#include "ports/tpm2/counter_tpm.h"
#include "rota/base/hex.h"

#include <stdio.h>
#include <string.h>

#define UNKNOWN "unknown"

static uint32_t index_of(unsigned id)
{
	return ROTA_COUNTER_TPM_INDEX + id;
}

static enum rota_err trouble(
	const struct factory_tpm *t, unsigned id, enum rota_err err, struct rota_fail *why)
{
	const char *text = "the TPM does not answer";

	if (err == ROTA_ERR_CORRUPT)
		text = "something else is there; undefine it";
	else if (err == ROTA_ERR_DENIED)
		text = "the owner's hierarchy has a password; clear the TPM";
	else if (err == ROTA_ERR_FULL)
		text = "the TPM has no room";
	return rota_fail(why, err, "--tpm %s: no counter at NV index 0x%08x: %s", t->tcti,
		index_of(id), text);
}

static enum rota_err refuse(const struct factory_tpm *t, unsigned id, struct rota_fail *why)
{
	char who[ROTA_ENROL_WHO_MAX];

	rota_enrol_who(t->dir, t->replaces, who);
	return rota_fail(why, ROTA_ERR_STATE,
		"--tpm %s: the counter at NV index 0x%08x is that of device %s (%s), which would "
		"be ended; name another TPM, or say --take-over where that device is gone",
		t->tcti, index_of(id), t->replaces, who);
}

/* Whose counters lie there. */
static enum rota_err look(struct factory_tpm *t, unsigned id, struct rota_fail *why)
{
	static const uint8_t nobody[ROTA_COUNTER_TPM_DEVICE_LEN];
	uint8_t device[ROTA_COUNTER_TPM_DEVICE_LEN];
	enum rota_err err = rota_counter_tpm_device(t->tcti, index_of(id), device);

	if (err == ROTA_ERR_NOT_FOUND)
		return ROTA_OK;
	if (err != ROTA_OK)
		return trouble(t, id, err, why);
	if (memcmp(device, nobody, sizeof(device)) == 0)
		snprintf(t->replaces, sizeof(t->replaces), UNKNOWN);
	else
		rota_hex(ROTA_SPAN(device), t->replaces);
	return t->take_over ? ROTA_OK : refuse(t, id, why);
}

static enum rota_err make(struct factory_tpm *t, unsigned id,
	const uint8_t device[static ROTA_COUNTER_TPM_DEVICE_LEN], struct rota_rom_counter *place,
	struct rota_fail *why)
{
	enum rota_err err = rota_counter_tpm_remove(t->tcti, index_of(id));

	place->index = index_of(id);
	if (err == ROTA_OK || err == ROTA_ERR_NOT_FOUND)
		err = rota_counter_tpm_make(t->tcti, device, place);
	if (err != ROTA_OK)
		return trouble(t, id, err, why);
	t->made = id + 1;
	return ROTA_OK;
}

enum rota_err factory_tpm_make(void *ctx, struct rota_rom *rom, struct rota_fail *why)
{
	struct factory_tpm *t = ctx;
	uint8_t device[ROTA_COUNTER_TPM_DEVICE_LEN];
	enum rota_err err = ROTA_OK;

	ROTA_TRY(rota_hex_decode(rom->device_id, ROTA_BUF(device)));
	for (unsigned id = 0; id < ROTA_COUNTER_COUNT; id++)
		ROTA_TRY(look(t, id, why));
	for (unsigned id = 0; id < ROTA_COUNTER_COUNT && err == ROTA_OK; id++)
		err = make(t, id, device, &rom->nv[id], why);
	rom->nv_have = (1u << ROTA_COUNTER_COUNT) - 1;
	return err;
}

void factory_tpm_undo(struct factory_tpm *t)
{
	enum rota_err err = ROTA_OK;

	/* What stays where that fails is said to the next enrolment. */
	for (unsigned id = 0; id < t->made && err == ROTA_OK; id++)
		err = rota_counter_tpm_remove(t->tcti, index_of(id));
	t->made = 0;
}
