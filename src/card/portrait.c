#include "card/portrait.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cairo.h>
#include <openjpeg.h>

#include "base/random.h"
#include "pki/symmetric.h"

/* ---- JPEG 2000 ---- */

enum { COMPRESSION = 12, RESOLUTIONS = 5 };

/* OpenJPEG writes to a seekable stream: here, a buffer and a position in it. */
struct memory_stream {
    struct buffer *out;
    size_t start;
    size_t position;
    bool failed;
};

static bool make_room(struct memory_stream *stream, size_t end)
{
    size_t length = stream->out->length - stream->start;
    if (end > length) {
        if (buffer_reserve(stream->out, end - length) != OK) {
            stream->failed = true;
            return false;
        }
        memset(stream->out->data + stream->start + length, 0, end - length);
        stream->out->length = stream->start + end;
    }
    return true;
}

static OPJ_SIZE_T stream_write(void *data, OPJ_SIZE_T length, void *user)
{
    struct memory_stream *stream = user;
    if (!make_room(stream, stream->position + length))
        return (OPJ_SIZE_T)-1;
    memcpy(stream->out->data + stream->start + stream->position, data, length);
    stream->position += length;
    return length;
}

static OPJ_BOOL stream_seek(OPJ_OFF_T position, void *user)
{
    struct memory_stream *stream = user;
    if (position < 0 || !make_room(stream, (size_t)position))
        return OPJ_FALSE;
    stream->position = (size_t)position;
    return OPJ_TRUE;
}

static OPJ_OFF_T stream_skip(OPJ_OFF_T length, void *user)
{
    struct memory_stream *stream = user;
    return stream_seek((OPJ_OFF_T)stream->position + length, user) ? length : -1;
}

static opj_image_t *grey_image(cairo_surface_t *picture)
{
    opj_image_cmptparm_t component = {
        .dx = 1, .dy = 1, .w = PORTRAIT_WIDTH, .h = PORTRAIT_HEIGHT, .prec = 8, .bpp = 8};
    opj_image_t *image = opj_image_create(1, &component, OPJ_CLRSPC_GRAY);
    if (!image)
        return NULL;
    image->x1 = PORTRAIT_WIDTH;
    image->y1 = PORTRAIT_HEIGHT;
    cairo_surface_flush(picture);
    const uint8_t *pixels = cairo_image_surface_get_data(picture);
    int stride = cairo_image_surface_get_stride(picture);
    for (int y = 0; y < PORTRAIT_HEIGHT; y++) {
        const uint32_t *row = (const uint32_t *)(const void *)(pixels + (ptrdiff_t)y * stride);
        for (int x = 0; x < PORTRAIT_WIDTH; x++) {
            uint32_t red = row[x] >> 16 & 0xFF;
            uint32_t green = row[x] >> 8 & 0xFF;
            uint32_t blue = row[x] & 0xFF; /* weights of ITU-R BT.601, in thousandths */
            image->comps[0].data[y * PORTRAIT_WIDTH + x] =
                (OPJ_INT32)((299 * red + 587 * green + 114 * blue) / 1000);
        }
    }
    return image;
}

static bool compress(opj_codec_t *codec, opj_image_t *image, opj_stream_t *stream)
{
    opj_cparameters_t parameters;
    opj_set_default_encoder_parameters(&parameters);
    parameters.tcp_numlayers = 1;
    parameters.tcp_rates[0] = COMPRESSION;
    parameters.cp_disto_alloc = 1;
    parameters.irreversible = 1;
    parameters.numresolution = RESOLUTIONS;
    return opj_setup_encoder(codec, &parameters, image) && opj_start_compress(codec, image, stream) &&
           opj_encode(codec, stream) && opj_end_compress(codec, stream);
}

