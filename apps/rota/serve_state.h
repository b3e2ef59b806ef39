/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/serve_state.h -- the directory below which `rota serve` and its children write, and the users that
 * they run as.
 *
 *     STATE/lock             one `rota serve` at a time
 *     STATE/rotad.ini        made at each start
 *     STATE/rotad/           rotad's own: journal/, fleet.sqlite, keys/
 *     STATE/desk/            its socket for operators
 *     STATE/ca/              copies of the public CA files, so that rotad can read them
 *     STATE/nginx/           nginx's prefix: nginx.conf, log/, tmp/
 *     STATE/run/             sockets
 *     STATE/log/rotad.log
 *
 * As root, nginx's workers and rotad run as system users of their own, made with useradd when they do not exist;
 * run/ is rotad's, with nginx's group. As an ordinary user everything runs as that user.
 */
#ifndef APPS_ROTA_SERVE_STATE_H
#define APPS_ROTA_SERVE_STATE_H

#include "apps/rota/serve_config.h"

#include <sys/types.h>

struct serve_user {
	uid_t uid;
	gid_t gid;
};

struct serve_state {
	const struct serve_config *config;
	bool root; /* switch users */
	struct serve_user web, ingest;
	int lock;
	uint16_t repo_port, device_port, http_port; /* chosen */
};

/* A system user, made where there is none. */
ROTA_MUST_USE enum rota_err serve_need_user(
	const char *name, struct serve_user *out, struct rota_fail *why);

/* Make users and directories, take the lock. */
ROTA_MUST_USE enum rota_err serve_state_open(
	struct serve_state *s, const struct serve_config *c, struct rota_fail *why);
void serve_state_close(struct serve_state *s);

/* STATE/NAME; static storage for a few calls at a time. */
const char *serve_path(const struct serve_state *s, const char *name);

/* Copy the CA files where they changed; *changed says whether any did. */
ROTA_MUST_USE enum rota_err serve_copy_cas(
	const struct serve_state *s, bool *changed, struct rota_fail *why);

/* Choose the ports that are 0, and find out whether the others are free. */
ROTA_MUST_USE enum rota_err serve_ports(struct serve_state *s, struct rota_fail *why);

/* Write rotad.ini and nginx/nginx.conf. */
ROTA_MUST_USE enum rota_err serve_write_configs(struct serve_state *s, struct rota_fail *why);

#endif
