/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_exec/slots_exec.h"
#include "ports/slots_exec/run.h"
#include "rota/base/hex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* docs/exec-slots.md, exit statuses. */
static enum rota_err by_status(int status)
{
	switch (status) {
	case 0:
		return ROTA_OK;
	case 2:
		return ROTA_ERR_UNSUPPORTED;
	case 3:
		return ROTA_ERR_BUSY;
	case 4:
		return ROTA_ERR_FULL;
	case 5:
		return ROTA_ERR_STATE;
	case 6:
		return ROTA_ERR_NOT_FOUND;
	default:
		return ROTA_ERR_IO;
	}
}

/* One run of a verb that is not fed. `room` takes its output. */
static enum rota_err call(
	struct rota_slots_exec *s, const char *verb, const char *variable, struct rota_buf room)
{
	struct run r;

	ROTA_TRY(run_start(&r, &s->config, verb, variable, false));
	ROTA_TRY(run_end(&r, room, s->config.deadline_ms, &s->exit_status));
	return by_status(s->exit_status);
}

static enum rota_err call_plain(struct rota_slots_exec *s, const char *verb, const char *variable)
{
	char output[ROTA_SLOTS_EXEC_OUTPUT_MAX + 1];

	return call(s, verb, variable, ROTA_BUF(output));
}

/* ---- what a script prints ---- */

/* The value of `key` in lines of key=value, copied to `value` (NUL-terminated); false when there is none, it
 * is longer, or the key stands twice. */
static bool find(const char *output, const char *key, char *value, size_t room)
{
	size_t key_len = strlen(key);
	bool found = false;

	while (*output != '\0') {
		size_t len = strcspn(output, "\n");

		if (len > key_len && strncmp(output, key, key_len) == 0 && output[key_len] == '=') {
			size_t value_len = len - key_len - 1;

			if (found || value_len >= room)
				return false;
			memcpy(value, &output[key_len + 1], value_len);
			value[value_len] = '\0';
			found = true;
		}
		output += len + (output[len] == '\n');
	}
	return found;
}

static bool find_slot(const char *output, uint8_t *id)
{
	char value[4];

	if (!find(output, "slot", value, sizeof(value)))
		return false;
	*id = (uint8_t)(value[0] - '0');
	return strcmp(value, "0") == 0 || strcmp(value, "1") == 0;
}

/* Absent: the backend cannot tell. */
static bool find_capacity(const char *output, uint64_t *capacity)
{
	char value[24], *end;

	*capacity = UINT64_MAX;
	if (strstr(output, "capacity=") == NULL)
		return true;
	if (!find(output, "capacity", value, sizeof(value)) || value[0] < '0' || value[0] > '9')
		return false;
	errno = 0;
	*capacity = strtoull(value, &end, 10);
	return *end == '\0' && errno == 0;
}

static bool find_kind(const char *output, enum rota_boot_kind *kind)
{
	static const char *const names[] = {
		[ROTA_BOOT_CONFIRMED] = "confirmed",
		[ROTA_BOOT_TRIAL] = "trial",
		[ROTA_BOOT_REVERTED] = "reverted",
		[ROTA_BOOT_FALLBACK] = "fallback",
	};
	char value[16];

	if (!find(output, "kind", value, sizeof(value)))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], value) != 0)
			continue;
		*kind = (enum rota_boot_kind)i;
		return true;
	}
	return false;
}

static bool find_digest(const char *output, uint8_t digest[static ROTA_SHA256_LEN])
{
	char value[2 * ROTA_SHA256_LEN + 1];

	memset(digest, 0, ROTA_SHA256_LEN);
	if (strstr(output, "digest=") == NULL)
		return true;
	return find(output, "digest", value, sizeof(value)) &&
		rota_hex_decode(rota_span_cstr(value), rota_buf(digest, ROTA_SHA256_LEN)) ==
		ROTA_OK;
}

/* ---- the port ---- */

static enum rota_err slots_inactive(void *ctx, struct rota_slot *out)
{
	char output[ROTA_SLOTS_EXEC_OUTPUT_MAX + 1];

	ROTA_TRY(call(ctx, "inactive", "", ROTA_BUF(output)));
	if (!find_slot(output, &out->id) || !find_capacity(output, &out->capacity))
		return ROTA_ERR_FORMAT;
	return ROTA_OK;
}

static struct run writer_of(const struct rota_slots_exec *s)
{
	return (struct run){ s->writer, s->writer_pidfd, s->writer_fd, -1 };
}

static void end_writer(struct rota_slots_exec *s)
{
	struct run r = writer_of(s);

	if (s->writer_pidfd >= 0)
		run_kill(&r);
	s->writer_pidfd = -1;
	s->writer_fd = -1;
}

static enum rota_err begin_write(struct rota_slots_exec *s)
{
	struct run r;

	end_writer(s);
	s->end = 0;
	ROTA_TRY(run_start(&r, &s->config, "write", "", true));
	s->writer = r.pid;
	s->writer_pidfd = r.pidfd;
	s->writer_fd = r.to_fd;
	return ROTA_OK;
}

