/* fdmap.h: what is known of a descriptor until the library that was given it tells of it. */
#ifndef CULVERT_BASE_FDMAP_H
#define CULVERT_BASE_FDMAP_H

/* All zero is empty. */
struct fdmap {
	void **v;
	int n;
};

/* fd is not negative.  What was there before is forgotten: take it first if it is to be freed. */
void fdmap_put(struct fdmap *m, int fd, void *p);
/* Takes out what is known of fd; NULL when nothing is. */
void *fdmap_take(struct fdmap *m, int fd);
/* Forgets all; free_one is called for each, unless it is NULL. */
void fdmap_fini(struct fdmap *m, void (*free_one)(void *p));

#endif
