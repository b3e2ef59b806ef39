/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/sibling.h -- another program of Rota, which lies beside this one: installed, or in the build directory. */
#ifndef APPS_ROTA_SIBLING_H
#define APPS_ROTA_SIBLING_H

/* Its path, which the caller frees; where it is nowhere, that of a distribution's package. */
char *sibling_find(const char *name);

#endif
