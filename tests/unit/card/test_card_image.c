#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "card/virtual_state.h"
#include "issued_card.h"

/* One card is issued; each test lays a copy of it on disk. */
static struct buffer issued;

static int issue(void **state)
{
    (void)state;
    struct test_authority authority;
    test_authority_open(&authority, KEY_P384); /* quicker to make than RSA; the image is the same */
    struct virtual_card *card =
        test_card_issue(&authority, &(struct test_order){.generation = CARD_GENERATION_P384});
    assert_int_equal(OK, card_state_encode(&card->state, &issued));
    virtual_card_free(card);
    test_authority_close(&authority);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    buffer_free(&issued);
    return 0;
}

struct card_on_disk {
    struct test_directory directory;
    char image[300];
    char key[300];
    struct card_location where;
};

static void lay_down(struct card_on_disk *disk)
{
    struct sealed_image *image = NULL;
    test_directory_open(&disk->directory);
    snprintf(disk->image, sizeof disk->image, "%s/taro.card", disk->directory.path);
    snprintf(disk->key, sizeof disk->key, "%s/taro.key", disk->directory.path);
    disk->where = (struct card_location){.image_path = disk->image, .key_path = disk->key};
    assert_int_equal(OK, sealed_image_create(&disk->where, buffer_bytes(&issued), &image));
    sealed_image_close(image);
}

static void pick_up(struct card_on_disk *disk)
{
    test_directory_close(&disk->directory);
}

static struct buffer content_of(const char *path)
{
    struct buffer content = {0};
    assert_int_equal(OK, file_read(path, SEALED_IMAGE_LIMIT, &content));
    return content;
}

static void put_back(const char *path, const struct buffer *content)
{
    assert_int_equal(OK, file_write_durably(path, buffer_bytes(content), 0600));
}

static struct virtual_card *open_card(const struct card_on_disk *disk)
{
    struct virtual_card *card = NULL;
    assert_int_equal(OK, virtual_card_open(&disk->where, &card));
    return card;
}

static bool opens_destroyed(const struct card_on_disk *disk)
{
    struct virtual_card *card = open_card(disk);
    bool destroyed = virtual_card_is_destroyed(card);
    virtual_card_free(card);
    return destroyed;
}

/* ---- What is on disk ---- */

static void an_issued_card_opens_again(void **state)
{
    (void)state;
    struct card_on_disk disk;
    lay_down(&disk);
    for (int i = 0; i < 3; i++) {
        struct virtual_card *card = open_card(&disk);
        assert_answers(card, SELECT_JPKI, "9000");
        assert_answers(card, VERIFY_PIN, "9000");
        virtual_card_free(card);
    }
    pick_up(&disk);
}

static void counters_are_on_disk(void **state) /* Q8 */
{
    (void)state;
    struct card_on_disk disk;
    lay_down(&disk);
    for (int left = 2; left >= 0; left--) {
        char word[5];
        struct virtual_card *card = open_card(&disk);
        snprintf(word, sizeof word, "63C%d", left);
        assert_answers(card, SELECT_JPKI, "9000");
        assert_answers(card, VERIFY_WRONG_PIN, word);
        virtual_card_free(card);
    }
    struct virtual_card *card = open_card(&disk);
    assert_answers(card, SELECT_JPKI, "9000");
    assert_answers(card, VERIFY_PIN, "6984");
    virtual_card_free(card);
    pick_up(&disk);
}

static void neither_file_shows_what_is_on_the_card(void **state)
{
    (void)state;
    struct card_on_disk disk;
    lay_down(&disk);
    struct buffer image = content_of(disk.image);
    const char *const secrets[] = {TEST_CARD_MY_NUMBER, "山田", "ABC123", "JPKIAPICCTOKEN2", "IHDR"};
    for (size_t i = 0; i < ARRAY_LENGTH(secrets); i++) {
        assert_non_null(memmem(issued.data, issued.length, secrets[i], strlen(secrets[i])));
        assert_null(memmem(image.data, image.length, secrets[i], strlen(secrets[i])));
    }
    struct stat seen;
    assert_int_equal(0, stat(disk.image, &seen));
    assert_int_equal(0600, seen.st_mode & 0777);
    assert_int_equal(0, stat(disk.key, &seen));
    assert_int_equal(0600, seen.st_mode & 0777);
    buffer_free(&image);
    pick_up(&disk);
}

