#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

static struct {
    int fd;
    const char *program;
    enum log_level least;
} target = {STDERR_FILENO, "shikaku", LOG_INFO};

struct log_field log_word(const char *name, const char *word)
{
    return (struct log_field){.name = name, .kind = LOG_WORD, .word = word ? word : ""};
}

struct log_field log_number(const char *name, int64_t number)
{
    return (struct log_field){.name = name, .kind = LOG_NUMBER, .number = number};
}

struct log_field log_status(const char *name, enum status status)
{
    return (struct log_field){.name = name, .kind = LOG_STATUS, .word = status_name(status)};
}

void log_open(int fd, const char *program, enum log_level least)
{
    target.fd = fd;
    target.program = program;
    target.least = least;
}

struct line {
    char text[1024];
    size_t length;
};

/* A word is cut here, and a field that would not fit whole is left out, so that a line is JSON whatever
 * comes. */
enum { WORD_MAX = 128, FIELD_MAX = 2 * WORD_MAX + 16 };

static bool line_has_room(const struct line *line)
{
    return line->length + FIELD_MAX < sizeof(line->text);
}

static void line_put(struct line *line, const char *text)
{
    for (size_t i = 0; i < WORD_MAX && text[i] && line->length < sizeof(line->text) - 4; i++) {
        char c = text[i];
        line->text[line->length++] = c >= 0x20 && c < 0x7F && c != '"' && c != '\\' ? c : '?';
    }
}

static void line_raw(struct line *line, const char *text)
{
    for (; *text && line->length < sizeof(line->text) - 4; text++)
        line->text[line->length++] = *text;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    if (level < target.least)
        return;
    struct line line = {.length = 0};
    char when[33];
    moment_format(clock_now(&real_clock), when);
    line_raw(&line, "{\"time\":\"");
    line_raw(&line, when);
    line_raw(&line, "\",\"level\":\"");
    line_raw(&line, names[level]);
    line_raw(&line, "\",\"program\":\"");
    line_put(&line, target.program);
    line_raw(&line, "\",\"event\":\"");
    line_put(&line, event);
    line_raw(&line, "\"");
    for (const struct log_field *field = fields; field->name && line_has_room(&line); field++) {
        line_raw(&line, ",\"");
        line_put(&line, field->name);
        line_raw(&line, "\":");
        if (field->kind == LOG_NUMBER) {
            char number[24];
            snprintf(number, sizeof(number), "%lld", (long long)field->number);
            line_raw(&line, number);
        } else {
            line_raw(&line, "\"");
            line_put(&line, field->word);
            line_raw(&line, "\"");
        }
    }
    line.text[line.length++] = '}';
    line.text[line.length++] = '\n';
    ssize_t wrote = write(target.fd, line.text, line.length); /* one line, one write; a full disk loses it */
    (void)wrote;
}
