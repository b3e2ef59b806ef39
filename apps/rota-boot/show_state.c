/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-boot/show_state.h"
#include "apps/rota-boot/device.h"

#include <stdio.h>
#include <string.h>

static const char *const phases[] = {
	[ROTA_TRIAL_NONE] = "none",
	[ROTA_TRIAL_ASKED] = "asked for: the next boot runs it",
	[ROTA_TRIAL_STARTED] = "started: unless confirmed, the next boot is back on the old one",
};

static const char *const outcomes[] = {
	[ROTA_OUTCOME_NONE] = "none",
	[ROTA_OUTCOME_CONFIRMED] = "confirmed",
	[ROTA_OUTCOME_REVERTED] = "reverted",
};

static const char *const orders[] = {
	[ROTA_ORDER_STORED] = "stored",
	[ROTA_ORDER_TRIAL] = "trial",
	[ROTA_ORDER_CONFIRMED] = "confirmed",
	[ROTA_ORDER_DONE] = "done",
	[ROTA_ORDER_FAILED] = "failed",
};

const char *show_outcome(const struct rota_bootstate *s)
{
	return outcomes[s->outcome];
}

/* ---- for a person ---- */

static void text_components(const struct rota_bootstate *s, const struct rota_components *set,
	const struct show_fates *fates)
{
	uint8_t others = rota_bootstate_others(s);
	char digest[65];

	for (uint8_t i = 0; i < s->count; i++) {
		uint8_t place = rota_bootstate_confirmed(s, i), other = rota_bootstate_other(s, i);

		if (s->count > 1)
			printf("component   %u, %s\n", i, set->name[i]);
		digest_text(s->digest[i][place], digest);
		printf("confirmed   slot %u, image %.16s...\n", place, digest);
		digest_text(s->digest[i][other], digest);
		if ((s->trial >> i & 1) != 0)
			printf("trial       slot %u, image %.16s..., %s\n", other, digest,
				phases[s->phase]);
		else if ((others >> i & 1) != 0)
			printf("behind it   slot %u, image %.16s...: %s\n", other, digest,
				fates->of[i][other]);
		else
			printf("behind it   slot %u: not known, or being written\n", other);
	}
	if (s->phase == ROTA_TRIAL_NONE)
		printf("trial       none; the last one: %s\n", show_outcome(s));
}

static void text_number(const char *name, uint32_t now, uint32_t to)
{
	if (to > now)
		printf("%-11s %u, on its way to %u\n", name, now, to);
	else
		printf("%-11s %u\n", name, now);
}

static void text_order(const struct rota_bootstate *s)
{
	char digest[65];

	text_number("epoch", s->epoch, s->epoch_to);
	if (s->order_phase == ROTA_ORDER_NONE_YET)
		return;
	digest_text(s->order, digest);
	printf("order       place %u, %.16s..., %s\n", s->order_place, digest,
		orders[s->order_phase]);
}

void show_state_text(const struct rota_bootstate *s, const struct rota_components *set,
	const struct rota_rom *rom, uint32_t counter, const struct show_fates *fates)
{
	text_components(s, set, fates);
	text_number("counter", counter, s->burn_to);
	if (s->floor_wanted > counter)
		printf("            the signers ask for %u\n", s->floor_wanted);
	text_number("image key", s->key_floor, s->key_floor_to);
	text_order(s);
	printf("binding     %u\n", s->binding);
	if (rom->watchdog.period_s != 0)
		printf("watchdog    %u s left, %s\n", s->watchdog.left_s,
			s->watchdog.phase == ROTA_WATCHDOG_UPDATER ? "the updater's turn, alone"
				: s->watchdog.left_s == 0 ? "the next boot runs the updater alone"
							  : "the application's turn");
}

/* ---- for a program ---- */

static void json_digest(const uint8_t digest[static ROTA_SHA256_LEN])
{
	static const uint8_t none[ROTA_SHA256_LEN];
	char text[65];

	digest_text(digest, text);
	if (memcmp(digest, none, ROTA_SHA256_LEN) == 0)
		printf("null");
	else
		printf("\"%s\"", text);
}

static void json_components(const struct rota_bootstate *s)
{
	for (uint8_t i = 0; i < s->count; i++) {
		printf("%s{\"confirmed\":%u,\"images\":[", i == 0 ? "" : ",",
			rota_bootstate_confirmed(s, i));
		json_digest(s->digest[i][0]);
		printf(",");
		json_digest(s->digest[i][1]);
		printf("],\"trial\":%s}", (s->trial >> i & 1) != 0 ? "true" : "false");
	}
}

static void json_order(const struct rota_bootstate *s)
{
	if (s->order_phase == ROTA_ORDER_NONE_YET) {
		printf("null");
		return;
	}
	printf("{\"digest\":");
	json_digest(s->order);
	printf(",\"phase\":\"%s\",\"place\":%u,\"tries\":%u}", orders[s->order_phase],
		s->order_place, s->tries);
}

void show_state_json(const struct rota_bootstate *s, const struct rota_rom *rom)
{
	printf("{\"binding\":%u,\"burn_to\":%u,\"components\":[", s->binding, s->burn_to);
	json_components(s);
	printf("],\"epoch\":%u,\"epoch_to\":%u,\"floor_wanted\":%u,\"key_floor\":%u,"
	       "\"key_floor_to\":%u,\"order\":",
		s->epoch, s->epoch_to, s->floor_wanted, s->key_floor, s->key_floor_to);
	json_order(s);
	printf(",\"trial_of\":\"%s\",\"watchdog\":",
		s->kind == ROTA_TRIAL_ORDER ? "order" : "release");
	if (rom->watchdog.period_s == 0)
		printf("null}");
	else
		printf("{\"left_s\":%u,\"phase\":\"%s\",\"ticket\":%u}}", s->watchdog.left_s,
			s->watchdog.phase == ROTA_WATCHDOG_UPDATER ? "updater" : "run",
			s->watchdog.ticket);
}
