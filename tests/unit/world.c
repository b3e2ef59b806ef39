/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/world.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/codec/version.h"
#include "tests/unit/image_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE_ID "5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f5e0f"
#define POLICY_PATH "rollouts/sensor.json"

static void broken(struct world *w, const char *what)
{
	if (w->broken == NULL)
		w->broken = what;
}

/* ---- slots ---- */

/* One change: false when the power went before it. */
static bool powered(struct world_slots *s)
{
	struct world *w = s->w;

	if (w->flash.off)
		return false;
	if (++w->slot_ops != w->cut_at)
		return true;
	if (!w->cut_done)
		w->flash.off = true;
	return w->cut_done;
}

/* After a change: whether the caller hears of it. */
static enum rota_err heard(struct world_slots *s)
{
	if (s->w->slot_ops == s->w->cut_at)
		s->w->flash.off = true;
	return s->w->flash.off ? ROTA_ERR_IO : ROTA_OK;
}

static uint8_t inactive_place(const struct world_slots *s)
{
	return s->running ^ 1;
}

static enum rota_err slot_inactive(void *ctx, struct rota_slot *out)
{
	struct world_slots *s = ctx;

	if (s->trial == WORLD_STARTED)
		return ROTA_ERR_BUSY;
	*out = (struct rota_slot){ .id = inactive_place(s), .capacity = WORLD_SLOT_LEN };
	return s->w->flash.off ? ROTA_ERR_IO : ROTA_OK;
}

static enum rota_err slot_write(void *ctx, uint64_t off, struct rota_span data)
{
	struct world_slots *s = ctx;

	if (s->trial == WORLD_STARTED)
		return ROTA_ERR_BUSY;
	if (off > WORLD_SLOT_LEN || data.len > WORLD_SLOT_LEN - off)
		return ROTA_ERR_FULL;
	if (!powered(s))
		return ROTA_ERR_IO;
	if (off == 0) {
		memset(s->bytes[inactive_place(s)], 0xff, WORLD_SLOT_LEN);
		s->trial = WORLD_NONE;
		s->durable = 0;
	} else if (s->writing ? off != s->end : off > s->durable) {
		broken(s->w, "a write that does not go on from the last one");
	}
	memcpy(&s->bytes[inactive_place(s)][off], data.p, data.len);
	s->writing = true;
	s->end = off + data.len;
	s->written += (unsigned)data.len;
	return heard(s);
}

static enum rota_err slot_finish(void *ctx, uint64_t len)
{
	struct world_slots *s = ctx;

	if (s->writing && len != s->end)
		broken(s->w, "a finish at another length");
	if (!powered(s))
		return ROTA_ERR_IO;
	s->durable = len;
	return heard(s);
}

static enum rota_err slot_read(void *ctx, uint64_t off, struct rota_buf to)
{
	struct world_slots *s = ctx;

	if (s->w->flash.off)
		return ROTA_ERR_IO;
	memcpy(to.p, &s->bytes[inactive_place(s)][off], to.len);
	return ROTA_OK;
}

static enum rota_err slot_trial(void *ctx, const uint8_t digest[static ROTA_SHA256_LEN])
{
	struct world_slots *s = ctx;

	if (s->trial == WORLD_STARTED)
		return ROTA_ERR_BUSY;
	if (!powered(s))
		return ROTA_ERR_IO;
	s->trial = WORLD_ASKED;
	memcpy(s->trial_digest, digest, 32);
	return heard(s);
}

static const struct world_image *image_in(const struct world *w, const uint8_t *place)
{
	for (int i = 0; i < w->image_count; i++) {
		if (memcmp(place, w->image[i].bytes.p, w->image[i].bytes.len) == 0)
			return &w->image[i];
	}
	return NULL;
}

static enum rota_err slot_booted(void *ctx, struct rota_booted *out)
{
	struct world_slots *s = ctx;
	const struct world_image *image = image_in(s->w, s->bytes[s->running]);

	if (s->w->flash.off)
		return ROTA_ERR_IO;
	memset(out, 0, sizeof(*out));
	out->id = s->running;
	out->kind = s->kind;
	if (image != NULL && !s->blind)
		memcpy(out->digest, image->digest, 32);
	return ROTA_OK;
}

