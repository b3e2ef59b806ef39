/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, text, and keys with real pairs behind them. */
#include "tests/unit/maker_parts.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* ---- memory ---- */

/* Everything made here lives as long as the program, and stays within its reach: what a leak checker then finds
 * was lost by what is tested. */
struct room {
	struct room *before;
	max_align_t bytes[];
};

void *maker_room(size_t len)
{
	static struct room *rooms;
	struct room *room = must(calloc(1, sizeof(*room) + len));

	room->before = rooms;
	rooms = room;
	return room->bytes;
}

/* ---- text ---- */

void maker_printf(struct maker_text *t, const char *format, ...)
{
	va_list args;
	int need;

	va_start(args, format);
	need = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (need < 0)
		abort();
	if (t->len + (size_t)need + 1 > t->room) {
		t->room = (t->len + (size_t)need + 1) * 2;
		t->p = t->len == 0 ? maker_room(t->room)
				   : memcpy(maker_room(t->room), t->p, t->len);
	}
	va_start(args, format);
	vsnprintf(t->p + t->len, t->room - t->len, format, args);
	va_end(args);
	t->len += (size_t)need;
}

struct maker_bytes maker_text_bytes(const struct maker_text *t)
{
	return (struct maker_bytes){ .p = (uint8_t *)t->p, .len = t->len };
}

void maker_sha256(struct maker_bytes bytes, uint8_t out[32])
{
	SHA256(bytes.p, bytes.len, out);
}

void maker_hex(const uint8_t *bytes, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void maker_time(uint64_t unix_s, char out[21])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* ---- keys ---- */

static struct {
	EVP_PKEY *pkey;
	char *object; /* the key object, control characters escaped */
	char id[2][65]; /* its id, and another one */
} keys[KEY_COUNT];

/* The pair that stands behind a key. */
static int pair_of(int key)
{
	if ((key & KEY_FALSE) != 0)
		return key % 2 == 0 ? KEY_ROGUE1 : KEY_ROGUE2;
	return key & ~KEY_ALIAS;
}

struct maker_bytes maker_spki(int key)
{
	struct maker_bytes out;
	uint8_t *at;
	int len;

	key = pair_of(key);
	if (keys[key].pkey == NULL)
		keys[key].pkey = must(EVP_EC_gen("P-256"));
	len = i2d_PUBKEY(keys[key].pkey, NULL);
	if (len <= 0)
		abort();
	out = (struct maker_bytes){ maker_room((size_t)len), (size_t)len };
	at = out.p;
	i2d_PUBKEY(keys[key].pkey, &at);
	return out;
}

static void put_public(struct maker_text *t, int key)
{
	struct maker_bytes der = maker_spki(key);
	char base64[256];
	int len = EVP_EncodeBlock((unsigned char *)base64, der.p, (int)der.len);

	maker_printf(t, "-----BEGIN PUBLIC KEY-----\\n");
	for (int i = 0; i < len; i += 64)
		maker_printf(t, "%.*s\\n", len - i < 64 ? len - i : 64, base64 + i);
	maker_printf(t, "-----END PUBLIC KEY-----\\n");
}

/* Canonical bytes: the only escape written here is that of the newline. */
struct maker_bytes maker_canonical(const char *text)
{
	uint8_t *out = maker_room(strlen(text) + 1);
	size_t len = 0;

	for (; *text != '\0'; text++) {
		bool newline = text[0] == '\\' && text[1] == 'n';

		out[len++] = newline ? '\n' : (uint8_t)*text;
		text += newline;
	}
	return (struct maker_bytes){ out, len };
}

static void make_key(int key)
{
	struct maker_text t = { NULL, 0, 0 };
	struct maker_bytes raw;
	uint8_t digest[32];

	maker_printf(&t, "{\"keytype\":\"ecdsa\",\"keyval\":{\"public\":\"");
	put_public(&t, key);
	maker_printf(&t, "\"},\"scheme\":\"ecdsa-sha2-nistp256\"}");
	raw = maker_canonical(t.p);
	maker_sha256(raw, digest);
	maker_hex(digest, 32, keys[key].id[0]);
	digest[0] ^= 0xff;
	maker_hex(digest, 32, keys[key].id[1]);
	keys[key].object = t.p;
}

const char *maker_key_id(int key)
{
	int k = key & ~(KEY_ALIAS | KEY_FALSE);

	if (keys[k].object == NULL)
		make_key(k);
	return keys[k].id[(key & KEY_ALIAS) != 0];
}

const char *maker_key_object(int key)
{
	int pair = pair_of(key);

	(void)maker_key_id(pair);
	return keys[pair].object;
}

struct maker_bytes maker_sign(int key, struct maker_bytes bytes)
{
	EVP_MD_CTX *ctx = must(EVP_MD_CTX_new());
	struct maker_bytes out = { maker_room(80), 80 };

	(void)maker_key_id(pair_of(key));
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, keys[pair_of(key)].pkey) != 1 ||
		EVP_DigestSign(ctx, out.p, &out.len, bytes.p, bytes.len) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	return out;
}
