/* SPDX-License-Identifier: Apache-2.0 */
/* rota-tuf -- a plain client for any TUF repository. See docs/man/rota-tuf.1. */
#include "apps/rota-tuf/options.h"
#include "host/base/bar.h"
#include "host/base/when.h"
#include "host/tuf/artifact.h"
#include "host/tuf/client.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <signal.h>
#include <stdio.h>

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	stop = number;
}

static void catch_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static struct rota_fetch_server server(const struct tuf_options *o, const char *url)
{
	return (struct rota_fetch_server){ .url = url, .ca = o->ca, .plain = true };
}

/* which  what the bar of its transfer is called */
static enum rota_err get(const struct tuf_options *o, struct rota_tuf_artifact *a,
	struct rota_fetch *fetch, const char *which, struct rota_fail *why)
{
	const struct rota_fetch_server targets = server(o, o->target_base_url);
	struct rota_bar bar;
	enum rota_err err;

	rota_bar_begin_bytes(&bar, stderr, which, 0);
	a->progress = &bar.port;
	err = rota_tuf_artifact_get(a, fetch, &targets, o->target_dir, o->target_s, why);
	rota_bar_end(&bar);
	return err;
}

static enum rota_err download(const struct tuf_options *o, struct rota_tuf_client *client,
	struct rota_fetch *fetch, struct rota_fail *why)
{
	for (size_t i = 0; i < o->target_count; i++) {
		char which[64] = "download";
		struct rota_tuf_artifact a = {
			.path = o->targets[i],
			.consistent = rota_tuf_consistent(client),
			.before = o->targets,
			.before_count = i,
		};

		if (o->target_count > 1)
			snprintf(which, sizeof(which), "download %zu of %zu", i + 1,
				o->target_count);
		ROTA_TRY(rota_tuf_find(client, a.path, &a.target, why));
		ROTA_TRY(get(o, &a, fetch, which, why));
	}
	return ROTA_OK;
}

static enum rota_err use_repository(const struct tuf_options *o, struct rota_fetch *fetch,
	const struct rota_metadir *metadir, struct rota_fail *why)
{
	const struct rota_tuf_settings settings = {
		.metadir = metadir,
		.crypto = &rota_crypto_openssl,
		.fetch = fetch,
		.server = server(o, o->metadata_url),
		.file_s = o->metadata_s,
		.roots = o->roots,
		.now_s = rota_when_now(),
	};
	struct rota_tuf_client *client = rota_tuf_open(&settings, why);
	enum rota_err err;

	if (!client)
		return why->err;
	err = rota_tuf_refresh(client, why);
	if (err == ROTA_OK && o->verb == TUF_DOWNLOAD)
		err = download(o, client, fetch, why);
	rota_tuf_close(client);
	return err;
}

static enum rota_err run(const struct tuf_options *o, struct rota_fail *why)
{
	const struct rota_fetch_settings settings = {
		.user_agent = "rota-tuf/" ROTA_VERSION,
		.connect_s = o->connect_s,
		.stall_s = o->stall_s,
		.stop = &stop,
	};
	struct rota_metadir metadir;
	struct rota_fetch *fetch;
	enum rota_err err;

	ROTA_TRY(rota_metadir_open(&metadir, o->metadata_dir, why));
	if (o->verb == TUF_INIT) {
		err = rota_tuf_begin(&metadir, &rota_crypto_openssl, o->root, why);
	} else {
		fetch = rota_fetch_new(&settings);
		err = fetch ? use_repository(o, fetch, &metadir, why)
			    : rota_fail(why, ROTA_ERR_FULL, "out of memory");
		rota_fetch_free(fetch);
	}
	rota_metadir_close(&metadir);
	return err;
}

int main(int argc, char **argv)
{
	struct tuf_options o;
	struct rota_fail why = { 0 };
	int status = tuf_options_parse(argc, argv, &o);

	if (status >= 0)
		return status;
	catch_signals();
	if (run(&o, &why) == ROTA_OK)
		return 0;
	fprintf(stderr, "rota-tuf: %s: %s\n", o.verb_name, why.text);
	return 1;
}
