#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# fuzz.py - random functions whose verdict is known, against the escape analysis
#
# usage: fuzz.py make SEED COUNT FOLDER     write the module
#        fuzz.py judge FOLDER REPORT.json   status 1 if there is a false verdict
#
# Each function allocates an object and sends the pointer through a random chain
# of steps: copies, casts, structures, arrays, other objects, calls, memcpy(),
# loops. At the end it is freed, or it leaves by a random way. The name says
# which: f_leave_3, f_stay_4. A function that leaves must not be called a
# candidate. How many of the others are found is printed, and must not be none.

import json
import os
import random
import sys

HEAD = """// SPDX-License-Identifier: GPL-2.0
#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

MODULE_LICENSE("GPL");

struct box { void *a; long n; void *b; struct box *self; };

extern struct box *out;
void *shared;
static void *hidden[4];
void unknown(void *p);
long number(void);

static noinline void *id(void *p) { return p; }
static noinline void *second(long n, void *p) { return n ? p : NULL; }
static noinline void *deep(void *p, int n) { return second(n, id(p)); }
static noinline void *unbox(struct box *b) { return b->b; }
static noinline void *unbox2(struct box **b) { return unbox(*b); }
static noinline struct box rebox(struct box *b) { struct box c = *b; return c; }
static noinline void self(struct box *b) { b->self = b; }
static noinline void move(void **to, void **from) { *to = *from; }
static noinline long look(struct box *b) { return b->n > 3; }
static noinline void publish(void *p) { WRITE_ONCE(shared, p); }
static noinline void publish_inner(struct box *b) { hidden[1] = b->a; }
static noinline void drop(void *p) { kfree(p); }
static noinline void look_asm(long *p) { asm volatile("# lea %0" : : "m" (*p)); }
static noinline void put(void *to, void *p) { void **q = krealloc(to, 8, GFP_KERNEL); *q = p; }
"""

# %p is the pointer so far, %v a fresh name
STEPS = [
    "void *%v = %p;",
    "void *%v = (void *)((unsigned long)%p + 8 - 8);",
    "char *%v = (char *)%p + 0;",
    "unsigned long %v_n = (unsigned long)%p ^ 0x55; void *%v = (void *)(%v_n ^ 0x55);",
    "struct box %v_b = { .a = %p }; void *%v = %v_b.a;",
    "struct box %v_b = { .b = %p }; struct box %v_c = %v_b; void *%v = %v_c.b;",
    "struct box %v_b = { .b = %p }; void *%v = unbox(&%v_b);",
    "struct box %v_b = { .b = %p }, *%v_p = &%v_b; void *%v = unbox2(&%v_p);",
    "struct box %v_b = { .b = %p }, %v_c; memcpy(&%v_c, &%v_b, sizeof(%v_c)); void *%v = %v_c.b;",
    "struct box %v_b = { .b = %p }, %v_c = rebox(&%v_b); void *%v = %v_c.b;",
    "struct box %v_b = { .a = %p }; %v_b.self = &%v_b; void *%v = %v_b.self->a;",
    "void *%v_a[4] = { NULL, %p, %p, NULL }; void *%v = %v_a[1 + (number() & 1)];",
    "void *%v_x = %p, **%v_y = &%v_x; void *%v = *%v_y;",
    "void *%v; move(&%v, (void *[]){ %p });",
    "void *%v = id(%p);",
    "void *%v = deep(%p, 3);",
    "void *%v = number() > 3 ? %p : NULL; if (!%v) %v = %p;",
    "struct box *%v_h = kzalloc(sizeof(*%v_h), GFP_KERNEL); %v_h->a = %p; void *%v = %v_h->a; kfree(%v_h);",
    "struct box *%v_h = %p; %v_h->self = %v_h; void *%v = %v_h->self;",
    "struct box *%v_h = %p; self(%v_h); void *%v = %v_h->self;",
    "void *%v = NULL; for (int i = 0; i < 3; i++) { if (i == 2) %v = %p; }",
    "union { void *p; u8 b[8]; } %v_u, %v_w; %v_u.p = %p; "
    "for (int i = 0; i < 8; i++) %v_w.b[i] = %v_u.b[i]; void *%v = %v_w.p;",
    "long %v_d = (char *)%p - (char *)&number; void *%v = (char *)&number + %v_d;",
    "void *%v = memset(%p, 0, 32);",
    "struct list_head *%v_l = &container_of((long *)%p, struct two, v)->l; "
    "void *%v = container_of(%v_l, struct two, l);",
    "void *%v = %p; OPTIMIZER_HIDE_VAR(%v);",
]
HARMLESS = ["look(%p);", "memset(%p, 1, 16);", "((struct box *)%p)->n = number();",
            "pr_debug(\"%%s\\n\", (char *)%p);", "INIT_LIST_HEAD((struct list_head *)%p);",
            "if (((struct box *)%p)->n > 3) number();"]
