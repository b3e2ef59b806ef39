/* SPDX-License-Identifier: Apache-2.0 */
/* bench_vault_load DIR reencrypt RECORDS | throughput RECORDS | latency SECONDS RUNS -- a vault of records of 256 bytes in a
 * file below DIR, and what rewriting them under a new key takes (tests/bench/vault). */
#include "host/vault/vault.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"

#include <fcntl.h>
#include <math.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LEN 256
#define ENTRY 336 /* what a record of LEN takes in the vault's file */
#define SEALED (LEN + ROTA_RECORD_OVERHEAD)
#define SYNC_EVERY (256 * 1024 / ENTRY) /* as often as the vault must: for each sector */
#define ROUNDS 5
#define FILLERS 32
#define GETS_S 200
#define PUTS_S 50

static _Atomic uint32_t generation = 1;

static void fail(const char *what)
{
	fprintf(stderr, "bench_vault_load: %s\n", what);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of all threads. */
static double cpu(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pause_s(double s)
{
	const struct timespec t = { (time_t)s, (long)((s - (double)(time_t)s) * 1e9) };

	if (s > 0)
		(void)nanosleep(&t, NULL);
}

/* ---- the vault ---- */

static enum rota_err key_of(void *ctx, uint32_t of_generation,
	const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN], bool seals, struct rota_record_key *out)
{
	static const uint8_t device[32] = { 7 };
	struct rota_datakey of = { .purpose = ROTA_PURPOSE_STORAGE,
		.cipher = 1,
		.generation = of_generation,
		.device = device };
	uint8_t key[16] = { 0 };

	(void)ctx, (void)seals;
	memcpy(key, &of_generation, sizeof(of_generation));
	return rota_record_key_begin(out, &rota_crypto_openssl, &rota_aead_openssl, ROTA_SPAN(key),
		&of, ROTA_USE_RECORD, epoch);
}

static uint32_t active_of(void *ctx)
{
	(void)ctx;
	return generation;
}

static const struct rota_vault_keys keys = { NULL, key_of, active_of, NULL };

static struct rota_vault_store *open_vault(
	const char *path, uint32_t records, struct rota_vault_budget budget)
{
	static uint32_t openings;
	struct rota_vault_plan plan = { .crypto = &rota_crypto_openssl,
		.aead = &rota_aead_openssl,
		.keys = &keys,
		.opening = { .opening = ++openings },
		.budget = budget,
		.records = records,
		.plain_max = LEN };
	struct rota_vault_store *s;
	struct rota_fail why;

	memcpy(plan.opening.epoch, &openings, sizeof(openings));
	if (rota_vault_file_open(path, &plan, &s, &why) != ROTA_OK)
		fail(why.text);
	return s;
}

static void put(struct rota_vault_store *s, uint32_t id)
{
	uint8_t plain[LEN];

	memset(plain, (int)id, sizeof(plain));
	if (rota_vault_store_put(s, id, ROTA_SPAN(plain)) != ROTA_OK)
		fail("a record cannot be put");
}

static void get(struct rota_vault_store *s, uint32_t id)
{
	uint8_t room[LEN];
	struct rota_span plain;

	if (rota_vault_store_get(s, id, ROTA_BUF(room), &plain) != ROTA_OK ||
		room[0] != (uint8_t)id)
		fail("a record does not read");
}

static const struct rota_vault_budget still = { 0, 0, 0 },
				      all = { 1000000000, 1000000, UINT32_MAX };

/* Who fills a vault waits for the disk with each record: many at once wait together. */
struct filler {
	pthread_t thread;
	struct rota_vault_store *s;
	uint32_t from, records;
};

static void *run_filler(void *arg)
{
	const struct filler *f = arg;

	for (uint32_t id = f->from; id < f->records; id += FILLERS)
		put(f->s, id);
	return NULL;
}

static void fill(const char *path, uint32_t records)
{
	static struct filler fillers[FILLERS];
	struct rota_vault_store *s = open_vault(path, records, still);

	for (uint32_t i = 0; i < FILLERS; i++) {
		fillers[i] = (struct filler){ .s = s, .from = i, .records = records };
		if (pthread_create(&fillers[i].thread, NULL, run_filler, &fillers[i]) != 0)
			fail("no thread");
	}
	for (uint32_t i = 0; i < FILLERS; i++)
		(void)pthread_join(fillers[i].thread, NULL);
	rota_vault_store_close(s);
}

/* From now until all is; the vault was opened this moment. */
static double rewritten_s(struct rota_vault_store *s, double poll)
{
	struct rota_vault_progress p;
	double begun = now();

	for (;;) {
		rota_vault_store_progress(s, &p);
		if (p.left == 0)
			return now() - begun;
		pause_s(poll);
	}
}

static void reencrypt(const char *path, uint32_t records)
{
	struct rota_vault_store *s;
	double took;

	fill(path, records);
	generation++;
	s = open_vault(path, records, ROTA_VAULT_BUDGET);
	took = rewritten_s(s, 0.1);
	if (rota_vault_store_needs(s) != generation)
		fail("an old generation is needed still");
	printf("vault_reencrypt_s %.1f s\n", took);
	rota_vault_store_close(s);
}

/* ---- against a bare loop ---- */

struct bare {
	EVP_CIPHER_CTX *seal, *open;
	int fd;
	uint32_t records;
	uint64_t nonce;
};

static void bare_seal(struct bare *b, uint8_t *at)
{
	uint8_t nonce[12] = { 0 };
	int n;

	memcpy(nonce, &b->nonce, sizeof(b->nonce));
	b->nonce++;
	memcpy(at, nonce, sizeof(nonce));
	if (EVP_EncryptInit_ex2(b->seal, NULL, NULL, nonce, NULL) != 1 ||
		EVP_EncryptUpdate(b->seal, NULL, &n, at, 40) != 1 ||
		EVP_EncryptUpdate(b->seal, at + 40, &n, at + 40, LEN) != 1 ||
		EVP_EncryptFinal_ex(b->seal, at + 40 + LEN, &n) != 1 ||
		EVP_CIPHER_CTX_ctrl(b->seal, EVP_CTRL_AEAD_GET_TAG, 16, at + 40 + LEN) != 1)
		fail("no seal");
}

static void bare_open(struct bare *b, uint8_t *at)
{
	int n;

	if (EVP_DecryptInit_ex2(b->open, NULL, NULL, at, NULL) != 1 ||
		EVP_CIPHER_CTX_ctrl(b->open, EVP_CTRL_AEAD_SET_TAG, 16, at + 40 + LEN) != 1 ||
		EVP_DecryptUpdate(b->open, NULL, &n, at, 40) != 1 ||
		EVP_DecryptUpdate(b->open, at + 40, &n, at + 40, LEN) != 1 ||
		EVP_DecryptFinal_ex(b->open, at + 40 + LEN, &n) != 1)
		fail("no open");
}

static void bare_begin(struct bare *b, const char *path, uint32_t records)
{
	static const uint8_t key[16] = { 5 };
	uint8_t entry[ENTRY] = { 0 };

	*b = (struct bare){ EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_new(),
		open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), records, 1 };
	if (b->fd < 0 || EVP_EncryptInit_ex2(b->seal, EVP_aes_128_gcm(), key, NULL, NULL) != 1 ||
		EVP_DecryptInit_ex2(b->open, EVP_aes_128_gcm(), key, NULL, NULL) != 1)
		fail("no bare file");
	for (uint32_t i = 0; i < records; i++) {
		bare_seal(b, entry);
		if (pwrite(b->fd, entry, ENTRY, (off_t)i * ENTRY) != ENTRY)
			fail("not written");
	}
}

