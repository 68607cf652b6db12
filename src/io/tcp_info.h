/* tcp_info.h: what the kernel knows of a connection.  A file of its own: its header does not go with the libraries'. */
#ifndef CULVERT_IO_TCP_INFO_H
#define CULVERT_IO_TCP_INFO_H

#include <stddef.h>
#include <stdint.h>

/* Bytes the peer of a TCP connection has sent so far; 0 for other sockets. */
uint64_t tcp_info_bytes_received(int fd);

/* Bytes that have come and were not read; any stream socket. */
size_t tcp_info_bytes_waiting(int fd);

#endif
