/* SPDX-License-Identifier: Apache-2.0 */
#include "host/fetch/fetch.h"
#include "host/base/bytes.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* What curl reads from a socket at once: its own default is 16 KB, and a system call each. */
#define SOCKET_BYTES (256L * 1024)

/* Below this rate for stall_s seconds a transfer counts as stalled, in bytes a second. */
#define STALL_RATE 1024L

/* Of the body of a refusal, which is read to keep the connection and thrown away. */
#define REFUSAL_MAX (64u * 1024)

struct rota_fetch {
	CURL *curl;
	CURL *as; /* of a login; NULL: none yet */
	const struct rota_fetch_login *login; /* whose connections `as` has, */
	uint32_t turn; /* in which turn of it */
	struct rota_fetch_settings settings;
	bool no_clock;
	uint32_t retry_after_s; /* as the server of the last call said; 0: it did not */
	bool turned_away; /* in the last call, by a TLS alert about the certificate */
	char error[CURL_ERROR_SIZE];
};

/* One transfer, as the callbacks see it. */
struct transfer {
	struct rota_fetch *f;
	CURL *curl;
	const struct rota_fetch_server *server;
	const struct rota_fetch_get *get;
	struct rota_fetch_answer *answer;
	struct rota_bytes *body; /* NULL: an answer goes into `answer` */
	size_t body_max;
	char url[ROTA_URL_MAX];
	bool ranged; /* Content-Range was there and right */
	uint64_t at; /* offset of the next byte of the body in the file */
	uint64_t thrown; /* bytes of a refusal's body */
	uint64_t due_ms; /* when the next bytes of the body may be taken, where there is a rate */
	enum rota_err err; /* why a callback ended it */
};

/* ---- set up ---- */

struct rota_fetch *rota_fetch_new(const struct rota_fetch_settings *settings)
{
	struct rota_fetch *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	/* libcurl would load openssl.cnf, and the engines and providers that it names. */
	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	f->settings = *settings;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		f->curl = curl_easy_init();
	if (!f->curl) {
		free(f);
		return NULL;
	}
	return f;
}

void rota_fetch_free(struct rota_fetch *f)
{
	if (!f)
		return;
	curl_easy_cleanup(f->curl);
	curl_easy_cleanup(f->as);
	curl_global_cleanup();
	free(f);
}

void rota_fetch_clock(struct rota_fetch *f, bool believed)
{
	f->no_clock = !believed;
}

static int on_progress(
	void *ctx, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
	const struct transfer *t = ctx;

	(void)total, (void)now, (void)up_total, (void)up;
	return t->f->settings.stop && *t->f->settings.stop;
}

/* A quarter of a second's bytes at most: so long a sink may wait, for a rate. */
static long piece_of(uint64_t rate)
{
	if (rate == 0 || rate / 4 >= (uint64_t)SOCKET_BYTES)
		return SOCKET_BYTES;
	return rate / 4 > 1024 ? (long)(rate / 4) : 1024;
}

static void set_manners(CURL *c, struct transfer *t, uint32_t total_s)
{
	const struct rota_fetch_settings *s = &t->f->settings;

	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->f->error);
	curl_easy_setopt(c, CURLOPT_USERAGENT, s->user_agent);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, piece_of(s->rate));
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)s->connect_s);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, STALL_RATE);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)s->stall_s);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)total_s);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
}

static bool is_plain(const struct rota_fetch_server *server)
{
	return server->plain && strncmp(server->url, "http://", 7) == 0;
}

static bool present(SSL_CTX *ssl, const struct rota_fetch_login *login)
{
	return SSL_CTX_use_certificate_chain_file(ssl, login->certificate) == 1 &&
		SSL_CTX_use_PrivateKey(ssl, login->key) == 1 && SSL_CTX_check_private_key(ssl) == 1;
}

/* SPEC 29.9 */
static bool is_of_certificate(int alert)
{
	return (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_CERTIFICATE_UNKNOWN) ||
		alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_ACCESS_DENIED ||
		alert == SSL_AD_CERTIFICATE_REQUIRED;
}

static int place_in_context(void)
{
	static int place = -1;

	if (place < 0)
		place = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return place;
}

