/* SPDX-License-Identifier: Apache-2.0 */
/* bench_sign_load: the signing daemon under load, and its token bare, turn by turn in one process.
 *
 *     bench_sign_load FOLDER SOCKET MODULE TOKEN PIN_FILE KEY JOURNAL SECONDS RUNS CPUS [NAME=PID]...
 *
 * FOLDER has `ask-0` to `ask-15`, the requests of 16 clients: in each, @V@ stands for the next version and @I@ for a number
 * that is drawn anew. A run is SECONDS of C_Sign with KEY over 1 to 4 threads, then as long of 16 connections with one
 * request under way in each, by a thread that stays on the processors CPUS (-: on all); every answer must be 200. Then one client alone, bare C_Sign and fdatasync of as many bytes as
 * an entry has, in a file beside JOURNAL, in turns. CPU time of the processes NAME is counted for each request.
 *
 * Prints `bare THREADS RATE`, `daemon RATE`, `cpu NAME MICROSECONDS`, and medians `ask_us`, `sign_us`, `sync_us`.
 */
#include "host/base/bytes.h"
#include "host/base/cpus.h"
#include "host/base/file.h"
#include "host/ingest/segment.h"
#include "host/notary/ask.h"
#include "ports/pkcs11/module.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 16
#define THREADS_MAX 4
#define NAMES_MAX 16
#define MARKS_MAX 4
/* What a request has with its head; a header without meaning fills it up. */
#define REQUEST 1024
#define HEAD                                                                                       \
	"POST /v1/ask HTTP/1.1\r\nHost: signd\r\nUser-Agent: %0*d\r\nContent-Length: %zu\r\n\r\n"
/* One client alone: so many turns of so many requests. */
#define TURNS 10
#define TURN 200

static _Noreturn void die(const char *what, const char *text)
{
	(void)fprintf(stderr, "bench_sign_load: %s: %s\n", what, text);
	exit(1);
}

static void need(enum rota_err err, const struct rota_fail *why)
{
	if (err != ROTA_OK)
		die("failed", why->text);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static double seconds_since(uint64_t begin)
{
	return (double)(now_ns(CLOCK_MONOTONIC) - begin) / 1e9;
}

/* ---- the token, bare ---- */

static struct module token;
static struct module_key key;
static atomic_bool over;

static void open_token(char **argv)
{
	struct rota_fail why;
	struct pin pin;

	need(module_load(&token, argv[3], &why), &why);
	need(pin_get(&pin, argv[5], argv[4], &why), &why);
	need(module_login(&token, argv[4], &pin, &why), &why);
	pin_wipe(&pin);
	need(module_key(&token, argv[6], &key, &why), &why);
}

static void *sign_on(void *arg)
{
	uint8_t digest[ROTA_SHA256_LEN] = { 1 }, sig[ROTA_P256_SIG_LEN];
	CK_SESSION_HANDLE session;
	struct rota_fail why;
	uint64_t *count = arg;

	need(module_session(&token, &session, &why), &why);
	for (; !atomic_load(&over); ++*count)
		if (module_sign(&token, session, key.handle, digest, sig) != CKR_OK)
			die("C_Sign", "failed");
	token.f->C_CloseSession(session);
	return NULL;
}

static void run_bare(unsigned threads, unsigned seconds)
{
	const struct timespec span = { .tv_sec = (time_t)seconds };
	uint64_t count[THREADS_MAX] = { 0 }, begin = now_ns(CLOCK_MONOTONIC), total = 0;
	pthread_t thread[THREADS_MAX];

	atomic_store(&over, false);
	for (unsigned i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, sign_on, &count[i]) != 0)
			die("threads", "cannot be made");
	nanosleep(&span, NULL);
	atomic_store(&over, true);
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(thread[i], NULL);
		total += count[i];
	}
	printf("bare %u %.0f\n", threads, (double)total / seconds_since(begin));
}

/* ---- clients ---- */

struct client {
	int fd;
	struct rota_bytes ask; /* the template */
	char *part[MARKS_MAX * 2 + 1]; /* its text and marks, by turns */
	uint64_t version;
	char head[REQUEST]; /* of a body of this length */
	size_t head_len, body_len;
	char in[16384];
	size_t in_len;
};

static struct client clients[CLIENTS];
static uint64_t asked; /* by all, ever: the number of a request */

static struct sockaddr_un daemon_at = { .sun_family = AF_UNIX };

static void load_client(struct client *c, const char *folder, size_t n)
{
	char *name = rota_text("%s/ask-%zu", folder, n), *rest;
	struct rota_fail why;
	size_t parts = 0;

	need(rota_file_read(name, ROTA_ASK_TEXT_MAX, &c->ask, &why), &why);
	free(name);
	rest = (char *)c->ask.p;
	c->version = strtoull(strsep(&rest, "\n"), NULL, 10);
	while (parts < MARKS_MAX * 2 && (c->part[parts] = strsep(&rest, "@")) != NULL)
		parts++;
}

