/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/config.h"
#include "host/base/file.h"
#include "host/base/when.h"
#include "host/vault/vault.h"
#include "ports/tpm2/tpm2.h"
#include "rota/codec/name.h"
#include "rota/codec/purpose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "repository " or "slot " and a name of at most ROTA_NAME_MAX bytes. */
#define SECTION_MAX 64

/* Less would wear the journal, and take longer than what it may save. */
#define RESUME_LEAST 4096

/* A section being read: the first error sticks in `err`, so that a reader can go straight down. */
struct part {
	struct rota_ini *ini;
	const char *section;
	enum rota_err err;
	struct rota_fail *why;
};

/* ---- values ---- */

static void refuse(struct part *p, const char *key, const char *value, const char *want)
{
	if (p->err == ROTA_OK)
		p->err = rota_fail(p->why, ROTA_ERR_FORMAT, "%s line %u: [%s] %s = %s is not %s",
			p->ini->path, rota_ini_line(p->ini, p->section, key), p->section, key,
			value, want);
}

static const char *text(struct part *p, const char *key)
{
	const char *value = rota_ini_get(p->ini, p->section, key);

	if (value && !*value)
		refuse(p, key, "''", "a value; leave the line out where there is none");
	return value;
}

static const char *need(struct part *p, const char *key)
{
	const char *value = NULL;

	if (p->err == ROTA_OK)
		p->err = rota_ini_need(p->ini, p->section, key, &value, p->why);
	return value;
}

/* A name of SPEC 1.2. */
static const char *name(struct part *p, const char *key, bool needed)
{
	const char *value = needed ? need(p, key) : text(p, key);

	if (value && !rota_name_valid(rota_span_cstr(value)))
		refuse(p, key, value,
			"a name: 1 to 32 of a-z 0-9 . _ -, the first a letter or digit");
	return value;
}

static const char *absolute(struct part *p, const char *key, const char *value)
{
	if (value && *value != '/')
		refuse(p, key, value, "an absolute path");
	if (value && strlen(value) >= ROTA_FILE_PATH_MAX / 2)
		refuse(p, key, value, "a path of less than 512 bytes");
	return value;
}

static const char *path(struct part *p, const char *key, bool needed)
{
	return absolute(p, key, needed ? need(p, key) : text(p, key));
}

/* The place of `value` among `words`, which ends with NULL. */
static unsigned word(struct part *p, const char *key, const char *value, const char *const *words)
{
	char all[128] = "one of";

	for (unsigned i = 0; words[i]; i++) {
		size_t len = strlen(all);

		if (value && strcmp(value, words[i]) == 0)
			return i;
		snprintf(all + len, sizeof(all) - len, "%s %s", i ? "," : "", words[i]);
	}
	if (value)
		refuse(p, key, value, all);
	return 0;
}

static bool yes(struct part *p, const char *key)
{
	static const char *const words[] = { "no", "yes", NULL };

	return word(p, key, text(p, key), words) == 1;
}

static uint64_t number(
	struct part *p, const char *key, uint64_t least, uint64_t most, uint64_t usual)
{
	uint64_t value = usual;

	if (p->err == ROTA_OK)
		p->err = rota_ini_number(
			p->ini, p->section, key, least, most, usual, &value, p->why);
	return value;
}

static uint64_t duration(
	struct part *p, const char *key, uint64_t least, uint64_t most, uint64_t usual)
{
	const char *value = text(p, key);
	char from[ROTA_DURATION_LEN], to[ROTA_DURATION_LEN], want[96];
	uint64_t seconds = usual;

	if (!value || (rota_duration_parse(value, &seconds) && seconds >= least && seconds <= most))
		return seconds;
	rota_duration_text(least, from);
	rota_duration_text(most, to);
	snprintf(want, sizeof(want), "a duration from %s to %s, such as 90s, 10m, 24h, 7d", from,
		to);
	refuse(p, key, value, want);
	return usual;
}

