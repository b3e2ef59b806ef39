/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-boot/show.h"
#include "apps/rota-boot/order.h"
#include "apps/rota-boot/settle.h"
#include "apps/rota-boot/show_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct slot_view {
	enum rota_err err;
	const char *why; /* of a refusal */
	bool blank; /* nothing was written to it */
	struct rota_image image;
	char version[VERSION_TEXT];
	char digest[65];
};

struct view {
	struct rota_layout_state state;
	struct rota_boot_policy policy;
	struct rota_burn_facts facts;
	struct order_in_force order; /* what the policy points to */
	struct rota_booted_file booted;
	bool running;
	struct slot_view slot[ROTA_SET_MAX][2]; /* by component and place */
};

static const char *const phases[] = {
	[ROTA_TRIAL_NONE] = "none",
	[ROTA_TRIAL_ASKED] = "asked",
	[ROTA_TRIAL_STARTED] = "started",
};

static bool is_blank(int fd)
{
	static const uint8_t zeros[ROTA_IMAGE_HEADER_LEN];
	uint8_t head[ROTA_IMAGE_HEADER_LEN];

	return pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
		memcmp(head, zeros, sizeof(head)) == 0;
}

static void look_at(struct device *d, uint8_t component, uint8_t place,
	const struct rota_boot_policy *policy, struct slot_view *v)
{
	char path[ROTA_COMPONENTS_PATH_MAX];
	struct rota_source_file source;
	uint8_t keys;
	int fd;

	rota_components_slot(&d->set, component, place, path);
	fd = openat(d->fd, path, O_RDONLY | O_CLOEXEC);
	*v = (struct slot_view){ .err = ROTA_ERR_IO };
	if (fd < 0) {
		v->why = strerror(errno);
		return;
	}
	rota_source_file(&source, fd, -1);
	source.data = component > 0;
	v->blank = is_blank(fd);
	v->err = rota_source_verify(
		&source, policy, rota_buf(d->room, ROTA_SOURCE_PIECE), &v->image, &keys);
	v->why = source.why != NULL ? source.why : rota_err_str(v->err);
	if (v->blank)
		v->why = "empty";
	if (v->err == ROTA_OK) {
		version_text(v->image.info.version, v->version);
		digest_text(v->image.info.digest, v->digest);
	}
	(void)close(fd);
}

static void print_slot(uint8_t number, const struct slot_view *v)
{
	const struct rota_image_info *info = &v->image.info;

	if (v->err == ROTA_OK)
		printf("slot %u      version %s, %llu bytes, counter %u, image %s: verified\n",
			number, v->version, (unsigned long long)info->file_len, info->counter,
			v->digest);
	else if (v->image.clause != 0 && !v->blank)
		printf("slot %u      refused: %s (SPEC 6.%u)\n", number, v->why, v->image.clause);
	else
		printf("slot %u      %s\n", number, v->why);
}

/* What becomes of the image behind the confirmed one, if it lies in this slot. */
static const char *fate(const struct view *v, uint8_t component, uint8_t place)
{
	const struct slot_view *slot = &v->slot[component][place];

	if (slot->err != ROTA_OK)
		return "would be refused, see below";
	if (memcmp(slot->image.info.digest, v->state.state.digest[component][place],
		    ROTA_SHA256_LEN) != 0)
		return "another one lies there, which does not run";
	return "runs if the confirmed one is damaged";
}

/* How it was booted; a trial may have been confirmed since. */
static const char *kind_text(const struct view *v)
{
	const struct rota_bootstate *s = &v->state.state;
	uint8_t place = rota_bootstate_confirmed(s, 0);
	const struct rota_running *now = &v->booted.running;

	if (now->kind == ROTA_BOOT_TRIAL && s->phase == ROTA_TRIAL_NONE &&
		now->places == s->confirmed &&
		memcmp(now->digest[0], s->digest[0][place], ROTA_SHA256_LEN) == 0)
		return "trial, confirmed since";
	return rota_booted_kind_name(now);
}

static bool is_unread(const struct rota_burn_facts *facts)
{
	for (unsigned id = 0; id < ROTA_COUNTER_COUNT; id++) {
		if (facts->number[id].source == ROTA_BURN_UNREADABLE)
			return true;
	}
	return false;
}

static void fill_fates(const struct view *v, struct show_fates *fates)
{
	for (uint8_t i = 0; i < v->state.state.count; i++) {
		for (uint8_t place = 0; place < 2; place++)
			fates->of[i][place] = fate(v, i, place);
	}
}

