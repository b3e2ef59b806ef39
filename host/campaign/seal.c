/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/digest.h"
#include "host/campaign/bundlemake.h"
#include "host/campaign/confirm.h"
#include "host/campaign/sealed.h"
#include "host/campaign/seal_parts.h"
#include "rota/base/mem.h"
#include "rota/codec/purpose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what is there ---- */

/* DIR/ID.TREE.KIND */
static char *path_of(const struct rota_seal_plan *plan, const char *kind)
{
	char id[2 * sizeof(plan->campaign) + 1];

	rota_hex(ROTA_SPAN(plan->campaign), id);
	return rota_text("%s/%s.%u.%s", plan->dir, id, (unsigned)plan->tree, kind);
}

/* A tree's first export is the one that was approved; all that was drawn from another one would be for nothing. */
static enum rota_err compare_export(struct sealing *s, struct rota_fail *why)
{
	const struct rota_seal_plan *plan = s->plan;
	uint64_t len;

	ROTA_TRY(rota_digest_file(plan->export_path, NULL, &len, s->export_sha256, why));
	if (!plan->export_sha256)
		return ROTA_OK;
	if (memcmp(s->export_sha256, plan->export_sha256, sizeof(s->export_sha256)) != 0)
		return rota_fail(why, ROTA_ERR_HASH, "%s is not the export that the request names",
			plan->export_path);
	return ROTA_OK;
}

static enum rota_err read_head(struct sealing *s, int fd, uint64_t len, struct rota_fail *why)
{
	const char *path = s->plan->export_path;
	uint8_t head[ROTA_EXPORT_HEAD_LEN];
	enum rota_err err;

	ROTA_TRY(rota_part_pread(fd, 0, ROTA_BUF(head), path, why));
	err = rota_export_decode(head, &s->head);
	if (err != ROTA_OK)
		return rota_fail(why, err, "%s is no export of the registry", path);
	if (len != ROTA_EXPORT_HEAD_LEN + (uint64_t)s->head.count * ROTA_ROW_LEN)
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: %u rows do not have %llu bytes", path,
			(unsigned)s->head.count, (unsigned long long)len);
	if (memcmp(s->head.product, s->plan->product, sizeof(s->head.product)) != 0)
		return rota_fail(why, ROTA_ERR_PRODUCT, "%s is of another product", path);
	return ROTA_OK;
}

static void set_up(struct sealing *s, int export_fd)
{
	const struct rota_seal_plan *plan = s->plan;

	s->tools = (struct rota_book_tools){ plan->crypto, plan->aead, plan->book_key };
	s->look = (struct rota_index_plan){ .export_fd = export_fd,
		.export_path = plan->export_path,
		.head = &s->head,
		.registry = plan->registry,
		.crypto = plan->crypto,
		.campaign = plan->campaign,
		.purpose = plan->purpose,
		.generation = plan->generation,
		.emergency = plan->emergency,
		.own_book = s->own_book,
		.factory_book = s->factory_book,
		.books = &s->tools,
		.earlier = &s->earlier,
		.threads = plan->threads,
		.skip = plan->skip,
		.skip_ctx = plan->skip_ctx };
	s->copies_key = (struct rota_copies_key){
		.crypto = plan->crypto, .aead = plan->aead, .key = s->campaign_key
	};
}

/* ---- the attempt ---- */

/* The factory's book as it is: each has a salt of its own in its head, which is zeros where there is none. */
static enum rota_err add_factory(
	const struct sealing *s, struct rota_sha256 *h, struct rota_fail *why)
{
	struct rota_book book;

	ROTA_TRY(rota_book_open(&book, s->factory_book, ROTA_BOOK_FACTORY, &s->tools, why));
	s->plan->crypto->sha256_update(h, ROTA_SPAN(book.head));
	rota_book_close(&book);
	return ROTA_OK;
}

/* Whose secrets this tree has to have again. */
static void add_earlier(const struct sealing *s, struct rota_sha256 *h)
{
	for (unsigned i = 0; i < s->earlier.count; i++)
		s->plan->crypto->sha256_update(h, ROTA_SPAN(s->earlier.tree[i].file.root));
}

/* Everything that must be the same for a chunk of an earlier run to be of use (SPEC 37.7). The purpose's own book may have changed:
 * each psk that it still has for a generation is the one that the device takes. */
