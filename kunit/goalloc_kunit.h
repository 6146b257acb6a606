/* SPDX-License-Identifier: GPL-2.0 */
/* What the KUnit suites share: a goalloc that runs while a suite does. */
#ifndef _GOALLOC_KUNIT_H
#define _GOALLOC_KUNIT_H

#include <kunit/test.h>

#include "goalloc_internal.h"

int goalloc_kunit_start(struct kunit_suite *suite);
void goalloc_kunit_stop(struct kunit_suite *suite);
void goalloc_kunit_check(struct kunit *test);
int goalloc_kunit_case_init(struct kunit *test);
void goalloc_kunit_case_exit(struct kunit *test);
u64 goalloc_kunit_misuse(void);
u64 goalloc_kunit_in_use(void);
void goalloc_kunit_in_contexts(struct kunit *test, void (*fn)(struct kunit *test));
const void *goalloc_kunit_class_gen(const void *prev, char *desc);
const void *goalloc_kunit_size_gen(const void *prev, char *desc);

/* The class that a case over every class is run for. */
static inline struct goalloc_class *goalloc_kunit_class(struct kunit *test)
{
	return goalloc_classes[*(const u8 *)test->param_value];
}

/* A case for each class, the tiny allocator's included, or for each size class only. */
#define GOALLOC_KUNIT_CASE_CLASS(fn)	KUNIT_CASE_PARAM(fn, goalloc_kunit_class_gen)
#define GOALLOC_KUNIT_CASE_SIZE(fn)	KUNIT_CASE_PARAM(fn, goalloc_kunit_size_gen)

/* The suite NAME of @cases: goalloc is started for it, and checked after every case. */
#define GOALLOC_KUNIT_SUITE(suite_name, cases)			\
	static struct kunit_suite cases##_suite = {		\
		.name = suite_name,				\
		.suite_init = goalloc_kunit_start,		\
		.suite_exit = goalloc_kunit_stop,		\
		.init = goalloc_kunit_case_init,		\
		.exit = goalloc_kunit_case_exit,		\
		.test_cases = cases,				\
	};							\
	kunit_test_suite(cases##_suite)

#endif /* _GOALLOC_KUNIT_H */
