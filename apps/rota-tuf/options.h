/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-tuf/options.h -- the command line of rota-tuf. */
#ifndef APPS_ROTA_TUF_OPTIONS_H
#define APPS_ROTA_TUF_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/* Of one command: an argument list is no longer in practice, and one client takes them all. */
#define TUF_TARGETS_MAX 1024

enum tuf_verb { TUF_NONE, TUF_INIT, TUF_REFRESH, TUF_DOWNLOAD };

/* Strings are argv's. */
struct tuf_options {
	enum tuf_verb verb;
	const char *verb_name;
	const char *root; /* init */
	const char *metadata_dir, *metadata_url, *target_base_url, *target_dir;
	const char *ca;
	const char *targets[TUF_TARGETS_MAX];
	size_t target_count;
	uint32_t roots; /* that one refresh walks at most */
	/* Deadlines in seconds: to connect; below a kilobyte a second; of a metadata file; of a target. */
	uint32_t connect_s, stall_s, metadata_s, target_s;
};

/* -1: go on; else the exit status, and all is said. */
int tuf_options_parse(int argc, char **argv, struct tuf_options *o);

#endif
