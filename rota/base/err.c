/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/base/err.h"

enum rota_err_class rota_err_class(enum rota_err err)
{
	if (err == ROTA_OK)
		return ROTA_CLASS_OK;
	if (err <= ROTA_ERR_BUSY)
		return ROTA_CLASS_RETRY;
	if (err <= ROTA_ERR_DENIED)
		return ROTA_CLASS_REFUSED;
	if (err <= ROTA_ERR_UNSUPPORTED)
		return ROTA_CLASS_MALFORMED;
	if (err <= ROTA_ERR_CORRUPT)
		return ROTA_CLASS_STORAGE;
	return ROTA_CLASS_BUG;
}
