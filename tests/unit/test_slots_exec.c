/* SPDX-License-Identifier: Apache-2.0 */
/* The exec backend with small scripts that each misbehave in one way, and with the example script. */
#include "ports/slots_exec/slots_exec.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/rota-exec-XXXXXX";
static char script[64];
static struct rota_slots_exec slots;

#define CALL(name, ...) slots.port.name(slots.port.ctx, __VA_ARGS__)
#define CALL0(name) slots.port.name(slots.port.ctx)

static enum rota_err open_script(const char *path, uint32_t deadline_ms)
{
	const struct rota_slots_exec_config config = {
		.script = path,
		.dir = dir,
		.name = "app",
		.deadline_ms = deadline_ms,
	};

	return rota_slots_exec_open(&slots, &config);
}

/* A directory, and in it a script with this body. */
static enum rota_err begin(const char *body, uint32_t deadline_ms)
{
	FILE *f;

	memcpy(dir, "/tmp/rota-exec-XXXXXX", sizeof(dir));
	if (mkdtemp(dir) == NULL)
		abort();
	(void)snprintf(script, sizeof(script), "%s/script", dir);
	f = fopen(script, "we");
	if (f == NULL || fprintf(f, "#!/bin/sh\n%s\n", body) < 0 || fclose(f) != 0 ||
		chmod(script, 0755) != 0)
		abort();
	return open_script(script, deadline_ms);
}

static void end(void)
{
	static const char *const made[] = { "script", "out", "pid", "state", "current",
		"slot0/image", "slot1/image", "slot0", "slot1" };
	char path[128];

	rota_slots_exec_close(&slots);
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, made[i]);
		(void)remove(path);
	}
	(void)rmdir(dir);
}

static size_t slurp(const char *name, char *to, size_t room)
{
	char path[128];
	FILE *f;
	size_t len;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	len = fread(to, 1, room - 1, f);
	to[len] = '\0';
	(void)fclose(f);
	return len;
}

TEST(verbs_environment_and_input_are_as_documented)
{
	static const uint8_t digest[32] = { 0xAB };
	char out[1024];
	struct rota_slot slot;

	setenv("ROTA_LEAK", "yes", 1);
	CHECK_OK(begin(
		"pwd >>out; echo \"$1 $# $ROTA_SLOT_NAME $ROTA_LENGTH$ROTA_DIGEST$ROTA_LEAK\" "
		">>out; cat >>out; echo slot=1",
		10000));
	CHECK_OK(CALL(inactive, &slot));
	CHECK_EQ(slot.id, 1);
	CHECK(slot.capacity == UINT64_MAX);
	CHECK_OK(CALL(write, 0, ROTA_STR("ab")));
	CHECK_OK(CALL(write, 2, ROTA_STR("c\n")));
	CHECK_OK(CALL(finish, 4));
	CHECK_OK(CALL(trial, digest));
	CHECK_OK(CALL0(confirm));
	CHECK_OK(CALL0(revert));
	(void)slurp("out", out, sizeof(out));
	CHECK(strncmp(out, dir, strlen(dir)) == 0); /* where it runs */
	CHECK(strstr(out, "\ninactive 1 app \n") != NULL);
	CHECK(strstr(out, "\nwrite 1 app \nabc\n") != NULL);
	CHECK(strstr(out, "\nfinish 1 app 4\n") != NULL);
	CHECK(strstr(out, "\ntrial 1 app ab000000000000000000000000000000") != NULL);
	CHECK(strstr(out, "\nconfirm 1 app \n") != NULL);
	CHECK(strstr(out, "\nrevert 1 app \n") != NULL);
	CHECK(strstr(out, "yes") == NULL); /* nothing leaks in */
	end();
}

TEST(descriptors_of_ours_do_not_go_along)
{
	int leak = fcntl(0, F_DUPFD, 77);
	char out[16];

	CHECK(leak >= 77);
	CHECK_OK(begin("test -e /proc/$$/fd/77 && echo leak >out\nexit 2", 60000));
	CHECK_EQ(CALL0(confirm), ROTA_ERR_UNSUPPORTED);
	CHECK_EQ(slurp("out", out, sizeof(out)), 0);
	end();
	close(leak);
}

