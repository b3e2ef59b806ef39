/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/sel_sdboot/sel_sdboot.h"
#include "ports/posix/fd.h"
#include "ports/sel_sdboot/entry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES "loader/entries"
/* A draft that a cut left; the loader passes over what does not end in .conf. */
#define DRAFT "rota.new"

/* The entry of each place that ranks first. */
struct held {
	int dir;
	bool there[2];
	struct rota_sdboot_entry entry[2];
};

/* ---- the folder ---- */

static enum rota_err open_dir(const struct rota_sel_sdboot *s, int *dir)
{
	int esp = open(s->esp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (esp < 0)
		return rota_fd_errno(errno);
	*dir = openat(esp, ENTRIES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)close(esp);
	return *dir < 0 ? rota_fd_errno(errno) : ROTA_OK;
}

/* Call `each` for every entry of ours; the folder's own order. */
static enum rota_err walk(int dir, void *ctx,
	enum rota_err (*each)(void *ctx, const char *name, const struct rota_sdboot_entry *e))
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	enum rota_err err = ROTA_OK;
	struct rota_sdboot_entry e;
	struct dirent *at;

	if (d == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return ROTA_ERR_IO;
	}
	errno = 0;
	while (err == ROTA_OK && (at = readdir(d)) != NULL) {
		if (rota_sdboot_entry_parse(at->d_name, &e))
			err = each(ctx, at->d_name, &e);
		errno = 0;
	}
	if (err == ROTA_OK && errno != 0)
		err = ROTA_ERR_IO;
	(void)closedir(d);
	return err;
}

static enum rota_err keep_first(void *ctx, const char *name, const struct rota_sdboot_entry *e)
{
	struct held *h = ctx;

	(void)name;
	if (h->there[e->place] && rota_sdboot_entry_before(&h->entry[e->place], e))
		return ROTA_OK;
	h->there[e->place] = true;
	h->entry[e->place] = *e;
	return ROTA_OK;
}

static enum rota_err load(const struct rota_sel_sdboot *s, struct held *h)
{
	enum rota_err err;

	*h = (struct held){ 0 };
	ROTA_TRY(open_dir(s, &h->dir));
	err = walk(h->dir, h, keep_first);
	if (err != ROTA_OK)
		(void)close(h->dir);
	return err;
}

/* ---- what the names say ---- */

static bool confirmed(const struct held *h, uint8_t place)
{
	return h->there[place] && !h->entry[place].counted;
}

static enum rota_err decode(const struct held *h, struct rota_selection *out)
{
	const struct rota_sdboot_entry *c, *other;

	if (!confirmed(h, 0) && !confirmed(h, 1))
		return ROTA_ERR_CORRUPT;
	out->confirmed = confirmed(h, 0) && confirmed(h, 1)
		? rota_sdboot_entry_before(&h->entry[1], &h->entry[0])
		: confirmed(h, 1);
	out->trial = ROTA_SELECTED_NONE;
	c = &h->entry[out->confirmed];
	other = &h->entry[out->confirmed ^ 1];
	if (!h->there[out->confirmed ^ 1] || !other->counted || other->generation < c->generation)
		return ROTA_OK;
	out->trial = other->left == 0 ? ROTA_SELECTED_STARTED : ROTA_SELECTED_ASKED;
	return ROTA_OK;
}

static enum rota_err sdboot_read(void *ctx, struct rota_selection *out)
{
	struct held h;

	ROTA_TRY(load(ctx, &h));
	(void)close(h.dir);
	return decode(&h, out);
}

/* ---- changing a name ----
 *
 * The partition may be another's work, and on a file system that has more than FAT: no link is followed, so that
 * nothing elsewhere is copied here or written over, and what is no file is no entry. */

static enum rota_err read_entry(int dir, const char *name, uint8_t *to, size_t *len)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t got;

	if (fd < 0)
		return rota_fd_errno(errno);
	got = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, to, ROTA_SDBOOT_ENTRY_MAX + 1)
							 : -1;
	(void)close(fd);
	if (got < 0)
		return ROTA_ERR_IO;
	*len = (size_t)got;
	return *len > ROTA_SDBOOT_ENTRY_MAX ? ROTA_ERR_LIMIT : ROTA_OK;
}

