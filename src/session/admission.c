#include "session/admission.h"

/* Counts and tells a refusal; false if it is one. */
static bool
is_fine(const struct admission *a, const struct peer *peer, const struct quota_answer *answer)
{
	const char *limit = "limits.sessions";

	switch (answer->verdict) {
	case QUOTA_FINE:
		return true;
	case QUOTA_ROOM:
		limit = "nofile";
		counter_add(a->counters->limited_sessions, 1);
		break;
	case QUOTA_SESSIONS:
		counter_add(a->counters->limited_sessions, 1);
		break;
	case QUOTA_ADDRESS:
		counter_add(a->counters->limited_per_address, 1);
		limit = "limits.sessions_per_address";
		break;
	case QUOTA_RATE:
		counter_add(a->counters->limited_per_second, 1);
		limit = "limits.new_sessions_per_second";
		break;
	case QUOTA_FAILURES:
		counter_add(a->counters->limited_failures, 1);
		limit = "limits.auth_failures_per_minute";
		break;
	}
	if (answer->is_news)
		log_event(
			a->log, LOG_NOTICE, "limit reached", "client=%s limit=%s", log_peer(a->log, peer).text, limit);
	return false;
}

static unsigned
whole_seconds(ms_t ms)
{
	return (unsigned) ((ms + 999) / 1000);
}

bool
admission_ask(const struct admission *a, const struct peer *peer, ms_t now, unsigned *retry_after)
{
	struct quota_answer answer = quota_ask(a->quota, peer, now);

	*retry_after = whole_seconds(answer.retry_after);
	return is_fine(a, peer, &answer);
}

bool
admission_enter(const struct admission *a, const struct peer *peer, ms_t now, struct quota_ticket *ticket,
	unsigned *retry_after)
{
	struct quota_answer answer = quota_enter(a->quota, peer, now, ticket);

	*retry_after = whole_seconds(answer.retry_after);
	return is_fine(a, peer, &answer);
}

bool
admission_failed(const struct admission *a, const struct peer *peer, const struct quota_ticket *ticket, ms_t now)
{
	struct quota_answer answer = quota_failed(a->quota, ticket, now);

	return is_fine(a, peer, &answer);
}