static enum status encode_jp2(cairo_surface_t *picture, struct buffer *jp2)
{
    struct memory_stream memory = {.out = jp2, .start = jp2->length};
    opj_image_t *image = grey_image(picture);
    opj_codec_t *codec = opj_create_compress(OPJ_CODEC_JP2);
    opj_stream_t *stream = opj_stream_create(4096, OPJ_FALSE);
    bool done = false;
    if (image && codec && stream) {
        opj_stream_set_user_data(stream, &memory, NULL);
        opj_stream_set_write_function(stream, stream_write);
        opj_stream_set_seek_function(stream, stream_seek);
        opj_stream_set_skip_function(stream, stream_skip);
        done = compress(codec, image, stream);
    }
    opj_stream_destroy(stream);
    opj_destroy_codec(codec);
    opj_image_destroy(image);
    if (!done || memory.failed)
        jp2->length = memory.start;
    return done && !memory.failed ? OK : ERR_NO_MEMORY;
}

/* ---- A drawn face ---- */

enum hair { HAIR_SHORT, HAIR_PARTED, HAIR_BOB, HAIR_LONG, HAIR_TIED, HAIR_RECEDING };

/* What tells one drawn person from another. Lengths in pixels of the portrait. */
struct features {
    double skin; /* grey levels, 0 black to 1 white */
    double hair_tone;
    double head_width; /* half */
    double head_height;
    double jaw; /* 0 round to 1 square */
    double eye_distance;
    double eye_width;
    double eye_height;
    double brow_height;
    double brow_thickness;
    double brow_slope;
    double nose_length;
    double nose_width;
    double mouth_width;
    double mouth_curve;
    double lip;
    double shoulders;
    double clothes;
    int age;
    bool female;
    bool glasses;
    enum hair hair;
};

static const double centre_x = 120;
static const double eye_line = 150;

/* Evenly between least and most, in 1,000 steps. */
static double between(struct dice *dice, double least, double most)
{
    return least + (most - least) * dice_roll(dice, 1001) / 1000.0;
}

static enum hair choose_hair(struct dice *dice, bool female, int age)
{
    static const enum hair of_women[] = {HAIR_BOB, HAIR_LONG, HAIR_TIED, HAIR_BOB};
    static const enum hair of_men[] = {HAIR_SHORT, HAIR_PARTED, HAIR_SHORT, HAIR_PARTED};
    uint32_t roll = dice_roll(dice, 4);
    if (female)
        return of_women[roll];
    return age > 55 && roll < 2 ? HAIR_RECEDING : of_men[roll];
}

static struct features choose_features(struct dice *dice, const struct portrait_subject *subject)
{
    struct features f = {0};
    f.age = date_age_in_law(subject->birth, subject->day);
    f.female = subject->sex == 2 || (subject->sex == 9 && dice_roll(dice, 2));
    double childish = f.age < 15 ? (15 - f.age) / 15.0 : 0;
    double white = f.age > 45 ? fmin((f.age - 45) / 45.0, 1) : 0;
    f.skin = between(dice, 0.74, 0.86);
    f.hair_tone = between(dice, 0.08, 0.2) + white * between(dice, 0.3, 0.6);
    f.head_width = between(dice, 57, 66) + 3 * childish;
    f.head_height = between(dice, 80, 90) - 12 * childish;
    f.jaw = between(dice, 0.1, f.female ? 0.5 : 1) * (1 - childish);
    f.eye_distance = between(dice, 25, 31);
    f.eye_width = between(dice, 12, 15.5) + 2 * childish;
    f.eye_height = between(dice, 4, 6.5) + 2 * childish;
    f.brow_height = between(dice, 15, 21);
    f.brow_thickness = between(dice, 2.5, f.female ? 3.5 : 5.5);
    f.brow_slope = between(dice, -3, 3);
    f.nose_length = between(dice, 33, 42) - 8 * childish;
    f.nose_width = between(dice, 9, 14) - 2 * childish;
    f.mouth_width = between(dice, 17, 24) - 3 * childish;
    f.mouth_curve = between(dice, -1, 4);
    f.lip = between(dice, 3, 6);
    f.shoulders = between(dice, 88, 108) - 18 * childish;
    f.clothes = between(dice, 0.15, 0.6);
    f.glasses = f.age > 12 && dice_roll(dice, 10) < 4;
    f.hair = choose_hair(dice, f.female, f.age);
    return f;
}

