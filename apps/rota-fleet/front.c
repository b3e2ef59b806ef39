/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-fleet/front.h"
#include "host/fetch/fetch.h"
#include "host/identity/rotkey.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CONNECT_S 10
#define STALL_S 30

struct front {
	struct rota_fetch *fetch;
	struct rota_fetch_server repository, device;
	struct rota_fetch_login login;
	struct rota_rotkey key;
	int pem; /* memory that TLS reads as the file of a certificate */
	char pem_path[32];
	struct rota_bytes file;
};

enum rota_err front_open(struct front **out, const struct front_settings *settings)
{
	const struct rota_fetch_settings manners = {
		.user_agent = "rota-fleet", .connect_s = CONNECT_S, .stall_s = STALL_S
	};
	struct front *f = calloc(1, sizeof(*f));

	*out = f;
	if (f == NULL)
		return ROTA_ERR_FULL;
	f->fetch = rota_fetch_new(&manners);
	f->pem = memfd_create("ldevid", MFD_CLOEXEC);
	if (f->fetch == NULL || f->pem < 0) {
		front_close(f);
		*out = NULL;
		return ROTA_ERR_FULL;
	}
	snprintf(f->pem_path, sizeof(f->pem_path), "/proc/self/fd/%d", f->pem);
	f->login.certificate = f->pem_path;
	f->repository =
		(struct rota_fetch_server){ .url = settings->repository_url, .ca = settings->ca };
	f->device = (struct rota_fetch_server){
		.url = settings->device_url, .ca = settings->ca, .login = &f->login
	};
	return ROTA_OK;
}

void front_close(struct front *f)
{
	if (f == NULL)
		return;
	front_leave(f);
	rota_fetch_free(f->fetch);
	if (f->pem >= 0)
		close(f->pem);
	rota_bytes_free(&f->file);
	free(f);
}

/* ---- who it is ---- */

/* RFC 3986, 2.1; false: a % without two digits. */
static bool unescape(struct rota_span text, char *to, size_t *len)
{
	*len = 0;
	for (size_t i = 0; i < text.len; i++) {
		char hex[3] = "", *end = hex;

		if (text.p[i] != '%') {
			to[(*len)++] = (char)text.p[i];
			continue;
		}
		if (text.len - i < 3)
			return false;
		memcpy(hex, &text.p[i + 1], 2);
		to[(*len)++] = (char)strtoul(hex, &end, 16);
		if (end != hex + 2)
			return false;
		i += 2;
	}
	return true;
}

static enum rota_err put_certificate(struct front *f, struct rota_span escaped)
{
	char text[SERVER_CERT_MAX];
	size_t len;

	if (escaped.len > sizeof(text) || !unescape(escaped, text, &len))
		return ROTA_ERR_FORMAT;
	if (ftruncate(f->pem, 0) != 0 || pwrite(f->pem, text, len, 0) != (ssize_t)len)
		return ROTA_ERR_FULL;
	return ROTA_OK;
}

enum rota_err front_enter(struct front *f, const struct rota_rot *rot, struct rota_span certificate)
{
	struct rota_fail why;

	front_leave(f);
	ROTA_TRY(put_certificate(f, certificate));
	f->key = (struct rota_rotkey){ .rot = rot, .key = ROTA_ROT_LDEVID_0 };
	f->login.turn++;
	return rota_rotkey_open(&f->key, &f->login.key, &why);
}

/* The connection stands until the next turn; nobody says anything on it. */
void front_leave(struct front *f)
{
	EVP_PKEY_free(f->login.key);
	f->login.key = NULL;
}

/* ---- what it asks ---- */

static enum rota_err take_file(void *ctx, struct rota_span piece)
{
	rota_bytes_add(ctx, piece);
	return ROTA_OK;
}

enum rota_err front_file(struct front *f, const char *path, size_t most, struct rota_span *out)
{
	const struct rota_fetch_get get = { .server = &f->repository,
		.path = path,
		.max_len = most,
		.total_s = SERVER_DEADLINE_S,
		.ctx = &f->file,
		.take = take_file };
	struct rota_fail why;
	enum rota_err err;

	rota_bytes_free(&f->file);
	err = rota_fetch_get(f->fetch, &get, &why);
	*out = rota_bytes_span(&f->file);
	return err;
}

struct taken {
	struct rota_buf room;
	size_t len;
};

static enum rota_err take_body(void *ctx, struct rota_span piece)
{
	struct taken *t = ctx;

	if (piece.len > t->room.len - t->len)
		return ROTA_ERR_LENGTH;
	memcpy(&t->room.p[t->len], piece.p, piece.len);
	t->len += piece.len;
	return ROTA_OK;
}

static enum rota_err ask(
	struct front *f, const char *path, struct rota_buf room, struct server_answer *out)
{
	struct taken t = { .room = room };
	const struct rota_fetch_get get = { .server = &f->device,
		.path = path,
		.max_len = room.len,
		.total_s = SERVER_DEADLINE_S,
		.ctx = &t,
		.take = take_body };
	struct rota_fail why;
	enum rota_err err = rota_fetch_get(f->fetch, &get, &why);

	out->len = t.len;
	out->status = 200;
	if (err == ROTA_ERR_NOT_FOUND)
		out->status = 404;
	else if (err == ROTA_ERR_BUSY)
		out->status = 503;
	else if (err != ROTA_OK)
		return err == ROTA_ERR_LENGTH ? err : ROTA_ERR_NET;
	return ROTA_OK;
}

static enum rota_err tell(struct front *f, const char *path, struct rota_span body,
	struct rota_buf room, struct server_answer *out)
{
	static const char *const lines[] = { "Content-Type: application/octet-stream", NULL };
	struct rota_fetch_answer answer;
	struct rota_fail why;

	if (rota_fetch_send(f->fetch, &f->device, path, lines, body, SERVER_DEADLINE_S, &answer,
		    &why) != ROTA_OK)
		return ROTA_ERR_NET;
	if (answer.len > room.len)
		return ROTA_ERR_LENGTH;
	memcpy(room.p, answer.body, answer.len);
	out->status = answer.status;
	out->len = answer.len;
	return ROTA_OK;
}

enum rota_err front_call(struct front *f, const char *target, struct rota_span body,
	struct rota_buf room, struct server_answer *out)
{
	const char *path = target + (target[0] == '/');

	*out = (struct server_answer){ 0 };
	return body.p ? tell(f, path, body, room, out) : ask(f, path, room, out);
}