static enum rota_err slot_confirm(void *ctx)
{
	struct world_slots *s = ctx;

	if (s->trial !=
		WORLD_STARTED) /* an exec script may say that when it was confirmed already */
		return s->obliging ? ROTA_OK : ROTA_ERR_STATE;
	if (!powered(s))
		return ROTA_ERR_IO;
	s->confirmed = s->running;
	s->trial = WORLD_NONE;
	s->kind = ROTA_BOOT_CONFIRMED;
	return heard(s);
}

static enum rota_err slot_revert(void *ctx)
{
	struct world_slots *s = ctx;

	if (!powered(s))
		return ROTA_ERR_IO;
	s->trial = WORLD_NONE;
	return heard(s);
}

static void init_slots(struct world *w, int at, const char *name)
{
	struct world_slots *s = &w->slots[at];

	*s = (struct world_slots){ .w = w, .name = name, .kind = ROTA_BOOT_CONFIRMED };
	s->port = (struct rota_slots){ .ctx = s,
		.inactive = slot_inactive,
		.write = slot_write,
		.finish = slot_finish,
		.read = slot_read,
		.trial = slot_trial,
		.booted = slot_booted,
		.confirm = slot_confirm,
		.revert = slot_revert };
	w->named[at] = (struct rota_named_slots){ rota_span_cstr(name), &s->port };
	memset(s->bytes, 0xff, sizeof(s->bytes));
}

/* ---- the boot stage ---- */

static void boot_slots(struct world_slots *s)
{
	const struct world_image *image;

	if (s->writing && s->durable < WORLD_SLOT_LEN) /* what was not finished is lost */
		memset(&s->bytes[inactive_place(s)][s->durable], 0x5a, WORLD_SLOT_LEN - s->durable);
	s->writing = false;
	if (s->trial == WORLD_ASKED) {
		s->running = s->confirmed ^ 1;
		s->trial = WORLD_STARTED;
		s->kind = ROTA_BOOT_TRIAL;
		s->trials++;
	} else {
		s->kind = s->trial == WORLD_STARTED || s->running != s->confirmed
			? ROTA_BOOT_REVERTED
			: s->kind;
		s->running = s->confirmed;
		s->trial = WORLD_NONE;
	}
	image = image_in(s->w, s->bytes[s->running]);
	if (image == NULL)
		broken(s->w, "an image that nobody released was started");
	else if (s->trial == WORLD_STARTED && memcmp(image->digest, s->trial_digest, 32) != 0)
		broken(s->w, "an image on trial that is not the one asked for");
	if (image != NULL && image->crashes && s->trial == WORLD_STARTED)
		boot_slots(s);
}

void world_boot(struct world *w)
{
	bool crashed = false;

	if (w->flash.off) { /* after a cut: no further one is asked for */
		flash_mem_power(&w->flash);
		w->cut_at = 0;
	}
	for (uint8_t i = 0; i < w->slots_count; i++) {
		boot_slots(&w->slots[i]);
		crashed = crashed || w->slots[i].kind == ROTA_BOOT_REVERTED;
	}
	/* all parts of the device are reset together */
	for (uint8_t i = 0; crashed && i < w->slots_count; i++) {
		if (w->slots[i].trial == WORLD_STARTED)
			boot_slots(&w->slots[i]);
	}
	if (rota_journal_open(&w->journal, &w->flash.port, ROTA_JOURNAL_DEVICE) != ROTA_OK)
		broken(w, "the journal does not open");
}

/* ---- the server ---- */

static struct world_image *add_image(struct world *w, struct maker_bytes bytes, bool crashes)
{
	struct world_image *image = &w->image[w->image_count++];

	if (w->image_count > WORLD_IMAGES_MAX)
		abort();
	image->bytes = bytes;
	image->crashes = crashes;
	return image;
}

static uint64_t version_of(const char *text)
{
	uint64_t version;

	if (rota_version_parse(rota_span_cstr(text), &version) != ROTA_OK)
		abort();
	return version;
}