static void grey(cairo_t *cr, double level)
{
    cairo_set_source_rgb(cr, level, level, level);
}

static void shade(cairo_t *cr, double level, double opacity)
{
    cairo_set_source_rgba(cr, level, level, level, opacity);
}

static void ellipse(cairo_t *cr, double x, double y, double width, double height)
{
    cairo_save(cr);
    cairo_translate(cr, x, y);
    cairo_scale(cr, width, height);
    cairo_new_sub_path(cr);
    cairo_arc(cr, 0, 0, 1, 0, 2 * M_PI);
    cairo_restore(cr);
}

static void draw_background(cairo_t *cr)
{
    cairo_pattern_t *light = cairo_pattern_create_linear(0, 0, 0, PORTRAIT_HEIGHT);
    cairo_pattern_add_color_stop_rgb(light, 0, 0.95, 0.95, 0.95);
    cairo_pattern_add_color_stop_rgb(light, 1, 0.87, 0.87, 0.87);
    cairo_set_source(cr, light);
    cairo_paint(cr);
    cairo_pattern_destroy(light);
}

/* Hair that falls behind head and shoulders. */
static void draw_hair_behind(cairo_t *cr, const struct features *f)
{
    if (f->hair != HAIR_BOB && f->hair != HAIR_LONG)
        return;
    double low = f->hair == HAIR_LONG ? 275 : 225;
    double wide = f->head_width + 16;
    grey(cr, f->hair_tone * 0.85);
    cairo_move_to(cr, centre_x - wide, low);
    cairo_curve_to(cr, centre_x - wide - 8, 150, centre_x - wide + 4, 52, centre_x, 50);
    cairo_curve_to(cr, centre_x + wide - 4, 52, centre_x + wide + 8, 150, centre_x + wide, low);
    cairo_close_path(cr);
    cairo_fill(cr);
}

static void draw_body(cairo_t *cr, const struct features *f)
{
    grey(cr, f->clothes);
    cairo_move_to(cr, centre_x - f->shoulders, PORTRAIT_HEIGHT);
    cairo_curve_to(cr, centre_x - f->shoulders, 282, centre_x - 60, 272, centre_x - 32, 262);
    cairo_line_to(cr, centre_x + 32, 262);
    cairo_curve_to(cr, centre_x + 60, 272, centre_x + f->shoulders, 282, centre_x + f->shoulders,
                   PORTRAIT_HEIGHT);
    cairo_close_path(cr);
    cairo_fill(cr);
    double neck = f->female ? 23 : 29;
    grey(cr, f->skin * 0.88);
    cairo_move_to(cr, centre_x - neck, 200);
    cairo_line_to(cr, centre_x - neck, 258);
    cairo_curve_to(cr, centre_x - 16, 284, centre_x + 16, 284, centre_x + neck, 258);
    cairo_line_to(cr, centre_x + neck, 200);
    cairo_close_path(cr);
    cairo_fill(cr);
    shade(cr, 0.95, 0.9); /* a collar */
    cairo_set_line_width(cr, 7);
    cairo_move_to(cr, centre_x - neck - 6, 258);
    cairo_line_to(cr, centre_x, 292);
    cairo_line_to(cr, centre_x + neck + 6, 258);
    cairo_stroke(cr);
}

