#include "card/surface_image.h"

#include <setjmp.h>
#include <string.h>

#include <pango/pangocairo.h>
#include <png.h>

#include "base/text.h"

/* Pixels, at about 300 dots an inch on the card. */
struct field_size {
    int width;
    int height;
    int largest; /* letters, pixels */
    int smallest;
};

static const struct field_size field_sizes[] = {
    [SURFACE_IMAGE_NAME] = {.width = 600, .height = 80, .largest = 48, .smallest = 18},
    [SURFACE_IMAGE_ADDRESS] = {.width = 600, .height = 130, .largest = 36, .smallest = 16},
    [SURFACE_IMAGE_MY_NUMBER] = {.width = 400, .height = 56, .largest = 40, .smallest = 24},
    [SURFACE_IMAGE_SECURITY_CODE] = {.width = 120, .height = 48, .largest = 36, .smallest = 24},
};

enum { INK_THRESHOLD = 0x70, WIDEST = 600 };

static bool is_private_use(int32_t code_point)
{
    return (code_point >= 0xE000 && code_point <= 0xF8FF) || code_point >= 0xF0000;
}

static bool is_variation_selector(int32_t code_point)
{
    return (code_point >= 0xFE00 && code_point <= 0xFE0F) || (code_point >= 0xE0100 && code_point <= 0xE01EF);
}

/* has_variants: IPAmj Mincho first, since only its variation sequences are those of the family registers. */
static enum status look_through(struct bytes text, bool *has_variants)
{
    if (!text_is_utf8(text) || !text_is_printable(text))
        return ERR_MALFORMED;
    size_t position = 0;
    *has_variants = false;
    while (position < text.length) {
        int32_t code_point = text_next(text, &position);
        if (is_private_use(code_point))
            return ERR_UNSUPPORTED;
        *has_variants = *has_variants || is_variation_selector(code_point);
    }
    return OK;
}

/* The largest letters with which the text fits; false where none do. */
static bool fit(PangoLayout *layout, const struct field_size *size, bool has_variants)
{
    PangoFontDescription *font = pango_font_description_new();
    pango_font_description_set_family(font, has_variants ? "IPAmjMincho, Noto Serif CJK JP"
                                                         : "Noto Sans CJK JP, IPAmjMincho");
    bool fits = false;
    for (int letters = size->largest; letters >= size->smallest && !fits; letters -= 2) {
        int width = 0;
        int height = 0;
        pango_font_description_set_absolute_size(font, letters * PANGO_SCALE);
        pango_layout_set_font_description(layout, font);
        pango_layout_get_pixel_size(layout, &width, &height);
        fits = width <= size->width && height <= size->height;
    }
    pango_font_description_free(font);
    return fits;
}

static enum status lay_out(cairo_t *drawing, struct bytes text, const struct field_size *size,
                           bool has_variants)
{
    PangoLayout *layout = pango_cairo_create_layout(drawing);
    if (!layout)
        return ERR_NO_MEMORY;
    pango_layout_set_text(layout, (const char *)text.data, (int)text.length);
    pango_layout_set_width(layout, size->width * PANGO_SCALE);
    pango_layout_set_wrap(layout, PANGO_WRAP_CHAR);
    enum status status = fit(layout, size, has_variants) ? OK : ERR_TOO_LARGE;
    if (status == OK && pango_layout_get_unknown_glyphs_count(layout) > 0)
        status = ERR_UNSUPPORTED;
    if (status == OK)
        pango_cairo_show_layout(drawing, layout);
    g_object_unref(layout);
    return status;
}

/* ---- One bit a pixel: libpng writes it, cairo would write eight ---- */

static void take_png(png_structp png, png_bytep piece, size_t length)
{
    if (buffer_append(png_get_io_ptr(png), bytes_of(piece, length)) != OK)
        png_error(png, "no memory");
}

static void flush_png(png_structp png)
{
    (void)png;
}

/* A set bit is white. */
static void threshold_row(const uint8_t *ink, int width, uint8_t *row)
{
    memset(row, 0, (size_t)(width + 7) / 8);
    for (int x = 0; x < width; x++)
        if (ink[x] < INK_THRESHOLD)
            row[x / 8] |= (uint8_t)(0x80 >> x % 8);
}

static void write_rows(png_structp png, png_infop info, cairo_surface_t *ink)
{
    int width = cairo_image_surface_get_width(ink);
    int height = cairo_image_surface_get_height(ink);
    uint8_t row[(WIDEST + 7) / 8];
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, 1, PNG_COLOR_TYPE_GRAY,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    cairo_surface_flush(ink);
    const uint8_t *pixels = cairo_image_surface_get_data(ink);
    for (int y = 0; y < height; y++) {
        threshold_row(pixels + (ptrdiff_t)y * cairo_image_surface_get_stride(ink), width, row);
        png_write_row(png, row);
    }
    png_write_end(png, info);
}

static enum status write_png(cairo_surface_t *ink, struct buffer *out)
{
    size_t start = out->length;
    png_infop info = NULL;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    if (!png)
        return ERR_NO_MEMORY;
    info = png_create_info_struct(png);
    if (!info || setjmp(png_jmpbuf(png))) { /* libpng comes back here when it fails */
        png_destroy_write_struct(&png, info ? &info : NULL);
        out->length = start;
        return ERR_NO_MEMORY;
    }
    png_set_write_fn(png, out, take_png, flush_png);
    write_rows(png, info, ink);
    png_destroy_write_struct(&png, &info);
    return OK;
}

enum status surface_image_draw(enum surface_image field, struct bytes text, struct buffer *png)
{
    const struct field_size *size = &field_sizes[field];
    bool has_variants = false;
    png->secret = true;
    enum status status = look_through(text, &has_variants);
    if (status != OK)
        return status;
    cairo_surface_t *ink = cairo_image_surface_create(CAIRO_FORMAT_A8, size->width, size->height);
    cairo_t *drawing = cairo_create(ink);
    status = cairo_status(drawing) == CAIRO_STATUS_SUCCESS ? OK : ERR_NO_MEMORY;
    if (status == OK)
        status = lay_out(drawing, text, size, has_variants);
    cairo_destroy(drawing);
    if (status == OK)
        status = write_png(ink, png);
    cairo_surface_destroy(ink);
    return status;
}
