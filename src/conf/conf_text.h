/* conf_text.h: the text of a file, before anybody knows what it means: where things are in it.  Inside conf/ only. */
#ifndef CULVERT_CONF_CONF_TEXT_H
#define CULVERT_CONF_CONF_TEXT_H

#include "conf/conf.h"

/* From i over white space, comments, commas and colons to the beginning of a token, or of a comment that never ends. */
size_t conf_token_start(struct slice text, size_t i);
/* From i, where a token ends: the comma behind which, but for white space and comments, a bracket closes; text.n: none. */
size_t conf_trailing_comma(struct slice text, size_t i);

/*
 * Bytes to lines and columns.  Who asks for places that rise goes through the
 * text once, however often.
 */
struct conf_cursor {
	struct slice text;
	size_t at;
	struct conf_place place;
};

void conf_cursor_init(struct conf_cursor *c, struct slice text);
struct conf_place conf_cursor_place(struct conf_cursor *c, size_t at);

/* The first byte that is not part of well-formed UTF-8 (RFC 3629), or is NUL; text.n when there is none. */
size_t conf_first_bad_byte(struct slice text);
/* How many bytes of the text's beginning to show as what stands there: a word, or one byte. */
size_t conf_word(struct slice text);
/* What we say was expected where yajl reports an error in its own words. */
const char *conf_json_expected(const char *yajl_words);

#endif
