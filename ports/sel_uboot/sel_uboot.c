/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/sel_uboot/sel_uboot.h"
#include "ports/posix/fd.h"
#include "ports/sel_uboot/env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char place_name[] = { 'A', 'B' };

/* An environment as it is on its devices, while a call lasts. */
struct held {
	struct rota_uboot_places places;
	struct rota_uboot_env copy[ROTA_UBOOT_PLACES_MAX];
	bool valid[ROTA_UBOOT_PLACES_MAX];
	unsigned current; /* the copy that counts; when none is valid, one that is not */
	uint8_t *room;
};

/* ---- the copies ---- */

static enum rota_err open_place(const struct rota_uboot_place *p, int flags, int *fd)
{
	struct stat st;

	*fd = open(p->device, flags | O_CLOEXEC);
	if (*fd < 0)
		return rota_fd_errno(errno);
	if (fstat(*fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		return ROTA_OK;
	(void)close(*fd);
	return ROTA_ERR_UNSUPPORTED;
}

static enum rota_err read_place(const struct rota_uboot_place *p, struct rota_buf to)
{
	enum rota_err err;
	int fd;

	ROTA_TRY(open_place(p, O_RDONLY, &fd));
	err = rota_fd_read(fd, p->offset, to);
	(void)close(fd);
	return err;
}

static enum rota_err write_place(const struct rota_uboot_place *p, struct rota_buf from)
{
	enum rota_err err;
	int fd;

	ROTA_TRY(open_place(p, O_WRONLY, &fd));
	err = rota_fd_write(fd, p->offset, rota_span(from.p, from.len));
	if (err == ROTA_OK && fdatasync(fd) != 0)
		err = rota_fd_errno(errno);
	if (close(fd) != 0 && err == ROTA_OK)
		err = ROTA_ERR_IO;
	return err;
}

static enum rota_err load(struct held *h, const char *config)
{
	*h = (struct held){ 0 };
	ROTA_TRY(rota_uboot_places_read(config, &h->places));
	h->room = calloc(h->places.count, h->places.place[0].size);
	if (h->room == NULL)
		return ROTA_ERR_FULL;
	for (unsigned i = 0; i < h->places.count; i++) {
		size_t size = h->places.place[0].size;

		h->copy[i].bytes = rota_buf(h->room + i * size, size);
		h->copy[i].redundant = h->places.count == 2;
		ROTA_TRY(read_place(&h->places.place[i], h->copy[i].bytes));
		h->valid[i] = rota_uboot_env_valid(&h->copy[i]);
	}
	h->current = h->valid[0] && h->valid[1] ? rota_uboot_env_newer(&h->copy[0], &h->copy[1])
						: !h->valid[0] && h->places.count == 2;
	return ROTA_OK;
}

/* ---- what the variables say ---- */

static struct rota_span left_name(uint8_t place)
{
	return place == 0 ? ROTA_STR("BOOT_A_LEFT") : ROTA_STR("BOOT_B_LEFT");
}

static bool read_letter(uint8_t letter, uint8_t *place)
{
	*place = letter == 'B';
	return letter == 'A' || letter == 'B';
}

static enum rota_err decode(const struct rota_uboot_env *env, struct rota_selection *out)
{
	struct rota_span order, left;
	uint8_t trial;

	if (!rota_uboot_env_get(env, ROTA_STR("BOOT_ORDER"), &order) ||
		(order.len != 1 && order.len != 3) ||
		!read_letter(order.p[order.len - 1], &out->confirmed))
		return ROTA_ERR_CORRUPT;
	out->trial = ROTA_SELECTED_NONE;
	if (order.len == 1)
		return ROTA_OK;
	if (!read_letter(order.p[0], &trial) || order.p[1] != ' ' || trial == out->confirmed ||
		!rota_uboot_env_get(env, left_name(trial), &left))
		return ROTA_ERR_CORRUPT;
	out->trial =
		rota_span_eq(left, ROTA_STR("1")) ? ROTA_SELECTED_ASKED : ROTA_SELECTED_STARTED;
	return ROTA_OK;
}

static enum rota_err encode(struct rota_uboot_env *env, const struct rota_selection *to)
{
	uint8_t trial = to->confirmed ^ 1;
	const char order[] = { place_name[trial], ' ', place_name[to->confirmed] };
	bool alone = to->trial == ROTA_SELECTED_NONE;
	struct rota_span left = rota_span(NULL, 0);

	if (!alone)
		left = to->trial == ROTA_SELECTED_ASKED ? ROTA_STR("1") : ROTA_STR("0");
	ROTA_TRY(rota_uboot_env_set(
		env, ROTA_STR("BOOT_ORDER"), alone ? rota_span(&order[2], 1) : ROTA_SPAN(order)));
	ROTA_TRY(rota_uboot_env_set(env, left_name(to->confirmed), rota_span(NULL, 0)));
	return rota_uboot_env_set(env, left_name(trial), left);
}

/* ---- the port ---- */

static enum rota_err uboot_read(void *ctx, struct rota_selection *out)
{
	const struct rota_sel_uboot *s = ctx;
	struct held h;
	enum rota_err err = load(&h, s->config);

	if (err == ROTA_OK)
		err = h.valid[h.current] ? decode(&h.copy[h.current], out) : ROTA_ERR_CORRUPT;
	free(h.room);
	return err;
}

/* Into the copy that does not count, so that the other one stays what it is. Where no copy is whole U-Boot runs
 * the environment that is built into it, which boots; one with nothing but our variables would not. */
static enum rota_err store(struct held *h, const struct rota_selection *to)
{
	unsigned target = h->places.count == 2 ? h->current ^ 1 : 0;
	struct rota_uboot_env *from = &h->copy[h->current], *env = &h->copy[target];
	uint8_t flag = (uint8_t)(rota_uboot_env_flag(from) + 1);

	if (!h->valid[h->current])
		return ROTA_ERR_CORRUPT;
	if (env != from)
		memcpy(env->bytes.p, from->bytes.p, env->bytes.len);
	ROTA_TRY(encode(env, to));
	rota_uboot_env_seal(env, flag);
	return write_place(&h->places.place[target], env->bytes);
}

static enum rota_err uboot_set(void *ctx, const struct rota_selection *to)
{
	const struct rota_sel_uboot *s = ctx;
	struct held h;
	enum rota_err err = load(&h, s->config);

	if (err == ROTA_OK)
		err = store(&h, to);
	free(h.room);
	return err;
}

void rota_sel_uboot_open(struct rota_sel_uboot *s, const char *config)
{
	*s = (struct rota_sel_uboot){ .config = config };
	s->port = (struct rota_selector){ .ctx = s, .read = uboot_read, .set = uboot_set };
}
