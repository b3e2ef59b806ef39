/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/key.h -- keys and signatures as metadata spells them, to the raw forms of rota/port/crypto.h.
 *
 * A scheme is a descriptor. Who reads metadata gives a list of those that it knows, so a program links no more
 * than what it lists. What is not known is not wrong: a key of a type and scheme that no descriptor in the list
 * names is one that no threshold counts, so that a repository may carry newer keys beside. A key of a known scheme
 * that is not well formed is malformed metadata.
 *
 * | key type                   | scheme              | raw key                    | raw signature      |
 * | ecdsa, ecdsa-sha2-nistp256 | ecdsa-sha2-nistp256 | 65 bytes, 04 || X || Y     | 64 bytes, r || s   |
 * | ecdsa, ecdsa-sha2-nistp384 | ecdsa-sha2-nistp384 | 97 bytes, 04 || X || Y     | 96 bytes, r || s   |
 * | ed25519                    | ed25519             | 32 bytes                   | 64 bytes           |
 * | rsa                        | rsassa-pss-sha256   | DER RSAPublicKey, 2048 to  | as the modulus,    |
 * |                            |                     | 4096 bits: 266 to 526      | 256 to 512 bytes   |
 *
 * Whether a point lies on its curve, and whether r and s are in range, is the verifier's to say.
 */
#ifndef ROTA_CODEC_KEY_H
#define ROTA_CODEC_KEY_H

#include "rota/base/err.h"
#include "rota/base/span.h"
#include "rota/port/crypto.h"

/* Room for the raw form of any key or signature of the table. */
#define ROTA_KEY_RAW_MAX 526
#define ROTA_SIG_RAW_MAX 512

/* Longest DER SubjectPublicKeyInfo of the table: RSA-4096, a header of 24 bytes before the raw key. */
#define ROTA_KEY_SPKI_MAX 550

/* Longest text forms of the table, for a scanner's room: the PEM of that (27 + 736 letters in 12 lines + 25
 * characters), the hex of an RSA-4096 signature. What is longer is malformed. */
#define ROTA_KEY_TEXT_MAX 800
#define ROTA_SIG_TEXT_MAX 1024

/* Read with the functions below. */
struct rota_scheme {
	const char *keytype; /* besides the scheme's own name, where `point` */
	const char *name;
	const char *
		head; /* of the PEM of a key of fixed length: the letters before those of the key */
	uint8_t alg; /* enum rota_alg */
	uint8_t key_len; /* 0: differs */
	uint8_t sig_len; /* 0: differs */
	bool point; /* the key begins with 04: two coordinates follow */
	/* to->len: the room, then the length */
	enum rota_err (*key)(
		const struct rota_scheme *s, struct rota_buf *to, struct rota_span text);
	enum rota_err (*sig)(
		const struct rota_scheme *s, struct rota_buf *to, struct rota_span hex);
};

extern const struct rota_scheme rota_scheme_p256;
extern const struct rota_scheme rota_scheme_p384;
extern const struct rota_scheme rota_scheme_ed25519;
extern const struct rota_scheme rota_scheme_rsa_pss; /* key_rsa.c */

/* Lists, NULL at the end: of a microcontroller, and of a reader of any repository. */
extern const struct rota_scheme *const rota_schemes_p256[];
extern const struct rota_scheme *const rota_schemes_all[]; /* key_rsa.c */

/* Whether a key object with this `keytype` and `scheme` (unescaped) is of scheme `s`. */
bool rota_scheme_is(const struct rota_scheme *s, struct rota_span keytype, struct rota_span scheme);

/* `keyval.public` to the raw key: a PEM SubjectPublicKeyInfo (RFC 7468: lines of 64 characters, newline after
 * the last line optional, nothing around it) with the algorithm identifier of `s` and, on a curve of two
 * coordinates, an uncompressed point; or, but for RSA, the lower-case hex of the raw key.
 *
 * text  the unescaped JSON string
 * room  at least s->key_len bytes; ROTA_KEY_SPKI_MAX for RSA. The raw key goes to its beginning
 * *len  length of the raw key
 *
 * ROTA_ERR_FORMAT       neither of the two forms, or a key of another algorithm
 * ROTA_ERR_LIMIT        `room` is too small
 * ROTA_ERR_UNSUPPORTED  the modulus is shorter or longer than the table says */
ROTA_MUST_USE static inline enum rota_err rota_key_raw(
	const struct rota_scheme *s, struct rota_span text, struct rota_buf room, size_t *len)
{
	enum rota_err err = s->key(s, &room, text);

	*len = room.len;
	return err;
}

/* A DER SubjectPublicKeyInfo, as certificates carry it, to the raw key, for a scheme whose keys have one length;
 * errors as above. */
ROTA_MUST_USE enum rota_err rota_key_raw_spki(
	const struct rota_scheme *s, struct rota_span der, struct rota_buf room, size_t *len);

/* `sig` of a signature object to the raw signature: lower-case hex of DER Ecdsa-Sig-Value for the ECDSA
 * schemes (SPEC 3.4), of the 64 bytes of RFC 8032 for Ed25519, of as many bytes as a modulus has for RSA.
 * `room` at least as long as the raw signature; errors as above. A caller that judges thresholds counts a
 * malformed signature as none. */
ROTA_MUST_USE static inline enum rota_err rota_sig_raw(
	const struct rota_scheme *s, struct rota_span hex, struct rota_buf room, size_t *len)
{
	enum rota_err err = s->sig(s, &room, hex);

	*len = room.len;
	return err;
}

#endif
