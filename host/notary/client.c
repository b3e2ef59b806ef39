/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/client_parts.h"
#include "host/fetch/fetch.h"
#include "host/notary/refusal.h"
#include "host/sign/p256.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_S 5
/* A token may take half a minute before its daemon gives it up. */
#define CALL_S 60
/* An artifact of 4 GiB (SPEC 18.2). */
#define UPLOAD_S 3600
/* Keys of a party, digests of what waits: a line for each. */
#define LIST_MAX (64u * 1024)
/* A request and what it follows, as strings of JSON: each byte may need an escape. */
#define SHOWN_MAX (2u * (ROTA_ASK_MAX + 16u * 1024 * 1024) + 64)

struct rota_client {
	struct rota_fetch *fetch;
	struct rota_fetch_server server;
	char *socket; /* or the URL: where it is, for a sentence */
	char *files[3]; /* of the server from afar */
};

/* Whether somebody listens: libcurl would tell it from a call that broke off by the sentence alone. */
static enum rota_err knock(const char *socket_path, struct rota_fail *why)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), code;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", socket_path);
	code = fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (code == 0)
		return ROTA_OK;
	return rota_fail(
		why, ROTA_ERR_NET, "no signing daemon at %s: %s", socket_path, strerror(code));
}

struct rota_client_server rota_client_server(const struct rota_authdir *dir)
{
	return (struct rota_client_server){ .address = dir->signd,
		.ca = dir->signd_ca,
		.certificate = dir->signd_certificate,
		.key = dir->signd_key };
}

static void set_server(struct rota_client *c, const struct rota_client_server *to)
{
	c->socket = rota_text("%s", to->address);
	if (!rota_signd_is_remote(to->address)) {
		c->server = (struct rota_fetch_server){
			.url = "http://signd", .socket = c->socket, .plain = true
		};
		return;
	}
	c->files[0] = rota_text("%s", to->ca);
	c->files[1] = rota_text("%s", to->certificate);
	c->files[2] = rota_text("%s", to->key);
	c->server = (struct rota_fetch_server){
		.url = c->socket, .ca = c->files[0], .certificate = c->files[1], .key = c->files[2]
	};
}

enum rota_err rota_client_open(
	const struct rota_client_server *server, struct rota_client **out, struct rota_fail *why)
{
	static const struct rota_fetch_settings settings = {
		.user_agent = "rota", .connect_s = CONNECT_S, .stall_s = CALL_S
	};
	struct rota_client *c;

	*out = NULL;
	if (!rota_signd_is_remote(server->address))
		ROTA_TRY(knock(server->address, why));
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	set_server(c, server);
	c->fetch = rota_fetch_new(&settings);
	*out = c;
	if (c->fetch)
		return ROTA_OK;
	rota_client_close(c);
	*out = NULL;
	return rota_fail(why, ROTA_ERR_FULL, "libcurl does not start");
}

void rota_client_close(struct rota_client *c)
{
	if (!c)
		return;
	rota_fetch_free(c->fetch);
	free(c->socket);
	for (size_t i = 0; i < 3; i++)
		free(c->files[i]);
	free(c);
}

/* The URL says nothing to a person; the socket does. */
static enum rota_err unreached(const struct rota_client *c, struct rota_fail *why)
{
	return rota_fail_in(why, "signing daemon at %s", c->socket);
}

/* ---- asking ---- */

static enum rota_err read_answer(const struct rota_client *c, const struct rota_fetch_answer *got,
	struct rota_answer *out, struct rota_fail *why)
{
	if (rota_answer_read(rota_span(got->body, got->len), out, why) == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT,
		"signing daemon at %s answers %u with what is no answer (SPEC 18.5)", c->socket,
		got->status);
}

static enum rota_err post(struct rota_client *c, const char *path, struct rota_span body,
	struct rota_answer *out, struct rota_fail *why)
{
	struct rota_fetch_answer got;

