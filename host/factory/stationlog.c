/* SPDX-License-Identifier: Apache-2.0 */
#include "host/factory/stationlog.h"
#include "host/base/digest.h"
#include "host/base/when.h"
#include "host/sign/duty.h"
#include "host/sign/p256.h"

#include <stdlib.h>
#include <string.h>

/* ---- one line ---- */

/* What is signed: SHA-256(prefix || canonical bytes of the line without its signature). */
static enum rota_err line_digest(
	const json_t *row, uint8_t out[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	struct rota_digest *digest;
	struct rota_bytes text;

	ROTA_TRY(rota_json_encode(row, ROTA_JSON_SIGNED, &text, why));
	digest = rota_digest_new();
	rota_digest_add(digest, ROTA_STR(ROTA_STATION_PREFIX));
	rota_digest_add(digest, rota_bytes_span(&text));
	rota_digest_get(digest, out);
	rota_digest_free(digest);
	rota_bytes_free(&text);
	return ROTA_OK;
}

enum rota_err rota_stationlog_signed(
	const struct rota_stationlog *l, json_t *row, struct rota_fail *why)
{
	uint8_t digest[ROTA_DIGEST_LEN], sig[ROTA_P256_SIG_LEN];

	if (!rota_unhex(json_string_value(json_object_get(row, "signature")), ROTA_BUF(sig)))
		return rota_fail(why, ROTA_ERR_FORMAT, "is none of a station");
	json_object_del(row, "signature");
	ROTA_TRY(line_digest(row, digest, why));
	if (rota_p256_verify(l->key, digest, sig))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_SIGNATURE, "is not signed by the key of [keys station]");
}

enum rota_err rota_stationlog_sign(const struct rota_stationlog *l, json_t *row,
	struct rota_bytes *line, struct rota_fail *why)
{
	char hex[2 * ROTA_P256_SIG_LEN + 1], at[ROTA_WHEN_LEN];
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_seat_sig sig;

	rota_when_text(l->desk->now, at);
	json_object_set_new(row, "at", json_string(at));
	ROTA_TRY(line_digest(row, digest, why));
	ROTA_TRY(rota_tokens_sign(l->desk->tokens, l->seat, digest, &sig, why));
	rota_hex(ROTA_SPAN(sig.sig), hex);
	json_object_set_new(row, "signature", json_string(hex));
	return rota_json_encode(row, ROTA_JSON_FILE, line, why);
}

static enum rota_err wrong(
	const struct rota_stationlog *l, enum rota_err err, const char *what, struct rota_fail *why)
{
	return rota_fail(why, err, "%s/" ROTA_STATION_LOG " line %llu %s", l->desk->dir->dir,
		(unsigned long long)l->lines + 1, what);
}

/* Whose it is, and that it follows. Takes its signature away. */
static enum rota_err check_line(struct rota_stationlog *l, json_t *row, struct rota_fail *why)
{
	const char *before = json_string_value(json_object_get(row, "prev"));
	uint8_t prev[ROTA_DIGEST_LEN];
	struct rota_fail how;

	if (!rota_unhex(before, ROTA_BUF(prev)))
		return wrong(l, ROTA_ERR_FORMAT, "is none of a station", why);
	if (memcmp(prev, l->last, sizeof(prev)) != 0)
		return wrong(l, ROTA_ERR_HASH, "does not follow the one before it", why);
	if (rota_stationlog_signed(l, row, &how) != ROTA_OK)
		return wrong(l, how.err, how.text, why);
	return ROTA_OK;
}

/* ---- what the lines say ---- */

static struct rota_batch *find(const struct rota_stationlog *l, const char *name)
{
	for (size_t i = 0; name && i < l->batch_count; i++)
		if (strcmp(l->batch[i].name, name) == 0)
			return &l->batch[i];
	return NULL;
}

static bool add_batch(struct rota_stationlog *l, const char *name, json_int_t size)
{
	struct rota_batch *b;

	if (l->batch_count == ROTA_BATCHES_MAX || !name || !rota_name_ok(name) || size < 1 ||
		size > UINT32_MAX)
		return false;
	b = &l->batch[l->batch_count++];
	*b = (struct rota_batch){ .size = (uint32_t)size };
	strncpy(b->name, name, sizeof(b->name) - 1);
	return true;
}

