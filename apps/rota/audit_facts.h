/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/audit_facts.h -- what an authority's own directory adds to an entry of the log: whose a key is, and which build a
 * release came from. Without one entries are shown as they stand.
 */
#ifndef APPS_ROTA_AUDIT_FACTS_H
#define APPS_ROTA_AUDIT_FACTS_H

#include "host/keys/keys.h"
#include "rota/codec/leaf.h"

struct audit_facts {
	bool there; /* there is an authority directory */
	struct rota_authdir dir;
	struct rota_keys *keys;
};

/* An authority in `dir`, or none; where a folder that `rota audit export` made is looked at, the keys that it has. `f` is zeroed, and not
 * moved afterwards. */
void audit_facts_open(struct audit_facts *f, const char *dir, const char *export);
void audit_facts_close(struct audit_facts *f);

#define AUDIT_KEY_MAX 512

/* "LABEL of OWNER" of a key id's digits; of one that is not known how it begins. */
void audit_key_text(const struct audit_facts *f, const char *id, char out[static AUDIT_KEY_MAX]);

/* {"build","builders"?,"provenance"?} of the release.json that this entry is of, NULL where it is not of one, or that file is
 * gone. `builders` have what each known builder signed of it: {"builder","invocation","revision","source"}; they are there
 * when the statements hold for this release (SPEC 26.5). The caller decrefs. */
json_t *audit_build(const struct audit_facts *f, const struct rota_leaf *leaf);

#endif
