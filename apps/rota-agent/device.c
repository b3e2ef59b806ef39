/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/device.h"
#include "host/base/digest.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/slots_boot/booted.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

/* ---- ROM ---- */

static enum rota_err same(const struct agent_config *c, const char *key, const char *configured,
	struct rota_span burnt, struct rota_fail *why)
{
	if (rota_span_eq(rota_span_cstr(configured), burnt))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT, "%s line %u: [device] %s = %s, but %s says %.*s",
		c->ini.path, rota_ini_line(&c->ini, "device", key), key, configured, c->rom,
		(int)burnt.len, (const char *)burnt.p);
}

static enum rota_err read_rom(struct agent_device *d, struct rota_fail *why)
{
	const struct agent_config *c = d->config;
	enum rota_err err;

	ROTA_TRY(rota_file_read(c->rom, ROTA_ROM_MAX, &d->rom_record, why));
	err = rota_rom_decode(rota_bytes_span(&d->rom_record), &d->rom);
	if (err != ROTA_OK)
		return rota_fail(why, err,
			"%s is no ROM record (SPEC 12): %s; take the one that the factory made",
			c->rom, rota_err_str(err));
	ROTA_TRY(same(c, "product", c->product, d->rom.product, why));
	return same(c, "hardware", c->hardware, d->rom.hardware, why);
}

static struct rota_span optional(const char *text)
{
	return text ? rota_span_cstr(text) : rota_span(NULL, 0);
}

/* SPEC 22.4. What the factory wrote and this release does not understand stops it, as all of the record. */
static enum rota_err read_demand(struct agent_device *d, struct rota_fail *why)
{
	enum rota_err err;

	if (d->rom.demand.len == 0)
		return ROTA_OK;
	err = rota_log_demand_read(&rota_crypto_openssl, d->rom.demand, &d->log_demand);
	if (err != ROTA_OK)
		return rota_fail(
			why, err, "%s: log and witnesses: %s", d->config->rom, rota_err_str(err));
	d->demand = (struct rota_update_demand){
		.of = &d->log_demand, .calls = &rota_logproof_calls, .room = &d->proof
	};
	return ROTA_OK;
}

/* Devices of channel ci take releases that the role ci signs; no other device follows that role. */
static void describe(struct agent_device *d)
{
	const struct agent_config *c = d->config;
	bool ci = strcmp(c->channel, "ci") == 0;

	d->device = (struct rota_device){
		.product = d->rom.product,
		.hardware = d->rom.hardware,
		.channel = rota_span_cstr(c->channel),
		.group = optional(c->group),
		.region = optional(c->region),
		.id = d->rom.device_id,
		.spki = d->rom.idevid_spki,
		.release_role = ci ? ROTA_STR("ci") : ROTA_STR("releases"),
	};
}

enum rota_err agent_factory_root(
	const struct agent_device *d, struct rota_bytes *root, struct rota_fail *why)
{
	uint8_t digest[ROTA_DIGEST_LEN];

	ROTA_TRY(rota_file_read(d->config->root, AGENT_ROOT_MAX, root, why));
	rota_digest_of(rota_bytes_span(root), digest);
	if (rota_span_eq(ROTA_SPAN(digest), d->rom.root_sha256))
		return ROTA_OK;
	rota_bytes_free(root);
	return rota_fail(why, ROTA_ERR_HASH,
		"%s is not the root that %s names (SPEC 12.1); take the one of this device's "
		"factory",
		d->config->root, d->config->rom);
}

/* ---- counters ---- */

/* Where the ROM record says that there are counters, there are: no line of the configuration takes them away. */
static enum rota_err open_counters(struct agent_device *d, struct rota_fail *why)
{
	const struct agent_config *c = d->config;

	if (c->tpm && !d->rom.nv_have && d->rom.rot != ROTA_ROT_TPM)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"%s line %u: [device] tpm, but %s names no counters and no keys in one: "
			"the "
			"factory makes them, see rota factory enrol --tpm",
			c->ini.path, rota_ini_line(&c->ini, "device", "tpm"), c->rom);
	if (!d->rom.nv_have)
		return ROTA_OK;
	rota_counter_tpm_init(&d->tpm, c->tpm ? c->tpm : AGENT_TPM_USUAL, &d->rom);
	d->counter = &d->tpm.port;
	return ROTA_OK;
}