static enum rota_err identify(
	const struct sealing *s, uint8_t out[static 32], struct rota_fail *why)
{
	const struct rota_seal_plan *plan = s->plan;
	const uint8_t tree[] = { (uint8_t)plan->tree, (uint8_t)(plan->tree >> 8) };
	struct rota_sha256 h;

	plan->crypto->sha256_init(&h);
	plan->crypto->sha256_update(&h, ROTA_SPAN(plan->campaign));
	plan->crypto->sha256_update(&h, ROTA_SPAN(tree));
	plan->crypto->sha256_update(&h, ROTA_SPAN(s->export_sha256));
	plan->crypto->sha256_update(&h, ROTA_SPAN(s->index.digest));
	add_earlier(s, &h);
	ROTA_TRY(add_factory(s, &h, why));
	plan->crypto->sha256_final(&h, out);
	return ROTA_OK;
}

static enum rota_err open_parts(struct sealing *s, struct rota_fail *why)
{
	struct {
		struct rota_part *part;
		const char *kind;
	} parts[] = { { &s->keys, "keys" }, { &s->confirm, "confirm" }, { &s->copies, "copies" } };
	uint8_t what[32];
	enum rota_err err;
	char *path;

	ROTA_TRY(identify(s, what, why));
	path = path_of(s->plan, "progress");
	err = rota_resume_open(&s->resume, path, what, rota_copies_chunks(s->index.size), why);
	free(path);
	s->before = s->resume;
	for (size_t i = 0; err == ROTA_OK && i < sizeof(parts) / sizeof(parts[0]); i++) {
		path = path_of(s->plan, parts[i].kind);
		err = rota_part_open(parts[i].part, path, s->resume.done == 0, why);
		free(path);
	}
	return err;
}

static enum rota_err reserve(const struct sealing *s, struct rota_fail *why)
{
	const uint32_t size = s->index.size;

	ROTA_TRY(rota_part_reserve(
		&s->keys, rota_keyfile_level_at(size, rota_keyfile_levels(size)), why));
	ROTA_TRY(rota_part_reserve(&s->confirm, rota_confirm_at(size), why));
	return rota_part_reserve(&s->copies, rota_copies_len(size), why);
}

/* Of all members but salt and wrapped key. */
static struct rota_copies copies_head(const struct sealing *s)
{
	const struct rota_seal_plan *plan = s->plan;
	struct rota_copies head = { .tree = plan->tree,
		.purpose = plan->purpose,
		.cipher = plan->cipher,
		.generation = plan->generation,
		.size = s->index.size,
		.activation_s = plan->activation_s };

	memcpy(head.campaign, plan->campaign, sizeof(head.campaign));
	return head;
}

/* The campaign key, drawn, wrapped once, and durable before anything is sealed under it. */
static enum rota_err make_key(struct sealing *s, struct rota_fail *why)
{
	const struct rota_seal_plan *plan = s->plan;
	const struct rota_random *entropy = plan->entropy;
	struct rota_copies head = copies_head(s);
	uint8_t aad[ROTA_COPIES_AAD_LEN];

	if (entropy->fill(entropy->ctx, ROTA_BUF(s->campaign_key)) != ROTA_OK ||
		entropy->fill(entropy->ctx, ROTA_BUF(head.salt)) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_IO, "the HSM gives no random bytes");
	rota_copies_aad(plan->campaign, aad);
	ROTA_TRY(rota_keywrap_seal(plan->hsm, ROTA_SPAN(aad), s->campaign_key, head.wrapped, why));
	rota_copies_encode(&head, s->copies_key.head);
	ROTA_TRY(rota_part_write(&s->copies, 0, ROTA_SPAN(s->copies_key.head), why));
	return rota_part_sync(&s->copies, why);
}

/* That of the earlier run. */
static enum rota_err recall_key(struct sealing *s, struct rota_fail *why)
{
	struct rota_copies found = { 0 }, head = copies_head(s);
	uint8_t aad[ROTA_COPIES_AAD_LEN], again[ROTA_COPIES_HEAD_LEN];

	ROTA_TRY(rota_part_read(&s->copies, 0, ROTA_BUF(s->copies_key.head), why));
	if (rota_copies_decode(s->copies_key.head, &found) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_CORRUPT, "%s.part: damaged", s->copies.path);
	memcpy(head.salt, found.salt, sizeof(head.salt));
	memcpy(head.wrapped, found.wrapped, sizeof(head.wrapped));
	rota_copies_encode(&head, again);
	if (memcmp(again, s->copies_key.head, sizeof(again)) != 0)
		return rota_fail(
			why, ROTA_ERR_CORRUPT, "%s.part: of another campaign", s->copies.path);
	rota_copies_aad(s->plan->campaign, aad);
	return rota_keywrap_open(s->plan->hsm, ROTA_SPAN(aad), found.wrapped, s->campaign_key, why);
}

