/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/crypto_bearssl/p256.h"

const br_ec_impl *const rota_bearssl_p256 = &br_ec_p256_m31;
