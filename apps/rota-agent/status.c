/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/status.h"
#include "apps/rota-agent/binding.h"
#include "apps/rota-agent/device.h"
#include "apps/rota-agent/held.h"
#include "apps/rota-agent/rot.h"
#include "apps/rota-agent/run.h"
#include "host/base/when.h"
#include "ports/slots_boot/booted.h"
#include "rota/codec/version.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the recovery order that this device follows. */
static const char *const order_phases[] = {
	[ROTA_ORDER_NONE_YET] = "none",
	[ROTA_ORDER_STORED] = "being followed",
	[ROTA_ORDER_TRIAL] = "being followed",
	[ROTA_ORDER_CONFIRMED] = "being followed",
	[ROTA_ORDER_DONE] = "done",
	[ROTA_ORDER_FAILED] = "failed: its image was never well, the one before runs",
};

static const char *const phases[] = {
	[ROTA_INSTALL_NONE] = "none",
	[ROTA_INSTALL_WRITING] = "writing",
	[ROTA_INSTALL_WRITTEN] = "written",
	[ROTA_INSTALL_TRIAL] = "trial asked for",
	[ROTA_INSTALL_BOOTED] = "trial runs",
	[ROTA_INSTALL_CONFIRM] = "confirming",
	[ROTA_INSTALL_REVERT] = "reverting",
};

static void put_version(json_t *to, const char *key, uint64_t version)
{
	uint8_t text[ROTA_VERSION_TEXT_MAX];
	size_t len = rota_version_format(version, text);

	if (version)
		json_object_set_new(to, key, json_stringn((const char *)text, len));
}

static void put_time(json_t *to, const char *key, uint64_t at)
{
	char text[ROTA_WHEN_LEN];

	rota_when_text(at, text);
	if (at)
		json_object_set_new(to, key, json_string(text));
}

static void put_digest(json_t *to, const char *key, const uint8_t digest[static ROTA_SHA256_LEN])
{
	static const uint8_t zeros[ROTA_SHA256_LEN];
	char text[2 * ROTA_SHA256_LEN + 1];

	rota_hex(rota_span(digest, ROTA_SHA256_LEN), text);
	if (memcmp(digest, zeros, sizeof(zeros)) != 0)
		json_object_set_new(to, key, json_string(text));
}

static void put_number(json_t *to, const char *key, uint64_t value)
{
	json_object_set_new(to, key, json_integer((json_int_t)value));
}

static void put_text(json_t *to, const char *key, struct rota_span text)
{
	json_object_set_new(to, key, json_stringn((const char *)text.p, text.len));
}

static void put_slots(json_t *to, const struct agent_device *d)
{
	for (uint8_t i = 0; i < d->slots_count; i++) {
		const struct rota_slots *slots = d->slots[i].slots;
		struct rota_booted booted;
		enum rota_err err = slots->booted(slots->ctx, &booted);
		json_t *slot = json_object();

		put_text(slot, "name", d->slots[i].name);
		if (err == ROTA_OK) {
			put_number(slot, "runs", booted.id);
			json_object_set_new(
				slot, "as", json_string(rota_boot_kind_name(booted.kind)));
			put_digest(slot, "image", booted.digest);
		} else {
			json_object_set_new(slot, "error", json_string(rota_err_str(err)));
		}
		json_array_append_new(to, slot);
	}
}

static void put_keys(json_t *to, const struct agent_device *d)
{
	const char *note;
	json_t *held;

	if (d->rom.rot == ROTA_ROT_NONE)
		return;
	put_text(to, "root_of_trust", rota_span_cstr(agent_rot_kind(d->rom.rot)));
	held = agent_held(d, &note);
	if (held)
		json_object_set_new(to, "keys", held);
	else
		put_text(to, "keys", rota_span_cstr(note));
}

