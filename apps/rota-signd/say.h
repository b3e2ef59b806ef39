/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/say.h -- what the daemon says while it runs. */
#ifndef APPS_ROTA_SIGND_SAY_H
#define APPS_ROTA_SIGND_SAY_H

#include "host/serve/say.h"

#define say(...) rota_say("rota-signd", __VA_ARGS__)

#endif