static enum rota_err write_draft(int dir, const uint8_t *from, size_t len)
{
	enum rota_err err = ROTA_OK;
	int fd;

	if (unlinkat(dir, DRAFT, 0) != 0 && errno != ENOENT)
		return rota_fd_errno(errno);
	fd = openat(dir, DRAFT, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return rota_fd_errno(errno);
	if (write(fd, from, len) != (ssize_t)len || fsync(fd) != 0)
		err = rota_fd_errno(errno);
	if (close(fd) != 0 && err == ROTA_OK)
		err = ROTA_ERR_IO;
	return err;
}

struct sweep {
	int dir;
	uint8_t place;
	const char *keep;
};

static enum rota_err sweep_one(void *ctx, const char *name, const struct rota_sdboot_entry *e)
{
	const struct sweep *s = ctx;

	if (e->place != s->place || strcmp(name, s->keep) == 0)
		return ROTA_OK;
	return unlinkat(s->dir, name, 0) == 0 ? ROTA_OK : rota_fd_errno(errno);
}

/* The new name is durable before an old one goes. */
static enum rota_err rename_entry(
	int dir, const struct rota_sdboot_entry *from, const struct rota_sdboot_entry *to)
{
	char old[ROTA_SDBOOT_NAME_MAX], new[ROTA_SDBOOT_NAME_MAX];
	struct sweep sweep = { .dir = dir, .place = to->place, .keep = new };
	uint8_t text[ROTA_SDBOOT_ENTRY_MAX + 1];
	size_t len = 0;

	rota_sdboot_entry_name(from, old);
	rota_sdboot_entry_name(to, new);
	if (strcmp(old, new) != 0) {
		ROTA_TRY(read_entry(dir, old, text, &len));
		ROTA_TRY(write_draft(dir, text, len));
		if (renameat(dir, DRAFT, dir, new) != 0 || fsync(dir) != 0)
			return rota_fd_errno(errno);
	}
	ROTA_TRY(walk(dir, &sweep, sweep_one));
	return fsync(dir) == 0 ? ROTA_OK : ROTA_ERR_IO;
}

/* What the entry of the place that is not confirmed is to be named. */
static struct rota_sdboot_entry other_to(
	const struct rota_sdboot_entry *c, const struct rota_sdboot_entry *now, uint8_t trial)
{
	struct rota_sdboot_entry to = { .generation = c->generation + 1, .place = now->place };

	if (trial == ROTA_SELECTED_NONE) {
		to.generation =
			now->generation < c->generation ? now->generation : c->generation - 1;
		return to;
	}
	to.counted = true;
	to.left = trial == ROTA_SELECTED_ASKED;
	to.done = trial == ROTA_SELECTED_STARTED;
	return to;
}

/* The confirmed place first, so that some entry is not counted at all times. */
static enum rota_err store(struct held *h, const struct rota_selection *to)
{
	struct rota_sdboot_entry *c = &h->entry[to->confirmed],
				 *other = &h->entry[to->confirmed ^ 1], want = *c;

	if (!h->there[to->confirmed])
		return ROTA_ERR_CORRUPT;
	want.counted = false;
	want.generation += want.generation == 0; /* there is one below it */
	if (want.generation >= ROTA_SDBOOT_GENERATION_MAX) /* and one above */
		return ROTA_ERR_LIMIT;
	ROTA_TRY(rename_entry(h->dir, c, &want));
	if (!h->there[to->confirmed ^ 1])
		return to->trial == ROTA_SELECTED_ASKED ? ROTA_ERR_CORRUPT : ROTA_OK;
	want = other_to(&want, other, to->trial);
	return rename_entry(h->dir, other, &want);
}

static enum rota_err sdboot_set(void *ctx, const struct rota_selection *to)
{
	struct held h;
	enum rota_err err;

	ROTA_TRY(load(ctx, &h));
	err = store(&h, to);
	(void)close(h.dir);
	return err;
}

void rota_sel_sdboot_open(struct rota_sel_sdboot *s, const char *esp)
{
	*s = (struct rota_sel_sdboot){ .esp = esp };
	s->port = (struct rota_selector){ .ctx = s, .read = sdboot_read, .set = sdboot_set };
}
