/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/keyshelf.h"
#include "host/base/bytes.h"
#include "host/base/file.h"
#include "host/campaign/bundlefile.h"
#include "host/campaign/confirm.h"
#include "host/sign/p256.h"
#include "rota/base/mem.h"
#include "rota/crypto/possession.h"
#include "rota/trust/tag.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ID_HEX (2 * ROTA_SHA256_LEN)
/* What changes twice within a tick of the kernel's clock has one time. */
#define TICK_MS 100

struct tree {
	uint8_t campaign[ROTA_SHA256_LEN];
	uint8_t number;
	bool open;
	int keys, confirm; /* descriptors */
	uint64_t used; /* of `turn`, when it was asked last */
	struct rota_keyfile file;
};

struct rota_keyshelf {
	char *folder;
	const struct rota_crypto *crypto;
	struct timespec changed; /* the folder, when it was read */
	bool settled; /* and was that long enough ago to have another time at the next change? */
	struct tree *trees; /* ascending by campaign, of one descending by number */
	size_t count, opened;
	uint64_t turn;
};

/* ---- what is there ---- */

static void shut(struct rota_keyshelf *s, struct tree *t)
{
	if (!t->open)
		return;
	close(t->keys);
	close(t->confirm);
	t->open = false;
	s->opened--;
}

static void clear(struct rota_keyshelf *s)
{
	for (size_t i = 0; i < s->count; i++)
		shut(s, &s->trees[i]);
	free(s->trees);
	s->trees = NULL;
	s->count = 0;
}

struct rota_keyshelf *rota_keyshelf_new(const char *folder, const struct rota_crypto *crypto)
{
	struct rota_keyshelf *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->folder = rota_text("%s", folder);
	s->crypto = crypto;
	return s;
}

void rota_keyshelf_free(struct rota_keyshelf *s)
{
	if (s == NULL)
		return;
	clear(s);
	free(s->folder);
	free(s);
}

/* ID.TREE.keys, as seald spells it: no other spelling names the same tree. */
static bool read_name(const char *name, struct tree *out)
{
	char id[ID_HEX + 1], again[ID_HEX + 16];
	unsigned number = 0;

	if (strlen(name) < ID_HEX + sizeof(".0.keys") - 1 ||
		sscanf(name + ID_HEX, ".%2u.keys", &number) != 1 || number > ROTA_KEYSHELF_TREE_MAX)
		return false;
	memcpy(id, name, ID_HEX);
	id[ID_HEX] = '\0';
	snprintf(again, sizeof(again), "%s.%u.keys", id, number);
	*out = (struct tree){ .number = (uint8_t)number };
	return strcmp(name, again) == 0 && rota_unhex(id, ROTA_BUF(out->campaign));
}

static int order(const void *a, const void *b)
{
	const struct tree *x = a, *y = b;
	int by_id = memcmp(x->campaign, y->campaign, sizeof(x->campaign));

	return by_id ? by_id : (int)y->number - (int)x->number;
}

static enum rota_err gather(struct rota_keyshelf *s, DIR *d, struct rota_fail *why)
{
	const struct dirent *e;
	struct tree t;

	while ((e = readdir(d)) != NULL) {
		if (!read_name(e->d_name, &t))
			continue;
		if (s->count == ROTA_KEYSHELF_TREES_MAX)
			return rota_fail(why, ROTA_ERR_LIMIT,
				"%s has more than %d trees: remove those of campaigns that are "
				"over",
				s->folder, ROTA_KEYSHELF_TREES_MAX);
		s->trees[s->count++] = t;
	}
	qsort(s->trees, s->count, sizeof(*s->trees), order);
	return ROTA_OK;
}

static enum rota_err read_folder(struct rota_keyshelf *s, struct rota_fail *why)
{
	DIR *d = opendir(s->folder);
	enum rota_err err;

	clear(s);
	if (d == NULL && errno == ENOENT)
		return ROTA_OK;
	if (d == NULL)
		return rota_fail_errno(why, errno, "%s", s->folder);
	s->trees = calloc(ROTA_KEYSHELF_TREES_MAX, sizeof(*s->trees));
	if (s->trees == NULL)
		abort();
	err = gather(s, d, why);
	closedir(d);
	return err;
}

static bool long_ago(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - then->tv_sec) * 1000 + (now.tv_nsec - then->tv_nsec) / 1000000 >
		TICK_MS;
}

/* One stat() a request. */
static enum rota_err refresh(struct rota_keyshelf *s, struct rota_fail *why)
{
	struct stat st = { 0 };
	bool settled;

