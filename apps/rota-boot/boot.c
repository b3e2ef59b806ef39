/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-boot/boot.h"
#include "apps/rota-boot/memory.h"
#include "apps/rota-boot/order.h"
#include "apps/rota-boot/settle.h"
#include "boot/choice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "slot 1", of a set of several "model slot 1". */
static void say_refused(
	const struct device *d, const struct rota_boot_choice *ask, const char *why, uint8_t clause)
{
	const char *name = d->set.name[ask->component];
	const char *blank = name[0] != '\0' ? " " : "";

	if (clause != 0)
		say("%s%sslot %u refused: %s (SPEC 6.%u)", name, blank, ask->place, why, clause);
	else
		say("%s%sslot %u refused: %s", name, blank, ask->place, why);
}

static enum rota_err verify_into(struct device *d, int slot_fd, const struct rota_boot_choice *ask,
	const struct rota_boot_policy *policy, struct loaded_image *out)
{
	struct rota_source_file source;
	struct rota_image im = { .clause = 0 };
	enum rota_err err;

	rota_source_file(&source, slot_fd, out->fd);
	source.data = ask->component > 0;
	err = rota_source_verify(
		&source, policy, rota_buf(d->room, ROTA_SOURCE_PIECE), &im, &out->keys);
	if (err == ROTA_OK && ask->digest != NULL &&
		memcmp(im.info.digest, ask->digest, ROTA_SHA256_LEN) != 0) {
		source.why = "another image than the boot state names (SPEC 10.2)";
		err = ROTA_ERR_HASH;
	}
	if (err == ROTA_OK && !memory_seal(&out->fd, source.data)) {
		source.why = "the memory cannot be sealed";
		err = ROTA_ERR_IO;
	}
	if (err != ROTA_OK)
		say_refused(d, ask, source.why != NULL ? source.why : rota_err_str(err), im.clause);
	out->info = im.info;
	return err;
}

static void unload(struct loaded_image *image)
{
	if (image->fd >= 0)
		(void)close(image->fd);
	image->fd = -1;
}

/* Load what is asked for; true when it may run. */
static bool load_image(struct device *d, const struct rota_boot_choice *ask,
	const struct rota_boot_policy *policy, struct loaded_image *out)
{
	char path[ROTA_COMPONENTS_PATH_MAX];
	enum rota_err err = ROTA_ERR_IO;
	int slot_fd;

	unload(out);
	rota_components_slot(&d->set, ask->component, ask->place, path);
	slot_fd = openat(d->fd, path, O_RDONLY | O_CLOEXEC);
	out->place = ask->place;
	out->fd = memory_new(ask->component > 0);
	if (slot_fd < 0 || out->fd < 0)
		say_refused(d, ask, strerror(errno), 0);
	else
		err = verify_into(d, slot_fd, ask, policy, out);
	if (slot_fd >= 0)
		(void)close(slot_fd);
	if (err != ROTA_OK)
		unload(out);
	return err == ROTA_OK;
}

/* What is loaded is what was chosen: of each component the place that was verified last. */
static bool is_loaded(const struct loaded *set, uint8_t places)
{
	for (uint8_t i = 0; i < set->count; i++) {
		if (set->image[i].fd < 0 || set->image[i].place != (places >> i & 1))
			return false;
	}
	return true;
}

/* SPEC 10.2. False: nothing may run. */
static bool choose(struct device *d, struct rota_layout_state *l,
	const struct rota_boot_policy *policy, struct loaded *out)
{
	struct rota_boot_facts facts = { .unnoted = false };
	struct rota_boot_choice choice;
	enum rota_boot_verdict verdict;

	out->count = l->state.count;
	while ((verdict = rota_boot_choose(&l->state, &facts, &choice)) != ROTA_BOOT_REFUSE) {
		struct rota_layout_state before = *l;
		enum rota_err err = ROTA_OK;

		if (verdict == ROTA_BOOT_VERIFY) {
			*choice.fact = load_image(d, &choice, policy, &out->image[choice.component])
				? ROTA_BOOT_YES
				: ROTA_BOOT_NO;
			continue;
		}
		if (!is_loaded(out, choice.places))
			break;
		l->state = choice.next;
		if (choice.commit)
			err = rota_layout_state_commit(l);
		out->kind = choice.kind;
		out->trial = choice.trial;
		out->unknown = choice.unknown;
		if (err == ROTA_OK)
			return true;
		say("%s: %s", ROTA_LAYOUT_JOURNAL, rota_err_str(err));
		if (choice.kind != ROTA_BOOT_TRIAL)
			return true; /* the next boot judges the same again */
		l->state = before.state;
		facts.unnoted = true; /* a trial that leaves no trace could not be reverted */
	}
	say("no slot holds an image that may run (SPEC 10.2)");
	return false;
}

/* Say in run/booted what runs. Where that cannot be written the set runs all the same; it cannot be
 * confirmed, which is the safe side. */
static void note_booted(struct device *d, const struct loaded *set)
{
	struct rota_booted_file file = {
		.running = { .count = set->count,
			.trial = set->trial,
			.kind = set->kind,
			.unknown = set->unknown },
		.boot = ++d->boot,
	};
	enum rota_err err;

	for (uint8_t i = 0; i < set->count; i++) {
		const struct loaded_image *image = &set->image[i];

		file.running.places |= (uint8_t)(image->place << i);
		file.version[i] = image->info.version;
		memcpy(file.running.digest[i], image->info.digest, ROTA_SHA256_LEN);
	}
	err = rota_booted_write(d->fd, &file);
	if (err == ROTA_OK)
		return;
	say("%s/%s: %s", d->path, ROTA_LAYOUT_BOOTED, rota_err_str(err));
	rota_booted_remove(d->fd); /* it tells of an earlier boot */
}