static enum rota_err look_tpm(const struct agent_config *c, const char *tcti, struct rota_fail *why)
{
	struct rota_tpm2 tpm;
	enum rota_err err = rota_tpm2_open(&tpm, tcti);

	if (err == ROTA_OK) {
		rota_tpm2_close(&tpm);
		return ROTA_OK;
	}
	if (!c->tpm)
		return rota_fail(why, err,
			"%s names counters or keys in a TPM, and none answers at %s; say [device] "
			"tpm = "
			"TCTI in %s where it is elsewhere",
			c->rom, tcti, c->ini.path);
	return rota_fail(why, err,
		"%s line %u: [device] tpm = %s: no TPM answers there; is the path right, and "
		"may this user open it?",
		c->ini.path, rota_ini_line(&c->ini, "device", "tpm"), tcti);
}

enum rota_err agent_config_there(const struct agent_config *c, struct rota_fail *why)
{
	for (uint8_t i = 0; i < c->slot_count; i++)
		ROTA_TRY(agent_hooks_look(c, &c->slot[i], why));
	return c->tpm ? look_tpm(c, c->tpm, why) : ROTA_OK;
}

enum rota_err agent_device_tpm(const struct agent_device *d, struct rota_fail *why)
{
	const char *tcti = d->config->tpm ? d->config->tpm : AGENT_TPM_USUAL;

	return d->counter || d->rom.rot == ROTA_ROT_TPM ? look_tpm(d->config, tcti, why) : ROTA_OK;
}

/* ---- slots ---- */