/* Before the client's Finished nobody has shown the server's key yet, and anybody on the way can send an alert. */
static void on_alert(const SSL *ssl, int where, int what)
{
	struct rota_fetch *f = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), place_in_context());

	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && is_of_certificate(what & 0xFF) &&
		(SSL_is_init_finished(ssl) || SSL_get_state(ssl) == TLS_ST_CW_FINISHED))
		f->turned_away = true;
}

static bool watch_alerts(SSL_CTX *ssl, struct rota_fetch *f)
{
	SSL_CTX_set_info_callback(ssl, on_alert);
	return SSL_CTX_set_ex_data(ssl, place_in_context(), f) == 1;
}

/* What libcurl has no option for. */
static CURLcode on_context(CURL *c, void *ssl, void *ctx)
{
	const struct transfer *t = ctx;

	(void)c;
	if (t->f->no_clock)
		X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl), X509_V_FLAG_NO_CHECK_TIME);
	if (!t->server->login)
		return CURLE_OK;
	return watch_alerts(ssl, t->f) && present(ssl, t->server->login) ? CURLE_OK
									 : CURLE_SSL_CERTPROBLEM;
}

static void set_trust(CURL *c, struct transfer *t, const struct rota_fetch_server *server)
{
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, is_plain(server) ? "http" : "https");
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	/* NULL is no default here: without it libcurl adds the system's folder of certificates. */
	curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(c, CURLOPT_CAINFO, server->ca);
	if (t->f->no_clock || server->login) {
		curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_context);
		curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, t);
	}
	curl_easy_setopt(c, CURLOPT_SSLCERT, server->login ? NULL : server->certificate);
	curl_easy_setopt(c, CURLOPT_SSLKEY, server->login ? NULL : server->key);
	/* An encrypted key fails: without this OpenSSL asks on the terminal. */
	curl_easy_setopt(c, CURLOPT_KEYPASSWD, "");
	/* "" is libcurl's word for none, whatever the environment says. */
	curl_easy_setopt(c, CURLOPT_PROXY, server->proxy ? server->proxy : "");
}

/* ---- an error as ours ---- */

static enum rota_err from_curl(CURLcode code)
{
	static const struct {
		CURLcode code;
		enum rota_err err;
	} table[] = {
		{ CURLE_PEER_FAILED_VERIFICATION, ROTA_ERR_SIGNATURE },
		{ CURLE_SSL_INVALIDCERTSTATUS, ROTA_ERR_SIGNATURE },
		{ CURLE_SSL_ISSUER_ERROR, ROTA_ERR_SIGNATURE },
		{ CURLE_SSL_CONNECT_ERROR, ROTA_ERR_DENIED },
		{ CURLE_SSL_CACERT_BADFILE, ROTA_ERR_IO },
		{ CURLE_SSL_CERTPROBLEM, ROTA_ERR_IO },
		{ CURLE_OPERATION_TIMEDOUT, ROTA_ERR_TIMEOUT },
		{ CURLE_URL_MALFORMAT, ROTA_ERR_ARGUMENT },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].code == code)
			return table[i].err;
	return ROTA_ERR_NET;
}

static enum rota_err from_status(long status)
{
	if (status == 200 || status == 206)
		return ROTA_OK;
	if (status == 404 || status == 403 || status == 410)
		return ROTA_ERR_NOT_FOUND;
	if (status == 401 || (status >= 300 && status < 400))
		return ROTA_ERR_DENIED;
	if (status == 429 || status == 503)
		return ROTA_ERR_BUSY;
	if (status == 416) /* the file is shorter than what is here of it */
		return ROTA_ERR_LENGTH;
	return ROTA_ERR_NET;
}