	if (stat(s->folder, &st) != 0 && errno != ENOENT)
		return rota_fail_errno(why, errno, "%s", s->folder);
	if (s->settled && s->changed.tv_sec == st.st_mtim.tv_sec &&
		s->changed.tv_nsec == st.st_mtim.tv_nsec)
		return ROTA_OK;
	s->settled = false; /* after an error it is read again */
	settled = long_ago(&st.st_mtim);
	ROTA_TRY(read_folder(s, why));
	s->changed = st.st_mtim;
	s->settled = settled;
	return ROTA_OK;
}

/* ---- a tree ---- */

static enum rota_err open_file(const struct rota_keyshelf *s, const struct tree *t,
	const char *kind, int *fd, uint64_t *len, struct rota_fail *why)
{
	char id[ID_HEX + 1], *path;
	enum rota_err err;

	rota_hex(ROTA_SPAN(t->campaign), id);
	path = rota_text("%s/%s.%u.%s", s->folder, id, t->number, kind);
	err = rota_file_open(path, fd, len, why);
	free(path);
	return err;
}

/* Name and head say the same, and the file is as long as its head says. */
static enum rota_err open_keys(
	const struct rota_keyshelf *s, struct tree *t, uint64_t len, struct rota_fail *why)
{
	struct rota_keyfile_source source = rota_keyfile_fd(&t->keys);

	ROTA_TRY(rota_keyfile_open(&t->file, &source, s->crypto, why));
	if (t->file.len != len || t->file.tree != t->number ||
		memcmp(t->file.campaign, t->campaign, sizeof(t->campaign)) != 0)
		return rota_fail(why, ROTA_ERR_CORRUPT, "it is another tree's, or cut short");
	return ROTA_OK;
}

static enum rota_err open_confirm(struct tree *t, uint64_t len, struct rota_fail *why)
{
	uint8_t head[ROTA_CONFIRM_HEAD_LEN];
	struct rota_keyfile_source source = rota_keyfile_fd(&t->confirm);
	struct rota_confirm c;

	ROTA_TRY(source.read(source.ctx, 0, ROTA_BUF(head), why));
	if (rota_confirm_decode(head, len, &c) != ROTA_OK || c.tree != t->number ||
		c.size != t->file.size || memcmp(c.root, t->file.root, sizeof(c.root)) != 0 ||
		memcmp(c.campaign, t->campaign, sizeof(c.campaign)) != 0)
		return rota_fail(why, ROTA_ERR_CORRUPT,
			"its confirmation keys are damaged, or of another tree");
	return ROTA_OK;
}

static enum rota_err open_both(struct rota_keyshelf *s, struct tree *t, struct rota_fail *why)
{
	uint64_t keys_len, confirm_len;
	enum rota_err err;

	ROTA_TRY(open_file(s, t, "keys", &t->keys, &keys_len, why));
	err = open_file(s, t, "confirm", &t->confirm, &confirm_len, why);
	if (err != ROTA_OK) {
		close(t->keys);
		return err;
	}
	t->open = true;
	s->opened++;
	ROTA_TRY(open_keys(s, t, keys_len, why));
	return open_confirm(t, confirm_len, why);
}

/* Room for one more. */
static void make_room(struct rota_keyshelf *s)
{
	struct tree *oldest = NULL;

	if (s->opened < ROTA_KEYSHELF_OPEN_MAX)
		return;
	for (size_t i = 0; i < s->count; i++)
		if (s->trees[i].open && (oldest == NULL || s->trees[i].used < oldest->used))
			oldest = &s->trees[i];
	if (oldest != NULL)
		shut(s, oldest);
}

/* ROTA_ERR_NOT_FOUND: one of its files is not there yet. */
static enum rota_err need_open(struct rota_keyshelf *s, struct tree *t, struct rota_fail *why)
{
	char id[ID_HEX + 1];
	enum rota_err err;

	t->used = ++s->turn;
	if (t->open)
		return ROTA_OK;
	make_room(s);
	err = open_both(s, t, why);
	if (err == ROTA_OK || err == ROTA_ERR_NOT_FOUND)
		return err;
	shut(s, t);
	rota_hex(ROTA_SPAN(t->campaign), id);
	return rota_fail_in(why, "%s/%s.%u.keys", s->folder, id, t->number);
}

/* ---- a device ---- */

struct found { /* and where */
	struct tree *tree;
	size_t next; /* where to go on looking */
	uint32_t index;
	uint8_t bundle[ROTA_KEYBUNDLE_LEN];
	uint8_t proof[ROTA_KEYBUNDLE_PROOF_MAX][ROTA_SHA256_LEN];
	uint8_t count;
};

