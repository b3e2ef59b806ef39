/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/tpm2/counter_tpm.h"

#include <string.h>

/* What the factory asks for, and what must still be so; WRITTEN is set by the first increment. */
#define KIND                                                                                       \
	((TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT) | TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE |       \
		TPMA_NV_OWNERREAD | TPMA_NV_NO_DA)
#define LEN 8 /* of an NV counter, always */

/* ---- one index ---- */

/* Whether what lies at `nv` is a counter as the factory made it. */
static enum rota_err check_kind(const struct rota_tpm2 *tpm, ESYS_TR nv)
{
	TPM2B_NV_PUBLIC *public = NULL;
	TPMA_NV attributes;

	ROTA_TRY(rota_tpm2_err(Esys_NV_ReadPublic(
		tpm->esys, nv, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL)));
	attributes = public->nvPublic.attributes & ~(TPMA_NV)TPMA_NV_WRITTEN;
	Esys_Free(public);
	return attributes == KIND ? ROTA_OK : ROTA_ERR_CORRUPT;
}

/* ROTA_ERR_CORRUPT: there is nothing at this index, or something else. */
static enum rota_err find(const struct rota_tpm2 *tpm, uint32_t index, ESYS_TR *nv)
{
	ROTA_TRY(rota_tpm2_err(Esys_TR_FromTPMPublic(
		tpm->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nv)));
	return check_kind(tpm, *nv);
}

static enum rota_err read_raw(const struct rota_tpm2 *tpm, ESYS_TR nv, uint64_t *value)
{
	TPM2B_MAX_NV_BUFFER *data = NULL;

	ROTA_TRY(rota_tpm2_err(Esys_NV_Read(
		tpm->esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, LEN, 0, &data)));
	*value = 0;
	for (int i = 0; i < LEN && i < data->size; i++)
		*value = *value << 8 | data->buffer[i];
	Esys_Free(data);
	return ROTA_OK;
}

static enum rota_err increment(const struct rota_tpm2 *tpm, ESYS_TR nv)
{
	return rota_tpm2_err(
		Esys_NV_Increment(tpm->esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE));
}

/* ---- the port ---- */

static enum rota_err number(uint64_t raw, uint64_t base, uint32_t *value)
{
	if (raw < base || raw - base > UINT32_MAX)
		return ROTA_ERR_CORRUPT;
	*value = (uint32_t)(raw - base);
	return ROTA_OK;
}

static enum rota_err show(const struct rota_tpm2 *tpm, ESYS_TR nv, uint64_t base, uint32_t *value)
{
	uint64_t raw;

	ROTA_TRY(read_raw(tpm, nv, &raw));
	return number(raw, base, value);
}

static enum rota_err with_tpm(const struct rota_counter_tpm *c, enum rota_counter_id id,
	enum rota_err (*act)(
		const struct rota_tpm2 *tpm, const struct rota_rom_counter *place, uint32_t *value),
	uint32_t *value)
{
	struct rota_tpm2 tpm;
	enum rota_err err;

	if (!rota_counter_has(&c->port, id))
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(rota_tpm2_open(&tpm, c->tcti));
	err = act(&tpm, &c->place[id], value);
	rota_tpm2_close(&tpm);
	return err;
}

static enum rota_err read_open(
	const struct rota_tpm2 *tpm, const struct rota_rom_counter *place, uint32_t *value)
{
	ESYS_TR nv;

	ROTA_TRY(find(tpm, place->index, &nv));
	return show(tpm, nv, place->base, value);
}

static enum rota_err read_one(void *ctx, enum rota_counter_id id, uint32_t *value)
{
	return with_tpm(ctx, id, read_open, value);
}

static enum rota_err advance_open(
	const struct rota_tpm2 *tpm, const struct rota_rom_counter *place, uint32_t *to)
{
	uint32_t value;
	ESYS_TR nv;

	ROTA_TRY(find(tpm, place->index, &nv));
	ROTA_TRY(show(tpm, nv, place->base, &value));
	for (; value < *to; value++)
		ROTA_TRY(increment(tpm, nv));
	ROTA_TRY(show(tpm, nv, place->base, &value)); /* this counts, not what was answered */
	return value >= *to ? ROTA_OK : ROTA_ERR_IO;
}

static enum rota_err advance(void *ctx, enum rota_counter_id id, uint32_t to)
{
	return with_tpm(ctx, id, advance_open, &to);
}

