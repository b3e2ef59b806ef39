/* SPDX-License-Identifier: Apache-2.0 */
/* What a build cannot reach, tried from inside (SPEC 26.3). Scripts are Python's where a shell has no word for it. */
#include "host/build/sandbox.h"
#include "host/base/file.h"
#include "host/build/build.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOMENT_US 20000
#define MOMENTS_MAX 3000 /* till somebody gives up */

static enum rota_err run(const char *const *argv, uint32_t timeout_s, struct rota_fail *why)
{
	char *build = strdup(tempdir_path("build")), *root = strdup(tempdir_path("root"));
	const struct rota_sandbox plan = {
		.build = build, .root = root, .argv = argv, .timeout_s = timeout_s
	};
	enum rota_err err = rota_file_mkdirs(build, 0755, why);

	if (err == ROTA_OK)
		err = rota_file_mkdirs(root, 0755, why);
	if (err == ROTA_OK)
		err = rota_sandbox_run(&plan, why);
	free(build);
	free(root);
	return err;
}

/* Where the kernel gives no namespaces nothing can be shown. */
static bool unsupported(void)
{
	const char *const argv[] = { "true", NULL };
	struct rota_fail why;
	bool refused;

	(void)tempdir_fresh();
	refused = run(argv, 60, &why) == ROTA_ERR_UNSUPPORTED;
	tempdir_remove();
	return refused;
}

TEST(what_is_not_reached)
{
	static const struct {
		const char *what, *script;
	} rows[] = {
		{ "what runs at all", "" },
		{ "the keyrings of who builds",
			"from ctypes import CDLL; from platform import machine\n"
			"number = {'x86_64': 250, 'aarch64': 219, 'armv7l': 311}[machine()]\n"
			"assert CDLL(None).syscall(number, 6, -3, 0, 0) < 0" },
		{ "the host of a virtual machine",
			"import socket\n"
			"try: socket.socket(40, socket.SOCK_STREAM)\n"
			"except OSError as e: assert e.errno == 97, e\n"
			"else: assert False" },
		{ "the kernel's ciphers, as a kind of socket that it does not need",
			"import socket\n"
			"try: socket.socket(38, socket.SOCK_SEQPACKET)\n"
			"except OSError as e: assert e.errno == 97, e\n"
			"else: assert False" },
		{ "calls through a ring",
			"from ctypes import CDLL, get_errno\n"
			"assert CDLL(None, use_errno=True).syscall(425, 1, 0) < 0 and get_errno() "
			"== 38" },
		{ "namespaces of its own",
			"from ctypes import CDLL\n"
			"assert CDLL(None).unshare(0x10000000) < 0" },
		{ "environment and files of process 1",
			"for name in 'environ', 'root/proc', 'mem', 'fd/0':\n"
			"    try: open('/proc/1/' + name).read(1)\n"
			"    except PermissionError: continue\n"
			"    assert False, name" },
		{ "the end of process 1, which would be that of all",
			"import os, signal\n"
			"os.kill(1, signal.SIGKILL)" },
		{ "sockets that it may have",
			"import socket\n"
			"socket.socket(socket.AF_UNIX)\n"
			"socket.socket(socket.AF_INET)\n"
			"socket.socket(socket.AF_INET6)\n"
			"socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)" },
	};

	if (unsupported())
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const argv[] = { "python3", "-c", rows[i].script, NULL };
		struct rota_fail why;

		ROW(rows[i].what);
		(void)tempdir_fresh();
		CHECK_EQ(run(argv, 60, &why), ROTA_OK);
		tempdir_remove();
	}
}