static void each_write_is_under_a_fresh_key(void **state)
{
    (void)state;
    struct card_on_disk disk;
    lay_down(&disk);
    struct virtual_card *card = open_card(&disk);
    struct buffer before = content_of(disk.key);
    assert_int_equal(OK, virtual_card_store(card));
    struct buffer after = content_of(disk.key);
    assert_int_equal(64, before.length);
    assert_int_equal(64, after.length);
    assert_memory_equal(before.data + 32, after.data, 32); /* the next became the newest */
    assert_memory_not_equal(before.data, after.data, 32);
    assert_memory_not_equal(before.data + 32, after.data + 32, 32);
    buffer_free(&before);
    buffer_free(&after);
    virtual_card_free(card);
    pick_up(&disk);
}

static void one_process_at_a_time_has_a_card(void **state)
{
    (void)state;
    struct card_on_disk disk;
    struct virtual_card *second = NULL;
    lay_down(&disk);
    struct virtual_card *first = open_card(&disk);
    assert_int_equal(ERR_BUSY, virtual_card_open(&disk.where, &second));
    virtual_card_free(first);
    second = open_card(&disk);
    virtual_card_free(second);
    pick_up(&disk);
}

/* Ejecting looks at who has the card. */
static void a_destroyed_card_is_held_by_who_opened_it_too(void **state)
{
    (void)state;
    struct card_on_disk disk;
    struct virtual_card *second = NULL;
    lay_down(&disk);
    put_back(disk.image, &(struct buffer){0});
    struct virtual_card *first = open_card(&disk);
    assert_true(virtual_card_is_destroyed(first));
    assert_true(sealed_image_is_open_elsewhere(&disk.where));
    assert_int_equal(ERR_BUSY, virtual_card_open(&disk.where, &second));
    virtual_card_free(first);
    assert_false(sealed_image_is_open_elsewhere(&disk.where));
    pick_up(&disk);
}

static void a_card_is_not_made_over_another(void **state)
{
    (void)state;
    struct card_on_disk disk;
    struct sealed_image *image = NULL;
    lay_down(&disk);
    struct buffer key = content_of(disk.key);
    assert_int_equal(ERR_EXISTS, sealed_image_create(&disk.where, bytes_of_text("another"), &image));
    struct buffer same = content_of(disk.key);
    assert_true(bytes_equal(buffer_bytes(&key), buffer_bytes(&same)));
    assert_false(opens_destroyed(&disk));
    buffer_free(&key);
    buffer_free(&same);
    pick_up(&disk);
}

/* ---- Tampering ---- */

static void expect_destroyed_for_good(const struct card_on_disk *disk, const struct buffer *image,
                                      const struct buffer *key)
{
    assert_true(opens_destroyed(disk));
    struct buffer image_now = content_of(disk->image);
    struct buffer key_now = content_of(disk->key);
    assert_false(bytes_equal(buffer_bytes(image), buffer_bytes(&image_now)));
    assert_null(memmem(key_now.data, key_now.length, key->data, 32));
    assert_null(memmem(key_now.data, key_now.length, key->data + 32, 32));
    put_back(disk->image, image); /* the sound image is of no use any more */
    assert_true(opens_destroyed(disk));
    buffer_free(&image_now);
    buffer_free(&key_now);
}

static void a_changed_byte_destroys_the_card(void **state) /* Q9 */
{
    (void)state;
    for (size_t sample = 0; sample < 48; sample++) {
        struct card_on_disk disk;
        lay_down(&disk);
        struct buffer image = content_of(disk.image);
        struct buffer key = content_of(disk.key);
        struct buffer changed = content_of(disk.image);
        size_t at = sample < 28   ? sample
                    : sample < 40 ? image.length * (sample - 27) / 13
                                  : image.length - (sample - 39);
        changed.data[at] ^= (uint8_t)(1U << sample % 8);
        put_back(disk.image, &changed);
        expect_destroyed_for_good(&disk, &image, &key);
        buffer_free(&image);
        buffer_free(&key);
        buffer_free(&changed);
        pick_up(&disk);
    }
}

static void a_shortened_or_lengthened_image_destroys_the_card(void **state) /* Q9 */
{
    (void)state;
    static const int changes[] = {-1, -1000, +1};
    for (size_t i = 0; i < ARRAY_LENGTH(changes) + 1; i++) {
        struct card_on_disk disk;
        lay_down(&disk);
        struct buffer image = content_of(disk.image);
        struct buffer key = content_of(disk.key);
        struct buffer changed = content_of(disk.image);
        assert_int_equal(OK, buffer_append_text(&changed, "x"));
        changed.length = i == ARRAY_LENGTH(changes) ? 0 : (size_t)((long)image.length + changes[i]);
        put_back(disk.image, &changed);
        expect_destroyed_for_good(&disk, &image, &key);
        buffer_free(&image);
        buffer_free(&key);
        buffer_free(&changed);
        pick_up(&disk);
    }
}

