/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/log.h"
#include "apps/rota-agent/report.h"
#include "apps/rota-agent/run.h"
#include "host/base/digest.h"
#include "host/base/when.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/posix/fd.h"
#include "rota/codec/version.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG "log.bin"

/* 145 entries a sector: about a thousand in all, which is years of a device's decisions. */
static const struct rota_flash_geometry geometry = {
	.run = { { .sector_len = 16384, .count = 8 } },
	.write_len = 16,
};

static enum rota_err open_file(struct agent_device *d, bool make)
{
	int dir_fd = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum rota_err err = ROTA_OK;

	if (dir_fd < 0)
		return rota_fd_errno(errno);
	if (make && faccessat(dir_fd, LOG, F_OK, 0) != 0)
		err = rota_flash_file_create(dir_fd, LOG, &geometry);
	if (err == ROTA_OK)
		err = rota_flash_file_open(&d->log_file, dir_fd, LOG, &geometry);
	close(dir_fd);
	if (err == ROTA_OK)
		d->log = &d->log_file.port;
	return err;
}

enum rota_err agent_log_open(struct agent_device *d, struct rota_fail *why)
{
	enum rota_err err = open_file(d, true);

	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, err, "%s/" LOG " cannot be used: %s; remove it and a new one begins",
		d->dir, rota_err_str(err));
}

/* ---- what is in it ---- */

static json_t *entry_json(const struct rota_devlog_entry *e)
{
	char when[ROTA_WHEN_LEN], hex[ROTA_DIGEST_HEX];
	uint8_t text[ROTA_VERSION_TEXT_MAX];
	static const uint8_t none[ROTA_SHA256_LEN];
	json_t *to = json_object();

	rota_when_text(e->at_s, when);
	json_object_set_new(to, "number", json_integer((json_int_t)e->number));
	json_object_set_new(to, "at", e->at_s ? json_string(when) : json_null());
	json_object_set_new(to, "seq", json_integer((json_int_t)e->seq));
	json_object_set_new(to, "event", json_string(agent_event_name(e->kind)));
	if (e->version)
		json_object_set_new(to, "version",
			json_stringn((const char *)text, rota_version_format(e->version, text)));
	rota_hex(ROTA_SPAN(e->release), hex);
	if (memcmp(e->release, none, sizeof(none)) != 0)
		json_object_set_new(to, "release", json_string(hex));
	rota_hex(ROTA_SPAN(e->image), hex);
	if (memcmp(e->image, none, sizeof(none)) != 0)
		json_object_set_new(to, "image", json_string(hex));
	json_object_set_new(to, "counter_floor", json_integer((json_int_t)e->counter));
	if (e->clause)
		json_object_set_new(to, "clause",
			json_string(rota_clause_section((enum rota_clause)e->clause)));
	if (e->err)
		json_object_set_new(to, "reason", json_string(rota_err_str((enum rota_err)e->err)));
	return to;
}

static const char *text_of(const json_t *entry, const char *key)
{
	const char *text = json_string_value(json_object_get(entry, key));

	return text ? text : "-";
}

static enum rota_err print_json(void *ctx, const struct rota_devlog_entry *e)
{
	json_t *entry = entry_json(e);

	(void)ctx;
	json_dumpf(entry, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(entry);
	return ROTA_OK;
}

static enum rota_err print_line(void *ctx, const struct rota_devlog_entry *e)
{
	json_t *entry = entry_json(e);

	(void)ctx;
	printf("%6" PRIu64 " %-20s %-11s %-12s %s %s\n", e->number, text_of(entry, "at"),
		text_of(entry, "event"), text_of(entry, "version"),
		e->clause ? text_of(entry, "clause") : "", e->err ? text_of(entry, "reason") : "");
	json_decref(entry);
	return ROTA_OK;
}

static enum rota_err count(void *ctx, const struct rota_devlog_entry *e)
{
	uint64_t *kept = ctx;

	(void)e;
	++*kept;
	return ROTA_OK;
}

/* ---- the verb ---- */

static void say_verified(const struct rota_logged *logged, uint64_t kept, bool json)
{
	char hex[ROTA_DIGEST_HEX];

	rota_hex(ROTA_SPAN(logged->head), hex);
	if (json)
		printf("{\"count\":%" PRIu64 ",\"head\":\"%s\",\"kept\":%" PRIu64 "}\n",
			logged->count, hex, kept);
	else
		printf("%" PRIu64 " entries, %" PRIu64 " of them kept; the chain ends at %s\n",
			logged->count, kept, hex);
}

static enum rota_err open_to_look(struct agent_device *d, struct rota_fail *why)
{
	enum rota_err err = open_file(d, false);

	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, err, "%s/" LOG " cannot be read: %s", d->dir, rota_err_str(err));
}

static enum rota_err walk(struct agent_device *d, const struct rota_logged *logged, void *ctx,
	enum rota_err (*take)(void *ctx, const struct rota_devlog_entry *e), struct rota_fail *why)
{
	enum rota_err err = rota_devlog_read(d->log, &rota_crypto_openssl, logged, ctx, take);

	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, err,
		"%s/" LOG " does not lead to what the journal names: entries were lost or changed",
		d->dir);
}

enum rota_err agent_log_verify(struct agent_device *d, const struct rota_logged *logged,
	uint64_t *kept, struct rota_fail *why)
{
	*kept = 0;
	ROTA_TRY(open_to_look(d, why));
	return walk(d, logged, kept, count, why);
}

static enum rota_err look(struct agent_device *d, const struct agent_config *config, bool json,
	bool verify, struct rota_fail *why)
{
	static struct rota_state state;
	uint64_t kept;

	ROTA_TRY(agent_device_open(d, config, why));
	ROTA_TRY(agent_state_look(d, &state, why));
	if (verify) {
		ROTA_TRY(agent_log_verify(d, &state.logged, &kept, why));
		say_verified(&state.logged, kept, json);
		return ROTA_OK;
	}
	ROTA_TRY(open_to_look(d, why));
	return walk(d, &state.logged, NULL, json ? print_json : print_line, why);
}

int agent_log(const struct agent_config *config, bool json, bool verify)
{
	static struct agent_device device;
	struct rota_fail why;
	enum rota_err err = look(&device, config, json, verify, &why);

	if (err != ROTA_OK)
		fprintf(stderr, "rota-agent: %s%s\n", why.text,
			err == ROTA_ERR_NOT_FOUND ? "; has the agent ever run?" : "");
	agent_device_close(&device);
	return err == ROTA_OK ? AGENT_EXIT_OK : AGENT_EXIT_FAILED;
}
