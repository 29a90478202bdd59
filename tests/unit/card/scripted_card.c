#include "scripted_card.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void pause_for(int milliseconds)
{
    struct timespec wait = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};
    nanosleep(&wait, NULL);
}

static void say(int connection, const struct scripted_step *step)
{
    if (step->pause == 0) {
        (void)!send(connection, step->send.data, step->send.length, MSG_NOSIGNAL);
        return;
    }
    for (size_t i = 0; i < step->send.length; i++) {
        pause_for(step->pause);
        if (send(connection, step->send.data + i, 1, MSG_NOSIGNAL) != 1)
            return;
    }
}

static void serve(struct scripted_card *card, int connection)
{
    struct buffer frame = {0};
    (void)!send(connection, card->greeting.data, card->greeting.length, MSG_NOSIGNAL);
    bool done = false;
    for (size_t i = 0; i < card->count && !done; i++) {
        const struct scripted_step *step = &card->steps[i];
        if (wire_receive(connection, -1, &frame) != OK)
            break;
        if (step->expect.length > 0 && !bytes_equal(step->expect, buffer_bytes(&frame))) {
            card->surprised = true;
            break;
        }
        say(connection, step);
        card->played++;
        done = step->hang_up;
    }
    while (!done && wire_receive(connection, -1, &frame) == OK)
        continue;
    buffer_free(&frame);
}

static void *play(void *context)
{
    struct scripted_card *card = context;
    int connection = accept(card->listener, NULL, NULL);
    if (connection >= 0) {
        serve(card, connection);
        close(connection);
    }
    return NULL;
}

void scripted_card_begin(struct scripted_card *card, const char *path)
{
    if (wire_listen(path, &card->listener) != OK || pthread_create(&card->thread, NULL, play, card) != 0)
        abort();
}

void scripted_card_end(struct scripted_card *card, const char *path)
{
    unlink(path);
    shutdown(card->listener, SHUT_RDWR); /* where nobody ever connected */
    pthread_join(card->thread, NULL);
    close(card->listener);
}
