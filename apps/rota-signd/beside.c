/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/beside.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* One descriptor. */
union beside {
	struct cmsghdr head;
	uint8_t room[CMSG_SPACE(sizeof(int))];
};

/* A file in memory with these bytes; -1: it cannot be made. */
static int file_of(struct rota_span bytes)
{
	int fd = memfd_create("beside", MFD_CLOEXEC);
	size_t done = 0;

	while (fd >= 0 && done < bytes.len) {
		ssize_t n = write(fd, bytes.p + done, bytes.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(fd);
			return -1;
		}
		done += (size_t)n;
	}
	return fd;
}

static void put_beside(struct msghdr *to, union beside *beside, int file)
{
	to->msg_control = beside->room;
	to->msg_controllen = sizeof(beside->room);
	beside->head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(file)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&beside->head), &file, sizeof(file));
}

bool beside_send(int fd, struct iovec *part, size_t count, struct rota_span bytes)
{
	struct msghdr whole = { .msg_iov = part, .msg_iovlen = count };
	union beside beside = { .room = { 0 } };
	int file = bytes.len > 0 ? file_of(bytes) : -1;
	ssize_t sent;

	if (bytes.len > 0 && file < 0)
		return false;
	if (file >= 0)
		put_beside(&whole, &beside, file);
	do
		sent = sendmsg(fd, &whole, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (file >= 0)
		close(file);
	return sent >= 0;
}

static void read_file(int fd, size_t max, struct rota_bytes *out)
{
	uint8_t piece[16384];
	ssize_t n;

	while (out->len <= max && (n = pread(fd, piece, sizeof(piece), (off_t)out->len)) > 0)
		rota_bytes_add(out, rota_span(piece, (size_t)n));
	close(fd);
}

ssize_t beside_recv(int fd, struct rota_buf room, int flags, size_t max, struct rota_bytes *file)
{
	union beside beside;
	struct iovec part = { room.p, room.len };
	struct msghdr whole = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = beside.room,
		.msg_controllen = CMSG_LEN(sizeof(int)) }; /* CMSG_SPACE() has room for two */
	const struct cmsghdr *head;
	ssize_t got;
	int it;

	do
		got = recvmsg(fd, &whole, flags | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	rota_bytes_free(file);
	head = got > 0 ? CMSG_FIRSTHDR(&whole) : NULL;
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
		head->cmsg_len == CMSG_LEN(sizeof(it))) {
		memcpy(&it, CMSG_DATA(head), sizeof(it));
		read_file(it, max, file);
	}
	return got;
}
