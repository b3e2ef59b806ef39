/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/world_parts.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE_ID "5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f"

void world_broken(struct world *w, const char *what)
{
	if (w->broken == NULL)
		w->broken = what;
}

/* ---- the cycle ---- */

static struct maker_file *kept(struct world *w, const struct rota_want *want)
{
	char name[128];

	snprintf(name, sizeof(name), "%.*s %llu", (int)want->role.len, (const char *)want->role.p,
		(unsigned long long)want->version);
	for (int i = 0; i < w->kept_count; i++) {
		if (strcmp(w->kept[i].name, name) == 0)
			return &w->kept[i];
	}
	if (w->kept_count == MAKER_FILES_MAX)
		w->kept_count = 0; /* forgotten: it comes from the network again */
	w->kept[w->kept_count] = (struct maker_file){ .bytes = { NULL, 0 } };
	snprintf(w->kept[w->kept_count].name, sizeof(name), "%s", name);
	return &w->kept[w->kept_count++];
}

static enum rota_err feed(struct world *w, struct rota_update *u, struct rota_span bytes)
{
	while (bytes.len > 0) {
		enum rota_err err = rota_update_feed(u, rota_span_slice(bytes, 0, w->piece));

		if (err != ROTA_OK)
			return err;
		bytes = rota_span_skip(bytes, w->piece);
	}
	return ROTA_OK;
}

static void fetch_meta(struct world *w, struct rota_update *u, const struct rota_want *want)
{
	struct maker_file *copy = kept(w, want), *f = copy;
	char role[ROTA_ROLE_NAME_MAX + 1];

	snprintf(role, sizeof(role), "%.*s", (int)want->role.len, (const char *)want->role.p);
	if (want->sha256 == NULL || want->fresh || copy->bytes.p == NULL)
		f = maker_meta(&w->m, role, want->version);
	else
		rota_update_copy(u);
	if (f == NULL) {
		rota_update_done(u, ROTA_ERR_NOT_FOUND);
		return;
	}
	copy->bytes = f->bytes;
	rota_update_done(u, feed(w, u, rota_span(f->bytes.p, f->bytes.len)));
}

static bool ends_with(struct rota_span path, const char *end)
{
	size_t len = strlen(end);

	return path.len >= len && memcmp(path.p + path.len - len, end, len) == 0;
}

static void fetch_target(
	struct world *w, struct rota_update *u, const struct rota_update_want *want)
{
	bool component = ends_with(want->path, ".bin");
	char path[256];
	const struct maker_file *f;
	struct rota_span bytes;
	uint8_t *copy;
	bool breaks;

	snprintf(path, sizeof(path), "%.*s", (int)want->path.len, (const char *)want->path.p);
	f = maker_target_file(&w->m, path, want->sha256);
	w->fetches++;
	if (f == NULL) {
		rota_update_done(u, ROTA_ERR_NOT_FOUND);
		return;
	}
	if (component)
		w->last_offset = want->offset;
	copy = malloc(f->bytes.len + 1);
	memcpy(copy, f->bytes.p, f->bytes.len);
	copy[f->bytes.len] = 0;
	if (component && w->tamper)
		copy[w->tamper_at != 0 ? w->tamper_at : f->bytes.len / 2] ^= 1;
	bytes = rota_span(copy, f->bytes.len + (component && w->extend));
	bytes = rota_span_skip(bytes, (size_t)want->offset);
	breaks = component && w->break_at != 0 && w->break_at < bytes.len;
	if (breaks)
		bytes.len = (size_t)w->break_at;
	w->target_bytes += (unsigned)bytes.len;
	{
		enum rota_err err = feed(w, u, bytes);

		rota_update_done(u, err != ROTA_OK ? err : breaks ? ROTA_ERR_NET : ROTA_OK);
	}
	free(copy);
}

static void on_event(void *ctx, const struct rota_event *e)
{
	struct world *w = ctx;

	if (w->event_count > 0 && e->seq <= w->event[w->event_count - 1].seq)
		world_broken(w, "a sequence number twice, or out of order");
	if (w->event_count == WORLD_EVENTS_MAX)
		abort();
	w->event[w->event_count++] = *e;
}

static enum rota_update_want_kind drive(struct world *w, struct rota_update *u)
{
	struct rota_update_want want;

	for (int i = 0; i < 500; i++) {
		rota_update_want(u, &want);
		switch (want.kind) {
		case ROTA_UPDATE_FETCH_META:
			fetch_meta(w, u, &want.meta);
			break;
		case ROTA_UPDATE_KEEP_META:
			rota_update_done(u, ROTA_OK);
			break;
		case ROTA_UPDATE_FETCH_TARGET:
			fetch_target(w, u, &want);
			break;
		case ROTA_UPDATE_FETCH_TIME:
			w->time_asked++;
			rota_update_done(u,
				w->time == NULL ? ROTA_ERR_NOT_FOUND : w->time(w, u, want.nonce));
			break;
		case ROTA_UPDATE_FETCH_RECOVERY: /* devices of this world take no orders */
			rota_update_done(u, ROTA_ERR_NOT_FOUND);
			break;
		case ROTA_UPDATE_FETCH_PROOF:
			w->proof_asked++;
			rota_update_done(
				u, w->proof == NULL ? ROTA_ERR_NOT_FOUND : w->proof(w, u, &want));
			break;
		case ROTA_UPDATE_FETCH_KEYS:
			w->key_answer(w, u, &want);
			break;
		case ROTA_UPDATE_SEND_STATEMENT:
			w->statement(w, u, &want);
			break;
		case ROTA_UPDATE_HEALTH:
			if (w->resets)
				world_boot(w);
			rota_update_done(u, w->health);
			break;
		case ROTA_UPDATE_REBOOT:
		case ROTA_UPDATE_IDLE:
		case ROTA_UPDATE_STOPPED:
		default:
			return want.kind;
		}
	}
	world_broken(w, "a cycle that does not end");
	return ROTA_UPDATE_STOPPED;
}

