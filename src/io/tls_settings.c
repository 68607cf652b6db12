#include "io/tls_settings.h"

#include <mbedtls/ssl.h>
#include <mbedtls/version.h>

/* The library's own order begins with the dearest curve: it would double the cost of a handshake. */
#if MBEDTLS_VERSION_NUMBER >= 0x03010000
static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
	MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, 0};
#define CONF_GROUPS(config) mbedtls_ssl_conf_groups((config), groups)
#else
static const mbedtls_ecp_group_id groups[] = {
	MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE};
#define CONF_GROUPS(config) mbedtls_ssl_conf_curves((config), groups)
#endif

void
tls_settings_apply(struct mbedtls_ssl_config *config)
{
	mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_max_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
	CONF_GROUPS(config);
}
