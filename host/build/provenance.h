/* SPDX-License-Identifier: Apache-2.0 */
/* host/build/provenance.h -- what a build was made of, and what came out: in-toto Statement v1 with SLSA provenance v1
 * (SPEC 26.1), and the CycloneDX bill of materials beside it (SPEC 26.4).
 *
 * A statement is written once by the builder and read by who promotes: every component of a release must stand in it
 * under its name with its digest, an image under NAME#image with the image digest (SPEC 6.2), which later signatures
 * do not change.
 */
#ifndef HOST_BUILD_PROVENANCE_H
#define HOST_BUILD_PROVENANCE_H

#include "host/base/json.h"
#include "host/sign/authdir.h"

/* What of a build becomes an image (SPEC 6.3); product NULL: nothing does. */
struct rota_build_image {
	const char *product;
	uint64_t version;
	uint32_t counter;
	const char *const *hardware;
	size_t hardware_count;
};

struct rota_build_facts {
	const char *id; /* of this build: SLSA's invocationId */
	const char *source, *revision; /* URI; what its version control calls it */
	const char *builder; /* URI of who built */
	const json_t *command; /* list of words */
	const json_t *paths; /* artifact name to its path in the build */
	const json_t *artifacts; /* list of {"digest","image"?,"name"} of hex digits */
	const json_t *packages; /* list of {"name","purl","version"}: what was installed */
	const char *tree; /* digest of the source (tree.h) */
	struct rota_build_image image;
	uint64_t epoch_s, started_s, finished_s;
};

/* The statement; the caller decrefs. NULL: something is no UTF-8. */
json_t *rota_provenance_make(const struct rota_build_facts *f);

/* Bill of materials of the artifacts, which are named after `name` and `version`; `contains` are those packages whose code
 * is in them. Equal builds give equal ones. The caller decrefs. */
json_t *rota_sbom_make(const struct rota_build_facts *f, const char *name, const char *version,
	const json_t *contains);

/* Whether a text is a statement of ours; *statement is it, which the caller decrefs. */
ROTA_MUST_USE enum rota_err rota_provenance_parse(
	struct rota_span text, json_t **statement, struct rota_fail *why);

/* The digest of the subject of that name, NULL when there is none. */
const char *rota_provenance_subject(const json_t *statement, const char *name);

/* The bundle (dsse.h) has statements of `need` distinct builders, and each of known builders says of every component of
 * `release` (a release.json) the digest that stands there.
 * ROTA_ERR_THRESHOLD: too few builders. ROTA_ERR_HASH: one says another digest or none; the sentence names builder and
 * component. ROTA_ERR_SIGNATURE, ROTA_ERR_FORMAT, ROTA_ERR_LIMIT: more envelopes than ROTA_DSSE_LINES_MAX. */
ROTA_MUST_USE enum rota_err rota_provenance_check(struct rota_span bundle,
	const struct rota_named_key *builders, size_t count, const json_t *release, unsigned need,
	struct rota_fail *why);

#endif
