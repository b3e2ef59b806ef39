/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-boot/ticket.h"
#include "host/base/file.h"
#include "ports/crypto_openssl/crypto_openssl.h"

static const char *refusal(enum rota_err err)
{
	switch ((int)err) {
	case ROTA_ERR_UNSUPPORTED:
		return "this device has no watchdog, or not the ticket's signature scheme";
	case ROTA_ERR_VERSION:
		return "its number is not the next one: it was taken before, or one before it was "
		       "not";
	case ROTA_ERR_LIMIT:
		return "it gives more than a period of the watchdog";
	case ROTA_ERR_ROLE:
		return "it is signed by a key that the last verified refresh did not name";
	case ROTA_ERR_SIGNATURE:
		return "its signature does not verify; is it for this device?";
	default:
		return rota_err_str(err);
	}
}

static int take(struct device *d, const char *path, const struct rota_ticket *ticket)
{
	struct rota_layout_state l;
	enum rota_err err = rota_layout_state_open(&l, d->fd);

	if (err != ROTA_OK) {
		say("%s/" ROTA_LAYOUT_JOURNAL ": %s", d->path, rota_err_str(err));
		return 1;
	}
	err = rota_watchdog_ticket(&d->rom.rom, &rota_crypto_openssl, ticket, &l.state);
	if (err != ROTA_OK) {
		say("%s: ticket %u is refused: %s (SPEC 10.9)", path, ticket->number, refusal(err));
	} else {
		err = rota_layout_state_commit(&l);
		if (err != ROTA_OK)
			say("%s/" ROTA_LAYOUT_JOURNAL ": %s", d->path, rota_err_str(err));
		else
			say("ticket %u: %u s until the updater runs alone", ticket->number,
				l.state.watchdog.left_s);
	}
	rota_layout_state_close(&l);
	return err == ROTA_OK ? 0 : 1;
}

int ticket_take(struct device *d, const char *path)
{
	struct rota_bytes bytes;
	struct rota_ticket ticket;
	struct rota_fail why;
	enum rota_err err;
	int status = 1;

	if (rota_file_read(path, ROTA_TICKET_MAX, &bytes, &why) != ROTA_OK) {
		say("%s", why.text);
		return 1;
	}
	err = rota_ticket_decode(rota_bytes_span(&bytes), &ticket);
	if (err == ROTA_OK)
		status = take(d, path, &ticket);
	else
		say("%s: no ticket: %s (SPEC 10.9)", path, rota_err_str(err));
	rota_bytes_free(&bytes);
	return status;
}
