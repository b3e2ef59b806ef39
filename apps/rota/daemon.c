/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/daemon.h"
#include "apps/rota/sibling.h"
#include "host/base/bytes.h"
#include "host/base/file.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Tokens are opened, and a log of a million entries is read. */
#define READY_S 60
#define TICK_MS 10
/* Longer than its own patience with its children. */
#define STOP_S 50

bool daemon_is_ours(const char *dir)
{
	char *path = rota_text("%s/signd.ini", dir);
	bool there = rota_file_exists(path);

	free(path);
	return there;
}

bool daemon_listens(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool listens;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	listens = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
	if (fd >= 0)
		close(fd);
	return listens;
}

enum rota_err daemon_check(struct daemon *d, struct rota_fail *why)
{
	char line[400];

	if (!serve_child_ended(&d->child))
		return ROTA_OK;
	serve_last_line(d->log, "", line, sizeof(line));
	return rota_fail(why, ROTA_ERR_STATE, "rota-signd ended%s%s (%s)", line[0] ? ": " : "",
		line, d->log);
}

static enum rota_err start(
	struct daemon *d, const char *dir, const char *socket, struct rota_fail *why)
{
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000000L };

	*d = (struct daemon){ .program = sibling_find("rota-signd"),
		.config = rota_text("%s/signd.ini", dir),
		.log = rota_text("%s/signd/output", dir) };
	d->argv[0] = d->program;
	d->argv[1] = "--config";
	d->argv[2] = d->config;
	d->child = (struct serve_child){
		.name = "rota-signd", .argv = d->argv, .log = d->log, .stop_signal = SIGTERM
	};
	unlink(d->log); /* of the run before: its last line would be taken for this one's */
	ROTA_TRY(serve_child_start(&d->child, why));
	for (int i = 0; i < READY_S * 1000 / TICK_MS; i++) {
		ROTA_TRY(daemon_check(d, why));
		if (daemon_listens(socket))
			return ROTA_OK;
		nanosleep(&tick, NULL);
	}
	return rota_fail(why, ROTA_ERR_TIMEOUT,
		"rota-signd does not listen at %s after %d s; see %s, and the socket in %s", socket,
		READY_S, d->log, d->config);
}

enum rota_err daemon_start(
	struct daemon *d, const char *dir, const char *socket, struct rota_fail *why)
{
	if (d->failed.err != ROTA_OK) {
		*why = d->failed;
		return why->err;
	}
	daemon_stop(d);
	if (start(d, dir, socket, why) != ROTA_OK)
		d->failed = *why;
	return d->failed.err;
}

void daemon_stop(struct daemon *d)
{
	serve_child_stop(&d->child, STOP_S);
	free(d->program);
	free(d->config);
	free(d->log);
	*d = (struct daemon){ 0 };
}
