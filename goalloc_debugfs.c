// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs: /sys/kernel/debug/goalloc/.
 *
 *	stats	one page for a person
 *	classes	one row a size class, a version line first
 *	release	write 1: everything that can go back to the page allocator goes
 *	check	write 1: walk and verify every structure; read: the verdict
 *
 * Locks: verdict_mutex protects the last verdict.
 */
#include <linux/debugfs.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>

#include "goalloc_internal.h"

static struct dentry *dir;
static DEFINE_MUTEX(verdict_mutex);
static char verdict[200] = "never run: write 1\n";

static void line(struct seq_file *m, const char *what, u64 bytes, const char *why)
{
	seq_printf(m, "  %-10s %12llu KiB   %s\n", what, bytes >> 10, why);
}

static int stats_show(struct seq_file *m, void *v)
{
	struct goalloc_stats st;

	goalloc_read_stats(&st);
	seq_puts(m, "goalloc: see Documentation/debugfs.md\n\nbytes\n");
	line(m, "held", st.held, "all of the below");
	line(m, "in use", st.in_use, "objects with their users, as large as their size class");
	line(m, "cached", st.cached, "objects waiting in mcaches and mcentrals");
	line(m, "free", st.free, "free objects, span tails, free runs, page caches");
	line(m, "metadata", st.metadata, "vmalloc'ed and percpu, holds no objects");
	line(m, "limit", st.limit, st.limit ? "held is not to pass it" : "none");
	seq_puts(m, "\nmetadata\n");
	line(m, "regions", goalloc_meta_regions(), "mspans, bits, state bytes, magazines");
	line(m, "arenas", goalloc_meta_metadata() - goalloc_meta_regions(),
	     "arenas, leaves and their index, mheaps");
	line(m, "classes", goalloc_class_metadata(), "bins and mcentrals");
	line(m, "stashes", goalloc_nolock_metadata(), "what NMI allocates from and frees to");
	seq_puts(m, "\nobjects\n");
	seq_printf(m, "  %-10s %12llu       of them large: %llu with %llu KiB\n", "in use",
		   st.objects, st.large_objects, st.large >> 10);
	seq_printf(m, "  %-10s %12llu\n", "spans", st.spans);
	seq_puts(m, "\npages\n");
	seq_printf(m, "  %-10s %12llu       of %lu bytes\n", "held", st.pages, PAGE_SIZE);
	seq_printf(m, "  %-10s %12llu       calls to the page allocator\n", "chunks",
		   st.page_allocs);
	seq_printf(m, "  %-10s %12llu       given back\n", "returned", st.page_frees);
	seq_printf(m, "  %-10s %12llu       of these in the background\n", "scavenged",
		   st.scavenged);
	seq_puts(m, "\nevents\n");
	seq_printf(m, "  %-10s %12llu       allocations that returned NULL\n", "failures",
		   st.failures);
	seq_printf(m, "  %-10s %12llu       frees refused, and other misuse\n", "misuse",
		   st.misuse);
	seq_printf(m, "  %-10s %12llu       requests for pages that the limit refused\n",
		   "refused", st.refused);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int classes_show(struct seq_file *m, void *v)
{
	struct goalloc_class_stats st;
	struct goalloc_class *class;
	int i;

	seq_puts(m, "goalloc classes version 1\n");
	seq_printf(m, "%-6s %7s %6s %8s %10s %8s %8s %10s %12s %9s %9s\n", "class", "objsize",
		   "pages", "spans", "in_use", "mcache", "batch", "free", "allocs", "refills",
		   "flushes");
	for_each_goalloc_class(class, i) {
		goalloc_stats_class(class, &st);
		seq_printf(m, "%-6s %7u %6u %8llu %10llu %8llu %8llu %10llu %12llu %9llu %9llu\n",
			   class->name, class->size, class->npages, st.spans, st.in_use, st.mcache,
			   st.batch, st.free, st.nalloc, st.refills, st.flushes);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(classes);

/* Was a 1 written? */
static int written_one(const char __user *buf, size_t len)
{
	unsigned int val;
	int err = kstrtouint_from_user(buf, len, 0, &val);

	if (err)
		return err;
	return val == 1 ? 0 : -EINVAL;
}

static ssize_t release_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	int err = written_one(buf, len);

	if (err)
		return err;
	goalloc_release_memory();
	return len;
}

static const struct file_operations release_fops = {
	.owner = THIS_MODULE,
	.write = release_write,
};

static ssize_t check_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	int err = written_one(buf, len);

	if (err)
		return err;
	mutex_lock(&verdict_mutex);
	err = goalloc_check(verdict, sizeof(verdict));
	mutex_unlock(&verdict_mutex);
	return err ?: len;
}

static int check_show(struct seq_file *m, void *v)
{
	mutex_lock(&verdict_mutex);
	seq_puts(m, verdict);
	mutex_unlock(&verdict_mutex);
	return 0;
}

static int check_open(struct inode *inode, struct file *file)
{
	return single_open(file, check_show, NULL);
}

static const struct file_operations check_fops = {
	.owner = THIS_MODULE,
	.open = check_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
	.write = check_write,
};

void goalloc_debugfs_init(void)
{
	dir = debugfs_create_dir("goalloc", NULL);
	debugfs_create_file("stats", 0444, dir, NULL, &stats_fops);
	debugfs_create_file("classes", 0444, dir, NULL, &classes_fops);
	debugfs_create_file("release", 0200, dir, NULL, &release_fops);
	debugfs_create_file("check", 0600, dir, NULL, &check_fops);
	goalloc_fault_debugfs(dir);
}

void goalloc_debugfs_exit(void)
{
	debugfs_remove_recursive(dir);
}
