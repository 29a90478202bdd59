#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "card/virtual_player.h"
#include "card/wire.h"
#include "programs/shikaku_card.h"

/* insert and eject: a process plays the card on the reader's socket until it is told to stop. */

enum { EJECT_PATIENCE = 5 * MICROSECONDS, EJECT_STEP = 20000 };

/* ---- In the reader ---- */

/* Readable once we are asked to end. Also before the card is there, so that no signal is lost. */
static int open_stop(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
        return -1;
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

static enum status write_pid(const char *path)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    return file_write_durably(path, bytes_of(text, (size_t)length), 0644);
}

/* A second card in the same reader would silence the first. */
static bool is_occupied(const char *reader)
{
    int connection = -1;
    if (wire_connect(reader, &connection) != OK)
        return false;
    (void)close(connection);
    return true;
}

static enum status listen_on(const struct card_options *options, int *listener)
{
    if (is_occupied(options->reader)) {
        card_say("このカードリーダーには、別のカードが入っています。",
                 "There is another card in this reader.");
        return ERR_BUSY;
    }
    enum status status = wire_listen(options->reader, listener);
    if (status != OK)
        card_say("カードリーダーのソケットを作ることができませんでした。",
                 "The reader's socket could not be made.");
    return status;
}

/* A card in a reader. */
struct played {
    const struct card_options *options;
    struct card_place place;
    struct virtual_card *card;
    int listener;
    int stop;
};

/* From here on a driver can connect; it waits until the card is played. */
static enum status put_in(struct played *played)
{
    played->listener = -1;
    played->stop = open_stop();
    if (played->stop < 0)
        return status_from_errno(errno);
    enum status status = card_open_or_say(&played->place, &played->card);
    if (status == OK)
        status = listen_on(played->options, &played->listener);
    return status == OK ? write_pid(played->place.pid) : status;
}

static void take_out(struct played *played)
{
    if (played->listener >= 0) {
        (void)unlink(played->options->reader);
        (void)unlink(played->place.pid);
        (void)close(played->listener);
    }
    if (played->stop >= 0)
        (void)close(played->stop);
    virtual_card_free(played->card);
}

static enum card_exit play(struct played *played)
{
    bool destroyed = virtual_card_is_destroyed(played->card);
    LOG(LOG_INFO, "card_inserted", log_word("card", destroyed ? "destroyed" : "good"));
    enum status status = virtual_card_play(played->card, played->listener, played->stop);
    LOG(LOG_INFO, "card_ejected", log_status("status", status));
    return status == OK ? CARD_EXIT_OK : CARD_EXIT_NO;
}

static enum card_exit insert_here(struct played *played)
{
    enum card_exit result = CARD_EXIT_NO;
    if (put_in(played) == OK)
        result = play(played);
    take_out(played);
    return result;
}

/* ---- In the background ---- */

static void make_log_directory(const struct card_options *options)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/logs", options->cards) < (int)sizeof path)
        (void)mkdir(path, 0700);
}

/* From here on nobody reads what we say: the log does. */
static void leave_terminal(const struct card_place *place)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log = open(place->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (null >= 0) {
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
        (void)dup2(log >= 0 ? log : null, STDERR_FILENO);
        (void)close(null);
    }
    if (log >= 0)
        (void)close(log);
}

/* ready: told when the card is in the reader; what stands in the way is said before. */
static _Noreturn void insert_in_child(struct played *played, int ready)
{
    enum card_exit result = CARD_EXIT_NO;
    (void)setsid();
    if (put_in(played) == OK) {
        leave_terminal(&played->place);
        if (write(ready, "r", 1) == 1)
            result = play(played);
    }
    take_out(played);
    _exit((int)result);
}

static enum card_exit insert_in_background(struct played *played)
{
    int ready[2];
    char word = '\0';
    make_log_directory(played->options);
    if (pipe2(ready, O_CLOEXEC) != 0)
        return CARD_EXIT_NO;
    pid_t child = fork();
    if (child < 0)
        return CARD_EXIT_NO;
    if (child == 0) {
        (void)close(ready[0]);
        insert_in_child(played, ready[1]);
    }
    (void)close(ready[1]);
    bool inserted = read(ready[0], &word, 1) == 1;
    (void)close(ready[0]);
    if (inserted)
        printf("%ld\n", (long)child);
    return inserted ? CARD_EXIT_OK : CARD_EXIT_NO;
}

enum card_exit card_insert(const struct card_options *options)
{
    struct played played = {.options = options, .listener = -1, .stop = -1};
    if (!options->reader) {
        card_say("--reader でカードリーダーのソケットを指定してください。",
                 "Name the reader's socket with --reader.");
        return CARD_EXIT_USAGE;
    }
    if (card_place_of(options, &played.place) != OK)
        return CARD_EXIT_USAGE;
    log_open(STDERR_FILENO, "shikaku-card", LOG_INFO);
    return options->background ? insert_in_background(&played) : insert_here(&played);
}

/* ---- Out of the reader ---- */

/* 0: none. */
static pid_t read_pid(const char *path)
{
    struct buffer text = {0};
    long pid = 0;
    if (file_read(path, 32, &text) == OK && buffer_append(&text, bytes_of("", 1)) == OK)
        pid = strtol((const char *)text.data, NULL, 10);
    buffer_free(&text);
    return pid > 1 ? (pid_t)pid : 0;
}

/* The lock of the image tells, since a process may have died and its number been given to another. */
static bool is_played(const struct card_place *place)
{
    const struct card_location where = card_location_of(place);
    return sealed_image_is_open_elsewhere(&where);
}

enum card_exit card_eject(const struct card_options *options)
{
    struct card_place place;
    if (card_place_of(options, &place) != OK)
        return CARD_EXIT_USAGE;
    pid_t player = read_pid(place.pid);
    if (player == 0 || !is_played(&place)) {
        card_say("このカードは、カードリーダーに入っていません。", "This card is in no reader.");
        return CARD_EXIT_NO;
    }
    if (kill(player, SIGTERM) != 0)
        return CARD_EXIT_NO;
    int64_t end = monotonic_microseconds() + EJECT_PATIENCE;
    while (is_played(&place) && monotonic_microseconds() < end)
        usleep(EJECT_STEP);
    if (is_played(&place)) {
        card_say("カードが取り出せませんでした。", "The card did not come out.");
        return CARD_EXIT_NO;
    }
    return CARD_EXIT_OK;
}
