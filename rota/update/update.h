/* SPDX-License-Identifier: Apache-2.0 */
/* rota/update/update.h -- one update cycle: from what booted to what is put on trial.
 *
 * The cycle wraps the TUF session and does the rest of it: what to make of the boot that just happened,
 * the rollout policy, the release, the components, the slots, the journal. Like the session it does no
 * network and no files of its own; it says what it wants. The slots and the journal it works itself,
 * through their ports, because the order of their writes is what makes a power cut harmless.
 *
 *     rota_update_init(&u, &config, workspace);
 *     for (;;) {
 *             rota_update_want(&u, &want);
 *             switch (want.kind) {
 *             case ROTA_UPDATE_FETCH_META:   as ROTA_WANT_FETCH of the session (want.meta)
 *             case ROTA_UPDATE_KEEP_META:    make that file durable beside those that it replaces
 *             case ROTA_UPDATE_FETCH_TARGET: bytes [want.offset, want.length) of want.path / want.sha256
 *                     all fetches: rota_update_feed() ... rota_update_done(&u, how it ended)
 *             case ROTA_UPDATE_FETCH_RECOVERY: part want.part of a recovery order: bytes [want.offset, want.length) of
 *                     what has the digest want.sha256; the order itself: at most want.length bytes, digest unknown.
 *                     From wherever it can be had: nothing that carries it is trusted (SPEC 15)
 *             case ROTA_UPDATE_FETCH_TIME:   ask the time service with want.nonce (SPEC 13.5); feed and done
 *             case ROTA_UPDATE_FETCH_KEYS, ROTA_UPDATE_SEND_STATEMENT: of a device with data keys: rota/update/keys.h
 *             case ROTA_UPDATE_HEALTH:       is the image on trial well? rota_update_done(&u, ROTA_OK or not)
 *             case ROTA_UPDATE_REBOOT:       boot again; the cycle is over, a new one begins after the boot
 *             case ROTA_UPDATE_IDLE:         nothing to do until the next poll: rota_update_outcome()
 *             case ROTA_UPDATE_STOPPED:      refused or failed: rota_update_outcome()
 *             }
 *     }
 *
 * What metadata changed is committed once, when the refresh is over, whether it passed or failed, and before anything
 * is done that rests on it: flash wears by the commit. Until then the journal names the files that it named before,
 * so these go when rota_update_saved() says so. A microcontroller need not keep root, timestamp and snapshot at all:
 * they are asked for again under their digests; what it keeps are targets and the files of roles.
 *
 * Events for the server come out through config.event, in order; each has its own sequence number, which is
 * in the journal before the event is handed out. So each commit costs at most one write, and a number is never
 * said twice; one may be missing after a power cut. Where a clock tells, a journal that took the place of a lost one
 * numbers on from above it (SPEC 13.2). What is the same at every poll (nothing to install, the
 * same refusal again, a server out of reach) is told once, and is no write. Who answers in the server's place can make
 * as many different troubles as he likes: ROTA_UPDATE_TOLD_MAX of them are told, then one for every ROTA_UPDATE_TOLD_COST
 * refreshes that brought a new timestamp, which takes a signature. What is not told is not written.
 *
 * The bytes of a target may come from a copy at hand: length and digest are checked whatever the source. Those
 * before want.offset are not to be fed; a server that cannot begin in the middle is read from 0 and the
 * beginning is left out.
 */
#ifndef ROTA_UPDATE_UPDATE_H
#define ROTA_UPDATE_UPDATE_H

#include "rota/codec/image.h"
#include "rota/codec/name.h"
#include "rota/codec/pack.h"
#include "rota/codec/policy.h"
#include "rota/codec/release.h"
#include "rota/codec/retirements.h"
#include "rota/codec/revocations.h"
#include "rota/codec/rom.h"
#include "rota/port/counter.h"
#include "rota/port/random.h"
#include "rota/port/slots.h"
#include "rota/store/bootaccess.h"
#include "rota/store/devlog.h"
#include "rota/store/journal.h"
#include "rota/store/orderbook.h"
#include "rota/trust/campaign.h"
#include "rota/trust/signedtime.h"
#include "rota/update/session.h"

/* A slot of the device by the name that releases use (SPEC 1.2). */
struct rota_named_slots {
	struct rota_span name;
	const struct rota_slots *slots;
};