TEST(answers_are_read_strictly)
{
	static const struct {
		const char *why, *body;
		enum rota_err inactive, booted;
	} rows[] = {
		{ "good", "echo slot=1; echo kind=trial; echo capacity=10", ROTA_OK, ROTA_OK },
		{ "unknown keys", "echo a=b; echo slot=0; echo kind=reverted", ROTA_OK, ROTA_OK },
		{ "no newline at the end", "printf 'kind=fallback\nslot=1'", ROTA_OK, ROTA_OK },
		{ "no slot", "echo kind=trial", ROTA_ERR_FORMAT, ROTA_ERR_FORMAT },
		{ "slot 2", "echo slot=2; echo kind=trial", ROTA_ERR_FORMAT, ROTA_ERR_FORMAT },
		{ "slot twice", "echo slot=1; echo slot=1", ROTA_ERR_FORMAT, ROTA_ERR_FORMAT },
		{ "another kind", "echo slot=1; echo kind=odd", ROTA_OK, ROTA_ERR_FORMAT },
		{ "capacity is no number", "echo slot=1; echo capacity=-1; echo kind=trial",
			ROTA_ERR_FORMAT, ROTA_OK },
		{ "capacity beyond 64 bits",
			"echo slot=1; echo capacity=99999999999999999999; echo kind=trial",
			ROTA_ERR_FORMAT, ROTA_OK },
		{ "short digest", "echo slot=1; echo kind=trial; echo digest=12", ROTA_OK,
			ROTA_ERR_FORMAT },
		{ "too much", "head -c 4097 /dev/zero", ROTA_ERR_LIMIT, ROTA_ERR_LIMIT },
		{ "endless", "cat /dev/zero", ROTA_ERR_LIMIT, ROTA_ERR_LIMIT },
		{ "failed", "echo slot=1; exit 1", ROTA_ERR_IO, ROTA_ERR_IO },
		{ "unknown verb", "exit 2", ROTA_ERR_UNSUPPORTED, ROTA_ERR_UNSUPPORTED },
		{ "busy", "exit 3", ROTA_ERR_BUSY, ROTA_ERR_BUSY },
		{ "full", "exit 4", ROTA_ERR_FULL, ROTA_ERR_FULL },
		{ "no trial", "exit 5", ROTA_ERR_STATE, ROTA_ERR_STATE },
		{ "nothing there", "exit 6", ROTA_ERR_NOT_FOUND, ROTA_ERR_NOT_FOUND },
		{ "killed", "kill -9 $$", ROTA_ERR_IO, ROTA_ERR_IO },
	};
	struct rota_booted now;
	struct rota_slot slot;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].why);
		CHECK_OK(begin(rows[i].body, 20000));
		CHECK_EQ(CALL(inactive, &slot), rows[i].inactive);
		CHECK_EQ(CALL(booted, &now), rows[i].booted);
		end();
	}
}

TEST(a_script_that_hangs_is_killed_with_all_it_started)
{
	char text[32];
	struct rota_slot slot;
	pid_t child;

	CHECK_OK(begin("sleep 1000 & echo $! >pid; wait", 500));
	CHECK_EQ(CALL(inactive, &slot), ROTA_ERR_TIMEOUT);
	CHECK(slurp("pid", text, sizeof(text)) > 0);
	child = (pid_t)strtol(text, NULL, 10);
	for (int i = 0; i < 500 && kill(child, 0) == 0; i++) { /* until init has reaped it */
		char path[64], stat[64] = "";
		FILE *f;

		(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
		f = fopen(path, "re");
		if (f == NULL)
			break;
		if (fread(stat, 1, sizeof(stat) - 1, f) == 0)
			stat[0] = '\0';
		(void)fclose(f);
		if (strstr(stat, ") Z ") != NULL)
			break;
		usleep(10000);
		CHECK(i < 499);
	}
	end();
}

TEST(what_a_script_leaves_running_is_not_waited_for)
{
	struct rota_slot slot;
	char pid[32];

	CHECK_OK(begin(
		"echo slot=0; sleep 20 2>/dev/null & echo $! >\"$ROTA_SLOT_DIR/pid\"", 15000));
	CHECK_OK(CALL(inactive, &slot)); /* though its output is still open */
	CHECK(slurp("pid", pid, sizeof(pid)) > 0);
	CHECK_OK(kill((pid_t)strtol(pid, NULL, 10), SIGKILL));
	end();
}

TEST(a_write_that_is_not_read_ends_at_the_deadline)
{
	static const uint8_t big[1 << 20];

	CHECK_OK(begin("sleep 1000", 300));
	CHECK_EQ(CALL(write, 0, ROTA_SPAN(big)), ROTA_ERR_TIMEOUT);
	CHECK_EQ(CALL(write, sizeof(big), ROTA_STR("x")), ROTA_ERR_ARGUMENT); /* it is over */
	CHECK_EQ(CALL(finish, sizeof(big)), ROTA_ERR_ARGUMENT);
	end();
}

TEST(a_script_that_stops_reading_says_why)
{
	static const uint8_t big[1 << 20];

	CHECK_OK(begin("head -c 10 >/dev/null; exit 4", 10000));
	CHECK_EQ(CALL(write, 0, ROTA_SPAN(big)), ROTA_ERR_FULL);
	end();
	CHECK_OK(begin("head -c 10 >/dev/null; exit 0", 10000));
	CHECK_EQ(CALL(write, 0, ROTA_SPAN(big)), ROTA_ERR_IO);
	end();
}

TEST(writes_are_in_order)
{
	CHECK_OK(begin("cat >out", 10000));
	CHECK_EQ(CALL(write, 5, ROTA_STR("x")), ROTA_ERR_ARGUMENT); /* no resuming */
	CHECK_OK(CALL(write, 0, ROTA_STR("abc")));
	CHECK_EQ(CALL(write, 2, ROTA_STR("x")), ROTA_ERR_ARGUMENT);
	CHECK_EQ(CALL(finish, 2), ROTA_ERR_ARGUMENT);
	CHECK_OK(CALL(write, 0, ROTA_STR("again")));
	CHECK_OK(CALL(finish, 5));
	CHECK(slots.port.read == NULL);
	end();
}

TEST(wrong_configurations_are_refused)
{
	CHECK_OK(begin("exit 0", 1000));
	CHECK_EQ(open_script("script", 1000), ROTA_ERR_ARGUMENT);
	CHECK_EQ(open_script(script, 0), ROTA_ERR_ARGUMENT);
	CHECK_EQ(open_script(script, ROTA_SLOTS_EXEC_DEADLINE_MAX_MS + 1), ROTA_ERR_ARGUMENT);
	CHECK_EQ(open_script("/nonexistent/script", 1000), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(chmod(script, 0644), 0);
	CHECK_EQ(open_script(script, 1000), ROTA_ERR_DENIED);
	end();
}

/* ---- examples/exec-slots/files.sh ---- */

static int reset_device(void)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "%s reset %s", FILES_SH, dir);
	return system(command);
}