/* The script has stopped reading: its exit status says why better than the pipe does. */
static enum rota_err why_stopped(struct rota_slots_exec *s)
{
	struct run r = writer_of(s);
	uint8_t nothing[1];
	enum rota_err err = run_end(&r, ROTA_BUF(nothing), s->config.deadline_ms, &s->exit_status);

	s->writer_pidfd = -1;
	s->writer_fd = -1;
	if (err != ROTA_OK)
		return err;
	err = by_status(s->exit_status);
	return err == ROTA_OK ? ROTA_ERR_IO : err; /* content with half an image: it is not */
}

/* A script gets the bytes once, in order: nothing can be gone on with. */
static enum rota_err slots_begin(
	void *ctx, const uint8_t digest[static ROTA_SHA256_LEN], uint64_t length, uint64_t *durable)
{
	(void)digest;
	(void)length;
	*durable = 0;
	end_writer(ctx);
	return ROTA_OK;
}

static enum rota_err slots_write(void *ctx, uint64_t off, struct rota_span data)
{
	struct rota_slots_exec *s = ctx;
	struct run r;
	enum rota_err err;

	if (off == 0)
		ROTA_TRY(begin_write(s));
	if (s->writer_pidfd < 0 || off != s->end)
		return ROTA_ERR_ARGUMENT;
	r = writer_of(s);
	err = run_feed(&r, data, s->config.deadline_ms);
	if (err == ROTA_ERR_IO)
		return why_stopped(s);
	if (err != ROTA_OK)
		end_writer(s);
	s->end += data.len;
	return err;
}

static enum rota_err slots_finish(void *ctx, uint64_t len)
{
	struct rota_slots_exec *s = ctx;
	struct run r = writer_of(s);
	char variable[RUN_VARIABLE_MAX];
	uint8_t nothing[1];

	if (s->writer_pidfd < 0 || len != s->end)
		return ROTA_ERR_ARGUMENT;
	s->writer_pidfd = -1;
	s->writer_fd = -1;
	ROTA_TRY(run_end(&r, ROTA_BUF(nothing), s->config.deadline_ms, &s->exit_status));
	ROTA_TRY(by_status(s->exit_status));
	(void)snprintf(variable, sizeof(variable), "ROTA_LENGTH=%llu", (unsigned long long)len);
	return call_plain(s, "finish", variable);
}

static enum rota_err slots_trial(void *ctx, const uint8_t digest[static ROTA_SHA256_LEN])
{
	uint8_t hex[2 * ROTA_SHA256_LEN];
	char variable[RUN_VARIABLE_MAX];

	ROTA_TRY(rota_hex_encode(rota_span(digest, ROTA_SHA256_LEN), ROTA_BUF(hex)));
	(void)snprintf(variable, sizeof(variable), "ROTA_DIGEST=%.*s", (int)sizeof(hex),
		(const char *)hex);
	return call_plain(ctx, "trial", variable);
}

static enum rota_err slots_booted(void *ctx, struct rota_booted *out)
{
	char output[ROTA_SLOTS_EXEC_OUTPUT_MAX + 1];

	out->unknown = false;
	ROTA_TRY(call(ctx, "booted", "", ROTA_BUF(output)));
	if (!find_slot(output, &out->id) || !find_kind(output, &out->kind) ||
		!find_digest(output, out->digest))
		return ROTA_ERR_FORMAT;
	return ROTA_OK;
}

static enum rota_err slots_confirm(void *ctx)
{
	return call_plain(ctx, "confirm", "");
}

static enum rota_err slots_revert(void *ctx)
{
	return call_plain(ctx, "revert", "");
}

static enum rota_err access_err(const char *path, int mode)
{
	if (access(path, mode) == 0)
		return ROTA_OK;
	return errno == EACCES ? ROTA_ERR_DENIED : ROTA_ERR_NOT_FOUND;
}

enum rota_err rota_slots_exec_open(
	struct rota_slots_exec *s, const struct rota_slots_exec_config *config)
{
	*s = (struct rota_slots_exec){ .config = *config, .exit_status = -1 };
	s->writer_pidfd = -1;
	s->writer_fd = -1;
	if (config->script[0] != '/' || config->dir[0] != '/' || config->deadline_ms == 0 ||
		config->deadline_ms > ROTA_SLOTS_EXEC_DEADLINE_MAX_MS)
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(access_err(config->script, X_OK));
	ROTA_TRY(access_err(config->dir, X_OK));
	s->port = (struct rota_slots){
		.ctx = s,
		.inactive = slots_inactive,
		.begin = slots_begin,
		.write = slots_write,
		.finish = slots_finish,
		.read = NULL,
		.trial = slots_trial,
		.booted = slots_booted,
		.confirm = slots_confirm,
		.revert = slots_revert,
	};
	return ROTA_OK;
}

void rota_slots_exec_close(struct rota_slots_exec *s)
{
	end_writer(s);
}
