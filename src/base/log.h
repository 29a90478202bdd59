#ifndef SHIKAKU_BASE_LOG_H
#define SHIKAKU_BASE_LOG_H

#include <stdint.h>

#include "base/status.h"

/*
 * One line of JSON a message, on a file descriptor (stderr until log_open). There is no way to print free
 * text that came from outside: a field is a word of ours, a number or a status. Types of people and of
 * secrets have no function here.
 */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log_field {
    const char *name;
    enum { LOG_WORD, LOG_NUMBER, LOG_STATUS } kind;
    const char *word; /* ASCII, ours: anything else is replaced by '?'; cut after 128 characters */
    int64_t number;
};

struct log_field log_word(const char *name, const char *word);
struct log_field log_number(const char *name, int64_t number);
struct log_field log_status(const char *name, enum status status);

/* fd is borrowed. program names the process in each line. Call once, before threads. */
void log_open(int fd, const char *program, enum log_level least);

/* event: a stable snake_case word. Ends with a field whose name is NULL; use the macro. */
void log_write(enum log_level level, const char *event, const struct log_field *fields);
#define LOG(level, event, ...)                                                                               \
    log_write(level, event, (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})

#endif
