/* SPDX-License-Identifier: Apache-2.0 */
/* recorder CONFIG VAULT COMMAND -- what a sensor measured, kept sealed on its device by a program that has no key.
 *
 *     fill N     keep N readings, numbered from 1
 *     get N      read one
 *     rewrite N  read all N of them, round and round, until none is sealed with an older key
 *     watch N    the same, and it begins before the key changes: until one has come and all are sealed with it
 *
 * It starts `rota-agent records VAULT` (rota-agent(8)), with the agent's settings in CONFIG, and speaks with it over a pipe, a line each
 * way: `put ID HEX`, `get ID`, `left`. That one has the device's data keys, sees each switch, and seals old records anew
 * meanwhile. A program of yours does the same in whatever language it is written.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RECORDS_MAX 10000
#define READING_MAX 64 /* bytes */
#define LINE_MAX_LEN 4096 /* of an answer */
#define BETWEEN_US 500 /* two reads */
#define TELL_MS 300 /* how often it says how far it is */
#define PATIENCE_MS 120000 /* 10,000 records at 200 a second take one minute */

struct recorder {
	FILE *to, *from; /* of rota-agent */
	pid_t pid;
	char line[LINE_MAX_LEN];
};

/* ---- rota-agent ---- */

static int begin(struct recorder *r, const char *config, const char *vault)
{
	int in[2], out[2];

	if (pipe(in) != 0 || pipe(out) != 0)
		return -1;
	r->pid = fork();
	if (r->pid == 0) {
		(void)dup2(in[0], STDIN_FILENO);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)close(in[1]);
		(void)close(out[0]);
		execlp("rota-agent", "rota-agent", "records", "--config", config, vault,
			(char *)NULL);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	r->to = fdopen(in[1], "w");
	r->from = fdopen(out[0], "r");
	return r->pid > 0 && r->to != NULL && r->from != NULL ? 0 : -1;
}

static int end(struct recorder *r)
{
	int status = -1;

	if (r->to != NULL)
		(void)fclose(r->to);
	if (r->from != NULL)
		(void)fclose(r->from);
	if (r->pid > 0 && waitpid(r->pid, &status, 0) != r->pid)
		return -1;
	return status == 0 ? 0 : -1;
}

/* The line that comes next, without its end; what stands behind "ok". NULL: it is no such line, and was told. */
static const char *hear(struct recorder *r)
{
	if (fgets(r->line, sizeof(r->line), r->from) == NULL)
		return NULL; /* it said on standard error why it ended */
	r->line[strcspn(r->line, "\n")] = '\0';
	if (strncmp(r->line, "ok", 2) == 0)
		return r->line[2] == ' ' ? r->line + 3 : r->line + 2;
	fprintf(stderr, "recorder: the vault says: %s\n", r->line);
	return NULL;
}

/* ---- readings ---- */

/* What the sensor said the nth time: the same whenever it is asked, so that a read can be held against it. */
static void reading(uint32_t n, char text[static READING_MAX])
{
	unsigned mk = (n * 2654435761u >> 20) % 4000;

	(void)snprintf(
		text, READING_MAX, "reading %" PRIu32 ": %u.%03u C", n, 20 + mk / 1000, mk % 1000);
}

static bool put(struct recorder *r, uint32_t n)
{
	char text[READING_MAX];

	reading(n, text);
	fprintf(r->to, "put %" PRIu32 " ", n);
	for (const char *c = text; *c != '\0'; c++)
		fprintf(r->to, "%02x", (unsigned)*c);
	fprintf(r->to, "\n");
	return fflush(r->to) == 0 && hear(r) != NULL;
}

static bool get(struct recorder *r, uint32_t n, char text[static READING_MAX])
{
	const char *hex;
	unsigned byte;
	size_t len = 0;

	fprintf(r->to, "get %" PRIu32 "\n", n);
	hex = fflush(r->to) == 0 ? hear(r) : NULL;
	if (hex == NULL)
		return false;
	for (; len < READING_MAX - 1 && sscanf(hex + 2 * len, "%2x", &byte) == 1; len++)
		text[len] = (char)byte;
	text[len] = '\0';
	return true;
}

static bool left(struct recorder *r, uint32_t *count)
{
	const char *number;

	fprintf(r->to, "left\n");
	number = fflush(r->to) == 0 ? hear(r) : NULL;
	if (number != NULL)
		*count = (uint32_t)strtoul(number, NULL, 10);
	return number != NULL;
}

/* ---- commands ---- */

static bool fill(struct recorder *r, uint32_t count)
{
	for (uint32_t n = 1; n <= count; n++)
		if (!put(r, n))
			return false;
	printf("%" PRIu32 " readings are kept, sealed\n", count);
	return true;
}

static bool show(struct recorder *r, uint32_t n)
{
	char text[READING_MAX];

	if (!get(r, n, text))
		return false;
	printf("%s\n", text);
	return true;
}

/* The nth record is what the sensor said. */
static bool check(struct recorder *r, uint32_t n)
{
	char want[READING_MAX], text[READING_MAX];

	reading(n, want);
	if (!get(r, n, text))
		return false;
	if (strcmp(text, want) == 0)
		return true;
	fprintf(stderr, "recorder: record %" PRIu32 " is not what the sensor said\n", n);
	return false;
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void tell(uint32_t waiting, uint32_t count, uint32_t reads)
{
	printf("%" PRIu32 " of %" PRIu32 " wait to be sealed anew; %" PRIu32
	       " reads, each of them right\n",
		waiting, count, reads);
	(void)fflush(stdout);
}

/* One read after the other, until nothing waits any more and each was read; `watch`: and until something has waited. */
static bool read_on(struct recorder *r, uint32_t count, bool watch)
{
	const struct timespec between = { .tv_nsec = BETWEEN_US * 1000L };
	const int64_t begun = now_ms();
	uint32_t waiting = 0, reads = 0, before = UINT32_MAX;
	int64_t told = begun - TELL_MS;
	bool over = false;

	while (!over && now_ms() - begun < PATIENCE_MS) {
		if (!check(r, reads % count + 1) || !left(r, &waiting))
			return false;
		reads++;
		watch = watch && waiting == 0;
		over = !watch && waiting == 0 && reads >= count;
		if (over || (waiting != before && now_ms() - told >= TELL_MS)) {
			tell(waiting, count, reads);
			told = now_ms();
			before = waiting;
		}
		(void)nanosleep(&between, NULL);
	}
	if (!over)
		fprintf(stderr, "recorder: that takes too long\n");
	return over;
}

static bool run(struct recorder *r, const char *verb, uint32_t n)
{
	bool watch = strcmp(verb, "watch") == 0;

	if (hear(r) == NULL) /* it is open */
		return false;
	if (strcmp(verb, "fill") == 0)
		return fill(r, n);
	return strcmp(verb, "get") == 0 ? show(r, n) : read_on(r, n, watch);
}

static bool is_command(const char *verb)
{
	static const char *const verbs[] = { "fill", "get", "rewrite", "watch" };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verb, verbs[i]) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct recorder r = { 0 };
	unsigned long n = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
	bool good;

	if (argc != 5 || !is_command(argv[3]) || n < 1 || n > RECORDS_MAX) {
		fprintf(stderr,
			"usage: recorder CONFIG VAULT fill N | get N | rewrite N | watch N\n");
		return 2;
	}
	good = begin(&r, argv[1], argv[2]) == 0 && run(&r, argv[3], (uint32_t)n);
	return end(&r) == 0 && good ? 0 : 1;
}
