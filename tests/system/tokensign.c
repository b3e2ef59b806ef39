/* SPDX-License-Identifier: Apache-2.0 */
/* tokensign AUTHORITY PARTY <MESSAGE >SIGNATURES -- what a thief of a party's tokens can do: a signature of each of as many
 * seats as its threshold, over any message at all, in the form of SPEC 5.5 one behind the other.
 *
 * For tests. Programs of ours sign what they were shown. */
#include "apps/rota/session.h"
#include "host/base/digest.h"
#include "rota/codec/timesig.h"

#include <stdio.h>

#define MESSAGE_MAX ((size_t)1 << 20)

static enum rota_err sign(struct session *s, const char *name, struct rota_span message)
{
	const struct rota_party *party = rota_authdir_party(&s->dir, name);
	uint8_t digest[ROTA_DIGEST_LEN], room[ROTA_TIMESIG_MAX];

	if (!party)
		return rota_fail(&s->why, ROTA_ERR_NOT_FOUND, "there is no party %s", name);
	rota_digest_of(message, digest);
	for (size_t i = 0; i < party->threshold; i++) {
		struct rota_writer w = rota_writer(ROTA_BUF(room));
		struct rota_seat_sig by;
		struct rota_span out;

		ROTA_TRY(rota_tokens_sign(&s->tokens, &party->seats[i], digest, &by, &s->why));
		rota_timesig_write(&w,
			&(struct rota_timesig){
				ROTA_ALG_ECDSA_P256, ROTA_SPAN(by.key), ROTA_SPAN(by.sig) });
		ROTA_TRY(rota_writer_end(&w, &out));
		if (fwrite(out.p, 1, out.len, stdout) != out.len)
			return rota_fail(&s->why, ROTA_ERR_IO, "cannot write the signature");
	}
	return ROTA_OK;
}

int main(int argc, char **argv)
{
	static uint8_t message[MESSAGE_MAX];
	struct session s;
	size_t len;

	if (argc != 3) {
		fprintf(stderr, "usage: tokensign AUTHORITY PARTY <MESSAGE >SIGNATURES\n");
		return 2;
	}
	len = fread(message, 1, sizeof(message), stdin);
	if (session_open(&s, argv[1], SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	s.tokens.guard = NULL; /* a thief does not look whose life is over */
	return session_close(&s, sign(&s, argv[2], rota_span(message, len)));
}
