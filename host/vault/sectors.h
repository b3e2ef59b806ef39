/* SPDX-License-Identifier: Apache-2.0 */
/* host/vault/sectors.h -- within the vault: its file, as the flash that the log wants (SPEC 36.6).
 *
 * A file is no flash: it takes any byte at any time, and its sync waits milliseconds. So
 *
 *  - a *sync* of the log's is only a note of how far it is to be made durable, since the vault is held meanwhile. Who wants it
 *    done calls rota_vault_sectors_settle() without holding the vault, and one sync does for all that came before it;
 *  - an *erase* first sees to it that what was moved out of the sector is durable indeed. Then it writes over the sector's header
 *    alone, and what stands behind reads erased from now on, here. Whoever opens the file later reads what it has, so
 *    closing fills the rest of the newest sector; where a crash came first that rest does not read erased, and the log
 *    passes it over;
 *  - of the sector that is being cleaned all bytes are read at once, and what is written between _gather() and _flush() goes
 *    to the file in one piece;
 *  - headers are read once.
 *
 * All but settle are called with the vault held.
 */
#ifndef HOST_VAULT_SECTORS_H
#define HOST_VAULT_SECTORS_H

#include "host/base/fail.h"
#include "ports/flash_file/flash_file.h"
#include "rota/store/vault.h"

#include <pthread.h>
#include <stdatomic.h>

#define ROTA_VAULT_FILE_SECTOR_LEN (256u * 1024)
#define ROTA_VAULT_FILE_UNIT 8

struct rota_vault_sectors {
	struct rota_flash port; /* the log's; its ctx is this struct: do not move it */
	struct rota_flash_file file; /* what writes and reads indeed */
	const struct rota_vault
		*log; /* whose flash it is: which sector is cleaned, which are free */
	uint32_t *
		blank; /* of each sector: from which byte on it reads erased, whatever the file has */
	uint8_t *ahead; /* the bytes of one sector */
	uint32_t ahead_of; /* of which; UINT32_MAX: none */
	uint8_t (*header)[ROTA_VAULT_HEADER_LEN]; /* of each sector */
	bool *header_known;
	bool gathering;
	uint8_t *gathered,
		*again; /* what was written and is in no file yet; and room to read it back */
	uint32_t gathered_at, gathered_len;
	_Atomic uint64_t written; /* counts the log's writes */
	uint64_t asked; /* as far as the log asked them to be durable */
	uint32_t since; /* log->since, as it was seen last */
	uint64_t
		freed; /* as far as must be durable before a sector that counts no more is erased */
	pthread_mutex_t syncing;
	_Atomic uint64_t synced; /* as far as they are durable */
	_Atomic bool failed; /* a sync did: nobody knows what the disk has */
};

/* Open the file at `path`, which is made with so many sectors where there is none, take its lock, and make durable what
 * another process left. log: not opened yet. Whoever opened closes, but not after an error.
 * ROTA_ERR_BUSY: another process has it. ROTA_ERR_CORRUPT: its length is none of a vault. Else by errno. */
ROTA_MUST_USE enum rota_err rota_vault_sectors_open(struct rota_vault_sectors *s, const char *path,
	uint32_t sectors, const struct rota_vault *log, struct rota_fail *why);

void rota_vault_sectors_close(struct rota_vault_sectors *s);

/* All that was written before this call is durable. After one that failed each fails, and so does each write. */
ROTA_MUST_USE enum rota_err rota_vault_sectors_settle(struct rota_vault_sectors *s);

/* From here on entries are gathered. flush: they are in the file, and were read back. If that fails nothing is written any more,
 * as after a sync that failed: what the log believes to be there is not. */
void rota_vault_sectors_gather(struct rota_vault_sectors *s);
ROTA_MUST_USE enum rota_err rota_vault_sectors_flush(struct rota_vault_sectors *s);

/* Whether an erase would have to wait for the disk. */
bool rota_vault_sectors_would_wait(struct rota_vault_sectors *s);

#endif