static void trace_head(cairo_t *cr, const struct features *f)
{
    double w = f->head_width;
    double top = eye_line - f->head_height;
    double chin = eye_line + f->head_height;
    double cheek = eye_line + f->head_height * 0.45;
    double corner = w * (0.5 + 0.25 * f->jaw);
    cairo_move_to(cr, centre_x, top);
    cairo_curve_to(cr, centre_x + w * 0.7, top, centre_x + w, eye_line - 45, centre_x + w, eye_line);
    cairo_curve_to(cr, centre_x + w, cheek, centre_x + corner, chin, centre_x, chin);
    cairo_curve_to(cr, centre_x - corner, chin, centre_x - w, cheek, centre_x - w, eye_line);
    cairo_curve_to(cr, centre_x - w, eye_line - 45, centre_x - w * 0.7, top, centre_x, top);
    cairo_close_path(cr);
}

static void draw_head(cairo_t *cr, const struct features *f)
{
    grey(cr, f->skin * 0.9);
    ellipse(cr, centre_x - f->head_width, eye_line + 8, 8, 17);
    ellipse(cr, centre_x + f->head_width, eye_line + 8, 8, 17);
    cairo_fill(cr);
    cairo_pattern_t *light =
        cairo_pattern_create_radial(centre_x - 18, eye_line - 20, 20, centre_x, eye_line, 110);
    cairo_pattern_add_color_stop_rgb(light, 0, f->skin * 1.06, f->skin * 1.06, f->skin * 1.06);
    cairo_pattern_add_color_stop_rgb(light, 0.6, f->skin, f->skin, f->skin);
    cairo_pattern_add_color_stop_rgb(light, 1, f->skin * 0.78, f->skin * 0.78, f->skin * 0.78);
    trace_head(cr, f);
    cairo_set_source(cr, light);
    cairo_fill(cr);
    cairo_pattern_destroy(light);
}

static void draw_eye(cairo_t *cr, const struct features *f, double x)
{
    double y = eye_line;
    grey(cr, 0.96);
    cairo_move_to(cr, x - f->eye_width, y + 1);
    cairo_curve_to(cr, x - f->eye_width * 0.4, y - f->eye_height * 1.5, x + f->eye_width * 0.4,
                   y - f->eye_height * 1.5, x + f->eye_width, y + 1);
    cairo_curve_to(cr, x + f->eye_width * 0.4, y + f->eye_height, x - f->eye_width * 0.4, y + f->eye_height,
                   x - f->eye_width, y + 1);
    cairo_close_path(cr);
    cairo_save(cr);
    cairo_fill_preserve(cr);
    cairo_clip(cr);
    grey(cr, 0.16);
    ellipse(cr, x, y - 0.5, f->eye_height + 1.5, f->eye_height + 1.5);
    cairo_fill(cr);
    grey(cr, 0.9);
    ellipse(cr, x - 1.8, y - 2, 1.3, 1.3);
    cairo_fill(cr);
    cairo_restore(cr);
    grey(cr, 0.18);
    cairo_set_line_width(cr, f->female ? 2.6 : 2);
    cairo_move_to(cr, x - f->eye_width, y + 1);
    cairo_curve_to(cr, x - f->eye_width * 0.4, y - f->eye_height * 1.5, x + f->eye_width * 0.4,
                   y - f->eye_height * 1.5, x + f->eye_width, y + 1);
    cairo_stroke(cr);
}

/* side: -1 left, 1 right. */
static void draw_brow(cairo_t *cr, const struct features *f, double side)
{
    double inner = centre_x + side * (f->eye_distance - f->eye_width * 0.9);
    double outer = centre_x + side * (f->eye_distance + f->eye_width * 1.2);
    double y = eye_line - f->brow_height;
    grey(cr, fmin(f->hair_tone + 0.08, 0.6));
    cairo_set_line_width(cr, f->brow_thickness);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    cairo_move_to(cr, inner, y + f->brow_slope);
    cairo_curve_to(cr, inner + side * 8, y - 4, outer - side * 8, y - 5, outer, y - f->brow_slope + 2);
    cairo_stroke(cr);
}

