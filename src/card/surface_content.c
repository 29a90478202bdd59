#include "card/surface_content.h"

#include <stdio.h>
#include <string.h>

#include "card/surface_image.h"
#include "card/tlv.h"

enum surface_tag {
    TAG_MY_NUMBER = 0xFF10, /* also the birth file of surface check */
    TAG_ATTRIBUTES = 0xFF20,
    TAG_SIGNATURE = 0xFF30, /* also the municipality */
    TAG_KEY = 0xFF40,       /* also the My Number's image */
    TAG_OFFSETS = 0xDF21,
    TAG_FIRST_OBJECT = 0xDF22,
};

enum { ATTRIBUTE_COUNT = 4, FACE_COUNT = 9, SEQUENCE = 0x30, OCTET_STRING = 0x04 };

/* A row of objects under construction, each whole: tag, length, value. */
enum { OBJECTS_MAX = 9 };
struct objects {
    struct buffer object[OBJECTS_MAX];
    size_t count;
    enum status status; /* the first error sticks */
};

static void add(struct objects *objects, uint32_t tag, struct bytes value)
{
    struct buffer *object = &objects->object[objects->count++];
    object->secret = true;
    if (objects->status == OK)
        objects->status = tlv_append(object, tag, value);
}

static void objects_free(struct objects *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        buffer_free(&objects->object[i]);
}

static enum status append_objects(const struct objects *objects, struct buffer *out)
{
    enum status status = objects->status;
    for (size_t i = 0; i < objects->count && status == OK; i++)
        status = buffer_append(out, buffer_bytes(&objects->object[i]));
    return status;
}

/* The objects in one of tag outer. Frees them. */
static enum status enclose(struct objects *objects, uint32_t outer, struct buffer *out)
{
    struct buffer body = {.secret = true};
    out->secret = true;
    enum status status = append_objects(objects, &body);
    if (status == OK)
        status = tlv_append(out, outer, buffer_bytes(&body));
    buffer_free(&body);
    objects_free(objects);
    return status;
}

static enum status append_offsets(const struct objects *objects, size_t first, struct buffer *out)
{
    struct buffer offsets = {0};
    struct writer writer = writer_to(&offsets);
    size_t offset = first;
    for (size_t i = 0; i < objects->count; i++) {
        if (offset > UINT16_MAX)
            writer.status = ERR_TOO_LARGE;
        write_u16(&writer, (uint16_t)offset);
        offset += objects->object[i].length;
    }
    enum status status =
        writer.status == OK ? tlv_append(out, TAG_OFFSETS, buffer_bytes(&offsets)) : writer.status;
    buffer_free(&offsets);
    return status;
}

/* As enclose, beginning with DF21: where each object begins, from the start of the file. */
static enum status enclose_with_offsets(struct objects *objects, uint32_t outer, struct buffer *out)
{
    size_t table = 2 * objects->count;
    table += tlv_header_length(TAG_OFFSETS, table);
    size_t length = table;
    for (size_t i = 0; i < objects->count; i++)
        length += objects->object[i].length;
    struct buffer body = {.secret = true};
    out->secret = true;
    enum status status = append_offsets(objects, tlv_header_length(outer, length) + table, &body);
    if (status == OK)
        status = append_objects(objects, &body);
    if (status == OK)
        status = tlv_append(out, outer, buffer_bytes(&body));
    buffer_free(&body);
    objects_free(objects);
    return status;
}

/* ---- Signatures over what is printed ---- */

static enum status hash_objects(const struct objects *objects, size_t first, size_t count, struct sha256 *out)
{
    struct bytes parts[OBJECTS_MAX];
    for (size_t i = 0; i < count; i++)
        parts[i] = buffer_bytes(&objects->object[first + i]);
    return sha256_of_parts(parts, count, out);
}

/* One DigestInfo of SHA-256 whose octet string holds all the hashes. */
static enum status append_digest_info(const struct sha256 *hashes, size_t count, struct buffer *out)
{
    enum { ALGORITHM_AT = 2, ALGORITHM_LENGTH = 15 };
    uint8_t plain[DIGEST_INFO_LENGTH];
    digest_info_sha256(&hashes[0], plain);
    struct buffer body = {0};
    enum status status = buffer_append(&body, bytes_of(plain + ALGORITHM_AT, ALGORITHM_LENGTH));
    if (status == OK)
        status = tlv_append(&body, OCTET_STRING, bytes_of(hashes, count * sizeof *hashes));
    if (status == OK)
        status = tlv_append(out, SEQUENCE, buffer_bytes(&body));
    buffer_free(&body);
    return status;
}

