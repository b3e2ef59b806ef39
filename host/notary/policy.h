/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/policy.h -- signd.ini: who may ask for what (SPEC 19.1, signd.ini(5)).
 *
 *     [daemon]         state, socket, remote_socket, nginx_user, users, threads, lock
 *     [remote]         client_ca, crl; for nginx address, port, certificate, key
 *     [log]            key = TOKEN:KEY, ed25519, origin, every, witnesses
 *     [scope PRODUCT]  authority = DIR: its rota.ini gives tokens, seats and lifetimes; ocsp_url, crl_url
 *     [client NAME]    uid = N, or spki = SHA-256 of a certificate's SubjectPublicKeyInfo
 *     [officer NAME]   key = 130 hex digits
 *     [builder NAME]   key = 130 hex digits
 *     [registry PRODUCT]  key; module, label, pin_file, environment of the token that wrapped it
 *     [rule NAME]      who, scope, role, kinds, paths, approvals, approvers, builders, rate, lifetime
 *
 * For each (client, scope, role, kind) there is one rule or none; two are an error when the file is read, and so is a rule
 * that could never sign: for a role whose seats are not online, or with fewer approvers than approvals. Pure after load.
 */
#ifndef HOST_NOTARY_POLICY_H
#define HOST_NOTARY_POLICY_H

#include "host/notary/ask.h"

/* Of each kind of section: a page of them is what a person can keep in his head. */
#define ROTA_POLICY_SECTIONS_MAX 64
/* Products that one daemon signs for. Each holds a whole rota.ini. */
#define ROTA_POLICY_SCOPES_MAX 32
#define ROTA_POLICY_APPROVALS_MAX 8

struct rota_identity {
	bool remote;
	uid_t uid; /* of the socket's peer */
	uint8_t spki[ROTA_DIGEST_LEN]; /* remote: SHA-256 of the client's SubjectPublicKeyInfo */
	const char *refused; /* remote: why that certificate does not count; NULL: it does */
};

struct rota_rule {
	const char *name, *who, *scope, *role;
	const char *kinds; /* words between blanks */
	const char *paths; /* patterns between blanks; NULL: the role's own */
	unsigned approvals;
	const char *approvers; /* officers between blanks; "" */
	unsigned builders; /* who must agree on what a release has in it (SPEC 26.5) */
	uint32_t rate, rate_s; /* so many requests in so many seconds */
	uint64_t lifetime_s; /* at most; the role's own where nothing is said */
};

struct rota_officer {
	const char *name;
	uint8_t key[ROTA_P256_KEY_LEN];
	uint8_t id[ROTA_DIGEST_LEN]; /* the key id's bytes (SPEC 3.3) */
};

struct rota_policy_daemon {
	const char *state, *socket; /* paths */
	const char *remote_socket, *nginx_user, *client_ca; /* NULL: nobody from afar */
	const char *crl; /* NULL: none is revoked */
	const char *address, *certificate,
		*key; /* of nginx's TLS server; the last two NULL: not set */
	uint16_t port;
	const char *users; /* NULL: as who starts it */
	unsigned threads; /* sessions of a token */
	uint64_t cpus,
		token_cpus; /* host/base/cpus.h: of parser and log writer; of token holders */
	bool lock; /* keep memory with PINs out of swap, or do not start */
};

struct rota_policy_log {
	char origin[128];
	struct rota_seat key; /* of a token of the first scope */
	struct rota_seat ed25519; /* token NULL: none */
	uint64_t every_s;
	const char *witnesses; /* words; "" */
};

/* The key of a scope's registry: a file that a token wrapped, and that token (SPEC 37.5). */
struct rota_policy_registry {
	const char *scope;
	const char *key, *pin_file; /* paths */
	const char *module, *label, *environment; /* the last one may be NULL */
};

/* What stands in certificates for logins of a scope; NULL: nothing. */
struct rota_policy_urls {
	const char *ocsp, *crl;
};

struct rota_policy;

/* The error names file, section and what to write there. ROTA_ERR_DENIED: others than its owner, root or us, may write it. */
ROTA_MUST_USE enum rota_err rota_policy_load(
	const char *path, struct rota_policy **out, struct rota_fail *why);
void rota_policy_free(struct rota_policy *p);

/* SHA-256 of the file: entry POLICY at each change. */
void rota_policy_digest(const struct rota_policy *p, uint8_t out[static ROTA_DIGEST_LEN]);

const struct rota_policy_daemon *rota_policy_daemon(const struct rota_policy *p);
const struct rota_policy_log *rota_policy_log(const struct rota_policy *p);

/* The authority of the n-th scope, or of the one of that name; NULL: there is none. */
const struct rota_authdir *rota_policy_scope_at(const struct rota_policy *p, size_t n);
const struct rota_authdir *rota_policy_scope(const struct rota_policy *p, const char *scope);

const struct rota_policy_urls *rota_policy_urls(const struct rota_policy *p, const char *scope);

/* NULL: there is none, or no rule lets somebody ask for rows of the scope. */
const struct rota_policy_registry *rota_policy_registry(
	const struct rota_policy *p, const char *scope);

/* NULL: there is none. */
const struct rota_rule *rota_policy_rule(const struct rota_policy *p, const char *name);
const struct rota_officer *rota_policy_officer(
	const struct rota_policy *p, const uint8_t keyid[static ROTA_DIGEST_LEN]);
const struct rota_named_key *rota_policy_builders(const struct rota_policy *p, size_t *count);

/* Whether an officer of this name may approve under the rule. */
bool rota_policy_approves(const struct rota_rule *rule, const char *officer);

/* Whether the rule's client may have this path listed. */
bool rota_policy_path(const struct rota_rule *rule, const char *path);

/* The client's name. Refused: identity. */
ROTA_MUST_USE enum rota_err rota_policy_client(const struct rota_policy *p,
	const struct rota_identity *who, const char **client, struct rota_fail *why);

/* The one rule for this ask. Refused: identity (no such client), role (none for scope and role), kind. */
ROTA_MUST_USE enum rota_err rota_policy_find(const struct rota_policy *p,
	const struct rota_identity *who, const struct rota_ask *ask, const struct rota_rule **rule,
	const char **client, struct rota_fail *why);

/* Whether some rule lets somebody have something signed by a party of a scope. */
bool rota_policy_signs(const struct rota_policy *p, const char *scope, const char *party);

/* The rule that lets somebody bring artifacts of a scope: one of his for images, or for role ci; NULL: he may not. */
const struct rota_rule *rota_policy_brings(
	const struct rota_policy *p, const struct rota_identity *who, const char *scope);

/* Whether certificates of this authority are issued by the daemon: a role that has no file (SPEC 19.8). */
bool rota_policy_issues(const char *role);

/* Whether this kind is for such a role, and for no other. */
bool rota_policy_is_authoritys(enum rota_ask_kind kind);

/* Whether rows of the registry are asked for in this role, which has no file and no keys (SPEC 19.9). */
bool rota_policy_keeps(const char *role);

/* Whether a rule lets somebody ask for this kind in a role of a scope. */
bool rota_policy_lets(const struct rota_policy *p, struct rota_span scope, struct rota_span role,
	enum rota_ask_kind kind);

/* Whose keys sign what a kind asks for in a role: a party of rota.ini; NULL: nothing is signed. */
const char *rota_policy_party(enum rota_ask_kind kind, const char *role);

#endif
