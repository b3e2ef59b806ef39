/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/policy.h -- rollouts/PRODUCT.json: which devices get what now (SPEC 8.1 to 8.3), as events.
 *
 * A policy may be a megabyte, nearly all of it canary tags, so nothing is collected here. Canonical order
 * puts a campaign's attempt, channel, id and release before its stages, and its state and window behind
 * them; so do the events:
 *
 *     CAMPAIGN, then for each stage any number of TAG and one STAGE, then CAMPAIGN_END
 *
 * What it means for a device is for rota/trust/campaign.h. Nothing may be believed before the file was
 * verified to its last byte.
 */
#ifndef ROTA_CODEC_POLICY_H
#define ROTA_CODEC_POLICY_H

#include "rota/codec/name.h"
#include "rota/codec/shape.h"
#include "rota/port/crypto.h"

/* Maxima of SPEC 8. */
#define ROTA_POLICY_MAX (1u << 20) /* bytes of the file */
#define ROTA_POLICY_CAMPAIGNS_MAX 16
#define ROTA_POLICY_STAGES_MAX 32
#define ROTA_POLICY_ID_MAX 64
#define ROTA_POLICY_ATTEMPT_MAX 7
#define ROTA_POLICY_RETRY_MAX 8
#define ROTA_POLICY_BACKOFF_MAX 31536000 /* s: a year */
#define ROTA_POLICY_TAG_LEN 16

/* Room for the scanner, as in rota/codec/release.h. */
#define ROTA_POLICY_NAMES_ROOM 96
#define ROTA_POLICY_VALUE_ROOM ROTA_SHAPE_TEXT_MAX

enum rota_campaign_state {
	ROTA_CAMPAIGN_ACTIVE,
	ROTA_CAMPAIGN_PAUSED,
	ROTA_CAMPAIGN_ABORTED,
	ROTA_CAMPAIGN_DONE,
};

struct rota_retry {
	uint32_t backoff_s; /* least time between a failed installation and the next */
	uint8_t max; /* installations after a failed one */
};

/* Seconds of the UTC day; from included, to excluded, over midnight when from_s > to_s. */
struct rota_window {
	bool set; /* false: always open */
	uint32_t from_s;
	uint32_t to_s;
};

struct rota_campaign {
	struct rota_name channel;
	uint8_t id_len;
	uint8_t id[ROTA_POLICY_ID_MAX]; /* printable ASCII without blanks */
	uint8_t attempt;
	uint8_t open; /* index of the open stage */
	struct rota_path release; /* target path of the release.json */
	uint8_t sha256[ROTA_SHA256_LEN]; /* and its digest */
	struct rota_retry retry;
	/* known at CAMPAIGN_END only */
	uint8_t state; /* enum rota_campaign_state */
	struct rota_window window;
};

static inline struct rota_span rota_campaign_id(const struct rota_campaign *c)
{
	return rota_span(c->id, c->id_len);
}

enum rota_stage_kind {
	ROTA_STAGE_CANARY,
	ROTA_STAGE_PPM,
	ROTA_STAGE_GROUP,
	ROTA_STAGE_REGION,
	ROTA_STAGE_EVERYONE,
};

struct rota_stage {
	uint8_t kind; /* enum rota_stage_kind */
	uint8_t index; /* from 0 */
	uint32_t ppm; /* PPM */
	uint32_t tag_count; /* CANARY */
	struct rota_name name; /* GROUP, REGION */
};

enum rota_policy_event_kind {
	ROTA_POLICY_CAMPAIGN, /* campaign, but for state and window */
	ROTA_POLICY_TAG, /* campaign, stage (kind and index), tag */
	ROTA_POLICY_STAGE, /* campaign, stage */
	ROTA_POLICY_CAMPAIGN_END, /* campaign, whole */
};

struct rota_policy_event {
	enum rota_policy_event_kind kind;
	const struct rota_campaign *campaign;
	const struct rota_stage *stage;
	const uint8_t *tag; /* ROTA_POLICY_TAG_LEN bytes */
};

struct rota_policy_sink {
	void *ctx;
	/* An error ends the file with it. Pointers are valid during the call. */
	enum rota_err (*event)(void *ctx, const struct rota_policy_event *e);
};

struct rota_policy_decoder {
	struct rota_json json; /* from here private ... */
	struct rota_walk walk;
	struct rota_policy_sink sink;
	uint32_t fed;
	uint8_t stage_count;
	struct rota_stage stage; /* in making */
	struct rota_campaign campaign; /* in making, ... to here */
	struct rota_name product; /* these two are complete when the end returned ROTA_OK */
	uint64_t sequence;
};

/* Begin a file. names and value are the scanner's room, at least ROTA_POLICY_NAMES_ROOM and
 * ROTA_POLICY_VALUE_ROOM bytes, in use until the end. The decoder may not be moved meanwhile. */
void rota_policy_begin(struct rota_policy_decoder *d, struct rota_policy_sink sink,
	struct rota_buf names, struct rota_buf value);

/* The next piece of the file; errors as rota_release_feed(), and what the sink returned. A stage that has
 * another kind's member, and an `open` without a stage, are ROTA_ERR_FORMAT. */
ROTA_MUST_USE enum rota_err rota_policy_feed(struct rota_policy_decoder *d, struct rota_span piece);

/* The file is over; ROTA_OK when it was complete. */
ROTA_MUST_USE enum rota_err rota_policy_end(struct rota_policy_decoder *d);

#endif