/* Room for one more behind `count` of them. */
static void *grow(void *all, uint64_t count, size_t each)
{
	size_t room = count ? 2 * (size_t)count : 1;
	void *more;

	if ((count & (count - 1)) != 0) /* full, at each power of two */
		return all;
	more = realloc(all, room * each);
	if (!more)
		abort();
	return more;
}

static bool add_device(struct rota_stationlog *l, const char *device)
{
	if (!device || strlen(device) != 64)
		return false;
	l->device = grow(l->device, l->made, sizeof(*l->device));
	memcpy(l->device[l->made++], device, 65);
	return true;
}

static bool take_line(struct rota_stationlog *l, const json_t *row)
{
	const char *did = json_string_value(json_object_get(row, "did"));
	const char *name = json_string_value(json_object_get(row, "batch"));
	struct rota_batch *b = find(l, name);

	if (did && strcmp(did, "batch") == 0)
		return !b && add_batch(l, name, json_integer_value(json_object_get(row, "size")));
	if (name && !b)
		return false;
	if (did && strcmp(did, "made") == 0) {
		if (b)
			b->made++;
		return add_device(l, json_string_value(json_object_get(row, "device")));
	}
	if (did && strcmp(did, "again") == 0)
		return true; /* counted when it was made */
	if (b)
		b->refused++;
	return did && strcmp(did, "refused") == 0;
}

/* l->last is that of one line more. */
static void add_digest(struct rota_stationlog *l)
{
	l->digest = grow(l->digest, l->lines, sizeof(*l->digest));
	memcpy(l->digest[l->lines++], l->last, sizeof(l->last));
}

static enum rota_err read_line(
	struct rota_stationlog *l, struct rota_span line, struct rota_fail *why)
{
	json_t *row;
	enum rota_err err = rota_json_parse_strict(line, &row, why);

	if (err != ROTA_OK)
		return wrong(l, err, "is none of a station", why);
	err = check_line(l, row, why);
	if (err == ROTA_OK && !take_line(l, row))
		err = wrong(l, ROTA_ERR_FORMAT, "is none of a station", why);
	json_decref(row);
	rota_digest_of(line, l->last);
	add_digest(l);
	return err;
}

static enum rota_err read_all(
	struct rota_stationlog *l, struct rota_span text, struct rota_fail *why)
{
	while (text.len > 0) {
		const uint8_t *end = memchr(text.p, '\n', text.len);
		size_t len = end ? (size_t)(end - text.p) : text.len;

		/* Half a line that a cut left; the next append takes it away. */
		if (!end)
			return ROTA_OK;
		ROTA_TRY(read_line(l, rota_span_slice(text, 0, len), why));
		text = rota_span_skip(text, len + 1);
	}
	return ROTA_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

bool rota_stationlog_made(const struct rota_stationlog *l, const char *device)
{
	return device && strlen(device) == 64 && l->made > 0 &&
		bsearch(device, l->device, (size_t)l->made, sizeof(*l->device), by_name);
}

enum rota_err rota_stationlog_read(
	struct rota_stationlog *l, struct rota_span text, struct rota_fail *why)
{
	ROTA_TRY(read_all(l, text, why));
	if (l->made > 0)
		qsort(l->device, (size_t)l->made, sizeof(*l->device), by_name);
	return ROTA_OK;
}

static enum rota_err load(struct rota_stationlog *l, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;
	enum rota_err err;

	rota_authdir_path(l->desk->dir, ROTA_STATION_LOG, path);
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(rota_file_read(path, ROTA_STATION_LOG_MAX, &text, why));
	err = rota_stationlog_read(l, rota_bytes_span(&text), why);
	rota_bytes_free(&text);
	return err;
}

enum rota_err rota_stationlog_open(
	struct rota_stationlog *l, struct rota_desk *desk, struct rota_fail *why)
{
	const struct rota_party *party = rota_authdir_party(desk->dir, "station");
	enum rota_err err;

