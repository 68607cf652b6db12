/* tcp_info.h: what the kernel knows of a connection.  A file of its own: its header does not go with the libraries'. */
#ifndef CULVERT_IO_TCP_INFO_H
#define CULVERT_IO_TCP_INFO_H

#include <stddef.h>
#include <stdint.h>

/* Bytes the peer of a TCP connection has sent so far; 0 for other sockets. */
uint64_t tcp_info_bytes_received(int fd);

/* Bytes that have come and were not read; any stream socket. */
size_t tcp_info_bytes_waiting(int fd);

/* Bytes that the peer of a TCP connection has acknowledged so far; 0 for other sockets. */
uint64_t tcp_info_bytes_taken(int fd);

/* Bytes that were written and not acknowledged, or, on a unix socket, not read; any stream socket. */
size_t tcp_info_bytes_unsent(int fd);

/* The kernel is to take little more of what is written than the peer does, so that who writes knows how far it is.  TCP. */
void tcp_info_keep_little(int fd);

#endif
