/* SPDX-License-Identifier: Apache-2.0 */
/* rota/port/counter.h: what every backend does, over the simulated counters and over a TPM's; then what only
 * a TPM can do to one. */
#include "ports/counter_sim/counter_sim.h"
#include "ports/tpm2/counter_tpm.h"
#include "tests/unit/swtpm.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#define KEPT (1u << ROTA_COUNTER_SECURITY | 1u << ROTA_COUNTER_STATE)

static struct rota_sim_supply supply;
static struct rota_counter_sim sim;
static struct rota_counter sim_port;

static const struct rota_counter *begin_sim(void)
{
	rota_sim_supply_init(&supply, 1);
	rota_counter_sim_init(&sim, &supply);
	sim_port = rota_counter_sim_port(&sim, KEPT);
	return &sim_port;
}

static struct rota_counter_tpm tpm;
static const char *tcti;
static const uint8_t device[ROTA_COUNTER_TPM_DEVICE_LEN] = { 1 };
static const uint8_t other_device[ROTA_COUNTER_TPM_DEVICE_LEN] = { 2 };

static const struct rota_counter *begin_tpm(void)
{
	struct rota_rom rom = {
		.nv_have = KEPT,
		.nv = {
			[ROTA_COUNTER_SECURITY] = { .index = ROTA_COUNTER_TPM_INDEX + ROTA_COUNTER_SECURITY },
			[ROTA_COUNTER_STATE] = { .index = ROTA_COUNTER_TPM_INDEX + ROTA_COUNTER_STATE },
		},
	};

	tcti = swtpm_start(tempdir_fresh());
	if (tcti == NULL ||
		rota_counter_tpm_make(tcti, device, &rom.nv[ROTA_COUNTER_SECURITY]) != ROTA_OK ||
		rota_counter_tpm_make(tcti, device, &rom.nv[ROTA_COUNTER_STATE]) != ROTA_OK) {
		test_fail(__FILE__, __LINE__, "no TPM: is swtpm installed?");
		return NULL;
	}
	rota_counter_tpm_init(&tpm, tcti, &rom);
	return &tpm.port;
}

static const struct {
	const char *name;
	const struct rota_counter *(*begin)(void);
} backends[] = { { "simulated", begin_sim }, { "TPM", begin_tpm } };

#define BACKENDS (sizeof(backends) / sizeof(backends[0]))

static uint32_t shown(const struct rota_counter *c, enum rota_counter_id id)
{
	uint32_t value = 0;

	if (c->read(c->ctx, id, &value) != ROTA_OK)
		test_fail(__FILE__, __LINE__, "not read");
	return value;
}

TEST(a_new_counter_is_0_and_rises_to_what_is_asked)
{
	for (size_t i = 0; i < BACKENDS; i++) {
		const struct rota_counter *c = backends[i].begin();

		ROW(backends[i].name);
		CHECK(c != NULL);
		CHECK_EQ(shown(c, ROTA_COUNTER_STATE), 0);
		CHECK_OK(c->advance(c->ctx, ROTA_COUNTER_STATE, 3));
		CHECK_EQ(shown(c, ROTA_COUNTER_STATE), 3);
		CHECK_EQ(shown(c, ROTA_COUNTER_SECURITY), 0);
	}
}

TEST(to_ask_again_or_for_less_changes_nothing)
{
	for (size_t i = 0; i < BACKENDS; i++) {
		const struct rota_counter *c = backends[i].begin();

		ROW(backends[i].name);
		CHECK(c != NULL);
		CHECK_OK(c->advance(c->ctx, ROTA_COUNTER_SECURITY, 2));
		CHECK_OK(c->advance(c->ctx, ROTA_COUNTER_SECURITY, 2));
		CHECK_OK(c->advance(c->ctx, ROTA_COUNTER_SECURITY, 0));
		CHECK_EQ(shown(c, ROTA_COUNTER_SECURITY), 2);
	}
}