static enum status sign_hashes(const struct surface_content *content, const struct sha256 *hashes,
                               size_t count, struct signature *out)
{
    struct buffer digest_info = {0};
    enum status status = append_digest_info(hashes, count, &digest_info);
    if (status == OK)
        status = private_key_sign_padded(content->what->surface.key, buffer_bytes(&digest_info), out);
    buffer_free(&digest_info);
    return status;
}

/* Adds an object with a signature over the hashes of groups of the objects before it. */
static void add_signature(struct objects *objects, const struct surface_content *content, uint32_t tag,
                          const size_t *groups, size_t count)
{
    struct sha256 hashes[3] = {0};
    struct signature signature = {0};
    size_t first = 0;
    for (size_t i = 0; i < count && objects->status == OK; i++) {
        objects->status = hash_objects(objects, first, groups[i], &hashes[i]);
        first += groups[i];
    }
    if (objects->status == OK)
        objects->status = sign_hashes(content, hashes, count, &signature);
    add(objects, tag, bytes_of(signature.bytes, signature.length));
}

/* ---- Pieces ---- */

static void add_text(struct objects *objects, uint32_t tag, const char *text)
{
    add(objects, tag, bytes_of_text(text));
}

static void add_date(struct objects *objects, uint32_t tag, struct date date)
{
    char text[9];
    date_format_compact(date, text);
    add_text(objects, tag, text);
}

/* 9003 010001 91820100 modulus: as in a CV certificate. */
static void add_key(struct objects *objects, uint32_t tag, const struct public_key *key)
{
    static const uint8_t exponent[] = {0x01, 0x00, 0x01};
    uint8_t modulus[RSA_2048_LENGTH] = {0};
    struct buffer value = {0};
    if (objects->status == OK)
        objects->status = public_key_modulus(key, modulus);
    if (objects->status == OK)
        objects->status = tlv_append(&value, 0x90, bytes_of(exponent, sizeof exponent));
    if (objects->status == OK)
        objects->status = tlv_append(&value, 0x91, bytes_of(modulus, sizeof modulus));
    add(objects, tag, buffer_bytes(&value));
    buffer_free(&value);
}

static void add_image(struct objects *objects, uint32_t tag, enum surface_image field, const char *text)
{
    struct buffer png = {.secret = true};
    if (objects->status == OK)
        objects->status = surface_image_draw(field, bytes_of_text(text), &png);
    add(objects, tag, buffer_bytes(&png));
    buffer_free(&png);
}

/* ---- Surface input ---- */

enum status surface_input_my_number(const struct surface_content *content, struct buffer *out)
{
    out->secret = true;
    enum status status = tlv_append(out, TAG_MY_NUMBER, bytes_of_text(content->what->holder.my_number));
    return status == OK ? buffer_append(out, bytes_of("\xFF\xFF", 2)) : status;
}

enum status surface_input_attributes(const struct surface_content *content, struct buffer *out)
{
    const struct card_holder *holder = &content->what->holder;
    const char sex[] = {(char)('0' + holder->sex), '\0'};
    struct objects objects = {0};
    add_text(&objects, 0xDF22, holder->name);
    add_text(&objects, 0xDF23, holder->address);
    add_date(&objects, 0xDF24, holder->birth);
    add_text(&objects, 0xDF25, sex);
    return enclose_with_offsets(&objects, TAG_ATTRIBUTES, out);
}

/* From DF22 to the end of FF20. */
static enum status hash_attributes(struct bytes attributes, struct sha256 *out)
{
    struct tlv around;
    struct tlv offsets;
    enum status status = tlv_find(attributes, TAG_ATTRIBUTES, &around);
    if (status == OK)
        status = tlv_find(around.value, TAG_OFFSETS, &offsets);
    return status == OK ? sha256_of(bytes_from(around.value, offsets.whole.length), out) : status;
}