/* It may wish not to end with its parent, and start what wishes the same. */
TEST(nothing_outlives_its_time)
{
	const char *const argv[] = { "python3", "-c",
		"import ctypes, os, time\n"
		"os.fork(); os.setsid() if os.getpid() != os.getpgid(0) else None\n"
		"ctypes.CDLL(None).prctl(1, 0)\n"
		"while True: open('/build/alive', 'w'); time.sleep(0.01)\n",
		NULL };
	struct rota_fail why;

	if (unsupported())
		return;
	(void)tempdir_fresh();
	CHECK_EQ(run(argv, 2, &why), ROTA_ERR_TIMEOUT);
	CHECK_OK(unlink(tempdir_path("build/alive")));
	for (int i = 0; i < 20; i++) {
		usleep(MOMENT_US);
		CHECK(!rota_file_exists(tempdir_path("build/alive")));
	}
	tempdir_remove();
}

/* What it says goes through a pipe: it can neither read nor rewrite where its caller writes. */
TEST(what_it_says_is_text)
{
	const char *const argv[] = { "sh", "-c",
		"printf 'a\\033[2Jb\\tc\\302\\233d\\r\\303\\251\\n' >&2; : >/proc/self/fd/2",
		NULL };
	struct rota_fail why;
	int own;

	if (unsupported())
		return;
	(void)tempdir_fresh();
	tempdir_put("said", "before\n");
	fflush(stderr);
	own = dup(STDERR_FILENO);
	CHECK(freopen(tempdir_path("said"), "a", stderr) != NULL);
	CHECK_EQ(run(argv, 60, &why), ROTA_OK);
	fflush(stderr);
	CHECK(dup2(own, STDERR_FILENO) == STDERR_FILENO);
	close(own);
	CHECK(strcmp(tempdir_get("said"), "before\na?[2Jb\tc\302?d\n\303\251\n") == 0);
	tempdir_remove();
}

/* Looks at the folder while the command runs, which then is let go on: nobody else gets there. */
static void look_at(const char *work)
{
	char ready[256], go[256];
	struct rota_fail why;
	struct stat st;
	int i = 0;

	snprintf(ready, sizeof(ready), "%s/build/ready", work);
	snprintf(go, sizeof(go), "%s/build/go", work);
	while (!rota_file_exists(ready) && i++ < MOMENTS_MAX)
		usleep(MOMENT_US);
	if (stat(work, &st) != 0 || rota_file_write(go, ROTA_STR(""), 0644, &why) != ROTA_OK)
		_exit(2);
	_exit((st.st_mode & 077) != 0);
}

static void build_and_look(char *source, char *out, char *work)
{
	const char *const argv[] = { "sh", "-c",
		"cp /usr/bin/id made && chmod 4755 made && touch ready && "
		"while ! test -e go; do sleep 0.02; done",
		NULL };
	json_t *paths = json_pack("{s:s}", "app", "made");
	struct rota_build_plan plan = { .source = source,
		.out = out,
		.work = work,
		.argv = argv,
		.paths = paths,
		.timeout_s = 100 };
	struct rota_build_done done = { .artifacts = NULL };
	struct rota_fail why;
	int status = 0;
	pid_t pid;

	CHECK_EQ(rota_file_mkdirs(source, 0755, &why), ROTA_OK);
	CHECK_EQ(rota_file_mkdirs(out, 0755, &why), ROTA_OK);
	pid = fork();
	if (pid == 0)
		look_at(work);
	CHECK_EQ(rota_build_run(&plan, &done, &why), ROTA_OK);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	json_decref(done.artifacts);
	json_decref(paths);
}

TEST(what_it_makes_is_reached_by_nobody_else)
{
	char *source, *out, *work;

	if (unsupported())
		return;
	(void)tempdir_fresh();
	source = strdup(tempdir_path("source"));
	out = strdup(tempdir_path("out"));
	work = strdup(tempdir_path("work"));
	build_and_look(source, out, work);
	free(source);
	free(out);
	free(work);
	tempdir_remove();
}

TESTS(T(what_is_not_reached), T(nothing_outlives_its_time), T(what_it_says_is_text),
	T(what_it_makes_is_reached_by_nobody_else))