static enum rota_err ignore(void *ctx, const struct rota_devlog_entry *e)
{
	(void)ctx;
	(void)e;
	return ROTA_OK;
}

/* What the journal says of the device log leads to it. */
static void check_log(struct world *w)
{
	if (!w->flash.off &&
		rota_devlog_read(&w->log.port, &rota_crypto_openssl, &w->state.logged, NULL,
			ignore) != ROTA_OK)
		world_broken(w, "a device log whose chain is broken");
}

enum rota_update_want_kind world_cycle(struct world *w)
{
	static struct rota_update u;
	static uint8_t room[32768];
	struct rota_update_config config = {
		.session = { .crypto = &rota_crypto_openssl,
			.limits = &rota_limits_m3,
			.start = { rota_num_nearest(w->clock_s), w->clock_s != 0 },
			.profile = &rota_session_device },
		.device = &w->device,
		.slots = w->named,
		.slots_count = w->slots_count,
		.journal = &w->journal,
		.boot = w->boot,
		.log = &w->log.port,
		.counter = w->counter,
		.watchdog = w->watchdog,
		.random = w->random,
		.uptime = w->uptime,
		.resume_every = w->resume_every,
		.demand = w->demand,
		.keys = w->keys,
		.event_ctx = w,
		.event = on_event
	};
	enum rota_update_want_kind end;
	uint32_t before = w->journal.number;
	enum rota_err err;

	w->device.release_role = rota_span_cstr(w->role);
	err = rota_update_init(&u, &config, ROTA_BUF(room));
	if (err != ROTA_OK) {
		w->outcome = (struct rota_outcome){ .why = { err, ROTA_CLAUSE_NONE } };
		return ROTA_UPDATE_STOPPED;
	}
	end = drive(w, &u);
	rota_update_outcome(&u, &w->outcome);
	w->state = *rota_update_state(&u);
	w->commits = w->journal.number - before;
	if (w->keys != NULL)
		w->keys_why = *rota_update_keys_why(&u);
	rota_update_drop(&u);
	check_log(w);
	return end;
}

enum rota_update_want_kind world_settle(struct world *w)
{
	enum rota_update_want_kind end = ROTA_UPDATE_REBOOT;

	for (int i = 0; i < 20 && end == ROTA_UPDATE_REBOOT; i++) {
		end = world_cycle(w);
		if (end == ROTA_UPDATE_REBOOT)
			world_boot(w);
	}
	return end;
}

int world_events(const struct world *w, enum rota_event_kind kind)
{
	int count = 0;

	for (int i = 0; i < w->event_count; i++)
		count += w->event[i].kind == kind;
	return count;
}

bool world_runs(const struct world *w, int image)
{
	const struct world_slots *s = &w->slots[0];

	return memcmp(s->bytes[s->confirmed], w->image[image].bytes.p, w->image[image].bytes.len) ==
		0;
}

/* ---- the factory ---- */

static void factory(struct world *w)
{
	const struct maker_file *root = maker_meta(&w->m, "root", 1);
	struct maker_bytes spki = maker_spki(KEY_DEVICE);
	struct world_image *image = world_image_add(w, world_image_make(&w->release, false), false);
	struct rota_state state;
	uint8_t digest[32], room[ROTA_STATE_LEN_MAX];

	world_image_digest(image->bytes, image->digest);
	memcpy(w->slots[0].bytes[0], image->bytes.p, image->bytes.len);
	image = world_data_make(w);
	memcpy(w->slots[1].bytes[0], image->bytes.p, image->bytes.len);
	memcpy(w->spki, spki.p, spki.len);
	w->device = (struct rota_device){ .product = ROTA_STR("sensor"),
		.hardware = ROTA_STR("demo-1"),
		.channel = ROTA_STR("stable"),
		.id = ROTA_STR(DEVICE_ID),
		.spki = rota_span(w->spki, spki.len) };
	maker_sha256(root->bytes, digest);
	rota_state_factory(&state, 1, digest, WORLD_NOW, world_version("1.0.0"));
	flash_mem_init(&w->flash, 4096, 4, 32, 0xff);
	flash_mem_init(&w->log, 2048, 4, 4, 0xff);
	if (rota_journal_open(&w->journal, &w->flash.port, ROTA_JOURNAL_DEVICE) != ROTA_OK ||
		rota_update_factory(&w->journal, &state, ROTA_BUF(room)) != ROTA_OK)
		abort();
}

void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	maker_init(&w->m, WORLD_NOW);
	maker_publish(&w->m);
	w->role = "releases";
	w->slots_count = 1;
	w->clock_s = WORLD_NOW + 3600;
	w->piece = 512;
	w->release = (struct world_release){ .version = "1.0.0",
		.minimum = "0.0.0",
		.product = "sensor",
		.hardware = "demo-1",
		.slot = "app",
		.revert_to = "",
		.depends = "",
		.everyone = "auto",
		.groups = "",
		.canary = 10,
		.first_ppm = 1000000,
		.growth = 1,
		.soak_s = 3600,
		.issued_s = WORLD_NOW,
		.counter = 1,
		.payload_len = 3000 };
	w->policy = (struct world_policy){ .sequence = 1,
		.product = "sensor",
		.channel = "stable",
		.stages = "{\"kind\":\"everyone\"}",
		.window = "" };
	world_slots_init(w, 0, "app");
	world_slots_init(w, 1, "data");
	w->slots[1].port.read = NULL;
	factory(w);
	world_policy(w);
	w->policy.state = "active";
}
