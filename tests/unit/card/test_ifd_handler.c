/* The driver as pcscd loads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ifdhandler.h>
#include <reader.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scripted_card.h"

#define ATR_FRAME "\x00\x09\x3B\xE0\x00\xFF\x81\x31\xFE\x45\x14"
#define PRESENT                                                                                              \
    {                                                                                                        \
        .expect = STEP_BYTES("\x04"), .send = STEP_BYTES(ATR_FRAME)                                          \
    }

struct place {
    char directory[64];
    char path[96];
    char device[128];
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    strcpy(place->directory, "/tmp/ifd-handler-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->path, sizeof place->path, "%s/card", place->directory);
    snprintf(place->device, sizeof place->device, "/dev/null:%s", place->path);
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    unlink(place->path);
    rmdir(place->directory);
    free(place);
    return 0;
}

static DWORD lun_of(unsigned reader)
{
    return (DWORD)reader << 16;
}

static void a_reader_is_opened_by_the_name_in_its_configuration_only(void **state)
{
    struct place *place = *state;
    char without_socket[] = "/dev/null";
    assert_int_equal(IFDHCreateChannelByName(lun_of(0), without_socket), IFD_NO_SUCH_DEVICE);
    assert_int_equal(IFDHCreateChannelByName(lun_of(16), place->device), IFD_NO_SUCH_DEVICE);
    assert_int_equal(IFDHCreateChannel(lun_of(0), 1), IFD_NO_SUCH_DEVICE);
    assert_int_equal(IFDHICCPresence(lun_of(0)), IFD_NO_SUCH_DEVICE);
    assert_int_equal(IFDHCreateChannelByName(lun_of(0), place->device), IFD_SUCCESS);
    assert_int_equal(IFDHCreateChannelByName(lun_of(0), place->device), IFD_NO_SUCH_DEVICE);
    assert_int_equal(IFDHICCPresence(lun_of(0) | 1), IFD_NO_SUCH_DEVICE);
    assert_int_equal(IFDHICCPresence(lun_of(0)), IFD_ICC_NOT_PRESENT);
    assert_int_equal(IFDHCloseChannel(lun_of(0)), IFD_SUCCESS);
    assert_int_equal(IFDHCloseChannel(lun_of(0)), IFD_NO_SUCH_DEVICE);
}

static void a_card_is_powered_spoken_to_and_switched_off(void **state)
{
    struct place *place = *state;
    const struct scripted_step steps[] = {
        PRESENT,
        {.expect = STEP_BYTES("\x01")},
        PRESENT,
        {.expect = STEP_BYTES("\x00\xB0\x00\x00\x02"), .send = STEP_BYTES("\x00\x04\x12\x34\x90\x00")},
        {.expect = STEP_BYTES("\x00\xB0\x00\x00\x02"), .send = STEP_BYTES("\x00\x04\x12\x34\x90\x00")},
        {.expect = STEP_BYTES("\x00")},
    };
    struct scripted_card card = {.steps = steps, .count = ARRAY_LENGTH(steps)};
    scripted_card_begin(&card, place->path);
    assert_int_equal(IFDHCreateChannelByName(lun_of(3), place->device), IFD_SUCCESS);
    assert_int_equal(IFDHICCPresence(lun_of(3)), IFD_ICC_PRESENT);

    UCHAR atr[MAX_ATR_SIZE];
    DWORD length = sizeof atr;
    assert_int_equal(IFDHPowerICC(lun_of(3), IFD_POWER_UP, atr, &length), IFD_SUCCESS);
    assert_int_equal(length, 9);
    UCHAR cached[MAX_ATR_SIZE];
    DWORD cached_length = sizeof cached;
    assert_int_equal(IFDHGetCapabilities(lun_of(3), TAG_IFD_ATR, &cached_length, cached), IFD_SUCCESS);
    assert_int_equal(cached_length, 9);
    assert_memory_equal(cached, atr, 9);
    assert_int_equal(IFDHSetProtocolParameters(lun_of(3), SCARD_PROTOCOL_T1, 0, 0, 0, 0), IFD_SUCCESS);
    assert_int_equal(IFDHSetProtocolParameters(lun_of(3), SCARD_PROTOCOL_T0, 0, 0, 0, 0),
                     IFD_PROTOCOL_NOT_SUPPORTED);

    UCHAR command[] = {0x00, 0xB0, 0x00, 0x00, 0x02};
    UCHAR answer[8];
    SCARD_IO_HEADER sent = {.Protocol = 1}, received = {0};
    length = sizeof answer;
    assert_int_equal(IFDHTransmitToICC(lun_of(3), sent, command, sizeof command, answer, &length, &received),
                     IFD_SUCCESS);
    assert_int_equal(length, 4);
    assert_memory_equal(answer, "\x12\x34\x90\x00", 4);
    assert_int_equal(received.Protocol, 1);
    length = 3;
    assert_int_equal(IFDHTransmitToICC(lun_of(3), sent, command, sizeof command, answer, &length, &received),
                     IFD_ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(length, 0);
    assert_int_equal(IFDHCloseChannel(lun_of(3)), IFD_SUCCESS);
    scripted_card_end(&card, place->path);
    assert_false(card.surprised);
    assert_int_equal(card.played, ARRAY_LENGTH(steps));
}

static void the_driver_survives_the_death_of_a_card_and_takes_the_next(void **state)
{
    struct place *place = *state;
    UCHAR command[] = {0x00, 0xA4, 0x00, 0x00};
    UCHAR answer[8];
    SCARD_IO_HEADER pci = {.Protocol = 1};
    assert_int_equal(IFDHCreateChannelByName(lun_of(0), place->device), IFD_SUCCESS);
    for (int round = 0; round < 3; round++) {
        const struct scripted_step steps[] = {PRESENT, {.hang_up = true}};
        struct scripted_card card = {.steps = steps, .count = ARRAY_LENGTH(steps)};
        scripted_card_begin(&card, place->path);
        assert_int_equal(IFDHICCPresence(lun_of(0)), IFD_ICC_PRESENT);
        DWORD length = sizeof answer;
        assert_int_equal(IFDHTransmitToICC(lun_of(0), pci, command, sizeof command, answer, &length, NULL),
                         IFD_COMMUNICATION_ERROR);
        assert_int_equal(length, 0);
        scripted_card_end(&card, place->path);
        assert_int_equal(IFDHICCPresence(lun_of(0)), IFD_ICC_NOT_PRESENT);
    }
    assert_int_equal(IFDHCloseChannel(lun_of(0)), IFD_SUCCESS);
}

static void several_readers_hold_several_cards(void **state)
{
    struct place *place = *state;
    char other_device[160];
    snprintf(other_device, sizeof other_device, "%s.other", place->device);
    const struct scripted_step steps[] = {PRESENT};
    struct scripted_card card = {.steps = steps, .count = ARRAY_LENGTH(steps)};
    scripted_card_begin(&card, place->path);
    assert_int_equal(IFDHCreateChannelByName(lun_of(0), other_device), IFD_SUCCESS);
    assert_int_equal(IFDHCreateChannelByName(lun_of(1), place->device), IFD_SUCCESS);
    assert_int_equal(IFDHICCPresence(lun_of(0)), IFD_ICC_NOT_PRESENT);
    assert_int_equal(IFDHICCPresence(lun_of(1)), IFD_ICC_PRESENT);
    assert_int_equal(IFDHCloseChannel(lun_of(0)), IFD_SUCCESS);
    assert_int_equal(IFDHCloseChannel(lun_of(1)), IFD_SUCCESS);
    scripted_card_end(&card, place->path);
}

static void the_capabilities_are_what_pcscd_needs_to_run_readers_side_by_side(void **state)
{
    static const struct {
        DWORD tag;
        UCHAR value;
    } capabilities[] = {
        {TAG_IFD_SIMULTANEOUS_ACCESS, 16},
        {TAG_IFD_THREAD_SAFE, 1},
        {TAG_IFD_SLOTS_NUMBER, 1},
        {TAG_IFD_SLOT_THREAD_SAFE, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(capabilities); i++) {
        UCHAR value = 0xFF;
        DWORD length = 1;
        assert_int_equal(IFDHGetCapabilities(lun_of(0), capabilities[i].tag, &length, &value), IFD_SUCCESS);
        assert_int_equal(length, 1);
        assert_int_equal(value, capabilities[i].value);
        length = 0;
        assert_int_equal(IFDHGetCapabilities(lun_of(0), capabilities[i].tag, &length, &value),
                         IFD_ERROR_INSUFFICIENT_BUFFER);
    }
    UCHAR value;
    DWORD length = 1;
    assert_int_equal(IFDHGetCapabilities(lun_of(0), TAG_IFD_POLLING_THREAD, &length, &value), IFD_ERROR_TAG);
}

static void extended_commands_are_announced(void **state)
{
    struct place *place = *state;
    UCHAR answer[16];
    DWORD length = 0;
    assert_int_equal(IFDHCreateChannelByName(lun_of(0), place->device), IFD_SUCCESS);
    assert_int_equal(
        IFDHControl(lun_of(0), CM_IOCTL_GET_FEATURE_REQUEST, NULL, 0, answer, sizeof answer, &length),
        IFD_SUCCESS);
    assert_int_equal(length, 6);
    assert_int_equal(answer[0], FEATURE_GET_TLV_PROPERTIES);
    DWORD control = (DWORD)answer[2] << 24 | (DWORD)answer[3] << 16 | (DWORD)answer[4] << 8 | answer[5];
    assert_int_equal(IFDHControl(lun_of(0), control, NULL, 0, answer, sizeof answer, &length), IFD_SUCCESS);
    assert_int_equal(length, 6);
    assert_memory_equal(answer, "\x0A\x04\xF6\xFF\x00\x00", 6); /* 65,526 bytes of data, little-endian */
    assert_int_equal(IFDHControl(lun_of(0), control, NULL, 0, answer, 5, &length),
                     IFD_ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(length, 0);
    assert_int_equal(IFDHControl(lun_of(0), SCARD_CTL_CODE(99), NULL, 0, answer, sizeof answer, &length),
                     IFD_ERROR_NOT_SUPPORTED);
    assert_int_equal(IFDHCloseChannel(lun_of(0)), IFD_SUCCESS);
}

int main(void)
{
#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        WITH_PLACE(a_reader_is_opened_by_the_name_in_its_configuration_only),
        WITH_PLACE(a_card_is_powered_spoken_to_and_switched_off),
        WITH_PLACE(the_driver_survives_the_death_of_a_card_and_takes_the_next),
        WITH_PLACE(several_readers_hold_several_cards),
        cmocka_unit_test(the_capabilities_are_what_pcscd_needs_to_run_readers_side_by_side),
        WITH_PLACE(extended_commands_are_announced),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
