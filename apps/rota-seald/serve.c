/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of devices for application back ends (SPEC 37.11): GET /v1/keys/PURPOSE/GENERATION/DEVICE.
 *
 * Who asks is known by the certificate that nginx has checked and we check again; what he may ask stands in seald.ini. The log has
 * it before the HSM opens anything. */
#include "rota/base/mem.h" /* before <string.h>, which a header of libcrypto brings */

#include "apps/rota-seald/front.h"
#include "apps/rota-seald/holders.h"
#include "apps/rota-seald/record.h"
#include "apps/rota-seald/trees.h"
#include "apps/rota-seald/verbs.h"
#include "host/base/apart.h"
#include "host/base/when.h"
#include "host/notary/remote.h"
#include "host/serve/listener.h"
#include "host/serve/nginx_seald.h"
#include "host/serve/say.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "rota-seald"

struct serving {
	const struct config *config;
	struct services services; /* with their buckets */
	struct rota_remote *remote;
	struct rota_client *client; /* NULL: not connected */
	struct rota_fail token; /* how it failed, when it is of no use any more */
	struct rota_sealer
		copies[ROTA_PURPOSES_MAX + 1]; /* by purpose; of those that services have */
};

/* What is asked for. */
struct wanted {
	uint8_t purpose;
	uint32_t generation;
	uint8_t device[ROTA_DEVICE_LEN];
};

static void refuse(struct front_answer *a, int status, const char *text)
{
	a->status = status;
	a->len = (size_t)snprintf(a->body, sizeof(a->body), "{\"error\":\"%s\"}\n", text);
}

/* ---- what is asked for ---- */

/* The next part of a path, and what is behind its slash. */
static struct rota_span part(struct rota_span *path)
{
	size_t len = 0;
	struct rota_span found;

	while (len < path->len && path->p[len] != '/')
		len++;
	found = rota_span(path->p, len);
	*path = rota_span_skip(*path, len < path->len ? len + 1 : len);
	return found;
}

static bool read_generation(struct rota_span text, uint32_t *out)
{
	uint64_t value = 0;

	if (text.len == 0 || text.len > 10 || text.p[0] == '0')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text.p[i] - '0');
	}
	*out = (uint32_t)value;
	return value <= UINT32_MAX;
}

static bool read_device(struct rota_span text, uint8_t out[static ROTA_DEVICE_LEN])
{
	char hex[2 * ROTA_DEVICE_LEN + 1];

	if (text.len != 2 * ROTA_DEVICE_LEN)
		return false;
	memcpy(hex, text.p, text.len);
	hex[text.len] = 0;
	return rota_unhex(hex, rota_buf(out, ROTA_DEVICE_LEN));
}

static bool read_target(struct rota_span path, struct wanted *w)
{
	static const char front[] = "/v1/keys/";
	struct rota_span generation;

	if (path.len < sizeof(front) - 1 || memcmp(path.p, front, sizeof(front) - 1) != 0)
		return false;
	path = rota_span_skip(path, sizeof(front) - 1);
	w->purpose = rota_purpose_of(part(&path));
	generation = part(&path);
	return w->purpose != 0 && read_generation(generation, &w->generation) &&
		read_device(path, w->device);
}

/* ---- who asks ---- */

static uint64_t now_ms(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_nsec / 1000000;
}

/* The service that may have this; NULL: it was refused. */
static struct service *admit(struct serving *s, const struct front_request *request,
	const struct wanted *w, struct front_answer *a)
{
	struct rota_identity who;
	struct rota_fail why;
	struct service *service;

	rota_remote_who(s->remote, request->certificate, rota_when_now(), &who);
	service = who.refused ? NULL : services_find(&s->services, who.spki);
	if (!service) {
		rota_say(PROGRAM, "refused: %s",
			who.refused ? who.refused : "a certificate of no service");
		refuse(a, 403, "no service has this certificate");
		return NULL;
	}
	if (!(service->purposes & 1u << w->purpose)) {
		rota_say(PROGRAM, "refused: service %s has no keys of purpose %s", service->name,
			rota_purpose_word(w->purpose));
		refuse(a, 403, "not a purpose of this service");
		return NULL;
	}
	if (rota_rate_take(&service->rate, &service->rule, 1, now_ms(), &a->retry_s, &why) !=
		ROTA_OK) {
		refuse(a, 429, "too many requests");
		return NULL;
	}
	return service;
}

