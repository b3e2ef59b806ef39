/* SPDX-License-Identifier: Apache-2.0 */
/* rota/update/why.h -- which rule refused.
 *
 * An enum rota_err says what kind of thing went wrong; a clause says which rule of which text was not met.
 * Both travel together to the log line, the report and the person. The names are those of the text:
 * ROTA_CLAUSE_TUF_5_4_3_1 is section 5.4.3.1 of the TUF specification 1.0.34, ROTA_CLAUSE_SPEC_4_3 is
 * clause 4.3 of our SPEC.md. A clause that demands several things has a further name for each that a person
 * must tell apart.
 */
#ifndef ROTA_UPDATE_WHY_H
#define ROTA_UPDATE_WHY_H

#include "rota/base/err.h"

#include <stdint.h>

/* name, section, what the clause demands. Numbers stand in device logs (SPEC 11.4): new clauses come last. */
#define ROTA_CLAUSES(X)                                                                            \
	X(NONE, "", "")                                                                            \
	X(TUF_5_2, "TUF 5.2", "a trusted root to start from")                                      \
	X(TUF_5_3_2, "TUF 5.3.2", "the next root can be fetched")                                  \
	X(TUF_5_3_4, "TUF 5.3.4", "signed by the thresholds of the old and the new root")          \
	X(TUF_5_3_5, "TUF 5.3.5", "the next root's version is the trusted one's + 1")              \
	X(TUF_5_3_10, "TUF 5.3.10", "root has not expired")                                        \
	X(TUF_5_4_1, "TUF 5.4.1", "the timestamp can be fetched")                                  \
	X(TUF_5_4_2, "TUF 5.4.2", "timestamp signed by its threshold")                             \
	X(TUF_5_4_3_1, "TUF 5.4.3.1", "the timestamp's version does not go back")                  \
	X(TUF_5_4_3_2, "TUF 5.4.3.2", "the snapshot version in timestamp does not go back")        \
	X(TUF_5_4_4, "TUF 5.4.4", "timestamp has not expired")                                     \
	X(TUF_5_5_1, "TUF 5.5.1", "the snapshot can be fetched")                                   \
	X(TUF_5_5_2, "TUF 5.5.2", "snapshot has length and hash that timestamp lists")             \
	X(TUF_5_5_3, "TUF 5.5.3", "snapshot signed by its threshold")                              \
	X(TUF_5_5_4, "TUF 5.5.4", "snapshot has the version that timestamp lists")                 \
	X(TUF_5_5_5, "TUF 5.5.5", "no role's version in snapshot goes back, none vanishes")        \
	X(TUF_5_5_6, "TUF 5.5.6", "snapshot has not expired")                                      \
	X(TUF_5_6_1, "TUF 5.6.1", "the role's file can be fetched")                                \
	X(TUF_5_6_2, "TUF 5.6.2", "role file has length and hash that snapshot lists")             \
	X(TUF_5_6_3, "TUF 5.6.3", "role file signed by the threshold of its delegator")            \
	X(TUF_5_6_4, "TUF 5.6.4", "role file has the version that snapshot lists")                 \
	X(TUF_5_6_5, "TUF 5.6.5", "role file has not expired")                                     \
	X(TUF_5_6_7, "TUF 5.6.7", "a role that may sign the target lists it")                      \
	X(TUF_5_7_3, "TUF 5.7.3", "target has length and hash that its role lists")                \
	X(SPEC_2, "SPEC 2", "the one spelling of JSON")                                            \
	X(SPEC_3, "SPEC 3", "metadata of the known form")                                          \
	X(SPEC_4_2, "SPEC 4.2", "no key id twice in signatures")                                   \
	X(SPEC_4_3, "SPEC 4.3", "a role's version is not below its verified floor")                \
	X(SPEC_4_4, "SPEC 4.4", "the target comes from the role that was asked")                   \
	X(SPEC_4_5, "SPEC 4.5", "issued and expiry within the role's lifetime and the clock")      \
	X(SPEC_4_6, "SPEC 4.6", "within the slot of the root")                                     \
	X(SPEC_4_8, "SPEC 4.8", "within the limits of this device")                                \
	X(SPEC_5_5, "SPEC 5.5", "signed time for this device's nonce, within a minute")            \
	X(SPEC_6, "SPEC 6", "an image of the known form")                                          \
	X(SPEC_6_5, "SPEC 6.5", "an image for this product, hardware, counter and key")            \
	X(SPEC_7_1, "SPEC 7.1", "a release of the known form")                                     \
	X(SPEC_7_2, "SPEC 7.2", "a release for this product, hardware and slots")                  \
	X(SPEC_7_3, "SPEC 7.3", "no downgrade that nothing permits")                               \
	X(SPEC_7_3_MINIMUM, "SPEC 7.3", "the running version is at least the minimum")             \
	X(SPEC_7_4, "SPEC 7.4", "a release that failed is not tried again beyond its retries")     \
	X(SPEC_8_1, "SPEC 8.1", "a rollout policy of the known form")                              \
	X(SPEC_8_1_POLICY, "SPEC 8.1", "a rollout policy for this product")                        \
	X(SPEC_8_2, "SPEC 8.2", "a campaign of the known form")                                    \
	X(SPEC_8_2_CHANNEL, "SPEC 8.2", "a campaign for this device's channel")                    \
	X(SPEC_8_2_STATE, "SPEC 8.2",                                                              \
		"a campaign that is active or done, neither paused nor aborted")                   \
	X(SPEC_8_2_WINDOW, "SPEC 8.2", "a time within the campaign's window")                      \
	X(SPEC_8_7, "SPEC 8.7", "a stage admits this device, within the ceilings")                 \
	X(SPEC_8_9, "SPEC 8.9", "the policy's sequence does not go back")                          \
	X(SPEC_9, "SPEC 9", "the journal can be read and written")                                 \
	X(SPEC_9_6, "SPEC 9.6", "the journals are as new as the state counter")                    \
	X(SPEC_10, "SPEC 10", "the slot can be written and switched")                              \
	X(SPEC_10_2, "SPEC 10.2", "an image on trial is confirmed before the next boot")           \
	X(SPEC_15_2, "SPEC 15.2", "a recovery order of the known form")                            \
	X(SPEC_15_3, "SPEC 15.3",                                                                  \
		"a recovery order of the anchor, for this device, of a new epoch")                 \
	X(SPEC_15_6, "SPEC 15.6", "a recovery order can be stored")                                \
	X(SPEC_15_7, "SPEC 15.7", "a recovery order is followed to its end")                       \
	X(SPEC_16, "SPEC 16", "retirements and revocations of the known form")                     \
	X(SPEC_16_3, "SPEC 16.3", "the sequence of retirements or revocations does not go back")   \
	X(SPEC_16_4, "SPEC 16.4", "a release that was not withdrawn")                              \
	X(SPEC_22_5, "SPEC 22.5", "a proof that the log has the release, and witnesses saw it")    \
	X(SPEC_32_2, "SPEC 32.2", "a list of key campaigns of the known form")                     \
	X(SPEC_32_5, "SPEC 32.5", "a list and a campaign of keys that do not go back or too far")  \
	X(SPEC_33_7, "SPEC 33.7", "a key bundle for this device, under what its role lists")       \
	X(SPEC_34, "SPEC 34", "data keys as journals and root of trust have them")                 \
	X(SPEC_35, "SPEC 35", "a statement of its keys that the server takes")

enum rota_clause {
#define ROTA_CLAUSE_ENUM(name, section, demand) ROTA_CLAUSE_##name,
	ROTA_CLAUSES(ROTA_CLAUSE_ENUM)
#undef ROTA_CLAUSE_ENUM
		ROTA_CLAUSE_COUNT
};

struct rota_why {
	enum rota_err err;
	enum rota_clause clause;
};

/* "TUF 5.4.3.1"; "" for NONE. Static storage. Text lives in an object of its own (why.c). */
const char *rota_clause_section(enum rota_clause clause);

/* What the clause demands, as half a sentence. Static storage. */
const char *rota_clause_demand(enum rota_clause clause);

#endif
