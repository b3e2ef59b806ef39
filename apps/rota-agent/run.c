/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/run.h"
#include "apps/rota-agent/say.h"
#include "host/agent/command.h"
#include "host/base/when.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static volatile sig_atomic_t stop_asked, poll_asked;

static void on_signal(int number)
{
	if (number == SIGHUP)
		poll_asked = 1;
	else
		stop_asked = 1;
}

void agent_signals(struct agent *a)
{
	const struct sigaction act = { .sa_handler = on_signal };

	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	a->stop = &stop_asked;
}

/* ---- one cycle and what follows from it ---- */

static void complain(const char *step, const struct rota_fail *why)
{
	say("failed",
		(struct say_field[]){ { "step", step }, { "reason", rota_err_str(why->err) },
			{ "detail", why->text }, { NULL, NULL } });
}

/* What a reboot command may count on. */
static int reboot(struct agent *a)
{
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *env[] = { path, NULL };
	const struct agent_command *command = &a->config->reboot;
	struct rota_fail why;

	say("reboot",
		(struct say_field[]){ { "command", command->line },
			{ "detail",
				command->line ? NULL : "no [reboot] command: boot the device now" },
			{ NULL, NULL } });
	if (!command->line)
		return AGENT_EXIT_REBOOT;
	if (rota_command_run(command->line, env, (uint32_t)command->timeout_s, a->stop, &why) ==
		ROTA_OK)
		return AGENT_EXIT_OK;
	complain("reboot", &why);
	return AGENT_EXIT_FAILED;
}

static int cycle(struct agent *a, enum agent_end *end)
{
	struct rota_fail why;

	a->again_s = 0;
	*end = AGENT_END_STOPPED;
	if (agent_cycle_run(a, end, &why) != ROTA_OK)
		complain("start", &why);
	if (*end == AGENT_END_REBOOT)
		return reboot(a);
	return *end == AGENT_END_IDLE ? AGENT_EXIT_OK : AGENT_EXIT_FAILED;
}

int agent_run_once(struct agent *a)
{
	enum agent_end end;

	return cycle(a, &end);
}

/* ---- waiting ---- */

/* 0 to below `most`. Falls back to the clock where the kernel's pool is not ready: this only spreads load. */
static uint64_t draw(uint64_t most)
{
	uint64_t value;

	if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != sizeof(value)) {
		struct timespec t;

		clock_gettime(CLOCK_MONOTONIC, &t);
		value = (uint64_t)t.tv_nsec;
	}
	return most ? value % most : 0;
}

/* Within jitter_percent around `seconds`. */
static uint64_t jittered(const struct agent *a, uint64_t seconds)
{
	uint64_t span = seconds * a->config->jitter_percent / 100;

	return seconds - span / 2 + draw(span + 1);
}

static uint64_t backoff(const struct agent *a, unsigned failures)
{
	uint64_t wait = a->config->retry_first_s;

	while (--failures && wait < a->config->retry_most_s)
		wait *= 2;
	return wait < a->config->retry_most_s ? wait : a->config->retry_most_s;
}

/* What the server asks for holds where it is longer, up to the longest wait of the settings: whoever stands in for a
 * server could keep silent as well, and hold the device up no longer than that. */
static uint64_t next_wait(const struct agent *a, unsigned failures)
{
	const struct agent_config *c = a->config;
	uint64_t most = c->interval_s > c->retry_most_s ? c->interval_s : c->retry_most_s;
	uint64_t own = jittered(a, failures ? backoff(a, failures) : c->interval_s);
	uint64_t asked = a->again_s < most ? a->again_s : most;

	if (asked <= own)
		return own;
	return asked + draw(asked * c->jitter_percent / 100 + 1); /* never before */
}

/* Signals are blocked but here, so that one which comes just before the wait is not missed. */
static void wait_for(uint64_t seconds)
{
	struct timespec left = { .tv_sec = (time_t)seconds };
	sigset_t block, before;

	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGHUP);
	sigprocmask(SIG_BLOCK, &block, &before);
	if (!stop_asked && !poll_asked)
		ppoll(NULL, 0, &left, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void say_wait(uint64_t seconds, unsigned failures)
{
	char next[ROTA_DURATION_LEN], count[16];

	rota_duration_text(seconds, next);
	snprintf(count, sizeof(count), "%u", failures);
	say_more("waiting",
		(struct say_field[]){
			{ "for", next }, { "failures", failures ? count : NULL }, { NULL, NULL } });
}

int agent_run(struct agent *a)
{
	unsigned failures = 0;

	while (!stop_asked) {
		enum agent_end end;
		uint64_t wait;
		int status;

		poll_asked = 0;
		status = cycle(a, &end);
		failures = status == AGENT_EXIT_FAILED ? failures + 1 : 0;
		/* The device was reset without us, so the trial runs already: look at once. */
		if (end == AGENT_END_REBOOT && status == AGENT_EXIT_OK && !stop_asked)
			continue;
		wait = next_wait(a, failures);
		say_wait(wait, failures);
		wait_for(wait);
	}
	say("stopped", NULL);
	return AGENT_EXIT_OK;
}
