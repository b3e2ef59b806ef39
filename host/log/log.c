/* SPDX-License-Identifier: Apache-2.0 */
#include "host/log/log.h"
#include "host/base/file.h"
#include "host/ingest/journal.h"
#include "host/log/head.h"
#include "rota/crypto/merkle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* A million entries are some eight files, and a tiler that starts reads at most one of them. */
#define SEGMENT_LEN ((uint64_t)64 * 1024 * 1024)

/* Drawn at once: a system call for each would cost more than its entry's digest. */
#define SALTS 32

struct rota_log {
	const struct rota_crypto *crypto;
	struct rota_ingest *journal;
	uint64_t size, next; /* durable, and with what is gathered */
	char dir[ROTA_FILE_PATH_MAX]; /* of the journal */
	uint8_t payload[ROTA_LOG_PAYLOAD_MAX];
	uint8_t salts[SALTS * ROTA_LOG_SALT_LEN];
	size_t salts_left;
};

enum rota_err rota_log_path(
	const char *dir, const char *name, struct rota_buf to, struct rota_fail *why)
{
	int len = snprintf((char *)to.p, to.len, "%s/%s", dir, name);

	if (len < 0 || (size_t)len >= to.len)
		return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s/%s", dir, name);
	return ROTA_OK;
}

enum rota_err rota_log_fault(struct rota_fail *why, enum rota_err err, const char *dir,
	const struct rota_ingest_fault *fault)
{
	const char *slash = fault->file[0] != 0 ? "/" : "";

	if (fault->sys == 0)
		return rota_fail(why, err, "%s%s%s, byte %llu: %s", dir, slash, fault->file,
			(unsigned long long)fault->offset, fault->what);
	return rota_fail(why, err, "%s%s%s: %s: %s", dir, slash, fault->file, fault->what,
		strerror(fault->sys));
}

/* What was said of the log and is compared while it is read. */
struct claims {
	size_t count;
	struct claim {
		const char *path;
		struct rota_log_head head;
		bool met;
	} all[ROTA_LOG_HEADS_MAX];
};

static enum rota_err add_claim(struct claims *c, const char *path, struct rota_fail *why)
{
	struct claim *one = &c->all[c->count];
	enum rota_err err;

	if (c->count == ROTA_LOG_HEADS_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "more than %d checkpoints to compare with",
			ROTA_LOG_HEADS_MAX);
	err = rota_log_head_read(path, &one->head, why);
	if (err == ROTA_ERR_NOT_FOUND)
		return ROTA_OK;
	ROTA_TRY(err);
	one->path = path;
	one->met = false;
	c->count++;
	return ROTA_OK;
}

static void free_claims(struct claims *c)
{
	for (size_t i = 0; i < c->count; i++)
		rota_log_head_free(&c->all[i].head);
}

/* SPEC 21.7: a checkpoint beside the journal. */
static enum rota_err meet(struct claims *c, const struct rota_crypto *crypto,
	const struct rota_merkle_edge *edge, struct rota_fail *why)
{
	uint8_t root[ROTA_SHA256_LEN];

	for (size_t i = 0; i < c->count; i++) {
		struct claim *one = &c->all[i];

		if (one->head.at.size != edge->size)
			continue;
		rota_merkle_root(crypto, edge, root);
		if (memcmp(root, one->head.at.root, sizeof(root)) != 0)
			return rota_fail(why, ROTA_ERR_CORRUPT,
				"%s has another root for %llu entries than the log: one of them "
				"was replaced; look at both before anything is signed",
				one->path, (unsigned long long)edge->size);
		one->met = true;
	}
	return ROTA_OK;
}

/* SPEC 21.7: a checkpoint ahead of the journal. */
static enum rota_err all_met(
	const struct claims *c, const char *dir, uint64_t size, struct rota_fail *why)
{
	for (size_t i = 0; i < c->count; i++) {
		if (!c->all[i].met)
			return rota_fail(why, ROTA_ERR_CORRUPT,
				"%s is of %llu entries and %s has %llu: the log was put back; "
				"bring the newer one before anything is signed",
				c->all[i].path, (unsigned long long)c->all[i].head.at.size, dir,
				(unsigned long long)size);
	}
	return ROTA_OK;
}

static enum rota_err take_record(const struct rota_log_config *config, struct rota_log *log,
	const struct rota_record *r, struct rota_merkle_edge *edge, struct rota_fail *why)
{
	struct rota_log_entry e;
	uint8_t hash[ROTA_SHA256_LEN];
	enum rota_err err;

	if (r->type == ROTA_RECORD_CLOSE)
		return ROTA_OK;
	err = rota_log_entry_read(config->crypto, r, &e);
	if (err == ROTA_OK && e.index != edge->size)
		err = ROTA_ERR_CORRUPT;
	if (err != ROTA_OK)
		return rota_fail(why, err, "%s: record %llu is not entry %llu", log->dir,
			(unsigned long long)r->sequence, (unsigned long long)edge->size);
	rota_merkle_leaf(config->crypto, e.bytes, hash);
	rota_merkle_append(config->crypto, edge, hash);
	if (config->each == NULL)
		return ROTA_OK;
	err = config->each(config->ctx, e.index, &e.leaf, e.record);
	return err == ROTA_OK ? ROTA_OK
			      : rota_fail(why, err, "%s: entry %llu: %s", log->dir,
					(unsigned long long)e.index, rota_err_str(err));
}

static enum rota_err read_all(const struct rota_log_config *config, struct rota_log *log,
	struct claims *claims, struct rota_fail *why)
{
	struct rota_merkle_edge edge = { .size = 0 };
	struct rota_ingest_fault fault;
	struct rota_cursor *c;
	struct rota_record r;
	enum rota_err err = rota_cursor_open(log->dir, 0, &c, &fault);

