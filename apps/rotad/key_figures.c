/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/key_figures.h"
#include "apps/rotad/log.h"

#include <limits.h>
#include <time.h>

/* Counting took one part of the time, this many go by till the next. */
#define PAUSE 99

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int key_figures_wait(const struct key_figures *k)
{
	uint64_t now = now_ms();

	if (!k->stale)
		return -1;
	if (k->not_before_ms <= now)
		return 0;
	return k->not_before_ms - now > INT_MAX ? INT_MAX : (int)(k->not_before_ms - now);
}

static enum rota_err count(const struct rota_db *db, const struct rota_regdb *reg,
	struct rota_key_counts all[static ROTA_PURPOSES_MAX], struct rota_fail *why)
{
	static const uint32_t newest[ROTA_PURPOSES_MAX];
	enum rota_err err;

	ROTA_TRY(db->begin(db->ctx, why));
	err = rota_key_counts(reg, newest, all, why);
	db->rollback(db->ctx);
	return err;
}

static void show(const struct rota_key_counts *all, struct figures *figures)
{
	for (size_t i = 0; i < ROTA_PURPOSES_MAX; i++) {
		for (size_t k = 0; k < ROTA_REACHES; k++)
			atomic_store(&figures->keys[i][k], all[i].devices[k]);
		atomic_store(&figures->keys_newest[i], all[i].newest);
		atomic_store(&figures->keys_oldest[i], all[i].oldest);
	}
}

void key_figures_refresh(struct key_figures *k, const struct rota_db *db,
	const struct rota_regdb *reg, struct figures *figures)
{
	struct rota_key_counts all[ROTA_PURPOSES_MAX];
	struct rota_fail why;
	uint64_t before = now_ms(), after;

	if (key_figures_wait(k) != 0)
		return;
	if (count(db, reg, all, &why) == ROTA_OK)
		show(all, figures);
	else
		log_line("keys are not counted: %s", why.text);
	after = now_ms();
	k->not_before_ms = after + PAUSE * (after - before);
	k->stale = false;
}
