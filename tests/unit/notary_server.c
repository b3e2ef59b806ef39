/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/notary_server.h"
#include "host/http/head.h"
#include "host/notary/approval.h"
#include "host/notary/refusal.h"
#include "host/notary/rows.h"
#include "host/repo/chain.h"
#include "host/sign/p256.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ONLINE 7 /* token of bundle_scene.h */

struct daemon {
	struct soft *soft;
	struct server_board *board;
	char role[32]; /* what was granted last */
	uint64_t version;
	uint8_t granted[ROTA_DIGEST_LEN];
	struct rota_bytes waiting; /* the request that waits */
	uint8_t approved[ROTA_DIGEST_LEN];
	uint8_t artifact[ROTA_DIGEST_LEN];
};

struct reply {
	unsigned status;
	struct rota_bytes text;
	bool cut;
};

/* ---- answers ---- */

static void answer(struct reply *r, unsigned status, const struct rota_answer *a)
{
	r->status = status;
	rota_answer_write(a, &r->text);
}

static void refuse(struct reply *r, unsigned status, enum rota_refusal code)
{
	struct rota_answer a = { .kind = ROTA_ANSWER_REFUSED,
		.code = rota_refusals[code].code,
		.clause = rota_refusals[code].clause,
		.text = "as the test wants it" };

	answer(r, status, &a);
}

static void print(struct reply *r, json_t *value)
{
	struct rota_fail why;

	r->status = 200;
	if (rota_json_encode(value, ROTA_JSON_FILE, &r->text, &why) != ROTA_OK)
		abort();
	json_decref(value);
}

static void sign(struct daemon *d, const uint8_t digest[static ROTA_DIGEST_LEN], struct reply *r)
{
	const struct rota_token token = { .name = "t7" };
	struct rota_answer a = { .kind = ROTA_ANSWER_SIGNED, .entry = 7, .count = 1 };
	struct rota_opener opener = soft_opener(d->soft);
	struct rota_signer signer;
	struct rota_fail why;
	char id[ROTA_DIGEST_HEX];

	d->soft->mood[ONLINE] = d->board->mood == SERVER_LIES ? SOFT_LIES : SOFT_WELL;
	if (opener.open(opener.ctx, &token, &signer, &why) != ROTA_OK ||
		signer.public_key(signer.ctx, "key", a.sig[0].key, &why) != ROTA_OK ||
		signer.sign(signer.ctx, "key", digest, a.sig[0].sig, &why) != ROTA_OK)
		abort();
	signer.close(signer.ctx);
	rota_p256_key_id(a.sig[0].key, id);
	(void)rota_unhex(id, ROTA_BUF(a.id[0]));
	if (d->board->mood == SERVER_SAYS_NOTHING)
		a.count = 0;
	answer(r, 200, &a);
}

/* ---- requests ---- */

/* A version is granted once; asked for again with the same bytes it is signed again. */
static bool grant(struct daemon *d, const struct rota_ask *ask)
{
	uint64_t version = rota_chain_version(json_object_get(ask->body, "signed"));

	if (strcmp(d->role, ask->role) == 0 && d->version >= version)
		return memcmp(d->granted, ask->digest, sizeof(d->granted)) == 0;
	snprintf(d->role, sizeof(d->role), "%s", ask->role);
	d->version = version;
	memcpy(d->granted, ask->digest, sizeof(d->granted));
	return true;
}

static void wait_for_officers(struct daemon *d, const struct rota_ask *ask, struct reply *r)
{
	struct rota_answer a = { .kind = ROTA_ANSWER_PENDING, .entry = 6, .need = 1 };

	d->waiting.len = 0;
	rota_bytes_add(&d->waiting, rota_bytes_span(&ask->bytes));
	answer(r, 202, &a);
}

/* Of an item its first byte, as often as a row has bytes; of one that begins with - none. */
static void make_rows(const struct rota_ask *ask, bool forgetful, struct reply *r)
{
	struct rota_rows_result out[ROTA_REGISTRAR_ITEMS_MAX] = { 0 };
	struct rota_span items[ROTA_REGISTRAR_ITEMS_MAX];
	struct rota_bytes batch = { 0 };
	size_t count;

	rota_rows_batch(ask->body, &batch);
	if (rota_rows_batch_read(rota_bytes_span(&batch), items, &count) != ROTA_OK)
		abort();
	for (size_t i = 0; i < count; i++) {
		out[i].err = (int32_t)(items[i].p[0] == '-' ? ROTA_ERR_COUNTER : ROTA_OK);
		memset(out[i].row, items[i].p[0], sizeof(out[i].row));
	}
	rota_rows_answer_write(7, out, count - forgetful, &r->text);
	r->status = 200;
	rota_bytes_free(&batch);
}

