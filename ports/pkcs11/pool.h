/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/pool.h -- the session holder: a process of its own for one token, which signs what it is ordered to.
 *
 * The module is loaded in that process alone, after the fork: each token can have its own environment (SoftHSM reads
 * SOFTHSM2_CONF once per process), a module that breaks on fork never sees one, and PIN and session live apart from
 * whatever reads files and talks to people. The process dumps no core, gains no privileges, dies with its parent, and
 * works in the token's directory, so that relative names mean the same wherever the command was started. It has no
 * descriptors but the standard three, the two of its orders, and those that the module opens.
 *
 * It logs in once, finds its keys once, and keeps both. `threads` sessions take orders from `in` and write answers to
 * `out`, in whichever order they are done; the tag says which is whose. Both are SOCK_SEQPACKET sockets (they may be one). A
 * message is up to ROTA_POOL_BATCH orders, one behind the other, which one session does, and their answers: each message
 * wakes somebody, which takes as long as half a signature. The process ends when `in` is shut.
 *
 * *A token that goes away.* What needs the token is answered ROTA_ERR_IO; the next order opens it anew, at most once
 * in retry_ms, after each failure half as often, at least once a minute. A key is then used only if its public half is still
 * the one of the start. With a PIN from the terminal there is no opening anew.
 *
 * *A PIN from a keeper* (handed.h) is read from its connection, used once and wiped. When the token goes away the process ends, so that
 * its parent asks the keeper again.
 *
 * *A wrong PIN is never tried twice*: tokens lock after a few tries. From then on every answer is ROTA_ERR_DENIED, until
 * a person has mended it and started a new process.
 *
 * *A module that hangs* longer than the deadline: orders at hand are answered ROTA_ERR_TIMEOUT and the process ends. Who
 * kept `in` and `out` open can start another on them: it goes on with the orders that nobody has taken.
 */
#ifndef PORTS_PKCS11_POOL_H
#define PORTS_PKCS11_POOL_H

#include "host/base/apart.h"
#include "ports/pkcs11/pkcs11.h"

#include <stdbool.h>
#include <sys/types.h>

/* Keys of one token: the roles of rota.ini several times over. */
#define ROTA_POOL_KEYS_MAX 64
/* No token gains by more. */
#define ROTA_POOL_THREADS_MAX 4
#define ROTA_POOL_TEXT_MAX 512

/* The first answer of a message waits for the last. */
#define ROTA_POOL_BATCH 8

struct rota_pool_order {
	uint64_t tag;
	uint32_t key; /* index into the plan's keys */
	uint8_t digest[ROTA_SHA256_LEN];
};

struct rota_pool_done {
	uint64_t tag;
	int32_t err; /* enum rota_err */
	uint8_t sig[ROTA_P256_SIG_LEN]; /* r || s */
	char text
		[ROTA_POOL_TEXT_MAX]; /* sent with an error only, in a message of its own: the sentence */
};

struct rota_pool_key {
	const char *label; /* given; stays in use */
	struct rota_fail why; /* err: whether it is there and of use */
	uint8_t point[ROTA_P256_KEY_LEN];
};

struct rota_pool_plan {
	const struct rota_pkcs11_token *token;
	struct rota_pool_key *keys;
	size_t key_count; /* at most ROTA_POOL_KEYS_MAX */
	unsigned threads; /* 1 to ROTA_POOL_THREADS_MAX */
	unsigned deadline_ms; /* of one order */
	unsigned retry_ms; /* between two openings of a token that went away, to begin with */
	const struct rota_user *user; /* become this one before the module is loaded; NULL: stay */
	uint64_t cpus; /* where it runs (host/base/cpus.h) */
	bool lock; /* keep all memory out of swap, or fail */
	int keeper; /* token->handed: the connection on which the PINs come next; stays open here */
};

/* Start it and wait until it is logged in. Fills why and point of each key; one that is not there is no error. ROTA_OK
 * otherwise: *pid is a child of ours. ROTA_ERR_DENIED: the PIN; starting it once more would cost the token a try. */
ROTA_MUST_USE enum rota_err rota_pkcs11_pool(
	const struct rota_pool_plan *plan, int in, int out, pid_t *pid, struct rota_fail *why);

/* The answers of the next message of `out`'s other end, at most ROTA_POOL_BATCH; 0: it has ended, or sent what is no answer. */
ROTA_MUST_USE size_t rota_pool_take(int fd, struct rota_pool_done done[static ROTA_POOL_BATCH]);

/* The same where one order is under way; false: another number of answers. */
ROTA_MUST_USE bool rota_pool_take_one(int fd, struct rota_pool_done *done);

#endif
