#include "worker/mailbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/wipe.h"
#include "conf/conf.h"

#define BATCH 64 /* mails in one turn of the loop */

struct mailbox {
	pthread_mutex_t lock;
	struct list mails;
	bool is_closed;
	uv_async_t wake;
	void (*receive)(void *arg, struct mail *mail);
	void *arg;
};

/* A letter carries what a client said. */
static void
mail_free(struct mail *mail)
{
	conf_unref(mail->conf);
	wipe(mail->bytes, mail->n);
	free(mail);
}

struct mail *
mail_room(enum mail_kind kind, size_t n)
{
	struct mail *mail = xmalloc(sizeof *mail + n);

	*mail = (struct mail){.kind = kind, .fd = -1, .n = n};
	list_init(&mail->link);
	return mail;
}

struct mail *
mail_new(enum mail_kind kind)
{
	return mail_room(kind, 0);
}

static struct mail *
shift(struct mailbox *m)
{
	struct list *link;

	pthread_mutex_lock(&m->lock);
	link = list_shift(&m->mails);
	pthread_mutex_unlock(&m->lock);
	return link != NULL ? list_entry(link, struct mail, link) : NULL;
}

/* Others want their turn, however fast mail comes in. */
static void
on_wake(uv_async_t *wake)
{
	struct mailbox *m = wake->data;
	struct mail *mail;

	for (int i = 0; i < BATCH && !m->is_closed; i++) {
		mail = shift(m);
		if (mail == NULL)
			return;
		m->receive(m->arg, mail);
		mail_free(mail);
	}
	if (!m->is_closed)
		uv_async_send(&m->wake);
}

struct mailbox *
mailbox_new(uv_loop_t *loop, void (*receive)(void *arg, struct mail *mail), void *arg)
{
	struct mailbox *m = xcalloc(1, sizeof *m);

	must(pthread_mutex_init(&m->lock, NULL) == 0);
	list_init(&m->mails);
	m->receive = receive;
	m->arg = arg;
	must(uv_async_init(loop, &m->wake, on_wake) == 0);
	m->wake.data = m;
	return m;
}

void
mailbox_close(struct mailbox *m)
{
	pthread_mutex_lock(&m->lock);
	m->is_closed = true;
	uv_close((uv_handle_t *) &m->wake, NULL);
	pthread_mutex_unlock(&m->lock);
}

void
mailbox_free(struct mailbox *m)
{
	struct mail *mail;

	if (m == NULL)
		return;
	while ((mail = shift(m)) != NULL) {
		if (mail->fd >= 0)
			close(mail->fd);
		tls_job_free(mail->job);
		mail_free(mail);
	}
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* Only the first mail wakes the owner, who goes on until there is none. */
void
mailbox_post(struct mailbox *m, struct mail *mail)
{
	bool was_empty;

	pthread_mutex_lock(&m->lock);
	was_empty = list_is_empty(&m->mails);
	list_append(&m->mails, &mail->link);
	if (was_empty && !m->is_closed)
		uv_async_send(&m->wake);
	pthread_mutex_unlock(&m->lock);
}
