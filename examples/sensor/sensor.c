/* SPDX-License-Identifier: Apache-2.0 */
/* sensor -- the program that the demo's device runs: it reads a temperature once a second, prints it, and
 * leaves a heartbeat that a health check can look at.
 *
 * Built in several versions from this one file. SENSOR_FAULT builds the one that was released too early:
 * its calibration table is missing, and reading it crashes at start.
 *
 * Environment, from rota-boot: ROTA_RUN (where the heartbeat goes), ROTA_SLOT, ROTA_IMAGE_VERSION. On a device with a
 * component `calibration` also ROTA_COMPONENT_CALIBRATION: the number of an open descriptor, sealed, from which it is read.
 * Heartbeat: ROTA_RUN/heartbeat, one line `version=V slot=S reading=N`, replaced every second.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct calibration {
	int offset_mk;
	int gain_ppm;
};

static const struct calibration factory = { .offset_mk = 120, .gain_ppm = 350 };

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

#ifndef SENSOR_FAULT
/* From the descriptor that boot handed on: it verified these bytes, and nobody can change them any more. They are
 * text, "OFFSET_MK GAIN_PPM". */
static const struct calibration *read_calibration(int fd)
{
	static struct calibration own;
	char text[64] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0 ||
		sscanf(text, "%d %d", &own.offset_mk, &own.gain_ppm) != 2)
		return NULL;
	return &own;
}
#endif

/* The calibration of this unit, or NULL: what is there is none. */
static const struct calibration *find_calibration(void)
{
#ifdef SENSOR_FAULT
	return getenv("SENSOR_CALIBRATION") ? &factory : NULL; /* nobody sets it */
#else
	const char *fd = getenv("ROTA_COMPONENT_CALIBRATION");

	return fd != NULL ? read_calibration(atoi(fd)) : &factory;
#endif
}

/* A day's temperature in millikelvin above 20 degrees: a triangle with some noise. */
static int read_raw(unsigned n)
{
	unsigned phase = n % 240;
	unsigned noise = n * 1103515245u + 12345u;

	return (int)(phase < 120 ? phase : 240 - phase) * 50 + (int)(noise >> 16 & 63);
}

static int convert(const struct calibration *c, int raw)
{
	return raw + c->offset_mk + (int)((long long)raw * c->gain_ppm / 1000000);
}

static const char *from_env(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : otherwise;
}

/* Replace the heartbeat as a whole: who looks at it never sees half a line. */
static int beat(const char *dir, unsigned n)
{
	char path[4096], temporary[4096], line[128];
	int fd, len, good;

	(void)snprintf(path, sizeof(path), "%s/heartbeat", dir);
	(void)snprintf(temporary, sizeof(temporary), "%s/heartbeat.new", dir);
	len = snprintf(line, sizeof(line), "version=%s slot=%s reading=%u\n", SENSOR_VERSION,
		from_env("ROTA_SLOT", "none"), n);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	good = write(fd, line, (size_t)len) == (ssize_t)len;
	return close(fd) == 0 && good ? rename(temporary, path) : -1;
}

static void sleep_a_second(void)
{
	const struct timespec second = { .tv_sec = 1 };

	(void)nanosleep(&second, NULL); /* ended early by a signal: the loop looks */
}

int main(void)
{
	const struct sigaction act = { .sa_handler = on_signal };
	const struct calibration *calibration = find_calibration();
	const char *dir = from_env("ROTA_RUN", ".");

#ifndef SENSOR_FAULT
	if (calibration == NULL) {
		fprintf(stderr, "sensor: the calibration handed on is no such table\n");
		return 1;
	}
#endif
	(void)sigaction(SIGTERM, &act, NULL);
	(void)sigaction(SIGINT, &act, NULL);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	printf("sensor %s starts, image %s in slot %s, calibration %d mK\n", SENSOR_VERSION,
		from_env("ROTA_IMAGE_VERSION", "unknown"), from_env("ROTA_SLOT", "none"),
		calibration->offset_mk);
	for (unsigned n = 0; !stopped; n++) {
		int mk = convert(calibration, read_raw(n));

		printf("reading %u: %d.%03d C\n", n, 20 + mk / 1000, mk % 1000);
		if (beat(dir, n) != 0)
			fprintf(stderr, "sensor: %s/heartbeat: %s\n", dir, strerror(errno));
		sleep_a_second();
	}
	printf("sensor %s stops\n", SENSOR_VERSION);
	return 0;
}
