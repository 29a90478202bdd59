#include "clinic/pin_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

static bool ends_line(uint8_t byte)
{
    return byte == '\n' || byte == '\r';
}

/* Byte by byte: what follows the line is somebody else's. */
enum status pin_entry_read(int fd, struct buffer *pin)
{
    pin->secret = true;
    for (;;) {
        uint8_t byte = 0;
        ssize_t got = read(fd, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return status_from_errno(errno);
        if (got == 0)
            return pin->length > 0 ? OK : ERR_TRUNCATED;
        if (ends_line(byte))
            return OK;
        if (pin->length == PIN_ENTRY_LIMIT)
            return ERR_TOO_LARGE;
        enum status status = buffer_append(pin, bytes_of(&byte, 1));
        secret_wipe(&byte, sizeof byte);
        if (status != OK)
            return status;
    }
}

/* A line from the terminal, or ERR_DENIED when the person, or whoever, ends it by a signal. */
static enum status read_or_be_ended(int tty, int signals, struct buffer *pin)
{
    struct pollfd sources[] = {{.fd = tty, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    for (;;) {
        int ready = poll(sources, ARRAY_LENGTH(sources), -1);
        if (ready < 0 && errno != EINTR)
            return status_from_errno(errno);
        if (ready > 0 && sources[1].revents != 0)
            return ERR_DENIED;
        if (ready > 0) /* the terminal hands over whole lines */
            return pin_entry_read(tty, pin);
    }
}

static enum status read_silently(int tty, int signals, const char *prompt, struct buffer *pin)
{
    struct termios usual;
    if (tcgetattr(tty, &usual) != 0)
        return status_from_errno(errno);
    struct termios silent = usual;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    silent.c_lflag |= ICANON | ECHONL | ISIG;
    if (write(tty, prompt, strlen(prompt)) < 0 || tcsetattr(tty, TCSAFLUSH, &silent) != 0)
        return status_from_errno(errno);
    enum status status = read_or_be_ended(tty, signals, pin);
    (void)tcsetattr(tty, TCSAFLUSH, &usual);
    return status;
}

enum status pin_entry_ask(const char *prompt, struct buffer *pin)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0)
        return ERR_NOT_FOUND;
    sigset_t ending, usual;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGHUP);
    sigprocmask(SIG_BLOCK, &ending, &usual);
    int signals = signalfd(-1, &ending, SFD_CLOEXEC);
    enum status status = signals < 0 ? status_from_errno(errno) : read_silently(tty, signals, prompt, pin);
    if (signals >= 0)
        close(signals);
    sigprocmask(SIG_SETMASK, &usual, NULL); /* a signal that came ends the program here */
    close(tty);
    return status;
}