TEST(what_the_hardware_keeps_is_said)
{
	for (size_t i = 0; i < BACKENDS; i++) {
		const struct rota_counter *c = backends[i].begin();

		ROW(backends[i].name);
		CHECK(c != NULL);
		CHECK_EQ(c->have, KEPT);
		CHECK_EQ(c->last[ROTA_COUNTER_STATE], UINT32_MAX);
	}
}

/* ---- a TPM's ---- */

TEST(a_number_outlives_the_power_of_a_tpm)
{
	const struct rota_counter *c = begin_tpm();

	CHECK(c != NULL);
	CHECK_OK(c->advance(c->ctx, ROTA_COUNTER_STATE, 2));
	swtpm_stop();
	CHECK(swtpm_start(tempdir_path(".")) != NULL);
	CHECK_EQ(shown(c, ROTA_COUNTER_STATE), 2);
}

TEST(a_tpm_that_does_not_answer_is_for_later)
{
	const struct rota_counter *c = begin_tpm();
	uint32_t value;

	CHECK(c != NULL);
	swtpm_stop();
	CHECK_EQ(c->read(c->ctx, ROTA_COUNTER_STATE, &value), ROTA_ERR_IO);
	CHECK_EQ(c->advance(c->ctx, ROTA_COUNTER_STATE, 1), ROTA_ERR_IO);
}

static enum rota_err undefine(uint32_t index)
{
	struct rota_tpm2 t;
	ESYS_TR nv;
	enum rota_err err;

	ROTA_TRY(rota_tpm2_open(&t, tcti));
	err = rota_tpm2_err(Esys_TR_FromTPMPublic(
		t.esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &nv));
	if (err == ROTA_OK)
		err = rota_tpm2_err(Esys_NV_UndefineSpace(t.esys, ESYS_TR_RH_OWNER, nv,
			ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE));
	rota_tpm2_close(&t);
	return err;
}

/* An ordinary 8 bytes at the place of a counter, holding `value`. */
static enum rota_err put_plain(uint32_t index, uint8_t value)
{
	const TPM2B_AUTH none = { 0 };
	const TPM2B_NV_PUBLIC public = {
		.nvPublic = { .nvIndex = index,
			.nameAlg = TPM2_ALG_SHA256,
			.attributes = TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_OWNERREAD |
				TPMA_NV_NO_DA,
			.dataSize = 8 },
	};
	const TPM2B_MAX_NV_BUFFER bytes = { .size = 8, .buffer = { [7] = value } };
	struct rota_tpm2 t;
	ESYS_TR nv;
	TSS2_RC rc;

	ROTA_TRY(rota_tpm2_open(&t, tcti));
	rc = Esys_NV_DefineSpace(t.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE, &none, &public, &nv);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_Write(
			t.esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &bytes, 0);
	rota_tpm2_close(&t);
	return rota_tpm2_err(rc);
}

TEST(a_counter_that_is_gone_or_is_none_any_more_is_no_number)
{
	const struct rota_counter *c = begin_tpm();
	uint32_t value, index = ROTA_COUNTER_TPM_INDEX + ROTA_COUNTER_STATE;

	CHECK(c != NULL);
	CHECK_OK(c->advance(c->ctx, ROTA_COUNTER_STATE, 5));
	CHECK_OK(undefine(index));
	ROW("gone");
	CHECK_EQ(c->read(c->ctx, ROTA_COUNTER_STATE, &value), ROTA_ERR_CORRUPT);
	CHECK_EQ(c->advance(c->ctx, ROTA_COUNTER_STATE, 6), ROTA_ERR_CORRUPT);
	ROW("bytes that can be written");
	CHECK_OK(put_plain(index, (uint8_t)(tpm.place[ROTA_COUNTER_STATE].base + 5)));
	CHECK_EQ(c->read(c->ctx, ROTA_COUNTER_STATE, &value), ROTA_ERR_CORRUPT);
	ROW("and the factory does not take them for a counter");
	CHECK_EQ(rota_counter_tpm_make(tcti, device, &tpm.place[ROTA_COUNTER_STATE]),
		ROTA_ERR_CORRUPT);
}

