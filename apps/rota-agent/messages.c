/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/messages.h"
#include "apps/rota-agent/device.h"
#include "apps/rota-agent/pipe.h"
#include "apps/rota-agent/ring.h"
#include "apps/rota-agent/rot.h"
#include "apps/rota-agent/run.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "rota/base/hex.h"
#include "rota/codec/purpose.h"

#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX (AGENT_RECORD_MAX + ROTA_RECORD_OVERHEAD) /* sealed */
#define LINE_LEN_MAX (2 * (MESSAGE_MAX + ROTA_RECORD_CONTEXT_MAX) + 32)

struct cached {
	bool held;
	struct rota_record_key key;
};

struct messages {
	uint8_t purpose;
	struct agent_device device;
	struct agent_rot rot;
	struct agent_ring ring;
	struct rota_record_opening opening;
	struct cached sealing, unsealing;
	uint8_t context[ROTA_RECORD_CONTEXT_MAX];
	uint8_t room[MESSAGE_MAX];
	char line[LINE_LEN_MAX];
};

/* ---- keys ---- */

static void let_go(struct cached *c)
{
	if (c->held)
		rota_record_key_end(&c->key, &rota_aead_openssl);
	c->held = false;
}

static enum rota_err hold(struct messages *m, struct cached *c, enum rota_key_use use,
	uint32_t generation, const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN])
{
	if (c->held && c->key.generation == generation &&
		memcmp(c->key.epoch, epoch, ROTA_RECORD_EPOCH_LEN) == 0)
		return ROTA_OK;
	let_go(c);
	ROTA_TRY(agent_ring_key(&m->ring, use, generation, epoch, &c->key));
	c->held = true;
	return ROTA_OK;
}

/* ---- the commands ---- */

/* "-" or bytes in hex, and how many. */
static bool read_hex(const char *text, struct rota_buf *room)
{
	size_t len = strcmp(text, "-") == 0 ? 0 : strlen(text) / 2;

	if (len > room->len || (len == 0 && strcmp(text, "-") != 0))
		return false;
	room->len = len;
	return len == 0 || rota_unhex(text, *room);
}

static enum rota_err seal(struct messages *m, struct rota_span context, const char *hex)
{
	struct rota_buf plain = rota_buf(m->room + ROTA_RECORD_HEAD_LEN_V1, AGENT_RECORD_MAX);
	uint32_t generation;

	if (strlen(hex) > 2 * (size_t)AGENT_RECORD_MAX)
		return ROTA_ERR_LIMIT;
	if (!read_hex(hex, &plain))
		return ROTA_ERR_FORMAT;
	ROTA_TRY(agent_ring_active(&m->ring, &generation));
	ROTA_TRY(agent_ring_count(&m->ring, generation));
	ROTA_TRY(hold(m, &m->sealing, ROTA_USE_UP, generation, m->opening.epoch));
	ROTA_TRY(rota_record_seal(&m->sealing.key, &rota_aead_openssl, &m->opening, context,
		ROTA_BUF(m->room), plain.len));
	agent_pipe_answer_bytes(rota_span(m->room, plain.len + ROTA_RECORD_OVERHEAD));
	return ROTA_OK;
}

static enum rota_err unseal(struct messages *m, struct rota_span context, const char *hex)
{
	struct rota_buf sealed = ROTA_BUF(m->room);
	struct rota_record_head head;
	struct rota_span plain;

	if (!read_hex(hex, &sealed))
		return ROTA_ERR_FORMAT;
	if (rota_record_head(rota_span(sealed.p, sealed.len), &head) != ROTA_OK ||
		head.use != ROTA_USE_DOWN)
		return ROTA_ERR_SIGNATURE; /* it is no message from the server */
	ROTA_TRY(hold(m, &m->unsealing, ROTA_USE_DOWN, head.generation, head.epoch));
	ROTA_TRY(rota_record_open(&m->unsealing.key, &rota_aead_openssl, context, sealed, &plain));
	agent_pipe_answer_bytes(plain);
	return ROTA_OK;
}

/* "seal CONTEXT HEX", "open CONTEXT HEX" */
static void obey(void *ctx, char *line)
{
	struct messages *m = ctx;
	char *words = agent_pipe_split(line), *hex = agent_pipe_split(words);
	struct rota_buf context = ROTA_BUF(m->context);
	enum rota_err err = ROTA_ERR_FORMAT;

	if (read_hex(words, &context)) {
		struct rota_span of = rota_span(context.p, context.len);

		if (strcmp(line, "seal") == 0)
			err = seal(m, of, hex);
		else if (strcmp(line, "open") == 0)
			err = unseal(m, of, hex);
	}
	if (err != ROTA_OK)
		agent_pipe_answer(err);
	explicit_bzero(m->room, sizeof(m->room));
}

/* ---- opening ---- */

static enum rota_err open_ring(struct messages *m, struct rota_fail *why)
{
	const struct agent_config *config = m->device.config;
	const struct rota_rom *rom = &m->device.rom;
	uint8_t device[ROTA_SHA256_LEN];

	ROTA_TRY(rota_hex_decode(rom->device_id, ROTA_BUF(device)));
	ROTA_TRY(agent_rot_open(&m->rot, config, rom->rot, rom->rot_name, why));
	return agent_ring_open(&m->ring, config, m->rot.port, device, m->purpose, &m->opening, why);
}

static enum rota_err run(struct messages *m, struct rota_fail *why)
{
	const struct agent_pipe pipe = {
		.ctx = m, .obey = obey, .line = m->line, .room = sizeof(m->line)
	};
	enum rota_err err = open_ring(m, why);

	if (err == ROTA_OK) {
		agent_pipe_serve(&pipe);
		let_go(&m->sealing);
		let_go(&m->unsealing);
		agent_ring_close(&m->ring);
	}
	agent_rot_close(&m->rot);
	return err;
}

int agent_messages(const struct agent_config *config, const char *purpose)
{
	static struct messages m;
	struct rota_fail why;
	enum rota_err err;

	m.purpose = rota_purpose_of(rota_span_cstr(purpose));
	if (m.purpose != ROTA_PURPOSE_TELEMETRY && m.purpose != ROTA_PURPOSE_LINK) {
		fprintf(stderr, "rota-agent: messages are of telemetry or link, not of %s\n",
			purpose);
		return AGENT_EXIT_USAGE;
	}
	err = agent_device_open(&m.device, config, &why);
	if (err == ROTA_OK) {
		err = run(&m, &why);
		agent_device_close(&m.device);
	}
	if (err == ROTA_OK)
		return AGENT_EXIT_OK;
	fprintf(stderr, "rota-agent: %s: %s\n", purpose, why.text);
	return AGENT_EXIT_FAILED;
}
