/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/keeper.h"
#include "apps/rota-signd/say.h"
#include "host/base/digest.h"
#include "host/base/frame.h"
#include "host/base/when.h"
#include "host/notary/officers.h"
#include "host/series/emergency.h"
#include "host/series/keeper.h"
#include "host/series/link.h"
#include "host/serve/listener.h"
#include "ports/pkcs11/sealer.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#include <errno.h>
#define _GNU_SOURCE 1 /* ppoll(), accept4() */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Between two requests of a client: it makes keys meanwhile. */
#define IDLE_MS 60000
/* Both PINs and what divides them. */
#define PINS_MAX 256
#define REQUEST_MAX (ROTA_LINK_HEAD + 8 + ROTA_SEALER_MAX)

struct server {
	const struct keeper_config *config;
	struct rota_keeper keeper;
	int client;
	uid_t peer; /* who it is */
};

struct request {
	uint8_t what;
	uint64_t version, other;
	struct rota_span rest;
};

static volatile sig_atomic_t ended;

static void on_end(int number)
{
	(void)number;
	ended = 1;
}

/* ---- requests ---- */

static enum rota_err put(struct server *s, const struct request *r, enum rota_sealed_kind kind,
	struct rota_fail *why)
{
	struct rota_reader in = rota_reader(r->rest);
	const struct rota_timeslot slot = { r->version, r->other, rota_read_le64(&in) };
	struct rota_bytes pins;
	enum rota_err err;

	if (in.failed || slot.end_s <= slot.from_s)
		return rota_fail(why, ROTA_ERR_FORMAT, "a slot that does not end");
	if (kind == ROTA_SEALED_ROOT)
		return rota_keeper_put(&s->keeper, kind, &slot, in.rest, why);
	ROTA_TRY(rota_frame_read(s->client, PINS_MAX, ROTA_LINK_MS, &pins, why));
	err = rota_keeper_put(&s->keeper, kind, &slot, rota_bytes_span(&pins), why);
	rota_bytes_wipe(&pins);
	return err;
}

/* What was asked for; NULL: that is not. */
static enum rota_err give(struct server *s, const struct rota_bytes *root,
	const struct rota_bytes *pin, struct rota_fail *why)
{
	const struct rota_fail well = { .err = ROTA_OK };

	ROTA_TRY(rota_frame_say(s->client, &well, ROTA_LINK_MS, why));
	if (root)
		ROTA_TRY(rota_frame_write(s->client, rota_bytes_span(root), ROTA_LINK_MS, why));
	return pin ? rota_frame_write(s->client, rota_bytes_span(pin), ROTA_LINK_MS, why) : ROTA_OK;
}

/* Until it arrived, or the token is empty. */
static enum rota_err wait_arrived(struct server *s, struct rota_fail *why)
{
	struct rota_bytes arrived;

	ROTA_TRY(rota_frame_read(s->client, 0, ROTA_LINK_MS, &arrived, why));
	rota_bytes_free(&arrived);
	return ROTA_OK;
}

static enum rota_err take(struct server *s, const struct request *r, struct rota_fail *why)
{
	struct rota_bytes root, pin;
	enum rota_err err;

	ROTA_TRY(rota_keeper_open(&s->keeper, r->version, rota_when_now(), &root, &pin, why));
	err = give(s, &root, &pin, why);
	rota_bytes_wipe(&root);
	rota_bytes_wipe(&pin);
	ROTA_TRY(err);
	ROTA_TRY(wait_arrived(s, why));
	ROTA_TRY(rota_keeper_taken(&s->keeper, r->version, why));
	say("keeper: slot %llu is open", (unsigned long long)r->version);
	return ROTA_OK;
}

static enum rota_err give_root_alone(
	struct server *s, const struct request *r, struct rota_fail *why)
{
	struct rota_bytes root;
	enum rota_err err;

	ROTA_TRY(rota_keeper_root(&s->keeper, r->version, rota_when_now(), &root, why));
	err = give(s, &root, NULL, why);
	rota_bytes_wipe(&root);
	ROTA_TRY(err);
	ROTA_TRY(wait_arrived(s, why));
	ROTA_TRY(rota_keeper_root_taken(&s->keeper, r->version, why));
	say("keeper: the root of slot %llu is given", (unsigned long long)r->version);
	return ROTA_OK;
}

/* ---- the daemon's ---- */

static enum rota_err give_pins(struct server *s, const struct request *r,
	enum rota_keeper_purpose purpose, struct rota_fail *why)
{
	struct rota_bytes pin;
	enum rota_err err;

	ROTA_TRY(rota_keeper_pin(&s->keeper, r->version, purpose, rota_when_now(), &pin, why));
	err = give(s, NULL, &pin, why);
	rota_bytes_wipe(&pin);
	return err;
}

