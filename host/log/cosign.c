/* SPDX-License-Identifier: Apache-2.0 */
#include "host/log/cosign.h"
#include "host/log/cosigner.h"
#include "rota/base/base64.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#define ANSWER_MAX 8192 /* lines of a witness with several keys, one of ML-DSA among them */

/* What is asked of whom. */
struct asking {
	const struct rota_crypto *crypto;
	const struct rota_tiles *files;
	const struct rota_note_key *key;
	const char *url;
	struct rota_span note, text;
	uint64_t size;
	struct rota_bytes answer;
	struct rota_fail *why;
};

static size_t take(char *data, size_t one, size_t count, void *ctx)
{
	struct rota_bytes *answer = ctx;

	(void)one;
	if (count > ANSWER_MAX - answer->len)
		return 0;
	rota_bytes_add(answer, rota_span(data, count));
	return count;
}

static void configure(CURL *curl, const char *url, const struct rota_bytes *body, struct asking *a)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)ROTA_COSIGN_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ROTA_COSIGN_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)body->p);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body->len);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &a->answer);
}

static enum rota_err post(struct asking *a, const struct rota_bytes *body, long *status)
{
	CURL *curl = curl_easy_init();
	char *url = rota_text("%s/add-checkpoint", a->url);
	CURLcode code = CURLE_OUT_OF_MEMORY;

	a->answer.len = 0;
	if (curl) {
		configure(curl, url, body, a);
		code = curl_easy_perform(curl);
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
		curl_easy_cleanup(curl);
	}
	if (code != CURLE_OK)
		(void)rota_fail(a->why, ROTA_ERR_NET, "%s: %s", url, curl_easy_strerror(code));
	free(url);
	return code == CURLE_OK ? ROTA_OK : ROTA_ERR_NET;
}

static void add_hashes(struct rota_bytes *body, struct rota_span proof)
{
	uint8_t letters[(ROTA_SHA256_LEN + 2) / 3 * 4];
	size_t len = 0;

	for (; proof.len > 0; proof = rota_span_skip(proof, ROTA_SHA256_LEN)) {
		/* there is room for 32 bytes */
		(void)!rota_base64_encode(
			rota_span_slice(proof, 0, ROTA_SHA256_LEN), ROTA_BUF(letters), &len);
		rota_bytes_add(body, rota_span(letters, len));
		rota_bytes_add_text(body, "\n");
	}
}

/* Ask with what the witness has cosigned last, as far as is known. */
static enum rota_err ask_from(struct asking *a, uint64_t old, long *status)
{
	struct rota_bytes proof = { 0 }, body = { 0 };
	enum rota_err err = ROTA_OK;

	if (old > 0 && old < a->size)
		err = rota_tiles_consistency(a->crypto, a->files, old, a->size, &proof, a->why);
	if (err == ROTA_OK) {
		rota_bytes_print(&body, "old %" PRIu64 "\n", old);
		add_hashes(&body, rota_bytes_span(&proof));
		rota_bytes_add_text(&body, "\n");
		rota_bytes_add(&body, a->note);
		err = post(a, &body, status);
	}
	rota_bytes_free(&proof);
	rota_bytes_free(&body);
	return err;
}

/* The line of the witness's key among those of its answer, if it verifies. */
static enum rota_err find_line(struct asking *a, struct rota_bytes *out)
{
	struct rota_span rest = rota_bytes_span(&a->answer), line;
	enum rota_err err = ROTA_ERR_NOT_FOUND;
	uint64_t time_s;

	while (err == ROTA_ERR_NOT_FOUND && (line = rota_note_next(&rest)).len > 0)
		err = rota_note_verify(a->crypto, a->key, a->text, line, &time_s);
	if (err != ROTA_OK)
		return rota_fail(a->why, ROTA_ERR_SIGNATURE,
			"%s: no cosignature of its key over this checkpoint", a->url);
	rota_bytes_add(out, line);
	return ROTA_OK;
}

/* "N\n": what it cosigned last. */
static enum rota_err read_size(const struct asking *a, uint64_t *size)
{
	struct rota_span text = rota_bytes_span(&a->answer);

	if (text.len == 0 || text.p[text.len - 1] != '\n')
		return ROTA_ERR_FORMAT;
	return rota_note_decimal(rota_span_slice(text, 0, text.len - 1), size);
}