static bool is_https(const char *value)
{
	return value && strncmp(value, "https://", 8) == 0;
}

static const char *url(struct part *p, const char *key, const char *value, bool plain)
{
	if (!value || is_https(value))
		return value;
	if (strncmp(value, "http://", 7) != 0)
		refuse(p, key, value, "an https:// url");
	else if (!plain)
		refuse(p, key, value, "an https:// url (plain http needs plain_http = yes)");
	return value;
}

/* ---- sections ---- */

/* The server of targets is that of the metadata, unless another is named. */
static void read_repository(struct part *p, struct agent_config *c)
{
	struct rota_fetch_server *m = &c->metadata;
	const char *other = text(p, "targets_url");

	m->plain = yes(p, "plain_http");
	m->url = url(p, "url", need(p, "url"), m->plain);
	if (other)
		other = url(p, "targets_url", other, m->plain);
	m->ca = path(p, "ca", is_https(m->url) || is_https(other));
	m->proxy = text(p, "proxy");
	c->root = path(p, "root", true);
	c->targets = *m;
	if (other)
		c->targets.url = other;
	if (yes(p, "targets_identity")) {
		c->targets.certificate = c->certificate;
		c->targets.key = c->key;
		c->targets.login = c->login;
	}
}

static void read_server(struct part *p, struct agent_config *c)
{
	const char *ca;

	c->server.url = url(p, "url", text(p, "url"), false);
	ca = path(p, "ca", false);
	c->server.ca = ca ? ca : c->metadata.ca;
	c->server.proxy = text(p, "proxy");
	c->server.certificate = c->certificate;
	c->server.key = c->key;
	c->server.login = c->login;
	if (c->server.url && !c->server.ca)
		(void)need(p, "ca");
}

static void read_device(struct part *p, struct agent_config *c)
{
	static const char *const clocks[] = { "system", "synchronised", "none", NULL };

	c->product = name(p, "product", true);
	c->hardware = name(p, "hardware", true);
	c->channel = name(p, "channel", true);
	c->group = name(p, "group", false);
	c->region = name(p, "region", false);
	c->rom = path(p, "rom", true);
	c->state = path(p, "state", true);
	c->clock = (enum agent_clock)word(p, "clock", text(p, "clock"), clocks);
	c->tpm = text(p, "tpm");
	if (c->tpm && strlen(c->tpm) >= ROTA_TPM2_TCTI_MAX)
		refuse(p, "tpm", c->tpm, "a TCTI of less than 160 bytes");
}

/* Keys as files, or in the root of trust. */
static void read_identity(struct part *p, struct agent_config *c)
{
	c->identity = path(p, "directory", false);
	c->certificate = path(p, "certificate", !c->identity);
	c->key = path(p, "key", !c->identity);
	if (c->identity && (c->certificate || c->key))
		refuse(p, "directory", c->identity,
			"for keys that are files, as the other lines say");
	if (!c->identity || p->err != ROTA_OK)
		return;
	c->login = calloc(1, sizeof(*c->login));
	if (!c->login)
		p->err = rota_fail(p->why, ROTA_ERR_FULL, "out of memory");
}

static void read_root_of_trust(struct part *p, struct agent_config *c)
{
	static const char *const kinds[] = { "tpm", "pkcs11", "soft", NULL };
	const char *kind = text(p, "kind");

	if (kind)
		c->rot = (enum rota_rot_kind)(word(p, "kind", kind, kinds) + ROTA_ROT_TPM);
	if (!c->tpm)
		c->tpm = text(p, "tpm");
	if (c->tpm && strlen(c->tpm) >= ROTA_TPM2_TCTI_MAX)
		refuse(p, "tpm", c->tpm, "a TCTI of less than 160 bytes");
	c->token.module = path(p, "module", false);
	c->token.label = text(p, "token");
	c->token.pin_file = path(p, "pin_file", false);
	c->token.environment = text(p, "environment");
	if (c->token.label && strlen(c->token.label) > 32)
		refuse(p, "token", c->token.label, "a label of at most 32 bytes");
}

