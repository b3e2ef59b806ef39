/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/outbox.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "checked" stands for events that the next poll repeats. */
#define LESSER "-checked.json"

/* The events in order; names are freed with rota_outbox's free_list(). */
struct list {
	struct dirent **entry;
	int count; /* -1: the folder cannot be read */
};

static uint64_t seq_of(const char *name)
{
	uint64_t seq = 0;

	return sscanf(name, "%20" SCNu64 "-", &seq) == 1 ? seq : 0;
}

static int is_event(const struct dirent *e)
{
	return seq_of(e->d_name) != 0;
}

/* Sequences are padded with zeros, so the order of names is theirs. */
static struct list list(const struct rota_outbox *o)
{
	struct list l = { 0 };

	l.count = scandir(o->dir, &l.entry, is_event, alphasort);
	return l;
}

static void free_list(struct list *l)
{
	for (int i = 0; i < l->count; i++)
		free(l->entry[i]);
	free(l->entry);
}

static enum rota_err path_of(
	const struct rota_outbox *o, const char *name, char path[ROTA_FILE_PATH_MAX])
{
	int len = snprintf(path, ROTA_FILE_PATH_MAX, "%s/%s", o->dir, name);

	return len > 0 && len < ROTA_FILE_PATH_MAX ? ROTA_OK : ROTA_ERR_LIMIT;
}

static void drop(const struct rota_outbox *o, const char *name)
{
	char path[ROTA_FILE_PATH_MAX];

	if (path_of(o, name, path) == ROTA_OK)
		unlink(path);
}

enum rota_err rota_outbox_open(
	struct rota_outbox *o, const char *dir, uint32_t most, struct rota_fail *why)
{
	struct dirent *e;
	DIR *d;

	*o = (struct rota_outbox){ .most = most };
	if (strlen(dir) >= sizeof(o->dir) - 64)
		return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", dir);
	snprintf(o->dir, sizeof(o->dir), "%s", dir);
	ROTA_TRY(rota_file_mkdirs(dir, 0700, why));
	d = opendir(dir);
	while (d && (e = readdir(d)))
		if (strncmp(e->d_name, ROTA_DRAFT_PREFIX, strlen(ROTA_DRAFT_PREFIX)) == 0)
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	return ROTA_OK;
}

/* Make room for one more. */
static void make_room(struct rota_outbox *o)
{
	struct list l = list(o);
	int excess = l.count - (int)o->most + 1;

	for (int i = 0; i < l.count && excess > 0; i++) {
		if (!strstr(l.entry[i]->d_name, LESSER))
			continue;
		drop(o, l.entry[i]->d_name);
		l.entry[i]->d_name[0] = 0;
		excess--;
	}
	for (int i = 0; i < l.count && excess > 0; i++) {
		if (l.entry[i]->d_name[0] == 0)
			continue;
		drop(o, l.entry[i]->d_name);
		excess--;
	}
	free_list(&l);
}

enum rota_err rota_outbox_add(struct rota_outbox *o, uint64_t seq, const char *kind,
	struct rota_span json, struct rota_fail *why)
{
	char name[64], path[ROTA_FILE_PATH_MAX];

	if (json.len > ROTA_EVENT_BYTES_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "event %" PRIu64 " is too long", seq);
	make_room(o);
	snprintf(name, sizeof(name), "%020" PRIu64 "-%s.json", seq, kind);
	ROTA_TRY(path_of(o, name, path));
	return rota_file_write(path, json, 0600, why);
}

/* Append one event; false: the batch is full. */
static bool add_to_batch(
	const struct rota_outbox *o, const char *name, struct rota_bytes *out, bool first)
{
	struct rota_fail why;
	struct rota_bytes event;
	char path[ROTA_FILE_PATH_MAX];
	bool fits;

	if (path_of(o, name, path) != ROTA_OK ||
		rota_file_read(path, ROTA_EVENT_BYTES_MAX, &event, &why) != ROTA_OK) {
		drop(o, name);
		return true;
	}
	fits = out->len + event.len + 4 <= ROTA_BATCH_BYTES_MAX;
	if (fits && event.len) {
		if (!first)
			rota_bytes_add_text(out, ",");
		rota_bytes_add(out, rota_bytes_span(&event));
	}
	rota_bytes_free(&event);
	return fits;
}

enum rota_err rota_outbox_batch(struct rota_outbox *o, uint32_t most, struct rota_bytes *out,
	uint64_t *last, struct rota_fail *why)
{
	struct list l = list(o);

	*out = (struct rota_bytes){ 0 };
	*last = 0;
	if (l.count < 0)
		return rota_fail(why, ROTA_ERR_IO, "cannot read the folder %s", o->dir);
	rota_bytes_add_text(out, "{\"events\":[");
	for (int i = 0; i < l.count && (uint32_t)i < most; i++) {
		size_t before = out->len;

		if (!add_to_batch(o, l.entry[i]->d_name, out, *last == 0))
			break;
		if (out->len != before)
			*last = seq_of(l.entry[i]->d_name);
	}
	rota_bytes_add_text(out, "]}");
	free_list(&l);
	return ROTA_OK;
}

void rota_outbox_acknowledge(struct rota_outbox *o, uint64_t last)
{
	struct list l = list(o);

	for (int i = 0; i < l.count && seq_of(l.entry[i]->d_name) <= last; i++)
		drop(o, l.entry[i]->d_name);
	free_list(&l);
}

size_t rota_outbox_count(const struct rota_outbox *o)
{
	struct list l = list(o);
	size_t count = l.count > 0 ? (size_t)l.count : 0;

	free_list(&l);
	return count;
}
