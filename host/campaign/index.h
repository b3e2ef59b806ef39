/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/index.h -- who gets a bundle, in the order of the tree: 28 bytes a device, out of an export of the
 * registry (SPEC 30.3) and two books of psks (37.4).
 *
 * Nothing in an export is believed but what the HMAC of its rows says. A row that is forged, of another product, double or
 * out of order spoils all of it: somebody altered it. A row that is true and of no use is left out and told:
 *
 *     gone       the device is decommissioned
 *     stale      an older row than one that was sealed to before: its agree key is gone from the device by now
 *     has        it proved this generation already, or a later one
 *     later      a later generation was sealed to it: this one is overtaken, and the book is beyond it
 *     mute       it proved a generation whose psk the books do not have, nor a factory's: it would refuse base mode
 *     sealed     an earlier tree of the campaign has a bundle for it, to the agree key and under the psk that it has now
 */
#ifndef HOST_CAMPAIGN_INDEX_H
#define HOST_CAMPAIGN_INDEX_H

#include "host/campaign/book.h"
#include "host/campaign/earlier.h"
#include "host/campaign/row.h"
#include "rota/codec/keybundle.h"

#define ROTA_INDEX_NONE UINT32_MAX

struct rota_index_entry {
	uint8_t locator[ROTA_KEYBUNDLE_LOCATOR_LEN];
	uint32_t row; /* in the export */
	uint32_t own, factory; /* rows of the books, ROTA_INDEX_NONE: it has none there */
};

enum rota_index_skip {
	ROTA_INDEX_TAKEN,
	ROTA_INDEX_GONE,
	ROTA_INDEX_STALE,
	ROTA_INDEX_HAS,
	ROTA_INDEX_LATER,
	ROTA_INDEX_MUTE,
	ROTA_INDEX_SEALED,
	ROTA_INDEX_SKIPS
};

/* One word each, for people. */
extern const char *const rota_index_skip_word[ROTA_INDEX_SKIPS];

struct rota_index_plan {
	int export_fd;
	const char *export_path; /* in sentences */
	const struct rota_export *head;
	const struct rota_hmac *registry;
	const struct rota_crypto *crypto;
	const uint8_t *campaign; /* id, 32 bytes */
	uint8_t purpose;
	uint32_t generation;
	bool emergency;
	const char *own_book, *factory_book; /* paths */
	const struct rota_book_tools *books;
	const struct rota_earlier *earlier; /* trees of the campaign before this one */
	unsigned threads;
	/* Told of each that is left out, in the order of the export; may be NULL. */
	void (*skip)(void *ctx, const uint8_t *device, enum rota_index_skip why);
	void *skip_ctx;
};

struct rota_index {
	struct rota_index_entry *entries; /* ascending by locator */
	uint32_t size;
	uint32_t skipped[ROTA_INDEX_SKIPS];
	uint8_t digest[32]; /* over locators and rows: the same index, the same digest */
};

/* ROTA_ERR_SIGNATURE, ROTA_ERR_FORMAT, ROTA_ERR_PRODUCT: the export. ROTA_ERR_NOT_FOUND: nobody is left. Else the books'. */
ROTA_MUST_USE enum rota_err rota_index_build(
	const struct rota_index_plan *plan, struct rota_index *out, struct rota_fail *why);
void rota_index_free(struct rota_index *index);

/* One device, looked at again: its row, and what the books have of it. Wipe it. */
struct rota_index_device {
	struct rota_row row;
	bool has_own, has_psk; /* has_psk false: base mode */
	struct rota_book_row own; /* in the purpose's book */
	uint8_t psk[ROTA_PSK_LEN];
	/* An earlier tree has it, in a bundle that it cannot open any more: its secret is that one's. */
	struct rota_earlier_place earlier;
};

/* Judged anew: what lies on disk between two looks is no more believed than at the first. The books are open in this
 * thread; factory NULL: nothing is sealed to it any more, and which psk it has is not asked. ROTA_ERR_CORRUPT: export or
 * book are not what the index was made of. */
ROTA_MUST_USE enum rota_err rota_index_look(const struct rota_index_plan *plan,
	const struct rota_index_entry *entry, const struct rota_book *own,
	const struct rota_book *factory, struct rota_index_device *out, struct rota_fail *why);

#endif
