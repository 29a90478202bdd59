#include <stdio.h>

#include "audit/verify.h"
#include "programs/shikaku_commands.h"

static const struct {
    enum audit_finding_kind kind;
    const char *ja, *en;
} findings[] = {
    {FINDING_SEGMENT_UNREADABLE, "ファイルの見出しが読めません", "the file's header cannot be read"},
    {FINDING_SEGMENT_MISSING, "前のファイルとの間の記録がありません",
     "records between the file before and this one are missing"},
    {FINDING_FRAME_DAMAGED, "記録が壊れています", "a record is damaged"},
    {FINDING_EVENT_DAMAGED, "記録の内容が照合値と一致しません",
     "the content of a record is not what was written"},
    {FINDING_SEQUENCE_BROKEN, "記録の順番が違います", "a record stands where another must"},
    {FINDING_CHAIN_BROKEN, "前のファイルと連鎖していません", "the file does not follow from the one before"},
};

static void print_finding(void *context, const struct audit_finding *finding)
{
    (void)context;
    for (size_t i = 0; i < ARRAY_LENGTH(findings); i++)
        if (findings[i].kind == finding->kind)
            printf("%020llu.log, %llu, #%llu: %s / %s\n", (unsigned long long)finding->segment,
                   (unsigned long long)finding->offset, (unsigned long long)finding->sequence, findings[i].ja,
                   findings[i].en);
}

static void print_summary(const struct audit_verification *verification)
{
    char chain[2 * EVENT_HASH_SIZE + 1];
    hex_encode(bytes_of(verification->chain, EVENT_HASH_SIZE), chain);
    printf("記録 %llu 件（#%llu～#%llu）、ファイル %llu 個、本人に関する部分を消去した記録 %llu 件 / "
           "%llu records (#%llu to #%llu) in %llu files, %llu of them with the personal part erased\n",
           (unsigned long long)verification->events, (unsigned long long)verification->first,
           (unsigned long long)verification->last, (unsigned long long)verification->segments,
           (unsigned long long)verification->erased, (unsigned long long)verification->events,
           (unsigned long long)verification->first, (unsigned long long)verification->last,
           (unsigned long long)verification->segments, (unsigned long long)verification->erased);
    if (verification->torn_bytes)
        printf("書込み途中で中断した末尾 %llu バイト（次の起動時に切り捨てます） / "
               "%llu bytes at the end from an interrupted write, cut at the next start\n",
               (unsigned long long)verification->torn_bytes, (unsigned long long)verification->torn_bytes);
    printf("連鎖値 / chain: %s\n", chain);
}

enum exit_code shikaku_verify_log(const struct subcommand *command, int count, char **arguments)
{
    if (count != 2)
        return subcommand_usage(command);
    struct audit_verification verification;
    enum status status = audit_verify(arguments[1], print_finding, NULL, &verification);
    if (status != OK && status != ERR_DAMAGED) {
        fprintf(stderr, "shikaku verify-log: %s: %s\n", arguments[1], status_name(status));
        return EXIT_NO;
    }
    if (status == OK && verification.segments == 0) {
        fprintf(stderr, "shikaku verify-log: %s: 記録のファイルがありません / no file of a log\n",
                arguments[1]);
        return EXIT_NO;
    }
    print_summary(&verification);
    puts(status == OK ? "異常はありません。 / Nothing was found." : "異常があります。 / Something is wrong.");
    return status == OK ? EXIT_OK : EXIT_NO;
}