/* ---- the end ---- */

static enum rota_err write_confirm_head(
	const struct sealing *s, const uint8_t root[static 32], struct rota_fail *why)
{
	struct rota_confirm head = { .tree = s->plan->tree, .size = s->index.size };
	uint8_t bytes[ROTA_CONFIRM_HEAD_LEN];

	memcpy(head.campaign, s->plan->campaign, sizeof(head.campaign));
	memcpy(head.root, root, sizeof(head.root));
	rota_confirm_encode(&head, bytes);
	return rota_part_write(&s->confirm, 0, ROTA_SPAN(bytes), why);
}

static enum rota_err place(
	struct sealing *s, const struct rota_seal_result *result, struct rota_fail *why)
{
	char *path = path_of(s->plan, "sealed");
	enum rota_err err;

	err = rota_part_place(&s->keys, why);
	if (err == ROTA_OK)
		err = rota_part_place(&s->confirm, why);
	if (err == ROTA_OK)
		err = rota_part_place(&s->copies, why);
	if (err == ROTA_OK)
		err = rota_sealed_write(path, s->plan->campaign, s->plan->tree, result, why);
	free(path);
	return err == ROTA_OK ? rota_resume_end(&s->resume, why) : err;
}

/* Tree and book have nothing to do with each other. The tree goes from left to right, and is one thread's. */
struct ending {
	struct sealing *s;
	struct seal_book *book;
	uint8_t root[32];
};

static enum rota_err end_tree(struct ending *e, struct rota_fail *why)
{
	const struct sealing *s = e->s;

	ROTA_TRY(rota_keyfile_finish(s->keys.fd, s->plan->crypto, s->plan->campaign, s->plan->tree,
		s->index.size, e->root, why));
	return write_confirm_head(s, e->root, why);
}

static enum rota_err end_part(void *ctx, struct rota_crew *crew, struct rota_fail *why)
{
	struct ending *e = ctx;
	uint32_t part;

	while (rota_crew_take(crew, &part))
		ROTA_TRY(part == 0 ? end_tree(e, why) : seal_book_unit(e->book, part - 1, why));
	return ROTA_OK;
}

static enum rota_err end_parts(struct ending *e, struct rota_fail *why)
{
	enum rota_err err = seal_book_begin(e->s, &e->book, why);

	if (err == ROTA_OK)
		err = rota_crew_run(
			e->s->plan->threads, 1 + seal_book_units(e->book), end_part, e, why);
	if (err == ROTA_OK)
		err = seal_book_place(e->book, why);
	seal_book_end(e->book);
	return err;
}

static enum rota_err finish(struct sealing *s, struct rota_seal_result *out, struct rota_fail *why)
{
	const uint32_t size = s->index.size;
	struct ending ending = { .s = s };

	ROTA_TRY(end_parts(&ending, why));
	memcpy(out->root, ending.root, sizeof(out->root));
	out->size = size;
	out->base = s->base;
	out->again = s->again;
	memcpy(out->skipped, s->index.skipped, sizeof(out->skipped));
	out->bytes = rota_keyfile_level_at(size, rota_keyfile_levels(size)) +
		rota_confirm_at(size) + rota_copies_len(size);
	return place(s, out, why);
}

/* ---- all of it ---- */

static uint32_t kept_of(const struct sealing *s)
{
	uint32_t kept = 0;

	for (uint32_t chunk = 0; chunk < s->before.chunks; chunk++)
		if (rota_resume_has(&s->before, chunk))
			kept += rota_copies_devices(s->index.size, chunk);
	return kept;
}

