/* SPDX-License-Identifier: Apache-2.0 */
/* bench_log_load DIR ENTRIES -- fill a signing log as a busy daemon does: 16 clients, each with one entry under way, one
 * thread that commits what is there as a group, one that makes tiles and signs a checkpoint each second. An entry
 * counts when its client was told that it is durable. Prints the log's public key, entries a second, the longest group,
 * and ends with everything published. */
#include "host/log/log.h"
#include "host/log/tiler.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/codec/der.h"
#include "rota/codec/note.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLIENTS 16
#define ORIGIN "bench.rota.invalid/log"

/* What a client waits with. */
struct order {
	struct rota_leaf leaf;
	char record[256];
	size_t record_len;
	bool waits;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t asked = PTHREAD_COND_INITIALIZER, answered = PTHREAD_COND_INITIALIZER;
static struct order orders[CLIENTS];
static unsigned waiting, clients_left = CLIENTS, largest;
static atomic_ullong next_number, durable;
static atomic_bool ended;
static unsigned long long total;
static EVP_PKEY *key;
static struct rota_note_key note_key;
static uint8_t point[ROTA_P256_KEY_LEN];

static _Noreturn void die(const struct rota_fail *why)
{
	(void)fprintf(stderr, "bench_log_load: %s\n", why->text);
	exit(1);
}

static enum rota_err sign(
	void *ctx, struct rota_span text, struct rota_bytes *lines, struct rota_fail *why)
{
	uint8_t der[ROTA_DER_ECDSA_MAX], raw[ROTA_P256_SIG_LEN], room[ROTA_NOTE_LINE_MAX];
	size_t len = sizeof(der);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct rota_span line;
	bool well;

	(void)ctx;
	well = md != NULL && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
		EVP_DigestSign(md, der, &len, text.p, text.len) == 1 &&
		rota_der_ecdsa_decode(rota_span(der, len), ROTA_BUF(raw)) == ROTA_OK &&
		rota_note_line(&note_key, 0, ROTA_SPAN(raw), ROTA_BUF(room), &line) == ROTA_OK;
	EVP_MD_CTX_free(md);
	if (!well)
		return rota_fail(why, ROTA_ERR_IO, "libcrypto does not sign");
	rota_bytes_add(lines, line);
	return ROTA_OK;
}

static void make_key(void)
{
	size_t len = 0;

	key = EVP_EC_gen("P-256");
	if (key == NULL ||
		EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof(point), &len) != 1)
		abort();
	note_key = (struct rota_note_key){
		.kind = ROTA_NOTE_LOG_P256, .name = ROTA_STR(ORIGIN), .raw = ROTA_SPAN(point)
	};
	rota_note_key_id(&rota_crypto_openssl, &note_key);
	printf("key ");
	for (size_t i = 0; i < sizeof(point); i++)
		printf("%02x", point[i]);
	printf("\n");
}

/* A timestamp that was granted, as the daemon logs it. */
static void fill(struct order *o, unsigned long long n)
{
	o->leaf = (struct rota_leaf){ .kind = ROTA_LEAF_GRANTED,
		.at_s = 1700000000 + n / 5000,
		.version = n + 1,
		.scope = ROTA_STR("sensor"),
		.role = ROTA_STR("timestamp") };
	memcpy(o->leaf.message, &n, sizeof(n));
	memset(o->leaf.key, 0x5a, sizeof(o->leaf.key));
	o->record_len = (size_t)snprintf(o->record, sizeof(o->record),
		"{\"approvals\":[],\"client\":\"publisher\",\"host\":\"signd\",\"id\":\"%032llx\","
		"\"reason\":\"timestamp renewed by the timer\",\"what\":\"%064llx\"}",
		n, n);
}