/* Words between blanks, no quotes and no shell: what is written is what the program gets. */
static void read_hook(struct part *p, const char *key, struct agent_hook *h)
{
	const char *value = absolute(p, key, text(p, key));
	char *rest = NULL, *at;
	size_t words = 0;

	h->timeout_s = duration(p, "hook_timeout", 1, 86400, 300);
	if (!value || p->err != ROTA_OK)
		return;
	memcpy(h->text, value, strlen(value) + 1);
	for (at = strtok_r(h->text, " \t", &rest); at && words < AGENT_HOOK_WORDS_MAX;
		at = strtok_r(NULL, " \t", &rest))
		h->argv[words++] = at;
	if (at)
		refuse(p, key, value, "a program and at most 15 arguments");
}

static void read_slot(struct part *p, struct agent_slot *s)
{
	static const char *const backends[] = { "boot", "exec", "uboot", "grub", "systemd-boot",
		NULL };

	s->backend = (enum agent_backend)word(p, "backend", need(p, "backend"), backends);
	read_hook(p, "before", &s->before);
	read_hook(p, "after", &s->after);
	if (s->backend == AGENT_BACKEND_BOOT) {
		s->at = path(p, "device", true);
	} else if (s->backend == AGENT_BACKEND_EXEC) {
		s->at = path(p, "script", true);
		s->directory = path(p, "directory", true);
		s->timeout_s = duration(p, "timeout", 1, 3600, 60);
	} else {
		s->place[0] = path(p, "place_a", true);
		s->place[1] = path(p, "place_b", true);
		if (s->place[0] && s->place[1] && strcmp(s->place[0], s->place[1]) == 0)
			refuse(p, "place_b", s->place[1], "another place than place_a");
	}
}

/* One loader starts all that is behind a loader. */
static enum rota_err read_loader(struct agent_config *c, struct part *p)
{
	for (uint8_t i = 0; i < c->slot_count; i++) {
		enum agent_backend backend = c->slot[i].backend;

		if (backend == AGENT_BACKEND_BOOT || backend == AGENT_BACKEND_EXEC)
			continue;
		if (c->loader_backend != AGENT_BACKEND_BOOT && c->loader_backend != backend)
			return rota_fail(p->why, ROTA_ERR_FORMAT,
				"%s: [slot %s] names another boot loader than a slot before it; "
				"one starts a device",
				c->ini.path, c->slot[i].name);
		c->loader_backend = backend;
	}
	if (c->loader_backend == AGENT_BACKEND_BOOT)
		return ROTA_OK;
	c->loader.state = path(p, "state", true);
	c->loader.at =
		path(p, c->loader_backend == AGENT_BACKEND_SDBOOT ? "esp" : "environment", true);
	c->loader.cmdline = path(p, "cmdline", false);
	c->loader.boot_id = path(p, "boot_id", false);
	return p->err;
}

static void read_command(struct part *p, struct agent_command *c, uint64_t usual_s)
{
	c->line = text(p, "command");
	c->timeout_s = duration(p, "timeout", 1, 86400, usual_s);
}

static void read_poll(struct part *p, struct agent_config *c)
{
	c->interval_s = duration(p, "interval", 1, 30 * 86400, 3600);
	c->jitter_percent = number(p, "jitter_percent", 0, 100, 20);
	c->retry_first_s = duration(p, "retry_first", 1, 86400, 30);
	c->retry_most_s = duration(p, "retry_most", 1, 30 * 86400, 3600);
}