	if (err != ROTA_OK)
		return rota_log_fault(why, err, log->dir, &fault);
	err = meet(claims, config->crypto, &edge, why);
	while (err == ROTA_OK && (err = rota_cursor_next(c, &r, &fault)) == ROTA_OK) {
		err = take_record(config, log, &r, &edge, why);
		if (err == ROTA_OK && r.type != ROTA_RECORD_CLOSE)
			err = meet(claims, config->crypto, &edge, why);
		if (err != ROTA_OK)
			goto out;
	}
	if (err == ROTA_ERR_NOT_FOUND)
		err = all_met(claims, log->dir, edge.size, why);
	else if (err != ROTA_OK)
		rota_log_fault(why, err, log->dir, &fault);
	log->size = log->next = edge.size;
out:
	rota_cursor_close(c);
	return err;
}

static enum rota_err open_in(const struct rota_log_config *config, struct rota_log *log,
	struct claims *claims, struct rota_fail *why)
{
	char head[ROTA_FILE_PATH_MAX], published[ROTA_FILE_PATH_MAX];
	struct rota_ingest_fault fault;
	enum rota_err err;

	ROTA_TRY(rota_log_path(config->dir, "journal", ROTA_BUF(log->dir), why));
	ROTA_TRY(rota_log_path(config->dir, "head", ROTA_BUF(head), why));
	ROTA_TRY(rota_log_path(config->dir, "public/checkpoint", ROTA_BUF(published), why));
	ROTA_TRY(rota_file_mkdirs(log->dir, 0750, why));
	/* Cuts off a torn tail and syncs the rest: from here on all that is read is durable. */
	err = rota_ingest_open(log->dir, SEGMENT_LEN, &log->journal, &fault);
	if (err != ROTA_OK)
		return rota_log_fault(why, err, log->dir, &fault);
	ROTA_TRY(add_claim(claims, config->head != NULL ? config->head : head, why));
	ROTA_TRY(add_claim(claims, published, why));
	for (size_t i = 0; i < config->seen_count; i++)
		ROTA_TRY(add_claim(claims, config->seen[i], why));
	return read_all(config, log, claims, why);
}

static void release(struct rota_log *log)
{
	struct rota_ingest_fault fault;

	/* nothing is gathered: what could fail is the closing record, which nobody needs */
	(void)!rota_ingest_close(log->journal, &fault);
	free(log);
}

enum rota_err rota_log_open(
	const struct rota_log_config *config, struct rota_log **out, struct rota_fail *why)
{
	struct rota_log *log = calloc(1, sizeof(*log));
	struct claims claims = { .count = 0 };
	enum rota_err err;

	*out = NULL;
	if (log == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "out of memory");
	log->crypto = config->crypto;
	err = open_in(config, log, &claims, why);
	free_claims(&claims);
	if (err != ROTA_OK) {
		release(log);
		return err;
	}
	*out = log;
	return ROTA_OK;
}

uint64_t rota_log_size(const struct rota_log *log)
{
	return log->size;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* A salt that no entry has. */
static bool draw_salt(struct rota_log *log, uint8_t out[static ROTA_LOG_SALT_LEN])
{
	uint8_t *next;

	if (log->salts_left == 0 &&
		getrandom(log->salts, sizeof(log->salts), 0) != (ssize_t)sizeof(log->salts))
		return false;
	if (log->salts_left == 0)
		log->salts_left = SALTS;
	next = log->salts + --log->salts_left * ROTA_LOG_SALT_LEN;
	memcpy(out, next, ROTA_LOG_SALT_LEN);
	memset(next, 0, ROTA_LOG_SALT_LEN);
	return true;
}

enum rota_err rota_log_append(struct rota_log *log, struct rota_leaf *leaf, struct rota_span record,
	uint64_t *index, struct rota_fail *why)
{
	uint8_t salt[ROTA_LOG_SALT_LEN];
	struct rota_log_entry e = { .index = log->next, .salt = ROTA_SPAN(salt), .record = record };
	struct rota_record r = { .time_ms = now_ms() };
	enum rota_err err;

	if (!draw_salt(log, salt))
		return rota_fail_errno(why, errno, "no random bytes");
	rota_log_record_digest(log->crypto, e.salt, record, leaf->record);
	e.leaf = *leaf;
	err = rota_log_entry_write(&e, ROTA_BUF(log->payload), &r);
	if (err == ROTA_OK)
		err = rota_ingest_append(log->journal, &r);
	if (err != ROTA_OK)
		return rota_fail(why, err, "%s: entry %llu: %s", log->dir,
			(unsigned long long)e.index, rota_err_str(err));
	*index = log->next++;
	return ROTA_OK;
}

enum rota_err rota_log_commit(struct rota_log *log, struct rota_fail *why)
{
	struct rota_ingest_fault fault;
	enum rota_err err = rota_ingest_commit(log->journal, &fault);

	if (err != ROTA_OK) {
		log->next = log->size;
		return rota_log_fault(why, err, log->dir, &fault);
	}
	log->size = log->next;
	return ROTA_OK;
}

enum rota_err rota_log_close(struct rota_log *log, struct rota_fail *why)
{
	struct rota_ingest_fault fault;
	enum rota_err err;

	if (log == NULL)
		return ROTA_OK;
	err = rota_ingest_close(log->journal, &fault);
	if (err != ROTA_OK)
		rota_log_fault(why, err, log->dir, &fault);
	free(log);
	return err;
}
