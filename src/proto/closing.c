#include "proto/closing.h"

#include "base/fatal.h"

const struct closing_row *
closing_row(enum closing reason)
{
	static const struct closing_row row[CLOSING_REASONS] = {
#define X(name, condition, error, code, level, text) {#name, condition, error, code, level, text},
		CLOSING_ROWS(X)
#undef X
	};

	must(reason < CLOSING_REASONS);
	return &row[reason];
}
