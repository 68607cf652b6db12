/*
 * mailbox.h: the only place where two threads meet.  A mail is a value: what
 * it holds belongs to the receiver once it is posted.
 *
 *      any thread: mailbox_post(m, mail)  -- lock -->  the owner's loop: receive(arg, mail)
 */
#ifndef CULVERT_WORKER_MAILBOX_H
#define CULVERT_WORKER_MAILBOX_H

#include <uv.h>

#include "base/list.h"
#include "base/peer.h"
#include "base/slice.h"
#include "io/tls_job.h"

enum mail_kind {
	MAIL_NONE,
	MAIL_CONNECTION, /* fd was accepted, or is_one_too_many */
	MAIL_LETTER,     /* bytes are what is said about a BOSH request (courier.h) */
	MAIL_CONF,       /* conf is the new configuration */
	MAIL_HANDSHAKE,  /* job is to be done, by a handshake thread */
	MAIL_SECURED,    /* job is done, or has failed */
	MAIL_DRAIN,      /* end all sessions, one after the other, within ms */
	MAIL_STOP,       /* end all sessions and the loop */
};

struct mail {
	struct list link;
	enum mail_kind kind;
	int fd;
	bool is_one_too_many; /* CONNECTION */
	ms_t ms;              /* DRAIN */
	struct peer peer;
	struct tls_job *job;
	const struct conf *conf; /* one reference */
	size_t n;
	char bytes[];
};

struct mail *mail_new(enum mail_kind kind);
/* A mail with room for n bytes, to be filled in. */
struct mail *mail_room(enum mail_kind kind, size_t n);

static inline struct slice
mail_slice(const struct mail *mail)
{
	return slice_of(mail->bytes, mail->n);
}

struct mailbox;

/* receive(arg, mail) is called in the loop's thread, in the order of posting; the mail is freed after it. */
struct mailbox *mailbox_new(uv_loop_t *loop, void (*receive)(void *arg, struct mail *mail), void *arg);
/* From the loop's thread: nothing is received any more.  Posting stays harmless until mailbox_free(). */
void mailbox_close(struct mailbox *m);
/* When the loop has ended and no thread posts any more.  Sockets and jobs in mails that nobody received are closed. */
void mailbox_free(struct mailbox *m);

/* From any thread; takes the mail over. */
void mailbox_post(struct mailbox *m, struct mail *mail);

#endif
