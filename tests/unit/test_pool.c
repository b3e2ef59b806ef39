/* SPDX-License-Identifier: Apache-2.0 */
/* A holder with SoftHSM behind a module that fails on demand (p11shim.c). Nothing here waits for a time to pass: what
 * takes a while, as a token that may be opened anew once a second, is asked again until it is there. */
#include "ports/pkcs11/pool.h"
#include "host/base/file.h"
#include "host/sign/p256.h"
#include "ports/pkcs11/pin.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIN "7301-pin-of-a-test-0946"
#define PIN_FILE "pin"
#define PATIENCE_MS 60000
#define RETRY_MS 150
#define ORDERS 600

enum { KEY_A, KEY_B, KEY_ABSENT, KEYS };

static struct {
	char dir[ROTA_FILE_PATH_MAX], environment[3 * ROTA_FILE_PATH_MAX];
	struct rota_pkcs11_token token;
	struct rota_pool_key keys[KEYS];
	struct rota_pool_plan plan;
	struct rota_fail why;
	int mine, theirs;
	pid_t pid;
	uint64_t tag;
} s;

/* Not through stdio: what it once held, a child of ours would hold as well. */
static void put(const char *name, const char *text)
{
	int fd = open(tempdir_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
}

static size_t counted(const char *name)
{
	struct stat st;

	return stat(tempdir_path(name), &st) == 0 ? (size_t)st.st_size : 0;
}

static void use_store(const char *name)
{
	char text[2 * ROTA_FILE_PATH_MAX];

	snprintf(text, sizeof(text),
		"directories.tokendir = %s/%s\nobjectstore.backend = file\nlog.level = ERROR\n",
		s.dir, name);
	mkdir(tempdir_path(name), 0700);
	put("softhsm2.conf", text);
}

static bool make_token(const char *store)
{
	static const char *const labels[] = { "a", "b" };

	use_store(store);
	s.token.module = softhsm_module();
	return rota_pkcs11_create(&s.token, "so-pin", labels, 2, &s.why) == ROTA_OK;
}

/* A folder with a token of keys a and b; a plan for it. */
static bool set_up(void)
{
	snprintf(s.dir, sizeof(s.dir), "%s", tempdir_fresh());
	snprintf(s.environment, sizeof(s.environment),
		"SOFTHSM2_CONF=%s/softhsm2.conf P11SHIM_DIR=%s P11SHIM_MODULE=%s", s.dir, s.dir,
		softhsm_module());
	s.token = (struct rota_pkcs11_token){ .name = "online",
		.dir = s.dir,
		.label = "t",
		.pin_file = PIN_FILE,
		.environment = s.environment };
	s.keys[KEY_A] = (struct rota_pool_key){ .label = "a" };
	s.keys[KEY_B] = (struct rota_pool_key){ .label = "b" };
	s.keys[KEY_ABSENT] = (struct rota_pool_key){ .label = "absent" };
	s.plan = (struct rota_pool_plan){ .token = &s.token,
		.keys = s.keys,
		.key_count = KEYS,
		.threads = 1,
		.deadline_ms = PATIENCE_MS,
		.retry_ms = RETRY_MS };
	put(PIN_FILE, PIN "\n");
	put("so-pin", "12345678\n");
	if (!make_token("store"))
		return false;
	s.token.module = P11SHIM;
	return true;
}

static bool start(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	s.mine = pair[0];
	s.theirs = pair[1];
	return rota_pkcs11_pool(&s.plan, s.theirs, s.theirs, &s.pid, &s.why) == ROTA_OK;
}

/* Hang up; the holder's exit status. One that does not end of itself is ended: -1. */
static int stop(void)
{
	const struct timespec tick = { .tv_nsec = 5 * 1000 * 1000 };
	int status = 0;

	close(s.theirs);
	close(s.mine);
	for (int waited = 0; waited < PATIENCE_MS / 4; waited += 5) {
		if (waitpid(s.pid, &status, WNOHANG) == s.pid) {
			tempdir_remove();
			return status;
		}
		nanosleep(&tick, NULL);
	}
	kill(s.pid, SIGKILL);
	waitpid(s.pid, &status, 0);
	return -1;
}

static bool order(uint32_t key)
{
	struct rota_pool_order one = { .tag = ++s.tag, .key = key };

	memset(one.digest, (int)(s.tag & 0xff), sizeof(one.digest));
	return send(s.mine, &one, sizeof(one), 0) == (ssize_t)sizeof(one);
}

static bool take(struct rota_pool_done *done)
{
	struct pollfd p = { .fd = s.mine, .events = POLLIN };

	return poll(&p, 1, PATIENCE_MS) == 1 && rota_pool_take(s.mine, done);
}

static bool good(const struct rota_pool_done *done, uint32_t key)
{
	uint8_t digest[ROTA_SHA256_LEN];

	memset(digest, (int)(done->tag & 0xff), sizeof(digest));
	return done->err == ROTA_OK && rota_p256_verify(s.keys[key].point, digest, done->sig);
}

/* One order and its answer. */
static int ask(uint32_t key, struct rota_pool_done *done)
{
	if (!order(key) || !take(done) || done->tag != s.tag)
		return -1;
	if (done->err == ROTA_OK && !good(done, key))
		return ROTA_ERR_SIGNATURE;
	return done->err;
}

/* Ask until the answer is `want`; false: it never was. */
static bool ask_until(uint32_t key, int want, struct rota_pool_done *done)
{
	const struct timespec tick = { .tv_nsec = 20 * 1000 * 1000 };

	for (int waited = 0; waited < PATIENCE_MS; waited += 20) {
		if (ask(key, done) == want)
			return true;
		nanosleep(&tick, NULL);
	}
	return false;
}

/* ---- */

TEST(each_order_is_answered_once)
{
	static uint32_t key_of[ORDERS + 1];
	static unsigned answers[ORDERS + 1];
	struct rota_pool_done done;

	CHECK(set_up());
	memset(answers, 0, sizeof(answers));
	s.plan.threads = ROTA_POOL_THREADS_MAX;
	s.tag = 0;
	CHECK(start());
	CHECK(memcmp(s.keys[KEY_A].point, s.keys[KEY_B].point, ROTA_P256_KEY_LEN) != 0);
	for (unsigned sent = 0, got = 0; got < ORDERS; got++) {
		for (; sent < ORDERS && sent < got + 40; sent++) {
			key_of[sent + 1] = sent % 2 ? KEY_A : KEY_B;
			CHECK(order(key_of[sent + 1]));
		}
		CHECK(take(&done));
		CHECK(done.tag >= 1 && done.tag <= ORDERS);
		CHECK_EQ(answers[done.tag]++, 0);
		CHECK(good(&done, key_of[done.tag]));
	}
	CHECK_EQ(counted("logins"), 1);
	CHECK_EQ(counted("signatures"), ORDERS);
	CHECK_EQ(stop(), 0);
}

TEST(a_key_that_is_not_there)
{
	struct rota_pool_done done;

	CHECK(set_up());
	CHECK(start());
	CHECK_EQ(s.keys[KEY_A].why.err, ROTA_OK);
	CHECK_EQ(s.keys[KEY_ABSENT].why.err, ROTA_ERR_NOT_FOUND);
	CHECK(strstr(s.keys[KEY_ABSENT].why.text, "token online, key absent"));
	CHECK_EQ(ask(KEY_ABSENT, &done), ROTA_ERR_NOT_FOUND);
	CHECK(strstr(done.text, "no key is called 'absent'"));
	CHECK_EQ(ask(KEYS, &done), ROTA_ERR_ARGUMENT);
	CHECK_EQ(ask(UINT32_MAX, &done), ROTA_ERR_ARGUMENT);
	CHECK_OK(ask(KEY_A, &done));
	CHECK_EQ(counted("signatures"), 1);
	CHECK_EQ(stop(), 0);
}

TEST(what_is_asked_of_a_plan)
{
	CHECK(set_up());
	s.plan.threads = 0;
	CHECK_EQ(rota_pkcs11_pool(&s.plan, 0, 1, &s.pid, &s.why), ROTA_ERR_ARGUMENT);
	s.plan.threads = ROTA_POOL_THREADS_MAX + 1;
	CHECK_EQ(rota_pkcs11_pool(&s.plan, 0, 1, &s.pid, &s.why), ROTA_ERR_ARGUMENT);
	s.plan.threads = 1;
	s.plan.key_count = ROTA_POOL_KEYS_MAX + 1;
	CHECK_EQ(rota_pkcs11_pool(&s.plan, 0, 1, &s.pid, &s.why), ROTA_ERR_LIMIT);
	tempdir_remove();
}

TEST(a_session_that_ended)
{
	struct rota_pool_done done;

	CHECK(set_up());
	s.plan.threads = 2;
	CHECK(start());
	CHECK_OK(ask(KEY_A, &done));
	put("mood", "ended");
	CHECK_EQ(ask(KEY_A, &done), ROTA_ERR_IO);
	CHECK(strstr(done.text, "token online, key a: signing: the token has ended the session"));
	CHECK(ask_until(KEY_A, ROTA_OK, &done));
	CHECK_OK(ask(KEY_B, &done));
	CHECK_EQ(counted("logins"), 2);
	CHECK_EQ(stop(), 0);
}

TEST(a_token_that_is_away)
{
	struct rota_pool_done done;

	CHECK(set_up());
	CHECK(start());
	put("mood", "gone");
	for (int i = 0; i < 500; i++)
		CHECK_EQ(ask(KEY_A, &done), ROTA_ERR_IO);
	CHECK_EQ(counted("logins"), 1);
	unlink(tempdir_path("mood"));
	CHECK(ask_until(KEY_A, ROTA_OK, &done));
	CHECK_EQ(counted("logins"), 2);
	CHECK_EQ(stop(), 0);
}

TEST(openings_keep_their_distance)
{
	struct rota_pool_done done;
	int tries = 0;

	CHECK(set_up());
	CHECK(start());
	put("mood", "ended");
	CHECK_EQ(ask(KEY_A, &done), ROTA_ERR_IO);
	CHECK(ask_until(KEY_A, ROTA_OK, &done));
	put("mood", "ended");
	CHECK_EQ(ask(KEY_A, &done), ROTA_ERR_IO);
	while (ask(KEY_A, &done) == ROTA_ERR_IO) /* answered at once, not opened */
		tries++;
	CHECK(tries > 0);
	CHECK_EQ(counted("logins"), 3);
	CHECK_EQ(stop(), 0);
}

TEST(another_key_under_the_same_name)
{
	struct rota_pool_done done;

	CHECK(set_up());
	CHECK(make_token("other"));
	use_store("store");
	s.token.module = P11SHIM;
	CHECK(start());
	CHECK_OK(ask(KEY_A, &done));
	use_store("other");
	put("mood", "ended");
	CHECK_EQ(ask(KEY_A, &done), ROTA_ERR_IO);
	CHECK(ask_until(KEY_A, ROTA_ERR_STATE, &done));
	CHECK(strstr(done.text, "the token came back with another key"));
	CHECK_EQ(counted("signatures"), 1);
	CHECK_EQ(stop(), 0);
}

TEST(a_wrong_pin_is_tried_once)
{
	struct rota_pool_done done;

	CHECK(set_up());
	put(PIN_FILE, "wrong\n");
	CHECK(!start());
	CHECK_EQ(s.why.err, ROTA_ERR_DENIED);
	CHECK(strstr(s.why.text, "token online: login: the PIN is wrong"));
	CHECK_EQ(counted("logins"), 1);
	put(PIN_FILE, PIN);
	CHECK(start());
	CHECK_EQ(counted("logins"), 2);
	put(PIN_FILE, "wrong\n");
	put("mood", "ended");
	CHECK_EQ(ask(KEY_A, &done), ROTA_ERR_IO);
	CHECK(ask_until(KEY_A, ROTA_ERR_DENIED, &done));
	put(PIN_FILE, PIN);
	for (int i = 0; i < 20; i++) { /* longer than openings are apart */
		const struct timespec tick = { .tv_nsec = 20 * 1000 * 1000 };

		CHECK_EQ(ask(KEY_A, &done), ROTA_ERR_DENIED);
		CHECK(strstr(done.text, "the PIN is wrong"));
		nanosleep(&tick, NULL);
	}
	CHECK_EQ(counted("logins"), 3);
	CHECK_EQ(stop(), 0);
}

TEST(a_pin_file_that_is_away)
{
	struct rota_pool_done done;

	CHECK(set_up());
	CHECK(start());
	CHECK(unlink(tempdir_path(PIN_FILE)) == 0);
	put("mood", "ended");
	CHECK_EQ(ask(KEY_A, &done), ROTA_ERR_IO);
	CHECK(ask_until(KEY_A, ROTA_ERR_NOT_FOUND, &done)); /* no PIN was tried: not for good */
	put(PIN_FILE, PIN);
	CHECK(ask_until(KEY_A, ROTA_OK, &done));
	CHECK_EQ(counted("logins"), 2);
	CHECK_EQ(stop(), 0);
}

TEST(a_module_that_hangs)
{
	struct rota_pool_done done;
	int status;

	CHECK(set_up());
	s.plan.deadline_ms = 300;
	put("mood", "hang");
	CHECK(start());
	CHECK(order(KEY_A));
	CHECK(order(KEY_B)); /* nobody takes it: there is one thread */
	CHECK(take(&done));
	CHECK_EQ(done.err, ROTA_ERR_TIMEOUT);
	CHECK_EQ(done.tag, s.tag - 1);
	CHECK(strstr(done.text, "token online: no answer within 300 ms"));
	CHECK(waitpid(s.pid, &status, 0) == s.pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	unlink(tempdir_path("mood"));
	s.plan.deadline_ms = PATIENCE_MS;
	CHECK_OK(rota_pkcs11_pool(&s.plan, s.theirs, s.theirs, &s.pid, &s.why));
	CHECK(take(&done)); /* the next holder goes on with it */
	CHECK_EQ(done.tag, s.tag);
	CHECK(good(&done, KEY_B));
	CHECK_EQ(stop(), 0);
}

TEST(a_module_that_breaks)
{
	struct rota_signer signer;
	static const char *const labels[] = { "a", "absent" };
	uint8_t digest[ROTA_SHA256_LEN] = { 1 }, sig[ROTA_P256_SIG_LEN], point[ROTA_P256_KEY_LEN];

	CHECK(set_up());
	CHECK_OK(rota_pkcs11_open(&s.token, labels, 2, &signer, &s.why));
	CHECK_OK(signer.public_key(signer.ctx, "a", point, &s.why));
	CHECK_OK(signer.sign(signer.ctx, "a", digest, sig, &s.why));
	CHECK(rota_p256_verify(point, digest, sig));
	CHECK_EQ(signer.sign(signer.ctx, "absent", digest, sig, &s.why), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(signer.sign(signer.ctx, "b", digest, sig, &s.why), ROTA_ERR_NOT_FOUND);
	put("mood", "die");
	CHECK_EQ(signer.sign(signer.ctx, "a", digest, sig, &s.why), ROTA_ERR_IO);
	CHECK(strstr(s.why.text, "token online: the process with its PKCS#11 module died"));
	signer.close(signer.ctx);
	tempdir_remove();
}

/* ---- what holds a PIN */

/* The line of /proc/PID/NAME that begins with `key`, behind it. */
static bool proc_line(const char *name, const char *key, char out[static 256])
{
	char path[64], line[256];
	FILE *f;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)s.pid, name);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0) {
			snprintf(out, 256, "%s", line + strlen(key));
			found = true;
		}
	if (f)
		fclose(f);
	return found;
}

