/* SPDX-License-Identifier: Apache-2.0 */
/* host/factory/station.h -- the station at the end of the line: one device is made (SPEC 28.6, 29.1).
 *
 * The device makes its keys inside its root of trust and shows that it has them; the authority certifies them; the
 * station gives the device what it will trust for life, and looks at what is installed before it lets it go. What it
 * cannot know of its own (which serial, which folder, where the keys are) the device says and signs.
 *
 * A device that is refused, or that goes away in the middle, was not made, and may come again. Nobody knows of one whether
 * it heard the last word: so one that is listed may come again too, if it is the very same, and counts once. One that heard it
 * lets no station in.
 */
#ifndef HOST_FACTORY_STATION_H
#define HOST_FACTORY_STATION_H

#include "host/factory/secret.h"
#include "host/factory/talk.h"
#include "host/identity/quote.h"
#include "host/pki/enrol.h"
#include "host/sign/p256.h"

/* Who certifies. Errors are those of who does; `why` says it. */
struct rota_station_ca {
	void *ctx;
	/* A request of SPEC 29.3 to "device-ca" or "operational-ca"; idevid is empty for the first. The caller frees *der. */
	enum rota_err (*certify)(void *ctx, const char *party, struct rota_span csr,
		struct rota_span endorsement, struct rota_span idevid, struct rota_bytes *der,
		struct rota_fail *why);
	/* Its nonce for this device (SPEC 29.2). */
	enum rota_err (*nonce)(
		void *ctx, const char *device_hex, uint8_t out[static 32], struct rota_fail *why);
};

struct rota_station_made {
	char serial[65]; /* as far as it is known, after an error too */
	char device[65];
	uint8_t rot; /* enum rota_rot_kind */
	size_t image_count;
	uint8_t image[8][ROTA_SHA256_LEN]; /* what was measured */
	bool quoted;
	struct rota_quote quote; /* of its TPM, which has this Name for life */
};

/* Who keeps account of what is made (stationlog.h). Errors end the talk. */
struct rota_station_book {
	void *ctx;
	/* The device id is known: may it be made? */
	enum rota_err (*may)(
		void *ctx, const struct rota_station_made *made, struct rota_fail *why);
	/* It is listed, and about to hear so. Durable. */
	enum rota_err (*made)(
		void *ctx, const struct rota_station_made *made, struct rota_fail *why);
};

struct rota_station {
	struct rota_desk *desk;
	const struct rota_crypto *crypto;
	struct rota_talk talk; /* begun */
	struct rota_station_ca ca;
	struct rota_station_book book;
	struct rota_enrol_plan
		plan; /* serial NULL: the device says it. `at` and `out` are not looked at */
	const uint8_t *
		seal_to; /* point that factory secrets are sealed to (SPEC 28.7); NULL: there are none */
	/* What has to be installed, a digest for each component; count 0: nothing is compared. */
	uint8_t image[8][ROTA_SHA256_LEN];
	size_t image_count;
	uint32_t pcrs; /* that a TPM quotes (bit n: PCR n) */
	const uint8_t *
		pcrs_sha256; /* what they have to show, ROTA_SHA256_LEN bytes; NULL: it is not known */
	bool soft; /* devices without hardware for their keys are let through */
	const char *batch; /* NULL: of none */
};

/* Make one device. ROTA_ERR_STATE: another one was made under its serial. ROTA_ERR_SIGNATURE: it does not hold the keys that it
 * names, or what it heard is not what was said. ROTA_ERR_HASH: another image is installed, or booted. ROTA_ERR_DENIED: its root of trust is soft, or it said no. The device was told. */
ROTA_MUST_USE enum rota_err rota_station_make(
	const struct rota_station *s, struct rota_station_made *made, struct rota_fail *why);

#endif
