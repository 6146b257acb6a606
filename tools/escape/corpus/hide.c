// SPDX-License-Identifier: GPL-2.0
/*
 * hide.c - escapes that the analysis once took for objects that stay
 *
 * Most lead through a function that is followed: GCC's points-to analysis has no
 * say in there, so the walk alone must see it.
 */

#include <linux/bitrev.h>
#include <linux/crc16.h>
#include <linux/crc32.h>
#include <linux/io.h>

#include "corpus.h"

static void *hide_kept;
static u64 hide_number;

struct hide_box {
	void *a;
	void *b;
};

/* By the copy functions of devices */
void hide_fromio(void)
{
	struct hide_box b = {};
	void *q;

	b.a = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in hide_kept (+2) */
	memcpy_fromio(&q, (void __iomem *)&b, sizeof(q));
	hide_kept = q;
}

/* As the value that memory is filled with */
void hide_memset(void)
{
	unsigned long p = (unsigned long)kmalloc(16, GFP_KERNEL); /* want: escapes: passed to memset() (+3) */

	for (int i = 0; i < sizeof(p); i++)
		memset((char *)&hide_kept + i, p >> 8 * i, 1);
}

void hide_memset64(void)
{
	unsigned long p = (unsigned long)kmalloc(16, GFP_KERNEL); /* want: escapes: passed to memset64() (+2) */

	memset64(&hide_number, p, 1);
}

/* As text */
void hide_text(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in hide_kept (+6) */
	unsigned long v;
	char buf[32];

	snprintf(buf, sizeof(buf), "%lu", (unsigned long)p);
	if (!kstrtoul(buf, 10, &v))
		hide_kept = (void *)v;
}

void hide_text_pointer(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: passed to unknown() (+4) */
	char buf[32];

	sprintf(buf, "%px", p);
	unknown(buf);
}

/* A pointer of which a wrong format makes a number */
void hide_text_mismatch(void)
{
	char *p = kzalloc(16, GFP_KERNEL); /* want: escapes: passed to unknown() (+4) */
	char buf[32];

	snprintf(buf, sizeof(buf), "%%%*d%lx", 3, 4, p);
	unknown(buf);
}

/* A byte pointer is the string of a %s, or is itself printed */
void hide_text_string(void)
{
	char *s = kzalloc(16, GFP_KERNEL); /* want: does not escape, could be on the stack */
	char *p = kzalloc(16, GFP_KERNEL); /* want: escapes: passed to unknown() (+6) */
	char buf[32], buf2[32];

	snprintf(buf, sizeof(buf), "%%%*d%.*s", 3, 4, 5, s);
	unknown(buf);
	snprintf(buf2, sizeof(buf2), "%px", p);
	unknown(buf2);
	kfree(s);
}

void hide_scanned(void)
{
	struct hide_box b = {};
	void *q;

	b.a = kmalloc(16, GFP_KERNEL); /* want: escapes: passed to sscanf() (+1) */
	if (sscanf((char *)&b, "%8c", (char *)&q) == 1)
		hide_kept = q;
}

/* Assembly that takes the address of its memory operand, in a function */
static noinline void asm_keeps(struct item *it)
{
	asm volatile("# lea %0" : : "m" (*it));
}

void hide_asm_operand(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: passed to asm_keeps() (+2), used in inline assembly (-5) */

	asm_keeps(it);
	kfree(it);
}

static noinline void asm_keeps_output(struct item *it)
{
	asm volatile("# lea %0" : "=m" (*it));
}

void hide_asm_output(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: passed to asm_keeps_output() (+2), used in inline assembly (-5) */

	asm_keeps_output(it);
	kfree(it);
}

/* Assembly that knows where an argument is, or which register a variable is in */
__attribute__((naked)) static noinline void asm_only(void *p)
{
	asm volatile("# keeps its argument");
}

void hide_naked(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: passed to asm_only() (+2) */

	asm_only(p);
	kfree(p);
}

#ifdef CONFIG_X86
static noinline void asm_register(void *p)
{
	register void *r asm("r12") = p;

	asm volatile("# uses r12" : : : "memory");
}

void hide_register(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: passed to asm_register() (+2), stored in the register r (optional) */

	asm_register(p);
	kfree(p);
}
#endif

/* By the static chain of a nested function */
static noinline void nesting(void *p)
{
	void inner(void)
	{
		hide_kept = p;
	}

	inner();
}