/* ---- the answer ---- */

static void write_keys(const struct wanted *w, uint8_t cipher, const struct rota_backkeys_keys *k,
	struct front_answer *a)
{
	char device[65], up[65], down[65];

	rota_hex(ROTA_SPAN(w->device), device);
	rota_hex(rota_span(k->up, k->len), up);
	rota_hex(rota_span(k->down, k->len), down);
	a->status = 200;
	a->len = (size_t)snprintf(a->body, sizeof(a->body),
		"{\"cipher\":%u,\"device\":\"%s\",\"down\":\"%s\",\"generation\":%u,\"purpose\":"
		"\"%s\",\"up\":\"%s\"}\n",
		cipher, device, down, w->generation, rota_purpose_word(w->purpose), up);
	rota_wipe(up, sizeof(up));
	rota_wipe(down, sizeof(down));
}

/* What the token said, apart from what files said. */
struct asked {
	const struct rota_sealer *hsm;
	enum rota_err err;
};

static enum rota_err ask_token(void *ctx, struct rota_span aad, struct rota_span sealed,
	struct rota_bytes *out, struct rota_fail *why)
{
	struct asked *asked = ctx;

	asked->err = asked->hsm->open(asked->hsm->ctx, aad, sealed, out, why);
	return asked->err;
}

/* Who holds the token died, or is late: another one would be made of a process with answers behind it. We end, and are begun anew. */
static void lose_token(struct serving *s, struct front_answer *a, const struct asked *asked,
	const struct rota_fail *why)
{
	if (asked->err != ROTA_ERR_IO && asked->err != ROTA_ERR_TIMEOUT)
		return;
	s->token = *why;
	a->last = true;
}

/* Out of an open tree: first the log, then the HSM. */
static void hand_out(struct serving *s, const struct service *service, const struct wanted *w,
	const struct tree_place *place, struct front_answer *a)
{
	const struct unwrapped what = { service->name, &place->ring, w->device };
	struct asked asked = { .hsm = &s->copies[w->purpose] };
	const struct rota_sealer token = { .ctx = &asked, .open = ask_token };
	struct rota_backkeys_keys keys;
	struct rota_fail why;

	if (record_unwrapped(s->config, &s->client, &what, &why) != ROTA_OK) {
		rota_say(PROGRAM, "service %s: %s", service->name, why.text);
		refuse(a, 503, "the log did not take it");
	} else if (rota_backkeys_keys(&place->ring, &token, w->device, place->index, &keys, &why) !=
		ROTA_OK) {
		rota_say(PROGRAM, "service %s: %s", service->name, why.text);
		refuse(a, 503, "the key cannot be opened now");
		lose_token(s, a, &asked, &why);
	} else {
		write_keys(w, place->ring.head.cipher, &keys, a);
		rota_wipe(&keys, sizeof(keys));
	}
}

static void answer(void *ctx, const struct front_request *request, struct front_answer *a)
{
	static struct tree_place place;
	struct serving *s = ctx;
	struct service *service;
	struct rota_fail why;
	struct wanted w;
	enum rota_err err;

	if (!read_target(request->target, &w)) {
		refuse(a, 404, "GET /v1/keys/PURPOSE/GENERATION/DEVICE");
		return;
	}
	service = admit(s, request, &w, a);
	if (!service)
		return;
	err = trees_find(s->config, w.purpose, w.generation, w.device, &place, &why);
	if (err == ROTA_OK) {
		hand_out(s, service, &w, &place, a);
		rota_backkeys_close(&place.ring);
	} else if (err == ROTA_ERR_NOT_FOUND) {
		refuse(a, 404, "no such generation, or the device has none of it");
	} else {
		rota_say(PROGRAM, "service %s: %s", service->name, why.text);
		refuse(a, 503, "the files of this generation cannot be read");
	}
}