/* What the device is; all spans stay in use. */
struct rota_device {
	struct rota_span product;
	struct rota_span hardware;
	struct rota_span channel;
	struct rota_span group; /* empty: none */
	struct rota_span region; /* empty: none */
	struct rota_span id; /* 64 hex digits (SPEC 1.1) */
	struct rota_span spki; /* IDevID SubjectPublicKeyInfo DER, for tags (SPEC 8.5) */
	/* The delegated role that releases for this device come from: "releases", or "ci" for a device that
	 * was provisioned for builds. */
	struct rota_span release_role;
};

enum rota_event_kind {
	ROTA_EVENT_STARTED, /* the first cycle of this journal */
	ROTA_EVENT_CHECKED, /* the policy was read: nothing to install, and why (why.clause) */
	ROTA_EVENT_REFUSED, /* a check of ours said no */
	ROTA_EVENT_DOWNLOADING,
	ROTA_EVENT_INSTALLED, /* written and verified, trial asked for */
	ROTA_EVENT_BOOTED, /* the image on trial runs */
	ROTA_EVENT_CONFIRMED,
	ROTA_EVENT_REVERTED, /* the device is back on the image before */
	ROTA_EVENT_FAILED, /* network, storage, health */
	ROTA_EVENT_RESTORED, /* the journals are older than the counters: only recovery orders install */
	ROTA_EVENT_BOUND, /* that is over: a refresh at signed time passed, and they were bound anew */
};

struct rota_event {
	enum rota_event_kind kind;
	uint64_t seq;
	uint64_t at_s; /* 0: the time is not known */
	uint64_t version; /* 0: none */
	bool has_release;
	uint8_t release[ROTA_SHA256_LEN];
	struct rota_span campaign; /* empty: none */
	uint8_t attempt;
	struct rota_span step; /* what was being done, a word: "timestamp", "download", ... */
	struct rota_why why;
	uint8_t image[ROTA_SHA256_LEN]; /* of the pending release's first component; zeros: none */
	struct rota_logged
		logged; /* the device log with this event as its last entry; count 0: none */
};

/* What a device needs that takes recovery orders; all of it stays in use. */
struct rota_order_config {
	const struct rota_flash *places; /* rota/store/orderplace.h */
	const struct rota_rom *rom;
	struct rota_order_desk *desk;
	struct rota_buf record, order; /* room for the two files: ROTA_KEYSET_MAX and ROTA_ORDER_MAX
					* are always enough; a longer one is ROTA_ERR_LIMIT */
};

/* What a device demands beside a release (SPEC 22.5). */
struct rota_update_demand {
	const struct rota_log_demand *of; /* log and witnesses, of the ROM record */
	const struct rota_logproof_calls *calls; /* &rota_logproof_calls */
	struct rota_logproof *room;
};

/* Data keys of a device: rota/update/keys.h. */
struct rota_update_keys;

struct rota_update_config {
	struct rota_session_config
		session; /* profile: rota_session_device; limits->components: at least 1; floors: the
			    state's, whatever stands here */
	const struct rota_device *device;
	const struct rota_named_slots *slots;
	uint8_t slots_count; /* at most ROTA_STATE_COMPONENTS_MAX */
	struct rota_journal *journal; /* opened */
	const struct rota_boot_access *boot; /* NULL: no boot stage of ours starts this device */
	const struct rota_flash *log; /* of the device log; NULL: none is kept */
	const struct rota_counter
		*counter; /* show whether the journals are the newest (SPEC 9.6); NULL: none */
	const struct rota_rom_watchdog
		*watchdog; /* of the ROM record, told of each refresh; NULL: none */
	/* To ask for signed time, as a device must whose flash was put back; NULL: it stays as it is then found. */
	const struct rota_random *random;
	const struct rota_uptime *uptime;
	const struct rota_order_config
		*order; /* NULL: this device takes no recovery orders; else boot is there */
	const struct rota_update_demand
		*demand; /* a release is installed with a proof only; NULL: without one */
	const struct rota_update_keys *keys; /* NULL: this device has no data keys */
	/* Make what was written durable every so many bytes of a component, so that a download resumes after a power
	 * cut; 0: the slots' backend does that by itself, or it begins again. It costs time, so that megabytes make
	 * sense on a disk. */
	uint64_t resume_every;
	void *event_ctx;
	void (*event)(void *ctx, const struct rota_event *e); /* may be NULL */
};

