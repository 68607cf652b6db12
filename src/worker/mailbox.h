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
#include "base/req.h"
#include "base/slice.h"
#include "io/dial.h"

enum mail_kind {
	MAIL_NONE,
	MAIL_CONNECTION, /* fd was accepted */
	MAIL_POST,       /* bytes are a BOSH body for a session here; the answer goes to req's worker */
	MAIL_REPLY,      /* bytes are the answer to req, which is held here */
	MAIL_CUT,        /* there is no answer to req: its connection is to be closed */
	MAIL_GONE,       /* the client of req is gone; bytes are the sid */
	MAIL_HURRY,      /* the client of req has sent another request behind it; bytes are the sid */
	MAIL_UNSENT,     /* unsent bytes more, or less, of large answers are on their way; bytes are the sid */
	MAIL_CONF,       /* conf is the new configuration */
	MAIL_HANDSHAKE,  /* job is to be done, by a handshake thread */
	MAIL_SECURED,    /* job is done, or has failed */
	MAIL_STOP,       /* end all sessions and the loop */
};

struct mail {
	struct list link;
	enum mail_kind kind;
	int fd;
	struct req_id req;
	struct peer peer;
	unsigned status; /* of HTTP */
	ssize_t unsent;
	const char *content_type; /* a constant */
	struct tls_job *job;
	const struct conf *conf; /* one reference */
	size_t n;
	char bytes[];
};

/* A mail with a copy of the bytes. */
struct mail *mail_new(enum mail_kind kind, struct slice bytes);

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
