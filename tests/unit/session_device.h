/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/session_device.h -- a device that runs TUF sessions against a repository in memory (repo_maker.h).
 *
 * It keeps what a device keeps, the copies at hand too, and answers a session's wants as an application does.
 * A test turns its knobs, runs a session, and looks at how it ended. One device at a time.
 */
#ifndef TESTS_UNIT_SESSION_DEVICE_H
#define TESTS_UNIT_SESSION_DEVICE_H

#include "rota/update/session.h"
#include "tests/unit/repo_maker.h"

#define NOW UINT64_C(1800000000)
#define HOUR_S UINT64_C(3600)
#define DAY_S UINT64_C(86400)
#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define POLICY "rollouts/lamp.json"
#define RELEASE "releases/lamp/2.0.0/release.json"

extern const struct rota_limits device_limits;

/* A device: what it keeps, and what it saw. */
struct device {
	struct maker m;
	struct rota_trusted trusted;
	struct rota_floors floors, raised; /* committed; the session's */
	struct maker_file kept[MAKER_FILES_MAX]; /* the copies at hand */
	int kept_count;
	struct maker_bytes disk[2]; /* to the letter: the trusted timestamp and snapshot */
	struct maker_bytes last; /* fed last */
	uint64_t clock_s; /* 0: it has none */
	size_t piece; /* bytes fed at once */
	unsigned fetched; /* files from the network */
	bool forgetful; /* nothing is at hand */
	const struct rota_session_profile *profile;
	const struct rota_limits *limits;
	/* Answers in place of the server, and copies at hand in place of those kept: NULL as it stands. */
	const struct maker_file *(*server)(struct device *d, const struct rota_want *w);
	const struct maker_file *(*planted)(struct device *d, const struct rota_want *w);
	const struct maker_file *answer; /* what these are to give */
	int answered;
	struct rota_target target;
	bool floor_fell;
};

/* One that left the factory with root 1 of a good repository, published at NOW, an hour later. */
struct device *device_new(void);

/* A whole session: refresh, then look for a target, if there is a path. */
struct rota_why device_session(struct device *d, const char *role, const char *path);
struct rota_why device_refresh(struct device *d);

/* The same in steps: begin, run until it has what it wants, rota_session_find_in(), run ... rota_session_drop().
 * Finer still: device_step() does what is wanted, a FETCH or a KEEP. */
enum rota_err device_begin(struct device *d, struct rota_session *s);
struct rota_why device_run(struct device *d, struct rota_session *s);
void device_step(struct device *d, struct rota_session *s, const struct rota_want *w);

struct maker_bytes device_bytes(const char *text);

/* Make the next root, signed by `a` and `b` of the old one and by `c` and `e` of the new one. */
void device_next_root(struct maker *m, uint64_t now_s, int a, int b, int c, int e);

/* ---- what attacks have in common ---- */

/* The role's file is signed by these two from now on; key_b below 0: by one. */
void device_sign_by(struct device *d, int role, int key_a, int key_b);

/* An hour later: a new version of a role, and of what lists it; role -1: of timestamp and snapshot only. */
void device_publish(struct device *d, int role);

/* The server gives this file for whatever is asked of a role. */
void device_answer(struct device *d, const char *role, const struct maker_file *with);

/* This file is at hand for whatever is asked of a role by digest; the server has the right one. */
void device_plant(struct device *d, const char *role, const struct maker_file *with);

/* What is given then: a function for d->server. */
const struct maker_file *device_give(struct device *d, const struct rota_want *w);

#define CHECK_WHY(why, e, c)                                                                       \
	do {                                                                                       \
		struct rota_why got_why = (why);                                                   \
		CHECK_EQ(got_why.err, e);                                                          \
		CHECK_EQ(got_why.clause, c);                                                       \
	} while (0)
#define CHECK_GOOD(why) CHECK_WHY(why, ROTA_OK, ROTA_CLAUSE_NONE)

#endif
