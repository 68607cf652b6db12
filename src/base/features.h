/* features.h: what configure found out, as macros that hold everywhere.  The only reader of config.h. */
#ifndef CULVERT_BASE_FEATURES_H
#define CULVERT_BASE_FEATURES_H

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

/*
 * Expat 2.6 (and distributions that carry the change back) puts off parsing
 * until a token is likely complete, and then never reports an element that
 * arrived in two pieces and is followed by silence.  XMPP is made of such
 * silences, so this must be off wherever it exists; the version number does
 * not tell.
 */
#ifdef HAVE_XML_SETREPARSEDEFERRALENABLED
#define EXPAT_PARSE_AT_ONCE(parser) XML_SetReparseDeferralEnabled(parser, XML_FALSE)
#else
#define EXPAT_PARSE_AT_ONCE(parser) ((void) (parser))
#endif

#ifdef PACKAGE_VERSION
#define CULVERT_VERSION PACKAGE_VERSION
#else
#define CULVERT_VERSION "unknown"
#endif

#endif
