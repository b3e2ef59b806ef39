/* SPDX-License-Identifier: Apache-2.0 */
/* rota serve: nginx and rotad together, in the foreground; and the signing daemon of a desk, where nobody else runs it. */
#include "apps/rota/opts.h"
#include "apps/rota/daemon.h"
#include "apps/rota/verb.h"
#include "host/base/bytes.h"
#include "host/base/file.h"
#include "host/serve/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Until both answer; a journal of a few GB takes a while to project after a rebuild. */
#define READY_S 60
/* nginx finishes transfers that run, up to its worker_shutdown_timeout. */
#define NGINX_STOP_S 12
#define ROTAD_STOP_S 30
/* How often CA files, certificate and key are looked at. */
#define LOOK_S 2

struct watched { /* nginx reads these itself */
	struct timespec certificate, key;
};

struct serve {
	struct serve_config config;
	struct serve_state state;
	struct serve_child nginx, rotad;
	struct daemon daemon;
	struct watched watched;
	sigset_t signals;
};

static struct serve_options given;

static const struct opts_row rows[] = {
	{ "config", "FILE", "settings, section [serve] (default: DIR/rota.ini)", OPTS_TEXT,
		&given.config },
	{ "state", "DIR", "where everything is written", OPTS_TEXT, &given.state },
	{ "address", "ADDRESS", "listen here (default 127.0.0.1)", OPTS_TEXT, &given.address },
	{ "port", "PORT", "of /repo/ (default 8443; 0: a free one)", OPTS_TEXT, &given.port },
	{ "device-port", "PORT", "of /api/ and /est/ (default 8444)", OPTS_TEXT,
		&given.device_port },
	{ "http-port", "PORT", "of /repo/ without TLS (default: none)", OPTS_TEXT,
		&given.http_port },
	{ "ports-file", "FILE", "write the ports there when ready", OPTS_TEXT, &given.ports_file },
	{ 0 },
};

static const struct opts_usage usage = {
	.synopsis = "rota serve [OPTION]...",
	.text = "Serves the repository and takes devices' reports: runs nginx and rotad, and\n"
		"rota-signd where DIR has a signd.ini and nobody runs it, in the foreground until\n"
		"SIGTERM or Ctrl-C, and stops all when one ends.",
	.examples = "  rota --dir /srv/authority serve\n"
		    "  rota serve --dir . --port 0 --device-port 0 --ports-file ports.txt\n"
		    "  rota serve --config /etc/rota/serve.ini --address 0.0.0.0",
	.rows = rows,
};

static enum rota_err stamps(
	const struct serve_config *c, struct watched *out, struct rota_fail *why)
{
	struct stat cert, key;

	if (stat(c->certificate, &cert) != 0)
		return rota_fail_errno(why, errno, "certificate %s", c->certificate);
	if (stat(c->key, &key) != 0)
		return rota_fail_errno(why, errno, "key %s", c->key);
	out->certificate = cert.st_mtim;
	out->key = key.st_mtim;
	return ROTA_OK;
}

/* Everything that can be known before a program runs. */
static enum rota_err prepare(struct serve *s, struct rota_fail *why)
{
	bool changed;

	ROTA_TRY(serve_config_load(&given, &s->config, why));
	ROTA_TRY(rota_tls_check(s->config.certificate, s->config.key, why));
	ROTA_TRY(stamps(&s->config, &s->watched, why));
	ROTA_TRY(serve_state_open(&s->state, &s->config, why));
	ROTA_TRY(serve_copy_cas(&s->state, &changed, why));
	ROTA_TRY(serve_ports(&s->state, why));
	return serve_write_configs(&s->state, why);
}

static struct serve_child child_of_nginx(const struct serve *s, const char *const *argv)
{
	return (struct serve_child){ .name = "nginx",
		.argv = argv,
		.log = serve_path(&s->state, "nginx/log/error.log"),
		.stop_signal = SIGQUIT };
}

/* Ask nginx about its configuration; what it says stands in the last line of its log. */
static enum rota_err test_nginx(const struct serve *s, struct rota_fail *why)
{
	char *prefix = rota_text("%s", serve_path(&s->state, "nginx"));
	const char *argv[] = { s->config.nginx, "-t", "-q", "-p", prefix, "-c", "nginx.conf", "-e",
		"log/error.log", NULL };
	struct serve_child c = child_of_nginx(s, argv);
	char *log = rota_text("%s", c.log), line[512];
	int status = 0;
	enum rota_err err;

	c.log = log;
	unlink(log); /* of the run before: its last line would be taken for today's */
	err = serve_child_run(&c, &status, why);
	if (err == ROTA_OK && status != 0)
		err = rota_fail(why, ROTA_ERR_FORMAT, "nginx does not take its configuration: %s",
			serve_last_line(log, "[emerg]", line, sizeof(line)));
	free(log);
	free(prefix);
	return err;
}

