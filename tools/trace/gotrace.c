// SPDX-License-Identifier: GPL-2.0
/*
 * gotrace: turn the kernel's kmem trace events into a trace file, and read it.
 *
 *   gotrace convert TRACEFS FILE      in the guest, after the recording
 *   gotrace summary FILE              what is in a trace
 *   gotrace cut FILE FIRST OPS OUT    a part of a trace as a trace of its own
 *
 * convert reads the binary pages of per_cpu/cpuN/trace_pipe_raw, as text would
 * be slow and would print hashed pointers. The recording uses the trace clock
 * "counter", one atomic counter for all CPUs, so sorting by time stamp gives
 * the exact order: the kernel emits a free before it frees and an allocation
 * after it has allocated, so no address is ever seen in use twice at once.
 *
 * An object is live from its allocation to its free. Bulk frees and kfree_rcu()
 * emit no event, so a new object that overlaps a live one implies that the live
 * one was freed: that free is put just before the allocation. Live objects do
 * not overlap and are kept in a treap ordered by address.
 *
 * One thread; there is no lock.
 */
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../../bench/gotrace.h"

/* What a trace event says in common_flags, see enum trace_flag_type. */
#define TRACE_FLAG_HARDIRQ	0x08
#define TRACE_FLAG_SOFTIRQ	0x10
#define TRACE_FLAG_NMI		0x40

/* The two gfp bits that are kept; they are the same from 5.x to 6.12. */
#define GFP_ZERO		0x100
#define GFP_DIRECT_RECLAIM	0x400

/* The ring buffer's entries, see include/linux/ring_buffer.h. */
#define RB_PADDING		29
#define RB_TIME_EXTEND		30
#define RB_TIME_STAMP		31
#define RB_DELTA_BITS		27
#define RB_COMMIT_MASK		0xfffffUL
#define RB_MISSED_MASK		(3UL << 30)

#define ZERO_SIZE_PTR		16

static void *xrealloc(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n, size);
	if (!p)
		errx(1, "out of memory");
	return p;
}

/* Live objects: a treap by address. Index 0 is the empty tree. */

struct node {
	__u64 start, end;
	__u32 left, right;
	__u32 priority;
	__u32 id;
	__u32 size;
};

static struct node *nodes;
static __u32 nr_nodes = 1, max_nodes, free_nodes, root;