/* ---- begin and end ---- */

static enum rota_err needs(const struct config *c, struct rota_fail *why)
{
	const struct {
		const char *key, *value;
	} rows[] = {
		{ "socket", c->services.socket },
		{ "front", c->services.front },
		{ "client_ca", c->services.client_ca },
	};

	ROTA_TRY(config_needs(c, "signd", c->signd, why));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!rows[i].value)
			return rota_fail(why, ROTA_ERR_NOT_FOUND, "%s: [serve] has no %s",
				c->ini.path, rows[i].key);
	if (c->services.count > 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_NOT_FOUND, "%s: no [service NAME]", c->ini.path);
}

static enum rota_err open_copies(struct serving *s, struct rota_fail *why)
{
	unsigned purposes = 0;

	for (size_t i = 0; i < s->services.count; i++)
		purposes |= s->services.at[i].purposes;
	for (uint8_t purpose = 1; purpose <= ROTA_PURPOSES_MAX; purpose++)
		if (purposes & 1u << purpose)
			ROTA_TRY(holders_copies(s->config, purpose, &s->copies[purpose], why));
	return ROTA_OK;
}

static enum rota_err open_and_serve(struct serving *s, struct rota_fail *why)
{
	const struct services *of = &s->config->services;
	struct rota_user front;
	int fd;

	ROTA_TRY(rota_user_find(of->front, &front, why));
	ROTA_TRY(holders_lock_memory(s->config, why));
	ROTA_TRY(open_copies(s, why));
	ROTA_TRY(rota_remote_open(of->client_ca, of->crl, &s->remote, why));
	ROTA_TRY(rota_listener_open(of->socket, 0660, &fd, why));
	rota_say(PROGRAM, "ready on %s", of->socket);
	front_run(fd, front.uid, answer, s);
	rota_listener_close(of->socket, fd);
	*why = s->token;
	return s->token.err;
}

enum rota_err verb_serve(const struct config *c, const struct arguments *a, struct rota_fail *why)
{
	static struct serving s;
	enum rota_err err;

	(void)a;
	ROTA_TRY(needs(c, why));
	s = (struct serving){ .config = c, .services = c->services };
	err = open_and_serve(&s, why);
	rota_remote_close(s.remote);
	rota_client_close(s.client);
	for (size_t i = 0; i <= ROTA_PURPOSES_MAX; i++)
		if (s.copies[i].close)
			s.copies[i].close(s.copies[i].ctx);
	return err;
}

/* ---- nginx ---- */

enum rota_err verb_nginx(const struct config *c, const struct arguments *a, struct rota_fail *why)
{
	const struct services *of = &c->services;
	const struct rota_nginx_seald n = { .made_from = c->ini.path,
		.user = geteuid() == 0 ? of->front : NULL,
		.certificate = of->certificate,
		.key = of->key,
		.client_ca = of->client_ca,
		.socket = of->socket,
		.listen = of->listen };
	struct rota_bytes text = { 0 };
	enum rota_err err;

	(void)a;
	ROTA_TRY(needs(c, why));
	if (!of->certificate || !of->key || !of->listen)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"%s: [serve] lacks certificate, key or listen", c->ini.path);
	err = rota_nginx_seald_write(&n, &text, why);
	if (err == ROTA_OK && fwrite(text.p, 1, text.len, stdout) != text.len)
		err = rota_fail(why, ROTA_ERR_IO, "cannot write it");
	rota_bytes_free(&text);
	return err;
}
