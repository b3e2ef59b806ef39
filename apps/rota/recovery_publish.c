/* SPDX-License-Identifier: Apache-2.0 */
/* rota recovery publish, pack, send: a complete order on its way, by server, stick or line. */
#include "apps/rota/opts.h"
#include "apps/rota/recovery.h"
#include "apps/rota/verb.h"
#include "host/base/bar.h"
#include "host/recovery/lineport.h"
#include "host/recovery/packfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_MAX (UINT64_C(1) << 30) /* the largest image (ROTA_SLOT_CAPACITY_MAX) */
#define QUIET_S 30
#define VERDICT_S 900 /* a device writes and verifies a gigabyte in less */

static struct recovery_parts parts;
static const char *out, *line, *wait;

/* ---- verbs of one complete order ---- */

static int with_order(const struct opts_usage *usage, int argc, char **argv, enum session_lock lock,
	enum rota_err (*act)(struct session *s, const struct recovery_order *o))
{
	struct recovery_order order;
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), lock) != ROTA_OK)
		return say_fail(&s.why);
	err = recovery_load(&s.dir, argv[at], &order, &s.why);
	if (err == ROTA_OK) {
		err = act(&s, &order);
		recovery_free(&order);
	}
	return session_close(&s, err);
}

/* ---- publish ---- */