static __u32 random32(void)
{
	static __u32 x = 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

static __u32 node_new(__u64 start, __u64 end, __u32 id, __u32 size)
{
	__u32 n = free_nodes;

	if (n) {
		free_nodes = nodes[n].left;
	} else {
		if (nr_nodes >= max_nodes) {
			max_nodes = max_nodes ? 2 * max_nodes : 1 << 16;
			nodes = xrealloc(nodes, max_nodes, sizeof(*nodes));
		}
		n = nr_nodes++;
	}
	nodes[n] = (struct node){
		.start = start, .end = end, .id = id, .size = size, .priority = random32(),
	};
	return n;
}

/* Split @t into what starts below @key and the rest. */
static void treap_split(__u32 t, __u64 key, __u32 *low, __u32 *high)
{
	if (!t) {
		*low = 0;
		*high = 0;
	} else if (nodes[t].start < key) {
		treap_split(nodes[t].right, key, &nodes[t].right, high);
		*low = t;
	} else {
		treap_split(nodes[t].left, key, low, &nodes[t].left);
		*high = t;
	}
}

static __u32 treap_join(__u32 low, __u32 high)
{
	if (!low || !high)
		return low | high;
	if (nodes[low].priority > nodes[high].priority) {
		nodes[low].right = treap_join(nodes[low].right, high);
		return low;
	}
	nodes[high].left = treap_join(low, nodes[high].left);
	return high;
}

static void treap_insert(__u32 n)
{
	__u32 *link = &root;

	while (*link && nodes[*link].priority > nodes[n].priority)
		link = nodes[n].start < nodes[*link].start ? &nodes[*link].left :
							     &nodes[*link].right;
	treap_split(*link, nodes[n].start, &nodes[n].left, &nodes[n].right);
	*link = n;
}

/* The live object that starts last below @key, or 0. */
static __u32 treap_below(__u64 key)
{
	__u32 t = root, best = 0;

	while (t) {
		if (nodes[t].start < key) {
			best = t;
			t = nodes[t].right;
		} else {
			t = nodes[t].left;
		}
	}
	return best;
}

static void treap_remove(__u32 n)
{
	__u32 *link = &root;

	while (*link != n)
		link = nodes[n].start < nodes[*link].start ? &nodes[*link].left :
							     &nodes[*link].right;
	*link = treap_join(nodes[n].left, nodes[n].right);
	nodes[n].left = free_nodes;
	free_nodes = n;
}

/* Writing a trace. */

static FILE *out;
static const char *out_path;
static struct gotrace_header head;	/* in host order until it is written */

static void write_open(const char *path)
{
	out_path = path;
	out = fopen(path, "wb");
	if (!out || fseek(out, sizeof(head), SEEK_SET))
		err(1, "%s", path);
}

static void write_op(__u32 id, __u32 size, unsigned int cpu, unsigned int flags,
		     unsigned int context)
{
	struct gotrace_op op = {
		.id = htole32(id), .size = htole32(size),
		.cpu = cpu, .flags = flags, .context = context,
	};

	if (fwrite(&op, sizeof(op), 1, out) != 1)
		err(1, "%s", out_path);
	head.ops++;
	if (flags & GOTRACE_IMPLIED)
		head.implied++;
	if (!(flags & GOTRACE_FREE))
		head.allocs++;
}

static void write_close(void)
{
	memcpy(head.magic, GOTRACE_MAGIC, GOTRACE_MAGIC_LEN);
	head.version = htole32(GOTRACE_VERSION);
	head.header_size = htole32(sizeof(head));
	head.op_size = htole32(sizeof(struct gotrace_op));
	head.cpus = htole32(head.cpus);
	head.ops = htole32(head.ops);
	head.allocs = htole32(head.allocs);
	head.implied = htole32(head.implied);
	head.dropped = htole32(head.dropped);
	if (fseek(out, 0, SEEK_SET) || fwrite(&head, sizeof(head), 1, out) != 1 || fclose(out))
		err(1, "%s", out_path);
}

/* The formats of the events, from tracefs. */

struct field {
	unsigned int offset, size;
};

struct event {
	const char *name;
	bool frees, cache;
	unsigned int type;
	struct field ptr, req, alloc, gfp;
	__u32 seen;
};

static struct event events[] = {
	{ .name = "kmalloc" },
	{ .name = "kmem_cache_alloc", .cache = true },
	{ .name = "kfree", .frees = true },
	{ .name = "kmem_cache_free", .frees = true, .cache = true },
	{ }
};

static const char *tracefs;
static struct field page_commit, page_data;

static char *read_text(const char *name)
{
	static char buf[16384];
	char path[512];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", tracefs, name);
	f = fopen(path, "r");
	if (!f)
		err(1, "%s", path);
	len = fread(buf, 1, sizeof(buf) - 1, f);
	if (ferror(f) || !len)
		errx(1, "%s: cannot be read", path);
	buf[len] = 0;
	fclose(f);
	return buf;
}

/* Finds "field:... NAME;	offset:N;	size:N;" in the text of a format. */
static struct field find_field(const char *text, const char *name)
{
	struct field f;
	char word[64];
	const char *p;

	snprintf(word, sizeof(word), " %s;", name);
	p = strstr(text, word);
	if (!p || sscanf(p + strlen(word), " offset:%u; size:%u;", &f.offset, &f.size) != 2)
		errx(1, "the trace format has no field %s", name);
	return f;
}

static void read_formats(void)
{
	struct event *e;
	char name[128];
	char *text, *id;

	text = read_text("events/header_page");
	page_commit = find_field(text, "commit");
	page_data = find_field(text, "data");
	if (page_commit.offset != 8 || page_data.offset != 16)
		errx(1, "only the ring buffer of 64-bit kernels is understood");
	for (e = events; e->name; e++) {
		snprintf(name, sizeof(name), "events/kmem/%s/format", e->name);
		text = read_text(name);
		id = strstr(text, "\nID: ");
		if (!id || sscanf(id, "\nID: %u", &e->type) != 1)
			errx(1, "%s has no ID", name);
		e->ptr = find_field(text, "ptr");
		if (e->frees)
			continue;
		e->req = find_field(text, "bytes_req");
		e->alloc = find_field(text, "bytes_alloc");
		e->gfp = find_field(text, "gfp_flags");
	}
}

static __u64 get_field(const __u8 *data, struct field f)
{
	__u32 v32;
	__u64 v64;

	if (f.size == 8) {
		memcpy(&v64, data + f.offset, 8);
		return v64;
	}
	if (f.size != 4)
		errx(1, "a field has %u bytes", f.size);
	memcpy(&v32, data + f.offset, 4);
	return v32;
}

/* One CPU's ring buffer, read page by page. */

struct reader {
	int fd;
	unsigned int cpu;
	__u8 *page;
	size_t pos, end;	/* of the data in @page */
	__u64 time;		/* of the last entry */
	const __u8 *data;	/* the entry's event, NULL at the end of the trace */
};

static bool read_page(struct reader *r)
{
	size_t size = page_data.offset + page_data.size;
	__u64 commit;
	ssize_t n;

	do {
		n = read(r->fd, r->page, size);
	} while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == EAGAIN))
		return false;
	if (n < 0)
		err(1, "cpu%u/trace_pipe_raw", r->cpu);
	if ((size_t)n != size)
		errx(1, "cpu%u/trace_pipe_raw: a short page of %zd bytes", r->cpu, n);
	memcpy(&r->time, r->page, 8);
	memcpy(&commit, r->page + page_commit.offset, 8);
	if (commit & RB_MISSED_MASK)
		errx(1, "cpu%u: the ring buffer lost events", r->cpu);
	r->pos = page_data.offset;
	r->end = page_data.offset + (commit & RB_COMMIT_MASK);
	if (r->end > size)
		errx(1, "cpu%u/trace_pipe_raw: a page with %zu bytes", r->cpu, r->end);
	return true;
}

