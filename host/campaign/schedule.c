/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/schedule.h"
#include "host/base/when.h"

#include <stdlib.h>
#include <string.h>

#define HOUR UINT64_C(3600)
#define DAY (24 * HOUR)
#define TEXT_MAX 256

uint64_t rota_period_of(uint8_t purpose)
{
	static const uint64_t days[ROTA_PURPOSES_MAX + 1] = {
		[ROTA_PURPOSE_TELEMETRY] = 90,
		[ROTA_PURPOSE_LINK] = 90,
		[ROTA_PURPOSE_STORAGE] = 365,
		[ROTA_PURPOSE_FIRMWARE] = 365,
		[ROTA_PURPOSE_AUTH] = 180,
	};

	return purpose <= ROTA_PURPOSES_MAX ? days[purpose] * DAY : 0;
}

/* ---- a campaign's days ---- */

/* One device in a hundred, then one in ten, then all; a week for those that sleep. In an emergency all at once: each switches
 * as soon as it has proved. */
void rota_schedule_plan(struct rota_key_campaign *c, uint64_t now_s)
{
	static const struct rota_key_stage stages[] = {
		{ 0, ROTA_KEYS_PPM / 100 },
		{ DAY, ROTA_KEYS_PPM / 10 },
		{ 3 * DAY, ROTA_KEYS_PPM },
	};
	size_t count = sizeof(stages) / sizeof(stages[0]), first = c->emergency ? count - 1 : 0;

	c->stage_count = (uint8_t)(count - first);
	for (size_t i = first; i < count; i++) {
		c->stage[i - first] = stages[i];
		c->stage[i - first].from_s = now_s + (c->emergency ? 0 : stages[i].from_s);
	}
	c->activation_s = now_s + (c->emergency ? 0 : 10 * DAY);
	c->overlap_s = (uint32_t)(c->emergency ? HOUR : 7 * DAY);
}

/* "PPM@AFTER" */
static bool read_stage(char *text, uint64_t now_s, struct rota_key_stage *out)
{
	char *at = strchr(text, '@'), *end;
	unsigned long ppm;
	uint64_t after;

	if (!at || *text < '0' || *text > '9')
		return false;
	*at = '\0';
	ppm = strtoul(text, &end, 10);
	if (*end || ppm == 0 || ppm > ROTA_KEYS_PPM || !rota_duration_parse(at + 1, &after))
		return false;
	*out = (struct rota_key_stage){ .from_s = now_s + after, .ppm = (uint32_t)ppm };
	return true;
}

static bool ascends(const struct rota_key_stage *s, size_t i)
{
	return i == 0 || (s[i].from_s > s[i - 1].from_s && s[i].ppm > s[i - 1].ppm);
}

enum rota_err rota_schedule_stages(
	struct rota_key_campaign *c, const char *text, uint64_t now_s, struct rota_fail *why)
{
	char copy[TEXT_MAX], *rest = copy, *word;
	size_t count = 0;
	bool good = strlen(text) < sizeof(copy);

	if (good)
		memcpy(copy, text, strlen(text) + 1);
	while (good && (word = strsep(&rest, ",")) != NULL) {
		good = count < (c->emergency ? 1 : ROTA_KEYS_STAGES_MAX) &&
			read_stage(word, now_s, &c->stage[count]) && ascends(c->stage, count);
		count += good;
	}
	if (!good || c->stage[count - 1].ppm != ROTA_KEYS_PPM)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"stages '%s' are no PPM@AFTER,... that ascend to %d (SPEC 32.3)", text,
			ROTA_KEYS_PPM);
	c->stage_count = (uint8_t)count;
	return ROTA_OK;
}

/* ---- what is due ---- */

static enum rota_keydue judge(
	const struct rota_keydue_facts *f, const struct rota_keydue_verdict *v)
{
	if (f->coming)
		return ROTA_KEYDUE_COMING;
	if (f->activation_s == 0)
		return f->wished ? ROTA_KEYDUE_NOW : ROTA_KEYDUE_NEVER;
	if (f->activation_s > f->now_s)
		return ROTA_KEYDUE_COMING;
	if (f->now_s >= v->end_s)
		return ROTA_KEYDUE_OVER;
	if (f->wanting > 0)
		return ROTA_KEYDUE_WANTED;
	return f->now_s >= v->from_s ? ROTA_KEYDUE_NOW : ROTA_KEYDUE_FINE;
}

struct rota_keydue_verdict rota_schedule_judge(const struct rota_keydue_facts *f)
{
	struct rota_keydue_verdict v = { .due = ROTA_KEYDUE_NEVER };

	if (f->activation_s) {
		v.end_s = f->activation_s + f->period_s;
		v.from_s = v.end_s - (f->lead_s < f->period_s ? f->lead_s : f->period_s);
	}
	v.due = judge(f, &v);
	return v;
}

const char *rota_keydue_word(enum rota_keydue due)
{
	static const char *const words[] = {
		[ROTA_KEYDUE_NEVER] = "never",
		[ROTA_KEYDUE_FINE] = "fine",
		[ROTA_KEYDUE_COMING] = "coming",
		[ROTA_KEYDUE_NOW] = "due",
		[ROTA_KEYDUE_WANTED] = "wanted",
		[ROTA_KEYDUE_OVER] = "over",
	};

	return words[due];
}

bool rota_keydue_is(enum rota_keydue due)
{
	return due == ROTA_KEYDUE_NOW || due == ROTA_KEYDUE_WANTED || due == ROTA_KEYDUE_OVER;
}

bool rota_schedule_retires(uint32_t generation, uint32_t newest)
{
	return (uint64_t)generation + 2 <= newest;
}

uint64_t rota_schedule_end(
	uint64_t begin_s, uint64_t open_s, uint64_t now_s, uint64_t done, uint64_t all)
{
	uint64_t took, end;

	if (done == 0 || all == 0 || now_s < begin_s)
		return 0;
	if (done >= all)
		return now_s;
	took = now_s - begin_s;
	end = begin_s + (uint64_t)((double)took * (double)all / (double)done);
	return end > open_s ? end : open_s;
}
