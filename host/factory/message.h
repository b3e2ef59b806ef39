/* SPDX-License-Identifier: Apache-2.0 */
/* host/factory/message.h -- what station and device say to each other in the factory (SPEC 28.6).
 *
 * Seven messages in turn. The device makes its keys and says their public halves; the station has them certified and gives the
 * device what it will trust; the device says what is installed in it. Private keys do not occur, and the factory
 * secret passes sealed.
 *
 * Whoever cannot go on says NO with a sentence, and the talk is over; it may begin anew, and comes to the same.
 */
#ifndef HOST_FACTORY_MESSAGE_H
#define HOST_FACTORY_MESSAGE_H

#include "host/base/bytes.h"

/* A root has the most bytes of all fields. */
#define ROTA_FACTORY_MESSAGE_MAX (2u * 1024 * 1024)
#define ROTA_FACTORY_FIELDS_MAX 6
#define ROTA_FACTORY_NO_MAX 256
enum rota_factory_kind {
	ROTA_FACTORY_MAKE = 1, /* station: nonce (32), product, hardware, serial, PCRs (u32) */
	ROTA_FACTORY_MADE, /* device: request (29.3), root of trust (28.4), folder */
	ROTA_FACTORY_BORN, /* station: device id (32), IDevID, CA's nonce (32), point for secrets */
	ROTA_FACTORY_ASKS, /* device: statement, PKCS#10, endorsement, counters, sealed secret */
	ROTA_FACTORY_GIVE, /* station: LDevID, ROM record, root, server's CA, recovery keys, agent.ini */
	ROTA_FACTORY_READY, /* device: image digests (32 each), signature (64), quote */
	ROTA_FACTORY_DONE, /* station */
	ROTA_FACTORY_NO, /* either: a sentence */
	ROTA_FACTORY_KINDS
};

/* Of MAKE. */
enum { FACTORY_NONCE, FACTORY_PRODUCT, FACTORY_HARDWARE, FACTORY_SERIAL, FACTORY_PCRS };
/* Of MADE. */
enum { FACTORY_REQUEST, FACTORY_ROT, FACTORY_FOLDER };
/* Of BORN. */
enum { FACTORY_DEVICE, FACTORY_IDEVID, FACTORY_CA_NONCE, FACTORY_SEAL_TO };
/* Of ASKS. */
enum { FACTORY_STATEMENT, FACTORY_CSR, FACTORY_ENDORSEMENT, FACTORY_COUNTERS, FACTORY_SECRET };
/* Of GIVE. */
enum {
	FACTORY_LDEVID,
	FACTORY_ROM,
	FACTORY_ROOT,
	FACTORY_SERVER_CA,
	FACTORY_RECOVERY,
	FACTORY_SETTINGS
};
/* Of READY. */
enum { FACTORY_IMAGES, FACTORY_SIGNATURE, FACTORY_QUOTE };

struct rota_factory_message {
	enum rota_factory_kind kind;
	struct rota_span field[ROTA_FACTORY_FIELDS_MAX]; /* those that a kind has not: empty */
};

/* ROTA_ERR_FORMAT: not such a message, or fields that the kind has not. Spans point into `in`. */
ROTA_MUST_USE enum rota_err rota_factory_decode(
	struct rota_span in, struct rota_factory_message *out);

/* Appended to *out. */
void rota_factory_encode(const struct rota_factory_message *m, struct rota_bytes *out);

#define ROTA_READY_PREFIX "rota-ready-v1" /* SPEC 28.1 */

/* What the identity signs of READY, and the nonce of its quote: SHA-256(prefix || what was said before (32) || image digests),
 * SPEC 28.6. */
void rota_factory_ready_digest(
	struct rota_span said, struct rota_span images, uint8_t out[static 32]);

/* PCRs that a station asks for (bit n: PCR n), as MAKE has them. ROTA_ERR_FORMAT: another length, or one above 23. */
void rota_factory_pcrs_write(uint32_t pcrs, uint8_t out[static 4]);
ROTA_MUST_USE enum rota_err rota_factory_pcrs_read(struct rota_span in, uint32_t *pcrs);

#endif
