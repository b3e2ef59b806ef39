/* SPDX-License-Identifier: Apache-2.0 */
#include "host/log/head.h"
#include "host/base/file.h"

enum rota_err rota_log_head_read(const char *path, struct rota_log_head *out, struct rota_fail *why)
{
	struct rota_span text, lines;
	enum rota_err err;

	*out = (struct rota_log_head){ .at = { .size = 0 } };
	ROTA_TRY(rota_file_read(path, ROTA_LOG_HEAD_MAX, &out->note, why));
	err = rota_note_split(rota_bytes_span(&out->note), &text, &lines);
	if (err == ROTA_OK)
		err = rota_checkpoint_read(text, &out->at);
	if (err == ROTA_OK)
		return ROTA_OK;
	rota_log_head_free(out);
	return rota_fail(why, err, "%s is no checkpoint", path);
}

void rota_log_head_free(struct rota_log_head *head)
{
	rota_bytes_free(&head->note);
}