LEAVE = ["shared = %p;", "hidden[number() & 3] = %p;", "out->a = %p;", "unknown(%p);",
         "publish(%p);", "static void *s; s = %p;", "WRITE_ONCE(shared, %p);",
         "struct box z = { .a = %p }; publish_inner(&z);", "struct box z = { .b = %p }; *out = z;",
         "struct box z = { .b = %p }; memcpy(out, &z, sizeof(z));", "move(&shared, (void *[]){ %p });",
         "out->n = (long)%p;", "shared = &((struct box *)%p)->n;", "struct box z = { .a = %p }; unknown(&z);",
         "asm volatile(\"\" : \"=r\" (shared) : \"0\" (%p));", "xchg(&shared, %p);",
         "u32 *w = (u32 *)out; u64 q = (u64)%p; w[0] = q; w[1] = q >> 32;",
         "memset64((u64 *)&shared, (u64)%p, 1);", "look_asm((long *)%p);", "put(out, %p);",
         "char t[32]; snprintf(t, sizeof(t), \"%%lx\", %p); unknown(t);",
         "long d = (char *)out - (char *)%p; *(void **)((char *)%p + d) = %p;"]


def function(rng, number):
    leaves = rng.random() < 0.6
    lines = ["struct box *p0 = kzalloc(64, GFP_KERNEL); /* call */", "void *first = p0;", "if (!p0) return NULL;"]
    p = "p0"
    for step in range(rng.randrange(0, 5 if leaves else 3)):
        if rng.random() < 0.3:
            lines.append(rng.choice(HARMLESS).replace("%p", p).replace("%%", "%"))
        v = f"v{step}"
        lines.append(rng.choice(STEPS).replace("%p", p).replace("%v", v))
        p = v
    result = "NULL"
    if leaves:
        if rng.random() < 0.2:
            result = p
        else:
            lines.append("{ " + rng.choice(LEAVE).replace("%p", p).replace("%%", "%") + " }")
            if rng.random() < 0.5:
                lines.append("kfree(first);")
    else:
        lines.append(rng.choice(["kfree(first);", "drop(first);"]))
    name = f"f_{'leave' if leaves else 'stay'}_{number}"
    return f"void *{name}(void)\n{{\n" + "".join(f"\t{x}\n" for x in lines) + f"\treturn {result};\n}}\n"


def make(seed, count, folder):
    rng = random.Random(seed)
    os.makedirs(folder)
    with open(os.path.join(folder, "Kbuild"), "w", encoding="utf-8") as f:
        f.write("obj-m += fuzz.o\nccflags-y += -w -Wno-declaration-after-statement -std=gnu11\n")
    with open(os.path.join(folder, "fuzz.c"), "w", encoding="utf-8") as f:
        f.write(HEAD + "struct two { long v; struct list_head l; };\n")
        for number in range(count):
            f.write("\n" + function(rng, number))


def judge(folder, report):
    with open(report, encoding="utf-8") as f:
        calls = [c for c in json.load(f)["calls"] if c["function"].startswith("f_")]
    with open(os.path.join(folder, "fuzz.c"), encoding="utf-8") as f:
        marked = {n for n, line in enumerate(f, 1) if "/* call */" in line}
    calls = [c for c in calls if c["line"] in marked]
    left = [c for c in calls if "_leave_" in c["function"]]
    false = [c for c in left if c["verdict"] != "escapes"]
    stay = [c for c in calls if "_stay_" in c["function"]]
    found = [c for c in stay if c["verdict"] == "stack"]
    for call in false:
        print(f"not ok FALSE {call['function']} (fuzz.c:{call['line']}): {call['text']}")
    print(f"random functions: {len(calls)}, {len(left)} leave, {len(false)} of them missed; "
          f"{len(stay)} stay, {len(found)} of them seen")
    return 1 if false or not found or len(calls) != len(marked) else 0


if sys.argv[1] == "make":
    make(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
else:
    sys.exit(judge(sys.argv[2], sys.argv[3]))