/* A connection is shut when nothing comes for a while, so each run has its own. */
static void connect_client(struct client *c)
{
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(c->fd, (const struct sockaddr *)&daemon_at, sizeof(daemon_at)) != 0)
		die(daemon_at.sun_path, "nobody listens");
}

static void write_head(struct client *c, size_t body_len)
{
	int pad = 1;

	c->body_len = body_len;
	c->head_len = (size_t)snprintf(c->head, sizeof(c->head), HEAD, pad, 0, body_len);
	if (c->head_len + body_len < REQUEST)
		pad += (int)(REQUEST - c->head_len - body_len);
	c->head_len = (size_t)snprintf(c->head, sizeof(c->head), HEAD, pad, 0, body_len);
}

static size_t write_body(struct client *c, char *to, size_t room)
{
	size_t len = 0;

	for (size_t i = 0; c->part[i]; i++) {
		const char *text = c->part[i];
		size_t more = strlen(text);

		if (len + more + 40 > room)
			die("a request", "is too long");
		if (i % 2 == 0)
			memcpy(to + len, text, more);
		else if (*text == 'V')
			more = (size_t)sprintf(to + len, "%" PRIu64, c->version);
		else
			more = (size_t)sprintf(to + len, "%032" PRIx64, asked);
		len += more;
	}
	return len;
}

static void ask(struct client *c)
{
	char body[4096];
	struct iovec out[2] = { { .iov_base = c->head }, { .iov_base = body } };

	asked++;
	out[1].iov_len = write_body(c, body, sizeof(body));
	if (out[1].iov_len != c->body_len)
		write_head(c, out[1].iov_len);
	out[0].iov_len = c->head_len;
	c->version++;
	if (writev(c->fd, out, 2) != (ssize_t)(c->head_len + c->body_len))
		die("the daemon", "does not take a request");
}

/* Whether the answer is whole. */
static bool answered(struct client *c)
{
	ssize_t got = recv(c->fd, c->in + c->in_len, sizeof(c->in) - 1 - c->in_len, 0);
	const char *end, *length;

	if (got <= 0)
		die("the daemon", "hung up");
	c->in_len += (size_t)got;
	c->in[c->in_len] = 0;
	end = strstr(c->in, "\r\n\r\n");
	length = strstr(c->in, "Content-Length: ");
	if (!end || !length)
		return false;
	if ((size_t)(c->in + c->in_len - (end + 4)) < strtoul(length + 16, NULL, 10))
		return false;
	if (strncmp(c->in, "HTTP/1.1 200 ", 13) != 0)
		die("the daemon refused", c->in);
	c->in_len = 0;
	return true;
}

/* All of them, each with one request under way; answers are counted until the last one is here. */
static uint64_t run_clients(unsigned seconds, double *rate)
{
	struct epoll_event ready[CLIENTS], e = { .events = EPOLLIN };
	uint64_t begin = now_ns(CLOCK_MONOTONIC), count = 0;
	unsigned under_way = CLIENTS;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	for (size_t i = 0; i < CLIENTS; i++) {
		e.data.ptr = &clients[i];
		connect_client(&clients[i]);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &e) != 0)
			die("epoll", "failed");
		ask(&clients[i]);
	}
	while (under_way > 0) {
		int got = epoll_wait(epoll, ready, CLIENTS, -1);
		bool more = seconds_since(begin) < seconds;

		for (int i = 0; i < got; i++) {
			if (!answered(ready[i].data.ptr))
				continue;
			count++;
			if (more)
				ask(ready[i].data.ptr);
			else
				under_way--;
		}
	}
	*rate = (double)count / seconds_since(begin);
	for (size_t i = 0; i < CLIENTS; i++)
		close(clients[i].fd);
	close(epoll);
	return count;
}

/* ---- CPU time ---- */

struct process {
	char name[32];
	int pid;
	uint64_t before;
};

static uint64_t cpu_of(const struct process *p)
{
	char path[64 + NAME_MAX];
	const struct dirent *e;
	uint64_t total = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", p->pid);
	tasks = opendir(path);
	while (tasks && (e = readdir(tasks)) != NULL) {
		unsigned long long ns = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", p->pid, e->d_name);
		f = e->d_name[0] == '.' ? NULL : fopen(path, "re");
		if (f && fscanf(f, "%llu", &ns) == 1)
			total += ns;
		if (f)
			(void)fclose(f);
	}
	if (tasks)
		closedir(tasks);
	return total;
}

static void run_daemon(struct process *processes, size_t count, unsigned seconds, uint64_t cpus)
{
	uint64_t own = now_ns(CLOCK_PROCESS_CPUTIME_ID), requests;
	struct rota_fail why;
	cpu_set_t all;
	double rate;

	sched_getaffinity(0, sizeof(all), &all);
	need(rota_cpus_stay(cpus, &why), &why);
	for (size_t i = 0; i < count; i++)
		processes[i].before = cpu_of(&processes[i]);
	requests = run_clients(seconds, &rate);
	sched_setaffinity(0, sizeof(all), &all);
	printf("daemon %.0f\n", rate);
	own = now_ns(CLOCK_PROCESS_CPUTIME_ID) - own;
	printf("cpu clients %.1f\n", (double)own / 1e3 / (double)requests);
	for (size_t i = 0; i < count; i++)
		printf("cpu %s %.1f\n", processes[i].name,
			(double)(cpu_of(&processes[i]) - processes[i].before) / 1e3 /
				(double)requests);
}