/* Moves @r to its next event. */
static void next_event(struct reader *r)
{
	__u32 entry, type, delta, extra;
	const __u8 *p;

	r->data = NULL;
	while (!r->data) {
		if (r->pos + 4 > r->end) {
			if (!read_page(r))
				return;
			continue;
		}
		p = r->page + r->pos;
		memcpy(&entry, p, 4);
		extra = 0;
		if (r->pos + 8 <= r->end)
			memcpy(&extra, p + 4, 4);
		type = entry & 31;
		delta = entry >> 5;
		switch (type) {
		case RB_PADDING:
			if (!delta) {	/* the rest of the page */
				r->pos = r->end;
				break;
			}
			r->time += delta;
			r->pos += 4 + extra;
			break;
		case RB_TIME_EXTEND:
			r->time += delta + ((__u64)extra << RB_DELTA_BITS);
			r->pos += 8;
			break;
		case RB_TIME_STAMP:	/* its top five bits are those of the page */
			r->time = (r->time & (31ULL << 59)) | delta |
				  (__u64)extra << RB_DELTA_BITS;
			r->pos += 8;
			break;
		case 0:
			r->time += delta;
			r->data = p + 8;
			r->pos += 4 + extra;
			break;
		default:
			r->time += delta;
			r->data = p + 4;
			r->pos += 4 + 4 * type;
			break;
		}
		if (r->pos > r->end)
			errx(1, "cpu%u: an entry crosses its page", r->cpu);
	}
}