static void another_cards_key_destroys_the_card(void **state) /* Q9 */
{
    (void)state;
    struct card_on_disk disk;
    struct card_on_disk other;
    lay_down(&disk);
    lay_down(&other);
    struct buffer image = content_of(disk.image);
    struct buffer key = content_of(other.key);
    put_back(disk.key, &key);
    expect_destroyed_for_good(&disk, &image, &key);
    assert_false(opens_destroyed(&other));
    buffer_free(&image);
    buffer_free(&key);
    pick_up(&disk);
    pick_up(&other);
}

static void a_key_file_that_holds_something_else_destroys_the_card(void **state) /* Q9 */
{
    (void)state;
    static const size_t lengths[] = {0, 32, 63};
    for (size_t i = 0; i < ARRAY_LENGTH(lengths) + 1; i++) {
        struct card_on_disk disk;
        lay_down(&disk);
        struct buffer image = content_of(disk.image);
        struct buffer key = content_of(disk.key);
        struct buffer changed = content_of(disk.key);
        assert_int_equal(OK, buffer_append_text(&changed, "x"));
        changed.length = i < ARRAY_LENGTH(lengths) ? lengths[i] : 65;
        put_back(disk.key, &changed);
        expect_destroyed_for_good(&disk, &image, &key);
        buffer_free(&image);
        buffer_free(&key);
        buffer_free(&changed);
        pick_up(&disk);
    }
}

static void an_older_image_put_back_destroys_the_card(void **state) /* Q9: it would restore a spent counter */
{
    (void)state;
    struct card_on_disk disk;
    lay_down(&disk);
    struct virtual_card *card = open_card(&disk);
    struct buffer older = content_of(disk.image);
    struct buffer key = content_of(disk.key);
    assert_answers(card, SELECT_JPKI, "9000");
    assert_answers(card, VERIFY_WRONG_PIN, "63C2");
    virtual_card_free(card);
    put_back(disk.image, &older);
    expect_destroyed_for_good(&disk, &older, &key);
    buffer_free(&older);
    buffer_free(&key);
    pick_up(&disk);
}

static void a_destroyed_card_is_mute(void **state) /* Q9 */
{
    (void)state;
    struct card_on_disk disk;
    lay_down(&disk);
    struct buffer changed = content_of(disk.image);
    changed.data[changed.length / 2] ^= 1;
    put_back(disk.image, &changed);
    struct virtual_card *card = open_card(&disk);
    static const char *const commands[] = {SELECT_JPKI, VERIFY_PIN, "00B08A0004", "00", "0084000008"};
    assert_int_equal(0, virtual_card_atr(card).length);
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
        assert_string_equal("6F00", test_exchange(card, commands[i]));
    for (int pin = 0; pin < CARD_PIN_COUNT; pin++)
        assert_int_equal(-1, virtual_card_tries_left(card, (enum card_pin)pin));
    struct buffer nothing = {0};
    assert_int_equal(ERR_NOT_FOUND, virtual_card_public_key(card, CARD_KEY_AUTHENTICATION, &nothing));
    assert_int_equal(ERR_WRONG_STATE,
                     virtual_card_reset_pin_at_counter(card, CARD_PIN_AUTHENTICATION, "1111"));
    virtual_card_free(card);
    buffer_free(&changed);
    pick_up(&disk);
}

/* ---- What must not destroy ---- */

static void a_missing_file_destroys_nothing(void **state)
{
    (void)state;
    struct card_on_disk disk;
    struct virtual_card *card = NULL;
    lay_down(&disk);
    struct buffer image = content_of(disk.image);
    struct buffer key = content_of(disk.key);
    assert_int_equal(0, unlink(disk.key));
    assert_int_equal(ERR_NOT_FOUND, virtual_card_open(&disk.where, &card));
    put_back(disk.key, &key);
    assert_int_equal(0, unlink(disk.image));
    assert_int_equal(ERR_NOT_FOUND, virtual_card_open(&disk.where, &card));
    put_back(disk.image, &image);
    assert_false(opens_destroyed(&disk));
    buffer_free(&image);
    buffer_free(&key);
    pick_up(&disk);
}

