/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/pkcs11/pin.h"
#include "host/base/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* Somewhat less than the parent waits for a login. */
#define PROMPT_MS 170000
#define CTRL_C 3

static enum rota_err check_private(int fd, const char *file, struct rota_fail *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return rota_fail_errno(why, errno, "PIN file %s", file);
	if (!S_ISREG(st.st_mode))
		return rota_fail(why, ROTA_ERR_DENIED, "PIN file %s is no regular file", file);
	if (st.st_uid != geteuid())
		return rota_fail(why, ROTA_ERR_DENIED,
			"PIN file %s belongs to user %u, not to us (%u); chown it", file,
			(unsigned)st.st_uid, (unsigned)geteuid());
	if (st.st_mode & 077)
		return rota_fail(why, ROTA_ERR_DENIED,
			"PIN file %s can be read by others (mode %04o); chmod 600 it", file,
			(unsigned)(st.st_mode & 07777));
	return ROTA_OK;
}

/* Take what was read: up to the first newline. */
static enum rota_err take(struct pin *pin, ssize_t got, const char *from, struct rota_fail *why)
{
	pin->text[got < 0 ? 0 : got] = 0;
	pin->len = strcspn(pin->text, "\r\n");
	explicit_bzero(pin->text + pin->len, sizeof(pin->text) - pin->len);
	if (pin->len == 0 || pin->len == PIN_MAX) /* cut short, it would cost a try */
		return rota_fail(why, ROTA_ERR_DENIED, "%s holds no PIN of 1 to %d bytes", from,
			PIN_MAX - 1);
	return ROTA_OK;
}

static enum rota_err from_file(struct pin *pin, const char *file, struct rota_fail *why)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	enum rota_err err;

	if (fd < 0)
		return rota_fail_errno(why, errno, "PIN file %s", file);
	err = check_private(fd, file, why);
	if (err == ROTA_OK)
		err = take(pin, read(fd, pin->text, PIN_MAX), file, why);
	close(fd);
	return err;
}

/* One line from the terminal, within the time that the parent waits. */
static ssize_t read_line(int fd, struct pin *pin)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, PROMPT_MS) == 1 ? read(fd, pin->text, PIN_MAX) : 0;
}

/* Without echo; and Ctrl-C ends the line instead of this process, so that the echo always comes back. */
static enum rota_err from_terminal(struct pin *pin, const char *name, struct rota_fail *why)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	struct termios loud, quiet;
	enum rota_err err;
	ssize_t got;

	if (fd < 0 || tcgetattr(fd, &loud) != 0) {
		if (fd >= 0)
			close(fd);
		return rota_fail(why, ROTA_ERR_DENIED,
			"no terminal to ask for the PIN; set pin_file for this token");
	}
	quiet = loud;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	quiet.c_cc[VEOL] = CTRL_C;
	tcsetattr(fd, TCSAFLUSH, &quiet);
	dprintf(fd, "PIN of token %s: ", name);
	got = read_line(fd, pin);
	tcsetattr(fd, TCSAFLUSH, &loud);
	dprintf(fd, "\n");
	close(fd);
	if (got > 0 && pin->text[got - 1] == CTRL_C)
		err = rota_fail(why, ROTA_ERR_DENIED, "no PIN given");
	else
		err = take(pin, got, "the answer", why);
	return err;
}

enum rota_err pin_get(struct pin *pin, const char *file, const char *name, struct rota_fail *why)
{
	memset(pin, 0, sizeof(*pin));
	(void)mlock(pin,
		sizeof(*pin)); /* an ordinary user's limit may forbid it; swap is then the risk */
	if (file && *file)
		return from_file(pin, file, why);
	return from_terminal(pin, name, why);
}

void pin_wipe(struct pin *pin)
{
	explicit_bzero(pin, sizeof(*pin));
	(void)munlock(pin, sizeof(*pin));
}

/* One line of the text; false: there is none that is a PIN. */
static bool take_line(struct rota_span *text, struct pin *pin)
{
	const uint8_t *end = text->len ? memchr(text->p, '\n', text->len) : NULL;

	if (!end || end == text->p || (size_t)(end - text->p) >= PIN_MAX)
		return false;
	pin->len = (size_t)(end - text->p);
	memcpy(pin->text, text->p, pin->len);
	*text = rota_span_skip(*text, pin->len + 1);
	return true;
}

enum rota_err pin_pair_parse(struct rota_span text, struct pin_pair *pair, struct rota_fail *why)
{
	memset(pair, 0, sizeof(*pair));
	(void)mlock(pair, sizeof(*pair)); /* as in pin_get() */
	if (take_line(&text, &pair->user) && take_line(&text, &pair->so) && text.len == 0)
		return ROTA_OK;
	pin_pair_wipe(pair);
	return rota_fail(why, ROTA_ERR_FORMAT, "not the two PINs of a slot's token");
}

enum rota_err pin_hear(struct pin_pair *pair, int keeper, struct rota_fail *why)
{
	struct rota_bytes text;
	enum rota_err err;

	ROTA_TRY(rota_frame_read(keeper, 2 * (PIN_MAX + 1), PIN_KEEPER_MS, &text, why));
	err = pin_pair_parse(rota_bytes_span(&text), pair, why);
	rota_bytes_wipe(&text);
	return err;
}

void pin_pair_wipe(struct pin_pair *pair)
{
	explicit_bzero(pair, sizeof(*pair));
	(void)munlock(pair, sizeof(*pair));
}