static void print_text(const struct device *d, const struct view *v)
{
	const struct rota_rom *rom = &d->rom.rom;
	struct show_fates fates;
	char version[VERSION_TEXT];

	printf("device      %.*s, product %.*s, hardware %.*s\n", (int)rom->device_id.len,
		(const char *)rom->device_id.p, (int)rom->product.len, (const char *)rom->product.p,
		(int)rom->hardware.len, (const char *)rom->hardware.p);
	version_text(v->booted.version[0], version);
	if (v->running)
		printf("running     slot %u, %s, version %s, boot %u\n",
			v->booted.running.places & 1, kind_text(v), version, v->booted.boot);
	else
		printf("running     nothing\n");
	fill_fates(v, &fates);
	show_state_text(&v->state.state, &d->set, rom, v->policy.counter, &fates);
	if (is_unread(&v->facts))
		printf("TPM         cannot be read (--tpm says where it is): these are the "
		       "journal's copies\n");
	for (uint8_t i = 0; i < v->state.state.count; i++) {
		if (d->set.count > 1)
			printf("component   %u, %s\n", i, d->set.name[i]);
		print_slot(0, &v->slot[i][0]);
		print_slot(1, &v->slot[i][1]);
	}
}

/* Every string below is of a fixed alphabet or our own: nothing needs escaping but what strerror says,
 * which has neither quotes nor control characters. */
static void json_slot(const struct slot_view *v)
{
	const struct rota_image_info *info = &v->image.info;

	if (v->err == ROTA_OK)
		printf("{\"counter\":%u,\"digest\":\"%s\",\"length\":%llu,\"verified\":true,"
		       "\"version\":\"%s\"}",
			info->counter, v->digest, (unsigned long long)info->file_len, v->version);
	else if (v->image.clause != 0 && !v->blank)
		printf("{\"clause\":\"SPEC 6.%u\",\"reason\":\"%s\",\"verified\":false}",
			v->image.clause, v->why);
	else
		printf("{\"reason\":\"%s\",\"verified\":false}", v->why);
}

static void json_slots(const struct slot_view slot[static 2])
{
	printf("[");
	json_slot(&slot[0]);
	printf(",");
	json_slot(&slot[1]);
	printf("]");
}

static void json_running(const struct view *v)
{
	char version[VERSION_TEXT], digest[65];

	if (!v->running) {
		printf("null");
		return;
	}
	version_text(v->booted.version[0], version);
	digest_text(v->booted.running.digest[0], digest);
	printf("{\"boot\":%u,\"digest\":\"%s\",\"kind\":\"%s\",\"slot\":%u,\"version\":\"%s\"}",
		v->booted.boot, digest, rota_booted_kind_name(&v->booted.running),
		v->booted.running.places & 1, version);
}

static void print_json(const struct device *d, const struct view *v)
{
	const struct rota_rom *rom = &d->rom.rom;
	const struct rota_bootstate *s = &v->state.state;

	printf("{\"confirmed\":%u,\"counter\":%u,\"device\":\"%.*s\",\"hardware\":\"%.*s\",",
		rota_bootstate_confirmed(s, 0), v->policy.counter, (int)rom->device_id.len,
		(const char *)rom->device_id.p, (int)rom->hardware.len,
		(const char *)rom->hardware.p);
	printf("\"outcome\":\"%s\",\"phase\":\"%s\",\"product\":\"%.*s\",\"running\":",
		show_outcome(s), phases[s->phase], (int)rom->product.len,
		(const char *)rom->product.p);
	json_running(v);
	printf(",\"set\":[");
	for (uint8_t i = 0; i < s->count; i++) {
		printf("%s{\"name\":\"%s\",\"slots\":", i > 0 ? "," : "", d->set.name[i]);
		json_slots(v->slot[i]);
		printf("}");
	}
	printf("],\"slots\":");
	json_slots(v->slot[0]);
	printf(",\"state\":");
	show_state_json(s, rom);
	printf(",\"trial\":");
	if (s->phase == ROTA_TRIAL_NONE)
		printf("null}\n");
	else
		printf("%u}\n", rota_bootstate_other(s, 0));
}

int show(struct device *d, bool json)
{
	static struct view v;
	enum rota_err err = rota_layout_state_open(&v.state, d->fd);

	if (err != ROTA_OK) {
		say("%s/%s: %s; the factory formats the flash (`rota factory enrol --image`)",
			d->path, ROTA_LAYOUT_JOURNAL, rota_err_str(err));
		return 1;
	}
	if (!device_agrees(d, &v.state.state)) {
		rota_layout_state_close(&v.state);
		return 1;
	}
	settle_policy(d, &v.state.state, &v.facts, &v.policy); /* in force: by the hardware too */
	order_allow(d, &v.state.state,
		rota_burn_floor(&v.state.state, &v.facts, ROTA_COUNTER_EPOCH), &v.order, &v.policy);
	rota_layout_state_close(&v.state);
	v.running = rota_booted_read(d->fd, &v.booted) == ROTA_OK;
	for (uint8_t i = 0; i < v.state.state.count; i++) {
		look_at(d, i, 0, &v.policy, &v.slot[i][0]);
		look_at(d, i, 1, &v.policy, &v.slot[i][1]);
	}
	if (json)
		print_json(d, &v);
	else
		print_text(d, &v);
	return fflush(stdout) == 0 ? 0 : 1;
}
