/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-boot/recorded.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/tpm2/pcr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NEW ROTA_LAYOUT_RECORD ".new"
#define KEYS_TEXT 128 /* all that may vouch, in words: 84 */

/* Not synced: it tells of a running machine. */
static bool replace(struct device *d, struct rota_span bytes)
{
	int fd = openat(d->fd, NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool good = fd >= 0 && write(fd, bytes.p, bytes.len) == (ssize_t)bytes.len;

	if (fd >= 0)
		good = close(fd) == 0 && good;
	return good && renameat(d->fd, NEW, d->fd, ROTA_LAYOUT_RECORD) == 0;
}

static void extend(struct device *d, struct rota_span bytes)
{
	struct rota_record_chain chain;
	enum rota_err err = ROTA_OK;

	if (d->tcti == NULL)
		return;
	err = rota_record_measure(bytes, &rota_crypto_openssl, &chain);
	if (err == ROTA_OK)
		err = rota_pcr_extend(d->tcti, d->pcr, chain.entry, chain.count);
	if (err != ROTA_OK)
		say("PCR %u: %s", d->pcr, rota_err_str(err));
}

void recorded_write(struct device *d, const struct rota_record *record)
{
	uint8_t room[ROTA_RECORD_MAX];
	struct rota_span bytes;
	enum rota_err err = rota_record_encode(record, ROTA_BUF(room), &bytes);

	if (err != ROTA_OK) {
		say(ROTA_LAYOUT_RECORD ": %s", rota_err_str(err));
		return;
	}
	extend(d, bytes);
	if (replace(d, bytes))
		return;
	say("%s/" ROTA_LAYOUT_RECORD ": %s", d->path, strerror(errno));
	(void)unlinkat(d->fd, ROTA_LAYOUT_RECORD, 0); /* it tells of an earlier boot */
}

/* ---- for a person, for a program ---- */

struct shown {
	struct rota_record record;
	struct rota_record_chain chain;
};

static bool load(struct device *d, struct shown *s)
{
	uint8_t room[ROTA_RECORD_MAX + 1]; /* one more shows what is too long */
	int fd = openat(d->fd, ROTA_LAYOUT_RECORD, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, room, sizeof(room)) : -1;
	struct rota_span bytes = rota_span(room, got > 0 ? (size_t)got : 0);
	enum rota_err err;

	if (got < 0)
		say("%s/" ROTA_LAYOUT_RECORD ": %s; a boot writes it", d->path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	if (got < 0)
		return false;
	err = rota_record_decode(bytes, &s->record);
	if (err == ROTA_OK)
		err = rota_record_measure(bytes, &rota_crypto_openssl, &s->chain);
	if (err != ROTA_OK)
		say("%s/" ROTA_LAYOUT_RECORD ": %s", d->path, rota_err_str(err));
	return err == ROTA_OK;
}

/* Who vouches, in words: "key 0, key 1". */
static void keys_text(uint8_t keys, char text[static KEYS_TEXT])
{
	static const char *const names[8] = {
		[0] = "key 0",
		[1] = "key 1",
		[ROTA_BOOT_KEY_ADDED] = "added key 0",
		[ROTA_BOOT_KEY_ADDED + 1] = "added key 1",
		[ROTA_BOOT_KEY_ADDED + 2] = "added key 2",
		[ROTA_BOOT_KEY_ADDED + 3] = "added key 3",
		[ROTA_BOOT_KEY_ORDER] = "the recovery order",
	};
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < 8; i++) {
		if ((keys >> i & 1) == 0 || names[i] == NULL)
			continue;
		at += (size_t)snprintf(
			text + at, KEYS_TEXT - at, "%s%s", at > 0 ? ", " : "", names[i]);
	}
}

static void print_text(const struct shown *s)
{
	const struct rota_record *r = &s->record;
	char digest[65], version[VERSION_TEXT], keys[KEYS_TEXT];

	printf("booted      %s%s\n", rota_boot_kind_name((enum rota_boot_kind)r->kind),
		r->updater ? ", the updater alone" : "");
	for (uint8_t i = 0; i < r->count; i++) {
		digest_text(r->member[i].digest, digest);
		version_text(r->member[i].version, version);
		keys_text(r->member[i].keys, keys);
		printf("component %u slot %u, version %s, counter %u, image %s, by %s\n", i,
			r->member[i].place, version, r->member[i].counter, digest, keys);
	}
	printf("in force    counter %u, key floor %u, epoch %u\n", r->counter, r->key_floor,
		r->epoch);
	if (r->restored)
		printf("restored    the flash is older than the hardware's counters\n");
	if (r->unreadable != 0)
		printf("unreadable  counters 0x%x of the hardware\n", r->unreadable);
	if (r->has_order) {
		digest_text(r->order, digest);
		printf("order       %s\n", digest);
	}
	digest_text(r->anchors, digest);
	printf("anchors     %s\n", digest);
	digest_text(s->chain.chain, digest);
	printf("chain       %s\n", digest);
}

static void print_json(const struct shown *s)
{
	const struct rota_record *r = &s->record;
	char digest[65], version[VERSION_TEXT];

	digest_text(r->anchors, digest);
	printf("{\"anchors\":\"%s\",", digest);
	digest_text(s->chain.chain, digest);
	printf("\"chain\":\"%s\",\"components\":[", digest);
	for (uint8_t i = 0; i < r->count; i++) {
		digest_text(r->member[i].digest, digest);
		version_text(r->member[i].version, version);
		printf("%s{\"counter\":%u,\"digest\":\"%s\",\"keys\":%u,\"slot\":%u,\"version\":\"%"
		       "s\"}",
			i > 0 ? "," : "", r->member[i].counter, digest, r->member[i].keys,
			r->member[i].place, version);
	}
	printf("],\"counter\":%u,\"epoch\":%u,\"hardware\":%u,\"key_floor\":%u,\"kind\":\"%s\",",
		r->counter, r->epoch, r->hardware, r->key_floor,
		rota_boot_kind_name((enum rota_boot_kind)r->kind));
	digest_text(r->order, digest);
	printf("\"order\":%s%s%s,\"restored\":%s,\"unreadable\":%u,\"updater\":%s}\n",
		r->has_order ? "\"" : "", r->has_order ? digest : "null", r->has_order ? "\"" : "",
		r->restored ? "true" : "false", r->unreadable, r->updater ? "true" : "false");
}

int recorded_show(struct device *d, bool json)
{
	struct shown s;

	if (!load(d, &s))
		return 1;
	if (json)
		print_json(&s);
	else
		print_text(&s);
	return fflush(stdout) == 0 ? 0 : 1;
}