static void draw_nose(cairo_t *cr, const struct features *f)
{
    double tip = eye_line + f->nose_length;
    shade(cr, f->skin * 0.62, 0.7);
    cairo_set_line_width(cr, 2);
    cairo_move_to(cr, centre_x + 5, eye_line + 6);
    cairo_curve_to(cr, centre_x + 6, tip - 12, centre_x + f->nose_width + 2, tip - 7,
                   centre_x + f->nose_width, tip);
    cairo_stroke(cr);
    shade(cr, f->skin * 0.45, 0.8);
    cairo_move_to(cr, centre_x - f->nose_width, tip);
    cairo_curve_to(cr, centre_x - f->nose_width * 0.4, tip + 4, centre_x + f->nose_width * 0.4, tip + 4,
                   centre_x + f->nose_width, tip);
    cairo_stroke(cr);
}

static void draw_mouth(cairo_t *cr, const struct features *f)
{
    double y = eye_line + f->nose_length + 18;
    shade(cr, f->skin * (f->female ? 0.55 : 0.68), 0.9);
    cairo_move_to(cr, centre_x - f->mouth_width, y);
    cairo_curve_to(cr, centre_x - 8, y - f->lip, centre_x + 8, y - f->lip, centre_x + f->mouth_width, y);
    cairo_curve_to(cr, centre_x + 8, y + f->lip + 3, centre_x - 8, y + f->lip + 3, centre_x - f->mouth_width,
                   y);
    cairo_fill(cr);
    shade(cr, 0.22, 0.9);
    cairo_set_line_width(cr, 1.6);
    cairo_move_to(cr, centre_x - f->mouth_width, y);
    cairo_curve_to(cr, centre_x - 8, y + f->mouth_curve, centre_x + 8, y + f->mouth_curve,
                   centre_x + f->mouth_width, y);
    cairo_stroke(cr);
}

static void draw_lines_of_age(cairo_t *cr, const struct features *f)
{
    if (f->age < 40)
        return;
    double depth = fmin((f->age - 35) / 60.0, 0.7);
    shade(cr, f->skin * 0.5, depth);
    cairo_set_line_width(cr, 1.4);
    for (int side = -1; side <= 1; side += 2) {
        double fold = centre_x + side * (f->nose_width + 5);
        cairo_move_to(cr, fold, eye_line + f->nose_length - 4);
        cairo_curve_to(cr, fold + side * 8, eye_line + f->nose_length + 6, fold + side * 12,
                       eye_line + f->nose_length + 14, fold + side * 11, eye_line + f->nose_length + 22);
        double under = centre_x + side * f->eye_distance;
        cairo_move_to(cr, under - f->eye_width * 0.8, eye_line + f->eye_height + 4);
        cairo_curve_to(cr, under - 4, eye_line + f->eye_height + 9, under + 4, eye_line + f->eye_height + 9,
                       under + f->eye_width * 0.8, eye_line + f->eye_height + 4);
    }
    for (int line = 0; f->age > 60 && line < 2; line++) {
        cairo_move_to(cr, centre_x - 26, eye_line - 40 - 9 * line);
        cairo_curve_to(cr, centre_x - 8, eye_line - 43 - 9 * line, centre_x + 8, eye_line - 43 - 9 * line,
                       centre_x + 26, eye_line - 40 - 9 * line);
    }
    cairo_stroke(cr);
}

static void draw_glasses(cairo_t *cr, const struct features *f)
{
    if (!f->glasses)
        return;
    double radius = fmin(f->eye_width + 5, f->eye_distance - 4);
    grey(cr, 0.15);
    cairo_set_line_width(cr, 2.2);
    for (int side = -1; side <= 1; side += 2) {
        ellipse(cr, centre_x + side * f->eye_distance, eye_line + 1, radius, radius * 0.8);
        cairo_move_to(cr, centre_x + side * (f->eye_distance + radius), eye_line - 2);
        cairo_line_to(cr, centre_x + side * f->head_width, eye_line - 4);
    }
    cairo_move_to(cr, centre_x - f->eye_distance + radius, eye_line);
    cairo_curve_to(cr, centre_x - 3, eye_line - 4, centre_x + 3, eye_line - 4,
                   centre_x + f->eye_distance - radius, eye_line);
    cairo_stroke(cr);
}

