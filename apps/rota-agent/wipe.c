/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/wipe.h"
#include "apps/rota-agent/birth.h"
#include "apps/rota-agent/run.h"
#include "apps/rota-agent/say.h"

#include <stdio.h>

static bool is_gone(const struct agent *a)
{
	return a->keys.slots.phase >= ROTA_KEYSLOTS_LOADED &&
		(a->keys.slots.state.flags & ROTA_KEYS_GONE) != 0;
}

/* What the keys that are gone leave behind. */
static enum rota_err clear_files(struct agent *a, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX + 16];

	for (unsigned place = 0; place < AGENT_LDEVIDS; place++) {
		agent_identity_path(a->config, agent_ldevid_key(place), path);
		ROTA_TRY(rota_file_remove(path, why));
	}
	snprintf(path, sizeof(path), "%s/" AGENT_SEALED_FILE, a->config->state);
	ROTA_TRY(rota_file_remove(path, why));
	snprintf(path, sizeof(path), "%s/" BIRTH_MARK, a->config->state);
	return rota_file_remove(path, why);
}

/* Of a key journal nothing can be read: what the root of trust has goes all the same, and a journal comes in its place that can
 * say so, of the number that the state counter shows. */
static enum rota_err begin_anew(struct agent *a)
{
	const struct rota_counter *c = a->device.counter;
	uint8_t point[ROTA_P256_KEY_LEN];
	uint32_t binding = 0;

	if (a->keys.slots.phase != ROTA_KEYSLOTS_BLANK)
		return ROTA_OK;
	if (rota_counter_has(c, ROTA_COUNTER_STATE) &&
		c->read(c->ctx, ROTA_COUNTER_STATE, &binding) != ROTA_OK)
		binding = 0; /* a device that is taken for restored has no keys either */
	return rota_keyslots_factory(&a->keys.slots, binding, point);
}

/* Under the lock of their journals: another program may have sealed meanwhile. */
static enum rota_err destroy(struct agent *a, struct rota_fail *why)
{
	enum rota_err err;

	agent_keys_again(&a->keys);
	err = a->keys.slots.busy ? ROTA_ERR_BUSY : begin_anew(a);
	if (err == ROTA_OK)
		err = rota_keyslots_forget(&a->keys.slots);
	return err == ROTA_OK
		? clear_files(a, why)
		: rota_fail(why, err, "the data keys are not destroyed: %s", rota_err_str(err));
}

/* The cycle tells the server, and destroys what it may. */
static enum rota_err tell(struct agent *a, struct rota_fail *why)
{
	enum agent_end end;

	a->rotation.decommission = true;
	ROTA_TRY(agent_cycle_run(a, &end, why));
	agent_keys_again(&a->keys);
	if (is_gone(a))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_BUSY,
		"the server has not taken that this device ends, so nothing is destroyed; "
		"--offline destroys without it");
}

int agent_wipe(struct agent *a, bool offline)
{
	struct rota_fail why;
	enum rota_err err = ROTA_OK;

	if (!a->keys.open) {
		fprintf(stderr,
			"rota-agent: this device has no keys that could be destroyed: see "
			"rota-agent doctor\n");
		return AGENT_EXIT_FAILED;
	}
	if (!offline && !is_gone(a))
		err = tell(a, &why);
	if (err == ROTA_OK)
		err = destroy(a, &why);
	if (err != ROTA_OK) {
		fprintf(stderr, "rota-agent: %s\n", why.text);
		return AGENT_EXIT_FAILED;
	}
	say("wiped",
		(struct say_field[]){
			{ "told", offline ? "nobody" : "the server" }, { NULL, NULL } });
	return AGENT_EXIT_OK;
}
