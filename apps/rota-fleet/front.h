/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-fleet/front.h -- nginx in front of rotad as a device meets it: TLS by the client that rota-agent has (host/fetch), with
 * an LDevID whose key signs in the device's root of trust.
 *
 * A thread has one, and one device at a time is in it: each comes with a handshake of its own, and goes. Files of the repository come
 * from the public listener, which asks for no certificate, and are not kept.
 */
#ifndef APPS_ROTA_FLEET_FRONT_H
#define APPS_ROTA_FLEET_FRONT_H

#include "apps/rota-fleet/server.h"
#include "host/base/bytes.h"
#include "rota/port/rot.h"

struct front;

struct front_settings { /* all or none; stay in use */
	const char *repository_url, *device_url;
	const char *ca; /* of the server's certificate: PEM */
};

/* ROTA_ERR_FULL: no memory or descriptors. */
ROTA_MUST_USE enum rota_err front_open(struct front **out, const struct front_settings *settings);
void front_close(struct front *f); /* NULL is allowed */

/* From now on it is the device with this LDevID, escaped as nginx escapes it, whose key is LDevID 0 of `rot`, which stays where it is
 * until front_leave(). A start of the device is one more of these. ROTA_ERR_FORMAT: no such certificate. Else the root of trust's. */
ROTA_MUST_USE enum rota_err front_enter(
	struct front *f, const struct rota_rot *rot, struct rota_span certificate);
void front_leave(struct front *f);

/* A file of the repository, whole, of at most `most` bytes; valid until the next call. */
ROTA_MUST_USE enum rota_err front_file(
	struct front *f, const char *path, size_t most, struct rota_span *out);

/* As server_call(), for the device that is in it. A 403 to GET is told as 404: the client does not tell them apart. */
ROTA_MUST_USE enum rota_err front_call(struct front *f, const char *target, struct rota_span body,
	struct rota_buf room, struct server_answer *out);

#endif
