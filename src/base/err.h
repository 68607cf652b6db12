/* err.h: codes of calls that failed.  Only what a caller can act on. */
#ifndef CULVERT_BASE_ERR_H
#define CULVERT_BASE_ERR_H

enum cv_error {
	CV_OK = 0,
	CV_EFULL = -1,     /* a cap given at birth is reached */
	CV_EINVAL = -2,    /* the text is not of the form asked for */
	CV_ENOTFOUND = -3, /* there is no such thing */
	CV_ESYS = -4,      /* the system refused; errno says why */
	CV_EAGAIN = -5,    /* not now; try when told */
	CV_EGONE = -6,     /* the other side is not there any more */
};

#endif