	if (rota_fetch_post(c->fetch, &c->server, path, body, CALL_S, &got, why) != ROTA_OK)
		return unreached(c, why);
	return read_answer(c, &got, out, why);
}

enum rota_err rota_client_ask(
	struct rota_client *c, struct rota_span ask, struct rota_answer *out, struct rota_fail *why)
{
	return post(c, "v1/ask", ask, out, why);
}

enum rota_err rota_client_verdict(const struct rota_answer *answer, struct rota_fail *why)
{
	switch (answer->kind) {
	case ROTA_ANSWER_SIGNED:
		return ROTA_OK;
	case ROTA_ANSWER_PENDING:
		return rota_fail(why, ROTA_ERR_BUSY, "it waits for approvals, %u of %u are there",
			answer->have, answer->need);
	case ROTA_ANSWER_REFUSED:
		break;
	}
	return rota_fail(why, rota_refusal_find(answer->code)->err,
		"the signing daemon refuses it: %s: %s (%s)", answer->code, answer->text,
		answer->clause);
}

bool rota_client_may_stand(const struct rota_answer *answer)
{
	return answer->kind == ROTA_ANSWER_REFUSED &&
		(strcmp(answer->code, rota_refusals[ROTA_REFUSED_TOKEN].code) == 0 ||
			strcmp(answer->code, rota_refusals[ROTA_REFUSED_LOG].code) == 0);
}

/* No yes: what it is. */
static enum rota_err read_refusal(
	const struct rota_client *c, struct rota_span text, unsigned status, struct rota_fail *why)
{
	struct rota_answer answer;

	if (rota_answer_read(text, &answer, why) != ROTA_OK || answer.kind == ROTA_ANSWER_SIGNED)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"signing daemon at %s answers %u with what is no answer (SPEC 18.5)",
			c->socket, status);
	why->err = rota_client_verdict(&answer, why);
	if (rota_client_may_stand(&answer))
		why->err = ROTA_ERR_BUSY;
	return why->err;
}

enum rota_err client_post_long(struct rota_client *c, struct rota_span ask, size_t max,
	struct rota_bytes *text, struct rota_fail *why)
{
	struct rota_fetch_answer got;
	enum rota_err err;

	*text = (struct rota_bytes){ 0 };
	err = rota_fetch_post_long(
		c->fetch, &c->server, "v1/ask", ask, CALL_S, max, text, &got, why);
	if (err != ROTA_OK)
		unreached(c, why);
	else if (got.status == 200)
		return ROTA_OK;
	else
		err = read_refusal(c, rota_bytes_span(text), got.status, why);
	rota_bytes_free(text);
	return err;
}

enum rota_err rota_client_approve(struct rota_client *c, const struct rota_approval *approval,
	struct rota_answer *out, struct rota_fail *why)
{
	struct rota_bytes text = { 0 };
	enum rota_err err;

	rota_approval_write(approval, &text);
	err = post(c, "v1/approve", rota_bytes_span(&text), out, why);
	rota_bytes_free(&text);
	return err;
}

/* {"image","length","sha256"} of the file that was meant. */
static bool is_receipt(struct rota_span text, uint64_t len, const char *sha256)
{
	struct rota_fail why;
	const char *got;
	json_t *whole;
	bool good;

	if (rota_json_parse_strict(text, &whole, &why) != ROTA_OK)
		return false;
	got = json_string_value(json_object_get(whole, "sha256"));
	good = rota_json_members(whole, "image length sha256") && got && strcmp(got, sha256) == 0 &&
		(uint64_t)json_integer_value(json_object_get(whole, "length")) == len;
	json_decref(whole);
	return good;
}