static enum rota_err seal_index(
	struct sealing *s, struct rota_seal_result *out, struct rota_fail *why)
{
	if (s->index.size + s->earlier.devices > s->plan->most)
		return rota_fail(why, ROTA_ERR_CEILING,
			"%u devices take part, %llu are in earlier trees, and %u were approved",
			(unsigned)s->index.size, (unsigned long long)s->earlier.devices,
			(unsigned)s->plan->most);
	s->psk = calloc(s->index.size, sizeof(s->psk[0]));
	s->known = calloc(s->index.size, sizeof(s->known[0]));
	if (!s->psk || !s->known)
		abort();
	ROTA_TRY(open_parts(s, why));
	out->kept = kept_of(s);
	if (s->resume.done == 0)
		ROTA_TRY(reserve(s, why));
	ROTA_TRY((s->resume.done == 0 ? make_key : recall_key)(s, why));
	ROTA_TRY(rota_earlier_unwrap(&s->earlier, s->plan->hsm, why));
	ROTA_TRY(seal_chunks(s, why));
	return finish(s, out, why);
}

static enum rota_err seal_export(
	struct sealing *s, struct rota_seal_result *out, struct rota_fail *why)
{
	enum rota_err err;
	uint64_t len;
	int fd;

	ROTA_TRY(compare_export(s, why));
	ROTA_TRY(rota_file_open(s->plan->export_path, &fd, &len, why));
	set_up(s, fd);
	err = read_head(s, fd, len, why);
	if (err == ROTA_OK)
		err = rota_earlier_open(&s->earlier, s->plan->dir, s->plan->campaign, s->plan->tree,
			s->plan->crypto, s->plan->aead, why);
	if (err == ROTA_OK) {
		err = rota_index_build(&s->look, &s->index, why);
		out->nobody = err == ROTA_ERR_NOT_FOUND;
	}
	if (err == ROTA_OK)
		err = seal_index(s, out, why);
	close(fd);
	return err;
}

static void end(struct sealing *s)
{
	rota_part_close(&s->keys);
	rota_part_close(&s->confirm);
	rota_part_close(&s->copies);
	rota_resume_close(&s->resume);
	if (s->psk) {
		rota_wipe(s->psk, (size_t)s->index.size * sizeof(s->psk[0]));
		free(s->psk);
	}
	free(s->known);
	rota_index_free(&s->index);
	rota_earlier_close(&s->earlier);
	pthread_mutex_destroy(&s->one);
	pthread_mutex_destroy(&s->syncing);
	rota_wipe(s, sizeof(*s));
	free(s);
}

static enum rota_err begin(
	const struct rota_seal_plan *plan, struct rota_seal_result *out, struct rota_fail *why)
{
	struct sealing *s = calloc(1, sizeof(*s));
	enum rota_err err;

	if (!s)
		abort();
	s->plan = plan;
	s->batch_len = plan->batch ? plan->batch : SEAL_BATCH;
	s->keys.fd = s->confirm.fd = s->copies.fd = s->resume.part.fd = -1;
	pthread_mutex_init(&s->one, NULL);
	pthread_mutex_init(&s->syncing, NULL);
	rota_book_path(plan->books, plan->purpose, s->own_book);
	rota_book_path(
		plan->next_books ? plan->next_books : plan->books, plan->purpose, s->next_book);
	rota_book_path(plan->books, ROTA_BOOK_FACTORY, s->factory_book);
	err = seal_export(s, out, why);
	end(s);
	return err;
}

/* What stands there was placed last; a run that was cut off right behind it left its progress. */
static enum rota_err run(
	const struct rota_seal_plan *plan, struct rota_seal_result *out, struct rota_fail *why)
{
	char *path = path_of(plan, "sealed"), *progress = path_of(plan, "progress.part");
	enum rota_err err;

	if (rota_file_exists(path)) {
		err = rota_sealed_read(path, plan->campaign, plan->tree, out, why);
		if (err == ROTA_OK)
			err = rota_file_remove(progress, why);
	} else {
		err = begin(plan, out, why);
	}
	free(path);
	free(progress);
	return err;
}

enum rota_err rota_seal_run(
	const struct rota_seal_plan *plan, struct rota_seal_result *out, struct rota_fail *why)
{
	char *lock;
	enum rota_err err;
	int fd;

	memset(out, 0, sizeof(*out));
	if (!rota_purpose_word(plan->purpose) || plan->batch > SEAL_BATCH ||
		plan->tree >= ROTA_KEYS_TREES_MAX)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "no such purpose, batch or tree");
	lock = rota_text("%s/lock", plan->books);
	err = rota_lock_take(lock, 0, &fd, why);
	free(lock);
	ROTA_TRY(err);
	rota_draft_sweep(plan->dir);
	err = run(plan, out, why);
	close(fd);
	return err;
}
