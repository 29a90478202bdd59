/*
 * The pcscd driver of the virtual reader: the IFD handler 3.0 interface over card/ifd/channel.h. reader.conf
 * names /dev/null:/path/to/socket as the device: pcscd insists that what stands before the colon exists.
 *
 * pcscd calls plain C functions with a reader's number (Lun >> 16), so the table of readers is global. pcscd
 * calls one reader from one thread at a time, and different readers from different threads.
 */
#include <ifdhandler.h>
#include <reader.h>
#include <string.h>

#include "card/ifd/channel.h"

#define EXPORTED __attribute__((visibility("default")))

enum {
    READERS = 16, /* what pcscd holds at most */
    IOCTL_GET_TLV_PROPERTIES = SCARD_CTL_CODE(1),
};

struct reader_slot {
    bool open;
    struct channel channel;
};

static struct reader_slot readers[READERS];

static struct channel *channel_of(DWORD lun)
{
    DWORD reader = lun >> 16;
    if (reader >= READERS || (lun & 0xFFFF) != 0 || !readers[reader].open)
        return NULL;
    return &readers[reader].channel;
}

static RESPONSECODE response_of(enum status status)
{
    switch (status) {
    case OK:
        return IFD_SUCCESS;
    case ERR_NOT_FOUND:
        return IFD_ICC_NOT_PRESENT;
    case ERR_TIMEOUT:
        return IFD_RESPONSE_TIMEOUT;
    case ERR_RANGE:
        return IFD_NOT_SUPPORTED;
    default:
        return IFD_COMMUNICATION_ERROR;
    }
}

EXPORTED RESPONSECODE IFDHCreateChannelByName(DWORD Lun, LPSTR DeviceName)
{
    DWORD reader = Lun >> 16;
    const char *path = DeviceName == NULL ? NULL : strchr(DeviceName, ':');
    if (reader >= READERS || readers[reader].open || path == NULL)
        return IFD_NO_SUCH_DEVICE;
    if (channel_prepare(&readers[reader].channel, path + 1, channel_patience_usual) != OK)
        return IFD_NO_SUCH_DEVICE;
    readers[reader].open = true;
    return IFD_SUCCESS;
}

/* A number names no socket: only reader.conf's DEVICENAME does. */
EXPORTED RESPONSECODE IFDHCreateChannel(DWORD Lun, DWORD Channel)
{
    (void)Lun;
    (void)Channel;
    return IFD_NO_SUCH_DEVICE;
}

EXPORTED RESPONSECODE IFDHCloseChannel(DWORD Lun)
{
    struct channel *channel = channel_of(Lun);
    if (channel == NULL)
        return IFD_NO_SUCH_DEVICE;
    if (channel->atr_length > 0 && channel_power_off(channel) != OK)
        channel_close(channel); /* the card is gone already: all the better */
    channel_close(channel);
    readers[Lun >> 16].open = false;
    return IFD_SUCCESS;
}

static RESPONSECODE answer_bytes(const void *bytes, size_t length, PDWORD capacity, PUCHAR out)
{
    if (*capacity < length)
        return IFD_ERROR_INSUFFICIENT_BUFFER;
    memcpy(out, bytes, length);
    *capacity = length;
    return IFD_SUCCESS;
}

static RESPONSECODE answer_byte(uint8_t byte, PDWORD capacity, PUCHAR out)
{
    return answer_bytes(&byte, 1, capacity, out);
}

EXPORTED RESPONSECODE IFDHGetCapabilities(DWORD Lun, DWORD Tag, PDWORD Length, PUCHAR Value)
{
    if (Length == NULL || Value == NULL)
        return IFD_COMMUNICATION_ERROR;
    const struct channel *channel;
    switch (Tag) {
    case TAG_IFD_ATR:
    case SCARD_ATTR_ATR_STRING:
        channel = channel_of(Lun);
        if (channel == NULL)
            return IFD_NO_SUCH_DEVICE;
        return answer_bytes(channel->atr, channel->atr_length, Length, Value);
    case TAG_IFD_SIMULTANEOUS_ACCESS:
        return answer_byte(READERS, Length, Value);
    case TAG_IFD_THREAD_SAFE:
        return answer_byte(1, Length, Value);
    case TAG_IFD_SLOTS_NUMBER:
        return answer_byte(1, Length, Value);
    case TAG_IFD_SLOT_THREAD_SAFE:
        return answer_byte(0, Length, Value);
    default:
        return IFD_ERROR_TAG;
    }
}

EXPORTED RESPONSECODE IFDHSetCapabilities(DWORD Lun, DWORD Tag, DWORD Length, PUCHAR Value)
{
    (void)Tag;
    (void)Length;
    (void)Value;
    return channel_of(Lun) == NULL ? IFD_NO_SUCH_DEVICE : IFD_ERROR_TAG;
}

