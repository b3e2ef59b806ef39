/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/supervise.h"
#include "apps/rota-signd/folders.h"
#include "apps/rota-signd/holding.h"
#include "apps/rota-signd/logger.h"
#include "apps/rota-signd/offices.h"
#include "apps/rota-signd/parser.h"
#include "apps/rota-signd/registrar.h"
#include "apps/rota-signd/remote.h"
#include "apps/rota-signd/say.h"
#include "apps/rota-signd/slotlink.h"
#include "apps/rota-signd/turn.h"
#include "host/base/cpus.h"
#include "host/base/when.h"
#include "host/serve/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Between two starts of a holder that ended. */
#define AGAIN_S 5
/* Reading a log of many millions of entries. */
#define LOG_MS 600000
/* For what is under way when the end comes. */
#define GOODBYE_S 45
/* Between two askings of a keeper that did not give what is due, and two looks at whose turn it is. */
#define KEEPER_S 5
#define TURN_S 2

struct family {
	const char *config;
	struct plan *plan;
	struct plan *next; /* to go on with; NULL: nobody asked for it */
	pid_t parser, logger;
	int parser_says; /* a byte: it is another slot's turn */
	time_t turn_s,
		keeper_s; /* when that is seen to next; when keepers are asked next, 0: they gave all */
	bool ending;
	int status;
};

/* Of a clock that does not jump. */
static time_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1;
}

/* ---- holders ---- */

static struct holder *holder_at(struct plan *plan, size_t n)
{
	return n < plan->holder_count ? &plan->holders[n] : &plan->log;
}

/* A slot that does not open keeps nobody from his work. */
static enum rota_err hold_all(struct family *f, struct rota_fail *why)
{
	for (size_t i = 0; i <= f->plan->holder_count; i++) {
		struct holder *h = holder_at(f->plan, i);
		enum rota_err err = holding_start(f->plan, h, why);

		if (err != ROTA_OK && h->slot.version == 0)
			return err;
		h->known = err == ROTA_OK;
		if (h->known)
			continue;
		say("%s", why->text);
		f->keeper_s = now_s() + KEEPER_S;
	}
	return ROTA_OK;
}

static void empty_slots(struct family *f)
{
	if (!slotlink_empty(f->plan))
		f->keeper_s = now_s() + KEEPER_S;
}

/* ---- log writer and parser ---- */

static int child(struct plan *plan, enum plan_process process, int ready)
{
	const char *name = process == PLAN_LOGGER ? "signd-log" : "signd";
	struct rota_fail why;

	plan_keep(plan, process);
	if (rota_cpus_stay(rota_policy_daemon(plan->policy)->cpus, &why) != ROTA_OK ||
		rota_apart(name, plan_user(plan, process), false, &why) != ROTA_OK) {
		say("%s", why.text);
		return 1;
	}
	return process == PLAN_LOGGER ? logger_run(plan, ready) : parser_run(plan, ready);
}

static enum rota_err start(struct plan *plan, enum plan_process process, int ready, int other,
	pid_t *pid, struct rota_fail *why)
{
	fflush(NULL);
	*pid = fork();
	if (*pid == 0) {
		close(other);
		_exit(child(plan, process, ready));
	}
	return *pid > 0 ? ROTA_OK : rota_fail_errno(why, errno, "fork");
}

/* Until it says that it is ready: the log is open before it is read, and read before anybody is answered. *says: it may say more. */
static enum rota_err start_ready(
	struct family *f, enum plan_process process, pid_t *pid, int *says, struct rota_fail *why)
{
	struct pollfd p = { .events = POLLIN };
	enum rota_err err;
	int pair[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return rota_fail_errno(why, errno, "socketpair");
	err = start(f->plan, process, pair[1], pair[0], pid, why);
	close(pair[1]);
	p.fd = pair[0];
	if (err == ROTA_OK && (poll(&p, 1, LOG_MS) != 1 || recv(p.fd, &byte, 1, 0) != 1))
		err = rota_fail(why, ROTA_ERR_IO, "the log does not open, or is not understood");
	*says = pair[0];
	return err;
}

/* From now on a byte of the parser's wakes us. */
static enum rota_err listen_to_parser(const struct family *f, struct rota_fail *why)
{
	if (fcntl(f->parser_says, F_SETOWN, getpid()) == 0 &&
		fcntl(f->parser_says, F_SETFL, O_ASYNC | O_NONBLOCK) == 0)
		return ROTA_OK;
	return rota_fail_errno(why, errno, "fcntl");
}

static enum rota_err start_all(struct family *f, struct rota_fail *why)
{
	struct plan *plan = f->plan;
	enum rota_err err;
	int says;

