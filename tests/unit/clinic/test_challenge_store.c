#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clinic/challenge_store.h"

static char directory[] = "/tmp/challenge-store-XXXXXX";
static char path[64];
static const moment now = (moment)1700000000 * MICROSECONDS;

static struct challenge_store store_of(uint8_t centre, uint8_t caller)
{
    return (struct challenge_store){.path = path, .centre = {{centre}}, .caller = {{caller}}};
}

static moment in_seconds(int seconds)
{
    return now + (moment)seconds * MICROSECONDS;
}

static int make_directory(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/challenges.json", directory);
    return 0;
}

static int empty_directory(void **state)
{
    char name[96];
    (void)state;
    unlink(path);
    snprintf(name, sizeof name, "%s.lock", path);
    unlink(name);
    return 0;
}

static int remove_directory(void **state)
{
    empty_directory(state);
    return rmdir(directory);
}

static void put(const struct challenge_store *store, size_t count, moment expires_at)
{
    struct challenge challenges[CHALLENGE_STORE_LIMIT];
    for (size_t i = 0; i < count; i++)
        memset(challenges[i].bytes, (int)i + 1, CHALLENGE_LENGTH);
    assert_int_equal(challenge_store_put(store, challenges, count, expires_at), OK);
}

static void each_challenge_is_given_out_once(void **state)
{
    (void)state;
    const struct challenge_store store = store_of(1, 2);
    bool seen[CHALLENGE_STORE_LIMIT + 1] = {false};
    struct challenge challenge;
    put(&store, CHALLENGE_STORE_LIMIT, in_seconds(300));
    for (size_t i = 0; i < CHALLENGE_STORE_LIMIT; i++) {
        assert_int_equal(challenge_store_take(&store, now, &challenge), OK);
        assert_false(seen[challenge.bytes[0]]);
        seen[challenge.bytes[0]] = true;
    }
    assert_int_equal(challenge_store_take(&store, now, &challenge), ERR_NOT_FOUND);
}

static void a_challenge_is_given_out_while_it_lives_long_enough(void **state)
{
    static const struct {
        int lives;
        enum status expected;
    } lives[] = {
        {300, OK}, {CHALLENGE_MARGIN, OK}, {CHALLENGE_MARGIN - 1, ERR_NOT_FOUND}, {-1, ERR_NOT_FOUND}};
    (void)state;
    const struct challenge_store store = store_of(1, 2);
    struct challenge challenge;
    for (size_t i = 0; i < ARRAY_LENGTH(lives); i++) {
        size_t count;
        put(&store, 3, in_seconds(lives[i].lives));
        assert_int_equal(challenge_store_count(&store, now, &count), OK);
        assert_int_equal(count, lives[i].expected == OK ? 3 : 0);
        assert_int_equal(challenge_store_take(&store, now, &challenge), lives[i].expected);
    }
}

static void challenges_of_another_centre_or_certificate_are_not_used(void **state)
{
    (void)state;
    const struct challenge_store ours = store_of(1, 2);
    const struct challenge_store other_centre = store_of(9, 2);
    const struct challenge_store other_certificate = store_of(1, 9);
    struct challenge challenge;
    put(&ours, 2, in_seconds(300));
    assert_int_equal(challenge_store_take(&other_centre, now, &challenge), ERR_NOT_FOUND);
    assert_int_equal(challenge_store_take(&other_certificate, now, &challenge), ERR_NOT_FOUND);
    assert_int_equal(challenge_store_take(&ours, now, &challenge), OK);
}

static void a_file_that_cannot_be_read_holds_nothing(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"centre\": 1}",
        "{\"centre\":\"01\",\"caller\":\"02\",\"expires_at\":\"2030-01-01T00:00:00+09:00\"}",
    };
    (void)state;
    const struct challenge_store store = store_of(1, 2);
    struct challenge challenge;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        assert_int_equal(file_write_durably(path, bytes_of_text(texts[i]), 0600), OK);
        assert_int_equal(challenge_store_take(&store, now, &challenge), ERR_NOT_FOUND);
        put(&store, 1, in_seconds(300));
        assert_int_equal(challenge_store_take(&store, now, &challenge), OK);
    }
}

static void the_file_is_for_its_owner_only(void **state)
{
    (void)state;
    const struct challenge_store store = store_of(1, 2);
    struct stat found;
    put(&store, 1, in_seconds(300));
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
}

/* Two programs of one terminal never sign the same challenge. */
static void programs_side_by_side_never_get_the_same_challenge(void **state)
{
    enum { PROGRAMS = 4, EACH = 20 };
    (void)state;
    const struct challenge_store store = store_of(1, 2);
    int line[2];
    put(&store, PROGRAMS * EACH, in_seconds(300));
    assert_int_equal(pipe(line), 0);
    for (int program = 0; program < PROGRAMS; program++) {
        if (fork() != 0)
            continue;
        for (int i = 0; i < EACH; i++) {
            struct challenge challenge;
            if (challenge_store_take(&store, now, &challenge) != OK ||
                write(line[1], challenge.bytes, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    for (int program = 0; program < PROGRAMS; program++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    bool seen[256] = {false};
    for (int i = 0; i < PROGRAMS * EACH; i++) {
        uint8_t first;
        assert_int_equal(read(line[0], &first, 1), 1);
        assert_false(seen[first]);
        seen[first] = true;
    }
    close(line[0]);
    close(line[1]);
}

int main(void)
{
#define WITH_EMPTY(test) cmocka_unit_test_setup_teardown(test, empty_directory, empty_directory)
    const struct CMUnitTest tests[] = {
        WITH_EMPTY(each_challenge_is_given_out_once),
        WITH_EMPTY(a_challenge_is_given_out_while_it_lives_long_enough),
        WITH_EMPTY(challenges_of_another_centre_or_certificate_are_not_used),
        WITH_EMPTY(a_file_that_cannot_be_read_holds_nothing),
        WITH_EMPTY(the_file_is_for_its_owner_only),
        WITH_EMPTY(programs_side_by_side_never_get_the_same_challenge),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
