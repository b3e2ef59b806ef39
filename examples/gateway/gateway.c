/* SPDX-License-Identifier: Apache-2.0 */
/* gateway DIR COMMAND -- a gateway that stores what its sensors sent, sealed, in the vault of host/vault/vault.h.
 *
 *     put N TEXT   keep what sensor N said last
 *     get N        read it
 *     show         which keys sealed how many records; needs no key, and nobody has to end for it
 *     rotate       draw a new key, and seal all records anew under it, beside whatever else the gateway does
 *
 * DIR holds the vault, the number of its last opening and, in `keys`, one file of 32 secret bytes a generation. Those files
 * stand in for what a device has in its key slots (rota/store/keyslots.h), wrapped by its TPM or secure element: a
 * product takes its keys from there. Remove DIR/keys/1 once `show` says that nothing of generation 1 is left.
 */
#include "host/base/file.h"
#include "host/vault/vault.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "rota/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define RECORDS 10000
#define PLAIN_MAX 256 /* bytes of a record */
#define GENERATIONS_MAX 10000
#define WAIT_MS 100 /* between two looks at what is left */
#define WAITS_MAX 36000 /* an hour: 10,000 records at 200 a second take one minute */

struct gateway {
	const char *dir;
	uint32_t newest; /* generation */
	uint8_t device[ROTA_DEVICE_LEN];
	struct rota_vault_store *vault;
	struct rota_fail why;
};

static const char *name_in(const struct gateway *g, const char *name)
{
	static char path[ROTA_FILE_PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", g->dir, name);
	return path;
}

static const char *key_path(const struct gateway *g, uint32_t generation)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "keys/%" PRIu32, generation);
	return name_in(g, name);
}

/* ---- the keys, as the vault asks for them ---- */

static enum rota_err secret_of(
	const struct gateway *g, uint32_t generation, uint8_t out[static ROTA_SECRET_LEN])
{
	struct rota_bytes file;
	struct rota_fail why;
	enum rota_err err = rota_file_read(key_path(g, generation), ROTA_SECRET_LEN, &file, &why);

	if (err != ROTA_OK)
		return err; /* ROTA_ERR_NOT_FOUND: it was destroyed */
	if (file.len == ROTA_SECRET_LEN)
		memcpy(out, file.p, ROTA_SECRET_LEN);
	else
		err = ROTA_ERR_CORRUPT;
	rota_bytes_wipe(&file);
	return err;
}

static enum rota_err key(void *ctx, uint32_t generation,
	const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN], bool seals, struct rota_record_key *out)
{
	const struct gateway *g = ctx;
	const struct rota_datakey of = { ROTA_PURPOSE_STORAGE, ROTA_CIPHER_AES128_GCM, generation,
		g->device };
	uint8_t secret[ROTA_SECRET_LEN], use[16];
	enum rota_err err = secret_of(g, generation, secret);

	(void)seals;
	if (err == ROTA_OK)
		err = rota_datakey_derive(
			&rota_crypto_openssl, secret, &of, ROTA_USE_RECORD, ROTA_BUF(use));
	if (err == ROTA_OK)
		err = rota_record_key_begin(out, &rota_crypto_openssl, &rota_aead_openssl,
			ROTA_SPAN(use), &of, ROTA_USE_RECORD, epoch);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(use, sizeof(use));
	return err;
}

static uint32_t active(void *ctx)
{
	return ((const struct gateway *)ctx)->newest;
}

static enum rota_err new_key(struct gateway *g)
{
	uint8_t secret[ROTA_SECRET_LEN];
	enum rota_err err = ROTA_ERR_IO;

	if (getrandom(secret, sizeof(secret), 0) == (ssize_t)sizeof(secret))
		err = rota_file_write(key_path(g, g->newest + 1), ROTA_SPAN(secret), 0600, &g->why);
	explicit_bzero(secret, sizeof(secret));
	if (err == ROTA_OK)
		g->newest++;
	return err;
}

/* ---- opening: SPEC 36.3 ---- */

/* The number of this opening is durable before anything is sealed; the epoch is drawn for it. */
static enum rota_err draw_opening(struct gateway *g, struct rota_record_opening *out)
{
	char text[16];
	uint8_t digest[ROTA_SHA256_LEN];
	struct {
		uint8_t random[32];
		uint32_t counter, uptime;
	} in = { .uptime = (uint32_t)clock() };
	struct rota_bytes file;

	if (rota_file_read(name_in(g, "opening"), sizeof(text) - 1, &file, &g->why) == ROTA_OK) {
		memcpy(text, file.p, file.len);
		text[file.len] = '\0';
		in.counter = (uint32_t)strtoul(text, NULL, 10);
		rota_bytes_free(&file);
	} else if (g->why.err != ROTA_ERR_NOT_FOUND) {
		return g->why.err;
	}
	g->why.text[0] = '\0';
	in.counter++;
	(void)snprintf(text, sizeof(text), "%" PRIu32 "\n", in.counter);
	ROTA_TRY(rota_file_write(name_in(g, "opening"), rota_span_cstr(text), 0600, &g->why));
	if (getrandom(in.random, sizeof(in.random), 0) != (ssize_t)sizeof(in.random))
		return rota_fail(&g->why, ROTA_ERR_IO, "no randomness");
	rota_sha256_of(&rota_crypto_openssl, rota_span((const uint8_t *)&in, sizeof(in)), digest);
	*out = (struct rota_record_opening){ .opening = in.counter };
	memcpy(out->epoch, digest, sizeof(out->epoch));
	return ROTA_OK;
}