/* How low the hair comes at the temples, at the left and at the right of the forehead. */
struct hair_line {
    double temple;
    double left;
    double right;
    double part; /* where it parts, from the centre */
};

static struct hair_line hair_line_of(enum hair hair)
{
    switch (hair) {
    case HAIR_PARTED:
        return (struct hair_line){.temple = -8, .left = -44, .right = -36, .part = -24};
    case HAIR_BOB:
        return (struct hair_line){.temple = 40, .left = -32, .right = -32, .part = 0};
    case HAIR_LONG:
        return (struct hair_line){.temple = 30, .left = -40, .right = -34, .part = 16};
    case HAIR_TIED:
        return (struct hair_line){.temple = -18, .left = -50, .right = -46, .part = 20};
    case HAIR_RECEDING:
        return (struct hair_line){.temple = -14, .left = -66, .right = -66, .part = 0};
    default:
        return (struct hair_line){.temple = -10, .left = -42, .right = -42, .part = 6};
    }
}

static void draw_hair(cairo_t *cr, const struct features *f)
{
    struct hair_line line = hair_line_of(f->hair);
    double outside = f->head_width + (f->hair == HAIR_RECEDING ? 2 : 6);
    double top = eye_line - f->head_height - (f->hair == HAIR_RECEDING ? 2 : 12);
    double inside = f->head_width - 5;
    grey(cr, f->hair_tone);
    cairo_move_to(cr, centre_x - outside, eye_line + line.temple);
    cairo_curve_to(cr, centre_x - outside - 4, eye_line - 50, centre_x - outside * 0.75, top, centre_x, top);
    cairo_curve_to(cr, centre_x + outside * 0.75, top, centre_x + outside + 4, eye_line - 50,
                   centre_x + outside, eye_line + line.temple);
    cairo_line_to(cr, centre_x + inside, eye_line + line.temple);
    cairo_curve_to(cr, centre_x + inside, eye_line + line.right, centre_x + inside - 12,
                   eye_line + line.right, centre_x + line.part, eye_line - f->head_height + 16);
    cairo_curve_to(cr, centre_x - inside + 12, eye_line + line.left, centre_x - inside, eye_line + line.left,
                   centre_x - inside, eye_line + line.temple);
    cairo_close_path(cr);
    cairo_fill(cr);
    shade(cr, fmin(f->hair_tone + 0.25, 1), 0.35); /* a shine */
    cairo_set_line_width(cr, 4);
    cairo_move_to(cr, centre_x - 34, eye_line - f->head_height + 6);
    cairo_curve_to(cr, centre_x - 16, eye_line - f->head_height - 4, centre_x + 8,
                   eye_line - f->head_height - 5, centre_x + 26, eye_line - f->head_height);
    cairo_stroke(cr);
}

static void draw_person(cairo_t *cr, const struct features *f)
{
    draw_background(cr);
    draw_hair_behind(cr, f);
    draw_body(cr, f);
    draw_head(cr, f);
    draw_eye(cr, f, centre_x - f->eye_distance);
    draw_eye(cr, f, centre_x + f->eye_distance);
    draw_nose(cr, f);
    draw_mouth(cr, f);
    draw_lines_of_age(cr, f);
    draw_hair(cr, f);
    draw_brow(cr, f, -1);
    draw_brow(cr, f, 1);
    draw_glasses(cr, f);
}