static json_t *describe(const struct agent_device *d, const struct rota_state *s)
{
	json_t *to = json_object(), *slots = json_array();
	char binding[AGENT_BINDING_TEXT];
	enum rota_binding verdict;

	put_text(to, "device", d->rom.device_id);
	put_text(to, "product", d->rom.product);
	json_object_set_new(to, "repository", json_string(d->config->repository));
	if (s->installed.version)
		put_version(to, "installed", s->installed.version);
	else
		json_object_set_new(to, "installed", json_null());
	put_digest(to, "release", s->installed.release);
	put_version(to, "before", s->installed.previous_version);
	json_object_set_new(to, "pending", json_string(phases[s->pending.phase]));
	if (s->pending.phase != ROTA_INSTALL_NONE)
		put_version(to, "pending_version", s->pending.version);
	if (s->pending.phase == ROTA_INSTALL_WRITING)
		put_number(to, "pending_bytes", s->pending.offset);
	put_digest(to, "failed_release", s->failed.release);
	put_number(to, "root", s->trusted.root.version);
	put_number(to, "timestamp", s->trusted.timestamp_version);
	put_time(to, "timestamp_expires", s->trusted.timestamp_expires_s);
	put_number(to, "snapshot", s->trusted.snapshot.version);
	put_number(to, "policy", s->policy_sequence);
	put_number(to, "retirements", s->retired.sequence);
	put_number(to, "counter_floor", s->retired.counter_floor);
	put_number(to, "boot_key_floor", s->retired.key_floor);
	put_number(to, "revocations", s->revoked.sequence);
	put_number(to, "recovery_epoch", s->ordered.epoch);
	if (s->ordered.epoch > 0 && s->ordered.phase <= ROTA_ORDER_FAILED)
		put_text(to, "recovery_order", rota_span_cstr(order_phases[s->ordered.phase]));
	put_number(to, "log_entries", s->logged.count);
	verdict = agent_binding_look(d, s, binding);
	put_text(to, "binding", rota_span_cstr(binding));
	put_text(to, "binding_state", rota_span_cstr(rota_binding_name(verdict)));
	put_number(to, "events_waiting", rota_outbox_count(&d->outbox));
	put_keys(to, d);
	put_slots(slots, d);
	json_object_set_new(to, "slots", slots);
	return to;
}

static void print_slot(const json_t *slot)
{
	const char *error = json_string_value(json_object_get(slot, "error"));
	const char *name = json_string_value(json_object_get(slot, "name"));

	if (error)
		printf("slot %-13s %s\n", name, error);
	else
		printf("slot %-13s %d runs, %s\n", name,
			(int)json_integer_value(json_object_get(slot, "runs")),
			json_string_value(json_object_get(slot, "as")));
}

static void print_key(const json_t *key)
{
	static const char *const names[] = { "active", "staged", "proved", "oldest" };

	printf("key %-14s", json_string_value(json_object_get(key, "purpose")));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *value = json_object_get(key, names[i]);

		if (value)
			printf(" %s %" JSON_INTEGER_FORMAT, names[i], json_integer_value(value));
	}
	printf("\n");
}

static void print_lines(json_t *all)
{
	const char *key;
	json_t *value, *slot, *one;
	size_t i;

	json_object_foreach(all, key, value)
	{
		if (strcmp(key, "binding_state") == 0)
			continue; /* a word for programs; the line before says more */
		if (json_is_string(value))
			printf("%-18s %s\n", key, json_string_value(value));
		else if (json_is_null(value))
			printf("%-18s not known\n", key);
		else if (json_is_integer(value))
			printf("%-18s %" JSON_INTEGER_FORMAT "\n", key, json_integer_value(value));
	}
	json_array_foreach(json_object_get(all, "keys"), i, one) print_key(one);
	json_array_foreach(json_object_get(all, "slots"), i, slot) print_slot(slot);
}

int agent_status(const struct agent_config *config, bool json)
{
	static struct agent_device device;
	static struct rota_state state;
	struct rota_fail why;
	json_t *all;

	if (agent_device_open(&device, config, &why) != ROTA_OK ||
		agent_state_look(&device, &state, &why) != ROTA_OK) {
		fprintf(stderr, "rota-agent: %s%s\n", why.text,
			why.err == ROTA_ERR_NOT_FOUND ? "; has the agent ever run?" : "");
		agent_device_close(&device);
		return AGENT_EXIT_FAILED;
	}
	all = describe(&device, &state);
	if (json)
		json_dumpf(all, stdout, JSON_COMPACT);
	else
		print_lines(all);
	if (json)
		putchar('\n');
	json_decref(all);
	agent_device_close(&device);
	return AGENT_EXIT_OK;
}
