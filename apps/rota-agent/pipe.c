/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/pipe.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void agent_pipe_answer(enum rota_err err)
{
	switch ((int)err) {
	case ROTA_OK:
		printf("ok\n");
		break;
	case ROTA_ERR_NOT_FOUND:
		printf("no none\n");
		break;
	case ROTA_ERR_EXPIRED:
		printf("no expired\n");
		break;
	case ROTA_ERR_BUSY:
		printf("no busy\n");
		break;
	case ROTA_ERR_FULL:
	case ROTA_ERR_LIMIT:
		printf("no room\n");
		break;
	case ROTA_ERR_FORMAT:
		printf("no command\n");
		break;
	default:
		printf("no good: %s\n", rota_err_str(err));
	}
}

void agent_pipe_answer_bytes(struct rota_span bytes)
{
	printf("ok ");
	for (size_t i = 0; i < bytes.len; i++)
		printf("%02x", bytes.p[i]);
	printf("\n");
}

char *agent_pipe_split(char *line)
{
	char *space = strchr(line, ' ');

	if (!space)
		return line + strlen(line);
	*space = '\0';
	return space + 1;
}

void agent_pipe_serve(const struct agent_pipe *p)
{
	bool long_one = false;

	agent_pipe_answer(ROTA_OK);
	fflush(stdout);
	while (fgets(p->line, (int)p->room, stdin)) {
		size_t len = strlen(p->line);
		bool whole = len > 0 && p->line[len - 1] == '\n';

		if (whole)
			p->line[len - 1] = '\0';
		if (whole && !long_one)
			p->obey(p->ctx, p->line);
		else if (whole)
			agent_pipe_answer(ROTA_ERR_LIMIT);
		long_one = !whole;
		explicit_bzero(p->line, len);
		if (fflush(stdout) != 0)
			return;
	}
}