/* Whether the holder has a descriptor of the same thing as our `fd`. */
static bool has_descriptor(int fd)
{
	char path[64], ours[64] = "", theirs[64];
	bool found = false;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, ours, sizeof(ours) - 1) < 0)
		abort();
	for (int i = 0; i < 1024 && !found; i++) {
		memset(theirs, 0, sizeof(theirs));
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)s.pid, i);
		found = readlink(path, theirs, sizeof(theirs) - 1) > 0 && strcmp(ours, theirs) == 0;
	}
	return found;
}

TEST(the_holder_is_set_apart)
{
	const struct rota_user nobody = { 65534, 65534 };
	char line[256], path[ROTA_FILE_PATH_MAX + 32];
	unsigned long soft = 1, hard = 1, uid = 0;
	bool root = geteuid() == 0;
	int near, other;

	CHECK(set_up());
	if (root) { /* only root can become another */
		s.plan.user = &nobody;
		snprintf(path, sizeof(path), "chown -R 65534:65534 %s", s.dir);
		CHECK(system(path) == 0);
	}
	near = open(s.dir, O_RDONLY | O_CLOEXEC);
	other = fcntl(near, F_DUPFD_CLOEXEC, 100); /* beyond where its own come to lie */
	close(near);
	CHECK(start());
	CHECK(has_descriptor(s.theirs));
	CHECK(!has_descriptor(s.mine));
	CHECK(!has_descriptor(other));
	CHECK(proc_line("limits", "Max core file size", line));
	CHECK_EQ(sscanf(line, "%lu %lu", &soft, &hard), 2);
	CHECK_EQ(soft, 0);
	CHECK_EQ(hard, 0);
	CHECK(proc_line("status", "NoNewPrivs:", line));
	CHECK_EQ(strtoul(line, NULL, 10), 1);
	CHECK(proc_line("status", "Uid:", line));
	CHECK_EQ(sscanf(line, "%lu", &uid), 1);
	CHECK_EQ(uid, root ? 65534 : geteuid());
	close(other);
	CHECK_EQ(stop(), 0);
}

