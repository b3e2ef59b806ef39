/* SPDX-License-Identifier: Apache-2.0 */
/* host/agent/patience.h -- how long programs of the device may hold up the image of a recovery order.
 *
 * A hook that says "not now" may be right: a machine in motion, a battery that is low. It may also be asked of an
 * application that somebody broke into, and the order is what throws him out. So a device waits, but not for ever: a
 * hold counts when none counted in the hour before, or in this boot; after ROTA_PATIENCE_HOLDS of one image's the hooks
 * still run, and what they say no longer matters.
 *
 * The count is one line in a file, "DIGEST HOLDS BOOT-ID UPTIME", written anew with each hold that counts; what is
 * there for another image, or is no such line, counts as nothing. It is kept in memory as well, so that a full disk
 * lengthens nothing while the agent runs.
 */
#ifndef HOST_AGENT_PATIENCE_H
#define HOST_AGENT_PATIENCE_H

#include "host/base/fail.h"
#include "host/base/file.h"
#include "rota/port/crypto.h"

/* A day where the device is up and asks at least once an hour. */
#define ROTA_PATIENCE_HOLDS 24
#define ROTA_PATIENCE_EVERY_S 3600
#define ROTA_PATIENCE_BOOT_LEN 37 /* of a boot id, with its NUL */

struct rota_patience {
	char path[ROTA_FILE_PATH_MAX];
	uint8_t digest[ROTA_SHA256_LEN]; /* image that was held */
	unsigned holds;
	char boot[ROTA_PATIENCE_BOOT_LEN]; /* and uptime in seconds, of the one that counted last */
	uint64_t at_s;
};

/* From `path`, where there is something. */
void rota_patience_open(struct rota_patience *p, const char *path);

/* The image was held up once more, in this boot (a short word without blanks) at this uptime. *over: that no longer
 * matters. Errors: the count could not be written; *over is set all the same. */
ROTA_MUST_USE enum rota_err rota_patience_held(struct rota_patience *p,
	const uint8_t digest[static ROTA_SHA256_LEN], const char *boot, uint64_t uptime_s,
	bool *over, struct rota_fail *why);

#endif
