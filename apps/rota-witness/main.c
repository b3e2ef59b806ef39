/* SPDX-License-Identifier: Apache-2.0 */
/* rota-witness: cosigns checkpoints of signing logs that continue what it cosigned before. Arguments, the token, one
 * loop. */
#include "apps/rota-witness/config.h"
#include "apps/rota-witness/front.h"
#include "host/base/apart.h"
#include "host/base/file.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/pkcs11/pkcs11.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
	"Usage: rota-witness [--config FILE]           run in the foreground until SIGTERM\n"
	"       rota-witness --check [--config FILE]   say whether configuration, token and state "
	"are "
	"usable\n"
	"       rota-witness --make [--config FILE]    make its key, once, and the token where "
	"so_pin_file is set\n"
	"       rota-witness --key [--config FILE]     print its public key as one line, for who "
	"believes it\n"
	"       rota-witness --help | --version\n"
	"\n"
	"Cosigns checkpoints of signing logs (C2SP tlog-witness, POST /add-checkpoint) when they "
	"continue\n"
	"what it cosigned before, so that nobody can be shown another history. The default FILE "
	"is\n"
	"/etc/rota/witness.ini.\n"
	"\n"
	"Examples:\n"
	"  rota-witness --make && rota-witness --key >>log-policy\n"
	"  rota-witness --check --config /etc/rota/witness.ini\n";

enum mode { RUN, CHECK, KEY, MAKE };

/* What a witness is made of; all zeros: nothing is open. */
struct witness {
	struct config config;
	struct rota_signer signer;
	struct rota_vkey own;
	struct rota_log_policy logs;
	struct rota_cosigner *cosigner;
	int lock;
};

static enum rota_err sign(void *ctx, const uint8_t digest[static ROTA_SHA256_LEN],
	uint8_t sig[static ROTA_P256_SIG_LEN], struct rota_fail *why)
{
	struct witness *w = ctx;

	return w->signer.sign(w->signer.ctx, w->config.key, digest, sig, why);
}

static struct rota_pkcs11_token token_of(const struct config *c)
{
	return (struct rota_pkcs11_token){ .name = c->label,
		.dir = "/",
		.module = c->module,
		.label = c->label,
		.pin_file = c->pin_file,
		.environment = c->environment };
}

static enum rota_err make(const struct config *c, struct rota_fail *why)
{
	const struct rota_pkcs11_token token = token_of(c);
	uint8_t point[ROTA_P256_KEY_LEN];

	if (c->so_pin_file)
		ROTA_TRY(rota_pkcs11_create(&token, c->so_pin_file, &c->key, 1, why));
	else
		ROTA_TRY(rota_pkcs11_generate(&token, c->key, point, why));
	printf("rota-witness: key %s is made in token %s\n", c->key, c->label);
	return ROTA_OK;
}

static enum rota_err open_token(struct witness *w, struct rota_fail *why)
{
	const struct config *c = &w->config;
	const struct rota_pkcs11_token token = token_of(c);
	uint8_t point[ROTA_P256_KEY_LEN];

	ROTA_TRY(rota_pkcs11_open(&token, &c->key, 1, &w->signer, why));
	ROTA_TRY(w->signer.public_key(w->signer.ctx, c->key, point, why));
	return rota_vkey_make(&rota_crypto_openssl, c->name, true, point, &w->own, why);
}

/* Two witnesses on one state would cosign two histories. */
static enum rota_err open_state(struct witness *w, struct rota_fail *why)
{
	const struct rota_cosigner_config config = { .crypto = &rota_crypto_openssl,
		.logs = &w->logs,
		.own = rota_vkey_note(&w->own),
		.state = w->config.state,
		.ctx = w,
		.sign = sign };
	char *lock = rota_text("%s.lock", w->config.state);
	enum rota_err err = rota_lock_take(lock, 0, &w->lock, why);

	free(lock);
	return err == ROTA_OK ? rota_cosigner_open(&config, &w->cosigner, why) : err;
}

static enum rota_err run(struct witness *w, enum mode mode, struct rota_fail *why)
{
	char line[ROTA_VKEY_TEXT_MAX];
	int fd;

	if (mode == MAKE)
		return make(&w->config, why);
	ROTA_TRY(open_token(w, why));
	if (mode == KEY) {
		rota_vkey_write(&w->own, line);
		printf("%s\n", line);
		return ROTA_OK;
	}
	ROTA_TRY(rota_log_policy_load(&rota_crypto_openssl, w->config.logs, &w->logs, why));
	ROTA_TRY(open_state(w, why));
	if (mode == CHECK) {
		printf("rota-witness: %zu keys of logs, state %s\n", w->logs.count,
			w->config.state);
		return ROTA_OK;
	}
	ROTA_TRY(front_listen(w->config.listen, &fd, why));
	fprintf(stderr, "rota-witness: listening on %s\n", w->config.listen);
	return front_run(fd, w->cosigner, why);
}

static int start(const char *path, enum mode mode)
{
	struct witness *w = calloc(1, sizeof(*w));
	struct rota_fail why;
	enum rota_err err;

	if (!w)
		abort();
	err = config_load(path, &w->config, &why);
	if (err == ROTA_OK) {
		err = run(w, mode, &why);
		rota_cosigner_close(w->cosigner);
		if (w->signer.close)
			w->signer.close(w->signer.ctx);
		config_free(&w->config);
	}
	free(w);
	if (err != ROTA_OK)
		fprintf(stderr, "rota-witness: %s\n", why.text);
	return err != ROTA_OK;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'n' }, { "key", no_argument, NULL, 'k' },
		{ "make", no_argument, NULL, 'm' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' }, { NULL, 0, NULL, 0 } };
	const char *path = "/etc/rota/witness.ini";
	enum mode mode = RUN;
	int got;

	rota_keep_private();
	umask(077);
	while ((got = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (got == 'c')
			path = optarg;
		else if (got == 'n')
			mode = CHECK;
		else if (got == 'k')
			mode = KEY;
		else if (got == 'm')
			mode = MAKE;
		else if (got == 'h')
			return printf("%s", usage) < 0;
		else if (got == 'v')
			return printf("rota-witness %s\n", ROTA_VERSION) < 0;
		else
			return 2;
	}
	if (optind < argc) {
		fprintf(stderr, "rota-witness: too much: '%s'; see: rota-witness --help\n",
			argv[optind]);
		return 2;
	}
	return start(path, mode);
}
