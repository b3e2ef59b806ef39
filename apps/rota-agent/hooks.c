/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/hooks.h"
#include "apps/rota-agent/say.h"
#include "host/agent/command.h"
#include "host/base/bytes.h"
#include "ports/posix/posix.h"
#include "ports/slots_part/machine.h"
#include "rota/codec/name.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATUS_HOLD 75 /* EX_TEMPFAIL of sysexits.h */

static void say_hook(const struct agent_hooks *h, const char *when, int status, const char *verdict,
	const char *detail)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", status);
	say("hook",
		(struct say_field[]){ { "slot", h->slot->name }, { "when", when },
			{ "verdict", verdict }, { "status", status < 0 ? NULL : text },
			{ "detail", detail }, { NULL, NULL } });
}

/* The image of an order was held up so often that it no longer matters. A signal to the agent is no hold. */
static bool overruled(const struct agent_hooks *h)
{
	char boot[ROTA_BOOT_ID_LEN] = "-";
	struct rota_fail why;
	bool over = false;

	if (!h->update || !rota_update_ordering(h->update) || (h->stop && *h->stop))
		return false;
	if (rota_machine_boot(ROTA_MACHINE_BOOT_ID, boot) != ROTA_OK)
		snprintf(boot, sizeof(boot), "-");
	if (rota_patience_held(h->patience, h->digest, boot,
		    rota_uptime_posix.seconds(rota_uptime_posix.ctx), &over, &why) != ROTA_OK)
		say("warning",
			(struct say_field[]){
				{ "step", "hook" }, { "reason", why.text }, { NULL, NULL } });
	return over;
}

/* What its status, and how it came to its end, say; and what becomes of that. */
static enum rota_err judge(const struct agent_hooks *h, const char *when, int status,
	enum rota_err err, const char *detail)
{
	bool hold = status == STATUS_HOLD || err == ROTA_ERR_BUSY;

	if (err == ROTA_OK) {
		say_hook(h, when, status, "go on", NULL);
		return ROTA_OK;
	}
	if (overruled(h)) {
		say_hook(h, when, status, "overruled", detail);
		return ROTA_OK;
	}
	say_hook(h, when, status, hold ? "hold" : "refused", detail);
	return hold ? ROTA_ERR_BUSY : ROTA_ERR_DENIED;
}

static enum rota_err run(
	const struct agent_hooks *h, const char *when, const struct agent_hook *hook)
{
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char locale[] = "LC_ALL=C";
	char name[64], which[32], product[64], digest[16 + 2 * ROTA_SHA256_LEN], length[48];
	char hex[2 * ROTA_SHA256_LEN + 1];
	char *env[] = { path, locale, which, name, product, digest, length, NULL };
	struct rota_fail why = { 0 };
	enum rota_err err;
	int status;

	if (!hook->argv[0])
		return ROTA_OK;
	rota_hex(ROTA_SPAN(h->digest), hex);
	snprintf(which, sizeof(which), "ROTA_HOOK=%s", when);
	snprintf(name, sizeof(name), "ROTA_SLOT_NAME=%s", h->slot->name);
	snprintf(product, sizeof(product), "ROTA_PRODUCT=%s", h->product);
	snprintf(digest, sizeof(digest), "ROTA_DIGEST=%s", hex);
	snprintf(length, sizeof(length), "ROTA_LENGTH=%" PRIu64, h->length);
	err = rota_command_exec(hook->argv, env, (uint32_t)hook->timeout_s, h->stop, &status, &why);
	return judge(h, when, status, err, why.text);
}

/* ---- the port: what has no hook is handed on ---- */

static enum rota_err hooked_begin(
	void *ctx, const uint8_t digest[static ROTA_SHA256_LEN], uint64_t length, uint64_t *durable)
{
	struct agent_hooks *h = ctx;

	memcpy(h->digest, digest, ROTA_SHA256_LEN);
	h->length = length;
	ROTA_TRY(run(h, "before", &h->slot->before));
	return h->inner->begin(h->inner->ctx, digest, length, durable);
}

static enum rota_err hooked_finish(void *ctx, uint64_t len)
{
	struct agent_hooks *h = ctx;

	ROTA_TRY(h->inner->finish(h->inner->ctx, len));
	return len == h->length ? run(h, "after", &h->slot->after) : ROTA_OK;
}

static enum rota_err hooked_inactive(void *ctx, struct rota_slot *out)
{
	const struct agent_hooks *h = ctx;

	return h->inner->inactive(h->inner->ctx, out);
}

static enum rota_err hooked_write(void *ctx, uint64_t off, struct rota_span data)
{
	const struct agent_hooks *h = ctx;

	return h->inner->write(h->inner->ctx, off, data);
}

static enum rota_err hooked_read(void *ctx, uint64_t off, struct rota_buf to)
{
	const struct agent_hooks *h = ctx;

	return h->inner->read(h->inner->ctx, off, to);
}

static enum rota_err hooked_trial(void *ctx, const uint8_t digest[static ROTA_SHA256_LEN])
{
	const struct agent_hooks *h = ctx;

	return h->inner->trial(h->inner->ctx, digest);
}

static enum rota_err hooked_booted(void *ctx, struct rota_booted *out)
{
	const struct agent_hooks *h = ctx;

	return h->inner->booted(h->inner->ctx, out);
}

static enum rota_err hooked_confirm(void *ctx)
{
	const struct agent_hooks *h = ctx;

	return h->inner->confirm(h->inner->ctx);
}

static enum rota_err hooked_revert(void *ctx)
{
	const struct agent_hooks *h = ctx;

	return h->inner->revert(h->inner->ctx);
}

/* ---- start ---- */

static enum rota_err look(const struct agent_config *c, const struct agent_slot *slot,
	const char *key, const char *program, struct rota_fail *why)
{
	char section[sizeof("slot ") + ROTA_NAME_MAX];
	struct stat st;

	if (!program)
		return ROTA_OK;
	if (stat(program, &st) == 0 && S_ISDIR(st.st_mode))
		errno = EISDIR;
	else if (access(program, X_OK) == 0)
		return ROTA_OK;
	snprintf(section, sizeof(section), "slot %s", slot->name);
	return rota_fail_errno(why, errno,
		"%s line %u: [%s] %s = %s cannot be run; install it, make it executable, or take "
		"the line out",
		c->ini.path, rota_ini_line(&c->ini, section, key), section, key, program);
}

enum rota_err agent_hooks_look(
	const struct agent_config *c, const struct agent_slot *slot, struct rota_fail *why)
{
	ROTA_TRY(look(c, slot, "before", slot->before.argv[0], why));
	return look(c, slot, "after", slot->after.argv[0], why);
}

enum rota_err agent_hooks_init(struct agent_hooks *h, const struct rota_slots *inner,
	const struct agent_slot *slot, const struct agent_config *c, struct rota_fail *why)
{
	*h = (struct agent_hooks){ .inner = inner, .slot = slot, .product = c->product };
	h->port = (struct rota_slots){
		.ctx = h,
		.set = inner->set,
		.inactive = hooked_inactive,
		.begin = hooked_begin,
		.write = hooked_write,
		.finish = hooked_finish,
		.read = inner->read ? hooked_read : NULL,
		.trial = hooked_trial,
		.booted = hooked_booted,
		.confirm = hooked_confirm,
		.revert = hooked_revert,
	};
	return agent_hooks_look(c, slot, why);
}