static const struct opts_row publish_rows[] = {
	{ "image", "FILE", "the image that the order names", OPTS_TEXT, &parts.image },
	{ "root", "FILE", "the root that the order names", OPTS_TEXT, &parts.root },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage publish_usage = {
	.synopsis = "rota recovery publish [OPTION]... ORDER",
	.text = "Puts a complete order into the repository as recovery/PRODUCT.json, with all that "
		"it "
		"names\n"
		"beside it under its digest. Devices ask for it first in each cycle.",
	.examples = "  rota recovery publish --image rescue.img order.json",
	.rows = publish_rows,
	.operands_min = 1,
	.operands_max = 1,
};

/* REPO/recovery/DIGEST, from memory. */
static enum rota_err put_bytes(struct session *s, struct rota_span bytes, const char *name)
{
	char path[2 * ROTA_FILE_PATH_MAX];

	snprintf(path, sizeof(path), "%s/recovery/%s", s->dir.repo, name);
	return rota_file_write(path, bytes, 0644, &s->why);
}

static enum rota_err put_file(struct session *s, const char *from)
{
	struct rota_bytes bytes;
	char hex[ROTA_DIGEST_HEX];
	enum rota_err err;

	if (from == NULL)
		return ROTA_OK;
	ROTA_TRY(rota_file_read(from, COPY_MAX, &bytes, &s->why));
	rota_digest_hex(rota_bytes_span(&bytes), hex);
	err = put_bytes(s, rota_bytes_span(&bytes), hex);
	rota_bytes_free(&bytes);
	return err;
}

/* An order that stands there already keeps its devices from a lower one: say so here. */
static enum rota_err check_epoch(
	struct session *s, const struct recovery_order *o, const char *name)
{
	char path[2 * ROTA_FILE_PATH_MAX];
	struct recovery_order before;
	enum rota_err err = ROTA_OK;

	snprintf(path, sizeof(path), "%s/recovery/%s", s->dir.repo, name);
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(recovery_load(&s->dir, path, &before, &s->why));
	if (before.desk.order.order.epoch > o->desk.order.order.epoch ||
		(before.desk.order.order.epoch == o->desk.order.order.epoch &&
			memcmp(before.desk.order.digest, o->desk.order.digest, ROTA_DIGEST_LEN) !=
				0))
		err = rota_fail(&s->why, ROTA_ERR_VERSION,
			"an order of epoch %u is published; devices take a higher epoch only",
			before.desk.order.order.epoch);
	recovery_free(&before);
	return err;
}

/* What the order names is there before the order is. */
static enum rota_err publish(struct session *s, const struct recovery_order *o)
{
	char name[ROTA_NAME_MAX + sizeof(".json")], hex[ROTA_DIGEST_HEX];

	snprintf(name, sizeof(name), "%s.json", s->dir.product);
	ROTA_TRY(recovery_need_complete(o, &s->why));
	ROTA_TRY(recovery_check_parts(o, &parts, &s->why));
	ROTA_TRY(check_epoch(s, o, name));
	rota_digest_hex(rota_bytes_span(&o->record), hex);
	ROTA_TRY(put_bytes(s, rota_bytes_span(&o->record), hex));
	ROTA_TRY(put_file(s, parts.root));
	ROTA_TRY(put_file(s, parts.image));
	ROTA_TRY(put_bytes(s, rota_bytes_span(&o->bytes), name));
	printf("%s/recovery/%s is published\n", s->dir.repo, name);
	return ROTA_OK;
}

int verb_recovery_publish(int argc, char **argv)
{
	return with_order(&publish_usage, argc, argv, SESSION_WRITE, publish);
}

/* ---- pack ---- */

static const struct opts_row pack_rows[] = {
	{ "image", "FILE", "the image that the order names", OPTS_TEXT, &parts.image },
	{ "root", "FILE", "the root that the order names", OPTS_TEXT, &parts.root },
	{ "out", "FILE", "the pack (" ROTA_PACKFILE_NAME ", which devices look for on a stick)",
		OPTS_TEXT, &out },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage pack_usage = {
	.synopsis = "rota recovery pack [OPTION]... ORDER",
	.text = "Puts a complete order and all that it names into one file, for a stick or a "
		"serial "
		"line.",
	.examples = "  rota recovery pack --image rescue.img --out /media/stick/recovery.pack "
		    "order.json",
	.rows = pack_rows,
	.operands_min = 1,
	.operands_max = 1,
};

static enum rota_err add_part(struct rota_draft *d, enum rota_pack_kind kind,
	struct rota_span bytes, struct rota_fail *why)
{
	uint8_t head[ROTA_PACK_HEAD_LEN];

	rota_pack_head(kind, (uint32_t)bytes.len, head);
	ROTA_TRY(rota_draft_write(d, ROTA_SPAN(head), why));
	return rota_draft_write(d, bytes, why);
}

static enum rota_err add_file(
	struct rota_draft *d, enum rota_pack_kind kind, const char *path, struct rota_fail *why)
{
	struct rota_bytes bytes;
	enum rota_err err;

	if (path == NULL)
		return ROTA_OK;
	ROTA_TRY(rota_file_read(path, COPY_MAX, &bytes, why));
	err = add_part(d, kind, rota_bytes_span(&bytes), why);
	rota_bytes_free(&bytes);
	return err;
}

static enum rota_err add_all(
	struct rota_draft *d, const struct recovery_order *o, struct rota_fail *why)
{
	ROTA_TRY(rota_draft_write(d, ROTA_STR(ROTA_PACK_MAGIC), why));
	ROTA_TRY(add_part(d, ROTA_PACK_ORDER, rota_bytes_span(&o->bytes), why));
	ROTA_TRY(add_part(d, ROTA_PACK_RECORD, rota_bytes_span(&o->record), why));
	ROTA_TRY(add_file(d, ROTA_PACK_ROOT, parts.root, why));
	return add_file(d, ROTA_PACK_IMAGE, parts.image, why);
}

static enum rota_err pack(struct session *s, const struct recovery_order *o)
{
	const char *path = out ? out : ROTA_PACKFILE_NAME;
	char *dir = rota_text("%s", path), *slash = strrchr(dir, '/');
	struct rota_draft draft;
	enum rota_err err;

	if (slash != NULL)
		slash[slash == dir] = 0;
	err = recovery_need_complete(o, &s->why);
	if (err == ROTA_OK)
		err = recovery_check_parts(o, &parts, &s->why);
	if (err == ROTA_OK)
		err = rota_draft_open(&draft, slash != NULL ? dir : ".", 0644, &s->why);
	free(dir);
	ROTA_TRY(err);
	err = add_all(&draft, o, &s->why);
	if (err == ROTA_OK)
		err = rota_draft_commit(&draft, path, &s->why);
	rota_draft_drop(&draft);
	ROTA_TRY(err);
	printf("%s is made\n", path);
	return ROTA_OK;
}

int verb_recovery_pack(int argc, char **argv)
{
	return with_order(&pack_usage, argc, argv, SESSION_READ, pack);
}

/* ---- send ---- */

static const struct opts_row send_rows[] = {
	{ "line", "TTY", "the serial line that leads to the device", OPTS_TEXT, &line },
	{ "wait", "SECONDS", "how long it may stay silent (30)", OPTS_TEXT, &wait },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage send_usage = {
	.synopsis = "rota recovery send --line TTY PACK",
	.text = "Sends a pack over a serial line, at 115,200 baud, to a device that waits for one: "
		"`rota-boot\n"
		"--recovery TTY` where nothing boots, `rota-agent recover --line TTY` where it "
		"runs. "
		"Bytes that\n"
		"the line loses are sent again. What the device says of the pack is the result.",
	.examples = "  rota recovery send --line /dev/ttyUSB0 recovery.pack",
	.rows = send_rows,
	.operands_min = 1,
	.operands_max = 1,
};

static enum rota_err send_pack(const char *path, unsigned wait_s, struct rota_fail *why)
{
	struct rota_packfile p;
	struct rota_lineport l;
	struct rota_bar bar;
	struct stat st;
	enum rota_err err;

	ROTA_TRY(rota_packfile_open(&p, path, why));
	err = rota_lineport_open(&l, line, why);
	if (err == ROTA_OK) {
		err = fstat(p.fd, &st) == 0 ? ROTA_OK : rota_fail_errno(why, errno, "%s", p.path);
		rota_bar_begin_bytes(&bar, stderr, "sending", 0);
		if (err == ROTA_OK)
			err = rota_lineport_send(
				&l, p.fd, (uint64_t)st.st_size, wait_s, VERDICT_S, &bar.port, why);
		rota_bar_end(&bar);
		rota_lineport_close(&l);
	}
	rota_packfile_close(&p);
	return err;
}

int verb_recovery_send(int argc, char **argv)
{
	uint64_t wait_s = QUIET_S;
	struct rota_fail why;
	int at, status;

	if (!opts_parse(&send_usage, argc, argv, &at, &status))
		return status;
	if (line == NULL)
		return opts_wrong(&send_usage, "--line TTY is needed");
	if (wait != NULL && (!opts_number(wait, 86400, &wait_s) || wait_s == 0))
		return opts_wrong(&send_usage, "--wait takes 1 to 86400 seconds");
	if (send_pack(argv[at], (unsigned)wait_s, &why) != ROTA_OK)
		return say_fail(&why);
	printf("the device has taken the pack\n");
	return 0;
}