static long status_of(const struct transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* Of a login: whether its certificate was turned away is known, and nothing else says so. */
static enum rota_err from_transfer(const struct transfer *t, CURLcode code)
{
	if (t->server->login && t->f->turned_away)
		return ROTA_ERR_DENIED;
	return t->server->login && code == CURLE_SSL_CONNECT_ERROR ? ROTA_ERR_NET : from_curl(code);
}

/* The sentence for a call that failed; `code` is libcurl's word, t->err ours. */
static enum rota_err complain(const struct transfer *t, CURLcode code, struct rota_fail *why)
{
	const char *text = t->f->error[0] ? t->f->error : curl_easy_strerror(code);

	if (t->f->settings.stop && *t->f->settings.stop)
		return rota_fail(why, ROTA_ERR_NET, "%s: interrupted by a signal", t->url);
	if (t->err != ROTA_OK)
		return rota_fail(why, t->err, "%s: %s", t->url, rota_err_str(t->err));
	if (from_curl(code) == ROTA_ERR_SIGNATURE)
		return rota_fail(why, ROTA_ERR_SIGNATURE,
			"%s: %s; is ca = %s its authority, and the clock right?", t->url, text,
			t->server->ca);
	return rota_fail(why, from_transfer(t, code), "%s: %s", t->url, text);
}

static enum rota_err complain_status(const struct transfer *t, long status, struct rota_fail *why)
{
	if (status >= 300 && status < 400)
		return rota_fail(why, from_status(status),
			"%s: the server answers %ld, and redirects are refused", t->url, status);
	return rota_fail(why, from_status(status), "%s: the server answers %ld", t->url, status);
}

static void note_retry_after(const struct transfer *t, long status)
{
	curl_off_t after = 0;

	if (from_status(status) == ROTA_ERR_BUSY)
		curl_easy_getinfo(t->curl, CURLINFO_RETRY_AFTER, &after);
	t->f->retry_after_s = after > 0 && after < UINT32_MAX ? (uint32_t)after : 0;
}

uint32_t rota_fetch_retry_after(const struct rota_fetch *f)
{
	return f->retry_after_s;
}

/* ---- reading ---- */

static size_t on_header(char *at, size_t one, size_t len, void *ctx)
{
	static const char name[] = "content-range:";
	struct transfer *t = ctx;
	uint64_t from;
	char line[80];

	(void)one;
	if (len < sizeof(name) || len >= sizeof(line) ||
		strncasecmp(at, name, sizeof(name) - 1) != 0)
		return len;
	memcpy(line, at, len);
	line[len] = 0;
	t->ranged = sscanf(line + sizeof(name) - 1, " bytes %" SCNu64 "-", &from) == 1 &&
		from == t->get->offset;
	return len;
}

/* Before the first byte of a body that is taken. */
static enum rota_err begin_body(struct transfer *t)
{
	curl_off_t len = -1;

	if (status_of(t) == 206 && t->get->offset != 0) {
		if (!t->ranged)
			return ROTA_ERR_NET;
		t->at = t->get->offset;
	}
	curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &len);
	if (len > 0 && (t->at > t->get->max_len || (uint64_t)len > t->get->max_len - t->at))
		return ROTA_ERR_LENGTH;
	return ROTA_OK;
}

static enum rota_err take_body(struct transfer *t, struct rota_span piece)
{
	uint64_t skip;

	if (t->at == 0)
		ROTA_TRY(begin_body(t));
	if (piece.len > t->get->max_len - t->at)
		return ROTA_ERR_LENGTH;
	skip = t->at < t->get->offset ? t->get->offset - t->at : 0;
	t->at += piece.len;
	if (skip >= piece.len)
		return ROTA_OK;
	return t->get->take(t->get->ctx, rota_span_skip(piece, (size_t)skip));
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* libcurl's own limit begins after a hundred reads, which is all of a small file. */
static void hold_to_rate(struct transfer *t, size_t len)
{
	uint64_t rate = t->f->settings.rate, now = now_ms(), wait;
	struct timespec pause;

	if (rate == 0)
		return;
	wait = t->due_ms > now ? t->due_ms - now : 0;
	t->due_ms = now + wait + (uint64_t)len * 1000 / rate;
	pause = (struct timespec){ .tv_sec = (time_t)(wait / 1000),
		.tv_nsec = (long)(wait % 1000) * 1000000 };
	(void)nanosleep(&pause, NULL);
}

/* Taking another number than was offered tells libcurl to stop. */
static size_t on_body(char *at, size_t one, size_t len, void *ctx)
{
	struct transfer *t = ctx;

	(void)one;
	if (from_status(status_of(t)) != ROTA_OK) {
		t->thrown += len;
		return t->thrown > REFUSAL_MAX ? 0 : len;
	}
	hold_to_rate(t, len);
	t->err = take_body(t, rota_span(at, len));
	return t->err == ROTA_OK ? len : 0;
}

static enum rota_err make_url(struct transfer *t, const struct rota_fetch_server *server,
	const char *path, struct rota_fail *why)
{
	size_t len = strlen(server->url);
	int need;

	if (!is_plain(server) && (strncmp(server->url, "https://", 8) != 0 || !server->ca))
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"%s is not https, or no CA is named for it", server->url);
	while (len && server->url[len - 1] == '/')
		len--;
	need = snprintf(t->url, sizeof(t->url), "%.*s/%s", (int)len, server->url, path);
	if (need < 0 || (size_t)need >= sizeof(t->url))
		return rota_fail(why, ROTA_ERR_ARGUMENT, "%s: longer than %d bytes with its path",
			server->url, ROTA_URL_MAX - 1);
	return ROTA_OK;
}

