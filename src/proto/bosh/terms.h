/*
 * terms.h: what a BOSH client and we agree on when it creates a session
 * (XEP-0124, 7): what it wishes, cut to what it may have.
 */
#ifndef CULVERT_PROTO_BOSH_TERMS_H
#define CULVERT_PROTO_BOSH_TERMS_H

#include "base/buf.h"
#include "base/hooks.h"
#include "base/settings.h"
#include "proto/bosh/body.h"
#include "proto/bosh/content.h"
#include "proto/closing.h"

struct terms {
	ms_t wait, inactivity, polling, maxpause;
	unsigned hold, requests;
	bool is_polling; /* 12: nothing is held */
	bool has_acks;   /* 9: the client acknowledges, and so do we */
	bool is_legacy;  /* 17.1: it gave no version, and understands HTTP errors only */
	unsigned ver_major, ver_minor;
	enum content content; /* of all answers */
};

/* Reads the creation request.  The terms are complete even when it is refused: the refusal is an answer too. */
enum closing terms_agree(struct terms *t, const struct bosh_settings *settings, const struct body *body);

/* Appends them as attributes of the creation response (7.2). */
void terms_write(const struct terms *t, const char *sid, struct buf *out);

#endif
