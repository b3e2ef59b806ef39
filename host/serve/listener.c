/* SPDX-License-Identifier: Apache-2.0 */
#include "host/serve/listener.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Connections that the kernel holds until a worker takes them. */
#define BACKLOG 511

/* true: nobody is there; what is left of a socket was removed. */
static bool make_room(const struct sockaddr_un *at)
{
	struct stat st;
	bool dead;
	int fd;

	if (lstat(at->sun_path, &st) != 0)
		return errno == ENOENT;
	if (!S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	dead = connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 && errno == ECONNREFUSED;
	close(fd);
	return dead && unlink(at->sun_path) == 0;
}

enum rota_err rota_listener_open(const char *path, mode_t mode, int *fd, struct rota_fail *why)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t old;
	int bound;

	if (strlen(path) >= sizeof(at.sun_path))
		return rota_fail(why, ROTA_ERR_LIMIT, "socket %s: longer than %zu bytes", path,
			sizeof(at.sun_path) - 1);
	memcpy(at.sun_path, path, strlen(path) + 1);
	if (!make_room(&at))
		return rota_fail(why, ROTA_ERR_BUSY,
			"socket %s: in use by another process, or not a socket", path);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return rota_fail_errno(why, errno, "socket %s", path);
	old = umask(~mode & 0777);
	bound = bind(*fd, (const struct sockaddr *)&at, sizeof(at));
	umask(old);
	if (bound == 0 && listen(*fd, BACKLOG) == 0)
		return ROTA_OK;
	(void)rota_fail_errno(why, errno, "socket %s", path);
	close(*fd);
	*fd = -1;
	return why->err;
}

void rota_listener_close(const char *path, int fd)
{
	unlink(path);
	close(fd);
}
