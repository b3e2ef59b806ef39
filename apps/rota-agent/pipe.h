/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/pipe.h -- a line each way with the program that started this one, on standard input and output (SPEC 36.8). */
#ifndef APPS_ROTA_AGENT_PIPE_H
#define APPS_ROTA_AGENT_PIPE_H

#include "rota/base/err.h"
#include "rota/base/span.h"

#include <stddef.h>

struct agent_pipe {
	void *ctx;
	void (*obey)(void *ctx, char *line); /* answers once; the line is its own */
	char *line; /* room of the longest line; wiped behind each */
	size_t room;
};

/* Say ok, then obey until the pipe ends. What is longer than the room is passed over to its end, and answered so. */
void agent_pipe_serve(const struct agent_pipe *p);

/* ok; or no, and why. */
void agent_pipe_answer(enum rota_err err);
void agent_pipe_answer_bytes(struct rota_span bytes);

/* The first word of a line: what follows it behind one blank, "" where nothing does. The line ends behind the word then. */
char *agent_pipe_split(char *line);

#endif
