/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/sealed.h"
#include "host/base/file.h"

#include <stdio.h>
#include <string.h>

#define NEEDS_ALL 1

static void path_of(const struct agent_sealed *s, char path[static ROTA_FILE_PATH_MAX])
{
	(void)snprintf(path, ROTA_FILE_PATH_MAX, "%s/" AGENT_SEALED_FILE, s->config->state);
}

/* ---- which were there once ---- */

static void note_seen(struct agent_sealed *s, struct rota_span line, bool *stranger)
{
	bool found = false;

	for (uint8_t i = 0; i < s->config->vault_count; i++) {
		bool same = rota_span_is(line, s->config->vault[i].path);

		s->vault[i].seen |= same;
		found |= same;
	}
	*stranger |= !found;
}

/* *stranger: there are others than those of the settings. */
static void read_seen(struct agent_sealed *s, struct rota_span text, bool *stranger)
{
	while (text.len > 0) {
		const uint8_t *end = memchr(text.p, '\n', text.len);
		size_t len = end != NULL ? (size_t)(end - text.p) : text.len;

		note_seen(s, rota_span(text.p, len), stranger);
		text = rota_span_skip(text, end != NULL ? len + 1 : len);
	}
}

static enum rota_err write_seen(const struct agent_sealed *s, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes text = { 0 };
	enum rota_err err;

	for (uint8_t i = 0; i < s->config->vault_count; i++) {
		if (!s->vault[i].seen)
			continue;
		rota_bytes_add(&text, rota_span_cstr(s->config->vault[i].path));
		rota_bytes_add(&text, ROTA_STR("\n"));
	}
	path_of(s, path);
	err = rota_file_write(path, rota_bytes_span(&text), 0600, why);
	rota_bytes_free(&text);
	return err;
}

void agent_sealed_open(struct agent_sealed *s, const struct agent_config *config)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes text = { 0 };
	struct rota_fail why;
	bool stranger = false;
	enum rota_err err;

	*s = (struct agent_sealed){ .config = config };
	path_of(s, path);
	err = rota_file_read(
		path, (size_t)AGENT_VAULTS_MAX * (ROTA_FILE_PATH_MAX + 1), &text, &why);
	if (err == ROTA_OK)
		read_seen(s, rota_bytes_span(&text), &stranger);
	rota_bytes_free(&text);
	for (uint8_t i = 0; i < config->vault_count; i++)
		s->vault[i].seen |= err != ROTA_OK && err != ROTA_ERR_NOT_FOUND;
	if (stranger)
		(void)!write_seen(s, &why); /* else the next start does */
}

/* ---- looking ---- */

void agent_sealed_begin(struct agent_sealed *s)
{
	s->why.err = ROTA_OK;
	for (uint8_t i = 0; i < AGENT_VAULTS_MAX; i++)
		s->vault[i].looked = false;
}

/* What it holds counts only once it is durable that it was there. */
static enum rota_err remember(struct agent_sealed *s, uint8_t i, struct rota_fail *why)
{
	enum rota_err err;

	if (s->vault[i].seen)
		return ROTA_OK;
	s->vault[i].seen = true;
	err = write_seen(s, why);
	s->vault[i].seen = err == ROTA_OK;
	return err;
}

static enum rota_err look(struct agent_sealed *s, uint8_t i, struct rota_fail *why)
{
	const char *path = s->config->vault[i].path;
	struct agent_sealed_vault *v = &s->vault[i];
	enum rota_err err = rota_vault_status(path, &v->status, why);

	if (err == ROTA_OK)
		return remember(s, i, why);
	v->status = (struct rota_vault_status){ 0 };
	if (err != ROTA_ERR_NOT_FOUND)
		return err;
	return v->seen ? rota_fail(why, err,
				 "%s was there once, and is not: is its folder mounted? As long as "
				 "[vault %s] stands in the settings no key of it goes",
				 path, s->config->vault[i].name)
		       : ROTA_OK;
}

static bool is_known(struct agent_sealed *s, uint8_t i)
{
	struct agent_sealed_vault *v = &s->vault[i];
	struct rota_fail why;
	enum rota_err err;

	if (v->looked)
		return v->known;
	err = look(s, i, &why);
	v->looked = true;
	v->known = err == ROTA_OK;
	if (err != ROTA_OK && s->why.err == ROTA_OK)
		s->why = why;
	return v->known;
}

/* What says that it is of generation 0 opens under no key, and hides nothing that does. */
static uint32_t least_of(const struct rota_vault_status *status)
{
	for (uint8_t i = 0; i < status->generations; i++)
		if (status->count[i].generation != 0)
			return status->count[i].generation;
	return 0;
}

uint32_t agent_sealed_needs(struct agent_sealed *s, uint8_t purpose)
{
	uint32_t least = 0;

	for (uint8_t i = 0; i < s->config->vault_count; i++) {
		uint32_t needed;

		if (s->config->vault[i].purpose != purpose)
			continue;
		if (!is_known(s, i))
			return NEEDS_ALL;
		needed = least_of(&s->vault[i].status);
		if (needed != 0 && (least == 0 || needed < least))
			least = needed;
	}
	return least;
}

uint32_t agent_sealed_left(struct agent_sealed *s, uint8_t purpose, uint32_t active)
{
	uint32_t left = 0;

	for (uint8_t i = 0; i < s->config->vault_count; i++) {
		if (s->config->vault[i].purpose == purpose && is_known(s, i))
			left += rota_vault_status_left(&s->vault[i].status, active);
	}
	return left;
}