/* *told: the answer went before the PINs. */
static enum rota_err hold(
	struct server *s, const struct request *r, bool *told, struct rota_fail *why)
{
	ROTA_TRY(give_pins(s, r, ROTA_KEEPER_TO_SIGN, why));
	*told = true;
	say("keeper: the daemon has slot %llu", (unsigned long long)r->version);
	return ROTA_OK;
}

static enum rota_err empty(struct server *s, const struct request *r, struct rota_fail *why)
{
	ROTA_TRY(give_pins(s, r, ROTA_KEEPER_TO_EMPTY, why));
	ROTA_TRY(wait_arrived(s, why));
	ROTA_TRY(rota_keeper_taken(&s->keeper, r->version, why));
	say("keeper: slot %llu is empty", (unsigned long long)r->version);
	return ROTA_OK;
}

/* ---- the client's ---- */

static enum rota_err undo(struct server *s, const struct request *r, struct rota_fail *why)
{
	struct rota_bytes pin;
	enum rota_err err;

	ROTA_TRY(rota_keeper_undo(&s->keeper, r->version, &pin, why));
	err = give(s, NULL, &pin, why);
	rota_bytes_wipe(&pin);
	ROTA_TRY(err);
	ROTA_TRY(wait_arrived(s, why));
	return rota_keeper_taken(&s->keeper, r->version, why);
}

/* ---- an emergency ---- */

static enum rota_err give_root(
	void *ctx, uint64_t version, struct rota_span root, struct rota_fail *why)
{
	struct server *s = ctx;
	uint8_t head[8];
	struct rota_writer w = rota_writer(ROTA_BUF(head));
	struct rota_bytes frame = { 0 };
	enum rota_err err;

	rota_write_le64(&w, version);
	rota_bytes_add(&frame, rota_writer_span(&w));
	rota_bytes_add(&frame, root);
	err = rota_frame_write(s->client, rota_bytes_span(&frame), ROTA_LINK_MS, why);
	rota_bytes_free(&frame);
	return err;
}

/* The first line is what they approve, the others their approvals. */
static enum rota_err check_approved(
	struct server *s, const struct request *r, struct rota_fail *why)
{
	const struct keeper_config *c = s->config;
	const uint8_t *end = memchr(r->rest.p, '\n', r->rest.len);
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_emergency e;
	struct rota_span text;
	unsigned have;

	if (!end)
		return rota_fail(why, ROTA_ERR_FORMAT, "an emergency without approvals");
	text = rota_span(r->rest.p, (size_t)(end - r->rest.p));
	ROTA_TRY(rota_emergency_read(text, &e, why));
	if (strcmp(e.product, c->product) != 0)
		return rota_fail(why, ROTA_ERR_PRODUCT, "an emergency of product %s", e.product);
	if (e.first != r->version || e.last != r->other)
		return rota_fail(why, ROTA_ERR_DENIED, "officers approved roots %llu to %llu",
			(unsigned long long)e.first, (unsigned long long)e.last);
	rota_digest_of(text, digest);
	ROTA_TRY(rota_officers_count(c->officers, c->officer_count,
		rota_span(end + 1, r->rest.len - text.len - 1), digest, rota_when_now(), &have,
		why));
	if (have >= c->approvals)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_THRESHOLD, "%u of %u officers approved this emergency", have,
		c->approvals);
}

static enum rota_err emergency(
	struct server *s, const struct request *r, bool *told, struct rota_fail *why)
{
	const struct rota_fail well = { .err = ROTA_OK };

	ROTA_TRY(check_approved(s, r, why));
	*told = true;
	ROTA_TRY(rota_frame_say(s->client, &well, ROTA_LINK_MS, why));
	say("keeper: emergency: all roots from %llu to %llu are given, their PINs destroyed",
		(unsigned long long)r->version, (unsigned long long)r->other);
	ROTA_TRY(rota_keeper_emergency(&s->keeper, r->version, r->other, give_root, s, why));
	return rota_frame_write(s->client, ROTA_STR(""), ROTA_LINK_MS, why);
}

/* ---- a client ---- */

/* PINs that a daemon is to have are for nobody else, and nobody else's requests are his. */
static enum rota_err may(const struct server *s, const struct request *r, struct rota_fail *why)
{
	const struct keeper_config *c = s->config;
	bool of_daemon = r->what == ROTA_LINK_HOLD || r->what == ROTA_LINK_EMPTY;

	if (of_daemon ? !c->has_daemon || s->peer != c->daemon : s->peer != c->client)
		return rota_fail(why, ROTA_ERR_DENIED, "request %u is not for user %u", r->what,
			(unsigned)s->peer);
	if (r->what == ROTA_LINK_TAKE && c->has_daemon)
		return rota_fail(why, ROTA_ERR_DENIED,
			"keeper.ini names a daemon: it gets PINs, and nobody else");
	if (r->what == ROTA_LINK_ROOT && !c->has_daemon)
		return rota_fail(why, ROTA_ERR_DENIED,
			"keeper.ini names no daemon that would hold the slot: [keeper] daemon");
	return ROTA_OK;
}