/* GET /readyz through nginx: shows that both run and that nginx may talk to rotad. */
static bool answers(const struct serve *s)
{
	static const char ask[] = "GET /readyz HTTP/1.0\r\nHost: rotad\r\n\r\n";
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = 5 };
	char got[16] = "";
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s",
		serve_path(&s->state, "nginx/run/status.sock"));
	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	ok = connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
		send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(ask) - 1 &&
		recv(fd, got, 12, MSG_WAITALL) == 12 && strcmp(got + 8, " 200") == 0;
	close(fd);
	return ok;
}

static enum rota_err died(const struct serve *s, const struct serve_child *c, struct rota_fail *why)
{
	char line[400], how[64];
	const char *log = c == &s->nginx ? "nginx/log/error.log" : "log/rotad.log";

	if (WIFSIGNALED(c->status))
		snprintf(how, sizeof(how), "was killed by signal %d", WTERMSIG(c->status));
	else
		snprintf(how, sizeof(how), "ended with status %d", WEXITSTATUS(c->status));
	serve_last_line(serve_path(&s->state, log), "", line, sizeof(line));
	return rota_fail(why, ROTA_ERR_STATE, "%s %s%s%s (%s)", c->name, how, line[0] ? ": " : "",
		line, serve_path(&s->state, log));
}

static enum rota_err any_dead(struct serve *s, struct rota_fail *why)
{
	if (serve_child_ended(&s->rotad))
		return died(s, &s->rotad, why);
	if (serve_child_ended(&s->nginx))
		return died(s, &s->nginx, why);
	return daemon_check(&s->daemon, why);
}

/* true: a signal asked us to stop. */
static bool asked_to_stop(const struct serve *s, time_t seconds, long nanoseconds)
{
	const struct timespec limit = { .tv_sec = seconds, .tv_nsec = nanoseconds };
	int got = sigtimedwait(&s->signals, NULL, &limit);

	return got == SIGTERM || got == SIGINT || got == SIGHUP;
}

static enum rota_err wait_ready(struct serve *s, bool *stopped, struct rota_fail *why)
{
	char line[300];

	for (int i = 0; i < READY_S * 20; i++) {
		ROTA_TRY(any_dead(s, why));
		if (answers(s))
			return ROTA_OK;
		*stopped = asked_to_stop(s, 0, 50 * 1000 * 1000);
		if (*stopped)
			return ROTA_OK;
	}
	return rota_fail(why, ROTA_ERR_TIMEOUT, "no answer through nginx after %d s: %s (see %s)",
		READY_S, serve_last_line(s->nginx.log, "", line, sizeof(line)), s->nginx.log);
}

/* rotad has opened its socket only when journal and database are in order, so it goes first. */
static enum rota_err wait_rotad(struct serve *s, bool *stopped, struct rota_fail *why)
{
	for (int i = 0; i < READY_S * 20; i++) {
		ROTA_TRY(any_dead(s, why));
		if (access(serve_path(&s->state, "run/rotad.sock"), F_OK) == 0)
			return ROTA_OK;
		*stopped = asked_to_stop(s, 0, 50 * 1000 * 1000);
		if (*stopped)
			return ROTA_OK;
	}
	return rota_fail(why, ROTA_ERR_TIMEOUT, "rotad is not ready after %d s; see %s", READY_S,
		serve_path(&s->state, "log/rotad.log"));
}

static enum rota_err say_ready(const struct serve *s, struct rota_fail *why)
{
	const struct serve_state *st = &s->state;
	bool v6 = strchr(s->config.address, ':') != NULL;
	char *text = rota_text(
		"repo=%u\ndevice=%u\n", (unsigned)st->repo_port, (unsigned)st->device_port);
	enum rota_err err = ROTA_OK;