static void say_boot(const struct device *d, const struct loaded *set)
{
	char version[VERSION_TEXT], digest[65];

	for (uint8_t i = 0; i < set->count; i++) {
		const struct loaded_image *image = &set->image[i];

		version_text(image->info.version, version);
		digest_text(image->info.digest, digest);
		if (i > 0)
			say("boot %u: with %s of slot %u, version %s, image %.16s...", d->boot,
				d->set.name[i], image->place, version, digest);
		else
			say("boot %u: slot %u, %s, version %s, image %.16s...%s", d->boot,
				image->place, rota_boot_kind_name(set->kind), version, digest,
				set->turn.act == ROTA_WATCHDOG_RUN_UPDATER ? ", the updater alone"
									   : "");
	}
}

/* The journal is open: what it says is held against images and hardware. */
static bool load_from(struct device *d, struct rota_layout_state *l, struct loaded *out)
{
	struct rota_boot_policy policy;
	struct settled s = { .restored = false };
	struct order_in_force order;

	if (!device_agrees(d, &l->state))
		return false;
	settle_turn(d, l, &out->turn);
	settle_policy(d, &l->state, &s.facts, &policy);
	order_allow(d, &l->state, rota_burn_floor(&l->state, &s.facts, ROTA_COUNTER_EPOCH), &order,
		&policy);
	if (!choose(d, l, &policy, out))
		return false;
	(void)mkdirat(d->fd, ROTA_LAYOUT_RUN, 0755); /* may be on a file system that starts empty */
	settle_end(d, l, out, &s);
	note_booted(d, out); /* last: what it tells of runs now */
	return true;
}

bool boot_load(struct device *d, struct loaded *out)
{
	struct rota_layout_state l;
	enum rota_err err;
	bool good;

	*out = (struct loaded){ .count = 0 };
	for (uint8_t i = 0; i < ROTA_SET_MAX; i++)
		out->image[i].fd = -1;
	err = rota_layout_state_open(&l, d->fd);
	if (err != ROTA_OK) {
		say("%s/%s: %s; the factory formats the flash (`rota factory enrol --image`)",
			d->path, ROTA_LAYOUT_JOURNAL, rota_err_str(err));
		return false;
	}
	good = load_from(d, &l, out);
	rota_layout_state_close(&l);
	if (good)
		say_boot(d, out);
	else
		boot_unload(out);
	return good;
}

void boot_unload(struct loaded *set)
{
	for (uint8_t i = 0; i < ROTA_SET_MAX; i++)
		unload(&set->image[i]);
}

/* ---- becoming the image ---- */

#define ENV_MAX (11 + ROTA_SET_MAX - 1)

struct env {
	char text[ENV_MAX][sizeof(((struct device *)0)->path) + 32];
	char *list[ENV_MAX + 1];
	size_t count;
};

static void __attribute__((format(printf, 2, 3))) add(struct env *env, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(env->text[env->count], sizeof(env->text[0]), format, args);
	va_end(args);
	env->list[env->count] = env->text[env->count];
	env->list[++env->count] = NULL;
}

/* The descriptors of the other components outlive the exec. */
static bool hand_on(struct env *env, const struct device *d, const struct loaded *set)
{
	char variable[ROTA_COMPONENTS_VARIABLE_MAX];

	for (uint8_t i = 1; i < set->count; i++) {
		if (fcntl(set->image[i].fd, F_SETFD, 0) != 0)
			return false;
		rota_components_variable(&d->set, i, variable);
		add(env, "%s=%d", variable, set->image[i].fd);
	}
	return true;
}

static void describe(struct env *env, const struct device *d, const struct loaded *set)
{
	char version[VERSION_TEXT], digest[65];

	version_text(set->image[0].info.version, version);
	digest_text(set->image[0].info.digest, digest);
	add(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	add(env, "ROTA_DEVICE=%s", d->path);
	add(env, "ROTA_RUN=%s/" ROTA_LAYOUT_RUN, d->path);
	add(env, "ROTA_DEVICE_ID=%.*s", (int)d->rom.rom.device_id.len,
		(const char *)d->rom.rom.device_id.p);
	add(env, "ROTA_PRODUCT=%.*s", (int)d->rom.rom.product.len,
		(const char *)d->rom.rom.product.p);
	add(env, "ROTA_SLOT=%u", set->image[0].place);
	add(env, "ROTA_BOOT=%u", d->boot);
	add(env, "ROTA_BOOT_KIND=%s", rota_boot_kind_name(set->kind));
	add(env, "ROTA_IMAGE_VERSION=%s", version);
	add(env, "ROTA_IMAGE_DIGEST=%s", digest);
	add(env, "ROTA_BOOT_MODE=%s",
		set->turn.act == ROTA_WATCHDOG_RUN_UPDATER ? "updater" : "application");
}

void boot_exec(const struct device *d, const struct loaded *set)
{
	static struct env env; /* large, and used once: the process is replaced */
	char product[ROTA_NAME_MAX + 1] = "";
	char *argv[] = { product, NULL };

	memcpy(product, d->rom.rom.product.p, d->rom.rom.product.len);
	describe(&env, d, set);
	if (hand_on(&env, d, set))
		(void)fexecve(set->image[0].fd, argv, env.list);
	say("slot %u: the payload cannot be executed: %s", set->image[0].place, strerror(errno));
}
