#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/child.h"
#include "process/message.h"

/* Whatever a process that was taken over sends: each request is heard once, each of ours is answered once. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(void *context, struct message_channel *channel, const struct message *message)
{
    size_t *heard = context;
    *heard += message->payload.length + MESSAGE_HEADER_SIZE;
    if (message->type == 0 || message->type & MESSAGE_REPLY ||
        message->payload.length > MESSAGE_PAYLOAD_LIMIT)
        abort();
    if (message->correlation &&
        message_reply(channel, message->type, message->correlation, OK, (struct bytes){0}) != OK)
        abort();
}

static void count_answer(void *context, enum status status, struct bytes payload)
{
    (void)status, (void)payload;
    ++*(int *)context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int near, far, answers = 0;
    size_t heard = 0;
    if (child_socket_pair(&near, &far) != OK)
        abort();
    const struct message_channel_options options = {
        .on_message = answer, .context = &heard, .request_limit = 4};
    struct message_channel *channel;
    if (message_channel_open(near, &options, &channel) != OK)
        abort();
    for (int i = 0; i < 3; i++)
        if (message_request(channel, 1, (struct bytes){0}, 0, count_answer, &answers) != OK)
            abort();
    enum status status = OK;
    /* In pieces, so that frames are cut anywhere. */
    for (size_t at = 0; at < size && status == OK;) {
        size_t piece = size - at < 4000 ? size - at : 4000;
        ssize_t sent = send(far, data + at, piece, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0)
            break;
        at += (size_t)sent;
        status = message_channel_process(channel);
    }
    if (heard > size)
        abort();
    message_channel_close(channel);
    if (answers != 3)
        abort();
    close(far);
    return 0;
}
