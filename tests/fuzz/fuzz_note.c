/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes: the text as a checkpoint, each line as of a key of each kind. What reads is written the same again. */
#include "rota/codec/note.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t room[ROTA_NOTE_TEXT_MAX];

static void try_line(struct rota_span text, struct rota_span line)
{
	struct rota_note_key key = { .name = ROTA_STR("w"), .id = { 'i', 'd', 'i', 'd' } };
	struct rota_span again;
	uint8_t sig[ROTA_NOTE_SIG_LEN];
	uint64_t time_s;

	for (int kind = ROTA_NOTE_LOG_P256; kind <= ROTA_NOTE_WITNESS_P256; kind++) {
		key.kind = (enum rota_note_kind)kind;
		if (rota_note_line_read(&key, line, &time_s, sig) != ROTA_OK)
			continue;
		if (rota_note_line(&key, time_s, ROTA_SPAN(sig), ROTA_BUF(room), &again) != 0 ||
			!rota_span_eq(again, line))
			abort();
		if (rota_note_message(&key, text, time_s, ROTA_BUF(room), &again) == ROTA_OK &&
			!rota_span_eq(rota_span_skip(again, again.len - text.len), text))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_span text, lines, again;
	struct rota_checkpoint c;

	if (rota_note_split(rota_span(data, len), &text, &lines) != ROTA_OK)
		return 0;
	if (rota_checkpoint_read(text, &c) == ROTA_OK &&
		(rota_checkpoint_write(&c, ROTA_BUF(room), &again) != 0 ||
			!rota_span_eq(again, text)))
		abort();
	while (lines.len > 0)
		try_line(text, rota_note_next(&lines));
	return 0;
}