/* *told: whatever comes of it, nothing more is to be said. */
static enum rota_err obey(
	struct server *s, const struct request *r, bool *told, struct rota_fail *why)
{
	ROTA_TRY(may(s, r, why));
	switch (r->what) {
	case ROTA_LINK_PUT_ROOT:
		return put(s, r, ROTA_SEALED_ROOT, why);
	case ROTA_LINK_PUT_PIN:
		return put(s, r, ROTA_SEALED_PIN, why);
	case ROTA_LINK_TAKE:
		return take(s, r, why);
	case ROTA_LINK_UNDO:
		return undo(s, r, why);
	case ROTA_LINK_EMERGENCY:
		return emergency(s, r, told, why);
	case ROTA_LINK_ROOT:
		return give_root_alone(s, r, why);
	case ROTA_LINK_LOOK:
		return rota_keeper_look(&s->keeper, r->version, why);
	case ROTA_LINK_HOLD:
		return hold(s, r, told, why);
	case ROTA_LINK_EMPTY:
		return empty(s, r, why);
	default:
		return rota_fail(why, ROTA_ERR_UNSUPPORTED, "request %u is unknown", r->what);
	}
}

/* false: the connection is over. */
static bool answer(struct server *s)
{
	struct rota_fail why = { 0 }, ignored;
	struct rota_bytes frame;
	struct rota_reader in;
	struct request r;
	bool told = false;

	if (rota_frame_read(s->client, REQUEST_MAX, IDLE_MS, &frame, &ignored) != ROTA_OK)
		return false;
	in = rota_reader(rota_bytes_span(&frame));
	r.what = rota_read_u8(&in);
	r.version = rota_read_le64(&in);
	r.other = rota_read_le64(&in);
	r.rest = in.rest;
	why.err = in.failed ? rota_fail(&why, ROTA_ERR_FORMAT, "a request that is cut short")
			    : obey(s, &r, &told, &why);
	rota_bytes_free(&frame);
	if (why.err != ROTA_OK && why.err != ROTA_ERR_NOT_FOUND)
		say("keeper: refused: %s", why.text);
	if (told)
		return why.err == ROTA_OK;
	return rota_frame_say(s->client, &why, ROTA_LINK_MS, &ignored) == ROTA_OK;
}

static bool is_client(struct server *s)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(s->client, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	s->peer = peer.uid;
	if (peer.uid == s->config->client ||
		(s->config->has_daemon && peer.uid == s->config->daemon))
		return true;
	say("keeper: user %u was sent away", (unsigned)peer.uid);
	return false;
}

static void serve(struct server *s, int listener)
{
	const struct sigaction how = { .sa_handler = on_end };
	struct pollfd p = { .fd = listener, .events = POLLIN };
	sigset_t ends, open;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, &open); /* let in by ppoll() alone */
	sigaction(SIGTERM, &how, NULL);
	sigaction(SIGINT, &how, NULL);
	say("keeper: ready on %s", s->config->socket); /* and to be ended in order */
	while (!ended) {
		if (ppoll(&p, 1, NULL, &open) != 1)
			continue;
		s->client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (s->client < 0)
			continue;
		if (is_client(s))
			while (answer(s))
				;
		close(s->client);
	}
}

static int failed(const struct rota_fail *why)
{
	say("%s", why->text);
	return 1;
}

int keeper_run(const struct keeper_config *c)
{
	struct rota_sealer sealer;
	struct server s = { .config = c,
		.keeper = { .dir = c->dir, .scope = c->product, .sealer = &sealer } };
	struct rota_fail why;
	int listener;

	if (rota_file_mkdirs(c->dir, 0700, &why) != ROTA_OK ||
		rota_pkcs11_sealer_open(&c->token, c->key, &sealer, &why) != ROTA_OK)
		return failed(&why);
	if (rota_listener_open(c->socket, 0666, &listener, &why) != ROTA_OK) {
		sealer.close(sealer.ctx);
		return failed(&why);
	}
	serve(&s, listener);
	rota_listener_close(c->socket, listener);
	sealer.close(sealer.ctx);
	say("keeper: stopped");
	return 0;
}

int keeper_make(const struct keeper_config *c)
{
	struct rota_fail why;

	if (!c->so_pin_file)
		(void)rota_fail(&why, ROTA_ERR_ARGUMENT,
			"%s: [token] so_pin_file is needed to make the token", c->ini.path);
	else if (rota_file_mkdirs(c->dir, 0700, &why) == ROTA_OK &&
		rota_pkcs11_sealer_make(&c->token, c->so_pin_file, c->key, &why) == ROTA_OK) {
		say("keeper: AES key %s is made in token %s", c->key, c->token.label);
		return 0;
	}
	return failed(&why);
}