static void *client(void *arg)
{
	struct order *o = arg;

	for (;;) {
		unsigned long long n = atomic_fetch_add(&next_number, 1);

		if (n >= total)
			break;
		fill(o, n);
		pthread_mutex_lock(&lock);
		o->waits = true;
		waiting++;
		pthread_cond_signal(&asked);
		while (o->waits)
			pthread_cond_wait(&answered, &lock);
		pthread_mutex_unlock(&lock);
	}
	pthread_mutex_lock(&lock);
	clients_left--;
	pthread_cond_signal(&asked);
	pthread_mutex_unlock(&lock);
	return NULL;
}

/* All that wait become one group; whoever comes meanwhile is of the next. */
static void commit_group(struct rota_log *log)
{
	bool of_group[CLIENTS];
	struct rota_fail why;
	uint64_t index;

	for (int i = 0; i < CLIENTS; i++)
		of_group[i] = orders[i].waits;
	largest = waiting > largest ? waiting : largest;
	waiting = 0;
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < CLIENTS; i++) {
		if (of_group[i] &&
			rota_log_append(log, &orders[i].leaf,
				rota_span(orders[i].record, orders[i].record_len), &index,
				&why) != ROTA_OK)
			die(&why);
	}
	if (rota_log_commit(log, &why) != ROTA_OK)
		die(&why);
	atomic_store(&durable, rota_log_size(log));
	pthread_mutex_lock(&lock);
	for (int i = 0; i < CLIENTS; i++)
		orders[i].waits = orders[i].waits && !of_group[i];
	pthread_cond_broadcast(&answered);
}

static void *make_tiles(void *arg)
{
	struct rota_tiler *tiler = arg;
	struct rota_fail why;
	uint64_t size;

	for (bool last = false; !last;) {
		const struct timespec second = { .tv_sec = 1 };

		last = atomic_load(&ended);
		if (rota_tiler_step(tiler, atomic_load(&durable), &size, &why) != ROTA_OK)
			die(&why);
		if (!last)
			nanosleep(&second, NULL);
	}
	return NULL;
}

/* As the log writer does where it may: who wakes from a sync beside busy processes else waits for a tick. */
static void rise(void)
{
	const struct sched_param first = { .sched_priority = 1 };
	int err = pthread_setschedparam(pthread_self(), SCHED_FIFO, &first);

	printf("priority %s\n", err == 0 ? "fifo" : "plain");
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run(struct rota_log *log, struct rota_tiler *tiler)
{
	pthread_t threads[CLIENTS], maker;
	double begin = now_s(), seconds;

	if (pthread_create(&maker, NULL, make_tiles, tiler) != 0)
		abort();
	for (int i = 0; i < CLIENTS; i++) {
		if (pthread_create(&threads[i], NULL, client, &orders[i]) != 0)
			abort();
	}
	rise();
	pthread_mutex_lock(&lock);
	while (clients_left > 0) {
		if (waiting > 0)
			commit_group(log);
		else
			pthread_cond_wait(&asked, &lock);
	}
	pthread_mutex_unlock(&lock);
	seconds = now_s() - begin;
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&ended, true);
	pthread_join(maker, NULL);
	printf("rate %.0f\ngroup %u\npublished_s %.2f\n", (double)total / seconds, largest,
		now_s() - begin - seconds);
}

int main(int argc, char **argv)
{
	struct rota_log_config config = { .crypto = &rota_crypto_openssl };
	struct rota_tiler_config tiles = {
		.origin = ORIGIN, .crypto = &rota_crypto_openssl, .sign = sign
	};
	struct rota_tiler *tiler;
	struct rota_log *log;
	struct rota_fail why;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: bench_log_load DIR ENTRIES\n");
		return 2;
	}
	config.dir = tiles.dir = argv[1];
	total = strtoull(argv[2], NULL, 10);
	make_key();
	if (rota_log_open(&config, &log, &why) != ROTA_OK)
		die(&why);
	if (rota_tiler_open(&tiles, &tiler, &why) != ROTA_OK)
		die(&why);
	run(log, tiler);
	rota_tiler_close(tiler);
	if (rota_log_close(log, &why) != ROTA_OK)
		die(&why);
	EVP_PKEY_free(key);
	return 0;
}
