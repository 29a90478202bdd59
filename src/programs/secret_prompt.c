#include "programs/secret_prompt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/bytes.h"

/* Byte by byte: nothing of it stays in a buffer of the library, and the next line is left for the next
 * prompt. */
static enum status read_line(char out[SECRET_SIZE])
{
    size_t length = 0;
    for (;;) {
        char c = '\0';
        ssize_t got = read(STDIN_FILENO, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return status_from_errno(errno);
        if (got == 0 && length == 0)
            return ERR_TRUNCATED;
        if (got == 0 || c == '\n')
            break;
        if (length == SECRET_SIZE - 1)
            return ERR_TOO_LARGE;
        out[length++] = c;
    }
    if (length > 0 && out[length - 1] == '\r')
        length--;
    out[length] = '\0';
    return OK;
}

enum status secret_prompt(const char *prompt, char out[SECRET_SIZE])
{
    struct termios usual;
    bool terminal = tcgetattr(STDIN_FILENO, &usual) == 0;
    out[0] = '\0';
    if (terminal) {
        struct termios silent = usual;
        silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
        fprintf(stderr, "%s: ", prompt);
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    enum status status = read_line(out);
    if (terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &usual);
        fputc('\n', stderr);
    }
    if (status != OK)
        secret_wipe(out, SECRET_SIZE);
    return status;
}
