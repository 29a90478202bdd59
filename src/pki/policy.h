#ifndef SHIKAKU_PKI_POLICY_H
#define SHIKAKU_PKI_POLICY_H

/* Certificate policies of the Japanese Public Key Infrastructure (公的個人認証), as seen on cards. */
#define POLICY_SIGNATURE "1.2.392.200149.8.5.1.1.20"
#define POLICY_AUTHENTICATION "1.2.392.200149.8.5.1.3.30"
#define POLICY_TEST "1.2.392.200149.8.5.1.0.20"

#endif