/* libcurl tells connections apart by the files of their keys, and here is none: so each turn of a login has a handle of
 * its own. NULL: no memory. */
static CURL *handle(struct rota_fetch *f, const struct rota_fetch_login *login)
{
	if (!login)
		return f->curl;
	if (f->as && f->login == login && f->turn == login->turn)
		return f->as;
	curl_easy_cleanup(f->as);
	f->as = curl_easy_init();
	f->login = login;
	f->turn = login->turn;
	return f->as;
}

/* Options of the last call are forgotten, its connections are not. */
static enum rota_err prepare(struct transfer *t, const struct rota_fetch_server *server,
	uint32_t total_s, struct rota_fail *why)
{
	CURL *c;

	if (server->login && !server->login->key)
		return rota_fail(
			why, ROTA_ERR_STATE, "%s: this device has no certificate to show", t->url);
	c = handle(t->f, server->login);
	if (!c)
		return rota_fail(why, ROTA_ERR_FULL, "%s: out of memory", t->url);
	t->curl = c;
	curl_easy_reset(c);
	t->f->error[0] = 0;
	t->f->retry_after_s = 0;
	t->f->turned_away = false;
	set_manners(c, t, total_s);
	t->server = server;
	set_trust(c, t, server);
	curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, server->socket);
	curl_easy_setopt(c, CURLOPT_URL, t->url);
	return ROTA_OK;
}

enum rota_err rota_fetch_get(
	struct rota_fetch *f, const struct rota_fetch_get *get, struct rota_fail *why)
{
	struct transfer t = { .f = f, .get = get };
	CURLcode code;
	CURL *c;

	ROTA_TRY(make_url(&t, get->server, get->path, why));
	ROTA_TRY(prepare(&t, get->server, get->total_s, why));
	c = t.curl;
	curl_easy_setopt(c, CURLOPT_HEADERDATA, &t);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &t);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	if (get->offset) {
		char range[32];

		/* libcurl's RESUME_FROM would fail on a plain 200, which is as good. */
		snprintf(range, sizeof(range), "%" PRIu64 "-", get->offset);
		curl_easy_setopt(c, CURLOPT_RANGE, range);
	}
	code = curl_easy_perform(c);
	note_retry_after(&t, status_of(&t));
	if (code != CURLE_OK && from_status(status_of(&t)) == ROTA_OK)
		return complain(&t, code, why);
	if (status_of(&t) == 0)
		return complain(&t, code, why);
	if (from_status(status_of(&t)) != ROTA_OK)
		return complain_status(&t, status_of(&t), why);
	return ROTA_OK;
}

/* ---- sending ---- */

static size_t on_answer(char *at, size_t one, size_t len, void *ctx)
{
	struct transfer *t = ctx;
	struct rota_fetch_answer *a = t->answer;

	(void)one;
	if (len > (t->body ? t->body_max - t->body->len : ROTA_ANSWER_MAX - a->len)) {
		t->err = ROTA_ERR_LENGTH;
		return 0;
	}
	if (t->body) {
		rota_bytes_add(t->body, rota_span(at, len));
		return len;
	}
	memcpy(a->body + a->len, at, len);
	a->len += len;
	a->body[a->len] = 0;
	return len;
}