	ROTA_TRY(folders_make(plan, why));
	ROTA_TRY(plan_connect(plan, why));
	empty_slots(f);
	ROTA_TRY(hold_all(f, why));
	ROTA_TRY(registrar_start(plan, why));
	err = start_ready(f, PLAN_LOGGER, &f->logger, &says, why);
	close(says);
	ROTA_TRY(err);
	if (plan->listener == 0)
		ROTA_TRY(rota_listener_open(
			rota_policy_daemon(plan->policy)->socket, 0666, &plan->listener, why));
	if (plan->remote_listener == 0)
		ROTA_TRY(remote_listen(plan, why));
	ROTA_TRY(start_ready(f, PLAN_PARSER, &f->parser, &f->parser_says, why));
	return listen_to_parser(f, why);
}

/* Its number is soon another one's. */
static void shut(int *fd)
{
	if (*fd > 0)
		close(*fd);
	*fd = -1;
}

/* What only children use; while one of ours is open, nobody hears that the other side is gone. */
static void let_go(struct plan *plan)
{
	for (size_t i = 0; i < plan->holder_count; i++) {
		shut(&plan->holders[i].order[1]);
		shut(&plan->holders[i].answer[1]);
	}
	shut(&plan->registrar.order[1]);
	shut(&plan->registrar.answer[1]);
	shut(&plan->log.order[1]);
	shut(&plan->entries[0]);
	shut(&plan->entries[1]);
}

/* ---- watching ---- */

static void end(struct family *f, int status)
{
	if (status != 0)
		f->status = status;
	if (f->ending)
		return;
	f->ending = true;
	if (f->parser > 0)
		kill(f->parser, SIGTERM);
}

/* New settings, if they are any. */
static void reload(struct family *f)
{
	struct rota_fail why = { 0 };

	if (f->ending)
		return;
	if (plan_load(f->config, &f->next, &why) == ROTA_OK &&
		offices_open(f->next, f->plan, &why) == ROTA_OK &&
		remote_check(f->next, &why) == ROTA_OK &&
		slotlink_answers(f->plan, &why) == ROTA_OK) {
		say("settings are read anew");
		end(f, 0);
		return;
	}
	say("%s; it goes on with the settings that it has", why.text);
	if (f->next)
		plan_free(f->next);
	f->next = NULL;
}

static void bury(struct family *f, pid_t pid, int status)
{
	bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	for (size_t i = 0; i <= f->plan->holder_count; i++)
		if (holder_at(f->plan, i)->pid == pid) {
			holder_at(f->plan, i)->pid = f->ending && well ? HOLDING_NOT_AGAIN : 0;
			return;
		}
	if (pid == f->plan->registrar.pid) {
		f->plan->registrar.pid = f->ending && well ? HOLDING_NOT_AGAIN : 0;
		return;
	}
	if (pid == f->parser)
		f->parser = 0;
	if (pid == f->logger)
		f->logger = 0;
	end(f, well ? 0 : 1);
}

/* A slot's: not after its time; and who is started with it up knows that it is. */
static void hold_slot_again(struct family *f, struct holder *h)
{
	struct rota_fail why;

	if (!turn_lasts(&h->slot, rota_when_now())) {
		h->pid = HOLDING_NOT_AGAIN;
		return;
	}
	if (f->keeper_s > now_s())
		return;
	if (holding_start(f->plan, h, &why) == ROTA_OK) {
		if (!h->known)
			reload(f);
		return;
	}
	say("%s", why.text);
	f->keeper_s = now_s() + KEEPER_S;
}

/* Orders that nobody has taken are not lost; one that was, its client asks again. */
static void register_again(struct family *f)
{
	struct plan_registrar *r = &f->plan->registrar;
	struct rota_fail why;

	if (!r->wanted || r->pid != 0 || f->ending)
		return;
	say("the registrar ended; started anew");
	if (registrar_start(f->plan, &why) == ROTA_OK)
		return;
	say("%s", why.text);
	if (why.err != ROTA_ERR_DENIED)
		return;
	r->pid = HOLDING_NOT_AGAIN;
	end(f, SUPERVISE_PIN_REFUSED);
}

static void hold_again(struct family *f)
{
	struct rota_fail why;

	for (size_t i = 0; i <= f->plan->holder_count; i++) {
		struct holder *h = holder_at(f->plan, i);

		/* the log's is asked for a last checkpoint */
		if (h->pid != 0 || (f->ending && (h != &f->plan->log || f->logger == 0)))
			continue;
		if (h->slot.version != 0) {
			hold_slot_again(f, h);
			continue;
		}
		say("token %s: its process ended; started anew", h->token->name);
		if (holding_start(f->plan, h, &why) == ROTA_OK)
			continue;
		h->pid = why.err == ROTA_ERR_DENIED ? HOLDING_NOT_AGAIN : 0;
		say("%s", why.text);
		if (why.err == ROTA_ERR_DENIED)
			end(f, SUPERVISE_PIN_REFUSED);
	}
}

/* ---- slots of a series ---- */

/* SPEC 23.6: nobody has a slot's session longer than its overlap, whatever else goes on. */
static void end_slots(struct family *f)
{
	for (size_t i = 0; i < f->plan->holder_count; i++) {
		struct holder *h = &f->plan->holders[i];

		if (h->slot.version == 0 || h->pid <= 0 || turn_lasts(&h->slot, rota_when_now()))
			continue;
		say("slot %llu of %s is over: its token is let go",
			(unsigned long long)h->slot.version, h->scope->product);
		kill(h->pid, SIGKILL);
	}
}

/* Another plan when it is another slot's turn, and once more what keepers did not give. */
static void mind_slots(struct family *f)
{
	time_t now = now_s();
	bool told = false;
	uint8_t byte;

	if (f->ending || f->plan->turn_count == 0)
		return;
	while (recv(f->parser_says, &byte, 1, 0) == 1)
		told = true;
	end_slots(f);
	if ((told || rota_when_now() >= turn_until(f->plan)) && now >= f->turn_s) {
		f->turn_s = now + TURN_S;
		reload(f);
	}
	if (!f->ending && f->keeper_s != 0 && now >= f->keeper_s) {
		f->keeper_s = 0;
		empty_slots(f);
	}
}

static bool anybody(const struct family *f)
{
	bool any = f->parser > 0 || f->logger > 0 || f->plan->log.pid > 0 ||
		f->plan->registrar.pid > 0;

	for (size_t i = 0; i < f->plan->holder_count; i++)
		any |= f->plan->holders[i].pid > 0;
	return any;
}

static void watch(struct family *f, const sigset_t *signals)
{
	const struct timespec again = { .tv_sec = AGAIN_S };
	time_t deadline = 0;
	int status;
	pid_t pid;

	while (anybody(f)) {
		int got = sigtimedwait(signals, NULL, &again);

		if (got == SIGTERM || got == SIGINT)
			end(f, 0);
		if (got == SIGHUP)
			reload(f);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			bury(f, pid, status);
		mind_slots(f);
		hold_again(f);
		register_again(f);
		if (f->ending && deadline == 0)
			deadline = now_s() + GOODBYE_S;
		if (deadline != 0 && now_s() > deadline) {
			say("not all processes ended in time");
			f->status = 1;
			return; /* they go with us (PR_SET_PDEATHSIG) */
		}
	}
}

/* A door stays open for who comes next; at another path there is another door. */
static void pass_door(int *from, const char *path, int *to, const char *next)
{
	if (*from <= 0)
		return;
	if (next && strcmp(path, next) == 0) {
		*to = *from;
		return;
	}
	close(*from);
	unlink(path);
}

static void pass_doors(struct plan *from, struct plan *to)
{
	const struct rota_policy_daemon *was = rota_policy_daemon(from->policy);
	const struct rota_policy_daemon *is = to ? rota_policy_daemon(to->policy) : NULL;

	pass_door(&from->listener, was->socket, to ? &to->listener : NULL, is ? is->socket : NULL);
	pass_door(&from->remote_listener, was->remote_socket, to ? &to->remote_listener : NULL,
		is ? is->remote_socket : NULL);
}

/* What was kept to start holders anew. */
static void forget(struct plan *plan)
{
	for (size_t i = 0; i < plan->holder_count; i++) {
		shut(&plan->holders[i].order[0]);
		shut(&plan->holders[i].answer[0]);
	}
	shut(&plan->registrar.order[0]);
	shut(&plan->registrar.answer[0]);
	shut(&plan->log.order[0]);
}

/* One set of processes, from its start to its end. */
static void live(struct family *f, const sigset_t *signals)
{
	struct rota_fail why = { 0 };

	f->ending = false;
	f->parser = f->logger = 0;
	f->parser_says = -1;
	f->turn_s = f->keeper_s = 0;
	if (start_all(f, &why) != ROTA_OK) {
		say("%s", why.text);
		f->status = why.err == ROTA_ERR_DENIED ? SUPERVISE_PIN_REFUSED : 1;
		return;
	}
	let_go(f->plan);
	slotlink_say(f->plan);
	say("ready on %s", rota_policy_daemon(f->plan->policy)->socket);
	watch(f, signals);
	forget(f->plan);
	close(f->parser_says);
	if (!f->next || f->status != 0)
		say("stopped");
}

static void block(sigset_t *signals)
{
	static const int heard[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGIO };

	sigemptyset(signals);
	for (size_t i = 0; i < sizeof(heard) / sizeof(heard[0]); i++)
		sigaddset(signals, heard[i]);
	sigprocmask(SIG_BLOCK, signals, NULL); /* the children's too: a terminal's Ctrl-C is ours */
}

int supervise(const char *config)
{
	struct family f = { .config = config };
	struct rota_fail why = { 0 };
	sigset_t signals;

	if (plan_load(config, &f.next, &why) != ROTA_OK ||
		offices_open(f.next, NULL, &why) != ROTA_OK ||
		remote_check(f.next, &why) != ROTA_OK) {
		fprintf(stderr, "rota-signd: %s\n", why.text);
		if (f.next)
			plan_free(f.next);
		return 1;
	}
	block(&signals);
	while (f.next && f.status == 0) {
		f.plan = f.next;
		f.next = NULL;
		live(&f, &signals);
		pass_doors(f.plan, f.status == 0 ? f.next : NULL);
		plan_free(f.plan);
	}
	if (f.next)
		plan_free(f.next);
	return f.status;
}