/* A list of 60,000 bytes, a certificate of 600, or a word that it is entered. */
static void act(const struct rota_ask *ask, bool empty, struct reply *r)
{
	const struct rota_answer a = { .kind = ROTA_ANSWER_SIGNED, .entry = 7 };
	static const uint8_t der[60000] = { 1, 2, 3 };
	size_t len = ask->kind == ROTA_ASK_CRL ? sizeof(der) : 600;

	if (ask->kind == ROTA_ASK_REVOKE || empty)
		len = 0;
	rota_answer_write_long(&a, rota_span(der, len), &r->text);
	r->status = 200;
}

static void judge(struct daemon *d, const struct rota_ask *ask, struct reply *r)
{
	enum server_mood mood = d->board->mood;
	uint8_t digest[ROTA_DIGEST_LEN];

	if (mood == SERVER_REFUSES) {
		refuse(r, 403, ROTA_REFUSED_ROLE);
		return;
	}
	if (mood == SERVER_RATES) {
		refuse(r, 429, ROTA_REFUSED_RATE);
		return;
	}
	if (mood == SERVER_ASKS_OFFICERS &&
		memcmp(d->approved, ask->digest, sizeof(d->approved)) != 0) {
		wait_for_officers(d, ask, r);
		return;
	}
	if (ask->kind == ROTA_ASK_METADATA && !grant(d, ask)) {
		refuse(r, 403, ROTA_REFUSED_REPLAY);
		return;
	}
	if (mood == SERVER_HAS_NO_TOKEN) {
		refuse(r, 503, ROTA_REFUSED_TOKEN);
		return;
	}
	if (ask->kind == ROTA_ASK_CRL || ask->kind == ROTA_ASK_OCSP ||
		ask->kind == ROTA_ASK_REVOKE) {
		act(ask, mood == SERVER_SAYS_NOTHING, r);
		return;
	}
	if (ask->kind == ROTA_ASK_ROWS) {
		make_rows(ask, mood == SERVER_MIXES_UP, r);
		return;
	}
	if (ask->kind == ROTA_ASK_IMAGE) {
		const char *hex = json_string_value(json_object_get(ask->body, "digest"));

		if (!rota_unhex(hex, ROTA_BUF(digest)))
			abort();
	} else {
		rota_digest_of(ask->signed_, digest);
	}
	sign(d, digest, r);
	r->cut = mood == SERVER_CUTS;
}

static void on_ask(struct daemon *d, struct rota_span body, struct reply *r)
{
	struct rota_bytes bytes = { 0 };
	struct rota_fail why;
	struct rota_ask ask;

	d->board->asks++;
	rota_bytes_add(&bytes, body);
	if (rota_ask_parse(bytes, &ask, &why) != ROTA_OK) {
		refuse(r, 400, ROTA_REFUSED_MEMBER);
		return;
	}
	d->board->files = (unsigned)json_object_size(ask.files);
	judge(d, &ask, r);
	rota_ask_free(&ask);
}

static void on_approval(struct daemon *d, struct rota_span body, struct reply *r)
{
	struct rota_answer a = { .kind = ROTA_ANSWER_PENDING, .entry = 6, .have = 1, .need = 1 };
	struct rota_approval approval;
	struct rota_fail why;

	if (rota_approval_parse(body, &approval, &why) != ROTA_OK) {
		refuse(r, 403, ROTA_REFUSED_APPROVER);
		return;
	}
	memcpy(d->approved, approval.ask, sizeof(d->approved));
	answer(r, 200, &a);
}

static void on_artifact(struct daemon *d, struct rota_span body, struct reply *r)
{
	char hex[ROTA_DIGEST_HEX];

	d->board->uploads++;
	rota_digest_of(d->board->mood == SERVER_MIXES_UP ? rota_span_cstr("x") : body, d->artifact);
	rota_hex(ROTA_SPAN(d->artifact), hex);
	print(r,
		json_pack("{s:n,s:I,s:s}", "image", "length", (json_int_t)body.len, "sha256", hex));
}

static void on_keys(struct daemon *d, struct reply *r)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	char id[ROTA_DIGEST_HEX], hex[2 * ROTA_P256_KEY_LEN + 1];

	if (!rota_p256_of_pkey(d->soft->key[ONLINE], point))
		abort();
	rota_p256_key_id(point, id);
	if (d->board->mood == SERVER_LIES)
		id[0] = id[0] == '0' ? '1' : '0';
	rota_hex(ROTA_SPAN(point), hex);
	print(r, json_pack("{s:[{s:s,s:s}]}", "keys", "keyid", id, "public", hex));
}

