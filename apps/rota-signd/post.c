/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/post.h"

#include <errno.h>

void post_add(struct post *p, void *what, size_t len)
{
	struct iovec *part = &p->part[p->count];

	*part = (struct iovec){ what, len };
	p->message[p->count++].msg_hdr = (struct msghdr){ .msg_iov = part, .msg_iovlen = 1 };
}

void post_send(struct post *p, int fd)
{
	size_t done = 0;

	while (done < p->count) {
		int n = sendmmsg(fd, p->message + done, (unsigned)(p->count - done), MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	p->count = 0;
}