static void convert_alloc(struct event *e, const __u8 *data, unsigned int cpu,
			  unsigned int context, __u64 ptr)
{
	__u64 req = get_field(data, e->req), alloc = get_field(data, e->alloc);
	__u64 gfp = get_field(data, e->gfp);
	unsigned int flags = 0;
	__u32 n;

	if (!req || req > GOTRACE_MAX_SIZE)
		errx(1, "%s of %llu bytes", e->name, req);
	if (alloc < req)
		alloc = req;
	for (;;) {
		n = treap_below(ptr + alloc);
		if (!n || nodes[n].end <= ptr)
			break;
		write_op(nodes[n].id, 0, cpu, GOTRACE_FREE | GOTRACE_IMPLIED, context);
		treap_remove(n);
	}
	if (e->cache)
		flags |= GOTRACE_CACHE;
	if (gfp & GFP_ZERO)
		flags |= GOTRACE_ZERO;
	if (!(gfp & GFP_DIRECT_RECLAIM))
		flags |= GOTRACE_ATOMIC;
	n = node_new(ptr, ptr + alloc, head.allocs, req);
	treap_insert(n);
	write_op(nodes[n].id, req, cpu, flags, context);
}

static void convert_free(struct event *e, unsigned int cpu, unsigned int context, __u64 ptr)
{
	__u32 n = treap_below(ptr + 1);

	if (!n || nodes[n].start != ptr) {
		head.dropped++;
		return;
	}
	write_op(nodes[n].id, 0, cpu, GOTRACE_FREE | (e->cache ? GOTRACE_CACHE : 0), context);
	treap_remove(n);
}

static void convert_event(const struct reader *r)
{
	unsigned int context = GOTRACE_TASK;
	struct event *e;
	__u64 ptr;
	__u16 type;

	memcpy(&type, r->data, 2);
	for (e = events; e->name; e++)
		if (e->type == type)
			break;
	if (!e->name)
		return;
	if (r->data[2] & TRACE_FLAG_SOFTIRQ)
		context = GOTRACE_SOFTIRQ;
	if (r->data[2] & TRACE_FLAG_HARDIRQ)
		context = GOTRACE_HARDIRQ;
	if (r->data[2] & TRACE_FLAG_NMI)
		context = GOTRACE_NMI;
	e->seen++;
	ptr = get_field(r->data, e->ptr);
	if (ptr <= ZERO_SIZE_PTR)
		return;		/* a failed allocation, a free of nothing */
	if (e->frees)
		convert_free(e, r->cpu, context, ptr);
	else
		convert_alloc(e, r->data, r->cpu, context, ptr);
}

static int convert(const char *path)
{
	struct reader *readers = NULL, *r, *first;
	__u64 last = 0, total = 0;
	struct utsname uts;
	unsigned int n = 0;
	struct event *e;
	char name[512];
	int fd;

	read_formats();
	for (;;) {
		snprintf(name, sizeof(name), "%s/per_cpu/cpu%u/trace_pipe_raw", tracefs, n);
		fd = open(name, O_RDONLY | O_NONBLOCK);
		if (fd < 0 && errno == ENOENT && n)
			break;
		if (fd < 0)
			err(1, "%s", name);
		readers = xrealloc(readers, n + 1, sizeof(*readers));
		r = &readers[n];
		memset(r, 0, sizeof(*r));
		r->fd = fd;
		r->cpu = n++;
		r->page = xrealloc(NULL, 1, page_data.offset + page_data.size);
		next_event(r);
	}
	if (n > GOTRACE_MAX_CPUS)
		errx(1, "%u CPUs are more than a trace can have", n);
	uname(&uts);
	memcpy(head.release, uts.release, sizeof(head.release) - 1);
	head.cpus = n;
	write_open(path);
	for (;;) {
		first = NULL;
		for (r = readers; r < readers + n; r++)
			if (r->data && (!first || r->time < first->time))
				first = r;
		if (!first)
			break;
		if (first->time < last)
			errx(1, "time goes back; is the trace clock \"counter\"?");
		last = first->time;
		total++;
		convert_event(first);
		next_event(first);
	}
	printf("gotrace: events=%llu cpus=%u", total, n);
	for (e = events; e->name; e++)
		printf(" %s=%u", e->name, e->seen);
	printf(" ops=%u implied=%u dropped=%u\n", head.ops, head.implied, head.dropped);
	write_close();
	return 0;
}

