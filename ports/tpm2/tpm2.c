/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/tpm2/tpm2.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#define TURN_TRIES 3000 /* for another's act: half a minute */
#define TURN_PAUSE_NS 10000000

/* ---- whose turn it is ---- */

/* The folder of the socket of a software TPM; false: `tcti` is another way. */
static bool socket_folder(const char *tcti, char out[static ROTA_TPM2_TCTI_MAX])
{
	static const char way[] = "swtpm:path=";
	const char *path = tcti + sizeof(way) - 1, *slash;

	if (strncmp(tcti, way, sizeof(way) - 1) != 0 || strlen(path) >= ROTA_TPM2_TCTI_MAX)
		return false;
	slash = strrchr(path, '/');
	if (slash == NULL || slash == path)
		return false;
	memcpy(out, path, (size_t)(slash - path));
	out[slash - path] = '\0';
	return true;
}

/* -1: nobody waits for a turn here. */
static enum rota_err take_turn(const char *tcti, int *turn)
{
	const struct timespec pause = { .tv_nsec = TURN_PAUSE_NS };
	char folder[ROTA_TPM2_TCTI_MAX];

	*turn = -1;
	if (!socket_folder(tcti, folder))
		return ROTA_OK;
	*turn = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; *turn >= 0 && flock(*turn, LOCK_EX | LOCK_NB) != 0; i++) {
		if ((errno != EWOULDBLOCK && errno != EINTR) || i == TURN_TRIES) {
			(void)close(*turn);
			return ROTA_ERR_IO;
		}
		(void)nanosleep(&pause, NULL);
	}
	return ROTA_OK;
}

static void give_turn(const struct rota_tpm2 *tpm)
{
	if (tpm->turn >= 0)
		(void)close(tpm->turn);
}

/* ---- one act ---- */

enum rota_err rota_tpm2_open(struct rota_tpm2 *tpm, const char *tcti)
{
	*tpm = (struct rota_tpm2){ .turn = -1 };
	(void)setenv("TSS2_LOG", "all+NONE", 0);
	ROTA_TRY(take_turn(tcti, &tpm->turn));
	if (Tss2_TctiLdr_Initialize(tcti, &tpm->tcti) != TSS2_RC_SUCCESS) {
		give_turn(tpm);
		return ROTA_ERR_IO;
	}
	if (Esys_Initialize(&tpm->esys, tpm->tcti, NULL) != TSS2_RC_SUCCESS) {
		Tss2_TctiLdr_Finalize(&tpm->tcti);
		give_turn(tpm);
		return ROTA_ERR_IO;
	}
	return ROTA_OK;
}

void rota_tpm2_close(struct rota_tpm2 *tpm)
{
	Esys_Finalize(&tpm->esys);
	Tss2_TctiLdr_Finalize(&tpm->tcti);
	give_turn(tpm);
}

/* ---- what it answers ---- */

/* TPM 2.0 part 2, 6.6: a format-one code says beside which handle or parameter it speaks of. */
static TSS2_RC bare(TSS2_RC rc)
{
	if ((rc & TPM2_RC_FMT1) == 0)
		return rc;
	return rc & (TPM2_RC_FMT1 | 0x3Fu);
}

enum rota_err rota_tpm2_err(TSS2_RC rc)
{
	if (rc == TSS2_RC_SUCCESS)
		return ROTA_OK;
	if ((rc & TSS2_RC_LAYER_MASK) != TSS2_TPM_RC_LAYER)
		return ROTA_ERR_IO; /* our own side, or the way there */
	switch (bare(rc)) {
	case TPM2_RC_HANDLE:
	case TPM2_RC_NV_UNINITIALIZED:
	case TPM2_RC_ATTRIBUTES:
	case TPM2_RC_NV_RANGE:
		return ROTA_ERR_CORRUPT;
	case TPM2_RC_BAD_AUTH:
	case TPM2_RC_AUTH_FAIL:
	case TPM2_RC_NV_AUTHORIZATION:
		return ROTA_ERR_DENIED;
	case TPM2_RC_ECC_POINT:
		return ROTA_ERR_FORMAT;
	case TPM2_RC_NV_SPACE:
	case TPM2_RC_NV_DEFINED:
		return ROTA_ERR_FULL;
	default:
		return ROTA_ERR_IO;
	}
}