void hide_nested(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: passed to nesting() (+2), passed to inner() (-5), which is nested */

	nesting(p);
}

/* By an offset from one object to another */
void hide_offset_from_local(struct dev *dev)
{
	void *local[2];
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in ... (+3) */
	long d = (char *)dev - (char *)&local;

	*(void **)((char *)&local + d) = p;
}

void hide_offset_from_object(struct dev *dev)
{
	char *p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in *p (+3) */
	long d = (char *)dev - p;

	*(void **)(p + d) = p;
}

void hide_index(struct dev *dev)
{
	void *local[2];
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in local (+3) */
	long d = (unsigned long)dev - (unsigned long)local;

	local[d / (long)sizeof(p)] = p;
}

void hide_offset_from_null(struct dev *dev, unsigned long at)
{
	char *base = dev ? NULL : (char *)0;
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in *base (+2) */

	*(void **)(base + at) = p;
}

/* The distance of two pointers of which one may point elsewhere */
void hide_distance(struct dev *dev, bool b)
{
	char *p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in *dev (+3) */
	char *q = b ? p : (char *)dev;

	dev->cookie = q - p;
}

/* krealloc() may give back what others have */
static noinline void put_reallocated(void *buf, void *p)
{
	void **q = krealloc(buf, sizeof(*q), GFP_KERNEL); /* want: may be resized */

	if (q)
		*q = p;
}

void hide_reallocated(struct dev *dev)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: passed to put_reallocated() (+2), stored in *q (-5) */

	put_reallocated(dev->priv, p);
}

/* A name of goalloc's, and not goalloc */
static noinline void gofree_sensitive(void *p)
{
	hide_kept = p;
}

void hide_goallocs_name(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: passed to gofree_sensitive() (+2), stored in hide_kept (-5) */

	gofree_sensitive(p);
}

/* Byte by byte through a table */
void hide_table(void)
{
	unsigned long p = (unsigned long)kmalloc(16, GFP_KERNEL), q = 0; /* want: escapes: stored in hide_kept (+4) */

	for (int i = 0; i < sizeof(p); i++)
		q |= (unsigned long)byte_rev_table[byte_rev_table[p >> 8 * i & 255]] << 8 * i;
	hide_kept = (void *)q;
}

void hide_table_pointer(const u8 *table)
{
	unsigned long p = (unsigned long)kmalloc(16, GFP_KERNEL), q = 0; /* want: escapes: stored in hide_kept (+4) */

	for (int i = 0; i < sizeof(p); i++)
		q |= (unsigned long)table[p >> 8 * i & 255] << 8 * i;
	hide_kept = (void *)q;
}

/* What runs is the function elsewhere, this body is for inlining */
extern inline __attribute__((gnu_inline)) void inline_only(void *p)
{
}

void hide_inline_only(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: passed to inline_only() (+2) */

	inline_only(p);
}

/* In twin.c, which is another module, it is harmless */
void doubled(struct item *it);

void hide_doubled(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: passed to doubled() (+3) */

	if (it)
		doubled(it);
}

/* Back to itself through another unit */
long hide_recursion(int n)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: hide_recursion() is recursive */
	long r = 0;

	if (it)
		r = other_recursion(n - 1);
	kfree(it);
	return r;
}

/* One way back to the call leaves the variable's scope, the other does not */
long hide_scope(int n)
{
	long r = 0;
	int i = 0;

	for (;;) {
		struct item *v[4];
again:
		v[i & 3] = kzalloc(sizeof(*v[0]), GFP_KERNEL); /* want: outlives an iteration of its loop */
		if (++i & 3)
			goto again;
		if (v[0] && v[1] && v[0]->value > v[1]->value)
			r++;
		if (i > n)
			return r > 3;
	}
}

/* Kernel things that keep an object whose part they are given */
struct hide_embedded {
	struct work_struct work;
	struct timer_list timer;
	struct rcu_head rcu;
	struct hlist_node node;
};

static void hide_work(struct work_struct *w)
{
}

void hide_in_work(void)
{
	struct hide_embedded *e = kzalloc(sizeof(*e), GFP_KERNEL); /* want: escapes: passed to schedule_work() (+3), ... */

	INIT_WORK(&e->work, hide_work);
	schedule_work(&e->work);
}

void hide_in_timer(void)
{
	struct hide_embedded *e = kzalloc(sizeof(*e), GFP_KERNEL); /* want: escapes: passed to init_timer_key() (+2) */

	timer_setup(&e->timer, NULL, 0);
	mod_timer(&e->timer, 5);
}

