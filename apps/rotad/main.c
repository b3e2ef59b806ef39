/* SPDX-License-Identifier: Apache-2.0 */
/* rotad: the update server behind nginx. Arguments, wiring, and one wait for a signal. */
#include "apps/rotad/config.h"
#include "apps/rotad/est.h"
#include "apps/rotad/ingest.h"
#include "apps/rotad/journal_dump.h"
#include "apps/rotad/log_heads.h"
#include "apps/rotad/projection.h"
#include "apps/rotad/rows.h"
#include "apps/rotad/snapshot.h"
#include "apps/rotad/worker.h"
#include "apps/rotad/log.h"
#include "host/base/apart.h"
#include "host/base/bytes.h"
#include "host/base/file.h"
#include "host/pki/cert.h"
#include "host/serve/listener.h"
#include "ports/db_sqlite/registry.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
	"Usage: rotad [--config FILE]                run in the foreground until SIGTERM\n"
	"       rotad --check [--config FILE]        say whether configuration and files are "
	"usable\n"
	"       rotad --rebuild [--config FILE]      make the database anew from the journal\n"
	"       rotad --check-journal DIR            read a journal to its end\n"
	"       rotad --dump-journal DIR             print its records as JSON lines\n"
	"       rotad --log-heads DEVICE [--json] [--config FILE]\n"
	"                                            what a device signed of its log, verified "
	"anew\n"
	"       rotad --help | --version\n"
	"\n"
	"Takes reports of devices from nginx over a Unix socket, writes them to the journal, and "
	"keeps\n"
	"a database that shows the fleet. The default FILE is /etc/rota/rotad.ini.\n"
	"\n"
	"Examples:\n"
	"  rotad --check --config /etc/rota/rotad.ini\n"
	"  rotad --dump-journal /var/lib/rota-serve/rotad/journal | grep '\"type\":\"report\"'\n";

/* Beside its connections a worker has an event loop, a queue, trees of campaigns; journal, database and the rest. */
#define DESCRIPTORS_WORKER (16 + 2 * ROTA_KEYSHELF_OPEN_MAX)
#define DESCRIPTORS_OWN 64

struct server {
	struct shared shared;
	struct rota_ingest *journal;
	struct rota_db_sqlite *sqlite;
	struct rota_db db;
	struct rota_regdb reg;
	struct ingest ingest;
	struct projection projection;
	struct est est;
	struct rows rows;
	struct snapshot snapshot;
	struct worker *workers;
	size_t running;
	int listener, desk;
};

static int failed(const struct rota_fail *why)
{
	fprintf(stderr, "rotad: %s\n", why->text);
	return 1;
}

static enum rota_err journal_fault(const struct config *c, enum rota_err err,
	const struct rota_ingest_fault *f, struct rota_fail *why)
{
	return rota_fail(why, err, "journal %s: %s%s%s at byte %" PRIu64 "%s%s%s", c->journal,
		f->what, f->file[0] ? ": " : "", f->file, f->offset, f->sys ? ": " : "",
		f->sys ? strerror(f->sys) : "",
		err == ROTA_ERR_CORRUPT ? "; put the file back from a copy" : "");
}

/* Can `path` be written, or made where it will lie? */
static enum rota_err check_writable(const char *path, struct rota_fail *why)
{
	char *copy, *above;
	bool ok;

	if (access(path, F_OK) == 0)
		return access(path, W_OK) == 0 ? ROTA_OK : rota_fail_errno(why, errno, "%s", path);
	copy = rota_text("%s", path);
	above = dirname(copy);
	ok = access(above, W_OK | X_OK) == 0;
	if (!ok)
		(void)rota_fail_errno(why, errno, "%s cannot be made: %s", path, above);
	free(copy);
	return ok ? ROTA_OK : why->err;
}

static enum rota_err open_journal(struct server *s, struct rota_fail *why)
{
	const struct config *c = &s->shared.config;
	struct rota_ingest_fault fault;
	enum rota_err err;

	/* its name is synced too: what is durable in a directory that a cut takes away is not */
	ROTA_TRY(check_writable(c->journal, why));
	ROTA_TRY(rota_file_mkdirs(c->journal, 0750, why));
	err = rota_ingest_open(c->journal, c->segment_bytes, &s->journal, &fault);
	return err == ROTA_OK ? ROTA_OK : journal_fault(c, err, &fault, why);
}

/* The journal is opened first: it decides what is true. Then the database catches up with it. */
static enum rota_err open_stores(struct server *s, bool rebuild, struct rota_fail *why)
{
	enum rota_err err;
	uint64_t durable;
	bool restored = false;

