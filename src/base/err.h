/* err.h: codes of calls that failed.  Only what a caller can act on. */
#ifndef CULVERT_BASE_ERR_H
#define CULVERT_BASE_ERR_H

enum cv_error {
	CV_OK = 0,
	CV_EFULL = -1,  /* a cap given at birth is reached */
	CV_EINVAL = -2, /* the text is not of the form asked for */
	CV_ESYS = -3,   /* the system refused; errno says why */
};

#endif
