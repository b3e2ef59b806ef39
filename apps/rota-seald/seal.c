/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-seald/verbs.h"
#include "host/base/bar.h"
#include "host/campaign/request.h"
#include "host/campaign/seal.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "ports/pkcs11/entropy.h"
#include "ports/pkcs11/sealer.h"
#include "rota/base/mem.h"
#include "rota/codec/purpose.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* An ask has a sentence and the members of 32.1. */
#define REQUEST_MAX 16384

struct job {
	const struct config *config;
	const struct arguments *arguments;
	struct rota_key_request request;
	struct rota_seal_plan plan;
	struct rota_seal_result result;
	struct rota_pkcs11_entropy *source;
	struct rota_random entropy;
	struct rota_hmac registry;
	uint8_t book_key[ROTA_KEYWRAP_KEY_LEN];
};

/* Secrets of the whole fleet pass through this process: none of its memory reaches the swap, from now on. */
static enum rota_err lock_memory(struct rota_fail *why)
{
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
		return ROTA_OK;
	return rota_fail_errno(why, errno,
		"cannot keep memory out of the swap; run it with LimitMEMLOCK=infinity, or after "
		"`ulimit -l unlimited`");
}

/* ---- the request ---- */

/* What officers approved is the digest of the ask's very bytes: SPEC 32.1. */
static enum rota_err read_request(struct job *j, struct rota_fail *why)
{
	const char *path = j->arguments->request, *kind;
	struct rota_bytes text;
	json_t *ask = NULL;
	enum rota_err err;

	ROTA_TRY(rota_file_read(path, REQUEST_MAX, &text, why));
	rota_digest_of(rota_bytes_span(&text), j->plan.campaign);
	err = rota_json_parse_strict(rota_bytes_span(&text), &ask, why);
	rota_bytes_free(&text);
	if (err == ROTA_OK) {
		kind = json_string_value(json_object_get(ask, "kind"));
		if (!kind || strcmp(kind, "campaign") != 0)
			err = rota_fail(why, ROTA_ERR_FORMAT, "it asks for no campaign");
		else
			err = rota_key_request_read(json_object_get(ask, "body"), &j->request, why);
		json_decref(ask);
	}
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "%s", path);
}

static enum rota_err plan_of_request(struct job *j, struct rota_fail *why)
{
	const struct rota_key_campaign *c = &j->request.campaign;
	struct rota_seal_plan *p = &j->plan;

	if (strcmp(j->request.product, j->config->product) != 0)
		return rota_fail(why, ROTA_ERR_PRODUCT, "%s is for product %s, and we seal for %s",
			j->arguments->request, j->request.product, j->config->product);
	rota_row_product(&rota_crypto_openssl, rota_span_cstr(j->request.product), p->product);
	p->dir = j->arguments->out;
	p->books = j->config->state;
	p->export_path = j->arguments->export_path;
	p->export_sha256 = j->arguments->tree == 0 ? j->request.export_sha256 : NULL;
	p->suite = c->suite;
	p->purpose = c->purpose;
	p->cipher = c->cipher;
	p->emergency = c->emergency;
	p->generation = c->generation;
	p->activation_s = c->activation_s;
	p->tree = (uint16_t)j->arguments->tree;
	p->most = j->request.most;
	p->threads = j->config->threads;
	return ROTA_OK;
}

/* ---- keys ---- */

/* Holders of the token's keys. All of them are there before a key is unwrapped: a child that is made later would take along
 * what lies in memory here. */
struct holders {
	struct rota_sealer book, registry, copies;
};

static void close_one(struct rota_sealer *hsm)
{
	if (hsm->close)
		hsm->close(hsm->ctx);
	hsm->close = NULL;
}

static enum rota_err open_holders(const struct job *j, struct holders *h, struct rota_fail *why)
{
	const struct rota_pkcs11_token *token = &j->config->token;
	char key[64];

	snprintf(key, sizeof(key), "copies-%s", rota_purpose_word(j->plan.purpose));
	ROTA_TRY(rota_pkcs11_sealer_open(token, key, &h->copies, why));
	ROTA_TRY(rota_pkcs11_sealer_open(token, "book", &h->book, why));
	return rota_pkcs11_sealer_open(token, "registry", &h->registry, why);
}

/* One unwrap each, then nobody can ask for another. */
static enum rota_err unwrap(struct job *j, struct holders *h, struct rota_fail *why)
{
	uint8_t key[ROTA_KEYWRAP_KEY_LEN];
	char path[ROTA_FILE_PATH_MAX];

