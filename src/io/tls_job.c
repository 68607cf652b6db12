#include "io/tls_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"

struct tls_job *
tls_job_to_server(uint64_t id, int fd, const struct tls_to_server *server, ms_t timeout)
{
	struct tls_job *job = xcalloc(1, sizeof *job);

	job->direction = TLS_TO_SERVER;
	job->id = id;
	job->fd = fd;
	job->server = *server;
	job->server.name = xstrdup(server->name);
	job->server.ca_file = server->ca_file != NULL ? xstrdup(server->ca_file) : NULL;
	job->timeout = timeout;
	return job;
}

struct tls_job *
tls_job_to_client(int fd, const struct peer *peer, bool brings_ticket, ms_t timeout)
{
	struct tls_job *job = xcalloc(1, sizeof *job);

	job->direction = TLS_TO_CLIENT;
	job->fd = fd;
	job->client.peer = *peer;
	job->client.brings_ticket = brings_ticket;
	job->timeout = timeout;
	return job;
}

bool
tls_job_begin(struct tls_job *job, struct tls_trust *trust)
{
	if (trust != NULL)
		job->tls = tls_client_new(trust, job->fd, job->server.name, job->server.is_direct);
	if (job->tls == NULL)
		tls_job_fail(job, "TLS cannot be set up");
	else if (job->is_curious)
		tls_keep_certificate(job->tls);
	return job->tls != NULL;
}

bool
tls_job_begin_client(struct tls_job *job, struct tls_service *service)
{
	if (service != NULL)
		job->tls = tls_server_new(service, job->fd);
	if (job->tls == NULL)
		tls_job_fail(job, "TLS cannot be set up");
	return job->tls != NULL;
}

void
tls_job_look(struct tls_job *job)
{
	struct slice text = job->is_curious && job->tls != NULL ? tls_certificate(job->tls) : SLICE("");

	if (text.n > 0 && job->certificate == NULL)
		job->certificate = xstrndup(text.p, text.n);
}

void
tls_job_fail(struct tls_job *job, const char *why)
{
	tls_job_look(job);
	tls_free(job->tls);
	job->tls = NULL;
	if (job->reason[0] == '\0')
		snprintf(job->reason, sizeof job->reason, "%s", why);
}

struct tls *
tls_job_take(struct tls_job *job, int *fd)
{
	struct tls *tls = job->tls;

	if (tls == NULL)
		return NULL;
	*fd = job->fd;
	job->fd = -1;
	job->tls = NULL;
	return tls;
}

void
tls_job_free(struct tls_job *job)
{
	if (job == NULL)
		return;
	tls_free(job->tls);
	if (job->fd >= 0)
		close(job->fd);
	free(job->server.name);
	free(job->server.ca_file);
	free(job->certificate);
	free(job);
}