static void a_key_that_others_can_open_is_refused_and_destroys_nothing(void **state)
{
    (void)state;
    struct card_on_disk disk;
    struct virtual_card *card = NULL;
    lay_down(&disk);
    assert_int_equal(0, chmod(disk.key, 0640));
    assert_int_equal(ERR_DENIED, virtual_card_open(&disk.where, &card));
    assert_int_equal(0, chmod(disk.key, 0600));
    assert_false(opens_destroyed(&disk));
    pick_up(&disk);
}

/* ---- Interruption ---- */

/* As after a crash between the two files of a write: the image is new, the key file old. */
static void a_write_cut_off_between_image_and_key_rolls_forward(void **state)
{
    (void)state;
    struct card_on_disk disk;
    lay_down(&disk);
    struct virtual_card *card = open_card(&disk);
    struct buffer key = content_of(disk.key);
    card->state.pins[CARD_PIN_SIGNATURE].tries_left = 1;
    assert_int_equal(OK, virtual_card_store(card));
    virtual_card_free(card);
    put_back(disk.key, &key);
    card = open_card(&disk);
    assert_false(virtual_card_is_destroyed(card));
    assert_int_equal(1, virtual_card_tries_left(card, CARD_PIN_SIGNATURE));
    virtual_card_free(card);
    assert_false(opens_destroyed(&disk));
    buffer_free(&key);
    pick_up(&disk);
}

static void an_image_from_a_write_cut_off_is_of_no_use_after_the_next_opening(void **state) /* Q9 */
{
    (void)state;
    struct card_on_disk disk;
    lay_down(&disk);
    struct virtual_card *card = open_card(&disk);
    struct buffer image = content_of(disk.image);
    struct buffer key = content_of(disk.key);
    assert_int_equal(OK, virtual_card_store(card));
    virtual_card_free(card);
    struct buffer cut_off = content_of(disk.image);
    put_back(disk.key, &key); /* back to the moment before the write */
    put_back(disk.image, &image);
    assert_false(opens_destroyed(&disk));
    put_back(disk.image, &cut_off);
    assert_true(opens_destroyed(&disk));
    buffer_free(&image);
    buffer_free(&key);
    buffer_free(&cut_off);
    pick_up(&disk);
}

/* Whatever fails to reach the disk tells nothing about the PIN. */
static void a_pin_is_not_compared_when_the_try_cannot_be_written(void **state) /* Q8, Q9 */
{
    (void)state;
    static const char *const pins[] = {VERIFY_PIN, VERIFY_WRONG_PIN};
    for (size_t i = 0; i < ARRAY_LENGTH(pins); i++) {
        struct card_on_disk disk;
        char obstacle[320];
        lay_down(&disk);
        struct virtual_card *card = open_card(&disk);
        snprintf(obstacle, sizeof obstacle, "%s.new", disk.image);
        assert_int_equal(0, mkdir(obstacle, 0700));
        assert_answers(card, SELECT_JPKI, "9000");
        assert_string_equal("6F00", test_exchange(card, pins[i]));
        assert_answers(card, "80 2A 00 97 01 00 00", "6F00"); /* nothing more until it is opened again */
        assert_int_equal(0, rmdir(obstacle));
        assert_string_equal("6F00", test_exchange(card, pins[i]));
        virtual_card_free(card);
        assert_false(opens_destroyed(&disk));
        pick_up(&disk);
    }
}

/* In a process of its own: says that it is ready, verifies a wrong PIN, and says so if it lives to see the
 * answer. */
