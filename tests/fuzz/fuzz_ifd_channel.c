/*
 * What a hostile card process may send to the driver. The input is that process: first a byte for what pcscd
 * asks of the driver (two bits a call, used round and round), then, for each frame that the driver sends, a
 * length byte and so many raw bytes in answer. At the end of the input it hangs up.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "card/ifd/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct hostile_card {
    int line;
    struct bytes answers;
};

/* The frame's bytes, or false when the driver has hung up. */
static bool take_frame(int line)
{
    uint8_t bytes[16];
    return recv(line, bytes, sizeof bytes, 0) > 0;
}

static void *play(void *context)
{
    const struct hostile_card *card = context;
    struct bytes left = card->answers;
    while (left.length > 0 && take_frame(card->line)) {
        size_t length = left.data[0] < left.length - 1 ? left.data[0] : left.length - 1;
        (void)!send(card->line, left.data + 1, length, MSG_NOSIGNAL);
        left = bytes_from(left, 1 + length);
    }
    shutdown(card->line, SHUT_RDWR);
    return NULL;
}

static void drive(struct channel *channel, uint8_t calls)
{
    static const uint8_t command[] = {0x00, 0xB0, 0x00, 0x00, 0x00};
    for (unsigned i = 0; i < 64 && channel->fd >= 0; i++) {
        switch (calls >> (i % 4 * 2) & 3) {
        case 0:
            if (channel_poll(channel) != (channel->fd >= 0))
                abort();
            break;
        case 1:
            if (channel_power_on(channel) == OK && channel->atr_length < 2)
                abort();
            break;
        case 2:
            if (channel_transmit(channel, bytes_of(command, sizeof command)) == OK &&
                channel->answer.length < 2)
                abort();
            break;
        default:
            if (channel_power_off(channel) == OK && channel->atr_length != 0)
                abort();
        }
        if (channel->atr_length > CHANNEL_ATR_LENGTH)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int line[2];
    struct channel channel;
    pthread_t thread;
    if (size < 2 || size > 4096)
        return 0;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, line) != 0 ||
        channel_prepare(&channel, "/nonexistent/card", (struct channel_patience){2, 2}) != OK)
        abort();
    channel.fd = line[0];
    struct hostile_card card = {.line = line[1], .answers = bytes_of(data + 1, size - 1)};
    if (pthread_create(&thread, NULL, play, &card) != 0)
        abort();
    drive(&channel, data[0]);
    channel_close(&channel);
    pthread_join(thread, NULL);
    close(line[1]);
    return 0;
}