static double bare_s(struct bare *b)
{
	double begun = now();
	uint8_t entry[ENTRY];

	for (uint32_t i = 0; i < b->records; i++) {
		if (pread(b->fd, entry, ENTRY, (off_t)i * ENTRY) != ENTRY)
			fail("not read");
		bare_open(b, entry);
		bare_seal(b, entry);
		if (pwrite(b->fd, entry, ENTRY, (off_t)i * ENTRY) != ENTRY)
			fail("not written");
		if (i % SYNC_EVERY == SYNC_EVERY - 1 && fdatasync(b->fd) != 0)
			fail("not synced");
	}
	return now() - begun;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *all_of, int n)
{
	qsort(all_of, (size_t)n, sizeof(*all_of), by_size);
	return all_of[n / 2];
}

static void throughput(const char *path, uint32_t records)
{
	char bare_path[512];
	double ratio[ROUNDS], ours[ROUNDS], theirs[ROUNDS], our_cpu[ROUNDS], their_cpu[ROUNDS];
	struct rota_vault_store *s;
	struct bare b;

	fill(path, records);
	(void)snprintf(bare_path, sizeof(bare_path), "%s.bare", path);
	bare_begin(&b, bare_path, records);
	for (int i = 0; i < ROUNDS; i++) {
		generation++;
		s = open_vault(path, records, all);
		our_cpu[i] = cpu();
		ours[i] = rewritten_s(s, 0.0005);
		our_cpu[i] = cpu() - our_cpu[i];
		rota_vault_store_close(s);
		their_cpu[i] = cpu();
		theirs[i] = bare_s(&b);
		their_cpu[i] = cpu() - their_cpu[i];
		ratio[i] = theirs[i] / ours[i];
	}
	printf("vault_throughput_ratio %.3f ratio\n", median(ratio, ROUNDS));
	printf("vault_rewrite_us %.2f us\n", median(ours, ROUNDS) / records * 1e6);
	printf("vault_bare_us %.2f us\n", median(theirs, ROUNDS) / records * 1e6);
	printf("vault_rewrite_cpu_us %.2f us\n", median(our_cpu, ROUNDS) / records * 1e6);
	printf("vault_bare_cpu_us %.2f us\n", median(their_cpu, ROUNDS) / records * 1e6);
	(void)close(b.fd);
	EVP_CIPHER_CTX_free(b.seal);
	EVP_CIPHER_CTX_free(b.open);
}