static enum rota_err ask(struct asking *a, struct rota_bytes *out)
{
	uint64_t old = 0;
	long status = 0;

	ROTA_TRY(ask_from(a, 0, &status));
	if (status == ROTA_COSIGNER_CONFLICT) {
		if (read_size(a, &old) != ROTA_OK || old > a->size)
			return rota_fail(a->why, ROTA_ERR_VERSION,
				"%s: it cosigned %" PRIu64 " entries, this checkpoint has %" PRIu64,
				a->url, old, a->size);
		ROTA_TRY(ask_from(a, old, &status));
	}
	if (status != ROTA_COSIGNER_OK)
		return rota_fail(a->why,
			status == ROTA_COSIGNER_CONFLICT || status == ROTA_COSIGNER_INCONSISTENT
				? ROTA_ERR_CORRUPT
				: ROTA_ERR_DENIED,
			"%s: refused with status %ld%s", a->url, status,
			status == ROTA_COSIGNER_CONFLICT || status == ROTA_COSIGNER_INCONSISTENT
				? ": it has seen another history of this log"
				: "");
	return find_line(a, out);
}

/* One witness, asked by a thread of its own: who is away holds nobody else up. */
struct errand {
	struct asking asking;
	struct rota_bytes line;
	struct rota_fail silent;
	enum rota_err err;
	pthread_t thread;
	bool runs;
};

static void *run(void *arg)
{
	struct errand *e = arg;

	e->err = ask(&e->asking, &e->line);
	rota_bytes_free(&e->asking.answer);
	return NULL;
}

static void start(struct errand *e)
{
	e->asking.why = &e->silent;
	e->runs = pthread_create(&e->thread, NULL, run, e) == 0;
	if (!e->runs)
		e->err = rota_fail(&e->silent, ROTA_ERR_FULL, "a thread cannot be made");
}

/* All lines that can be had, behind those that are there; the witnesses of the quorum that stand on the note then. */
static unsigned ask_all(const struct rota_log_policy *policy, const struct asking *a, uint32_t who,
	const struct rota_cosign_watcher *watcher, struct rota_bytes *out)
{
	struct errand errands[ROTA_LOG_KEYS_MAX] = { 0 };
	uint32_t asked = 0;

	for (size_t i = 0; i < policy->count; i++) {
		if (policy->url[i][0] == 0 || who >> i & 1)
			continue;
		asked |= UINT32_C(1) << i;
		errands[i].asking = *a;
		errands[i].asking.key = &policy->note[i];
		errands[i].asking.url = policy->url[i];
		start(&errands[i]);
	}
	for (size_t i = 0; i < policy->count; i++) {
		struct errand *e = &errands[i];

		if (!(asked >> i & 1))
			continue;
		if (e->runs)
			pthread_join(e->thread, NULL);
		if (e->err == ROTA_OK)
			who |= UINT32_C(1) << i;
		else
			watcher->silent(watcher->ctx, policy->key[i].name, &e->silent);
		rota_bytes_add(out, rota_bytes_span(&e->line));
		rota_bytes_free(&e->line);
	}
	return (unsigned)__builtin_popcount(who & policy->quorum);
}

enum rota_err rota_log_cosign(const struct rota_crypto *crypto, const struct rota_tiles *files,
	const struct rota_log_policy *policy, struct rota_span note,
	const struct rota_cosign_watcher *watcher, struct rota_bytes *out, unsigned *have,
	struct rota_fail *why)
{
	struct asking a = { .crypto = crypto, .files = files, .note = note };
	struct rota_checkpoint at;
	struct rota_span lines;
	uint32_t who;
	enum rota_err err;

	ROTA_TRY(rota_log_policy_open(crypto, policy, note, false, &at, &who, why));
	err = rota_note_split(note, &a.text, &lines);
	if (err != ROTA_OK)
		return rota_fail(why, err, "no checkpoint");
	a.size = at.size;
	rota_bytes_add(out, note);
	*have = ask_all(policy, &a, who, watcher, out);
	if (*have < policy->need)
		return rota_fail(why, ROTA_ERR_THRESHOLD,
			"%u of the %u witnesses wanted cosigned the checkpoint", *have,
			policy->need);
	return ROTA_OK;
}
