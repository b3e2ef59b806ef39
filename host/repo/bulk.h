/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/bulk.h -- many targets at once: from files, or from a list of what lies in the repository already.
 *
 * A list has one target a line, fields between tabs:
 *
 *     PATH<tab>FILE               the file is copied to its place
 *     PATH<tab>LENGTH<tab>SHA256  another program puts the bytes to targets/DIR/SHA256.NAME, here or where else devices
 *                                 fetch them; those that are not here are marked as absent on the shelf
 *
 * Each bin is read and signed once. A target that is listed already is never changed: the same again is no error,
 * so that a run that was cut off is simply repeated.
 */
#ifndef HOST_REPO_BULK_H
#define HOST_REPO_BULK_H

#include "host/base/digest.h"
#include "host/repo/metadata.h"
#include "host/repo/shelf.h"

/* Longest line: a target path and a file name of the file system's. */
#define ROTA_BULK_LINE_MAX 8192

struct rota_bulk_done {
	uint64_t added, known; /* targets */
	uint64_t files; /* that were signed: bins, or the role's */
	uint64_t version; /* the highest of them; where none was signed, the highest there is */
};

/* Copy `file` to its place and put it on the shelf. */
ROTA_MUST_USE enum rota_err rota_bulk_file(const struct rota_authdir *dir, const char *path,
	const char *file, struct rota_shelf *shelf, struct rota_fail *why);

/* Every line of the file `list`; progress, or NULL, goes by its bytes. ROTA_ERR_FORMAT names the line. */
ROTA_MUST_USE enum rota_err rota_bulk_list(const struct rota_authdir *dir, const char *list,
	const struct rota_progress *progress, struct rota_shelf *shelf, struct rota_fail *why);

/* Have `role` list what is on the shelf; sign and stage. */
ROTA_MUST_USE enum rota_err rota_bulk_add(struct rota_desk *desk, const char *role,
	struct rota_shelf *shelf, const struct rota_progress *progress, struct rota_bulk_done *out,
	struct rota_fail *why);

#endif
