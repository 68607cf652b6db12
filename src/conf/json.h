/*
 * json.h: writes JSON.  Calls come in the order of the text; each puts in
 * commas, colons, escapes and indents.  What is not a document is our mistake.
 *
 *	struct json *j = json_new(&buf);
 *	json_object(j);
 *	json_key(j, "links");
 *	...
 *	json_end_object(j);
 *	json_free(j);
 */
#ifndef CULVERT_CONF_JSON_H
#define CULVERT_CONF_JSON_H

#include "base/buf.h"
#include "base/library.h"

struct json;

/* Appends to out, which must have no cap. */
struct json *json_new(struct buf *out);
/* The document must be whole. */
void json_free(struct json *j);

void json_object(struct json *j);
void json_end_object(struct json *j);
void json_array(struct json *j);
void json_end_array(struct json *j);
/* Of the value that comes next. */
void json_key(struct json *j, const char *key);
/* s must be UTF-8. */
void json_string(struct json *j, struct slice s);

/* For --version. */
void json_versions(struct library *l);

#endif