	*l = (struct rota_stationlog){ .desk = desk };
	if (!party)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"%s has no [keys station], whose key signs the station's log",
			desk->dir->ini.path);
	l->seat = &party->seats[0];
	ROTA_TRY(rota_tokens_public(desk->tokens, l->seat, l->key, why));
	l->batch = calloc(ROTA_BATCHES_MAX, sizeof(*l->batch));
	if (!l->batch)
		return rota_fail(why, ROTA_ERR_FULL, "out of memory");
	err = load(l, why);
	if (err != ROTA_OK)
		rota_stationlog_close(l);
	return err;
}

void rota_stationlog_close(struct rota_stationlog *l)
{
	free(l->batch);
	free(l->device);
	free(l->digest);
	l->batch = NULL;
	l->device = NULL;
	l->digest = NULL;
}

/* ---- a line more ---- */

static enum rota_err append(struct rota_stationlog *l, json_t *row, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX], hex[ROTA_DIGEST_HEX];
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_bytes line;
	enum rota_err err;

	rota_hex(ROTA_SPAN(l->last), hex);
	json_object_set_new(row, "prev", json_string(hex));
	ROTA_TRY(rota_stationlog_sign(l, row, &line, why));
	rota_digest_of(rota_bytes_span(&line), digest);
	rota_bytes_add_text(&line, "\n");
	rota_authdir_path(l->desk->dir, ROTA_STATION_LOG, path);
	err = rota_file_append(path, rota_bytes_span(&line), 0600, why);
	rota_bytes_free(&line);
	if (err == ROTA_OK) {
		memcpy(l->last, digest, sizeof(l->last));
		add_digest(l);
	}
	return err;
}

enum rota_err rota_stationlog_batch(
	struct rota_stationlog *l, const char *name, uint32_t size, struct rota_fail *why)
{
	const struct rota_batch *b = find(l, name);
	json_t *row;
	enum rota_err err;

	if (b)
		return b->size == size
			? ROTA_OK
			: rota_fail(why, ROTA_ERR_STATE, "batch %s has %u devices, not %u", name,
				  b->size, size);
	if (!add_batch(l, name, size))
		return rota_fail(why, ROTA_ERR_FORMAT,
			"a batch has a name of 1 to 32 [a-z0-9._-] and devices; at most %d batches",
			ROTA_BATCHES_MAX);
	row = json_pack("{s:s,s:s,s:I}", "batch", name, "did", "batch", "size", (json_int_t)size);
	err = append(l, row, why);
	json_decref(row);
	return err;
}

enum rota_err rota_stationlog_room(const struct rota_stationlog *l, const char *name,
	const char *device, struct rota_fail *why)
{
	const struct rota_batch *b = find(l, name);

	if (!b)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"batch %s has not begun; --batch-size says how many devices it has", name);
	if (device && b->made >= b->size && !rota_stationlog_made(l, device))
		return rota_fail(why, ROTA_ERR_CEILING, "batch %s is full: %u of %u are made", name,
			b->made, b->size);
	return ROTA_OK;
}

static void set_text(json_t *row, const char *name, const char *value)
{
	if (value && *value)
		json_object_set_new(row, name, json_string(value));
}

/* What a TPM showed, and by which key. */
static void set_quote(json_t *row, const struct rota_station_made *device)
{
	char hex[2 * ROTA_QUOTE_NAME_LEN + 1];

	if (!device->quoted)
		return;
	rota_hex(ROTA_SPAN(device->quote.pcrs_sha256), hex);
	set_text(row, "pcrs", hex);
	rota_hex(ROTA_SPAN(device->quote.key_name), hex);
	set_text(row, "quote_key", hex);
}

static json_t *images_of(const struct rota_station_made *device)
{
	json_t *images = json_array();
	char hex[ROTA_DIGEST_HEX];

	for (size_t i = 0; i < device->image_count; i++) {
		rota_hex(ROTA_SPAN(device->image[i]), hex);
		json_array_append_new(images, json_string(hex));
	}
	return images;
}