void hide_in_callback(void)
{
	struct hide_embedded *e = kzalloc(sizeof(*e), GFP_KERNEL); /* want: escapes: passed to call_rcu() (+2) */

	call_rcu(&e->rcu, NULL);
}

void hide_in_hash(struct hlist_head *table)
{
	struct hide_embedded *e = kzalloc(sizeof(*e), GFP_KERNEL); /* want: escapes: passed to hlist_add_head() (+3), ... */

	if (e)
		hlist_add_head(&e->node, &table[3]);
}

/* kmemdup() copies the pointer */
void hide_duplicated(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: passed to kmemdup() (+1), ... */
	void **q = kmemdup(&p, sizeof(p), GFP_KERNEL); /* want: does not escape, could be on the stack */

	hide_kept = q ? *q : NULL;
	kfree(q);
}

/* By a computed goto */
void hide_computed_goto(void)
{
	static const void *const to[] = { &&one, &&two };
	void *p = kmalloc(16, GFP_KERNEL), *q = NULL; /* want: escapes: stored in hide_kept (+6) */

	goto *to[number() & 1];
one:
	q = p;
two:
	hide_kept = q;
}

/* By a per-CPU variable */
static DEFINE_PER_CPU(void *, hide_percpu);

void hide_in_percpu(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: ... (+2) */

	this_cpu_write(hide_percpu, p);
}

/* In what a helper returns: its count, what it searched for, bytes that it read */
extern const u8 hide_identity[256];

void hide_searched(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in hide_number (+2) */

	hide_number = (u8 *)memchr(hide_identity, (u8)(unsigned long)p, 256) - hide_identity;
}

void hide_count(void __user *to, const void *from)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in hide_number (+2) */

	hide_number = _copy_to_user(to, from, (unsigned long)p);
}

void hide_crc(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in hide_number (+2) */

	hide_number = crc32_le(0, (u8 *)&p, 4);
}

void hide_compared(void)
{
	void *p = kmalloc(16, GFP_KERNEL); /* want: escapes: stored in hide_number (+4) */
	u8 zero = 0;

	for (int i = 0; i < 8; i++)
		hide_number = hide_number << 8 | (u8)memcmp((u8 *)&p + i, &zero, 1);
}

/* Through a table whose address is a number, or whose elements go by value */
struct hide_byte {
	u8 v;
};

extern const struct hide_byte hide_bytes[256];
void hide_take(struct hide_byte b);

void hide_table_number(void)
{
	unsigned long p = (unsigned long)kmalloc(16, GFP_KERNEL); /* want: escapes: stored in hide_number (+2) */

	hide_number = *(u8 *)((unsigned long)hide_identity + (u8)p);
}

void hide_table_by_value(void)
{
	unsigned long p = (unsigned long)kmalloc(16, GFP_KERNEL); /* want: escapes: passed by value to hide_take() (+2) */

	hide_take(hide_bytes[(u8)p]);
}

void hide_table_asm(void)
{
	unsigned long p = (unsigned long)kmalloc(16, GFP_KERNEL); /* want: escapes: stored in hide_number (+4) */
	struct hide_byte b;

	asm("" : "=m" (b) : "m" (hide_bytes[(u8)p]));
	hide_number = b.v;
}

/* A builtin's name on a function of the module, a helper's in other.c, another's by asm() */
size_t strcspn(const char *s, const char *reject)
{
	hide_kept = (void *)s;
	return 0;
}

void hide_builtins_name(void)
{
	char *p = kzalloc(16, GFP_KERNEL); /* want: escapes: passed to strcspn() (+2), stored in hide_kept (-6) */

	hide_number = strcspn(p, "x");
}

void hide_helpers_name(void)
{
	u8 *p = kzalloc(16, GFP_KERNEL); /* want: escapes: passed to crc16() (+2) */

	hide_number = crc16(0, p, 16);
}

void other_drop_all(struct item *it) __asm__("other_keep");

void hide_renamed(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: escapes: passed to other_drop_all() (+2) */

	other_drop_all(it);
}

/* Back to itself by another name */
long hide_alias(int n);

long hide_aliased(int n)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL); /* want: hide_aliased() is recursive */
	long r = it && n ? hide_alias(n - 1) : 0;

	kfree(it);
	return r;
}

long hide_alias(int n) __attribute__((alias("hide_aliased")));
