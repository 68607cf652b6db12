/* wire.h: what the kernel knows of a connection.  A file of its own: its header does not go with the libraries'. */
#ifndef CULVERT_IO_WIRE_H
#define CULVERT_IO_WIRE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes the peer of a TCP connection has sent so far; 0 for other sockets. */
uint64_t wire_bytes_received(int fd);

/* Bytes that have come and were not read; any stream socket. */
size_t wire_bytes_waiting(int fd);

#endif
