/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fleet_scene.h -- a registry in SQLite, and the records that devices, signd and people would put into it.
 *
 * A device is a number: its id begins with that number, big-endian, so that ids ascend as numbers do. One scene at a time.
 * What cannot fail in a test ends the program.
 */
#ifndef TESTS_UNIT_FLEET_SCENE_H
#define TESTS_UNIT_FLEET_SCENE_H

#include "host/campaign/row.h"
#include "host/registry/fleet.h"
#include "ports/db_sqlite/registry.h"

#define FLEET_PRODUCT "sensor"

extern struct rota_db_sqlite *fleet_sqlite;
extern struct rota_db fleet_db;
extern struct rota_regdb fleet_reg;
extern struct rota_fail fleet_why;
extern bool fleet_in_batch; /* the test has begun a transaction, and ends it */
extern uint64_t fleet_clock_ms; /* of the next record; it goes on by a second with each */

/* The database `name` of the test's folder (tempdir.h), made where it is not. */
void fleet_open(const char *name);
void fleet_close(void);

/* End the program where `err` is one. */
void fleet_must(enum rota_err err);

const char *fleet_id(unsigned device); /* hex, good until the next call */

/* A row of that device with this counter; nothing proved. Its points are none of the curve: nobody looks. */
struct rota_row fleet_row(unsigned device, uint32_t counter);
/* The row that is stored. */
struct rota_row fleet_row_of(unsigned device);
/* As signd makes it, good until the next call. */
struct rota_span fleet_row_bytes(const struct rota_row *row);

/* An IDevID with this serial, of a key drawn for it, whose point is copied. Good until the next call. */
struct rota_span fleet_idevid(const char *serial, uint8_t point[static ROTA_P256_KEY_LEN]);

/* One record. */
enum rota_fleet_result fleet_apply(uint8_t type, unsigned device, struct rota_span payload);
enum rota_fleet_result fleet_text(uint8_t type, unsigned device, const char *json);

/* Enrol with counter 1; the serial is "SN-" and the number. */
void fleet_enrol(unsigned device);

/* Statements, signed by nobody: that was looked at before. */
enum rota_fleet_result fleet_say(unsigned device, const struct rota_statement *s);
enum rota_fleet_result fleet_prove(
	unsigned device, uint32_t number, uint8_t purpose, uint32_t generation);
/* One purpose. */
enum rota_fleet_result fleet_state(unsigned device, uint32_t number, struct rota_holding held);
enum rota_fleet_result fleet_kind(unsigned device, uint8_t kind, uint32_t number); /* ANEW, GONE */

/* What is there; a state of 0, or of purpose 0: nothing is. */
struct rota_reg_device fleet_device(unsigned device);
struct rota_reg_holding fleet_holding(unsigned device, uint8_t purpose);

/* All of it as text, for comparing: devices, holdings, campaigns. The caller frees. */
char *fleet_dump(void);

#endif