void rota_counter_tpm_init(struct rota_counter_tpm *c, const char *tcti, const struct rota_rom *rom)
{
	*c = (struct rota_counter_tpm){
		.port = { .ctx = c, .have = rom->nv_have, .read = read_one, .advance = advance },
		.tcti = tcti,
	};
	for (unsigned i = 0; i < ROTA_COUNTER_COUNT; i++) {
		c->place[i] = rom->nv[i];
		c->port.last[i] = UINT32_MAX;
	}
}

/* ---- the factory ---- */

static enum rota_err define(const struct rota_tpm2 *tpm, uint32_t index,
	const uint8_t device[static ROTA_COUNTER_TPM_DEVICE_LEN], ESYS_TR *nv)
{
	const TPM2B_AUTH none = { 0 };
	TPM2B_NV_PUBLIC public = {
		.nvPublic = {
			.nvIndex = index,
			.nameAlg = TPM2_ALG_SHA256,
			.attributes = KIND,
			.authPolicy = { .size = ROTA_COUNTER_TPM_DEVICE_LEN },
			.dataSize = LEN,
		},
	};

	memcpy(public.nvPublic.authPolicy.buffer, device, ROTA_COUNTER_TPM_DEVICE_LEN);
	return rota_tpm2_err(Esys_NV_DefineSpace(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
		ESYS_TR_NONE, ESYS_TR_NONE, &none, &public, nv));
}

/* ROTA_ERR_NOT_FOUND: there is nothing at this index. */
static enum rota_err find_there(const struct rota_tpm2 *tpm, uint32_t index, ESYS_TR *nv)
{
	enum rota_err err = rota_tpm2_err(Esys_TR_FromTPMPublic(
		tpm->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nv));

	if (err == ROTA_ERR_CORRUPT)
		return ROTA_ERR_NOT_FOUND;
	ROTA_TRY(err);
	return check_kind(tpm, *nv);
}

/* The first increment gives a new counter its value. */
static enum rota_err make_open(const struct rota_tpm2 *tpm,
	const uint8_t device[static ROTA_COUNTER_TPM_DEVICE_LEN], struct rota_rom_counter *place)
{
	ESYS_TR nv;
	enum rota_err err = find_there(tpm, place->index, &nv);

	if (err != ROTA_ERR_NOT_FOUND)
		return err == ROTA_OK ? ROTA_ERR_STATE : err;
	ROTA_TRY(define(tpm, place->index, device, &nv));
	ROTA_TRY(increment(tpm, nv));
	return read_raw(tpm, nv, &place->base);
}

enum rota_err rota_counter_tpm_make(const char *tcti,
	const uint8_t device[static ROTA_COUNTER_TPM_DEVICE_LEN], struct rota_rom_counter *place)
{
	struct rota_tpm2 tpm;
	enum rota_err err;

	ROTA_TRY(rota_tpm2_open(&tpm, tcti));
	err = make_open(&tpm, device, place);
	rota_tpm2_close(&tpm);
	return err;
}

static enum rota_err device_open(const struct rota_tpm2 *tpm, uint32_t index,
	uint8_t device[static ROTA_COUNTER_TPM_DEVICE_LEN])
{
	TPM2B_NV_PUBLIC *public = NULL;
	ESYS_TR nv;

	ROTA_TRY(find_there(tpm, index, &nv));
	ROTA_TRY(rota_tpm2_err(Esys_NV_ReadPublic(
		tpm->esys, nv, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL)));
	memset(device, 0, ROTA_COUNTER_TPM_DEVICE_LEN);
	if (public->nvPublic.authPolicy.size == ROTA_COUNTER_TPM_DEVICE_LEN)
		memcpy(device, public->nvPublic.authPolicy.buffer, ROTA_COUNTER_TPM_DEVICE_LEN);
	Esys_Free(public);
	return ROTA_OK;
}

enum rota_err rota_counter_tpm_device(
	const char *tcti, uint32_t index, uint8_t device[static ROTA_COUNTER_TPM_DEVICE_LEN])
{
	struct rota_tpm2 tpm;
	enum rota_err err;

	ROTA_TRY(rota_tpm2_open(&tpm, tcti));
	err = device_open(&tpm, index, device);
	rota_tpm2_close(&tpm);
	return err;
}

static enum rota_err remove_open(const struct rota_tpm2 *tpm, uint32_t index)
{
	ESYS_TR nv;

	ROTA_TRY(find_there(tpm, index, &nv));
	return rota_tpm2_err(Esys_NV_UndefineSpace(
		tpm->esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE));
}

enum rota_err rota_counter_tpm_remove(const char *tcti, uint32_t index)
{
	struct rota_tpm2 tpm;
	enum rota_err err;

	ROTA_TRY(rota_tpm2_open(&tpm, tcti));
	err = remove_open(&tpm, index);
	rota_tpm2_close(&tpm);
	return err;
}
