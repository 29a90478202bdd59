#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "domain/reason.h"
#include "programs/shikaku_commands.h"

/* One line of JSON an event. The personal part stays where it is. */

static const char *party_name(enum event_party party)
{
    static const char *const names[] = {"system", "institution", "insurer", "authority", "person"};
    return (size_t)party < ARRAY_LENGTH(names) ? names[party] : "unknown";
}

/* Of a certificate's state the outcome is that state; of all else, a reason of the catalogue. */
static const char *reason_of(const struct event *event)
{
    bool is_reason = event->kind != EVENT_CERTIFICATE_STATE_APPLIED && event->outcome != REASON_NONE;
    return is_reason ? reason_code((enum reason)event->outcome) : NULL;
}

static bool print_event(const struct event *event)
{
    char when[33];
    char id[2 * EVENT_ID_SIZE + 1];
    moment_format(event->when, when);
    hex_encode(bytes_of(event->id, EVENT_ID_SIZE), id);
    const char *kind = event_kind_name(event->kind);
    json_t *line =
        json_pack("{s:I, s:s, s:s, s:s, s:i, s:s*, s:s, s:s, s:b}", "sequence", (json_int_t)event->sequence,
                  "when", when, "event_id", id, "kind", kind ? kind : "unknown", "outcome",
                  (int)event->outcome, "reason", reason_of(event), "party", party_name(event->caller.party),
                  "code", event->caller.code, "personal_part_erased", (int)event->personal_erased);
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    bool printed = text && puts(text) >= 0;
    free(text);
    json_decref(line);
    return printed;
}

static enum status print_events(const char *directory, uint64_t from)
{
    struct audit_reader *reader;
    enum status status = audit_reader_open(directory, from, &reader);
    if (status != OK)
        return status;
    struct event event;
    while ((status = audit_reader_next(reader, &event)) == OK)
        if (!print_event(&event)) {
            status = ERR_IO;
            break;
        }
    audit_reader_close(reader);
    return status == ERR_NOT_FOUND ? OK : status;
}

enum exit_code shikaku_list_log(const struct subcommand *command, int count, char **arguments)
{
    uint64_t from = 1;
    if (count == 4 && strcmp(arguments[2], "--from") == 0) {
        char *end;
        errno = 0;
        from = strtoull(arguments[3], &end, 10);
        if (errno || *end || arguments[3][0] < '0' || arguments[3][0] > '9' || from == 0)
            return subcommand_usage(command);
    } else if (count != 2) {
        return subcommand_usage(command);
    }
    enum status status = print_events(arguments[1], from);
    if (status != OK)
        fprintf(stderr, "shikaku list-log: %s: %s\n", arguments[1], status_name(status));
    return status == OK ? EXIT_OK : EXIT_NO;
}
