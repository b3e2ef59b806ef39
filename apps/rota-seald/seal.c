/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/base/mem.h" /* before <string.h>, which a header of libcrypto brings */

#include "apps/rota-seald/holders.h"
#include "apps/rota-seald/trees.h"
#include "apps/rota-seald/verbs.h"
#include "host/base/bar.h"
#include "host/campaign/seal.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
	const struct config *config;
	const struct arguments *arguments;
	struct approved approved;
	struct rota_seal_plan plan;
	struct rota_seal_result result;
	struct rota_pkcs11_entropy *source;
	struct rota_random entropy;
	struct rota_hmac registry;
	uint8_t book_key[ROTA_KEYWRAP_KEY_LEN];
	char dir[ROTA_FILE_PATH_MAX], export_path[ROTA_FILE_PATH_MAX];
};

/* ---- what is to be sealed, and where it lies ---- */

/* The deepest folder of a path that is there. */
static bool resolve(const char *path, char out[static PATH_MAX])
{
	char rest[ROTA_FILE_PATH_MAX];

	snprintf(rest, sizeof(rest), "%s", path);
	while (!realpath(rest, out)) {
		char *slash = strrchr(rest, '/');

		if (errno != ENOENT)
			return false;
		if (!slash)
			return realpath(".", out) != NULL;
		slash[slash == rest] = 0;
	}
	return true;
}

/* NULL, or not there: nothing is in it. */
static bool is_in(const char *out, const char *folder)
{
	char place[PATH_MAX];
	size_t len;

	if (!folder || !realpath(folder, place))
		return false;
	len = strlen(place);
	return strncmp(place, out, len) == 0 && (out[len] == 0 || out[len] == '/');
}

static enum rota_err check_place(const struct job *j, struct rota_fail *why)
{
	const struct config *c = j->config;
	char out[PATH_MAX];

	if (!resolve(j->dir, out))
		return rota_fail_errno(why, errno, "%s", j->dir);
	if (!is_in(out, c->state) && !is_in(out, c->inbox) && !is_in(out, c->outbox))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_ARGUMENT,
		"--out %s is in state, inbox or outbox, where what is approved goes; rehearse "
		"elsewhere",
		j->dir);
}

/* A rehearsal leaves nothing where a campaign of the same request would find it: looked at before anything is made, and again when the
 * whole path is there. */
static enum rota_err check_apart(const struct job *j, struct rota_fail *why)
{
	ROTA_TRY(check_place(j, why));
	ROTA_TRY(rota_file_mkdirs(j->dir, 0700, why));
	return check_place(j, why);
}

/* Whether a tree may still be made; what was made and delivered is told again in any case. */
static enum rota_err check_turn(const struct job *j, struct rota_fail *why)
{
	const struct approved *a = &j->approved;
	const struct rota_key_campaign *c = &a->request.campaign;
	char done[ROTA_FILE_PATH_MAX];

	config_campaign(j->config, a->id, j->arguments->tree, "delivered", done);
	if (rota_file_exists(done))
		return ROTA_OK;
	if (approved_is_over(a))
		return rota_fail(why, ROTA_ERR_STATE, "campaign %.16s is %s: it gets no tree",
			j->arguments->campaign, a->state);
	if (!trees_overtake(j->config, a->id, c->purpose, c->generation))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_COUNTER,
		"campaign %.16s is overtaken: another one of %s with generation %u or above is "
		"sealed",
		j->arguments->campaign, rota_purpose_word(c->purpose), (unsigned)c->generation);
}

/* Of a campaign that the daemon has, files lie in the state's folder; else where the arguments say. */
static enum rota_err read_request(struct job *j, struct rota_fail *why)
{
	const struct arguments *a = j->arguments;

	if (a->campaign) {
		ROTA_TRY(approved_load(j->config, a->campaign, &j->approved, why));
		config_campaigns(j->config, j->dir);
		config_campaign(j->config, j->approved.id, a->tree, "export", j->export_path);
		ROTA_TRY(check_turn(j, why));
		return rota_file_mkdirs(j->dir, 0700, why);
	}
	ROTA_TRY(approved_read(j->config, a->request, &j->approved, why));
	snprintf(j->dir, sizeof(j->dir), "%s", a->out);
	snprintf(j->export_path, sizeof(j->export_path), "%s", a->export_path);
	return check_apart(j, why);
}

static void plan_of_request(struct job *j)
{
	const struct rota_key_request *request = &j->approved.request;
	const struct rota_key_campaign *c = &request->campaign;
	struct rota_seal_plan *p = &j->plan;

	rota_row_product(&rota_crypto_openssl, rota_span_cstr(request->product), p->product);
	memcpy(p->campaign, j->approved.id, sizeof(p->campaign));
	p->dir = j->dir;
	p->books = j->config->state;
	p->next_books = j->arguments->campaign ? NULL : j->dir;
	p->export_path = j->export_path;
	p->export_sha256 = j->arguments->tree == 0 ? request->export_sha256 : NULL;
	p->suite = c->suite;
	p->purpose = c->purpose;
	p->cipher = c->cipher;
	p->emergency = c->emergency;
	p->generation = c->generation;
	p->activation_s = c->activation_s;
	p->tree = (uint16_t)j->arguments->tree;
	p->most = request->most;
	p->threads = j->config->threads;
}