	ROTA_TRY(open_journal(s, why));
	durable = rota_ingest_durable(s->journal);
	if (rebuild)
		ROTA_TRY(snapshot_restore(&s->shared.config, &restored, why));
	ROTA_TRY(rota_db_sqlite_open(s->shared.config.database, &s->sqlite, &s->db, why));
	ROTA_TRY(rota_db_sqlite_registry(s->sqlite, &s->reg, why));
	if (rebuild && !restored)
		ROTA_TRY(projection_rebuild(&s->projection, &s->shared, &s->db, &s->reg, why));
	else
		ROTA_TRY(
			projection_open(&s->projection, &s->shared, &s->db, &s->reg, durable, why));
	err = projection_catch_up(&s->projection, durable, why);
	ROTA_TRY(err);
	/* proofs of all purposes, a state, and the same again after a lost network */
	turns_init(&s->shared.turns, 16, 4000);
	/* a renewal that fails is tried again; more is a fault, and each is an entry of the signing log */
	turns_init(&s->shared.enrols, 8, 600000);
	if (s->shared.config.device_ca != NULL)
		ROTA_TRY(rota_cert_load(s->shared.config.device_ca, &s->shared.device_ca, why));
	/* who makes the database anew, as another user perhaps, needs no nonces */
	return rebuild ? ROTA_OK : keys_prepare(&s->shared.config, &s->shared.prove, why);
}

static void close_stores(struct server *s)
{
	struct rota_ingest_fault ignored;

	projection_close(&s->projection);
	(void)!rota_ingest_close(s->journal, &ignored);
	s->journal = NULL;
	rota_db_sqlite_close(s->sqlite);
	X509_free(s->shared.device_ca);
	explicit_bzero(&s->shared.prove, sizeof(s->shared.prove));
}

/* Descriptors for every connection that the settings allow; out of them, accepting would spin. */
static enum rota_err need_descriptors(const struct config *c, struct rota_fail *why)
{
	rlim_t need = c->workers * (c->connections + DESCRIPTORS_WORKER) + DESCRIPTORS_OWN;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return rota_fail_errno(why, errno, "limit of open files");
	if (limit.rlim_cur >= need)
		return ROTA_OK;
	limit.rlim_cur = need < limit.rlim_max ? need : limit.rlim_max;
	if (limit.rlim_cur == need && setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_LIMIT,
		"[server] workers x [limits] connections need %llu open files, the limit is %llu; "
		"lower one of them or raise the limit (ulimit -Hn, LimitNOFILE=)",
		(unsigned long long)need, (unsigned long long)limit.rlim_max);
}

static enum rota_err start_threads(struct server *s, struct rota_fail *why)
{
	size_t count = s->shared.config.workers;

	s->workers = calloc(count, sizeof(*s->workers));
	if (s->workers == NULL || !ingest_start(&s->ingest, &s->shared, s->journal) ||
		!projection_start(&s->projection) || !est_start(&s->est, &s->shared) ||
		!rows_start(&s->rows) || !snapshot_start(&s->snapshot, &s->shared))
		return rota_fail(why, ROTA_ERR_FULL, "a thread cannot be made");
	while (s->running < count) {
		ROTA_TRY(worker_start(&s->workers[s->running], &s->shared, s->listener,
			s->running == 0 ? s->desk : -1, why));
		s->running++;
	}
	return ROTA_OK;
}

/* Front to back: nothing new, then all reports to the disk and answered, then the database. */
static bool stop_threads(struct server *s)
{
	bool ok;

	for (size_t i = 0; i < s->running; i++)
		worker_stop(&s->workers[i]);
	for (size_t i = 0; i < s->running; i++)
		worker_join(&s->workers[i]);
	queue_close(&s->shared.est);
	est_join(&s->est);
	queue_close(&s->shared.snapshot);
	snapshot_join(&s->snapshot);
	queue_close(&s->shared.rows);
	rows_join(&s->rows);
	queue_close(&s->shared.ingest);
	ok = ingest_join(&s->ingest);
	s->journal = NULL;
	queue_close(&s->shared.projection);
	projection_join(&s->projection);
	free(s->workers);
	return ok;
}

static void wait_for_signal(const sigset_t *set)
{
	int got = 0;

	sigwait(set, &got);
	log_line("stopping on %s", strsignal(got));
}