/* Reading a trace. */

static struct gotrace_op *ops;

/* Reads and checks the whole file; @head is in host order afterwards. */
static void read_trace(const char *path)
{
	__u32 i, allocs = 0, op_size;
	__u8 *live = NULL;
	FILE *f;

	f = fopen(path, "rb");
	if (!f)
		err(1, "%s", path);
	if (fread(&head, sizeof(head), 1, f) != 1 ||
	    memcmp(head.magic, GOTRACE_MAGIC, GOTRACE_MAGIC_LEN))
		errx(1, "%s is not a trace", path);
	if (le32toh(head.version) != GOTRACE_VERSION)
		errx(1, "%s is of version %u, this program reads version %u", path,
		     le32toh(head.version), GOTRACE_VERSION);
	op_size = le32toh(head.op_size);
	head.cpus = le32toh(head.cpus);
	head.ops = le32toh(head.ops);
	head.allocs = le32toh(head.allocs);
	head.implied = le32toh(head.implied);
	head.dropped = le32toh(head.dropped);
	if (op_size != sizeof(*ops) || le32toh(head.header_size) != sizeof(head) ||
	    head.allocs > head.ops)
		errx(1, "%s has a wrong header", path);
	ops = xrealloc(NULL, head.ops + 1, sizeof(*ops));
	live = xrealloc(NULL, head.allocs + 1, 1);
	if (fread(ops, sizeof(*ops), head.ops, f) != head.ops || fgetc(f) != EOF)
		errx(1, "%s is cut or too long", path);
	fclose(f);
	for (i = 0; i < head.ops; i++) {
		ops[i].id = le32toh(ops[i].id);
		ops[i].size = le32toh(ops[i].size);
		if (ops[i].cpu >= head.cpus || ops[i].id >= head.allocs)
			errx(1, "%s: operation %u is wrong", path, i);
		if (ops[i].flags & GOTRACE_FREE) {
			if (ops[i].id >= allocs || !live[ops[i].id])
				errx(1, "%s: operation %u frees what is not live", path, i);
			live[ops[i].id] = 0;
		} else {
			if (ops[i].id != allocs || !ops[i].size || ops[i].size > GOTRACE_MAX_SIZE)
				errx(1, "%s: operation %u is wrong", path, i);
			live[allocs++] = 1;
		}
	}
	if (allocs != head.allocs)
		errx(1, "%s: %u allocations, the header says %u", path, allocs, head.allocs);
	free(live);
}

#define MAX_SHIFT	22