const char server_campaign[] =
	"{\"_type\":\"rota-ask\",\"body\":{\"activation\":\"2027-01-20T08:00:00Z\",\"ciph"
	"er\":1,\"devices\":\"group=lab\",\"emergency\":false,\"expected\":1,\"export\":"
	"\"0000000000000000000000000000000000000000000000000000000000000000\",\"generatio"
	"n\":1,\"most\":1,\"name\":\"winter\",\"overlap_s\":0,\"product\":\"sensor\",\"pu"
	"rpose\":\"link\",\"stages\":[{\"from\":\"2027-01-15T08:00:00Z\",\"ppm\":1000000}"
	"],\"suite\":1},\"expires\":null,\"files\":{},\"format\":1,\"id\":\"0000000000000"
	"0000000000000000000\",\"kind\":\"campaign\",\"reason\":\"why\",\"role\":\"keys-l"
	"ink\",\"scope\":\"sensor\"}";

/* Whichever is asked for, it is this one. */
static void on_campaign(struct daemon *d, bool list, struct reply *r)
{
	char hex[ROTA_DIGEST_HEX];

	rota_digest_hex(rota_span_cstr(server_campaign), hex);
	if (list)
		print(r, json_pack("{s:[s]}", "campaigns", hex));
	else
		print(r,
			json_pack("{s:s,s:s}", "ask",
				d->board->mood == SERVER_MIXES_UP ? "{}" : server_campaign, "state",
				"paused"));
}

static void on_pending(struct daemon *d, bool list, struct reply *r)
{
	char hex[ROTA_DIGEST_HEX];

	rota_digest_hex(rota_bytes_span(&d->waiting), hex);
	if (list) {
		print(r, json_pack("{s:[s]}", "asks", hex));
		return;
	}
	if (d->board->mood == SERVER_MIXES_UP)
		for (char *c = (char *)d->waiting.p; (c = strstr(c, "why")) != NULL;)
			*c = 'W';
	print(r, json_pack("{s:s,s:s}", "ask", d->waiting.p, "was", "{\"version\":1}"));
}

static bool is(struct rota_span target, const char *path)
{
	return target.len >= strlen(path) && memcmp(target.p, path, strlen(path)) == 0;
}

static void serve(
	struct daemon *d, const struct rota_http_head *head, struct rota_span body, struct reply *r)
{
	bool list = head->target.len == strlen("/v1/pending");

	if (d->board->mood == SERVER_BABBLES)
		print(r, json_pack("{s:s}", "_type", "rota-gossip"));
	else if (is(head->target, "/v1/ask"))
		on_ask(d, body, r);
	else if (is(head->target, "/v1/approve"))
		on_approval(d, body, r);
	else if (is(head->target, "/v1/artifact/sensor"))
		on_artifact(d, body, r);
	else if (is(head->target, "/v1/keys/sensor/"))
		on_keys(d, r);
	else if (is(head->target, "/v1/pending"))
		on_pending(d, list, r);
	else if (is(head->target, "/v1/campaigns/sensor"))
		on_campaign(d, true, r);
	else if (is(head->target, "/v1/campaign/"))
		on_campaign(d, false, r);
	else
		r->status = 404;
}

/* ---- connections ---- */

static bool send_reply(int fd, const struct reply *r)
{
	struct rota_bytes out = { 0 };
	bool good;

	rota_bytes_print(
		&out, "HTTP/1.1 %u -\r\nContent-Length: %zu\r\n\r\n", r->status, r->text.len);
	rota_bytes_add(&out, rota_bytes_span(&r->text));
	good = !r->cut && send(fd, out.p, out.len, MSG_NOSIGNAL) == (ssize_t)out.len;
	rota_bytes_free(&out);
	return good;
}

/* Requests of one connection until it ends, one at a time. */
static void talk(struct daemon *d, int fd)
{
	static uint8_t in[ROTA_HTTP_HEAD_MAX + ROTA_HTTP_BODY_MAX];
	size_t have = 0;
	ssize_t got;

	while (have < sizeof(in) && (got = read(fd, in + have, sizeof(in) - have)) > 0) {
		struct rota_http_head head = { 0 };
		struct reply r = { 0 };
		bool good;

		have += (size_t)got;
		if (rota_http_head(rota_span(in, have), ROTA_ASK_MAX, &head) != 0)
			return;
		if (head.len == 0 || have < head.len + head.body_len)
			continue;
		serve(d, &head, rota_span(in + head.len, (size_t)head.body_len), &r);
		good = send_reply(fd, &r);
		rota_bytes_free(&r.text);
		if (!good)
			return;
		have = 0;
	}
}

static void run(struct daemon *d, int listener)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			_exit(1);
		talk(d, fd);
		close(fd);
	}
}

bool server_begin(struct server *s, const char *path, struct soft *soft)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct daemon d = { .soft = soft };

	snprintf(s->socket, sizeof(s->socket), "%s", path);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	s->board = mmap(
		NULL, sizeof(*s->board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->board == MAP_FAILED || listener < 0 ||
		bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listener, 8) != 0)
		return false;
	d.board = s->board;
	fflush(stdout);
	s->pid = fork();
	if (s->pid == 0)
		run(&d, listener);
	close(listener);
	return s->pid > 0;
}

void server_end(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	munmap(s->board, sizeof(*s->board));
	unlink(s->socket);
}