enum rota_err rota_client_artifact(struct rota_client *c, const char *scope, const char *file,
	uint64_t len, const uint8_t sha256[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	char *path = rota_text("v1/artifact/%s", scope), hex[ROTA_DIGEST_HEX];
	struct rota_fetch_answer got;
	struct rota_answer answer;
	enum rota_err err =
		rota_fetch_upload(c->fetch, &c->server, path, file, UPLOAD_S, &got, why);

	free(path);
	if (err != ROTA_OK)
		return unreached(c, why);
	rota_hex(rota_span(sha256, ROTA_DIGEST_LEN), hex);
	if (got.status == 200 && is_receipt(rota_span(got.body, got.len), len, hex))
		return ROTA_OK;
	if (got.status == 200)
		return rota_fail(why, ROTA_ERR_HASH,
			"signing daemon at %s: it got another file than %s", c->socket, file);
	ROTA_TRY(read_answer(c, &got, &answer, why));
	ROTA_TRY(rota_client_verdict(&answer, why));
	return rota_fail(why, ROTA_ERR_FORMAT,
		"signing daemon at %s answers a file with a signature", c->socket);
}

/* ---- reading ---- */

static enum rota_err gather(void *ctx, struct rota_span piece)
{
	rota_bytes_add(ctx, piece);
	return ROTA_OK;
}

enum rota_err client_get(struct rota_client *c, const char *path, size_t max, const char *members,
	json_t **out, struct rota_fail *why)
{
	struct rota_bytes text = { 0 };
	const struct rota_fetch_get what = { .server = &c->server,
		.path = path,
		.max_len = max,
		.total_s = CALL_S,
		.ctx = &text,
		.take = gather };
	enum rota_err err = rota_fetch_get(c->fetch, &what, why);

	*out = NULL;
	if (err != ROTA_OK)
		unreached(c, why);
	else if (rota_json_parse_strict(rota_bytes_span(&text), out, why) != ROTA_OK ||
		!rota_json_members(*out, members))
		err = rota_fail(why, ROTA_ERR_FORMAT,
			"signing daemon at %s: /%s is none of SPEC 18.2", c->socket, path);
	rota_bytes_free(&text);
	if (err == ROTA_OK)
		return ROTA_OK;
	json_decref(*out);
	*out = NULL;
	return err;
}

/* More about what is not there, behind the server's status. */
static enum rota_err hint(struct rota_fail *why, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static enum rota_err hint(struct rota_fail *why, const char *format, ...)
{
	struct rota_fail was = *why;
	char more[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(more, sizeof(more), format, args);
	va_end(args);
	return rota_fail(why, was.err, "%s; %s", was.text, more);
}

static enum rota_err wrong_list(
	const struct rota_client *c, const char *what, struct rota_fail *why)
{
	return rota_fail(why, ROTA_ERR_FORMAT,
		"signing daemon at %s: its list of %s is none of SPEC 18.2", c->socket, what);
}

enum rota_err client_digests(const struct rota_client *c, const json_t *list, size_t most,
	uint8_t (*digests)[ROTA_DIGEST_LEN], size_t *count, const char *what, struct rota_fail *why)
{
	*count = json_array_size(list);
	if (!json_is_array(list) || *count > most)
		return wrong_list(c, what, why);
	for (size_t i = 0; i < *count; i++)
		if (!rota_unhex(json_string_value(json_array_get(list, i)),
			    rota_buf(digests[i], ROTA_DIGEST_LEN)))
			return wrong_list(c, what, why);
	return ROTA_OK;
}

/* {"keyid","public"}, where the one follows from the other. */
static bool read_key(const json_t *one, uint8_t point[static ROTA_P256_KEY_LEN])
{
	const char *hex = json_string_value(json_object_get(one, "public"));
	const char *id = json_string_value(json_object_get(one, "keyid"));
	char own[ROTA_DIGEST_HEX];

	if (!rota_json_members(one, "keyid public") || !hex || !id ||
		!rota_unhex(hex, rota_buf(point, ROTA_P256_KEY_LEN)))
		return false;
	rota_p256_key_id(point, own);
	return strcmp(own, id) == 0;
}

enum rota_err rota_client_keys(struct rota_client *c, const char *scope, const char *party,
	uint8_t (*points)[ROTA_P256_KEY_LEN], size_t *count, struct rota_fail *why)
{
	char *path = rota_text("v1/keys/%s/%s", scope, party);
	enum rota_err err;
	json_t *whole, *list;

	err = client_get(c, path, LIST_MAX, "keys", &whole, why);
	free(path);
	if (err == ROTA_ERR_NOT_FOUND)
		return hint(why,
			"it holds a key of %s of %s only if a [rule] of its signd.ini is for one",
			party, scope);
	ROTA_TRY(err);
	list = json_object_get(whole, "keys");
	*count = json_array_size(list);
	if (!json_is_array(list) || *count > ROTA_SIGNERS_MAX)
		err = wrong_list(c, "keys", why);
	for (size_t i = 0; err == ROTA_OK && i < *count; i++)
		if (!read_key(json_array_get(list, i), points[i]))
			err = wrong_list(c, "keys", why);
	json_decref(whole);
	return err;
}

enum rota_err rota_client_due(
	struct rota_client *c, const char *scope, json_t **due, struct rota_fail *why)
{
	char *path = rota_text("v1/series/%s/due", scope);
	enum rota_err err =
		client_get(c, path, LIST_MAX, "held landing publish sealed sign", due, why);

	free(path);
	return err;
}

enum rota_err rota_client_pending(struct rota_client *c, uint8_t (*digests)[ROTA_DIGEST_LEN],
	size_t *count, struct rota_fail *why)
{
	enum rota_err err;
	json_t *whole;

	ROTA_TRY(client_get(c, "v1/pending", LIST_MAX, "asks", &whole, why));
	err = client_digests(c, json_object_get(whole, "asks"), ROTA_CLIENT_PENDING_MAX, digests,
		count, "requests", why);
	json_decref(whole);
	return err;
}

/* The request's own text: what is shown and approved are these bytes. */
enum rota_err client_read_ask(const json_t *whole, const uint8_t digest[static ROTA_DIGEST_LEN],
	struct rota_ask *ask, struct rota_fail *why)
{
	const json_t *text = json_object_get(whole, "ask");
	struct rota_bytes bytes = { 0 };

	rota_bytes_add(&bytes, rota_span(json_string_value(text), json_string_length(text)));
	ROTA_TRY(rota_ask_parse(bytes, ask, why));
	if (memcmp(ask->digest, digest, ROTA_DIGEST_LEN) == 0)
		return ROTA_OK;
	rota_ask_free(ask);
	return rota_fail(why, ROTA_ERR_HASH,
		"the signing daemon shows another request than was asked for (SPEC 20.2)");
}

enum rota_err rota_client_shown(struct rota_client *c, const uint8_t digest[static ROTA_DIGEST_LEN],
	struct rota_ask *ask, json_t **was, struct rota_fail *why)
{
	char hex[ROTA_DIGEST_HEX], path[sizeof("v1/pending/") + ROTA_DIGEST_HEX];
	const json_t *before;
	enum rota_err err;
	json_t *whole;

	*was = NULL;
	rota_hex(rota_span(digest, ROTA_DIGEST_LEN), hex);
	snprintf(path, sizeof(path), "v1/pending/%s", hex);
	err = client_get(c, path, SHOWN_MAX, "ask was", &whole, why);
	if (err == ROTA_ERR_NOT_FOUND)
		return hint(why,
			"no request %s waits: it is over, or another daemon's; rota approve lists "
			"what "
			"waits",
			hex);
	ROTA_TRY(err);
	before = json_object_get(whole, "was");
	err = client_read_ask(whole, digest, ask, why);
	if (err == ROTA_OK && !json_is_null(before)) {
		err = rota_json_parse_strict(
			rota_span(json_string_value(before), json_string_length(before)), was, why);
		if (err != ROTA_OK)
			rota_ask_free(ask);
	}
	json_decref(whole);
	return err;
}