/* The person, not their number: the face must not be a way to learn it. */
static enum status dice_of_subject(const struct portrait_subject *subject, struct dice *out)
{
    char birth[9];
    date_format_compact(subject->birth, birth);
    const struct bytes parts[] = {bytes_of_text("shikaku-portrait-1"), bytes_of_text(birth),
                                  bytes_of(&subject->sex, 1), bytes_of_text(subject->name)};
    struct sha256 hash;
    enum status status = sha256_of_parts(parts, ARRAY_LENGTH(parts), &hash);
    uint64_t seed = 0;
    for (size_t i = 0; status == OK && i < sizeof seed; i++)
        seed = seed << 8 | hash.bytes[i];
    *out = dice_of(seed, 0);
    return status;
}

static cairo_surface_t *blank_portrait(void)
{
    return cairo_image_surface_create(CAIRO_FORMAT_RGB24, PORTRAIT_WIDTH, PORTRAIT_HEIGHT);
}

enum status portrait_draw(const struct portrait_subject *subject, struct buffer *jp2)
{
    struct dice dice;
    enum status status = dice_of_subject(subject, &dice);
    if (status != OK)
        return status;
    struct features features = choose_features(&dice, subject);
    cairo_surface_t *picture = blank_portrait();
    cairo_t *cr = cairo_create(picture);
    draw_person(cr, &features);
    status = cairo_status(cr) == CAIRO_STATUS_SUCCESS ? OK : ERR_NO_MEMORY;
    cairo_destroy(cr);
    if (status == OK)
        status = encode_jp2(picture, jp2);
    cairo_surface_destroy(picture);
    return status;
}

/* ---- A photograph ---- */

enum { PHOTO_LIMIT = 32 << 20 };

static cairo_status_t give_png(void *of, unsigned char *out, unsigned length)
{
    struct bytes *left = of;
    if (left->length < length)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(out, left->data, length);
    *left = bytes_from(*left, length);
    return CAIRO_STATUS_SUCCESS;
}

/* cairo takes whatever else libpng stumbles over for a lack of memory, so a file that is no PNG is told apart
 * first. */
static enum status load_png(const char *path, cairo_surface_t **out)
{
    static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    struct buffer file = {.secret = true};
    *out = NULL;
    enum status status = file_read(path, PHOTO_LIMIT, &file);
    if (status == OK &&
        (file.length < sizeof signature || memcmp(file.data, signature, sizeof signature) != 0))
        status = ERR_MALFORMED;
    struct bytes left = buffer_bytes(&file);
    if (status == OK)
        *out = cairo_image_surface_create_from_png_stream(give_png, &left);
    if (status == OK && cairo_surface_status(*out) != CAIRO_STATUS_SUCCESS)
        status = ERR_MALFORMED;
    buffer_free(&file);
    return status;
}

enum status portrait_from_png(const char *path, struct buffer *jp2)
{
    cairo_surface_t *photo = NULL;
    enum status status = load_png(path, &photo);
    cairo_surface_t *picture = blank_portrait();
    cairo_t *cr = cairo_create(picture);
    if (status == OK) {
        double width = cairo_image_surface_get_width(photo);
        double height = cairo_image_surface_get_height(photo);
        double scale = fmax(PORTRAIT_WIDTH / width, PORTRAIT_HEIGHT / height);
        grey(cr, 1);
        cairo_paint(cr);
        cairo_translate(cr, PORTRAIT_WIDTH / 2.0, PORTRAIT_HEIGHT / 2.0);
        cairo_scale(cr, scale, scale);
        cairo_set_source_surface(cr, photo, -width / 2, -height / 2);
        cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_BEST);
        cairo_paint(cr);
        if (cairo_status(cr) != CAIRO_STATUS_SUCCESS)
            status = ERR_NO_MEMORY;
    }
    cairo_destroy(cr);
    if (status == OK)
        status = encode_jp2(picture, jp2);
    cairo_surface_destroy(picture);
    cairo_surface_destroy(photo);
    return status;
}
