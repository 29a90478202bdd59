#ifndef SHIKAKU_CARD_CLIENT_SESSION_H
#define SHIKAKU_CARD_CLIENT_SESSION_H

#include "card/apdu.h"
#include "card/client.h"

/* What the parts of the client share. Only client*.c include this. */

/* One command; the answer's data is in *data (a view into client->response) and its status word in
 * client->status_word, whatever that is. data may be NULL. */
enum card_error client_transmit(struct card_client *client, const struct command_apdu *command,
                                struct bytes *data) MUST_CHECK;
/* The error for a status word that none of a command's own rules explains. CARD_OK for 9000. */
enum card_error client_error_of(uint16_t status_word);

/* Nothing is sent where the application is selected already. */
enum card_error client_select(struct card_client *client, enum card_application application) MUST_CHECK;
enum card_error client_select_file(struct card_client *client, unsigned file) MUST_CHECK;
/* The one object (TLV or DER) at the beginning of a file, appended; nothing where the file holds none.
 * CARD_ERR_PIN_NEEDED where it is not open. */
enum card_error client_read_object(struct card_client *client, enum card_application application,
                                   unsigned file, struct buffer *out) MUST_CHECK;

#endif