enum rota_update_want_kind {
	ROTA_UPDATE_FETCH_META,
	ROTA_UPDATE_KEEP_META,
	ROTA_UPDATE_FETCH_TARGET,
	ROTA_UPDATE_FETCH_TIME,
	ROTA_UPDATE_FETCH_RECOVERY,
	ROTA_UPDATE_FETCH_PROOF, /* that the log has the release of this digest (SPEC 22.3) */
	ROTA_UPDATE_FETCH_KEYS, /* the answer with this device's key bundle (SPEC 33.6) */
	ROTA_UPDATE_SEND_STATEMENT, /* of its keys, to the server (SPEC 35.1) */
	ROTA_UPDATE_HEALTH,
	ROTA_UPDATE_REBOOT,
	ROTA_UPDATE_IDLE,
	ROTA_UPDATE_STOPPED,
};

struct rota_update_want {
	enum rota_update_want_kind kind;
	struct rota_want meta; /* FETCH_META, KEEP_META */
	struct rota_span path; /* FETCH_TARGET: target path; valid until the next call */
	enum rota_pack_kind part; /* FETCH_RECOVERY */
	uint8_t sha256
		[ROTA_SHA256_LEN]; /* of the whole file; zeros: not known. FETCH_PROOF: of the release.json;
				      FETCH_KEYS: the campaign */
	uint64_t offset; /* first byte wanted */
	uint64_t length; /* of the whole file; FETCH_PROOF, FETCH_KEYS: the most that is taken */
	struct rota_span statement; /* SEND_STATEMENT: valid until the next call */
	const uint8_t *nonce; /* FETCH_TIME: ROTA_TIME_NONCE_LEN bytes; valid until the next call */
};

/* How a cycle ended, for a person and for the exit status. */
struct rota_outcome {
	struct rota_why why; /* err ROTA_OK: nothing to do, or a reboot is wanted */
	struct rota_span step; /* what was being done */
	struct rota_span role; /* while metadata was: whose */
	uint64_t version; /* the release at hand; 0: none */
};

/* One cycle: private to update.c and its parts (update_*.c), whole at the end of this header. The caller
 * places it and the workspace. */
struct rota_update;

/* Begin a cycle: load the state from the journal.
 * workspace  rota_update_room(config->session.limits) bytes, in use to the end.
 * ROTA_ERR_LIMIT: the workspace is too small. ROTA_ERR_NOT_FOUND, ROTA_ERR_CORRUPT, ROTA_ERR_IO: the journal
 * (a factory state is committed by rota_update_factory(), never here). ROTA_ERR_ARGUMENT: the device has no
 * slots, or a member of config is missing. */
ROTA_MUST_USE enum rota_err rota_update_init(
	struct rota_update *u, const struct rota_update_config *config, struct rota_buf workspace);

size_t rota_update_room(const struct rota_limits *limits);

/* Commit `state` as the first of a device (rota_state_factory()).
 * room  ROTA_STATE_LEN_MAX bytes, in use until this returns: the cycle's workspace will do.
 * ROTA_ERR_STATE: there is one already. ROTA_ERR_LIMIT: the room is too small. */
ROTA_MUST_USE enum rota_err rota_update_factory(
	struct rota_journal *journal, const struct rota_state *state, struct rota_buf room);

void rota_update_want(const struct rota_update *u, struct rota_update_want *out);

/* The next bytes of what is being fetched; after an error the caller stops reading and goes on with
 * rota_update_done(). */
ROTA_MUST_USE enum rota_err rota_update_feed(struct rota_update *u, struct rota_span piece);

/* What is fed now for a FETCH_META is a copy at hand: as rota_session_copy(). */
void rota_update_copy(struct rota_update *u);

/* What was wanted was done: ROTA_OK, or how it failed. For REBOOT, IDLE and STOPPED there is no answer. */
void rota_update_done(struct rota_update *u, enum rota_err how);

/* Valid once IDLE, REBOOT or STOPPED is wanted. */
void rota_update_outcome(const struct rota_update *u, struct rota_outcome *out);

/* Whether the journal holds all that was kept: older versions of those files may go. */
bool rota_update_saved(const struct rota_update *u);

/* Whether the journals are older than the counters (SPEC 9.6): only recovery orders are installed, and the
 * device's clock is not believed. From rota_update_init() on. */
bool rota_update_restored(const struct rota_update *u);

/* The state as it stands: for a status command. */
const struct rota_state *rota_update_state(const struct rota_update *u);

/* What became of the recovery order that was found in this cycle: ROTA_ERR_NOT_FOUND without a clause when none was,
 * or it was the one that is stored; else why it was refused, or ROTA_OK. For a person: an order that is refused stops nothing. */