static struct maker_bytes make_image(const struct world_release *r)
{
	static uint8_t payload[WORLD_SLOT_LEN];
	uint8_t *room = maker_room(IMAGE_MAKE_MAX);
	struct image_spec spec = {
		.version = version_of(r->image_version != NULL ? r->image_version : r->version),
		.counter = r->counter,
		.product = r->image_product,
		.payload = rota_span(payload, r->payload_len),
	};

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7 + (size_t)r->version[0] + i / 256);
	return (struct maker_bytes){ room, image_make(&spec, room) };
}

static void image_digest(struct maker_bytes bytes, uint8_t out[32])
{
	struct rota_image im;

	rota_image_begin(&im, &rota_crypto_openssl);
	if (rota_image_update(&im, rota_span(bytes.p, bytes.len)) != ROTA_OK ||
		rota_image_finish(&im) != ROTA_OK)
		abort();
	memcpy(out, im.info.digest, 32);
}

static void put_component(struct maker_text *t, const struct world_release *r,
	const struct world_image *image, const char *path, bool data)
{
	uint8_t sha256[32], digest[32];
	char hex[65];

	maker_sha256(image->bytes, sha256);
	memcpy(digest, image->digest, 32);
	digest[0] ^= r->wrong_digest;
	sha256[0] ^= r->wrong_sha256;
	maker_printf(t, "{\"counter\":%u,\"depends\":[%s]",
		data                             ? 0
			: r->listed_counter != 0 ? r->listed_counter
						 : r->counter,
		data ? "" : r->depends);
	maker_hex(digest, 32, hex);
	if (!data)
		maker_printf(t, ",\"digest\":\"%s\"", hex);
	maker_hex(sha256, 32, hex);
	maker_printf(t,
		",\"hardware\":[\"%s\"],\"length\":%zu,\"name\":\"%s\",\"order\":%d,\"path\":\"%"
		"s\","
		"\"sha256\":\"%s\",\"slot\":\"%s\"}",
		r->hardware, image->bytes.len, data ? "data" : "app", data ? 1 : 0, path, hex,
		data ? "data" : r->slot);
}

static struct world_image *make_data(struct world *w)
{
	struct maker_text t = { NULL, 0, 0 };
	struct world_image *image;

	maker_printf(&t, "data of %s %0300d", w->release.version, 0);
	image = add_image(w, maker_text_bytes(&t), false);
	maker_sha256(image->bytes, image->digest);
	return image;
}

void world_release(struct world *w)
{
	const struct world_release *r = &w->release;
	int role = strcmp(w->role, "ci") == 0 ? MAKER_CI : MAKER_RELEASES;
	struct world_image *app = add_image(w, make_image(r), r->crashes), *data = NULL;
	struct maker_text t = { NULL, 0, 0 };
	char issued[21], *path = maker_room(128), *app_path = maker_room(128),
			 *data_path = maker_room(128);

	image_digest(app->bytes, app->digest);
	snprintf(path, 128, "%s/sensor/%s/release.json", w->role, r->version);
	snprintf(app_path, 128, "%s/sensor/%s/app.bin", w->role, r->version);
	snprintf(data_path, 128, "%s/sensor/%s/data.bin", w->role, r->version);
	maker_time(r->issued_s, issued);
	maker_printf(&t,
		"{\"_type\":\"release\",\"abort\":\"revert\",\"build\":\"b1\",\"ceilings\":{"
		"\"canary\":%u,\"everyone\":\"%s\",\"first_ppm\":%u,\"groups\":[%s],\"growth\":%u,"
		"\"soak_s\":%u},\"components\":[",
		r->canary, r->everyone, r->first_ppm, r->groups, r->growth, r->soak_s);
	put_component(&t, r, app, app_path, false);
	if (r->two) {
		data = make_data(w);
		maker_printf(&t, ",");
		put_component(&t, r, data, data_path, true);
		maker_target(&w->m, role, data_path, data->bytes);
	}
	maker_printf(&t,
		"],\"deltas\":[],\"format\":1,\"issued\":\"%s\",\"minimum\":\"%s\",\"product\":\"%"
		"s\","
		"\"revert_to\":[%s],\"version\":\"%s\"}",
		issued, r->minimum, r->product, r->revert_to, r->version);
	maker_target(&w->m, role, app_path, app->bytes);
	maker_target(&w->m, role, path, maker_text_bytes(&t));
	maker_sha256(maker_text_bytes(&t), w->release_sha256);
	snprintf(w->release_path, sizeof(w->release_path), "%s", path);
	maker_next(&w->m, w->m.role[MAKER_TIMESTAMP].issued_s, role, -1);
}