static void read_limits(struct part *p, struct agent_config *c)
{
	c->connect_s = duration(p, "connect", 1, 600, 15);
	c->stall_s = duration(p, "stall", 1, 3600, 30);
	c->metadata_s = duration(p, "metadata", 1, 86400, 300);
	c->target_s = duration(p, "target", 1, 30 * 86400, 86400);
	/* below the least, a transfer would count as stalled */
	c->rate = number(p, "rate", 4096, UINT64_C(1) << 40, 0);
	c->outbox = number(p, "outbox", 16, 65536, 512);
	c->resume_every = number(p, "resume_every", 0, UINT64_C(1) << 40, 32 << 20);
	if (c->resume_every > 0 && c->resume_every < RESUME_LEAST)
		refuse(p, "resume_every", text(p, "resume_every"),
			"0 (never), or at least 4096 bytes: each time is a sync and a commit");
	c->tries = number(p, "tries", 1, 100, 5);
}

/* ---- the whole ---- */

static struct part begin(struct rota_ini *ini, const char *section, struct rota_fail *why)
{
	return (struct part){ .ini = ini, .section = section, .err = ROTA_OK, .why = why };
}

/* The one repository that this device follows: the only one, or the one that [device] names. */
static enum rota_err pick_repository(struct agent_config *c, struct rota_fail *why)
{
	const char *wanted = rota_ini_get(&c->ini, "device", "repository");

	c->repository = rota_ini_section(&c->ini, "repository", 0);
	if (!c->repository)
		return rota_fail(
			why, ROTA_ERR_FORMAT, "%s: there is no [repository NAME]", c->ini.path);
	if (!wanted && rota_ini_section(&c->ini, "repository", 1))
		return rota_fail(why, ROTA_ERR_FORMAT,
			"%s: several [repository NAME], so [device] needs 'repository = NAME'",
			c->ini.path);
	for (size_t n = 0; wanted && (c->repository = rota_ini_section(&c->ini, "repository", n));
		n++)
		if (strcmp(c->repository, wanted) == 0)
			break;
	if (!c->repository)
		return rota_fail(why, ROTA_ERR_FORMAT, "%s line %u: there is no [repository %s]",
			c->ini.path, rota_ini_line(&c->ini, "device", "repository"), wanted);
	if (!rota_name_valid(rota_span_cstr(c->repository)))
		return rota_fail(why, ROTA_ERR_FORMAT,
			"%s: [repository %s]: a name is 1 to 32 of a-z 0-9 . _ -", c->ini.path,
			c->repository);
	return ROTA_OK;
}

/* Every repository is read, so that a mistake shows before the day it is switched to; the followed one last,
 * to stay. */
static enum rota_err read_repositories(struct agent_config *c, struct rota_fail *why)
{
	char section[SECTION_MAX];
	const char *each;
	struct part p;

	for (size_t n = 0; (each = rota_ini_section(&c->ini, "repository", n)); n++) {
		snprintf(section, sizeof(section), "repository %s", each);
		p = begin(&c->ini, section, why);
		read_repository(&p, c);
		ROTA_TRY(p.err);
	}
	snprintf(section, sizeof(section), "repository %s", c->repository);
	p = begin(&c->ini, section, why);
	read_repository(&p, c);
	return p.err;
}

static enum rota_err read_slots(struct agent_config *c, struct rota_fail *why)
{
	const char *each;

	for (size_t n = 0; (each = rota_ini_section(&c->ini, "slot", n)); n++) {
		struct agent_slot *s = &c->slot[c->slot_count];
		char section[SECTION_MAX];
		struct part p = begin(&c->ini, section, why);

		if (c->slot_count == AGENT_SLOTS_MAX || !rota_name_valid(rota_span_cstr(each)))
			return rota_fail(why, ROTA_ERR_FORMAT,
				"%s: [slot %s]: at most %d slots, each with a name of 1 to 32 of "
				"a-z "
				"0-9 . _ -",
				c->ini.path, each, AGENT_SLOTS_MAX);
		snprintf(section, sizeof(section), "slot %s", each);
		s->name = each;
		read_slot(&p, s);
		ROTA_TRY(p.err);
		c->slot_count++;
	}
	if (c->slot_count == 0)
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: there is no [slot NAME]", c->ini.path);
	return ROTA_OK;
}

