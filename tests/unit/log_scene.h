/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/log_scene.h -- a signing log in a folder, with a P-256 key in memory for its checkpoints.
 *
 * Entry n is the same in every log, so that whoever reads one knows what must stand there.
 */
#ifndef TESTS_UNIT_LOG_SCENE_H
#define TESTS_UNIT_LOG_SCENE_H

#include "host/log/log.h"
#include "host/log/tiler.h"
#include "rota/codec/note.h"

#include <openssl/evp.h>

#define LOG_SCENE_ORIGIN "sensor.rota.invalid/log"

struct log_scene {
	struct rota_log_config log;
	struct rota_tiler_config tiler;
	struct rota_note_key key;
	EVP_PKEY *pkey;
	uint8_t point[ROTA_P256_KEY_LEN];
	unsigned signs; /* checkpoints signed */
	bool refuse; /* the token is away */
	struct rota_checkpoint last; /* signed; its origin is not kept */
};

/* Of a log in `dir`, which exists and stays in use. */
void log_scene_begin(struct log_scene *s, const char *dir);
void log_scene_end(struct log_scene *s);

/* r || s of its key over a message. */
bool log_scene_raw(
	const struct log_scene *s, struct rota_span message, uint8_t raw[static ROTA_P256_SIG_LEN]);

/* Gather entry number n, whose index must come out as n. */
bool log_scene_add(struct rota_log *log, uint64_t n);
/* The same, with a reason that says `what`: another entry of the same length. */
bool log_scene_add_other(struct rota_log *log, uint64_t n, char what);

/* Is this entry n of log_scene_add()? For struct rota_log_config.each. */
enum rota_err log_scene_each(
	void *ctx, uint64_t index, const struct rota_leaf *leaf, struct rota_span record);

/* Read DIR/public as a stranger does: the checkpoint, signed; every entry, each that it must be; every tile; the root.
 * false: something is not as it must be, and was printed. */
bool log_scene_whole(const struct log_scene *s, struct rota_checkpoint *at);

#endif