void world_policy(struct world *w)
{
	const struct world_policy *p = &w->policy;
	struct maker_text t = { NULL, 0, 0 };
	char hex[65];

	w->release_sha256[0] ^= p->wrong_sha256;
	maker_hex(w->release_sha256, 32, hex);
	w->release_sha256[0] ^= p->wrong_sha256;
	maker_printf(&t, "{\"_type\":\"rollout\",\"campaigns\":[");
	if (p->state != NULL)
		maker_printf(&t,
			"{\"attempt\":%u,\"channel\":\"%s\",\"id\":\"c1\",\"open\":%u,\"release\":{"
			"\"path\":\"%s\",\"sha256\":\"%s\"},\"retry\":{\"backoff_s\":%u,\"max\":%u}"
			","
			"\"stages\":[%s],\"state\":\"%s\"%s}",
			p->attempt, p->channel, p->open,
			p->path != NULL ? p->path : w->release_path, hex, p->backoff_s,
			p->retry_max, p->stages, p->state, p->window);
	maker_printf(&t, "],\"format\":1,\"product\":\"%s\",\"sequence\":%llu}", p->product,
		(unsigned long long)p->sequence);
	maker_target(&w->m, MAKER_ROLLOUTS, POLICY_PATH, maker_text_bytes(&t));
	maker_next(&w->m, w->m.role[MAKER_TIMESTAMP].issued_s, MAKER_ROLLOUTS, -1);
	w->policy.sequence++;
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
		broken(w, "a sequence number twice, or out of order");
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
	broken(w, "a cycle that does not end");
	return ROTA_UPDATE_STOPPED;
}

static const struct rota_limits limits = { .schemes = rota_schemes_all,
	ROTA_LIMITS_USUAL,
	.keys = 16,
	.key_len = 65,
	.sigs = 4,
	.sig_len = 64,
	.pending_len = ROTA_PENDING_LEN(4, 4, 32),
	.visited = 8,
	.names_len = 288,
	.text_len = 192,
	.hold_len = 192 + 2 * ROTA_TUF_KEYTYPE_MAX,
	.components = 4 };

enum rota_update_want_kind world_cycle(struct world *w)
{
	static struct rota_update u;
	static uint8_t room[32768];
	struct rota_update_config config = {
		.session = { .crypto = &rota_crypto_openssl,
			.limits = &limits,
			.start = { rota_num_nearest(w->clock_s), w->clock_s != 0 },
			.profile = &rota_session_device },
		.device = &w->device,
		.slots = w->named,
		.slots_count = w->slots_count,
		.journal = &w->journal,
		.resume_every = w->resume_every,
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
	rota_update_drop(&u);
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
	struct world_image *image = add_image(w, make_image(&w->release), false);
	struct rota_state state;
	uint8_t digest[32], room[ROTA_STATE_LEN_MAX];

	image_digest(image->bytes, image->digest);
	memcpy(w->slots[0].bytes[0], image->bytes.p, image->bytes.len);
	image = make_data(w);
	memcpy(w->slots[1].bytes[0], image->bytes.p, image->bytes.len);
	memcpy(w->spki, spki.p, spki.len);
	w->device = (struct rota_device){ .product = ROTA_STR("sensor"),
		.hardware = ROTA_STR("demo-1"),
		.channel = ROTA_STR("stable"),
		.id = ROTA_STR(DEVICE_ID),
		.spki = rota_span(w->spki, spki.len) };
	maker_sha256(root->bytes, digest);
	rota_state_factory(&state, 1, digest, WORLD_NOW, version_of("1.0.0"));
	flash_mem_init(&w->flash, 4096, 4, 32, 0xff);
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
	init_slots(w, 0, "app");
	init_slots(w, 1, "data");
	w->slots[1].port.read = NULL;
	factory(w);
	world_policy(w);
	w->policy.state = "active";
}
