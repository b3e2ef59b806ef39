/* SPDX-License-Identifier: Apache-2.0 */
/* timesign AUTHORITY <MESSAGE >SIGNATURE -- a time signature (SPEC 5.5) by the authority's role `time`.
 *
 * For tests: it signs whatever it is given. What answers devices in the field will be a daemon that builds the
 * message itself, and has a clock that it believes. */
#include "apps/rota/session.h"
#include "host/base/digest.h"
#include "rota/codec/timesig.h"

#include <stdio.h>

#define MESSAGE_MAX 256

static enum rota_err sign(
	struct session *s, struct rota_span message, struct rota_span *out, struct rota_buf room)
{
	const struct rota_party *party = rota_authdir_party(&s->dir, "time");
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_seat_sig by;
	struct rota_writer w = rota_writer(room);

	rota_digest_of(message, digest);
	ROTA_TRY(rota_tokens_sign(&s->tokens, &party->seats[0], digest, &by, &s->why));
	rota_timesig_write(&w,
		&(struct rota_timesig){
			ROTA_ALG_ECDSA_P256, ROTA_SPAN(by.key), ROTA_SPAN(by.sig) });
	return rota_writer_end(&w, out);
}

int main(int argc, char **argv)
{
	uint8_t message[MESSAGE_MAX], room[ROTA_TIMESIG_MAX];
	struct rota_span out = { NULL, 0 };
	struct session s;
	enum rota_err err;
	size_t len;

	if (argc != 2) {
		fprintf(stderr, "usage: timesign AUTHORITY <MESSAGE >SIGNATURE\n");
		return 2;
	}
	len = fread(message, 1, sizeof(message), stdin);
	if (session_open(&s, argv[1], SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	err = sign(&s, rota_span(message, len), &out, ROTA_BUF(room));
	if (err == ROTA_OK && fwrite(out.p, 1, out.len, stdout) != out.len)
		err = rota_fail(&s.why, ROTA_ERR_IO, "cannot write the signature");
	return session_close(&s, err);
}