/* Whether `pid`'s memory has the bytes; -1: it may not be read. */
static int memory_has(pid_t pid, const char *bytes, size_t len)
{
	char path[64], line[512], may[5];
	unsigned long from, to;
	int found = 0, mem;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	if (mem < 0 || !maps)
		found = -1;
	while (found == 0 && fgets(line, sizeof(line), maps)) {
		char *area;
		ssize_t got;

		/* not this program's own text, in which it stands too */
		if (sscanf(line, "%lx-%lx %4s", &from, &to, may) != 3 || may[1] != 'w' ||
			to - from > 64UL << 20)
			continue;
		area = malloc(to - from);
		got = area ? pread(mem, area, to - from, (off_t)from) : 0;
		if (got > 0 && memmem(area, (size_t)got, bytes, len))
			found = 1;
		free(area);
	}
	if (maps)
		fclose(maps);
	if (mem >= 0)
		close(mem);
	return found;
}

TEST(a_wiped_pin_is_gone)
{
	struct pin pin, none;

	memset(&none, 0, sizeof(none));
	CHECK(set_up());
	CHECK_OK(pin_get(&pin, tempdir_path(PIN_FILE), "online", &s.why));
	CHECK_EQ(pin.len, strlen(PIN));
	pin_wipe(&pin);
	CHECK_MEM(&pin, &none, sizeof(pin));
	tempdir_remove();
}

