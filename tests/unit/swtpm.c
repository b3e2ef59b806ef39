/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/swtpm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t running;
static char socket_path[100], tcti[140];

void swtpm_stop(void)
{
	if (running <= 0)
		return;
	kill(running, SIGTERM);
	waitpid(running, NULL, 0);
	running = 0;
}

static void run(const char *dir)
{
	char state[120], server[140], control[150];

	if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
		_exit(126);
	snprintf(state, sizeof(state), "dir=%s", dir);
	snprintf(server, sizeof(server), "type=unixio,path=%s", socket_path);
	snprintf(control, sizeof(control), "type=unixio,path=%s.ctrl", socket_path);
	execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server", server,
		"--ctrl", control, "--flags", "not-need-init,startup-clear", (char *)NULL);
	_exit(127);
}

/* A socket's file is there before anybody listens. */
static int listens(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), good;

	if (fd < 0 || strlen(path) >= sizeof(at.sun_path))
		abort();
	memcpy(at.sun_path, path, strlen(path) + 1);
	good = connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
	close(fd);
	return good;
}

/* Until both sockets take connections, or it has ended. */
static int wait_ready(void)
{
	const struct timespec tick = { .tv_nsec = 5 * 1000 * 1000 };
	char control[110];

	snprintf(control, sizeof(control), "%s.ctrl", socket_path);
	for (int i = 0; i < 2000; i++) {
		if (listens(control) && listens(socket_path))
			return 1;
		if (waitpid(running, NULL, WNOHANG) == running) {
			running = 0;
			return 0;
		}
		nanosleep(&tick, NULL);
	}
	return 0;
}

const char *swtpm_start(const char *dir)
{
	static int known;
	char control[110];

	if (!known)
		atexit(swtpm_stop);
	known = 1;
	swtpm_stop();
	snprintf(socket_path, sizeof(socket_path), "%s/sock", dir);
	snprintf(control, sizeof(control), "%s.ctrl", socket_path);
	unlink(socket_path);
	unlink(control);
	running = fork();
	if (running == 0)
		run(dir);
	if (running < 0 || !wait_ready()) {
		swtpm_stop();
		return NULL;
	}
	snprintf(tcti, sizeof(tcti), "swtpm:path=%s", socket_path);
	return tcti;
}