static int summary(const char *path)
{
	static const char * const contexts[] = { "task", "softirq", "hardirq", "nmi" };
	__u64 live = 0, peak = 0, bytes = 0, count[MAX_SHIFT + 1] = {}, sum[MAX_SHIFT + 1] = {};
	__u32 i, distinct = 0, objects = 0, peak_objects = 0, peak_op = 0;
	__u32 *size_of, cache = 0, atomic = 0, zero = 0, remote = 0, switches = 0;
	__u32 context[4] = {};
	__u8 *seen, *cpu_of;
	unsigned int s;

	read_trace(path);
	size_of = xrealloc(NULL, head.allocs + 1, sizeof(*size_of));
	cpu_of = xrealloc(NULL, head.allocs + 1, 1);
	seen = calloc(1, GOTRACE_MAX_SIZE + 1);
	if (!seen)
		errx(1, "out of memory");
	for (i = 0; i < head.ops; i++) {
		const struct gotrace_op *op = &ops[i];

		context[op->context & 3]++;
		switches += i && op->cpu != ops[i - 1].cpu;
		if (op->flags & GOTRACE_FREE) {
			live -= size_of[op->id];
			objects--;
			remote += op->cpu != cpu_of[op->id];
			continue;
		}
		size_of[op->id] = op->size;
		cpu_of[op->id] = op->cpu;
		live += op->size;
		bytes += op->size;
		objects++;
		if (live > peak) {
			peak = live;
			peak_op = i;
			peak_objects = objects;
		}
		distinct += !seen[op->size];
		seen[op->size] = 1;
		cache += !!(op->flags & GOTRACE_CACHE);
		atomic += !!(op->flags & GOTRACE_ATOMIC);
		zero += !!(op->flags & GOTRACE_ZERO);
		for (s = 0; s < MAX_SHIFT && op->size > 1U << s; s++)
			;
		count[s]++;
		sum[s] += op->size;
	}
	printf("trace            %s, recorded on %.64s, %u CPUs\n", path, head.release, head.cpus);
	printf("operations       %u\n", head.ops);
	printf("allocations      %u (%u by kmem_cache_alloc, %u atomic, %u zeroed)\n",
	       head.allocs, cache, atomic, zero);
	printf("frees            %u (%u implied by reuse, %u on another CPU)\n",
	       head.ops - head.allocs, head.implied, remote);
	printf("left out         %u frees of objects older than the recording\n", head.dropped);
	printf("live at the end  %u objects, %llu KiB requested\n", objects, live >> 10);
	printf("peak             %u objects, %llu KiB requested, at operation %u\n",
	       peak_objects, peak >> 10, peak_op);
	printf("requested        %llu KiB, mean %llu bytes, %u distinct sizes\n",
	       bytes >> 10, head.allocs ? bytes / head.allocs : 0, distinct);
	printf("changes of CPU   %u\n", switches);
	for (i = 0; i < 4; i++)
		printf("in %-13s %u operations\n", contexts[i], context[i]);
	printf("\n%10s  %10s  %7s  %12s\n", "size up to", "count", "share", "KiB");
	for (s = 0; s <= MAX_SHIFT; s++)
		if (count[s])
			printf("%10u  %10llu  %6.2f%%  %12llu\n", 1U << s, count[s],
			       100.0 * count[s] / head.allocs, sum[s] >> 10);
	return 0;
}

static __u32 parse_u32(const char *text)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || end == text || v > ~0U)
		errx(1, "%s is not a number", text);
	return v;
}

static int cut(const char *in, __u32 first, __u32 nr, const char *path)
{
	__u32 *new_id, i, end, id;

	read_trace(in);
	if (first >= head.ops)
		errx(1, "%s has only %u operations", in, head.ops);
	end = nr < head.ops - first ? first + nr : head.ops;
	new_id = xrealloc(NULL, head.allocs + 1, sizeof(*new_id));
	memset(new_id, 0xff, (head.allocs + 1) * sizeof(*new_id));
	head.ops = 0;
	head.allocs = 0;
	head.implied = 0;
	head.dropped = 0;
	write_open(path);
	for (i = first; i < end; i++) {
		const struct gotrace_op *op = &ops[i];

		if (!(op->flags & GOTRACE_FREE))
			new_id[op->id] = head.allocs;
		id = new_id[op->id];
		if (id == ~0U)
			head.dropped++;
		else
			write_op(id, op->size, op->cpu, op->flags, op->context);
	}
	write_close();
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "convert")) {
		tracefs = argv[2];
		return convert(argv[3]);
	}
	if (argc == 3 && !strcmp(argv[1], "summary"))
		return summary(argv[2]);
	if (argc == 6 && !strcmp(argv[1], "cut"))
		return cut(argv[2], parse_u32(argv[3]), parse_u32(argv[4]), argv[5]);
	fputs("usage: gotrace convert TRACEFS FILE\n"
	      "       gotrace summary FILE\n"
	      "       gotrace cut FILE FIRST OPS OUT\n", stderr);
	return 1;
}