TEST(a_counter_made_anew_never_shows_an_old_number)
{
	const struct rota_counter *c = begin_tpm();
	struct rota_rom_counter again = { .index = ROTA_COUNTER_TPM_INDEX + ROTA_COUNTER_STATE };

	CHECK(c != NULL);
	CHECK_OK(c->advance(c->ctx, ROTA_COUNTER_STATE, 5));
	CHECK_OK(undefine(again.index));
	CHECK_OK(rota_counter_tpm_make(tcti, device, &again));
	CHECK(shown(c, ROTA_COUNTER_STATE) > 5);
}

TEST(below_its_base_is_no_number)
{
	const struct rota_counter *c = begin_tpm();
	uint32_t value;

	CHECK(c != NULL);
	tpm.place[ROTA_COUNTER_STATE].base += 1;
	CHECK_EQ(c->read(c->ctx, ROTA_COUNTER_STATE, &value), ROTA_ERR_CORRUPT);
	tpm.place[ROTA_COUNTER_STATE].base = 0;
	CHECK_OK(c->read(c->ctx, ROTA_COUNTER_STATE, &value));
}

TEST(a_counter_that_is_there_says_whose_it_is_and_is_not_taken)
{
	const struct rota_counter *c = begin_tpm();
	struct rota_rom rom = { .nv_have = 1u << ROTA_COUNTER_STATE };
	struct rota_rom_counter *place = &rom.nv[ROTA_COUNTER_STATE];
	uint8_t whose[ROTA_COUNTER_TPM_DEVICE_LEN];

	place->index = ROTA_COUNTER_TPM_INDEX + ROTA_COUNTER_STATE;
	CHECK(c != NULL);
	CHECK_OK(c->advance(c->ctx, ROTA_COUNTER_STATE, 7));
	CHECK_EQ(rota_counter_tpm_make(tcti, other_device, place), ROTA_ERR_STATE);
	CHECK_OK(rota_counter_tpm_device(tcti, place->index, whose));
	CHECK_MEM(whose, device, sizeof(whose));
	CHECK_EQ(shown(c, ROTA_COUNTER_STATE), 7);
	ROW("removed and made anew, it is the other one's, and above all that it ever showed");
	CHECK_OK(rota_counter_tpm_remove(tcti, place->index));
	CHECK_EQ(rota_counter_tpm_remove(tcti, place->index), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(rota_counter_tpm_device(tcti, place->index, whose), ROTA_ERR_NOT_FOUND);
	CHECK_OK(rota_counter_tpm_make(tcti, other_device, place));
	CHECK_OK(rota_counter_tpm_device(tcti, place->index, whose));
	CHECK_MEM(whose, other_device, sizeof(whose));
	CHECK(shown(c, ROTA_COUNTER_STATE) > 7);
	rota_counter_tpm_init(&tpm, tcti, &rom);
	CHECK_EQ(shown(&tpm.port, ROTA_COUNTER_STATE), 0);
	CHECK(!rota_counter_has(&tpm.port, ROTA_COUNTER_SECURITY));
}

TESTS(T(a_new_counter_is_0_and_rises_to_what_is_asked), T(to_ask_again_or_for_less_changes_nothing),
	T(what_the_hardware_keeps_is_said), T(a_number_outlives_the_power_of_a_tpm),
	T(a_tpm_that_does_not_answer_is_for_later),
	T(a_counter_that_is_gone_or_is_none_any_more_is_no_number),
	T(a_counter_made_anew_never_shows_an_old_number), T(below_its_base_is_no_number),
	T(a_counter_that_is_there_says_whose_it_is_and_is_not_taken))