TEST(the_holder_keeps_no_pin)
{
	struct rota_pool_done done;

	CHECK(set_up());
	CHECK(start());
	CHECK_OK(ask(KEY_A, &done));
	CHECK(memory_has(s.pid, "softhsm2.conf", 13) != 0); /* the search finds what is there */
	CHECK(memory_has(s.pid, PIN, sizeof(PIN) - 1) != 1);
	CHECK_EQ(counted("dumpable"), 0);
	CHECK_EQ(stop(), 0);
}

TEST(memory_is_locked)
{
	struct rota_pool_done done;
	char line[256];

	CHECK(set_up());
	s.plan.lock = true;
	if (!start()) { /* where the limit forbids it, it says so and holds no PIN */
		CHECK(strstr(s.why.text, "cannot lock memory"));
		CHECK_EQ(counted("logins"), 0);
		return;
	}
	CHECK_OK(ask(KEY_A, &done));
	CHECK(proc_line("status", "VmLck:", line));
#if !defined(__SANITIZE_ADDRESS__) /* which leaves memory unlocked */
	CHECK(strtoul(line, NULL, 10) > 0);
#endif
	CHECK_EQ(stop(), 0);
}

TESTS(T(each_order_is_answered_once), T(a_key_that_is_not_there), T(what_is_asked_of_a_plan),
	T(a_session_that_ended), T(a_token_that_is_away), T(openings_keep_their_distance),
	T(another_key_under_the_same_name), T(a_wrong_pin_is_tried_once),
	T(a_pin_file_that_is_away), T(a_module_that_hangs), T(a_module_that_breaks),
	T(the_holder_is_set_apart), T(a_wiped_pin_is_gone), T(the_holder_keeps_no_pin),
	T(memory_is_locked))
