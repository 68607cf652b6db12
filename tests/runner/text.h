/*
 * text.h: the text of scripts: words, what is written short, what stands for
 * anything.
 */
#ifndef CULVERT_TESTS_TEXT_H
#define CULVERT_TESTS_TEXT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* Takes the next word off the line; 'a b' within quotes is part of one.  Unset when there is none. */
struct slice text_word(struct slice *line);
/* Takes the next word off the line when it is this one. */
bool text_take(struct slice *line, const char *word);

/* name=value or name='value' */
struct attribute {
	struct slice name, value;
};

/* Takes an attribute off the line, if one comes next.  The value is without its quotes. */
bool text_attribute(struct slice *line, struct attribute *attribute);

/*
 * Appends what the text stands for: {x*3} is xxx, {x#*3} x0x1x2, $sid the sid, $rid, $rid+1
 * ... rids counted from rid, $key5, $KEY5 and $other5 keys.  Within <<< >>> also \n \r \t \\ \xHH are read.
 */
void text_expand(struct buf *out, struct slice in, const char *sid, uint64_t rid);

/*
 * Compares what was seen with what is expected, where ... stands for
 * anything (as little as will do; all, at the end) and '*' for any value in
 * quotes.  *used is set to how much of seen the expectation takes up.
 */
bool text_match(struct slice expected, struct slice seen, size_t *used);
/* The same for all of seen. */
bool text_match_all(struct slice expected, struct slice seen);

/* "50s", "10ms", "2m"; false when it is none. */
bool text_time(struct slice word, int64_t *ms);

#endif