static pid_t guess_in_child(const struct card_on_disk *disk, int says)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct virtual_card *card = NULL;
    struct buffer response = {0};
    static const uint8_t guess[] = {0x00, 0x20, 0x00, 0x98, 0x04, '0', '0', '0', '0'};
    if (virtual_card_open(&disk->where, &card) != OK || virtual_card_is_destroyed(card))
        _exit(1);
    uint8_t select[15] = {0x00, 0xA4, 0x04, 0x0C, 0x0A};
    memcpy(select + 5, card_application_identifier(CARD_JPKI).data, 10);
    virtual_card_transmit(card, bytes_of(select, sizeof select), &response);
    if (write(says, "r", 1) != 1)
        _exit(1);
    virtual_card_transmit(card, bytes_of(guess, sizeof guess), &response);
    if (write(says, "a", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

/* Lets the child live for so many microseconds into its VERIFY, or UNTIL_ANSWERED. True when it had the
 * answer. */
enum { UNTIL_ANSWERED = -1 };
static bool kill_while_guessing(const struct card_on_disk *disk, int64_t life)
{
    int pipe_ends[2];
    char said = 0;
    assert_int_equal(0, pipe(pipe_ends));
    pid_t child = guess_in_child(disk, pipe_ends[1]);
    assert_int_equal(0, close(pipe_ends[1]));
    assert_int_equal(1, read(pipe_ends[0], &said, 1));
    assert_int_equal('r', said);
    bool answered = life == UNTIL_ANSWERED && read(pipe_ends[0], &said, 1) == 1;
    if (life > 0)
        usleep((useconds_t)life);
    assert_int_equal(0, kill(child, SIGKILL));
    assert_int_equal(child, waitpid(child, NULL, 0));
    answered = answered || read(pipe_ends[0], &said, 1) == 1;
    assert_int_equal(0, close(pipe_ends[0]));
    return answered;
}

enum { KILLS = 32 };

/* How long a VERIFY takes here, in microseconds. */
static int64_t time_of_guess(void)
{
    struct card_on_disk disk;
    lay_down(&disk);
    int64_t begun = monotonic_microseconds();
    assert_true(kill_while_guessing(&disk, UNTIL_ANSWERED));
    pick_up(&disk);
    return monotonic_microseconds() - begun;
}

/* Spread over that time, from the first microsecond; the last one lives to see the answer. */
static int64_t life_of(int round, int64_t time)
{
    return round == KILLS - 1 ? UNTIL_ANSWERED : time * round / KILLS;
}

static void a_card_killed_while_verifying_lives_and_has_never_more_tries(void **state) /* Q8, Q9 */
{
    (void)state;
    int64_t time = time_of_guess();
    for (int round = 0; round < KILLS; round++) {
        struct card_on_disk disk;
        lay_down(&disk);
        bool answered = kill_while_guessing(&disk, life_of(round, time));
        struct virtual_card *card = open_card(&disk);
        assert_false(virtual_card_is_destroyed(card));
        int left = virtual_card_tries_left(card, CARD_PIN_AUTHENTICATION);
        assert_true(left == 2 || (left == 3 && !answered));
        assert_answers(card, SELECT_JPKI, "9000");
        assert_answers(card, VERIFY_PIN, "9000");
        virtual_card_free(card);
        pick_up(&disk);
    }
}

static void no_older_image_opens_once_the_answer_is_known(void **state) /* Q9 */
{
    (void)state;
    int known = 0;
    int64_t time = time_of_guess();
    for (int round = 0; round < KILLS; round++) {
        struct card_on_disk disk;
        lay_down(&disk);
        struct buffer older = content_of(disk.image);
        bool answered = kill_while_guessing(&disk, life_of(round, time));
        put_back(disk.image, &older);
        bool destroyed = opens_destroyed(&disk);
        assert_true(destroyed || !answered);
        known += answered;
        buffer_free(&older);
        pick_up(&disk);
    }
    assert_true(known > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_issued_card_opens_again),
        cmocka_unit_test(counters_are_on_disk),
        cmocka_unit_test(neither_file_shows_what_is_on_the_card),
        cmocka_unit_test(each_write_is_under_a_fresh_key),
        cmocka_unit_test(one_process_at_a_time_has_a_card),
        cmocka_unit_test(a_destroyed_card_is_held_by_who_opened_it_too),
        cmocka_unit_test(a_card_is_not_made_over_another),
        cmocka_unit_test(a_changed_byte_destroys_the_card),
        cmocka_unit_test(a_shortened_or_lengthened_image_destroys_the_card),
        cmocka_unit_test(another_cards_key_destroys_the_card),
        cmocka_unit_test(a_key_file_that_holds_something_else_destroys_the_card),
        cmocka_unit_test(an_older_image_put_back_destroys_the_card),
        cmocka_unit_test(a_destroyed_card_is_mute),
        cmocka_unit_test(a_missing_file_destroys_nothing),
        cmocka_unit_test(a_key_that_others_can_open_is_refused_and_destroys_nothing),
        cmocka_unit_test(a_write_cut_off_between_image_and_key_rolls_forward),
        cmocka_unit_test(an_image_from_a_write_cut_off_is_of_no_use_after_the_next_opening),
        cmocka_unit_test(a_pin_is_not_compared_when_the_try_cannot_be_written),
        cmocka_unit_test(a_card_killed_while_verifying_lives_and_has_never_more_tries),
        cmocka_unit_test(no_older_image_opens_once_the_answer_is_known),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, issue, forget);
}
