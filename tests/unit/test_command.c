/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/command.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct rota_fail why;
static char path[] = "PATH=/usr/bin:/bin";
static char *env[] = { path, NULL };

static enum rota_err go(const char *line, uint32_t timeout_s)
{
	return rota_command_run(line, env, timeout_s, NULL, &why);
}

TEST(how_it_ended)
{
	static const struct {
		const char *line;
		enum rota_err err;
		const char *says;
	} rows[] = {
		{ "exit 0", ROTA_OK, "" }, { "true | true", ROTA_OK, "" },
		{ "exit 1", ROTA_ERR_DENIED, "status 1" },
		{ "/nonexistent/program 2>/dev/null", ROTA_ERR_DENIED, "status 127" },
		{ "kill -KILL $$", ROTA_ERR_DENIED, "signal 9" },
		{ "read line && exit 1; exit 0", ROTA_OK, "" }, /* nothing to read */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].line);
		why.text[0] = 0;
		CHECK_EQ(go(rows[i].line, 60), rows[i].err);
		CHECK(strstr(why.text, rows[i].says));
	}
}

/* Sockets of libraries, and what the agent does with signals, are not the command's. */
TEST(nothing_of_ours_goes_along)
{
	int leak = fcntl(0, F_DUPFD, 77);

	CHECK(leak >= 77);
	signal(SIGPIPE, SIG_IGN);
	CHECK_OK(go("test ! -e /proc/$$/fd/77", 60));
	CHECK_EQ(go("kill -PIPE $$", 60), ROTA_ERR_DENIED);
	close(leak);
}

/* Not there, or dead and not reaped by init yet. */
static bool is_dead(int pid)
{
	char state[64], line[256] = "";
	FILE *f;

	snprintf(state, sizeof(state), "/proc/%d/stat", pid);
	f = fopen(state, "re");
	if (!f)
		return true;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	return !line[0] || strstr(line, ") Z ") || strstr(line, ") X ");
}

/* The process whose number stands in the file ends; a kill takes its time. */
static bool gone(const char *name)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	const char *text = tempdir_get(name);

	for (int tries = 0; text && atoi(text) > 0 && tries < 1000; tries++) {
		if (is_dead(atoi(text)))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

TEST(time_over_kills_the_group)
{
	char line[512];

	tempdir_fresh();
	snprintf(line, sizeof(line), "sleep 600 & echo $! >%s; wait", tempdir_path("pid"));
	CHECK_EQ(go(line, 1), ROTA_ERR_TIMEOUT);
	CHECK(strstr(why.text, "longer than 1 s"));
	CHECK(gone("pid"));
}

TEST(what_it_leaves_behind_goes_too)
{
	char line[512];

	tempdir_fresh();
	snprintf(line, sizeof(line), "sleep 600 & echo $! >%s", tempdir_path("pid"));
	CHECK_OK(go(line, 60));
	CHECK(gone("pid"));
}

TEST(a_stop_ends_it)
{
	static volatile sig_atomic_t stop = 1;

	CHECK_EQ(rota_command_run("sleep 600", env, 600, &stop, &why), ROTA_ERR_BUSY);
}

TEST(only_the_given_environment)
{
	char line[512];

	tempdir_fresh();
	setenv("SECRET", "1", 1);
	snprintf(line, sizeof(line), "env >%s", tempdir_path("env"));
	CHECK_OK(go(line, 60));
	CHECK(!strstr(tempdir_get("env"), "SECRET"));
	CHECK(strstr(tempdir_get("env"), "PATH=/usr/bin:/bin"));
}

TESTS(T(how_it_ended), T(nothing_of_ours_goes_along), T(time_over_kills_the_group),
	T(what_it_leaves_behind_goes_too), T(a_stop_ends_it), T(only_the_given_environment))
