/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/sealed.h"
#include "host/base/file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NEEDS_ALL 1
#define LOCK_S 10 /* whoever has it writes a line */
/* Twice what settings may name: those of before are in it until the next start. */
#define LIST_MAX ((size_t)2 * AGENT_VAULTS_MAX * (ROTA_FILE_PATH_MAX + 1))

static void path_of(const struct agent_config *config, char path[static ROTA_FILE_PATH_MAX])
{
	(void)snprintf(path, ROTA_FILE_PATH_MAX, "%s/" AGENT_SEALED_FILE, config->state);
}

/* ---- the list ---- */

/* Another process adds to it too. */
static enum rota_err lock(const struct agent_config *config, int *fd, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/" AGENT_SEALED_FILE "-lock", config->state);
	return rota_lock_take(path, LOCK_S, fd, why);
}

static enum rota_err read_list(
	const struct agent_config *config, struct rota_bytes *text, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	path_of(config, path);
	return rota_file_read(path, LIST_MAX, text, why);
}

static enum rota_err write_list(
	const struct agent_config *config, const struct rota_bytes *text, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	path_of(config, path);
	return rota_file_write(path, rota_bytes_span(text), 0600, why);
}

static struct rota_span take_line(struct rota_span *text)
{
	const uint8_t *end = memchr(text->p, '\n', text->len);
	size_t len = end != NULL ? (size_t)(end - text->p) : text->len;
	struct rota_span line = rota_span(text->p, len);

	*text = rota_span_skip(*text, end != NULL ? len + 1 : len);
	return line;
}

static void add_line(struct rota_bytes *text, const char *path)
{
	rota_bytes_add(text, rota_span_cstr(path));
	rota_bytes_add(text, ROTA_STR("\n"));
}

static bool lists(struct rota_span text, const char *path)
{
	while (text.len > 0)
		if (rota_span_is(take_line(&text), path))
			return true;
	return false;
}

/* With what others wrote, whose settings may be newer. */
static enum rota_err add_locked(
	const struct agent_config *config, const char *path, struct rota_fail *why)
{
	struct rota_bytes text = { 0 };
	enum rota_err err = read_list(config, &text, why);

	if (err == ROTA_ERR_NOT_FOUND)
		err = ROTA_OK;
	if (err == ROTA_OK && !lists(rota_bytes_span(&text), path)) {
		add_line(&text, path);
		err = write_list(config, &text, why);
	}
	rota_bytes_free(&text);
	return err;
}

enum rota_err agent_sealed_note(
	const struct agent_config *config, const char *path, struct rota_fail *why)
{
	enum rota_err err;
	int fd;

	ROTA_TRY(lock(config, &fd, why));
	err = add_locked(config, path, why);
	(void)close(fd);
	return err;
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

static void forget_strangers(const struct agent_sealed *s)
{
	struct rota_bytes text = { 0 };
	struct rota_fail why;

	for (uint8_t i = 0; i < s->config->vault_count; i++)
		if (s->vault[i].seen)
			add_line(&text, s->config->vault[i].path);
	(void)!write_list(s->config, &text, &why); /* else the next start does */
	rota_bytes_free(&text);
}

void agent_sealed_open(struct agent_sealed *s, const struct agent_config *config)
{
	struct rota_bytes text = { 0 };
	struct rota_span rest;
	struct rota_fail why;
	bool stranger = false;
	enum rota_err err;
	int fd;

	*s = (struct agent_sealed){ .config = config };
	(void)!lock(config, &fd, &why); /* who reads needs none */
	err = read_list(config, &text, &why);
	rest = rota_bytes_span(&text);
	while (err == ROTA_OK && rest.len > 0)
		note_seen(s, take_line(&rest), &stranger);
	rota_bytes_free(&text);
	for (uint8_t i = 0; i < config->vault_count; i++)
		s->vault[i].seen |= err != ROTA_OK && err != ROTA_ERR_NOT_FOUND;
	if (stranger && fd >= 0)
		forget_strangers(s);
	if (fd >= 0)
		(void)close(fd);
}

static enum rota_err is_away(const struct agent_vault *v, struct rota_fail *why)
{
	return rota_fail(why, ROTA_ERR_NOT_FOUND,
		"%s was there once, and is not: is its folder mounted? As long as "
		"[vault %s] stands in the settings no key of it goes",
		v->path, v->name);
}

enum rota_err agent_sealed_may_make(
	const struct agent_config *config, const struct agent_vault *v, struct rota_fail *why)
{
	struct rota_bytes text = { 0 };
	enum rota_err err;
	bool listed;

	if (access(v->path, F_OK) == 0)
		return ROTA_OK;
	err = read_list(config, &text, why);
	listed = err == ROTA_OK && lists(rota_bytes_span(&text), v->path);
	rota_bytes_free(&text);
	if (listed)
		return is_away(v, why);
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
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
	err = agent_sealed_note(s->config, s->config->vault[i].path, why);
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
	return v->seen ? is_away(&s->config->vault[i], why) : ROTA_OK;
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