static int run(struct server *s, struct rota_fail *why)
{
	const struct config *c = &s->shared.config;
	sigset_t set;
	bool ok;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread is made */
	if (rota_listener_open(c->socket, 0660, &s->listener, why) != ROTA_OK)
		return failed(why);
	if (c->desk != NULL && rota_listener_open(c->desk, 0666, &s->desk, why) != ROTA_OK)
		return failed(why);
	if (!queue_init(&s->shared.ingest, c->queue) || !queue_init(&s->shared.projection, 4) ||
		!queue_init(&s->shared.est, EST_QUEUE_MAX) || !queue_init(&s->shared.rows, 4) ||
		!queue_init(&s->shared.snapshot, 1)) {
		rota_fail(why, ROTA_ERR_FULL, "out of memory or descriptors");
		return failed(why);
	}
	if (rows_open(&s->rows, &s->shared, why) != ROTA_OK)
		return failed(why);
	if (start_threads(s, why) != ROTA_OK) {
		failed(why);
		exit(1); /* threads hold what would be released; nothing was promised to anybody yet */
	}
	log_line("ready on %s, journal at record %" PRIu64, c->socket,
		atomic_load(&s->shared.figures.durable));
	wait_for_signal(&set);
	ok = stop_threads(s);
	rota_listener_close(c->socket, s->listener);
	rows_close(&s->rows);
	if (s->desk >= 0)
		rota_listener_close(c->desk, s->desk);
	queue_free(&s->shared.ingest);
	queue_free(&s->shared.projection);
	queue_free(&s->shared.est);
	queue_free(&s->shared.rows);
	queue_free(&s->shared.snapshot);
	log_line("stopped");
	return ok ? 0 : 1;
}

static enum rota_err check_identity(const struct config *c, struct rota_fail *why)
{
	struct rota_chain *chain;

	ROTA_TRY(rota_chain_open(c->ca, c->crl, &chain, why));
	rota_chain_close(chain);
	return ROTA_OK;
}

/* Reads only, so that it can be asked while rotad runs. */
static int check_all(const char *path)
{
	struct rota_ingest_fault fault;
	struct rota_ingest_stats stats = { 0 };
	struct rota_fail why;
	struct config c;
	enum rota_err err = config_load(path, &c, &why);

	if (err == ROTA_OK)
		err = check_identity(&c, &why);
	if (err == ROTA_OK)
		err = need_descriptors(&c, &why);
	if (err == ROTA_OK)
		err = check_writable(c.journal, &why);
	if (err == ROTA_OK)
		err = check_writable(c.database, &why);
	if (err == ROTA_OK && access(c.journal, F_OK) == 0) {
		err = rota_ingest_check(c.journal, &stats, &fault);
		if (err != ROTA_OK)
			(void)journal_fault(&c, err, &fault, &why);
	}
	config_free(&c);
	if (err != ROTA_OK)
		return failed(&why);
	printf("rotad: %s is usable; journal of %" PRIu64 " records\n", path, stats.records);
	return 0;
}

static int with_stores(const char *path, bool rebuild)
{
	struct server *s = calloc(1, sizeof(*s));
	struct rota_fail why;
	int status = 0;

	if (s == NULL)
		return 1;
	s->listener = s->desk = -1;
	if (config_load(path, &s->shared.config, &why) != ROTA_OK ||
		check_identity(&s->shared.config, &why) != ROTA_OK ||
		need_descriptors(&s->shared.config, &why) != ROTA_OK ||
		open_stores(s, rebuild, &why) != ROTA_OK)
		status = failed(&why);
	else if (!rebuild)
		status = run(s, &why);
	else
		printf("rotad: database made anew, at journal record %" PRIu64 "\n",
			atomic_load(&s->shared.figures.projected));
	close_stores(s);
	config_free(&s->shared.config);
	free(s);
	return status;
}

static int show_log_heads(const char *path, const char *device, bool json)
{
	struct rota_fail why;
	struct config c;
	int status = 1;

	if (config_load(path, &c, &why) != ROTA_OK)
		failed(&why);
	else
		status = log_heads(&c, device, json);
	config_free(&c);
	return status;
}

static int wrong_usage(const char *word)
{
	fprintf(stderr, "rotad: '%s' is not understood; see: rotad --help\n", word);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "rebuild", no_argument, NULL, 'r' },
		{ "check-journal", required_argument, NULL, 'j' },
		{ "dump-journal", required_argument, NULL, 'd' },
		{ "log-heads", required_argument, NULL, 'l' },
		{ "json", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	const char *config = "/etc/rota/rotad.ini", *device = NULL;
	bool check = false, rebuild = false, json = false;
	int c;

	rota_keep_private();
	umask(027);
	opterr = 0; /* one line of ours, not two */
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			config = optarg;
			break;
		case 'k':
			check = true;
			break;
		case 'r':
			rebuild = true;
			break;
		case 'j':
			return journal_check(optarg);
		case 'd':
			return journal_dump(optarg);
		case 'l':
			device = optarg;
			break;
		case 'o':
			json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'v':
			printf("rotad %s\n", ROTA_VERSION);
			return 0;
		default:
			fprintf(stderr,
				"rotad: '%s' is unknown or lacks its value; see: rotad --help\n",
				argv[optind - 1]);
			return 2;
		}
	}
	if (optind < argc)
		return wrong_usage(argv[optind]);
	if (json && device == NULL)
		return wrong_usage("--json");
	if (device != NULL)
		return show_log_heads(config, device, json);
	return check ? check_all(config) : with_stores(config, rebuild);
}
