#include "pki/library.h"

#include <openssl/err.h>

void library_forget(void)
{
    ERR_clear_error();
}

enum status library_refused(enum status status)
{
    library_forget();
    return status;
}
