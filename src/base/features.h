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

/*
 * Large blocks go back to the system when they are freed.  The C library would
 * learn from the first of them to keep as much for the next.
 */
#ifdef HAVE_MALLOPT
#include <malloc.h>
#define MEMORY_GIVE_BACK(from) ((void) mallopt(M_MMAP_THRESHOLD, from))
#define MEMORY_TRIM() ((void) malloc_trim(0))
#else
#define MEMORY_GIVE_BACK(from) ((void) (from))
#define MEMORY_TRIM() ((void) 0)
#endif

/* Where make install puts www/; the Makefile says, since it is what knows the prefix. */
#ifndef CULVERT_PAGES
#define CULVERT_PAGES "/usr/local/share/culvert/www"
#endif

#ifdef PACKAGE_VERSION
#define CULVERT_VERSION PACKAGE_VERSION
#else
#define CULVERT_VERSION "unknown"
#endif

#endif