/* ---- what came of it ---- */

static void tell_skip(void *ctx, const uint8_t *device, enum rota_index_skip why)
{
	char id[65];

	(void)ctx;
	rota_hex(rota_span(device, 32), id);
	fprintf(stderr, "rota-seald: left out: %s: %s\n", id, rota_index_skip_word[why]);
}

/* "gone":0,"has":3 or: 0 gone, 3 has */
static void write_skipped(const struct rota_seal_result *r, bool json, char *out, size_t room)
{
	size_t len = 0;

	for (unsigned i = ROTA_INDEX_TAKEN + 1; i < ROTA_INDEX_SKIPS && len < room; i++)
		len += (size_t)(json
				? snprintf(out + len, room - len, "%s\"%s\":%u", len ? "," : "",
					  rota_index_skip_word[i], r->skipped[i])
				: snprintf(out + len, room - len, "%s%u %s", len ? ", " : "",
					  r->skipped[i], rota_index_skip_word[i]));
}

static int tell(const struct job *j)
{
	const struct rota_seal_result *r = &j->result;
	char id[65], root[65], skipped[256];

	write_skipped(r, j->arguments->json, skipped, sizeof(skipped));
	rota_hex(ROTA_SPAN(j->plan.campaign), id);
	rota_hex(ROTA_SPAN(r->root), root);
	if (j->arguments->json)
		return printf("{\"again\":%u,\"base\":%u,\"bytes\":%" PRIu64
			      ",\"campaign\":\"%s\",\"kept\":%u,\"root\":\"%s\",\"size\":%u,"
			      "\"skipped\":{%s},\"tree\":%u}\n",
			r->again, r->base, r->bytes, id, r->kept, root, r->size, skipped,
			(unsigned)j->plan.tree);
	return printf(
		"rota-seald: %u devices, %u of them from an earlier run, %u without a psk, %u "
		"with the secret of an earlier tree; left out: %s\n"
		"rota-seald: campaign %s, tree %u, root %s\n",
		r->size, r->kept, r->base, r->again, skipped, id, (unsigned)j->plan.tree, root);
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

/* A supplement that nobody needs is not looked at again and again; its number is free for another export. */
static void drop_useless(const struct job *j)
{
	struct rota_fail ignored;

	if (j->result.nobody && j->arguments->campaign && j->arguments->tree > 0)
		(void)!rota_file_remove(j->export_path, &ignored);
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
	drop_useless(j);
	return err;
}

/* What the arguments bring goes in first; what was sealed before needs nothing. */
static enum rota_err take_in(struct job *j, struct rota_fail *why)
{
	const struct arguments *a = j->arguments;
	char sealed[ROTA_FILE_PATH_MAX];
	uint32_t rows;

	config_campaign(j->config, j->approved.id, a->tree, "sealed", sealed);
	if (!a->campaign || rota_file_exists(sealed))
		return ROTA_OK;
	if (a->export_path)
		return import_export(j->config, &j->approved, a, &j->registry, &rows, why);
	if (rota_file_exists(j->export_path))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_NOT_FOUND,
		"tree %u of this campaign has no export; rota-seald import brings it", a->tree);
}

static enum rota_err open_and_run(struct job *j, struct rota_fail *why)
{
	struct holders h = { 0 };
	enum rota_err err;

	ROTA_TRY(holders_lock_memory(j->config, why));
	ROTA_TRY(holders_entropy(j->config, &j->source, why));
	err = holders_open(j->config, j->plan.purpose, &h, why);
	if (err == ROTA_OK)
		err = holders_book(j->config, &h, j->book_key, why);
	if (err == ROTA_OK)
		err = holders_registry(j->config, &h, &j->registry, why);
	if (err == ROTA_OK)
		err = take_in(j, why);
	if (err == ROTA_OK) {
		begin_plan(j, &h.copies);
		err = run(j, why);
	}
	holders_close(&h);
	rota_pkcs11_entropy_close(j->source);
	return err;
}

enum rota_err verb_seal(const struct config *c, const struct arguments *a, struct rota_fail *why)
{
	static struct job job;
	enum rota_err err;

	job = (struct job){ .config = c, .arguments = a };
	ROTA_TRY(read_request(&job, why));
	plan_of_request(&job);
	err = open_and_run(&job, why);
	if (err == ROTA_OK && a->campaign && c->outbox)
		err = deliver(c, job.approved.id, a->tree, why);
	if (err == ROTA_OK && tell(&job) < 0)
		err = rota_fail(why, ROTA_ERR_IO, "cannot write what came of it");
	rota_wipe(&job.book_key, sizeof(job.book_key));
	rota_wipe(&job.registry, sizeof(job.registry));
	return err;
}
