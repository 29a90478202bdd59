#ifndef SHIKAKU_CLINIC_SETTINGS_H
#define SHIKAKU_CLINIC_SETTINGS_H

#include "base/region.h"
#include "domain/numbers.h"

/*
 * clinic.json, what an institution's terminal has to know. Paths are relative to the file's own directory.
 *
 *   centre_url            "https://host:port", without a final '/'
 *   centre_ca             PEM, the centre's CA: the only one believed, and the `centre` of every statement
 *   machine_certificate   PEM, this institution's machine certificate
 *   machine_key           PEM, mode 0600
 *   institution_code      ten digits; must be those of the machine certificate
 *   terminal_certificate  568 bytes, card-verifiable; with terminal_key, or neither: then there is no form
 *   terminal_key          PEM, mode 0600                                     without PIN here
 *   reader                the PC/SC reader's name; left out: any
 *   challenge_file        where challenges fetched ahead are kept; left out: "challenges.json"
 */
struct clinic_settings {
    struct region texts; /* owns the texts below */
    const char *centre_url;
    const char *centre_ca;
    const char *machine_certificate;
    const char *machine_key;
    struct institution_code institution;
    const char *terminal_certificate; /* NULL: none */
    const char *terminal_key;
    const char *reader; /* NULL: any */
    const char *challenge_file;
};

/* What is wrong with the settings, for whoever maintains the terminal: names of members and files only. */
struct settings_fault {
    char text[256];
};

/* ERR_NOT_FOUND, ERR_MALFORMED …; *out is empty then. Freed by clinic_settings_free(). */
enum status clinic_settings_load(const char *path, struct clinic_settings *out,
                                 struct settings_fault *fault) MUST_CHECK;
void clinic_settings_free(struct clinic_settings *settings);

#endif
