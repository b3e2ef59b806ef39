/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks that are noted as done, and what a file that a cut left says of them. */
#include "host/campaign/resume.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <unistd.h>

#define CHUNKS 100

static struct rota_resume r;
static struct rota_fail why;
static char path[256];
static uint8_t what[32] = "what is made";

static enum rota_err open_it(void)
{
	return rota_resume_open(&r, path, what, CHUNKS, &why);
}

static bool fresh(void)
{
	static const uint32_t some[] = { 5, 99, 0 }, more[] = { 7 };

	snprintf(path, sizeof(path), "%s/progress", tempdir_fresh());
	return open_it() == ROTA_OK && r.done == 0 &&
		rota_resume_note(&r, some, 3, &why) == ROTA_OK &&
		rota_resume_note(&r, more, 1, &why) == ROTA_OK && r.done == 4;
}

TEST(what_was_noted_is_known_again)
{
	static const uint32_t last[] = { 8 };

	CHECK(fresh());
	rota_resume_close(&r);
	CHECK_OK(open_it());
	CHECK_EQ(r.done, 4);
	for (uint32_t i = 0; i < CHUNKS; i++)
		CHECK_EQ(rota_resume_has(&r, i), i == 0 || i == 5 || i == 7 || i == 99);
	CHECK_OK(rota_resume_note(&r, last, 1, &why));
	rota_resume_close(&r);
	CHECK_OK(open_it());
	CHECK_EQ(r.done, 5);
	CHECK_OK(rota_resume_end(&r, &why));
	CHECK_EQ(tempdir_count(), 0);
	tempdir_remove();
}

TEST(another_thing_begins_anew)
{
	CHECK(fresh());
	rota_resume_close(&r);
	what[31] ^= 1;
	CHECK_OK(open_it());
	CHECK_EQ(r.done, 0);
	rota_resume_close(&r);
	what[31] ^= 1;
	CHECK_OK(open_it());
	CHECK_EQ(r.done, 0);
	rota_resume_close(&r);
	CHECK(fresh());
	rota_resume_close(&r);
	CHECK_OK(rota_resume_open(&r, path, what, CHUNKS + 1, &why));
	CHECK_EQ(r.done, 0);
	rota_resume_close(&r);
	CHECK_EQ(rota_resume_open(&r, path, what, 20000, &why), ROTA_ERR_LIMIT);
	tempdir_remove();
}

/* Whatever of the file is left, or is damaged: chunks are forgotten, from there on, and none is made up. */
TEST(a_file_that_a_cut_left)
{
	const off_t len = 48 + (4 + 12 + 4) + (4 + 4 + 4);

	for (off_t end = 0; end <= len; end++) {
		CHECK(fresh());
		rota_resume_close(&r);
		CHECK_EQ(truncate(tempdir_path("progress.part"), end), 0);
		CHECK_OK(open_it());
		CHECK_EQ(r.done, end == len ? 4 : end >= 48 + 20 ? 3 : 0);
		rota_resume_close(&r);
	}
	for (off_t at = 0; at < len; at++) {
		uint8_t byte;
		int fd;

		CHECK(fresh());
		rota_resume_close(&r);
		fd = open(tempdir_path("progress.part"), O_RDWR | O_CLOEXEC);
		CHECK(pread(fd, &byte, 1, at) == 1);
		byte ^= 0x10;
		CHECK(pwrite(fd, &byte, 1, at) == 1);
		close(fd);
		CHECK_OK(open_it());
		CHECK_EQ(r.done, at >= 48 + 20 ? 3 : 0);
		rota_resume_close(&r);
	}
	tempdir_remove();
}

TESTS(T(what_was_noted_is_known_again), T(another_thing_begins_anew), T(a_file_that_a_cut_left))
