/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/revoked.h -- which devices and certificates are over, by the daemon's own log (SPEC 19.10, 29.5).
 *
 * Who judges and who writes the log each have one of these, fed with the same entries in the same order: so the writer makes a
 * revocation list again, byte by byte, before an authority's key signs it. What is kept is whose certificates for logins live, so
 * that those of a device that is over go onto the list; a certificate is forgotten 8 days after its end, which is longer than any list lasts.
 */
#ifndef HOST_NOTARY_REVOKED_H
#define HOST_NOTARY_REVOKED_H

#include "host/notary/digestset.h"
#include "host/pki/crl.h"
#include "rota/codec/leaf.h"

/* SPEC 29.7: how long a list may last; and how long behind its end a certificate is still listed. */
#define ROTA_CRL_LIFE_MAX_S ((uint64_t)7 * 86400)
#define ROTA_CRL_KEPT_S ((uint64_t)8 * 86400)
/* SPEC 29.5: of a device in a day. A certificate is renewed some times a year; a device that lost its disk asks twice. */
#define ROTA_ISSUED_DAY_MAX 8

/* One certificate for logins that was issued. */
struct revoked_issued {
	uint8_t device[16]; /* of its id the first half: nobody makes two of these alike */
	uint8_t serial[16];
	uint64_t ends_s;
};

struct revoked_entry {
	struct rota_revoked what;
	uint64_t ends_s; /* UINT64_MAX: not known, or never */
};

/* Of one authority. */
struct revoked_list {
	char scope[ROTA_LEAF_NAME_MAX + 1], role[ROTA_LEAF_NAME_MAX + 1];
	struct revoked_entry *entries;
	size_t count, room;
	uint64_t number; /* of its newest list; 0: none */
};

/* Zeroed, but for now_s. */
struct rota_revocations {
	uint64_t now_s; /* when reading begins: what ended 8 days before is not remembered */
	struct revoked_list *lists;
	size_t list_count;
	struct revoked_issued *issued;
	size_t issued_count, issued_room;
	struct digestset over; /* devices, and serials */
	struct digestset today; /* how many certificates a device got on `day` */
	uint64_t day;
};

/* Take one entry in: those of kinds ISSUED, REVOKED and CRL matter. ROTA_ERR_FORMAT: a private record that is none. */
ROTA_MUST_USE enum rota_err rota_revocations_entry(
	struct rota_revocations *r, const struct rota_leaf *leaf, struct rota_span record);

/* Whether a device is over; whether a certificate of this authority is. */
bool rota_revocations_device(const struct rota_revocations *r, const char *scope,
	const uint8_t id[static ROTA_DIGEST_LEN]);
bool rota_revocations_serial(const struct rota_revocations *r, const char *scope, const char *role,
	struct rota_span serial);

/* Certificates for logins that this device got on the day of `now`. */
size_t rota_revocations_today(const struct rota_revocations *r, const char *scope,
	const uint8_t id[static ROTA_DIGEST_LEN], uint64_t now);

/* The number of an authority's next list, and the part of it that is signed. Errors as rota_crl_tbs(). */
uint64_t rota_revocations_next(
	const struct rota_revocations *r, const char *scope, const char *role);
ROTA_MUST_USE enum rota_err rota_revocations_crl(const struct rota_revocations *r,
	const char *scope, const char *role, struct rota_crl_plan *plan, struct rota_bytes *out,
	struct rota_fail *why);

/* Whether the authority's list has room for one more at that time, and where it is the device CA's also the other one's for all certificates of the device: what
 * is on no list would be over in this log alone, and a list that is too long is made no more (SPEC 29.7). */
bool rota_revocations_room(const struct rota_revocations *r, const char *scope, const char *role,
	const uint8_t device[static ROTA_DIGEST_LEN], uint64_t now);

/* A serial as content octets of an INTEGER, positive and as short as can be, of at most 20 bytes. */
bool rota_revoked_serial_ok(struct rota_span serial);

void rota_revocations_free(struct rota_revocations *r);

#endif