TEST(the_example_installs_a_file)
{
	static const uint8_t digest[32] = { 0xAB };
	struct rota_booted now;
	struct rota_slot slot;
	char text[16];

	CHECK_OK(begin("", 20000));
	CHECK_OK(open_script(FILES_SH, 20000));
	CHECK_EQ(CALL(booted, &now), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(reset_device(), 0);
	CHECK_OK(CALL(booted, &now));
	CHECK_EQ(now.id, 0);
	CHECK_OK(CALL(inactive, &slot));
	CHECK_EQ(slot.id, 1);
	CHECK(slot.capacity < UINT64_MAX);
	CHECK_OK(CALL(write, 0, ROTA_STR("hello")));
	CHECK_OK(CALL(finish, 5));
	CHECK_OK(CALL(trial, digest));
	CHECK_EQ(CALL0(confirm), ROTA_ERR_STATE);
	CHECK_EQ(reset_device(), 0);
	CHECK_OK(CALL(booted, &now));
	CHECK_EQ(now.id, 1);
	CHECK_EQ(now.kind, ROTA_BOOT_TRIAL);
	CHECK_MEM(now.digest, digest, 32);
	CHECK_EQ(slurp("current/image", text, sizeof(text)), 5);
	CHECK_EQ(CALL(inactive, &slot), ROTA_ERR_BUSY);
	CHECK_EQ(CALL(trial, digest), ROTA_ERR_BUSY);
	CHECK_OK(CALL0(confirm));
	CHECK_OK(CALL0(confirm));
	CHECK_OK(CALL(booted, &now));
	CHECK_EQ(now.kind, ROTA_BOOT_CONFIRMED);
	end();
}

TEST(the_example_reverts)
{
	static const uint8_t digest[32] = { 0xAB };
	struct rota_booted now;
	enum rota_err err;

	CHECK_OK(begin("", 20000));
	CHECK_OK(open_script(FILES_SH, 20000));
	CHECK_EQ(CALL(trial, digest), ROTA_ERR_NOT_FOUND); /* nothing was written */
	CHECK_OK(CALL(write, 0, ROTA_STR("hello")));
	CHECK_OK(CALL(finish, 5));
	CHECK_OK(CALL(trial, digest));
	CHECK_EQ(reset_device(), 0);
	CHECK_EQ(reset_device(), 0); /* nobody confirmed */
	CHECK_OK(CALL(booted, &now));
	CHECK_EQ(now.id, 0);
	CHECK_EQ(now.kind, ROTA_BOOT_REVERTED);
	CHECK_OK(CALL(trial, digest));
	CHECK_EQ(reset_device(), 0);
	CHECK_OK(CALL0(revert));
	err = CALL(write, 0, ROTA_STR("x")); /* the pipe may take it before the script refuses */
	if (err == ROTA_OK)
		err = CALL(finish, 1);
	CHECK_EQ(err, ROTA_ERR_BUSY); /* it is in use until the reset */
	CHECK_EQ(CALL0(confirm), ROTA_ERR_STATE);
	CHECK_EQ(reset_device(), 0);
	CHECK_OK(CALL0(confirm)); /* what runs is confirmed */
	CHECK_OK(CALL(trial, digest));
	CHECK_OK(CALL0(revert)); /* before it began */
	CHECK_EQ(reset_device(), 0);
	CHECK_OK(CALL(booted, &now));
	CHECK_EQ(now.id, 0);
	end();
}

TESTS(T(verbs_environment_and_input_are_as_documented), T(descriptors_of_ours_do_not_go_along),
	T(answers_are_read_strictly), T(a_script_that_hangs_is_killed_with_all_it_started),
	T(what_a_script_leaves_running_is_not_waited_for),
	T(a_write_that_is_not_read_ends_at_the_deadline), T(a_script_that_stops_reading_says_why),
	T(writes_are_in_order), T(wrong_configurations_are_refused), T(the_example_installs_a_file),
	T(the_example_reverts))
