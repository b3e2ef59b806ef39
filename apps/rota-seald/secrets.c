/* SPDX-License-Identifier: Apache-2.0 */
/* rota-seald secrets: what the factory left in devices, into book.factory (SPEC 37.13). */
#include "apps/rota-seald/holders.h"
#include "apps/rota-seald/verbs.h"
#include "host/campaign/book.h"
#include "host/factory/secretbook.h"
#include "host/pki/cert.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "ports/pkcs11/entropy.h"
#include "ports/pkcs11/rot_pkcs11.h"
#include "ports/posix/posix.h"
#include "ports/pkcs11/sealer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOCK_WAIT_S 60

/* ---- the pair that they are sealed to ---- */

/* The token's agree key, as a root of trust has one: its private half agrees, and never comes out. */
static enum rota_err open_pair(
	const struct config *c, struct rota_rot_pkcs11 *pair, struct rota_fail *why)
{
	const struct rota_rot_pkcs11_parts parts = {
		.token = &c->token, .p256 = &rota_p256_openssl, .random = &rota_random_posix
	};

	return holders_saw(rota_rot_pkcs11_open(pair, &parts, why));
}

enum rota_err secrets_point(const struct config *c, bool make,
	uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	struct rota_rot_pkcs11 pair;
	enum rota_err err;

	ROTA_TRY(open_pair(c, &pair, why));
	err = pair.port.key_point(&pair, ROTA_ROT_AGREE_0, point);
	if (err == ROTA_ERR_NOT_FOUND && make)
		err = pair.port.key_make(&pair, ROTA_ROT_AGREE_0, point);
	rota_rot_pkcs11_close(&pair);
	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, err, "token %s: the pair that factory secrets are sealed to: %s",
		c->token.label, rota_err_str(err));
}

static enum rota_err agree(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t dh[static ROTA_P256_DH_LEN])
{
	struct rota_rot_pkcs11 *pair = ctx;

	return pair->port.agree(pair, ROTA_ROT_AGREE_0, peer, dh);
}

/* ---- the book ---- */

struct intake {
	const struct config *config;
	const struct arguments *arguments;
	struct rota_rot_pkcs11 pair;
	bool paired;
	struct rota_pkcs11_entropy *source;
	struct holders holders;
	uint8_t point[ROTA_P256_KEY_LEN];
	uint8_t book_key[ROTA_KEYWRAP_KEY_LEN];
	struct rota_secretbook_counts counts;
};

/* All processes that hold the token are there before a key is unwrapped (holders.h). */
static enum rota_err open_token(struct intake *in, struct rota_fail *why)
{
	const struct config *c = in->config;
	enum rota_err err;

	ROTA_TRY(open_pair(c, &in->pair, why));
	in->paired = true;
	ROTA_TRY(holders_entropy(c, &in->source, why));
	ROTA_TRY(holders_saw(rota_pkcs11_sealer_open(&c->token, "book", &in->holders.book, why)));
	err = in->pair.port.key_point(&in->pair, ROTA_ROT_AGREE_0, in->point);
	if (err != ROTA_OK)
		return rota_fail(why, err,
			"token %s has no pair that factory secrets are sealed to; rota-seald make "
			"makes it",
			c->token.label);
	return holders_book(c, &in->holders, in->book_key, why);
}

static void warn(const struct rota_fail *how)
{
	fprintf(stderr, "rota-seald: %s\n", how->text);
}

static enum rota_err take(struct intake *in, const X509 *ca, struct rota_fail *why)
{
	const struct rota_book_tools tools = {
		.crypto = &rota_crypto_openssl, .aead = &rota_aead_openssl, .key = in->book_key
	};
	const struct rota_hpke hpke = { .crypto = &rota_crypto_openssl,
		.aead = &rota_aead_openssl };
	const struct rota_agreement own = { .ctx = &in->pair, .point = in->point, .dh = agree };
	const struct rota_random random = rota_pkcs11_entropy_random(in->source);
	char book[ROTA_FILE_PATH_MAX];
	const struct rota_secretbook_plan plan = { .enrolments = in->arguments->enrolments,
		.product = in->config->product,
		.device_ca = ca,
		.book = book,
		.tools = &tools,
		.random = &random,
		.hpke = &hpke,
		.own = &own,
		.tell = warn };

	rota_book_path(in->config->state, ROTA_BOOK_FACTORY, book);
	return rota_secretbook_take(&plan, &in->counts, why);
}

static enum rota_err open_and_take(struct intake *in, struct rota_fail *why)
{
	X509 *ca;
	enum rota_err err;

	ROTA_TRY(rota_cert_load(in->arguments->device_ca, &ca, why));
	err = holders_lock_memory(in->config, why);
	if (err == ROTA_OK)
		err = open_token(in, why);
	if (err == ROTA_OK)
		err = take(in, ca, why);
	X509_free(ca);
	holders_close(&in->holders);
	if (in->source)
		rota_pkcs11_entropy_close(in->source);
	if (in->paired)
		rota_rot_pkcs11_close(&in->pair);
	explicit_bzero(in->book_key, sizeof(in->book_key));
	return err;
}

static void tell(const struct intake *in)
{
	const struct rota_secretbook_counts *n = &in->counts;

	if (in->arguments->json)
		printf("{\"added\":%" PRIu32 ",\"changed\":%" PRIu32 ",\"passed\":%" PRIu32
		       ",\"same\":%" PRIu32 ",\"without\":%" PRIu32 "}\n",
			n->added, n->changed, n->passed, n->same, n->without);
	else
		printf("rota-seald: factory secrets of %" PRIu32 " devices are new, of %" PRIu32
		       " others; %" PRIu32 " were there, %" PRIu32 " lines have none\n",
			n->added, n->changed, n->same, n->without);
}

/* Under the lock that a sealing has: a book that changed below it would spoil it. */
enum rota_err verb_secrets(const struct config *c, const struct arguments *a, struct rota_fail *why)
{
	static struct intake in;
	char lock[ROTA_FILE_PATH_MAX];
	enum rota_err err;
	int fd;

	in = (struct intake){ .config = c, .arguments = a };
	snprintf(lock, sizeof(lock), "%.*s/lock", ROTA_FILE_PATH_MAX - 32, c->state);
	ROTA_TRY(rota_lock_take(lock, LOCK_WAIT_S, &fd, why));
	err = open_and_take(&in, why);
	close(fd);
	if (err != ROTA_OK)
		return err;
	tell(&in);
	return in.counts.passed == 0
		? ROTA_OK
		: rota_fail(why, ROTA_ERR_SIGNATURE,
			  "%" PRIu32 " devices were passed over; those of all others are in",
			  in.counts.passed);
}
