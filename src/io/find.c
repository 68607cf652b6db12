#include "io/find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

#define SERVICES 2
#define NAME 320
#define TROUBLE 400

struct find;

/* One of the lookups. */
struct part {
	struct find *find;
	char name[NAME];
	struct dns_query *query;
	bool is_pending;
};

struct find {
	struct part part[SERVICES];
	struct srv_record record[SERVICES * SRV_MAX];
	size_t n;
	char trouble[TROUBLE];
	void (*done)(void *arg, const struct find_result *result);
	void *arg;
	bool is_starting, is_done;
};

static void
find_free(struct find *f)
{
	for (size_t i = 0; i < SERVICES; i++)
		dns_cancel(f->part[i].query);
	free(f);
}

static void
note_trouble(struct find *f, const struct part *p, const char *why)
{
	if (f->trouble[0] == '\0')
		snprintf(f->trouble, sizeof f->trouble, "%s: %s", p->name, why);
}

/* Once; f is gone then, unless it has just been begun. */
static void
tell(struct find *f)
{
	struct find_result result = {.record = f->record, .n = f->n};

	result.outcome = srv_judge(f->record, &result.n);
	result.trouble = f->trouble[0] != '\0' ? f->trouble : NULL;
	f->is_done = true;
	f->done(f->arg, &result);
	if (!f->is_starting)
		find_free(f);
}

static bool
is_pending(const struct find *f)
{
	for (size_t i = 0; i < SERVICES; i++)
		if (f->part[i].is_pending)
			return true;
	return false;
}

static void
on_services(void *arg, const struct dns_answer *answer)
{
	struct part *p = arg;
	struct find *f = p->find;

	p->query = NULL;
	p->is_pending = false;
	memcpy(f->record + f->n, answer->service, answer->n * sizeof *answer->service);
	f->n += answer->n;
	if (answer->has_failed)
		note_trouble(f, p, answer->reason);
	if (!f->is_starting && !is_pending(f))
		tell(f);
}

struct find *
find_servers(struct dns *dns, const char *domain, bool with_direct,
	void (*done)(void *arg, const struct find_result *result), void *arg)
{
	static const char *const services[SERVICES] = {FIND_XMPP, FIND_XMPPS};
	struct find *f = xcalloc(1, sizeof *f);

	f->done = done;
	f->arg = arg;
	f->is_starting = true;
	for (size_t i = 0; i < (with_direct ? SERVICES : 1); i++) {
		struct part *p = &f->part[i];
		p->find = f;
		p->is_pending = true;
		snprintf(p->name, sizeof p->name, "%s%.*s", services[i], SRV_HOST, domain);
		p->query = dns_services(dns, p->name, i > 0, on_services, p);
	}
	if (!is_pending(f))
		tell(f);
	f->is_starting = false;
	if (!f->is_done)
		return f;
	find_free(f);
	return NULL;
}

void
find_conclude(struct find *f)
{
	for (size_t i = 0; i < SERVICES; i++)
		if (f->part[i].is_pending)
			note_trouble(f, &f->part[i], "no answer in time");
	tell(f);
}

void
find_cancel(struct find *f)
{
	if (f != NULL)
		find_free(f);
}

static uint32_t
draw(void *arg)
{
	const struct hooks *hooks = arg;
	uint32_t number;

	hooks->random(hooks->arg, &number, sizeof number);
	return number;
}

void
find_order(struct srv_record *record, size_t n, const struct hooks *hooks)
{
	srv_order(record, n, draw, (void *) (uintptr_t) hooks);
}