	if (given.ports_file != NULL && st->http_port != 0) {
		char *more = rota_text("%shttp=%u\n", text, (unsigned)st->http_port);

		free(text);
		text = more;
	}
	if (given.ports_file != NULL)
		err = rota_file_write(given.ports_file, rota_span_cstr(text), 0644, why);
	free(text);
	ROTA_TRY(err);
	printf("ready: repository https://%s%s%s:%u/repo/, devices https://%s%s%s:%u/ (logs and "
	       "state in %s)\n",
		v6 ? "[" : "", s->config.address, v6 ? "]" : "", (unsigned)st->repo_port,
		v6 ? "[" : "", s->config.address, v6 ? "]" : "", (unsigned)st->device_port,
		s->config.state);
	fflush(stdout);
	return ROTA_OK;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* New CA, revocation list, certificate or key: rotad looks at its copies itself, nginx is told. */
static void look_at_files(struct serve *s)
{
	struct rota_fail why;
	struct watched now;
	bool changed = false;

	if (serve_copy_cas(&s->state, &changed, &why) != ROTA_OK ||
		stamps(&s->config, &now, &why) != ROTA_OK) {
		fprintf(stderr, "rota serve: goes on with what it has: %s\n", why.text);
		return;
	}
	if (!same_time(&now.certificate, &s->watched.certificate) ||
		!same_time(&now.key, &s->watched.key)) {
		s->watched = now;
		if (rota_tls_check(s->config.certificate, s->config.key, &why) == ROTA_OK)
			changed = true;
		else
			fprintf(stderr, "rota serve: goes on with the old certificate: %s\n",
				why.text);
	}
	if (changed)
		kill(s->nginx.pid, SIGHUP);
}

static enum rota_err watch(struct serve *s, struct rota_fail *why)
{
	while (!asked_to_stop(s, LOOK_S, 0)) {
		ROTA_TRY(any_dead(s, why));
		look_at_files(s);
	}
	return ROTA_OK;
}

/* Its own folder is that of the file with the settings. */
static enum rota_err start_daemon(struct serve *s, struct rota_fail *why)
{
	const struct serve_config *c = &s->config;
	char *dir;
	enum rota_err err = ROTA_OK;

	if (c->signd == NULL || daemon_listens(c->signd))
		return ROTA_OK;
	dir = rota_text("%.*s", (int)(strrchr(c->file, '/') - c->file), c->file);
	if (daemon_is_ours(dir))
		err = daemon_start(&s->daemon, dir, c->signd, why);
	free(dir);
	return err;
}

static enum rota_err run_all(struct serve *s, struct rota_fail *why)
{
	bool stopped = false;

	unlink(serve_path(&s->state, "run/rotad.sock")); /* we hold the lock: nobody uses it */
	ROTA_TRY(start_daemon(s, why));
	ROTA_TRY(serve_child_start(&s->rotad, why));
	ROTA_TRY(wait_rotad(s, &stopped, why));
	if (stopped)
		return ROTA_OK;
	ROTA_TRY(serve_child_start(&s->nginx, why));
	ROTA_TRY(wait_ready(s, &stopped, why));
	if (stopped)
		return ROTA_OK;
	ROTA_TRY(say_ready(s, why));
	return watch(s, why);
}

static enum rota_err with_children(struct serve *s, struct rota_fail *why)
{
	char *prefix = rota_text("%s", serve_path(&s->state, "nginx"));
	char *ini = rota_text("%s", serve_path(&s->state, "rotad.ini"));
	char *nginx_log = rota_text("%s", serve_path(&s->state, "nginx/log/error.log"));
	char *rotad_log = rota_text("%s", serve_path(&s->state, "log/rotad.log"));
	const char *nginx[] = { s->config.nginx, "-p", prefix, "-c", "nginx.conf", "-e",
		"log/error.log", NULL };
	const char *rotad[] = { s->config.rotad, "--config", ini, NULL };
	enum rota_err err;

	s->nginx = child_of_nginx(s, nginx);
	s->nginx.log = nginx_log;
	s->rotad = (struct serve_child){ .name = "rotad",
		.argv = rotad,
		.log = rotad_log,
		.user = s->state.root ? &s->state.ingest : NULL,
		.extra_group = s->state.root ? s->state.web.gid : 0,
		.stop_signal = SIGTERM };
	err = run_all(s, why);
	/* nginx first: what it has taken is still answered. */
	serve_child_stop(&s->nginx, NGINX_STOP_S);
	serve_child_stop(&s->rotad, ROTAD_STOP_S);
	daemon_stop(&s->daemon);
	free(prefix);
	free(ini);
	free(nginx_log);
	free(rotad_log);
	return err;
}

static void block_signals(struct serve *s)
{
	sigemptyset(&s->signals);
	sigaddset(&s->signals, SIGTERM);
	sigaddset(&s->signals, SIGINT);
	sigaddset(&s->signals, SIGHUP);
	sigaddset(&s->signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &s->signals, NULL);
}

int verb_serve(int argc, char **argv)
{
	struct serve s = { .state.lock = -1 };
	struct rota_fail why;
	enum rota_err err;
	int first, status;

	if (!opts_parse(&usage, argc, argv, &first, &status))
		return status;
	block_signals(&s);
	err = prepare(&s, &why);
	if (err == ROTA_OK)
		err = test_nginx(&s, &why);
	if (err == ROTA_OK)
		err = with_children(&s, &why);
	serve_state_close(&s.state);
	serve_config_free(&s.config);
	if (err == ROTA_OK)
		return 0;
	fprintf(stderr, "rota serve: %s\n", why.text);
	return 1;
}
