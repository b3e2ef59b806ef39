/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-boot/recover.h"
#include "apps/rota-boot/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BACKOFF_MIN_MS 200 /* a single crash costs hardly anything */
#define BACKOFF_MAX_MS 30000 /* a crash loop costs hardly any power */
#define GOOD_RUN_MS 10000 /* an image that ran this long starts the back-off anew */
#define STOP_MS 5000 /* from SIGTERM to SIGKILL */
#define LOG_MAX ((off_t)1 << 20) /* a longer log is set aside at boot, once */
#define POLL_MS 20

enum event { EVENT_CHILD, EVENT_RESET, EVENT_OFF, EVENT_TIMEOUT };

struct supervisor {
	struct device *device;
	const char *log;
	int pid_fd; /* locked while we live */
	pid_t child; /* 0: none */
	struct rota_watchdog_turn turn; /* what it is, and for how long */
	uint64_t started_ms;
	uint64_t backoff_ms;
	sigset_t signals;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void sleep_ms(uint64_t ms)
{
	const struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* ---- the pid file ---- */

/* The locked pid file, or -1 when somebody else holds it or it cannot be made. */
static int claim(const struct device *d)
{
	int fd;

	(void)mkdirat(d->fd, ROTA_LAYOUT_RUN, 0755);
	fd = openat(d->fd, ROTA_LAYOUT_PID, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0) {
		say("%s/" ROTA_LAYOUT_PID ": %s", d->path, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		say("%s is booted already: another rota-boot holds " ROTA_LAYOUT_PID, d->path);
		(void)close(fd);
		return -1;
	}
	if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
		say("%s/" ROTA_LAYOUT_PID ": %s", d->path, strerror(errno));
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* The supervisor's pid, or 0 when there is none. */
static pid_t supervisor_pid(const struct device *d)
{
	int fd = openat(d->fd, ROTA_LAYOUT_PID, O_RDONLY | O_CLOEXEC);
	char text[24] = "";
	ssize_t got;
	bool free_lock;

	if (fd < 0)
		return 0;
	free_lock = flock(fd, LOCK_SH | LOCK_NB) == 0; /* a stale file: its writer is gone */
	got = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	return free_lock || got <= 0 ? 0 : (pid_t)strtol(text, NULL, 10);
}

/* ---- the child ---- */

static int open_log(const struct supervisor *s)
{
	struct stat st;

	if (stat(s->log, &st) == 0 && st.st_size > LOG_MAX) {
		char old[4200];

		(void)snprintf(old, sizeof(old), "%s.1", s->log);
		(void)rename(s->log, old);
	}
	return open(s->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static void run_child(const struct supervisor *s, const struct loaded *set, pid_t parent)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), log = -1;
	sigset_t none;

	/* The supervisor is the power supply: without it nothing runs. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	(void)setsid();
	if (null >= 0)
		(void)dup2(null, STDIN_FILENO);
	if (s->log != NULL)
		log = open_log(s);
	if (s->log != NULL && log < 0)
		say("%s: %s; the image's output goes here", s->log, strerror(errno));
	if (log >= 0) {
		(void)dup2(log, STDOUT_FILENO);
		(void)dup2(log, STDERR_FILENO);
	}
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	boot_exec(s->device, set);
	_exit(127);
}

/* Nothing may run: a child waits for a pack, as an image would run. False: there is nowhere to wait. */
static bool start_recovery(struct supervisor *s)
{
	pid_t parent = getpid();
	sigset_t none;

	if (s->device->recovery == NULL)
		return false;
	s->turn = (struct rota_watchdog_turn){ .act = ROTA_WATCHDOG_RUN_APPLICATION };
	s->started_ms = now_ms();
	s->child = fork();
	if (s->child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		_exit(recover(s->device, s->device->recovery) ? 0 : 1);
	}
	return s->child > 0;
}

/* Boot once. False: nothing runs. */
static bool start(struct supervisor *s)
{
	pid_t parent = getpid();
	struct loaded set;

	if (!boot_load(s->device, &set))
		return start_recovery(s);
	s->turn = set.turn;
	s->child = fork();
	if (s->child == 0)
		run_child(s, &set, parent);
	boot_unload(&set);
	if (s->child < 0) {
		say("cannot start a process: %s", strerror(errno));
		s->child = 0;
		rota_booted_remove(s->device->fd);
	}
	s->started_ms = now_ms();
	return s->child > 0;
}

/* Take the child's end, if it came. */
static bool reap(struct supervisor *s)
{
	int status;

	if (s->child == 0 || waitpid(s->child, &status, WNOHANG) != s->child)
		return false;
	if (WIFSIGNALED(status))
		say("the image ended by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		say("the image ended with status %d", WEXITSTATUS(status));
	(void)kill(-s->child, SIGKILL); /* what it left behind */
	s->child = 0;
	rota_booted_remove(s->device->fd); /* what has ended cannot be confirmed */
	return true;
}

static void stop(struct supervisor *s)
{
	uint64_t end = now_ms() + STOP_MS;

	if (s->child == 0)
		return;
	rota_booted_remove(s->device->fd);
	(void)kill(s->child, SIGTERM);
	while (!reap(s)) {
		if (now_ms() >= end)
			(void)kill(-s->child, SIGKILL);
		sleep_ms(POLL_MS);
	}
}

/* ---- the loop ---- */

/* Wait for something to happen, at most `ms` (UINT64_MAX: for ever). */
static enum event wait_event(struct supervisor *s, uint64_t ms)
{
	uint64_t end = ms == UINT64_MAX ? UINT64_MAX : now_ms() + ms;

	for (;;) {
		uint64_t now = now_ms(), left = end > now ? end - now : 0;
		struct timespec t = { 3600, 0 };
		int sig;

		if (left < 3600000)
			t = (struct timespec){ (time_t)(left / 1000),
				(long)(left % 1000) * 1000000 };
		sig = sigtimedwait(&s->signals, NULL, &t);
		if (sig == SIGTERM || sig == SIGINT)
			return EVENT_OFF;
		if (sig == SIGHUP)
			return EVENT_RESET;
		if (sig == SIGCHLD && reap(s))
			return EVENT_CHILD;
		if (now_ms() >= end)
			return EVENT_TIMEOUT;
	}
}

/* The time of what runs is over (SPEC 10.8): true when it may go on. The updater never may, whatever the journal
 * says or does not say; an application does when there is nothing to be read. */
static bool goes_on(struct supervisor *s)
{
	struct rota_layout_state l;
	enum rota_err err;

	if (s->turn.act == ROTA_WATCHDOG_RUN_UPDATER)
		return false;
	err = rota_layout_state_open(&l, s->device->fd);
	if (err == ROTA_OK) {
		rota_watchdog_next(
			&s->device->rom.rom.watchdog, ROTA_WATCHDOG_OVER, &l.state, &s->turn);
		if (s->turn.commit)
			err = rota_layout_state_commit(&l);
		rota_layout_state_close(&l);
	}
	if (err != ROTA_OK)
		say(ROTA_LAYOUT_JOURNAL ": %s; the watchdog counts on", rota_err_str(err));
	return s->turn.act != ROTA_WATCHDOG_RESET;
}

/* Wait for the end of what runs: its own, ours, or the watchdog's. */
static enum event wait_turn(struct supervisor *s)
{
	bool alone = s->turn.act == ROTA_WATCHDOG_RUN_UPDATER;
	enum event event;

	do {
		event = wait_event(
			s, s->turn.run_s > 0 ? (uint64_t)s->turn.run_s * 1000 : UINT64_MAX);
	} while (event == EVENT_TIMEOUT && goes_on(s));
	if (event == EVENT_TIMEOUT)
		say(alone ? "the updater's time is over"
			  : "no refresh and no ticket for too long: the updater is to run alone");
	return event;
}

/* How long to wait before the next boot, and how long the next time. */
static uint64_t next_backoff(struct supervisor *s)
{
	uint64_t ms = s->backoff_ms;

	if (now_ms() - s->started_ms >= GOOD_RUN_MS)
		ms = BACKOFF_MIN_MS;
	s->backoff_ms = ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : ms * 2;
	return ms;
}

/* One turn: an image runs until it ends, a reset or power off. */
static enum event turn(struct supervisor *s)
{
	enum event event = EVENT_CHILD;

	if (start(s))
		event = wait_turn(s);
	if (event == EVENT_CHILD)
		event = wait_event(s, next_backoff(s));
	stop(s);
	return event;
}

int supervise(struct device *d, const char *log)
{
	struct supervisor s = { .device = d, .log = log, .backoff_ms = BACKOFF_MIN_MS };
	enum event event = EVENT_TIMEOUT;
	bool booted = false;

	s.pid_fd = claim(d);
	if (s.pid_fd < 0)
		return 1;
	(void)sigemptyset(&s.signals);
	(void)sigaddset(&s.signals, SIGHUP);
	(void)sigaddset(&s.signals, SIGTERM);
	(void)sigaddset(&s.signals, SIGINT);
	(void)sigaddset(&s.signals, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &s.signals, NULL);
	rota_booted_remove(d->fd); /* of a supervisor that was killed */
	while (event != EVENT_OFF) {
		event = turn(&s);
		booted = booted || d->boot > 0;
		if (!booted && event != EVENT_OFF && d->recovery == NULL)
			break; /* never anything to boot: say so to who started us */
		if (event == EVENT_RESET)
			s.backoff_ms = BACKOFF_MIN_MS;
	}
	rota_booted_remove(d->fd);
	if (ftruncate(s.pid_fd, 0) != 0)
		say("the pid file keeps its number; the lock on it is gone all the same");
	(void)close(s.pid_fd);
	say(event == EVENT_OFF ? "power off" : "nothing to boot");
	return event == EVENT_OFF ? 0 : 1;
}

/* ---- the button ---- */

int request_reset(struct device *d, unsigned timeout_s)
{
	uint64_t end = now_ms() + (uint64_t)timeout_s * 1000;
	struct rota_booted_file before = { .boot = 0 }, now;
	pid_t pid = supervisor_pid(d);

	if (pid <= 0) {
		say("nothing supervises %s; start `rota-boot --device %s --supervise`", d->path,
			d->path);
		return 1;
	}
	if (rota_booted_read(d->fd, &before) != ROTA_OK)
		before.boot = 0;
	if (kill(pid, SIGHUP) != 0) {
		say("cannot reset process %ld: %s", (long)pid, strerror(errno));
		return 1;
	}
	do {
		sleep_ms(POLL_MS);
		if (rota_booted_read(d->fd, &now) == ROTA_OK && now.boot != before.boot)
			return 0;
	} while (now_ms() < end);
	say("%s was reset, and nothing was booted within %u s; see the supervisor's messages",
		d->path, timeout_s);
	return 1;
}