static size_t first_of(const struct rota_keyshelf *s, const uint8_t *campaign)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(s->trees[middle].campaign, campaign, ROTA_SHA256_LEN) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_of(const struct rota_keyshelf *s, size_t at, const uint8_t *campaign)
{
	return at < s->count && memcmp(s->trees[at].campaign, campaign, ROTA_SHA256_LEN) == 0;
}

/* In this tree, or in the next one below it. ROTA_ERR_NOT_FOUND: in none. */
static enum rota_err find(struct rota_keyshelf *s, const struct rota_keyshelf_ask *ask, size_t from,
	struct found *out, struct rota_fail *why)
{
	uint8_t spki[ROTA_P256_SPKI_LEN], locator[ROTA_TAG_LEN];

	rota_p256_spki(ask->identity, spki);
	rota_tag(s->crypto, rota_span(ask->campaign, ROTA_SHA256_LEN), ROTA_SPAN(spki), locator);
	for (size_t at = from; is_of(s, at, ask->campaign); at++) {
		struct tree *t = &s->trees[at];
		enum rota_err err = need_open(s, t, why);

		if (err == ROTA_OK)
			err = rota_keyfile_find(&t->file, locator, &out->index, out->bundle,
				out->proof, &out->count, why);
		out->tree = t;
		out->next = at + 1;
		if (err != ROTA_ERR_NOT_FOUND)
			return err;
	}
	return rota_fail(
		why, ROTA_ERR_NOT_FOUND, "no tree of this campaign has a bundle for the device");
}

static size_t encode(const struct found *f, const uint8_t *nonce, uint8_t *out)
{
	struct rota_keyanswer_head head = {
		.tree = f->tree->number, .count = f->count, .size = f->tree->file.size
	};
	size_t proof = (size_t)f->count * ROTA_SHA256_LEN;

	memcpy(head.nonce, nonce, sizeof(head.nonce));
	rota_keyanswer_head_encode(&head, out);
	memcpy(out + ROTA_KEYANSWER_HEAD_LEN, f->bundle, ROTA_KEYBUNDLE_LEN);
	memcpy(out + ROTA_KEYANSWER_HEAD_LEN + ROTA_KEYBUNDLE_LEN, f->proof, proof);
	return ROTA_KEYANSWER_HEAD_LEN + ROTA_KEYBUNDLE_LEN + proof;
}

enum rota_err rota_keyshelf_answer(struct rota_keyshelf *s, const struct rota_keyshelf_ask *ask,
	const uint8_t nonce[static ROTA_KEYANSWER_NONCE_LEN],
	uint8_t out[static ROTA_KEYANSWER_MAX], size_t *len, struct rota_fail *why)
{
	struct found f;

	ROTA_TRY(refresh(s, why));
	ROTA_TRY(find(s, ask, first_of(s, ask->campaign), &f, why));
	*len = encode(&f, nonce, out);
	return ROTA_OK;
}

/* SPEC 35.3 */
static enum rota_err compare(const struct rota_keyshelf *s, const struct found *f,
	const struct rota_statement *statement, struct rota_fail *why)
{
	struct rota_keyfile_source source = rota_keyfile_fd(&f->tree->confirm);
	uint8_t key[ROTA_CONFIRM_KEY_LEN], proof[ROTA_SHA256_LEN];
	enum rota_err err = source.read(source.ctx, rota_confirm_at(f->index), ROTA_BUF(key), why);

	if (err == ROTA_OK) {
		rota_possession(s->crypto, ROTA_SPAN(key), statement, proof);
		if (!rota_mem_equal_ct(proof, statement->proof, sizeof(proof)))
			err = rota_fail(why, ROTA_ERR_SIGNATURE,
				"the proof does not show that the device has the generation");
	}
	rota_wipe(key, sizeof(key));
	rota_wipe(proof, sizeof(proof));
	return err;
}

enum rota_err rota_keyshelf_proved(struct rota_keyshelf *s,
	const uint8_t identity[static ROTA_P256_KEY_LEN], const struct rota_statement *statement,
	struct rota_fail *why)
{
	const struct rota_keyshelf_ask ask = { statement->campaign, identity };
	struct found f;
	enum rota_err err;

	ROTA_TRY(refresh(s, why));
	ROTA_TRY(find(s, &ask, first_of(s, ask.campaign), &f, why));
	while ((err = compare(s, &f, statement, why)) == ROTA_ERR_SIGNATURE) {
		struct rota_fail none;
		enum rota_err more = find(s, &ask, f.next, &f, &none);

		if (more == ROTA_ERR_NOT_FOUND)
			return err;
		if (more != ROTA_OK) {
			*why = none;
			return more;
		}
	}
	return err;
}
