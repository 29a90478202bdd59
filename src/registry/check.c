#include "registry/check.h"

#include "registry/findings.h"
#include "registry/stored.h"

enum status check_by_number_submit(struct db *db, const struct check_by_number *question, int64_t deadline,
                                   db_done *done, void *argument)
{
    struct registry_sql_check_by_number_in in = {
        .insurer = stored_insurer(&question->key.insurer),
        .symbol = bytes_of_text(question->key.symbol.key),
        .number = bytes_of_text(question->key.number.key),
        .birth = question->birth,
        .machine = bytes_of(question->caller.machine, CERTIFICATE_ID_SIZE),
        .institution = stored_institution(&question->caller.institution),
    };
    return registry_sql_check_by_number_submit(db, &in, deadline, done, argument);
}

enum status check_by_card_submit(struct db *db, const struct check_by_card *question, int64_t deadline,
                                 db_done *done, void *argument)
{
    struct registry_sql_check_by_card_in in = {
        .certificate = bytes_of(question->certificate, CERTIFICATE_ID_SIZE),
        .machine = bytes_of(question->caller.machine, CERTIFICATE_ID_SIZE),
        .institution = stored_institution(&question->caller.institution),
    };
    if (question->has_terminal)
        in.terminal = bytes_of(question->terminal, TERMINAL_ID_SIZE);
    return registry_sql_check_by_card_submit(db, &in, deadline, done, argument);
}

enum status check_caller_submit(struct db *db, const struct check_caller *caller, int64_t deadline,
                                db_done *done, void *argument)
{
    struct registry_sql_caller_find_in in = {
        .machine = bytes_of(caller->machine, CERTIFICATE_ID_SIZE),
        .institution = stored_institution(&caller->institution),
    };
    return registry_sql_caller_find_submit(db, &in, deadline, done, argument);
}

enum status check_caller_collect(struct db_rows *rows, struct check_findings *out)
{
    return findings_collect_caller(rows, out);
}

enum status check_by_number_collect(struct db_rows *rows, struct region *region, struct check_findings *out)
{
    return findings_collect(rows, region, out);
}

enum status check_by_card_collect(struct db_rows *rows, struct region *region, struct check_findings *out)
{
    return findings_collect(rows, region, out);
}
