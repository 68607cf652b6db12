#include "io/tcp_info.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define UNSENT_BYTES 131072

uint64_t
tcp_info_bytes_received(int fd)
{
	struct tcp_info info = {.tcpi_bytes_received = 0};
	socklen_t n = sizeof info;

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 ? info.tcpi_bytes_received : 0;
}

uint64_t
tcp_info_bytes_taken(int fd)
{
	struct tcp_info info = {.tcpi_bytes_acked = 0};
	socklen_t n = sizeof info;

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 ? info.tcpi_bytes_acked : 0;
}

size_t
tcp_info_bytes_unsent(int fd)
{
	int n = 0;

	return ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t) n : 0;
}

void
tcp_info_keep_little(int fd)
{
	int n = UNSENT_BYTES;

	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &n, sizeof n);
}

size_t
tcp_info_bytes_waiting(int fd)
{
	int n = 0;

	return ioctl(fd, FIONREAD, &n) == 0 && n > 0 ? (size_t) n : 0;
}
