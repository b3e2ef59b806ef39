/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_part/selector.h -- what a boot loader of others is told: which place it starts.
 *
 * Such a loader knows two places, A (0) and B (1), and keeps one small thing where it can find it before any
 * system runs: U-Boot an environment, GRUB a block of variables, systemd-boot the names of its entries. Behind
 * this port all say the same six things: one place is confirmed, and the other is not on trial, is to be
 * started once, or was started.
 *
 *     A confirmed --ask--> B is to be started once --loader--> B was started --confirm--> B confirmed
 *          ^                                                        `--reset--> A is started again
 *
 * The loader itself makes one change, from "to be started" to "was started", durable before it starts the
 * place; all others are ours (ports/slots_part/judge.h says when). A power cut in either leaves what was or
 * what is to be, or what read() calls damaged.
 */
#ifndef PORTS_SLOTS_PART_SELECTOR_H
#define PORTS_SLOTS_PART_SELECTOR_H

#include "rota/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum rota_selected_trial {
	ROTA_SELECTED_NONE, /* every boot starts the confirmed place */
	ROTA_SELECTED_ASKED, /* the next boot starts the other place */
	ROTA_SELECTED_STARTED, /* it did: the next boot starts the confirmed place */
};

struct rota_selection {
	uint8_t confirmed; /* 0 or 1 */
	uint8_t trial; /* enum rota_selected_trial, of the other place */
};

struct rota_selector {
	void *ctx;

	/* What the loader would read now. ROTA_ERR_CORRUPT: it is damaged, or says nothing of ours: set() mends
	 * it where it can. ROTA_ERR_NOT_FOUND, ROTA_ERR_DENIED, ROTA_ERR_UNSUPPORTED: it is not there, or not of a kind that
	 * we write. ROTA_ERR_IO. */
	enum rota_err (*read)(void *ctx, struct rota_selection *out);

	/* Durable on ROTA_OK. May be repeated. Errors as above. */
	enum rota_err (*set)(void *ctx, const struct rota_selection *to);
};

#endif
