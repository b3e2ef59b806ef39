/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/factory.h -- `rota-agent factory`: the device's side of the talk in which it is made (SPEC 28.6).
 *
 * Run once, on the device, by whatever the station starts on it; it talks on standard input and output and says what it
 * does on standard error. It makes the keys in the root of trust, proves to hold them, takes certificates and anchors,
 * and writes the folder that agent and boot stage work with:
 *
 *     AT/rom.bin  AT/agent.ini  AT/trust/  AT/identity/  AT/state/  and, with --image, AT/flash/
 *
 * Until the station says that it is done all may be begun again: keys that are there stay, and the station answers the
 * same. After it the folder says so, and no factory is let in any more.
 */
#ifndef APPS_ROTA_AGENT_FACTORY_H
#define APPS_ROTA_AGENT_FACTORY_H

/* argv[0] is the verb's name. Gives the exit status. */
int agent_factory_main(int argc, char **argv);

#endif
