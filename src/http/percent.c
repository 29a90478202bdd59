#include "http/percent.h"

#include <string.h>

#include "base/text.h"

enum status percent_decode(struct region *region, struct bytes encoded, bool plus_is_space, struct bytes *out)
{
    *out = (struct bytes){0};
    uint8_t *decoded = region_alloc(region, encoded.length + 1);
    if (!decoded)
        return ERR_NO_MEMORY;
    size_t length = 0;
    for (size_t i = 0; i < encoded.length; i++) {
        uint8_t c = encoded.data[i];
        if (c == '%') {
            if (encoded.length - i < 3 || hex_decode((const char *)encoded.data + i + 1, 2, &c, 1) != OK)
                return ERR_MALFORMED;
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        decoded[length++] = c;
    }
    struct bytes view = bytes_of(decoded, length);
    if (!text_is_utf8(view) || !text_is_printable(view))
        return ERR_MALFORMED;
    *out = view;
    return OK;
}
