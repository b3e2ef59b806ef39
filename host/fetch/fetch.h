/* SPDX-License-Identifier: Apache-2.0 */
/* host/fetch/fetch.h -- an HTTP client that trusts one certificate authority and nothing else.
 *
 * One handle, used by one thread, keeps its connections open between calls. What holds for all of them:
 * TLS 1.2 or later; only the CA that the caller names is trusted, never the system's; plain http only where
 * the caller allows it; no redirects, no compression, no proxy from the environment, no .netrc, no cookies.
 * Every call has deadlines: to connect, for stalling (less than one KB a second), and in all.
 *
 * Bytes go to the caller's sink as they come; nothing is gathered here. A body is at most what the caller
 * says, checked against Content-Length before the first byte and counted after.
 */
#ifndef HOST_FETCH_FETCH_H
#define HOST_FETCH_FETCH_H

#include "host/base/bytes.h"
#include "host/base/fail.h"
#include "rota/base/span.h"

#include <signal.h>

/* Of a whole URL: a base of 256, the longest target path percent-encoded, and its hash. */
#define ROTA_URL_MAX 1280

/* Of an answer to a POST: {"acknowledged":N}, or a line that says what was wrong. */
#define ROTA_ANSWER_MAX 4096

struct rota_fetch_settings {
	const char *user_agent;
	uint32_t connect_s, stall_s;
	uint64_t rate; /* bytes a second that a GET may take; 0: any */
	/* Not NULL: a call ends soon (within a second) after this became non-zero. */
	const volatile sig_atomic_t *stop;
};

/* As whom, where the private key is no file: a key of the root of trust (host/identity/rotkey.h). Connections and TLS
 * sessions that were begun with one are used for no other: whoever changes a member counts `turn` up. */
struct evp_pkey_st;
struct rota_fetch_login {
	const char *certificate; /* PEM file */
	struct evp_pkey_st *key; /* EVP_PKEY; NULL: there is none, and nothing is asked */
	uint32_t turn;
};

/* Whom to ask, and as whom. All strings stay in use during the call. */
struct rota_fetch_server {
	const char *url; /* of everything below it; a slash at its end does not matter */
	const char
		*socket; /* a Unix socket to connect to, whatever host the url names; NULL: none */
	const char *ca; /* PEM file: trusted for this server. NULL only with an http:// url */
	const char *certificate, *key; /* PEM files; NULL: no client certificate */
	const struct rota_fetch_login *login; /* instead of both; or NULL */
	const char *proxy; /* NULL: none */
	bool plain; /* http:// will do */
};

struct rota_fetch_get {
	const struct rota_fetch_server *server;
	const char *path; /* below the server's url, percent-encoded: rota_url_add() */
	uint64_t offset; /* first byte wanted */
	uint64_t max_len; /* of the whole body, the part before offset included */
	uint32_t total_s; /* deadline of the call */
	void *ctx;
	enum rota_err (*take)(void *ctx, struct rota_span piece);
};

struct rota_fetch_answer {
	unsigned status; /* HTTP */
	size_t len;
	char body[ROTA_ANSWER_MAX + 1]; /* with a NUL */
};

struct rota_fetch;

/* NULL: no memory. The process's libcurl and libcrypto are set up by the first call, without OpenSSL's
 * configuration file. */
struct rota_fetch *rota_fetch_new(const struct rota_fetch_settings *settings);
void rota_fetch_free(struct rota_fetch *f);

/* Whether the system's clock is believed, until said otherwise; it is at first. Without one the dates of the
 * server's certificate are not looked at, its chain and its name are (SPEC 5.4). */
void rota_fetch_clock(struct rota_fetch *f, bool believed);

/* Read a file into the sink. Where an offset was asked for and the server sends the whole, what lies before
 * the offset is skipped. An error of the sink ends the call and is its result.
 *
 * ROTA_ERR_NOT_FOUND  404, 403 or 410: there is no such file
 * ROTA_ERR_SIGNATURE  the server's certificate is not of this CA, not for this name, or expired
 * ROTA_ERR_LENGTH     longer than max_len, or shorter than the offset
 * ROTA_ERR_TIMEOUT    a deadline passed
 * ROTA_ERR_DENIED     a redirect, 401, TLS that was not agreed on; with a login of TLS only an alert about its certificate
 * ROTA_ERR_BUSY       429 or 503
 * ROTA_ERR_ARGUMENT   the url is not https, without a CA, or too long
 * ROTA_ERR_IO         a certificate or key file cannot be used
 * ROTA_ERR_STATE      a login that has no key
 * ROTA_ERR_NET        all else */
ROTA_MUST_USE enum rota_err rota_fetch_get(
	struct rota_fetch *f, const struct rota_fetch_get *get, struct rota_fail *why);

/* For how long the server of the last call wants not to be asked (Retry-After beside 429 or 503), in seconds; 0: it did not
 * say. */
uint32_t rota_fetch_retry_after(const struct rota_fetch *f);

/* POST `json`. ROTA_OK whatever the status says; errors are those of the connection, as above. */
ROTA_MUST_USE enum rota_err rota_fetch_post(struct rota_fetch *f,
	const struct rota_fetch_server *server, const char *path, struct rota_span json,
	uint32_t total_s, struct rota_fetch_answer *answer, struct rota_fail *why);

/* The same where the answer is long: up to `max` bytes of it behind `body`, which is empty and the caller's to free in any case; of
 * `answer` only the status. ROTA_ERR_LENGTH: it is longer. */
ROTA_MUST_USE enum rota_err rota_fetch_post_long(struct rota_fetch *f,
	const struct rota_fetch_server *server, const char *path, struct rota_span json,
	uint32_t total_s, size_t max, struct rota_bytes *body, struct rota_fetch_answer *answer,
	struct rota_fail *why);

/* The same with other bytes and headers: `lines`, NULL-ended, of which one is Content-Type. */
ROTA_MUST_USE enum rota_err rota_fetch_send(struct rota_fetch *f,
	const struct rota_fetch_server *server, const char *path, const char *const *lines,
	struct rota_span body, uint32_t total_s, struct rota_fetch_answer *answer,
	struct rota_fail *why);

/* The same with the bytes of a file, as they are. ROTA_ERR_IO: it cannot be read, or became shorter meanwhile. */
ROTA_MUST_USE enum rota_err rota_fetch_upload(struct rota_fetch *f,
	const struct rota_fetch_server *server, const char *path, const char *file,
	uint32_t total_s, struct rota_fetch_answer *answer, struct rota_fail *why);

/* Append `text` to the path `url` (room of ROTA_URL_MAX, NUL-terminated), percent-encoding all but
 * unreserved bytes (RFC 3986, 2.3) and, where `slashes`, '/'. ROTA_ERR_LIMIT: no room. */
ROTA_MUST_USE enum rota_err rota_url_add(
	char url[static ROTA_URL_MAX], struct rota_span text, bool slashes);

#endif