const struct rota_why *rota_update_order(const struct rota_update *u);

/* Release what a half-done cycle holds. Always the last call. */
void rota_update_drop(struct rota_update *u);

/* ---- private from here ---- */

#define ROTA_UPDATE_EVENTS_MAX 5 /* that one commit may carry */

/* Troubles told in a row: a device in trouble rarely has more at once. And the refreshes that each of them stands for
 * after that: so a tenth is added to the commits of ten years at most, whatever a mirror answers. */
#define ROTA_UPDATE_TOLD_MAX 8
#define ROTA_UPDATE_TOLD_COST 8

/* A verified target that is being read: retirements, revocations, the policy, the release, a component. */
struct rota_reading {
	struct rota_span path;
	uint64_t length;
	uint8_t sha256[ROTA_SHA256_LEN];
	uint64_t got; /* bytes fed; begins at the offset of a resumed component */
	struct rota_sha256 hash;
	struct rota_why why; /* what a decoder said, to be believed only once the digest is right */
	union { /* one after the other */
		struct rota_campaign_finder policy;
		struct rota_release_decoder release;
		struct rota_retirements_decoder retirements;
		struct rota_revocations_decoder revocations;
		struct rota_image image;
	} as;
};

/* Binding and signed time, in a cycle. */
struct rota_update_bound {
	uint8_t verdict; /* enum rota_binding */
	uint8_t err; /* enum rota_err: what reading counter and boot journal said */
	bool root_seen;
	bool stranger; /* what runs is an image that the boot state does not know */
	bool ahead; /* the hardware has burnt more than the boot state ever asked for */
	bool rising; /* a rise waits for the key journal */
	bool back; /* it was restored, and a refresh at signed time ended that */
	uint32_t counter; /* the state counter, as it stands */
	uint8_t root_keys[ROTA_SHA256_LEN]; /* of root's own role, as the session came to them */
	struct rota_time_keys keys;
	uint8_t nonce[ROTA_TIME_NONCE_LEN];
	uint64_t asked_s;
	uint16_t answer_len; /* in scratch */
};

struct rota_update {
	struct rota_update_config config;
	struct rota_update_bound bound;
	struct rota_session session;
	struct rota_floors floors; /* the session's */
	struct rota_state state;
	uint8_t committed[ROTA_SHA256_LEN]; /* digest of the payload in the journal */
	uint8_t at; /* enum rota_update_state */
	bool unsaved; /* metadata was kept that the journal does not speak of yet */
	struct rota_outcome outcome;

	struct rota_event
		events[ROTA_UPDATE_EVENTS_MAX]; /* noted, to be committed and handed out */
	uint8_t event_count;

	struct rota_buf names, value; /* for the scanner */
	struct rota_buf
		scratch; /* a payload of the journal, a piece of a slot, or an answer of time */
	struct rota_buf session_room;
	struct rota_reading reading;

	uint8_t path[ROTA_PATH_MAX]; /* of the policy, retirements, revocations: one at a time */
	uint8_t path_len;
	uint8_t after; /* state that follows when it is known what is over (SPEC 16) */
	bool weighed; /* it is, or cannot be in this cycle */
	bool keyed; /* data keys were looked after in this cycle */
	bool choosing; /* what is asked is whether the policy's release was withdrawn */
	bool policy_new; /* another one than the last */
	bool has_campaign;
	struct rota_campaign campaign;
	struct rota_rollout_facts facts;

	struct rota_release release;
	struct rota_release_want components; /* of the release, in the workspace */
	const struct rota_slots *slots; /* that the component at hand is written to */
	bool resumed; /* it goes on from what was there; once that proves wrong it begins again at 0: */
	bool spoilt; /* what was there is not to be gone on with */

	/* recovery orders */
	bool held; /* the desk has the order that the boot state names, and it counts */
	bool ordering; /* the component at hand is its image */
	struct rota_order_held holds; /* what a new order must leave */
	uint16_t record_len, order_len; /* read into the rooms */
	struct rota_why order_why;

	/* the release that events and the outcome speak of */
	bool about_set;
	uint8_t about_release[ROTA_SHA256_LEN];
	uint64_t about_version; /* 0: not known yet */
	uint8_t about_attempt;
};

/* Whether the image that is written to a slot is a recovery order's. */
static inline bool rota_update_ordering(const struct rota_update *u)
{
	return u->ordering;
}

#endif
