/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/crowd.h"
#include "apps/rota-signd/remote.h"

#include <unistd.h>

#define CUT_MS 100

static bool is_crowded(const struct crowd *c, const struct conn *of)
{
	size_t same = 0, strangers = 0;

	for (size_t i = 0; i < CROWD_MAX; i++) {
		if (c->conns[i].phase == CONN_FREE)
			continue;
		same += c->conns[i].peer == of->peer;
		strangers += c->conns[i].stranger;
	}
	return same > CROWD_OF_ONE_MAX || (of->stranger && strangers > CROWD_OF_STRANGERS_MAX);
}

void crowd_admit(struct crowd *c, int fd, const struct plan *plan, struct rota_remote *remote,
	uint64_t now_ms)
{
	for (size_t i = 0; i < CROWD_MAX && (!remote || remote_is_nginx(plan, fd)); i++)
		if (c->conns[i].phase == CONN_FREE) {
			if (conn_open(&c->conns[i], fd, plan, remote, now_ms) &&
				is_crowded(c, &c->conns[i]))
				conn_close(&c->conns[i]);
			return;
		}
	close(fd);
}

size_t crowd_room(const struct crowd *c, const struct conn *of)
{
	size_t others = 0;

	if (of->in.len <= CROWD_SMALL_BYTES)
		return 2 * CROWD_SMALL_BYTES;
	for (size_t i = 0; i < CROWD_MAX; i++)
		if (&c->conns[i] != of)
			others += c->conns[i].in.len + c->conns[i].deed.ask.bytes.len;
	return others < CROWD_BYTES_MAX ? CROWD_BYTES_MAX - others : 0;
}

uint64_t crowd_tag(struct crowd *c, const struct conn *of)
{
	return ++c->turn * CROWD_MAX + (uint64_t)(of - c->conns);
}

struct conn *crowd_find(struct crowd *c, uint64_t tag, enum conn_phase phase)
{
	struct conn *conn = &c->conns[tag % CROWD_MAX];

	return tag != 0 && conn->phase == phase && conn->tag == tag ? conn : NULL;
}

void crowd_cut(
	struct crowd *c, uint64_t now_ms, void (*late)(void *ctx, struct conn *conn), void *ctx)
{
	if (now_ms < c->cut_ms)
		return;
	c->cut_ms = now_ms + CUT_MS;
	for (size_t i = 0; i < CROWD_MAX; i++)
		if (c->conns[i].phase != CONN_FREE && now_ms >= c->conns[i].until_ms)
			late(ctx, &c->conns[i]);
}

size_t crowd_under_way(const struct crowd *c)
{
	size_t count = 0;

	for (size_t i = 0; i < CROWD_MAX; i++)
		count += c->conns[i].phase == CONN_LOG || c->conns[i].phase == CONN_TOKEN;
	return count;
}

bool crowd_awaits_tokens(const struct crowd *c)
{
	bool any = false;

	for (size_t i = 0; i < CROWD_MAX; i++) {
		const struct conn *one = &c->conns[i];

		if (one->phase == CONN_LOG && one->deed.order.count == 0)
			return false;
		any |= one->phase == CONN_LOG || one->phase == CONN_TOKEN;
	}
	return any;
}

size_t crowd_count(const struct crowd *c)
{
	size_t count = 0;

	for (size_t i = 0; i < CROWD_MAX; i++)
		count += c->conns[i].phase != CONN_FREE;
	return count;
}

bool crowd_is_busy(const struct crowd *c, bool grace)
{
	for (size_t i = 0; i < CROWD_MAX; i++) {
		const struct conn *one = &c->conns[i];

		if (one->phase == CONN_LOG || one->phase == CONN_TOKEN ||
			(grace && one->phase != CONN_FREE && !one->served))
			return true;
	}
	return false;
}

void crowd_close(struct crowd *c)
{
	for (size_t i = 0; i < CROWD_MAX; i++)
		if (c->conns[i].phase != CONN_FREE)
			conn_close(&c->conns[i]);
}