/* ---- one client alone ---- */

/* Of all records: the files are longer than they. */
static uint64_t bytes_in(const char *journal)
{
	struct rota_ingest_fault fault;
	struct rota_ingest_stats stats;

	if (rota_ingest_check(journal, &stats, &fault) != ROTA_OK)
		die(journal, fault.what);
	return stats.bytes;
}

static double ask_once(void)
{
	uint64_t begin = now_ns(CLOCK_MONOTONIC);

	ask(&clients[0]);
	while (!answered(&clients[0]))
		;
	return seconds_since(begin);
}

static double sign_once(void)
{
	uint8_t digest[ROTA_SHA256_LEN] = { 1 }, sig[ROTA_P256_SIG_LEN];
	uint64_t begin = now_ns(CLOCK_MONOTONIC);

	if (module_sign(&token, token.session, key.handle, digest, sig) != CKR_OK)
		die("C_Sign", "failed");
	return seconds_since(begin);
}

static double sync_once(int fd, size_t len)
{
	static const uint8_t bytes[65536];
	uint64_t begin = now_ns(CLOCK_MONOTONIC);

	if (write(fd, bytes, len) != (ssize_t)len || fdatasync(fd) != 0)
		die("fdatasync", "failed");
	return seconds_since(begin);
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print_median(const char *name, double *samples, size_t count)
{
	qsort(samples, count, sizeof(*samples), compare);
	printf("%s %.1f\n", name, samples[count / 2] * 1e6);
}

/* Who wakes from a sync beside busy processes waits for a tick: the log writer does not where it may rise (logger.c), so
 * neither does what it is compared with. */
static void rise(bool up)
{
	const struct sched_param at = { .sched_priority = up ? 1 : 0 };

	(void)sched_setscheduler(0, up ? SCHED_FIFO : SCHED_OTHER, &at);
}

static void run_alone(const char *journal)
{
	static double asks[TURNS * TURN], signs[TURNS * TURN], syncs[TURNS * TURN];
	char *name = rota_text("%s.sync", journal);
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	size_t len = 0;

	connect_client(&clients[0]);
	for (size_t turn = 0; turn < TURNS * TURN; turn += TURN) {
		uint64_t before = turn ? 0 : bytes_in(journal);

		for (size_t i = turn; i < turn + TURN; i++)
			asks[i] = ask_once();
		if (turn == 0)
			len = (size_t)(bytes_in(journal) - before) / TURN;
		for (size_t i = turn; i < turn + TURN; i++)
			signs[i] = sign_once();
		rise(true);
		for (size_t i = turn; i < turn + TURN; i++)
			syncs[i] = sync_once(fd, len);
		rise(false);
	}
	close(clients[0].fd);
	close(fd);
	unlink(name);
	free(name);
	printf("entry_bytes %zu\n", len);
	print_median("ask_us", asks, TURNS * TURN);
	print_median("sign_us", signs, TURNS * TURN);
	print_median("sync_us", syncs, TURNS * TURN);
}

int main(int argc, char **argv)
{
	struct process processes[NAMES_MAX];
	size_t count = 0;
	struct rota_fail why;
	uint64_t cpus = 0;
	unsigned seconds, runs;

	if (argc < 11 || argc > 11 + NAMES_MAX) {
		(void)fprintf(stderr,
			"usage: bench_sign_load FOLDER SOCKET MODULE TOKEN PIN_FILE "
			"KEY JOURNAL SECONDS RUNS CPUS [NAME=PID]...\n");
		return 2;
	}
	seconds = (unsigned)strtoul(argv[8], NULL, 10);
	runs = (unsigned)strtoul(argv[9], NULL, 10);
	if (strcmp(argv[10], "-") != 0)
		need(rota_cpus_parse(argv[10], &cpus, &why), &why);
	for (int i = 11; i < argc; i++)
		if (sscanf(argv[i], "%31[^=]=%d", processes[count].name, &processes[count].pid) ==
			2)
			count++;
	open_token(argv);
	if (strlen(argv[2]) >= sizeof(daemon_at.sun_path))
		die(argv[2], "is too long for a socket");
	memcpy(daemon_at.sun_path, argv[2], strlen(argv[2]) + 1);
	for (size_t i = 0; i < CLIENTS; i++)
		load_client(&clients[i], argv[1], i);
	for (unsigned run = 0; run < runs; run++) {
		for (unsigned threads = 1; threads <= THREADS_MAX; threads++)
			run_bare(threads, seconds);
		run_daemon(processes, count, seconds, cpus);
	}
	run_alone(argv[7]);
	printf("asked %" PRIu64 "\n", asked);
	module_end(&token);
	for (size_t i = 0; i < CLIENTS; i++)
		rota_bytes_free(&clients[i].ask);
	return 0;
}
