/* SPDX-License-Identifier: Apache-2.0 */
/* host/sign/authdir.h -- the authority directory: its rota.ini, who may sign what with which token.
 *
 *     [authority]           product, signd = SOCKET or https://...: the daemon that signs for parties that are online;
 *                           for the latter signd_ca, signd_certificate, signd_key
 *     [repository]          path (default "repo"), staging
 *     [token NAME]          module, label, pin_file, environment, online, owner, audit
 *     [role NAME]           signers = TOKEN:KEY ..., threshold, lifetime
 *     [keys NAME]           signers = TOKEN:KEY ..., threshold: image, ci-image, recovery, device-ca,
 *                           operational-ca, server-ca; and, where there are such, approval, builder
 *     [builder NAME]        key: whose statements of builds count
 *     [officer NAME]        key: who may approve promotions
 *     [promotion]           builders: how many of them must agree
 *     [log]                 public: where the signing daemon publishes its log (SPEC 22.6)
 *     [fleet]               database: rotad's, in which devices are counted that still need a key (SPEC 25.8);
 *                           operators: its socket for them (SPEC 30.9)
 *     [rotation]            how long data keys of each purpose are used, and for which devices (SPEC 39)
 *     [series]              token, standby: where the online keys of slots lie; keeper: who has what is sealed (SPEC 23)
 *     [release], [factory]   what verbs take where no option says more, see rota.ini(5)
 *
 * A *party* is whoever signs one thing: a role or a set of keys. Relative paths are relative to the
 * directory. Every role of SPEC 3.2 has its party; root and targets share no key.
 */
#ifndef HOST_SIGN_AUTHDIR_H
#define HOST_SIGN_AUTHDIR_H

#include "host/base/fail.h"
#include "host/base/file.h"
#include "host/base/ini.h"

#include "rota/port/crypto.h"

#include <stdbool.h>

/* Tokens: a drawer full. Signers of one role: a threshold among more people meets nowhere. */
#define ROTA_TOKENS_MAX 64
#define ROTA_SIGNERS_MAX 8
#define ROTA_PARTIES_MAX 24
/* A person's name and office, in bytes. */
#define ROTA_OWNER_MAX 128
/* With the zero byte behind it: what fits the address of a Unix socket. */
#define ROTA_SOCKET_PATH_MAX 108
/* Builders, and officers: of the first two suffice to notice that one lies. */
#define ROTA_NAMED_KEYS_MAX 8

struct rota_token {
	const char *name, *module, *label, *pin_file, *environment;
	const char *owner; /* who keeps it; the token's name where nobody said so */
	const char *
		audit; /* a line for /bin/sh that prints how often each key signed; NULL: nobody knows */
	bool online; /* needs nobody to come: `rota publish` may use it by itself */
};

struct rota_seat {
	const struct rota_token *token;
	char key[64];
};

struct rota_party {
	const char *name;
	bool is_role;
	struct rota_seat seats[ROTA_SIGNERS_MAX];
	size_t seat_count;
	unsigned threshold;
	uint64_t lifetime_s; /* roles only */
};

/* Somebody else's public key: a builder's (SPEC 26.5), an officer's for approvals (20.1). */
struct rota_named_key {
	const char *name;
	uint8_t key[ROTA_P256_KEY_LEN];
};

struct rota_authdir {
	char dir[ROTA_FILE_PATH_MAX]; /* absolute */
	char repo[ROTA_FILE_PATH_MAX];
	char staging[ROTA_FILE_PATH_MAX]; /* has targets/ci instead of repo (SPEC 26.8); "": none */
	const char *product;
	/* The signing daemon: its socket, absolute, or the https URL before it; "": there is none. */
	char signd[ROTA_SOCKET_PATH_MAX];
	/* PEM files for that URL: whom to believe, and as whom to come. */
	char signd_ca[ROTA_FILE_PATH_MAX], signd_certificate[ROTA_FILE_PATH_MAX],
		signd_key[ROTA_FILE_PATH_MAX];
	struct rota_ini ini;
	struct rota_token tokens[ROTA_TOKENS_MAX];
	size_t token_count;
	const struct rota_token *slot_token, *standby_token; /* of a series, and its landing root */
	const char *keeper; /* socket; NULL: all slots lie in slot_token, and nothing is sealed */
	struct rota_party parties[ROTA_PARTIES_MAX];
	size_t party_count;
	struct rota_named_key builders[ROTA_NAMED_KEYS_MAX], officers[ROTA_NAMED_KEYS_MAX];
	size_t builder_count, officer_count;
	unsigned builders_need; /* for a release; 0: nobody is asked */
};

/* Read and judge DIR/rota.ini, each setting of which must be a known one; nothing is opened. The error names
 * section and key. */
ROTA_MUST_USE enum rota_err rota_authdir_load(
	const char *dir, struct rota_authdir *out, struct rota_fail *why);
void rota_authdir_free(struct rota_authdir *a);

/* The party of a role or key set; load() has seen to it that each that Rota knows is there, but for `approval`,
 * `builder` and `station`, which may be NULL. */
const struct rota_party *rota_authdir_party(const struct rota_authdir *a, const char *name);

/* Sections "KIND NAME" of any file, with a public key each; no two have the same. */
ROTA_MUST_USE enum rota_err rota_named_keys_load(struct rota_ini *ini, const char *kind,
	struct rota_named_key list[static ROTA_NAMED_KEYS_MAX], size_t *count,
	struct rota_fail *why);

/* Whether as many of its tokens as it takes are online. */
bool rota_party_online(const struct rota_party *party);

/* Whether an address of a signing daemon is one over HTTPS. */
bool rota_signd_is_remote(const char *address);

/* Whether the slots of a series that a keeper has are held by the signing daemon (SPEC 23.4): there is one, on this machine. Else their
 * tokens are opened here. */
bool rota_authdir_slots_held(const struct rota_authdir *a);

/* The folder above targets/ that a target lies below. */
const char *rota_authdir_targets(const struct rota_authdir *a, const char *target);

/* DIR/NAME into `out`. */
void rota_authdir_path(
	const struct rota_authdir *a, const char *name, char out[static ROTA_FILE_PATH_MAX]);

#endif
