/* SPDX-License-Identifier: Apache-2.0 */
#include "host/series/link.h"
#include "host/base/frame.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum rota_err rota_link_open(const char *socket_path, int *fd, struct rota_fail *why)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (strlen(socket_path) >= sizeof(at.sun_path))
		return rota_fail(why, ROTA_ERR_LIMIT, "keeper %s: longer than %zu bytes",
			socket_path, sizeof(at.sun_path) - 1);
	memcpy(at.sun_path, socket_path, strlen(socket_path) + 1);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && connect(*fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return ROTA_OK;
	(void)rota_fail_errno(why, errno, "the keeper does not answer on %s", socket_path);
	if (*fd >= 0)
		close(*fd);
	why->err = ROTA_ERR_NET;
	return why->err;
}

enum rota_err rota_link_ask(int fd, enum rota_link_what what, uint64_t version, uint64_t other,
	struct rota_span rest, struct rota_fail *why)
{
	uint8_t head[ROTA_LINK_HEAD];
	struct rota_writer w = rota_writer(ROTA_BUF(head));
	struct rota_bytes whole = { 0 };
	enum rota_err err;

	rota_write_u8(&w, (uint8_t)what);
	rota_write_le64(&w, version);
	rota_write_le64(&w, other);
	rota_bytes_add(&whole, rota_writer_span(&w));
	rota_bytes_add(&whole, rest);
	err = rota_frame_write(fd, rota_bytes_span(&whole), ROTA_LINK_MS, why);
	rota_bytes_free(&whole);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "keeper");
}

enum rota_err rota_link_done(int fd, struct rota_fail *why)
{
	if (rota_frame_hear(fd, ROTA_LINK_MS, why) != ROTA_OK)
		return rota_fail_in(why, "keeper");
	return ROTA_OK;
}

static enum rota_err put(int fd, enum rota_link_what what, const struct rota_timeslot *slot,
	struct rota_span root, struct rota_fail *why)
{
	uint8_t end[8];
	struct rota_writer w = rota_writer(ROTA_BUF(end));
	struct rota_bytes rest = { 0 };
	enum rota_err err;

	rota_write_le64(&w, slot->end_s);
	rota_bytes_add(&rest, rota_writer_span(&w));
	rota_bytes_add(&rest, root);
	err = rota_link_ask(fd, what, slot->version, slot->from_s, rota_bytes_span(&rest), why);
	rota_bytes_free(&rest);
	return err;
}

enum rota_err rota_link_put_root(
	int fd, const struct rota_timeslot *slot, struct rota_span root, struct rota_fail *why)
{
	ROTA_TRY(put(fd, ROTA_LINK_PUT_ROOT, slot, root, why));
	return rota_link_done(fd, why);
}

enum rota_err rota_link_put_pin(int fd, const struct rota_timeslot *slot, struct rota_fail *why)
{
	return put(fd, ROTA_LINK_PUT_PIN, slot, ROTA_STR(""), why);
}

static enum rota_err get_root(int fd, enum rota_link_what what, uint64_t version,
	struct rota_bytes *root, struct rota_fail *why)
{
	ROTA_TRY(rota_link_ask(fd, what, version, 0, ROTA_STR(""), why));
	ROTA_TRY(rota_link_done(fd, why));
	if (rota_frame_read(fd, ROTA_FRAME_MAX, ROTA_LINK_MS, root, why) != ROTA_OK)
		return rota_fail_in(why, "keeper");
	return ROTA_OK;
}

enum rota_err rota_link_take(
	int fd, uint64_t version, struct rota_bytes *root, struct rota_fail *why)
{
	return get_root(fd, ROTA_LINK_TAKE, version, root, why);
}

enum rota_err rota_link_root(
	int fd, uint64_t version, struct rota_bytes *root, struct rota_fail *why)
{
	return get_root(fd, ROTA_LINK_ROOT, version, root, why);
}

enum rota_err rota_link_arrived(int fd, struct rota_fail *why)
{
	if (rota_frame_write(fd, ROTA_STR(""), ROTA_LINK_MS, why) != ROTA_OK)
		return rota_fail_in(why, "keeper");
	return rota_link_done(fd, why);
}

enum rota_err rota_link_pins(
	int fd, enum rota_link_what what, uint64_t version, struct rota_fail *why)
{
	ROTA_TRY(rota_link_ask(fd, what, version, 0, ROTA_STR(""), why));
	return rota_link_done(fd, why);
}

enum rota_err rota_link_look(int fd, uint64_t version, struct rota_fail *why)
{
	return rota_link_pins(fd, ROTA_LINK_LOOK, version, why);
}

enum rota_err rota_link_undo(int fd, uint64_t version, struct rota_fail *why)
{
	return rota_link_pins(fd, ROTA_LINK_UNDO, version, why);
}

/* One root of many; *last: there is none. */
static enum rota_err take_one(int fd, bool *last,
	enum rota_err (*each)(
		void *ctx, uint64_t version, struct rota_span root, struct rota_fail *why),
	void *ctx, struct rota_fail *why)
{
	struct rota_bytes frame;
	struct rota_reader r;
	enum rota_err err = ROTA_OK;
	uint64_t version;

	ROTA_TRY(rota_frame_read(fd, ROTA_FRAME_MAX, ROTA_LINK_MS, &frame, why));
	*last = frame.len == 0;
	if (!*last) {
		r = rota_reader(rota_bytes_span(&frame));
		version = rota_read_le64(&r);
		err = r.failed ? rota_fail(why, ROTA_ERR_FORMAT, "a root that is cut short")
			       : each(ctx, version, r.rest, why);
	}
	rota_bytes_free(&frame);
	return err;
}

enum rota_err rota_link_emergency(int fd, uint64_t first, uint64_t last, struct rota_span approved,
	enum rota_err (*each)(
		void *ctx, uint64_t version, struct rota_span root, struct rota_fail *why),
	void *ctx, struct rota_fail *why)
{
	bool end = false;

	ROTA_TRY(rota_link_ask(fd, ROTA_LINK_EMERGENCY, first, last, approved, why));
	ROTA_TRY(rota_link_done(fd, why));
	while (!end)
		if (take_one(fd, &end, each, ctx, why) != ROTA_OK)
			return rota_fail_in(why, "keeper");
	return ROTA_OK;
}