enum status surface_input_signature(const struct surface_content *content, struct bytes my_number,
                                    struct bytes attributes, struct buffer *out)
{
    struct sha256 hashes[2] = {0};
    struct signature signature = {0};
    struct objects objects = {0};
    objects.status = sha256_of(my_number, &hashes[0]);
    if (objects.status == OK)
        objects.status = hash_attributes(attributes, &hashes[1]);
    if (objects.status == OK)
        objects.status = sign_hashes(content, hashes, ARRAY_LENGTH(hashes), &signature);
    add(&objects, 0xDF31, bytes_of(hashes[0].bytes, SHA256_LENGTH));
    add(&objects, 0xDF32, bytes_of(hashes[1].bytes, SHA256_LENGTH));
    add(&objects, 0xDF33, bytes_of(signature.bytes, signature.length));
    return enclose(&objects, TAG_SIGNATURE, out);
}

enum status surface_input_key(const struct surface_content *content, struct buffer *out)
{
    static const uint8_t algorithm[] = {0x01, 0x03, 0x0E, 0x01};
    const struct terminal_certificate *certificate = &content->what->surface.certificate;
    struct objects objects = {0};
    add(&objects, 0xDF41, bytes_of(algorithm, sizeof algorithm));
    add(&objects, 0xDF42, bytes_of(certificate->subject.bytes, sizeof certificate->subject.bytes));
    add(&objects, 0xDF43, bytes_of(certificate->issuer.bytes, sizeof certificate->issuer.bytes));
    return enclose(&objects, TAG_KEY, out);
}

/* ---- Surface check ---- */

enum status surface_check_birth(const struct surface_content *content, struct buffer *out)
{
    static const size_t groups[] = {2};
    struct objects objects = {0};
    add_date(&objects, 0xDF11, content->what->holder.birth);
    add_key(&objects, 0xDF12, content->presence_key);
    add_signature(&objects, content, 0xDF13, groups, ARRAY_LENGTH(groups));
    return enclose(&objects, TAG_MY_NUMBER, out);
}

enum status surface_check_face(const struct surface_content *content, struct buffer *out)
{
    static const size_t groups[] = {3, 2, 1}; /* DF22‖DF23‖DF24, DF25‖DF26, DF27 */
    const struct personalisation *what = content->what;
    const char sex[] = {(char)('0' + what->holder.sex), '\0'};
    struct objects objects = {0};
    add_date(&objects, 0xDF22, what->holder.birth);
    add_text(&objects, 0xDF23, content->edition == SURFACE_TODAY ? sex : "");
    add_key(&objects, 0xDF24, content->presence_key);
    add_image(&objects, 0xDF25, SURFACE_IMAGE_NAME, what->holder.name);
    add_image(&objects, 0xDF26, SURFACE_IMAGE_ADDRESS, what->holder.address);
    add(&objects, 0xDF27, content->face);
    add_signature(&objects, content, 0xDF28, groups, ARRAY_LENGTH(groups));
    add_date(&objects, 0xDF29, what->expiry);
    add_image(&objects, 0xDF2A, SURFACE_IMAGE_SECURITY_CODE, what->security_code);
    return enclose_with_offsets(&objects, TAG_ATTRIBUTES, out);
}

enum status surface_check_municipality(const struct surface_content *content, struct buffer *out)
{
    struct objects objects = {0};
    add_text(&objects, 0xDF34, content->what->holder.municipality);
    return enclose(&objects, TAG_SIGNATURE, out);
}

enum status surface_check_my_number(const struct surface_content *content, struct buffer *out)
{
    static const size_t groups[] = {2};
    struct objects objects = {0};
    add_image(&objects, 0xDF41, SURFACE_IMAGE_MY_NUMBER, content->what->holder.my_number);
    add_key(&objects, 0xDF42, content->presence_key);
    add_signature(&objects, content, 0xDF43, groups, ARRAY_LENGTH(groups));
    return enclose(&objects, TAG_KEY, out);
}

/* ---- What opens them ---- */

void surface_birth_key(const struct surface_content *content, char out[SURFACE_CODE_LIMIT])
{
    struct date birth = content->what->holder.birth;
    struct ymd day = date_to_ymd(birth);
    int year = content->edition == SURFACE_TODAY ? date_era(birth).year : day.year;
    snprintf(out, SURFACE_CODE_LIMIT, "%02u%02u%02u", (unsigned)year % 100, (unsigned)day.month % 100,
             (unsigned)day.day % 100);
}

void surface_code_b(const struct surface_content *content, char out[SURFACE_CODE_LIMIT])
{
    char birth[SURFACE_CODE_LIMIT];
    surface_birth_key(content, birth);
    snprintf(out, SURFACE_CODE_LIMIT, "%.6s%04u%.4s", birth,
             (unsigned)date_to_ymd(content->what->expiry).year % 10000, content->what->security_code);
}
