/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/holder.h -- the process around a module: how it is set apart, and what it does for its parent.
 *
 * Both kinds say first, over `report`, how the beginning went: a struct rota_fail, and behind one of ROTA_OK a struct
 * holder_key for each key of the plan.
 */
#ifndef PORTS_PKCS11_HOLDER_H
#define PORTS_PKCS11_HOLDER_H

#include "ports/pkcs11/module.h"
#include "ports/pkcs11/pool.h"

struct holder_key {
	struct rota_fail why;
	uint8_t point[ROTA_P256_KEY_LEN];
};

struct holder_fds {
	int report, in, out; /* -1: none */
	int keeper; /* 0: none */
};

/* Fork a child that has nothing but the standard three and these descriptors, runs `run`, and ends. *pid in the parent. */
ROTA_MUST_USE enum rota_err holder_fork(const struct holder_fds *fds,
	void (*run)(const struct holder_fds *fds, const void *plan), const void *plan, pid_t *pid,
	struct rota_fail *why);

/* Its directory and environment, then its module. */
ROTA_MUST_USE enum rota_err holder_load(
	struct module *m, const struct rota_pkcs11_token *token, struct rota_fail *why);

/* The PIN is read here, of a token that is handed from `keeper`, and wiped at once. */
ROTA_MUST_USE enum rota_err holder_login(
	struct module *m, const struct rota_pkcs11_token *token, int keeper, struct rota_fail *why);

/* Close what the child listens to, and wait for its end no longer than a module may take for it. */
void holder_end(int fd, pid_t pid);

/* Wait for what the child reports, no longer than opening a token takes; a child that says nothing is ended. */
ROTA_MUST_USE enum rota_err holder_wait(
	int report, pid_t pid, const struct rota_pkcs11_token *token, struct rota_fail *why);

/* A process that takes orders: *fd is our end of the stream on which it does (its fds->in). Wait until it reported.
 * holder_end() ends it. Nothing to end after an error. */
ROTA_MUST_USE enum rota_err holder_open(const struct rota_pkcs11_token *token,
	void (*run)(const struct holder_fds *fds, const void *plan), const void *plan, int *fd,
	pid_t *pid, struct rota_fail *why);

/* A process that does one thing, reports and ends: fork, wait, end. `key` (or NULL): the one that it reports. */
ROTA_MUST_USE enum rota_err holder_once(const struct rota_pkcs11_token *token,
	void (*run)(const struct holder_fds *fds, const void *plan), const void *plan,
	struct holder_key *key, struct rota_fail *why);

/* The same with a descriptor more, which stays open here, and any number of keys. */
ROTA_MUST_USE enum rota_err holder_with(const struct rota_pkcs11_token *token,
	void (*run)(const struct holder_fds *fds, const void *plan), const void *plan, int in,
	struct holder_key *keys, size_t key_count, struct rota_fail *why);

#endif
