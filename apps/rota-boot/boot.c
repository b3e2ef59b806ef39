/* SPDX-License-Identifier: Apache-2.0 */
/* The payload is written to anonymous memory as it is hashed and sealed once the verdict is good: nobody,
 * not even its owner, can change it after that, and it is that memory which is executed. */
#include "apps/rota-boot/boot.h"
#include "apps/rota-boot/order.h"
#include "apps/rota-boot/settle.h"
#include "boot/choice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3; where a system forbids executable memory files by default */
#endif

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int new_memory(void)
{
	int fd = memfd_create("rota-image", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	if (fd < 0 && errno == EINVAL) /* an older kernel: executable anyway */
		fd = memfd_create("rota-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

void say_refused(uint8_t slot, enum rota_err err, uint8_t clause, const char *why)
{
	const char *text = why != NULL ? why : rota_err_str(err);

	if (clause != 0)
		say("slot %u refused: %s (SPEC 6.%u)", slot, text, clause);
	else
		say("slot %u refused: %s", slot, text);
}

static enum rota_err verify_into(struct device *d, int slot_fd, uint8_t slot, const uint8_t *digest,
	const struct rota_boot_policy *policy, struct loaded *out)
{
	struct rota_source_file source;
	struct rota_image im = { .clause = 0 };
	enum rota_err err;

	rota_source_file(&source, slot_fd, out->fd);
	err = rota_source_verify(
		&source, policy, rota_buf(d->room, ROTA_SOURCE_PIECE), &im, &out->keys);
	if (err == ROTA_OK && digest != NULL &&
		memcmp(im.info.digest, digest, ROTA_SHA256_LEN) != 0) {
		source.why = "another image than the boot state names (SPEC 10.2)";
		err = ROTA_ERR_HASH;
	}
	if (err == ROTA_OK && fcntl(out->fd, F_ADD_SEALS, SEALS) != 0) {
		source.why = "the memory cannot be sealed";
		err = ROTA_ERR_IO;
	}
	if (err != ROTA_OK)
		say_refused(slot, err, im.clause, source.why);
	out->info = im.info;
	return err;
}

/* Load what is asked for; true when it may run. */
static bool load_slot(struct device *d, const struct rota_boot_choice *ask,
	const struct rota_boot_policy *policy, struct loaded *out)
{
	int slot_fd = openat(d->fd, rota_layout_slot(ask->place), O_RDONLY | O_CLOEXEC);
	enum rota_err err = ROTA_ERR_IO;

	boot_unload(out);
	out->fd = new_memory();
	if (slot_fd < 0 || out->fd < 0)
		say("slot %u: %s", ask->place, strerror(errno));
	else
		err = verify_into(d, slot_fd, ask->place, ask->digest, policy, out);
	if (slot_fd >= 0)
		(void)close(slot_fd);
	if (err != ROTA_OK)
		boot_unload(out);
	return err == ROTA_OK;
}

/* SPEC 10.2. False: nothing may run. */
static bool choose(struct device *d, struct rota_layout_state *l,
	const struct rota_boot_policy *policy, struct loaded *out)
{
	struct rota_boot_facts facts = { .unnoted = false };
	struct rota_boot_choice choice;
	enum rota_boot_verdict verdict;

	while ((verdict = rota_boot_choose(&l->state, &facts, &choice)) != ROTA_BOOT_REFUSE) {
		struct rota_layout_state before = *l;
		enum rota_err err = ROTA_OK;

		if (verdict == ROTA_BOOT_VERIFY) {
			*choice.fact =
				load_slot(d, &choice, policy, out) ? ROTA_BOOT_YES : ROTA_BOOT_NO;
			continue;
		}
		l->state = choice.next;
		if (choice.commit)
			err = rota_layout_state_commit(l);
		out->slot = choice.places & 1;
		out->kind = choice.kind;
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

/* Say in run/booted what runs. Where that cannot be written the image runs all the same; it cannot be
 * confirmed, which is the safe side. */
static void note_booted(struct device *d, const struct loaded *image)
{
	struct rota_booted_file file = {
		.booted = { .id = image->slot, .kind = image->kind, .unknown = image->unknown },
		.version = image->info.version,
		.boot = ++d->boot,
	};
	enum rota_err err;

	memcpy(file.booted.digest, image->info.digest, ROTA_SHA256_LEN);
	err = rota_booted_write(d->fd, &file);
	if (err == ROTA_OK)
		return;
	say("%s/%s: %s", d->path, ROTA_LAYOUT_BOOTED, rota_err_str(err));
	rota_booted_remove(d->fd); /* it tells of an earlier boot */
}

static void say_boot(const struct device *d, const struct loaded *image)
{
	char version[ROTA_BOOTED_FILE_MAX], digest[65];

	version_text(image->info.version, version);
	digest_text(image->info.digest, digest);
	say("boot %u: slot %u, %s, version %s, image %.16s...%s", d->boot, image->slot,
		rota_boot_kind_name(image->kind), version, digest,
		image->turn.act == ROTA_WATCHDOG_RUN_UPDATER ? ", the updater alone" : "");
}

bool boot_load(struct device *d, struct loaded *out)
{
	struct rota_boot_policy policy;
	struct rota_layout_state l;
	struct settled s = { .restored = false };
	struct order_in_force order;
	enum rota_err err;
	bool good;

	*out = (struct loaded){ .fd = -1 };
	err = rota_layout_state_open(&l, d->fd);
	if (err != ROTA_OK) {
		say("%s/%s: %s; the factory formats the flash (`rota factory enrol --image`)",
			d->path, ROTA_LAYOUT_JOURNAL, rota_err_str(err));
		return false;
	}
	settle_turn(d, &l, &out->turn);
	settle_policy(d, &l.state, &s.facts, &policy);
	order_allow(d, &l.state, rota_burn_floor(&l.state, &s.facts, ROTA_COUNTER_EPOCH), &order,
		&policy);
	good = choose(d, &l, &policy, out);
	if (good) {
		(void)mkdirat(d->fd, ROTA_LAYOUT_RUN,
			0755); /* may be on a file system that starts empty */
		settle_end(d, &l, out, &s);
		note_booted(d, out); /* last: what it tells of runs now */
	}
	rota_layout_state_close(&l);
	if (good)
		say_boot(d, out);
	else
		boot_unload(out);
	return good;
}

void boot_unload(struct loaded *image)
{
	if (image->fd >= 0)
		(void)close(image->fd);
	image->fd = -1;
}

/* ---- becoming the image ---- */

#define ENV_MAX 13

struct env {
	char text[ENV_MAX][sizeof(((struct device *)0)->path) + 32];
	char *list[ENV_MAX + 1];
	size_t count;
};

static void __attribute__((format(printf, 2, 3))) set(struct env *env, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(env->text[env->count], sizeof(env->text[0]), format, args);
	va_end(args);
	env->list[env->count] = env->text[env->count];
	env->list[++env->count] = NULL;
}

void boot_exec(const struct device *d, const struct loaded *image)
{
	static struct env env; /* large, and used once: the process is replaced */
	char version[ROTA_BOOTED_FILE_MAX], digest[65], product[ROTA_NAME_MAX + 1] = "";
	char *argv[] = { product, NULL };

	version_text(image->info.version, version);
	digest_text(image->info.digest, digest);
	memcpy(product, d->rom.rom.product.p, d->rom.rom.product.len);
	set(&env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	set(&env, "ROTA_DEVICE=%s", d->path);
	set(&env, "ROTA_RUN=%s/" ROTA_LAYOUT_RUN, d->path);
	set(&env, "ROTA_DEVICE_ID=%.*s", (int)d->rom.rom.device_id.len,
		(const char *)d->rom.rom.device_id.p);
	set(&env, "ROTA_PRODUCT=%s", product);
	set(&env, "ROTA_SLOT=%u", image->slot);
	set(&env, "ROTA_BOOT=%u", d->boot);
	set(&env, "ROTA_BOOT_KIND=%s", rota_boot_kind_name(image->kind));
	set(&env, "ROTA_IMAGE_VERSION=%s", version);
	set(&env, "ROTA_IMAGE_DIGEST=%s", digest);
	set(&env, "ROTA_BOOT_MODE=%s",
		image->turn.act == ROTA_WATCHDOG_RUN_UPDATER ? "updater" : "application");
	(void)fexecve(image->fd, argv, env.list);
	say("slot %u: the payload cannot be executed: %s", image->slot, strerror(errno));
}
