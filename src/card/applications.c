#include "card/applications.h"

#define IDENTIFIER(...)                                                                                      \
    {                                                                                                        \
        .bytes = {__VA_ARGS__}, .length = sizeof((const uint8_t[]){__VA_ARGS__})                             \
    }

struct bytes card_application_identifier(enum card_application application)
{
    static const struct {
        uint8_t bytes[10];
        size_t length;
    } identifiers[CARD_APPLICATION_COUNT] = {
        [CARD_ISSUER_DOMAIN] = IDENTIFIER(0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00),
        [CARD_JPKI] = IDENTIFIER(0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01),
        [CARD_SURFACE_CHECK] = IDENTIFIER(0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02),
        [CARD_SURFACE_INPUT] = IDENTIFIER(0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08),
        [CARD_RESIDENT] = IDENTIFIER(0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x01),
        [CARD_COMMON] = IDENTIFIER(0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x01, 0x00),
    };
    return bytes_of(identifiers[application].bytes, identifiers[application].length);
}
