/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/posix/fd.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static int open_file(void)
{
	char path[] = "/tmp/rota-fd-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || unlink(path) != 0)
		abort();
	return fd;
}

/* The file cannot grow beyond `len` until grow_freely(). */
static void grow_to(rlim_t len)
{
	struct rlimit limit;

	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || getrlimit(RLIMIT_FSIZE, &limit) != 0)
		abort();
	limit.rlim_cur = len;
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		abort();
}

static void grow_freely(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
		abort();
	grow_to(limit.rlim_max);
}

TEST(what_is_written_at_a_place_is_read_there)
{
	static const uint8_t bytes[5] = { 1, 2, 3, 4, 5 };
	uint8_t back[5];
	int fd = open_file();

	CHECK_OK(rota_fd_write(fd, 3, ROTA_SPAN(bytes)));
	CHECK_OK(rota_fd_read(fd, 3, ROTA_BUF(back)));
	CHECK_MEM(back, bytes, 5);
	CHECK_OK(rota_fd_read(fd, 0, ROTA_BUF(back)));
	CHECK_EQ(back[2], 0);
	CHECK_EQ(back[3], 1);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	CHECK_OK(rota_fd_read(fd, 100, rota_buf(back, 0)));
	CHECK_OK(rota_fd_write(fd, 100, rota_span(bytes, 0)));
	CHECK_EQ(lseek(fd, 0, SEEK_END), 8);
	(void)close(fd);
}

TEST(a_file_that_ends_before_is_an_error_or_a_length)
{
	static const uint8_t bytes[4] = { 1, 2, 3, 4 };
	uint8_t back[8];
	size_t got = 99;
	int fd = open_file();

	CHECK_OK(rota_fd_write(fd, 0, ROTA_SPAN(bytes)));
	CHECK_EQ(rota_fd_read(fd, 0, ROTA_BUF(back)), ROTA_ERR_IO);
	CHECK_EQ(rota_fd_read(fd, 4, rota_buf(back, 1)), ROTA_ERR_IO);
	CHECK_OK(rota_fd_read_some(fd, 1, ROTA_BUF(back), &got));
	CHECK_EQ(got, 3);
	CHECK_MEM(back, bytes + 1, 3);
	CHECK_OK(rota_fd_read_some(fd, 4, ROTA_BUF(back), &got));
	CHECK_EQ(got, 0);
	CHECK_OK(rota_fd_read_some(fd, 0, rota_buf(back, 4), &got));
	CHECK_EQ(got, 4);
	(void)close(fd);
	CHECK_EQ(rota_fd_read_some(fd, 0, ROTA_BUF(back), &got), ROTA_ERR_IO);
	CHECK_EQ(rota_fd_read(fd, 0, ROTA_BUF(back)), ROTA_ERR_IO);
}

/* The kernel writes the part that there is room for, and only the next call fails. */
TEST(a_short_write_goes_on_where_it_stopped)
{
	static const uint8_t bytes[64] = { 1 };
	int fd = open_file();
	enum rota_err err;
	int why;

	grow_to(48);
	err = rota_fd_write(fd, 0, ROTA_SPAN(bytes));
	why = errno;
	grow_freely();
	CHECK_EQ(err, ROTA_ERR_FULL);
	CHECK_EQ(why, EFBIG);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 48);
	(void)close(fd);
}

TEST(errno_is_told_in_our_words)
{
	CHECK_EQ(rota_fd_errno(ENOENT), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(rota_fd_errno(EROFS), ROTA_ERR_DENIED);
	CHECK_EQ(rota_fd_errno(EEXIST), ROTA_ERR_BUSY);
	CHECK_EQ(rota_fd_errno(ENOSPC), ROTA_ERR_FULL);
	CHECK_EQ(rota_fd_errno(EIO), ROTA_ERR_IO);
}

TESTS(T(what_is_written_at_a_place_is_read_there),
	T(a_file_that_ends_before_is_an_error_or_a_length),
	T(a_short_write_goes_on_where_it_stopped), T(errno_is_told_in_our_words))
