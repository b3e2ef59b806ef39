/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/session.h -- what most verbs begin and end with: the authority directory, its lock, its tokens.
 *
 * Here the port is chosen: tokens are opened through PKCS#11.
 */
#ifndef APPS_ROTA_SESSION_H
#define APPS_ROTA_SESSION_H

#include "apps/rota/daemon.h"
#include "host/keys/guard.h"
#include "host/notary/proxy.h"
#include "host/repo/metadata.h"
#include "host/sign/tokens.h"
#include "ports/pkcs11/pkcs11.h"

struct session {
	struct rota_fail why; /* what every step of the verb reports into */
	struct rota_authdir dir;
	struct rota_tokens tokens;
	struct rota_key_guard guard; /* before them */
	struct rota_proxy proxy; /* the daemon, where rota.ini names one */
	struct daemon daemon; /* that this session started, or none */
	struct rota_notary notary;
	struct rota_slot_opener slots; /* of a series */
	struct rota_desk desk;
	int lock; /* -1: none */
};

/* What is told as the reason of a request to a signing daemon where $ROTA_REASON says nothing: "rota NAME". */
void session_set_verb(const char *name);

enum session_lock { SESSION_READ, SESSION_WRITE };

/* Load the authority directory; for SESSION_WRITE take DIR/lock, so that two publishers do not collide, and bring what was
 * asked of the signing daemon before to an end. On failure nothing is open and s->why says what is wrong. Do not move the session. */
ROTA_MUST_USE enum rota_err session_open(
	struct session *s, const char *dir, enum session_lock lock);

/* Close all. s->why stays. */
void session_drop(struct session *s);

/* Close all; says s->why on standard error when `err` is one. Gives the exit status. */
int session_close(struct session *s, enum rota_err err);

/* Sign with the tokens at hand, whatever rota.ini says of a daemon: before there is one. */
void session_by_hand(struct session *s);

/* Somebody listens at signd of rota.ini on return; a desk's own daemon is started. */
ROTA_MUST_USE enum rota_err session_daemon(struct session *s);

/* "rota: TEXT" on standard error; gives 1. */
int say_fail(const struct rota_fail *why);

/* The person at the terminal types yes, or gave --yes. ROTA_ERR_DENIED: not so, or nobody is there. */
ROTA_MUST_USE enum rota_err session_confirm(struct session *s, bool yes, const char *question);

/* How this program opens that token. */
struct rota_pkcs11_token session_token(
	const struct rota_authdir *dir, const struct rota_token *token);

/* The opener of this program. */
struct rota_opener session_opener(const struct rota_authdir *dir);

#endif