	wrapped_path(j->config, "book", path);
	ROTA_TRY(rota_keywrap_load(path, &h->book, ROTA_KEYWRAP_BOOK, j->book_key, why));
	close_one(&h->book);
	wrapped_path(j->config, "registry", path);
	ROTA_TRY(rota_keywrap_load(path, &h->registry, ROTA_KEYWRAP_REGISTRY, key, why));
	close_one(&h->registry);
	rota_hmac_begin(&j->registry, &rota_crypto_openssl, ROTA_SPAN(key));
	rota_wipe(key, sizeof(key));
	return ROTA_OK;
}

/* ---- what came of it ---- */

static void tell_skip(void *ctx, const uint8_t *device, enum rota_index_skip why)
{
	char id[65];

	(void)ctx;
	rota_hex(rota_span(device, 32), id);
	fprintf(stderr, "rota-seald: left out: %s: %s\n", id, rota_index_skip_word[why]);
}

static int tell(const struct job *j)
{
	const struct rota_seal_result *r = &j->result;
	char id[65], root[65];

	rota_hex(ROTA_SPAN(j->plan.campaign), id);
	rota_hex(ROTA_SPAN(r->root), root);
	if (j->arguments->json)
		return printf("{\"base\":%u,\"bytes\":%" PRIu64
			      ",\"campaign\":\"%s\",\"kept\":%u,\"root\":\"%s\",\"size\":%u,"
			      "\"skipped\":{\"gone\":%u,\"has\":%u,\"mute\":%u,\"stale\":%u},"
			      "\"tree\":%u}\n",
			r->base, r->bytes, id, r->kept, root, r->size, r->skipped[ROTA_INDEX_GONE],
			r->skipped[ROTA_INDEX_HAS], r->skipped[ROTA_INDEX_MUTE],
			r->skipped[ROTA_INDEX_STALE], (unsigned)j->plan.tree);
	return printf("rota-seald: %u devices, %u of them from an earlier run, %u without a psk; "
		      "left out: %u gone, %u have it, %u mute, %u stale\n"
		      "rota-seald: campaign %s, tree %u, root %s\n",
		r->size, r->kept, r->base, r->skipped[ROTA_INDEX_GONE], r->skipped[ROTA_INDEX_HAS],
		r->skipped[ROTA_INDEX_MUTE], r->skipped[ROTA_INDEX_STALE], id,
		(unsigned)j->plan.tree, root);
}

/* ---- all of it ---- */

static void begin_plan(struct job *j, const struct rota_sealer *copies)
{
	j->entropy = rota_pkcs11_entropy_random(j->source);
	j->plan.registry = &j->registry;
	j->plan.book_key = j->book_key;
	j->plan.hsm = copies;
	j->plan.entropy = &j->entropy;
	j->plan.p256 = &rota_p256_openssl;
	j->plan.crypto = &rota_crypto_openssl;
	j->plan.aead = &rota_aead_openssl;
	j->plan.skip = tell_skip;
}

static enum rota_err run(struct job *j, struct rota_fail *why)
{
	struct rota_bar bar = { 0 };
	struct rota_fail source;
	enum rota_err err;

	rota_bar_begin(&bar, stderr, "sealing");
	j->plan.progress = &bar.port;
	err = rota_seal_run(&j->plan, &j->result, why);
	rota_bar_end(&bar);
	source = rota_pkcs11_entropy_why(j->source);
	if (err != ROTA_OK && source.err != ROTA_OK)
		*why = source;
	return err;
}

static enum rota_err open_and_run(struct job *j, struct rota_fail *why)
{
	struct holders h = { 0 };
	enum rota_err err;

	ROTA_TRY(lock_memory(why));
	ROTA_TRY(rota_pkcs11_entropy_open(&j->config->token, &j->source, why));
	err = open_holders(j, &h, why);
	if (err == ROTA_OK)
		err = unwrap(j, &h, why);
	if (err == ROTA_OK) {
		begin_plan(j, &h.copies);
		err = run(j, why);
	}
	close_one(&h.copies);
	close_one(&h.book);
	close_one(&h.registry);
	rota_pkcs11_entropy_close(j->source);
	return err;
}

enum rota_err verb_seal(const struct config *c, const struct arguments *a, struct rota_fail *why)
{
	static struct job job;
	enum rota_err err;

	job = (struct job){ .config = c, .arguments = a };
	ROTA_TRY(read_request(&job, why));
	ROTA_TRY(plan_of_request(&job, why));
	ROTA_TRY(rota_file_mkdirs(a->out, 0700, why));
	err = open_and_run(&job, why);
	if (err == ROTA_OK && tell(&job) < 0)
		err = rota_fail(why, ROTA_ERR_IO, "cannot write what came of it");
	rota_wipe(&job.book_key, sizeof(job.book_key));
	rota_wipe(&job.registry, sizeof(job.registry));
	return err;
}