/* Under T=0 the expected length would be lost on its way to the card. */
EXPORTED RESPONSECODE IFDHSetProtocolParameters(DWORD Lun, DWORD Protocol, UCHAR Flags, UCHAR PTS1,
                                                UCHAR PTS2, UCHAR PTS3)
{
    (void)Flags;
    (void)PTS1;
    (void)PTS2;
    (void)PTS3;
    if (channel_of(Lun) == NULL)
        return IFD_NO_SUCH_DEVICE;
    return Protocol == SCARD_PROTOCOL_T1 ? IFD_SUCCESS : IFD_PROTOCOL_NOT_SUPPORTED;
}

static RESPONSECODE power_up(struct channel *channel, bool reset, PUCHAR atr, PDWORD atr_length)
{
    enum status status = reset ? channel_reset(channel) : channel_power_on(channel);
    if (status != OK)
        return status == ERR_NOT_FOUND ? IFD_ICC_NOT_PRESENT : IFD_ERROR_POWER_ACTION;
    memcpy(atr, channel->atr, channel->atr_length);
    *atr_length = channel->atr_length;
    return IFD_SUCCESS;
}

EXPORTED RESPONSECODE IFDHPowerICC(DWORD Lun, DWORD Action, PUCHAR Atr, PDWORD AtrLength)
{
    struct channel *channel = channel_of(Lun);
    if (channel == NULL || Atr == NULL || AtrLength == NULL)
        return IFD_NO_SUCH_DEVICE;
    *AtrLength = 0; /* pcscd hands in MAX_ATR_SIZE bytes, whatever it says */
    memset(Atr, 0, MAX_ATR_SIZE);
    switch (Action) {
    case IFD_POWER_UP:
        return power_up(channel, false, Atr, AtrLength);
    case IFD_RESET:
        return power_up(channel, true, Atr, AtrLength);
    case IFD_POWER_DOWN:
        return response_of(channel_power_off(channel));
    default:
        return IFD_NOT_SUPPORTED;
    }
}

EXPORTED RESPONSECODE IFDHTransmitToICC(DWORD Lun, SCARD_IO_HEADER SendPci, PUCHAR TxBuffer, DWORD TxLength,
                                        PUCHAR RxBuffer, PDWORD RxLength, PSCARD_IO_HEADER RecvPci)
{
    if (RxLength == NULL)
        return IFD_COMMUNICATION_ERROR;
    DWORD capacity = *RxLength;
    *RxLength = 0;
    struct channel *channel = channel_of(Lun);
    if (channel == NULL || TxBuffer == NULL || RxBuffer == NULL)
        return IFD_NO_SUCH_DEVICE;
    enum status status = channel_transmit(channel, bytes_of(TxBuffer, TxLength));
    if (status != OK)
        return response_of(status);
    if (RecvPci != NULL)
        RecvPci->Protocol = SendPci.Protocol;
    RESPONSECODE response = answer_bytes(channel->answer.data, channel->answer.length, &capacity, RxBuffer);
    if (response == IFD_SUCCESS)
        *RxLength = capacity;
    buffer_clear(&channel->answer);
    return response;
}

/* PC/SC part 10: one property is worth telling, that a command may carry more than 255 bytes. */
EXPORTED RESPONSECODE IFDHControl(DWORD Lun, DWORD dwControlCode, PUCHAR TxBuffer, DWORD TxLength,
                                  PUCHAR RxBuffer, DWORD RxLength, LPDWORD pdwBytesReturned)
{
    static const uint8_t features[] = {
        FEATURE_GET_TLV_PROPERTIES,           4,
        IOCTL_GET_TLV_PROPERTIES >> 24,       IOCTL_GET_TLV_PROPERTIES >> 16 & 0xFF,
        IOCTL_GET_TLV_PROPERTIES >> 8 & 0xFF, IOCTL_GET_TLV_PROPERTIES & 0xFF};
    static const uint8_t properties[] = {
        PCSCv2_PART10_PROPERTY_dwMaxAPDUDataSize, 4, CHANNEL_COMMAND_DATA_LENGTH & 0xFF,
        CHANNEL_COMMAND_DATA_LENGTH >> 8,         0, 0};
    (void)TxBuffer;
    (void)TxLength;
    if (pdwBytesReturned == NULL)
        return IFD_COMMUNICATION_ERROR;
    *pdwBytesReturned = 0;
    if (channel_of(Lun) == NULL || RxBuffer == NULL)
        return IFD_NO_SUCH_DEVICE;
    DWORD length = RxLength;
    RESPONSECODE response;
    if (dwControlCode == CM_IOCTL_GET_FEATURE_REQUEST)
        response = answer_bytes(features, sizeof features, &length, RxBuffer);
    else if (dwControlCode == IOCTL_GET_TLV_PROPERTIES)
        response = answer_bytes(properties, sizeof properties, &length, RxBuffer);
    else
        return IFD_ERROR_NOT_SUPPORTED;
    if (response == IFD_SUCCESS)
        *pdwBytesReturned = length;
    return response;
}

EXPORTED RESPONSECODE IFDHICCPresence(DWORD Lun)
{
    struct channel *channel = channel_of(Lun);
    if (channel == NULL)
        return IFD_NO_SUCH_DEVICE;
    return channel_poll(channel) ? IFD_ICC_PRESENT : IFD_ICC_NOT_PRESENT;
}