static enum rota_err open_vault(struct gateway *g)
{
	static struct rota_vault_keys keys = { NULL, key, active, NULL };
	struct rota_vault_plan plan = { .crypto = &rota_crypto_openssl,
		.aead = &rota_aead_openssl,
		.keys = &keys,
		.budget = ROTA_VAULT_BUDGET,
		.records = RECORDS,
		.plain_max = PLAIN_MAX };

	keys.ctx = g;
	ROTA_TRY(draw_opening(g, &plan.opening));
	return rota_vault_file_open(name_in(g, "vault"), &plan, &g->vault, &g->why);
}

/* The newest generation that has a file; the first is drawn here. */
static enum rota_err begin(struct gateway *g)
{
	static const char id[] = "the gateway of the example";

	rota_sha256_of(&rota_crypto_openssl, ROTA_STR(id), g->device);
	ROTA_TRY(rota_file_mkdirs(name_in(g, "keys"), 0700, &g->why));
	for (uint32_t i = 1; i < GENERATIONS_MAX; i++) {
		if (rota_file_exists(key_path(g, i)))
			g->newest = i;
		else if (g->newest > 0)
			break; /* those before it were destroyed; none is left out behind it */
	}
	return g->newest > 0 ? ROTA_OK : new_key(g);
}

/* ---- commands ---- */

static enum rota_err put(struct gateway *g, uint32_t sensor, const char *text)
{
	ROTA_TRY(open_vault(g));
	return rota_vault_store_put(g->vault, sensor, rota_span_cstr(text));
}

static enum rota_err get(struct gateway *g, uint32_t sensor)
{
	uint8_t room[PLAIN_MAX];
	struct rota_span plain;

	ROTA_TRY(open_vault(g));
	ROTA_TRY(rota_vault_store_get(g->vault, sensor, ROTA_BUF(room), &plain));
	printf("%.*s\n", (int)plain.len, (const char *)plain.p);
	explicit_bzero(room, sizeof(room));
	return ROTA_OK;
}

static enum rota_err show(struct gateway *g)
{
	struct rota_vault_status s;
	uint32_t left;

	ROTA_TRY(rota_vault_status(name_in(g, "vault"), &s, &g->why));
	left = rota_vault_status_left(&s, g->newest);
	for (uint8_t i = 0; i < s.generations; i++)
		printf("generation %" PRIu32 ": %" PRIu32 " records\n", s.count[i].generation,
			s.count[i].records);
	printf("%" PRIu32 " of %" PRIu32 " records are sealed with the newest key, %" PRIu32 "\n",
		s.records - left, s.records, g->newest);
	return ROTA_OK;
}

static enum rota_err rotate(struct gateway *g)
{
	const struct timespec pause = { .tv_nsec = WAIT_MS * 1000000L };
	struct rota_vault_progress p = { .left = 1 };

	ROTA_TRY(new_key(g));
	ROTA_TRY(open_vault(g));
	for (int i = 0; i < WAITS_MAX && p.left > 0; i++) {
		(void)nanosleep(&pause, NULL);
		rota_vault_store_progress(g->vault, &p);
		fprintf(stderr, "\r%" PRIu32 " records left ", p.left);
	}
	fprintf(stderr, "\n");
	printf("nobody needs a key before generation %" PRIu32 "\n",
		rota_vault_store_needs(g->vault));
	return p.trouble;
}

static enum rota_err run(struct gateway *g, int argc, char **argv)
{
	const char *verb = argv[2];
	uint32_t sensor = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;

	ROTA_TRY(begin(g));
	if (strcmp(verb, "put") == 0 && argc == 5)
		return put(g, sensor, argv[4]);
	if (strcmp(verb, "get") == 0 && argc == 4)
		return get(g, sensor);
	if (strcmp(verb, "show") == 0 && argc == 3)
		return show(g);
	if (strcmp(verb, "rotate") == 0 && argc == 3)
		return rotate(g);
	return rota_fail(&g->why, ROTA_ERR_ARGUMENT, "put N TEXT, get N, show or rotate?");
}

int main(int argc, char **argv)
{
	struct gateway g = { .dir = argc > 1 ? argv[1] : NULL };
	enum rota_err err;

	if (argc < 3) {
		fprintf(stderr, "usage: gateway DIR put N TEXT | get N | show | rotate\n");
		return 2;
	}
	err = run(&g, argc, argv);
	rota_vault_store_close(g.vault);
	if (err != ROTA_OK)
		fprintf(stderr, "gateway: %s\n",
			g.why.text[0] != '\0' ? g.why.text : rota_err_str(err));
	return err == ROTA_OK ? 0 : 1;
}
