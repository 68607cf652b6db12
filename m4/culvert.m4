dnl culvert.m4: configure's own checks.

dnl CULVERT_MISSING(WHAT, DEBIAN-PACKAGE): remembers something to report.
AC_DEFUN([CULVERT_MISSING], [
  culvert_missing="$culvert_missing
  $1: install $2"
  culvert_packages="$culvert_packages $2"
])

dnl CULVERT_LIBRARY(PREFIX, PKG-CONFIG-MODULE, DEBIAN-PACKAGE): sets PREFIX_CFLAGS and PREFIX_LIBS.
AC_DEFUN([CULVERT_LIBRARY], [
  PKG_CHECK_MODULES([$1], [$2], [], [CULVERT_MISSING([$2], [$3])])
])

dnl CULVERT_MBEDTLS: MBEDTLS_CFLAGS and MBEDTLS_LIBS.  Version 2.28 comes without .pc files, later ones have them.
AC_DEFUN([CULVERT_MBEDTLS], [
  PKG_CHECK_MODULES([MBEDTLS], [mbedtls mbedx509 mbedcrypto], [], [
    culvert_mbedtls=yes
    culvert_LIBS=$LIBS
    AC_CHECK_HEADER([mbedtls/ssl.h], [], [culvert_mbedtls=no])
    AC_CHECK_LIB([mbedcrypto], [mbedtls_ctr_drbg_init], [], [culvert_mbedtls=no])
    AC_CHECK_LIB([mbedx509], [mbedtls_x509_crt_init], [], [culvert_mbedtls=no])
    AC_CHECK_LIB([mbedtls], [mbedtls_ssl_init], [], [culvert_mbedtls=no])
    LIBS=$culvert_LIBS
    AS_IF([test -z "$MBEDTLS_LIBS"], [MBEDTLS_LIBS="-lmbedtls -lmbedx509 -lmbedcrypto"])
    AS_IF([test "$culvert_mbedtls" = no], [CULVERT_MISSING([mbedtls >= 2.28], [libmbedtls-dev])])
  ])
])

dnl CULVERT_WEBSOCKETS_USABLE: the version, libuv support, and a look for the plugin that is loaded at run time.
AC_DEFUN([CULVERT_WEBSOCKETS_USABLE], [
  culvert_CPPFLAGS=$CPPFLAGS
  CPPFLAGS="$CPPFLAGS $WEBSOCKETS_CFLAGS"
  AC_MSG_CHECKING([for libwebsockets >= 4.1.6 with libuv support])
  AC_COMPILE_IFELSE([AC_LANG_SOURCE([
#include <lws_config.h>
#if LWS_LIBRARY_VERSION_NUMBER < 4001006 || !defined(LWS_WITH_LIBUV)
#error no
#endif
int x;
])], [AC_MSG_RESULT([yes])], [AC_MSG_RESULT([no])
    AC_MSG_ERROR([libwebsockets >= 4.1.6 with libuv support not found: install libwebsockets-dev])])
  AC_MSG_CHECKING([for the libuv plugin of libwebsockets])
  culvert_evlib=yes
  AC_COMPILE_IFELSE([AC_LANG_SOURCE([
#include <lws_config.h>
#ifndef LWS_WITH_EVLIB_PLUGINS
#error built in
#endif
int x;
])], [culvert_lws_libdir=`$PKG_CONFIG --variable=libdir libwebsockets`
      AS_IF([test -f "$culvert_lws_libdir/libwebsockets-evlib_uv.so"], [], [culvert_evlib=no])],
     [culvert_evlib="yes, built in"])
  AC_MSG_RESULT([$culvert_evlib])
  CPPFLAGS=$culvert_CPPFLAGS
])

dnl CULVERT_TRY_FLAGS(VARIABLE, CFLAGS | LDFLAGS, FLAGS): VARIABLE = those of FLAGS that the compiler takes without a word.
AC_DEFUN([CULVERT_TRY_FLAGS], [
  $1=
  culvert_saved=$$2
  for culvert_flag in m4_normalize([$3]); do
    AC_MSG_CHECKING([whether $CC takes $culvert_flag])
    $2="$culvert_saved -Werror $culvert_flag"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()],
      [AC_MSG_RESULT([yes])
       $1="$$1 $culvert_flag"],
      [AC_MSG_RESULT([no])])
  done
  $2=$culvert_saved
])
