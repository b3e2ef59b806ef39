/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/flash_file/flash_file.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static const struct rota_flash_geometry geometry = { { { 4096, 3 } }, 16 };
static char dir[] = "/tmp/rota-flash-XXXXXX";
static int dir_fd;

static void begin(void)
{
	memcpy(dir, "/tmp/rota-flash-XXXXXX", sizeof(dir));
	if (mkdtemp(dir) == NULL || (dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		abort();
}

static void end(void)
{
	(void)unlinkat(dir_fd, "f", 0);
	(void)close(dir_fd);
	(void)rmdir(dir);
}

TEST(a_region_keeps_the_rules_of_flash)
{
	static const uint8_t ones[32] = { 1 };
	struct rota_flash_file f;
	uint8_t back[32], blank[32];

	begin();
	memset(blank, 0xFF, sizeof(blank));
	CHECK_OK(rota_flash_file_create(dir_fd, "f", &geometry));
	CHECK_OK(rota_flash_file_open(&f, dir_fd, "f", &geometry));
	CHECK_OK(f.port.read(&f, 4096 - 16, ROTA_BUF(back)));
	CHECK_MEM(back, blank, 32);
	CHECK_OK(f.port.write(&f, 4096, ROTA_SPAN(ones)));
	CHECK_EQ(f.port.write(&f, 4096 + 16, ROTA_SPAN(ones)), ROTA_ERR_ARGUMENT); /* not erased */
	CHECK_EQ(f.port.write(&f, 8, ROTA_SPAN(ones)), ROTA_ERR_ARGUMENT); /* between units */
	CHECK_EQ(f.port.write(&f, 0, rota_span(ones, 8)), ROTA_ERR_ARGUMENT); /* half a unit */
	CHECK_EQ(f.port.write(&f, 3 * 4096 - 16, ROTA_SPAN(ones)),
		ROTA_ERR_ARGUMENT); /* past the end */
	CHECK_EQ(f.port.read(&f, 3 * 4096 - 16, ROTA_BUF(back)), ROTA_ERR_ARGUMENT);
	CHECK_EQ(f.port.erase(&f, 100), ROTA_ERR_ARGUMENT);
	CHECK_EQ(f.port.erase(&f, 3 * 4096), ROTA_ERR_ARGUMENT);
	CHECK_OK(f.port.sync(&f));
	rota_flash_file_close(&f);

	CHECK_OK(rota_flash_file_open(&f, dir_fd, "f", &geometry));
	CHECK_OK(f.port.read(&f, 4096, ROTA_BUF(back)));
	CHECK_MEM(back, ones, 32);
	CHECK_OK(f.port.erase(&f, 4096));
	CHECK_OK(f.port.write(&f, 4096 + 16, rota_span(ones, 16)));
	CHECK_OK(f.port.read(&f, 4096, rota_buf(back, 16)));
	CHECK_MEM(back, blank, 16);
	rota_flash_file_close(&f);
	end();
}

TEST(sectors_need_not_be_alike)
{
	const struct rota_flash_geometry unequal = { { { 1024, 2 }, { 4096, 1 } }, 16 };
	static const uint8_t ones[32] = { 1 };
	struct rota_flash_file f;
	uint8_t back;

	begin();
	CHECK_OK(rota_flash_file_create(dir_fd, "f", &unequal));
	CHECK_EQ(rota_flash_file_open(&f, dir_fd, "f", &geometry), ROTA_ERR_CORRUPT);
	CHECK_OK(rota_flash_file_open(&f, dir_fd, "f", &unequal));
	CHECK_OK(f.port.write(&f, 2048 - 16, ROTA_SPAN(ones)));
	CHECK_OK(f.port.write(&f, 2048 + 4096 - 32, ROTA_SPAN(ones)));
	CHECK_EQ(f.port.erase(&f, 3072), ROTA_ERR_ARGUMENT);
	CHECK_EQ(f.port.erase(&f, 2048 + 4096), ROTA_ERR_ARGUMENT);
	CHECK_OK(f.port.erase(&f, 2048));
	CHECK_OK(f.port.read(&f, 2048 - 16, rota_buf(&back, 1)));
	CHECK_EQ(back, 1);
	CHECK_OK(f.port.read(&f, 2048 + 4096 - 32, rota_buf(&back, 1)));
	CHECK_EQ(back, 0xFF);
	rota_flash_file_close(&f);
	end();
}

TEST(what_is_no_such_region_is_refused)
{
	const struct rota_flash_geometry larger = { { { 4096, 4 } }, 16 };
	struct rota_flash_file f;

	begin();
	CHECK_EQ(rota_flash_file_open(&f, dir_fd, "f", &geometry), ROTA_ERR_NOT_FOUND);
	CHECK_OK(rota_flash_file_create(dir_fd, "f", &geometry));
	CHECK_EQ(rota_flash_file_create(dir_fd, "f", &geometry), ROTA_ERR_BUSY);
	CHECK_EQ(rota_flash_file_open(&f, dir_fd, "f", &larger), ROTA_ERR_CORRUPT);
	CHECK_EQ(f.fd, -1);
	end();
}

/* What a cut left of one in its making is none, and does not stand in the way. */
TEST(a_region_is_there_whole_or_not_at_all)
{
	struct rota_flash_file f;
	int fd;

	begin();
	fd = openat(dir_fd, "f.making", O_WRONLY | O_CREAT, 0600);
	CHECK(fd >= 0 && write(fd, "half", 4) == 4);
	close(fd);
	CHECK_EQ(rota_flash_file_open(&f, dir_fd, "f", &geometry), ROTA_ERR_NOT_FOUND);
	CHECK_OK(rota_flash_file_create(dir_fd, "f", &geometry));
	CHECK_OK(rota_flash_file_open(&f, dir_fd, "f", &geometry));
	rota_flash_file_close(&f);
	CHECK(faccessat(dir_fd, "f.making", F_OK, 0) != 0);
	end();
}

TEST(a_lock_is_exclusive_and_has_a_deadline)
{
	struct rota_flash_file a, b;

	begin();
	CHECK_OK(rota_flash_file_create(dir_fd, "f", &geometry));
	CHECK_OK(rota_flash_file_open(&a, dir_fd, "f", &geometry));
	CHECK_OK(rota_flash_file_open(&b, dir_fd, "f", &geometry));
	CHECK_OK(rota_flash_file_lock(&a, 0));
	CHECK_EQ(rota_flash_file_lock(&b, 30), ROTA_ERR_TIMEOUT);
	rota_flash_file_unlock(&a);
	CHECK_OK(rota_flash_file_lock(&b, 0));
	rota_flash_file_close(&b); /* gives it back */
	CHECK_OK(rota_flash_file_lock(&a, 0));
	rota_flash_file_close(&a);
	end();
}

TESTS(T(a_region_keeps_the_rules_of_flash), T(sectors_need_not_be_alike),
	T(what_is_no_such_region_is_refused), T(a_region_is_there_whole_or_not_at_all),
	T(a_lock_is_exclusive_and_has_a_deadline))
