/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/message.h -- what the two processes say to each other. */
#ifndef PORTS_PKCS11_MESSAGE_H
#define PORTS_PKCS11_MESSAGE_H

#include "host/port/signer.h"
#include "ports/pkcs11/pkcs11.h"

enum message_op {
	MESSAGE_OPEN, /* log in */
	MESSAGE_CREATE, /* initialise an empty slot, then log in */
	MESSAGE_GENERATE, /* make the key pair `key` */
	MESSAGE_PUBLIC,
	MESSAGE_SIGN,
};

struct message_ask {
	uint32_t op; /* enum message_op */
	char key[ROTA_SIGNER_LABEL_MAX + 1];
	uint8_t digest[ROTA_SHA256_LEN];
};

struct message_answer {
	struct rota_fail why; /* err says whether it went well */
	uint8_t data[ROTA_P256_KEY_LEN]; /* public key, or signature */
};

/* The child: answer on `fd` until it is closed. Does not return. */
_Noreturn void rota_pkcs11_child(
	int fd, const struct rota_pkcs11_token *token, const char *so_pin_file);

#endif