static enum rota_err perform(
	struct transfer *t, CURL *c, struct curl_slist *headers, struct rota_fail *why)
{
	CURLcode code;

	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	code = curl_easy_perform(c);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, NULL);
	if (code != CURLE_OK)
		return complain(t, code, why);
	t->answer->status = (unsigned)status_of(t);
	note_retry_after(t, status_of(t));
	return ROTA_OK;
}

/* A body is set; `lines` (NULL-ended) tell its kind. */
static enum rota_err post(struct transfer *t, const char *const *lines, struct rota_fail *why)
{
	/* libcurl would ask first whether a large body is welcome, and our gates take no expectation. */
	struct curl_slist *headers = curl_slist_append(NULL, "Expect:"), *more = headers;
	enum rota_err err = ROTA_ERR_FULL;

	for (; more && *lines; lines++)
		more = curl_slist_append(headers, *lines);
	curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, on_answer);
	if (more)
		err = perform(t, t->curl, headers, why);
	else
		rota_fail(why, ROTA_ERR_FULL, "%s: out of memory", t->url);
	curl_slist_free_all(headers);
	return err;
}

static const char *const json_lines[] = { "Content-Type: application/json", NULL };

static enum rota_err send_bytes(struct transfer *t, const struct rota_fetch_server *server,
	const char *path, struct rota_span body, const char *const *lines, uint32_t total_s,
	struct rota_fail *why)
{
	*t->answer = (struct rota_fetch_answer){ 0 };
	ROTA_TRY(make_url(t, server, path, why));
	ROTA_TRY(prepare(t, server, total_s, why));
	curl_easy_setopt(t->curl, CURLOPT_POSTFIELDS, (const char *)body.p);
	curl_easy_setopt(t->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
	return post(t, lines, why);
}

enum rota_err rota_fetch_post(struct rota_fetch *f, const struct rota_fetch_server *server,
	const char *path, struct rota_span json, uint32_t total_s, struct rota_fetch_answer *answer,
	struct rota_fail *why)
{
	struct transfer t = { .f = f, .answer = answer };

	return send_bytes(&t, server, path, json, json_lines, total_s, why);
}

enum rota_err rota_fetch_post_long(struct rota_fetch *f, const struct rota_fetch_server *server,
	const char *path, struct rota_span json, uint32_t total_s, size_t max,
	struct rota_bytes *body, struct rota_fetch_answer *answer, struct rota_fail *why)
{
	struct transfer t = { .f = f, .answer = answer, .body = body, .body_max = max };

	return send_bytes(&t, server, path, json, json_lines, total_s, why);
}

enum rota_err rota_fetch_send(struct rota_fetch *f, const struct rota_fetch_server *server,
	const char *path, const char *const *lines, struct rota_span body, uint32_t total_s,
	struct rota_fetch_answer *answer, struct rota_fail *why)
{
	struct transfer t = { .f = f, .answer = answer };

	return send_bytes(&t, server, path, body, lines, total_s, why);
}

static enum rota_err upload(struct transfer *t, const struct rota_fetch_server *server, FILE *from,
	uint32_t total_s, struct rota_fail *why)
{
	static const char *const lines[] = { "Content-Type: application/octet-stream", NULL };
	struct stat st;

	if (fstat(fileno(from), &st) != 0 || !S_ISREG(st.st_mode))
		return rota_fail(why, ROTA_ERR_IO, "%s: what is to be sent is no file", t->url);
	ROTA_TRY(prepare(t, server, total_s, why));
	curl_easy_setopt(t->curl, CURLOPT_POST, 1L);
	curl_easy_setopt(t->curl, CURLOPT_READDATA, from); /* with fread(), libcurl's own way */
	curl_easy_setopt(t->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)st.st_size);
	return post(t, lines, why);
}

enum rota_err rota_fetch_upload(struct rota_fetch *f, const struct rota_fetch_server *server,
	const char *path, const char *file, uint32_t total_s, struct rota_fetch_answer *answer,
	struct rota_fail *why)
{
	struct transfer t = { .f = f, .answer = answer };
	enum rota_err err;
	FILE *from;

	*answer = (struct rota_fetch_answer){ 0 };
	ROTA_TRY(make_url(&t, server, path, why));
	from = fopen(file, "rbe");
	if (!from)
		return rota_fail_errno(why, errno, "cannot open %s", file);
	err = upload(&t, server, from, total_s, why);
	fclose(from);
	return err;
}