/* ---- who waits ---- */

/* The 99th percentile of the same load's latencies, from when each was due; begins at the same seed. */
static double p99(struct rota_vault_store *s, double seconds, uint32_t records)
{
	size_t most = (size_t)(seconds * (GETS_S + PUTS_S) * 2) + 100, n = 0;
	double *took = calloc(most, sizeof(double)), begun = now(), due = 0, result;
	unsigned short dice[3] = { 1, 2, 3 };

	if (took == NULL)
		fail("no memory");
	while (due < seconds && n < most) {
		uint32_t id;

		due += -log(1 - erand48(dice)) / (GETS_S + PUTS_S);
		id = (uint32_t)(erand48(dice) * records);
		pause_s(begun + due - now());
		if (erand48(dice) * (GETS_S + PUTS_S) < PUTS_S)
			put(s, id);
		else
			get(s, id);
		took[n++] = now() - begun - due;
	}
	qsort(took, n, sizeof(*took), by_size);
	result = took[n * 99 / 100];
	free(took);
	return result;
}

static void latency(const char *path, double seconds, int runs)
{
	uint32_t records = (uint32_t)(seconds * 200 * 1.5) + 1000;
	double ratio[64], with[64], without[64];
	struct rota_vault_store *s;

	fill(path, records);
	for (int i = 0; i < runs && i < 64; i++) {
		s = open_vault(path, records, still);
		without[i] = p99(s, seconds, records);
		rota_vault_store_close(s);
		generation++;
		s = open_vault(path, records, ROTA_VAULT_BUDGET);
		with[i] = p99(s, seconds, records);
		rota_vault_store_close(s);
		ratio[i] = with[i] / without[i];
	}
	printf("vault_p99_ratio %.3f ratio\n", median(ratio, runs));
	printf("vault_p99_with_us %.0f us\n", median(with, runs) * 1e6);
	printf("vault_p99_without_us %.0f us\n", median(without, runs) * 1e6);
}

int main(int argc, char **argv)
{
	char path[400];

	if (argc < 4 || snprintf(path, sizeof(path), "%s/vault", argv[1]) >= (int)sizeof(path))
		fail("DIR reencrypt RECORDS | throughput RECORDS | latency SECONDS RUNS");
	if (strcmp(argv[2], "reencrypt") == 0)
		reencrypt(path, (uint32_t)strtoul(argv[3], NULL, 10));
	else if (strcmp(argv[2], "throughput") == 0)
		throughput(path, (uint32_t)strtoul(argv[3], NULL, 10));
	else if (strcmp(argv[2], "latency") == 0 && argc > 4)
		latency(path, strtod(argv[3], NULL), atoi(argv[4]));
	else
		fail("reencrypt, throughput or latency?");
	return 0;
}