enum rota_err rota_stationlog_add(struct rota_stationlog *l, const char *batch,
	const struct rota_station_made *device, const struct rota_fail *how, struct rota_fail *why)
{
	struct rota_batch *b = find(l, batch);
	bool made = how->err == ROTA_OK, again = made && rota_stationlog_made(l, device->device);
	json_t *row = json_object();
	enum rota_err err;

	set_text(row, "batch", batch);
	set_text(row, "device", device->device);
	set_text(row, "serial", device->serial);
	set_text(row, "did", again ? "again" : made ? "made" : "refused");
	set_text(row, "text", made ? NULL : how->text);
	set_quote(row, device);
	json_object_set_new(row, "images", images_of(device));
	json_object_set_new(row, "root_of_trust", json_integer(device->rot));
	err = append(l, row, why);
	json_decref(row);
	if (err == ROTA_OK && b && !again)
		made ? b->made++ : b->refused++;
	return err;
}

/* ---- against the list of devices ---- */

struct tally {
	const struct rota_stationlog *l;
	bool *seen; /* each of l->device */
	uint64_t found;
	char stranger[65]; /* first that no line has */
};

static void count(struct tally *t, const json_t *row)
{
	const char *device = json_string_value(json_object_get(row, "device"));
	char(*at)[65] = NULL;

	/* Those of a station have a statement; others were enrolled at the desk. */
	if (!device || strlen(device) != 64 || !json_object_get(row, "statement"))
		return;
	if (t->l->made > 0)
		at = bsearch(
			device, t->l->device, (size_t)t->l->made, sizeof(*t->l->device), by_name);
	if (!at && !*t->stranger)
		memcpy(t->stranger, device, sizeof(t->stranger));
	if (!at || t->seen[at - t->l->device])
		return; /* a stranger, or one that came again */
	t->seen[at - t->l->device] = true;
	t->found++;
}

enum rota_err rota_stationlog_list(
	const struct rota_desk *desk, struct rota_bytes *list, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	*list = (struct rota_bytes){ 0 };
	rota_authdir_path(desk->dir, "enrolments", path);
	return rota_file_exists(path) ? rota_file_read(path, ROTA_ENROLMENTS_MAX, list, why)
				      : ROTA_OK;
}

static void count_all(struct tally *t, struct rota_span list)
{
	while (list.len > 0) {
		const uint8_t *end = memchr(list.p, '\n', list.len);
		size_t len = end ? (size_t)(end - list.p) : list.len;
		json_t *row = json_loadb((const char *)list.p, len, JSON_REJECT_DUPLICATES, NULL);

		if (row)
			count(t, row);
		json_decref(row);
		list = rota_span_skip(list, end ? len + 1 : len);
	}
}

/* Devices are listed before they are logged: a list of before has none that the log lacks, one of now has all that it has. */
enum rota_err rota_stationlog_check(const struct rota_stationlog *l, struct rota_span before,
	char stranger[static ROTA_DIGEST_HEX], struct rota_fail *why)
{
	struct tally then = { .l = l, .seen = calloc((size_t)l->made + 1, 1) },
		     now = { .l = l, .seen = calloc((size_t)l->made + 1, 1) };
	struct rota_bytes text;
	enum rota_err err;

	if (!then.seen || !now.seen)
		abort();
	err = rota_stationlog_list(l->desk, &text, why);
	if (err == ROTA_OK) {
		count_all(&then, before);
		count_all(&now, rota_bytes_span(&text));
	}
	rota_bytes_free(&text);
	free(then.seen);
	free(now.seen);
	ROTA_TRY(err);
	memcpy(stranger, then.stranger, sizeof(then.stranger));
	return now.found == l->made
		? ROTA_OK
		: rota_fail(why, ROTA_ERR_HASH,
			  ROTA_STATION_LOG
			  " has made %llu devices, of which %s/enrolments lists %llu",
			  (unsigned long long)l->made, l->desk->dir->dir,
			  (unsigned long long)now.found);
}