static bool is_same(const struct rota_slots_boot *b, const char *at)
{
	struct stat one, other;

	return fstat(b->device_fd, &one) == 0 && stat(at, &other) == 0 &&
		one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* The device, opened once for all its slots. */
static enum rota_err open_boot(
	struct agent_device *d, const struct agent_slot *s, uint8_t *boot, struct rota_fail *why)
{
	enum rota_err err;

	for (*boot = 0; *boot < d->boots_count; (*boot)++) {
		if (is_same(&d->boots[*boot], s->at))
			return ROTA_OK;
	}
	err = rota_slots_boot_open(&d->boots[*boot], s->at);
	if (err != ROTA_OK)
		return rota_fail(why, err, "[slot %s] device = %s cannot be opened: %s", s->name,
			s->at, rota_err_str(err));
	d->boots_count++;
	return ROTA_OK;
}

/* A component is found by the slot's name, and each by one slot. */
static enum rota_err open_component(struct agent_device *d, const struct agent_slot *s,
	struct agent_slots *backend, const struct rota_slots **port, struct rota_fail *why)
{
	struct rota_slots_boot *b;
	uint8_t component;

	ROTA_TRY(open_boot(d, s, &backend->boot, why));
	b = &d->boots[backend->boot];
	if (rota_components_find(&b->components, rota_span_cstr(s->name), &component) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"[slot %s] device = %s has no component of this name; its flash folder "
			"names them",
			s->name, s->at);
	*port = &b->member[component].port;
	d->boot = &b->access.port;
	for (uint8_t i = 0; i < d->slots_count; i++) {
		if (d->hooks[i].inner == *port)
			return rota_fail(why, ROTA_ERR_FORMAT,
				"[slot %s] device = %s has one component, which another slot "
				"names already",
				s->name, s->at);
	}
	return ROTA_OK;
}

const struct rota_slots_boot *agent_slots_boot(const struct agent_device *d, uint8_t slot)
{
	return &d->boots[d->backend[slot].boot];
}

static enum rota_err open_exec(
	const struct agent_slot *s, struct rota_slots_exec *e, struct rota_fail *why)
{
	const struct rota_slots_exec_config config = {
		.script = s->at,
		.dir = s->directory,
		.name = s->name,
		.deadline_ms = (uint32_t)s->timeout_s * 1000,
	};
	enum rota_err err = rota_slots_exec_open(e, &config);

	if (err != ROTA_OK)
		return rota_fail(why, err, "[slot %s] script = %s in %s cannot be used: %s",
			s->name, s->at, s->directory, rota_err_str(err));
	return ROTA_OK;
}

static enum rota_err open_slot(
	struct agent_device *d, const struct agent_slot *s, struct rota_fail *why)
{
	struct agent_slots *backend = &d->backend[d->slots_count];
	const struct rota_slots *port = NULL;
	struct agent_hooks *hooks;

	if (s->backend == AGENT_BACKEND_BOOT) {
		ROTA_TRY(open_component(d, s, backend, &port, why));
	} else if (s->backend == AGENT_BACKEND_EXEC) {
		ROTA_TRY(open_exec(s, &backend->exec, why));
		port = &backend->exec.port;
	} else {
		port = &d->loader.group.member[d->loader_count++].port;
	}
	hooks = &d->hooks[d->slots_count];
	d->slots[d->slots_count++] = (struct rota_named_slots){
		.name = rota_span_cstr(s->name),
		.slots = &hooks->port,
	};
	return agent_hooks_init(hooks, port, s, d->config, why);
}

/* ---- recovery orders ---- */

/* They lie beside the boot journal: a device that another boot stage starts takes none. */
static enum rota_err open_orders(
	struct agent_device *d, const struct rota_slots_boot *b, struct rota_fail *why)
{
	enum rota_err err = rota_orders_open(&d->places, b->device_fd);

	if (err != ROTA_OK)
		return rota_fail(why, err, "%s of the device cannot be opened: %s",
			ROTA_LAYOUT_ORDERS, rota_err_str(err));
	d->takes_orders = true;
	d->order = (struct rota_order_config){
		.places = &d->places.port,
		.rom = &d->rom,
		.desk = &d->desk,
		.record = ROTA_BUF(d->record_room),
		.order = ROTA_BUF(d->order_room),
	};
	return ROTA_OK;
}

/* ---- the whole ---- */

static enum rota_err open_all(struct agent_device *d, struct rota_fail *why)
{
	ROTA_TRY(read_rom(d, why));
	ROTA_TRY(read_demand(d, why));
	describe(d);
	ROTA_TRY(open_counters(d, why));
	ROTA_TRY(agent_loader_open(&d->loader, d->config, why));
	for (uint8_t i = 0; i < d->config->slot_count; i++)
		ROTA_TRY(open_slot(d, &d->config->slot[i], why));
	for (uint8_t i = 0; i < d->config->slot_count && !d->takes_orders; i++)
		if (d->config->slot[i].backend == AGENT_BACKEND_BOOT)
			ROTA_TRY(open_orders(d, agent_slots_boot(d, i), why));
	return ROTA_OK;
}

enum rota_err agent_device_open(
	struct agent_device *d, const struct agent_config *config, struct rota_fail *why)
{
	enum rota_err err;

	*d = (struct agent_device){ .config = config,
		.lock_fd = -1,
		.places.fd = -1,
		.flash.fd = -1,
		.log_file.fd = -1,
		.meta.draft.fd = -1 };
	err = open_all(d, why);
	if (err != ROTA_OK)
		agent_device_close(d);
	return err;
}

void agent_device_close(struct agent_device *d)
{
	for (uint8_t i = 0; i < d->slots_count; i++) {
		if (d->config->slot[i].backend == AGENT_BACKEND_EXEC)
			rota_slots_exec_close(&d->backend[i].exec);
	}
	d->slots_count = 0;
	for (uint8_t i = 0; i < d->boots_count; i++)
		rota_slots_boot_close(&d->boots[i]);
	d->boots_count = 0;
	if (d->places.fd >= 0)
		rota_flash_file_close(&d->places);
	d->takes_orders = false;
	agent_loader_close(&d->loader);
	rota_metastore_close(&d->meta);
	if (d->flash.fd >= 0)
		rota_flash_file_close(&d->flash);
	if (d->log)
		rota_flash_file_close(&d->log_file);
	d->log = NULL;
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	d->lock_fd = -1;
	rota_bytes_free(&d->rom_record);
}

const char *agent_device_idle(const struct agent_device *d)
{
	for (uint8_t i = 0; i < d->boots_count; i++)
		if (rota_booted_supervised(d->boots[i].device_fd))
			return "nothing runs just now: rota-boot waits before it boots again, as "
			       "between crashes or for a recovery pack; its messages say why";
	return "nothing runs: the device has to be booted, see rota-boot --supervise";
}

/* ---- clock ---- */

struct rota_time agent_clock_now(enum agent_clock clock)
{
	struct timex kernel = { 0 };
	time_t now = time(NULL);
	bool kept = adjtimex(&kernel) != TIME_ERROR && (kernel.status & STA_UNSYNC) == 0;

	return (struct rota_time){
		.unix_s = now > 0 ? rota_num_nearest((uint64_t)now) : 0,
		.trusted =
			clock == AGENT_CLOCK_SYSTEM || (clock == AGENT_CLOCK_SYNCHRONISED && kept),
	};
}
