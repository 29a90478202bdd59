#include "pki/resident_query.h"

#include <string.h>

#include "base/cursor.h"
#include "base/random.h"
#include "base/text.h"

enum { FORMAT_VERSION = 1, ITEM_LIMIT = 2048 };

void resident_question_create(enum resident_question_kind kind, moment now, struct resident_question *out)
{
    *out = (struct resident_question){.kind = kind, .asked_at = now};
    random_fill(out->number, sizeof(out->number));
}

static bool is_my_number_shaped(const char digits[MY_NUMBER_LENGTH])
{
    for (int i = 0; i < MY_NUMBER_LENGTH; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return false;
    }
    return true;
}

enum status resident_question_encode(const struct resident_question *question, struct buffer *out)
{
    out->secret = true;
    struct writer writer = writer_to(out);
    write_u8(&writer, FORMAT_VERSION);
    write_u8(&writer, (uint8_t)question->kind);
    write_bytes(&writer, bytes_of(question->number, sizeof(question->number)));
    write_i64(&writer, question->asked_at);
    if (question->kind == QUESTION_WHOSE_CERTIFICATE)
        write_bytes(&writer, bytes_of(question->certificate.bytes, sizeof(question->certificate.bytes)));
    else
        write_bytes(&writer, bytes_of(question->my_number, sizeof(question->my_number)));
    return writer.status;
}

/* Version and kind, at the head of both. */
static enum status read_head(struct reader *reader, enum resident_question_kind *kind)
{
    uint8_t version = read_u8(reader);
    *kind = read_u8(reader);
    if (reader->status != OK)
        return ERR_MALFORMED;
    if (version != FORMAT_VERSION)
        return ERR_VERSION;
    return *kind == QUESTION_WHOSE_CERTIFICATE || *kind == QUESTION_WHO_IS ? OK : ERR_UNSUPPORTED;
}

enum status resident_question_decode(struct bytes bytes, struct resident_question *out)
{
    struct reader reader = reader_of(bytes);
    struct resident_question question = {0};
    enum status status = read_head(&reader, &question.kind);
    if (status != OK)
        return status;
    read_into(&reader, question.number, sizeof(question.number));
    question.asked_at = read_i64(&reader);
    if (question.kind == QUESTION_WHOSE_CERTIFICATE)
        read_into(&reader, question.certificate.bytes, sizeof(question.certificate.bytes));
    else
        read_into(&reader, question.my_number, sizeof(question.my_number));
    bool sound = reader_finish(&reader) == OK &&
                 (question.kind != QUESTION_WHO_IS || is_my_number_shaped(question.my_number));
    if (sound)
        *out = question;
    secret_wipe(&question, sizeof(question));
    return sound ? OK : ERR_MALFORMED;
}

static void write_items(struct writer *writer, const struct resident_items *items)
{
    write_sized(writer, items->name);
    write_sized(writer, items->kana);
    write_sized(writer, items->alias);
    write_u32(writer, (uint32_t)items->birth.days);
    write_u8(writer, (uint8_t)items->sex);
    write_sized(writer, items->address);
}

enum status resident_answer_encode(const struct resident_answer *answer, struct buffer *out)
{
    out->secret = true;
    struct writer writer = writer_to(out);
    write_u8(&writer, FORMAT_VERSION);
    write_u8(&writer, (uint8_t)answer->kind);
    write_bytes(&writer, bytes_of(answer->number, sizeof(answer->number)));
    write_u8(&writer, (uint8_t)answer->finding);
    if (answer->finding == FINDING_FOUND && answer->kind == QUESTION_WHOSE_CERTIFICATE) {
        write_bytes(&writer, bytes_of(answer->my_number, sizeof(answer->my_number)));
        write_u8(&writer, (uint8_t)answer->certificate_kind);
        write_u8(&writer, (uint8_t)answer->certificate_state);
    } else if (answer->finding == FINDING_FOUND) {
        write_items(&writer, &answer->items);
        write_u8(&writer, (uint8_t)answer->resident_state);
    }
    return writer.status;
}

static bool item_is_sound(struct bytes item)
{
    return item.length <= ITEM_LIMIT && text_is_utf8(item);
}

/* The range of struct date. */
static bool birth_is_sound(struct date birth)
{
    struct date first, last;
    return date_from_ymd(1868, 1, 1, &first) == OK && date_from_ymd(2999, 12, 31, &last) == OK &&
           !date_before(birth, first) && !date_before(last, birth);
}

static bool read_items(struct reader *reader, struct resident_items *out)
{
    out->name = read_sized(reader);
    out->kana = read_sized(reader);
    out->alias = read_sized(reader);
    out->birth.days = (int32_t)read_u32(reader);
    out->sex = (char)read_u8(reader);
    out->address = read_sized(reader);
    return item_is_sound(out->name) && item_is_sound(out->kana) && item_is_sound(out->alias) &&
           item_is_sound(out->address) && birth_is_sound(out->birth) &&
           (out->sex == '1' || out->sex == '2' || out->sex == '9');
}

static bool read_certificate_finding(struct reader *reader, struct resident_answer *out)
{
    read_into(reader, out->my_number, sizeof(out->my_number));
    out->certificate_kind = read_u8(reader);
    out->certificate_state = read_u8(reader);
    bool kind_is_sound =
        out->certificate_kind == CERTIFICATE_AUTHENTICATION || out->certificate_kind == CERTIFICATE_SIGNATURE;
    return kind_is_sound && out->certificate_state >= STATE_ACTIVE &&
           out->certificate_state <= STATE_SUPERSEDED && is_my_number_shaped(out->my_number);
}

static bool read_resident_finding(struct reader *reader, struct resident_answer *out)
{
    bool sound = read_items(reader, &out->items);
    out->resident_state = read_u8(reader);
    return sound && out->resident_state >= RESIDENT_LIVING && out->resident_state <= RESIDENT_LEFT;
}

enum status resident_answer_decode(struct bytes bytes, struct resident_answer *out)
{
    struct reader reader = reader_of(bytes);
    struct resident_answer answer = {0};
    enum status status = read_head(&reader, &answer.kind);
    if (status != OK)
        return status;
    read_into(&reader, answer.number, sizeof(answer.number));
    answer.finding = read_u8(&reader);
    bool sound = answer.finding == FINDING_NOBODY;
    if (answer.finding == FINDING_FOUND && answer.kind == QUESTION_WHOSE_CERTIFICATE)
        sound = read_certificate_finding(&reader, &answer);
    else if (answer.finding == FINDING_FOUND)
        sound = read_resident_finding(&reader, &answer);
    sound = sound && reader_finish(&reader) == OK;
    if (sound)
        *out = answer;
    secret_wipe(&answer, sizeof(answer));
    return sound ? OK : ERR_MALFORMED;
}
