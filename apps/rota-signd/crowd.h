/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/crowd.h -- all connections: how many there may be, whose, and how much they hold (SPEC 18.2).
 *
 * Nobody shuts the others out: one user (nginx for all from afar) and all whom signd.ini does not know have a part of the
 * places each, and who holds little is not refused for what others hold.
 */
#ifndef APPS_ROTA_SIGND_CROWD_H
#define APPS_ROTA_SIGND_CROWD_H

#include "apps/rota-signd/conn.h"

#define CROWD_MAX 64
/* Of these, of one user, and of all strangers together. */
#define CROWD_OF_ONE_MAX 48
#define CROWD_OF_STRANGERS_MAX 8
/* What all hold together: two requests of the largest kind, and smaller ones. */
#define CROWD_BYTES_MAX ((size_t)64 * 1024 * 1024)
/* With so much of its own nobody is refused for what others have. */
#define CROWD_SMALL_BYTES ((size_t)64 * 1024)

/* Zeroed: nobody is there. */
struct crowd {
	struct conn conns[CROWD_MAX];
	uint64_t turn; /* of requests */
	uint64_t cut_ms; /* when they are looked through again for those that are late */
};

/* Take over a socket that was accepted; remote: at the door of clients behind nginx, else NULL. Who has no place is shut. */
void crowd_admit(struct crowd *c, int fd, const struct plan *plan, struct rota_remote *remote,
	uint64_t now_ms);

/* What this connection may hold, so that all together stay within CROWD_BYTES_MAX. */
size_t crowd_room(const struct crowd *c, const struct conn *of);

/* The tag of a new request: never one that was, and where its connection stands. */
uint64_t crowd_tag(struct crowd *c, const struct conn *of);

/* The connection whose request has this tag and is in this phase; NULL: who asked is gone. */
struct conn *crowd_find(struct crowd *c, uint64_t tag, enum conn_phase phase);

/* Call `late` for each whose phase took too long, a few times a second at most. */
void crowd_cut(
	struct crowd *c, uint64_t now_ms, void (*late)(void *ctx, struct conn *conn), void *ctx);

size_t crowd_count(const struct crowd *c);

/* Whose requests are entered or signed just now. */
size_t crowd_under_way(const struct crowd *c);

/* Whether there are such, and a token answers last to each of them. */
bool crowd_awaits_tokens(const struct crowd *c);

/* Whether somebody waits for what is entered, or, where there is grace, has come and said nothing yet. */
bool crowd_is_busy(const struct crowd *c, bool grace);

void crowd_close(struct crowd *c);

#endif
