/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_boot/source.h"
#include "ports/posix/fd.h"
#include "ports/slots_boot/program.h"

#include <errno.h>
#include <unistd.h>

static enum rota_err file_read(void *ctx, uint64_t off, struct rota_buf to)
{
	const struct rota_source_file *s = ctx;
	size_t got;

	ROTA_TRY(rota_fd_read_some(s->from_fd, off, to, &got));
	return got == to.len ? ROTA_OK : ROTA_ERR_LENGTH;
}

static enum rota_err file_sink(void *ctx, struct rota_span payload)
{
	const struct rota_source_file *s = ctx;

	while (payload.len > 0) {
		ssize_t put = write(s->to_fd, payload.p, payload.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno == ENOSPC || errno == ENOMEM ? ROTA_ERR_FULL : ROTA_ERR_IO;
		payload = rota_span_skip(payload, (size_t)put);
	}
	return ROTA_OK;
}

void rota_source_file(struct rota_source_file *s, int from_fd, int to_fd)
{
	*s = (struct rota_source_file){ .from_fd = from_fd, .to_fd = to_fd };
	s->port.ctx = s;
	s->port.read = file_read;
	s->port.sink = to_fd >= 0 ? file_sink : NULL;
}

enum rota_err rota_source_verify(struct rota_source_file *s, const struct rota_boot_policy *policy,
	struct rota_buf room, struct rota_image *out, uint8_t *keys)
{
	bool copied = s->to_fd >= 0; /* then the copy is looked at: it is what will run */
	enum rota_err err;

	err = rota_boot_verify(&s->port, policy, room, out, keys);
	if (err == ROTA_ERR_DENIED)
		s->why = "no image key that counts on this device signed it";
	if (err != ROTA_OK || s->data)
		return err;
	err = rota_program_check(
		copied ? s->to_fd : s->from_fd, copied ? 0 : ROTA_IMAGE_HEADER_LEN, &s->why);
	if (err == ROTA_ERR_UNSUPPORTED)
		out->clause = ROTA_PROGRAM_CLAUSE;
	return err;
}
