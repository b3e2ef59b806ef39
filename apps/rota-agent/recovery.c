/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/recovery.h"
#include "apps/rota-agent/run.h"
#include "apps/rota-agent/say.h"
#include "apps/rota-agent/transfer.h"
#include "host/recovery/lineport.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define QUIET_S 30 /* without a byte from the sender */
#define PACK_MAX (UINT64_C(1) << 32) /* more than the largest slot holds */

/* ---- fetching ---- */

/* recovery/PRODUCT.json, or recovery/DIGEST (SPEC 15.9) */
static void server_path(
	const struct agent *a, const struct rota_update_want *want, char path[static ROTA_URL_MAX])
{
	char hex[2 * ROTA_SHA256_LEN + 1];

	rota_hex(ROTA_SPAN(want->sha256), hex);
	if (want->part == ROTA_PACK_ORDER)
		snprintf(path, ROTA_URL_MAX, "recovery/%s.json", a->config->product);
	else
		snprintf(path, ROTA_URL_MAX, "recovery/%s", hex);
}

enum rota_err agent_recovery_fetch(struct agent *a, const struct rota_update_want *want, void *ctx,
	enum rota_err (*take)(void *ctx, struct rota_span piece), struct rota_fail *why)
{
	bool image = want->part == ROTA_PACK_IMAGE;
	char path[ROTA_URL_MAX];
	const struct rota_fetch_get get = {
		.server = &a->config->metadata,
		.path = path,
		.offset = want->offset,
		.max_len = want->length,
		.total_s = (uint32_t)(image ? a->config->target_s : a->config->metadata_s),
		.ctx = ctx,
		.take = take,
	};

	if (agent_carrier_has(&a->carrier, want->part, want->sha256))
		return rota_packfile_read(
			&a->carrier.pack, want->part, want->offset, ctx, take, why);
	if (a->carrier.alone)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"the pack lacks a part that its order names; `rota recovery pack` puts all "
			"in");
	server_path(a, want, path);
	return agent_transfer(a, &get, want->part != ROTA_PACK_ORDER, why);
}

/* ---- what became of it ---- */

/* Of orders that are for others there are many, and they stay where they are. */
static bool is_for_others(enum rota_err err)
{
	return err == ROTA_ERR_PRODUCT || err == ROTA_ERR_HARDWARE || err == ROTA_ERR_DENIED ||
		err == ROTA_ERR_STATE || err == ROTA_ERR_VERSION;
}

void agent_recovery_say(const struct rota_update *u, bool asked)
{
	const struct rota_why *why = rota_update_order(u);
	char epoch[24];
	const struct say_field taken[] = { { "epoch", epoch }, { NULL, NULL } };
	const struct say_field refused[] = { { "step", "order" },
		{ "clause", rota_clause_section(why->clause) },
		{ "reason", rota_err_str(why->err) }, { NULL, NULL } };

	snprintf(epoch, sizeof(epoch), "%" PRIu32, rota_update_state(u)->ordered.epoch);
	if (why->err == ROTA_ERR_NOT_FOUND && why->clause == ROTA_CLAUSE_NONE)
		return;
	if (why->err == ROTA_OK)
		say("recovery", taken);
	else if (is_for_others(why->err) && !asked)
		say_more("refused", refused);
	else
		say("refused", refused);
}

void agent_recovery_say_failed(const struct rota_update *u, const struct rota_ordered *before)
{
	const struct rota_ordered *now = &rota_update_state(u)->ordered;
	char epoch[24];

	if (now->phase != ROTA_ORDER_FAILED ||
		(before->phase == now->phase &&
			memcmp(now->sha256, before->sha256, sizeof(now->sha256)) == 0))
		return;
	snprintf(epoch, sizeof(epoch), "%" PRIu32, now->epoch);
	say("failed",
		(struct say_field[]){ { "step", "order" }, { "epoch", epoch },
			{ "clause", rota_clause_section(ROTA_CLAUSE_SPEC_15_7) },
			{ "reason", "the order's image was not confirmed in three boots" },
			{ "demand", rota_clause_demand(ROTA_CLAUSE_SPEC_15_7) },
			{ "detail",
				"the image before runs and nothing was burnt; only an order of a "
				"higher epoch is tried" },
			{ NULL, NULL } });
}

/* ---- rota-agent recover ---- */

static int complain(const struct rota_fail *why)
{
	fprintf(stderr, "rota-agent: %s\n", why->text);
	return AGENT_EXIT_FAILED;
}

static int take_pack(struct agent *a, const char *path)
{
	struct rota_packfile pack;
	struct rota_fail why;

	if (rota_packfile_open(&pack, path, &why) !=
		ROTA_OK) /* now, so that what is wrong is said */
		return complain(&why);
	rota_packfile_close(&pack);
	a->carrier = (struct agent_carrier){ .path = path, .alone = true, .pack.fd = -1 };
	return agent_run_once(a);
}

static int take_line(struct agent *a, struct rota_lineport *line, int fd, const char *path,
	const struct agent_recover *from)
{
	struct rota_fail why;
	int status;

	if (rota_lineport_receive(line, fd, PACK_MAX, from->wait_s, QUIET_S, &why) != ROTA_OK) {
		rota_lineport_tell(line, why.err, why.text);
		return complain(&why);
	}
	status = take_pack(a, path);
	rota_lineport_tell(line, status == AGENT_EXIT_FAILED ? ROTA_ERR_DENIED : ROTA_OK,
		status == AGENT_EXIT_FAILED ? "what rota-agent printed there says why" : "");
	return status;
}

int agent_recover(struct agent *a, const struct agent_recover *from)
{
	char path[ROTA_FILE_PATH_MAX + sizeof("/received.pack")];
	struct rota_lineport line;
	struct rota_fail why;
	int fd, status;

	if (from->line == NULL)
		return take_pack(a, from->file);
	if (rota_lineport_open(&line, from->line, &why) != ROTA_OK)
		return complain(&why);
	line.stop = a->stop;
	snprintf(path, sizeof(path), "%s/received.pack", a->device.dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		rota_fail_errno(&why, errno, "%s", path);
		status = complain(&why);
	} else {
		status = take_line(a, &line, fd, path, from);
		close(fd);
		unlink(path);
	}
	rota_lineport_close(&line);
	return status;
}
