/* usage: hold_card READER
 *
 * Another program on the machine: takes the card in a transaction, says "held", and keeps it until it is
 * ended. For tests of what the others then do. */
#include <stdio.h>
#include <unistd.h>
#include <winscard.h>

int main(int count, char **arguments)
{
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol;
    if (count != 2 || SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
        return 2;
    if (SCardConnect(context, arguments[1], SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, &card, &protocol) !=
            SCARD_S_SUCCESS ||
        SCardBeginTransaction(card) != SCARD_S_SUCCESS)
        return 1;
    puts("held");
    fflush(stdout);
    return pause();
}
