/* SPDX-License-Identifier: Apache-2.0 */
/* rota/update/session_steps.h -- the TUF workflow as rows of a table: what each state reads, and whose word counts.
 *
 * A profile makes its table of them, and says in each row what becomes of the file: `then`. Only profiles include
 * this header. */
#ifndef ROTA_UPDATE_SESSION_STEPS_H
#define ROTA_UPDATE_SESSION_STEPS_H

#include "rota/update/session_parts.h"

#define ROTA_STEP_FILE(member) (offsetof(struct rota_session, member) / ROTA_STEP_UNIT)
_Static_assert(ROTA_STEP_FILE(trusted.snapshot) <= UINT8_MAX && ROTA_STEP_FILE(meta) <= UINT8_MAX,
	"where files stand fits a row");
_Static_assert(_Alignof(struct rota_tuf_file) % ROTA_STEP_UNIT == 0, "and is a multiple");

#define ROTA_STEP_ROOT_LOAD                                                                        \
	.role = ROTA_TOP_ROOT, .keep = ROTA_MARK_BY, .file = ROTA_STEP_FILE(trusted.root),         \
	.fetch = ROTA_CLAUSE_TUF_5_2, .hash = ROTA_CLAUSE_TUF_5_2, .event = rota_root_event

#define ROTA_STEP_ROOT_NEXT                                                                        \
	.role = ROTA_TOP_ROOT, .by = ROTA_BY, .keep = ROTA_MARK_BY, .file = ROTA_STEP_FILE(meta),  \
	.fetch = ROTA_CLAUSE_TUF_5_3_2, .hash = ROTA_CLAUSE_TUF_5_3_2,                             \
	.sigs = ROTA_CLAUSE_TUF_5_3_4, .event = rota_root_event

/* What the candidate says came out of its first reading; a second one, of the same digest, says the same, so nothing
 * of it is heard, whatever it is. */
#define ROTA_STEP_ROOT_SELF                                                                        \
	.role = ROTA_TOP_ROOT, .by = ROTA_TOP_ROOT, .keep = ROTA_KEEPS_ALL,                        \
	.file = ROTA_STEP_FILE(meta), .fetch = ROTA_CLAUSE_TUF_5_3_2,                              \
	.hash = ROTA_CLAUSE_TUF_5_3_4, .sigs = ROTA_CLAUSE_TUF_5_3_4

#define ROTA_STEP_TIMESTAMP                                                                        \
	.role = ROTA_TOP_TIMESTAMP, .by = ROTA_TOP_TIMESTAMP, .keep = ROTA_KEEPS_ALL,              \
	.fetch = ROTA_CLAUSE_TUF_5_4_1, .hash = ROTA_CLAUSE_TUF_5_4_1,                             \
	.sigs = ROTA_CLAUSE_TUF_5_4_2, .event = rota_meta_event

/* Its event: rota_meta_event(), or one that compares. */
#define ROTA_STEP_SNAPSHOT                                                                         \
	.role = ROTA_TOP_SNAPSHOT, .by = ROTA_TOP_SNAPSHOT, .keep = ROTA_KEEPS_ALL,                \
	.file = ROTA_STEP_FILE(trusted.listed), .fetch = ROTA_CLAUSE_TUF_5_5_1,                    \
	.hash = ROTA_CLAUSE_TUF_5_5_2, .sigs = ROTA_CLAUSE_TUF_5_5_3

/* It is the trusted one. */
#define ROTA_STEP_META                                                                             \
	.role = ROTA_TOP_SNAPSHOT, .keep = ROTA_KEEPS_ALL, .file = ROTA_STEP_FILE(trusted.listed), \
	.fetch = ROTA_CLAUSE_TUF_5_5_1, .hash = ROTA_CLAUSE_TUF_5_5_2, .event = rota_meta_event

/* Its event: rota_role_event(), or rota_bind_event(). */
#define ROTA_STEP_ROLE                                                                             \
	.role = ROTA_VISITED, .by = ROTA_BY,                                                       \
	.keep = 1u << ROTA_TOP_TARGETS | ROTA_MARK_BY | ROTA_MARK_HELD,                            \
	.file = ROTA_STEP_FILE(meta), .fetch = ROTA_CLAUSE_TUF_5_6_1,                              \
	.hash = ROTA_CLAUSE_TUF_5_6_2, .sigs = ROTA_CLAUSE_TUF_5_6_3, .then = rota_role_done

/* TUF 5.5.5, where it is done by comparing: of ROTA_ST_SNAPSHOT_OLD. */
#define ROTA_STEP_SNAPSHOT_OLD                                                                     \
	.role = ROTA_TOP_SNAPSHOT, .keep = ROTA_KEEPS_ALL, .at_hand = true,                        \
	.file = ROTA_STEP_FILE(trusted.snapshot), .fetch = ROTA_CLAUSE_TUF_5_5_5,                  \
	.hash = ROTA_CLAUSE_TUF_5_5_5, .event = rota_compare_event, .then = rota_compare_done

#endif
