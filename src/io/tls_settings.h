/* tls_settings.h: what holds for TLS in both directions (mbedTLS): its version and the groups. */
#ifndef CULVERT_IO_TLS_SETTINGS_H
#define CULVERT_IO_TLS_SETTINGS_H

struct mbedtls_ssl_config;

void tls_settings_apply(struct mbedtls_ssl_config *config);

#endif
