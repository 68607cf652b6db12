#include "base/nearest.h"

/* Letters to insert, delete, replace or swap with their neighbour to make b of a; at most 9 when they are long. */
static unsigned
distance(struct slice a, struct slice b)
{
	enum { LONGEST = 32 };
	unsigned d[LONGEST + 1][LONGEST + 1];

	if (a.n > LONGEST || b.n > LONGEST)
		return 9;
	for (size_t i = 0; i <= a.n; i++) {
		for (size_t j = 0; j <= b.n; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = (unsigned) (i + j);
				continue;
			}
			unsigned best = d[i - 1][j - 1] + ((a.p[i - 1] | 32) != (b.p[j - 1] | 32));
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
				d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[a.n][b.n];
}

void
nearest_init(struct nearest *n, struct slice unknown)
{
	n->unknown = unknown;
	n->least = unknown.n <= 3 ? 2 : 3;
}

bool
nearest_try(struct nearest *n, struct slice known)
{
	unsigned d = distance(n->unknown, known);

	if (d >= n->least)
		return false;
	n->least = d;
	return true;
}
