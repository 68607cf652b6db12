/*
 * conf_table.h: every key of the configuration, one row each, in the order
 * in which documents list them.  The parser, the defaults, --help-config, the
 * list of keys in culvert.json(5) and the sample file follow from the rows.
 * Inside conf/, and for the tests.
 *
 * A key is a path: "listen[]" is each member of the list "listen",
 * "domains.*" each value of the object "domains", "bosh.wait" the key "wait"
 * of the object "bosh".  A container's row comes before its members'.
 *
 * To build what a row promises, give it a place (or a take function), a
 * range, a default and a help text, and set is_built.
 */
#ifndef CULVERT_CONF_CONF_TABLE_H
#define CULVERT_CONF_CONF_TABLE_H

#include "base/buf.h"
#include "conf/conf_value.h"

enum conf_type {
	CONF_OBJECT = 1,
	CONF_LIST_OF_OBJECTS,
	CONF_MAP_OF_OBJECTS, /* the keys are the administrator's */
	CONF_BOOL,           /* bool */
	CONF_NUMBER,         /* unsigned */
	CONF_PORT,           /* uint16_t */
	CONF_BYTES,          /* size_t */
	CONF_SECONDS,        /* ms_t; min and max are milliseconds too */
	CONF_WORD,           /* an enum, by one of the words of a list */
	CONF_STRING,         /* through take */
	CONF_STRINGS,        /* a list, or one string: each through take */
	CONF_FIELDS,         /* an object of strings, whose keys are the administrator's */
	CONF_SWITCH,         /* bool, or a string through take, which is true */
};

/* The struct a row's value goes into. */
enum conf_base {
	CONF_BASE_TOP,      /* struct conf */
	CONF_BASE_LISTEN,   /* struct conf_listen */
	CONF_BASE_IDENTITY, /* struct conf_identity */
	CONF_BASE_DOMAIN,   /* struct conf_domain */
};

/* A value of an enum.  A list of them ends with one without a word. */
struct conf_word {
	const char *word;
	unsigned value;
	const char *when; /* what help says behind it; NULL: nothing */
};

struct conf_row {
	const char *key;
	enum conf_type type; /* 0 while the row is not built */
	bool is_built;
	enum conf_base base;
	size_t offset; /* of the value in its struct, when there is no take; of the bool of a CONF_SWITCH */
	conf_take *take;
	const struct conf_word *words; /* of a CONF_WORD, as help and complaints name them */
	int64_t min, max;
	const char *
		fallback; /* the default, as JSON; NULL: there is none, or it depends (help says); "null" may be written */
	const char *help;    /* one or two sentences, in plain ASCII; "{}" stands for the words: see conf_row_help() */
	const char *sample;  /* JSON for the sample file; NULL: the default */
	bool is_alternative; /* to the rows before it: in the sample another member of the list begins here */
};

#define CONF_ROWS_MAX 96

/* All rows; *n of them, at most CONF_ROWS_MAX.  The first is the file itself, its key is "". */
const struct conf_row *conf_rows(size_t *n);

/* From when on a value counts that a reload has changed. */
enum conf_when {
	CONF_NEXT,    /* for sessions that begin then; those there are keep theirs */
	CONF_AT_ONCE, /* for all */
	CONF_RESTART, /* a reload does not change it */
};

enum conf_when conf_row_when(const struct conf_row *row);

/* The part of the key after its container's: "wait", or "[]", or "*". */
const char *conf_row_leaf(const struct conf_row *row);
/* True for a key as a file has it; false for "", "[]" and "*". */
bool conf_row_is_key(const struct conf_row *row);
/* True when row is a member of the container, not a member's member. */
bool conf_row_is_in(const struct conf_row *row, const struct conf_row *container);

/* The member of a container with this leaf, or NULL. */
const struct conf_row *conf_row_find(const struct conf_row *container, struct slice leaf);
/* The known key that was probably meant by this unknown one, or NULL. */
const struct conf_row *conf_row_guess(const struct conf_row *container, struct slice leaf);

/* True when null may be written: it is the default. */
bool conf_row_may_be_null(const struct conf_row *row);
/* Puts null where the row says: a number becomes CONF_AUTOMATIC, anything else stays as it is. */
void conf_row_null(const struct conf_row *row, void *base);
/* Puts a number as JSON writes it where the row says.  False, changing nothing, when it is out of range or not whole. */
bool conf_row_number(const struct conf_row *row, void *base, struct slice json);
/* Puts the enum's value of a word where the row says.  False, changing nothing, when the row has no such word. */
bool conf_row_word(const struct conf_row *row, void *base, struct slice word);
/* Gives every row of this base that is built and has a default its default, unless seen[index of the row]. */
void conf_rows_default(enum conf_base which, void *base, const bool *seen);
/* Appends what the row wants: "a whole number from 1 to 16", "true or false", ... */
void conf_row_expected(const struct conf_row *row, struct buf *out);
/* Appends the row's help, with the row's words in it, and when a change counts unless it is for sessions to come. */
void conf_row_help(const struct conf_row *row, struct buf *out);

#endif
