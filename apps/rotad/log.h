/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/log.h -- what rotad says while it runs. */
#ifndef APPS_ROTAD_LOG_H
#define APPS_ROTAD_LOG_H

#include "host/serve/say.h"

#define log_line(...) rota_say("rotad", __VA_ARGS__)

#endif