static const char *const vault_kinds[] = { "file", "sqlite", NULL };

static enum rota_err read_vaults(struct agent_config *c, struct rota_fail *why)
{
	const char *each;

	for (size_t n = 0; (each = rota_ini_section(&c->ini, "vault", n)); n++) {
		struct agent_vault *v = &c->vault[c->vault_count];
		char section[SECTION_MAX];
		struct part p = begin(&c->ini, section, why);
		const char *purpose;

		if (c->vault_count == AGENT_VAULTS_MAX || !rota_name_valid(rota_span_cstr(each)))
			return rota_fail(why, ROTA_ERR_FORMAT,
				"%s: [vault %s]: at most %d vaults, each with a name of 1 to 32 of "
				"a-z 0-9 . _ -",
				c->ini.path, each, AGENT_VAULTS_MAX);
		snprintf(section, sizeof(section), "vault %s", each);
		v->name = each;
		v->path = path(&p, "path", true);
		purpose = text(&p, "purpose");
		v->purpose = rota_purpose_of(rota_span_cstr(purpose ? purpose : "storage"));
		if (v->purpose == 0)
			refuse(&p, "purpose", purpose, "a purpose: telemetry, link, storage");
		v->sqlite = word(&p, "kind", text(&p, "kind"), vault_kinds) == 1;
		v->records = (uint32_t)number(&p, "records", 1, ROTA_VAULT_RECORDS_MAX, 10000);
		v->length = (uint32_t)number(&p, "length", 1, AGENT_RECORD_MAX, 1024);
		ROTA_TRY(p.err);
		c->vault_count++;
	}
	return ROTA_OK;
}

static enum rota_err read_all(struct agent_config *c, struct rota_fail *why)
{
	struct part identity = begin(&c->ini, "identity", why);
	struct part device = begin(&c->ini, "device", why);
	struct part rot = begin(&c->ini, "root_of_trust", why);
	struct part server = begin(&c->ini, "server", why);
	struct part loader = begin(&c->ini, "loader", why);
	struct part health = begin(&c->ini, "health", why);
	struct part reboot = begin(&c->ini, "reboot", why);
	struct part recovery = begin(&c->ini, "recovery", why);
	struct part poll = begin(&c->ini, "poll", why);
	struct part limits = begin(&c->ini, "limits", why);

	read_identity(&identity, c); /* first: others refer to it */
	ROTA_TRY(identity.err);
	ROTA_TRY(pick_repository(c, why));
	ROTA_TRY(read_repositories(c, why));
	read_device(&device, c);
	ROTA_TRY(device.err);
	read_root_of_trust(&rot, c);
	ROTA_TRY(rot.err);
	ROTA_TRY(read_slots(c, why));
	ROTA_TRY(read_vaults(c, why));
	ROTA_TRY(read_loader(c, &loader));
	read_server(&server, c);
	ROTA_TRY(server.err);
	read_command(&health, &c->health, 60);
	ROTA_TRY(health.err);
	read_command(&reboot, &c->reboot, 300);
	ROTA_TRY(reboot.err);
	c->recovery = path(&recovery, "file", false);
	ROTA_TRY(recovery.err);
	read_poll(&poll, c);
	ROTA_TRY(poll.err);
	read_limits(&limits, c);
	ROTA_TRY(limits.err);
	return rota_ini_all_used(&c->ini, why);
}

enum rota_err agent_config_load(const char *file, struct agent_config *c, struct rota_fail *why)
{
	enum rota_err err;

	*c = (struct agent_config){ 0 };
	ROTA_TRY(rota_ini_load(file, &c->ini, why));
	err = read_all(c, why);
	if (err != ROTA_OK)
		agent_config_free(c);
	return err;
}

void agent_config_free(struct agent_config *c)
{
	rota_ini_free(&c->ini);
	free(c->login);
	*c = (struct agent_config){ 0 };
}
