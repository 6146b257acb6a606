// SPDX-License-Identifier: GPL-2.0
/*
 * escape.cc - a GCC plugin that asks which allocations leave their function
 *
 * For every call to kmalloc(), gomalloc() and their kin in the sources under
 * one folder it writes one line of JSON: where the call is, its size if that is
 * a constant, where the object escapes if it does, whether it outlives an
 * iteration of a loop, whether the function is recursive. report.py makes the
 * report of it; Documentation/escape.md says how the verdict is reached.
 *
 * It runs once a unit, on the SSA form before any inlining, when every call
 * still has the name that the source gave it. The work is done in a child
 * process: the compilation itself goes on as if the plugin were not there.
 *
 * A verdict has two halves, and "does not escape" needs both.
 *
 * 1. flow, below: from the call forward over all uses, through copies, PHIs,
 *    arithmetic, local variables and the functions of the unit. Whatever it does
 *    not know is an escape.
 * 2. GCC's own points-to analysis of the function. It is told about no call but
 *    those that flow followed and found harmless, argument by argument, so a
 *    use that flow had missed counts as an escape there.
 *
 * A value that flow tracks is of one of two kinds, or both:
 *
 *   OBJ   it may point to or into the object, or be computed from such a
 *         pointer
 *   HOLD  it may point to memory in which a pointer to the object is kept, at
 *         any depth; what is loaded through it may be OBJ and HOLD
 *
 * Memory that may hold a pointer to the object and still counts as inside of
 * the function is: local variables (holders), the object itself (self), and
 * another allocation of the same function. A store to anything else, or to
 * something of which that is not certain, is an escape.
 *
 * Arguments, all after -fplugin-arg-escape-:
 *   root=DIR       only calls in files below DIR are reported
 *   out=DIR        where the files go, one a unit
 *   known=FILE     summaries of functions in other units, as an earlier run
 *                  wrote them
 *   trust=NAME     NAME keeps no pointer (may be repeated)
 *   only           end the compilation after the analysis, with success
 */

#include "gcc-plugin.h"
#include "plugin-version.h"
#include "context.h"
#include "tree.h"
#include "tree-pass.h"
#include "gimple.h"
#include "gimple-iterator.h"
#include "gimple-walk.h"
#include "tree-cfg.h"
#include "tree-dfa.h"
#include "ssa.h"
#include "ssa-iterators.h"
#include "cfgloop.h"
#include "cgraph.h"
#include "diagnostic-core.h"
#include "stringpool.h"
#include "attribs.h"
#include "tree-ssa-alias.h"
#include "internal-fn.h"
#include "fold-const.h"
#include "wide-int.h"
#include "attr-fnspec.h"
#include "opts.h"
#include "options.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "helpers.h"

int plugin_is_GPL_compatible;

namespace {

using std::map;
using std::set;
using std::string;
using std::vector;

/* Kinds of a tracked value */
enum { OBJ = 1, HOLD = 2 };

/* No chain of calls in a kernel module is as deep; beyond it all escapes */
const unsigned max_depth = 48;

string root_dir, out_dir;
set<string> trusted_names;
bool only;

/* ---- names and places ---- */

struct place {
	string file;
	int line = 0;
	int column = 0;

	bool operator<(const place &o) const
	{
		if (file != o.file)
			return file < o.file;
		return line != o.line ? line < o.line : column < o.column;
	}
};

map<string, string> real_paths;

string real_path(const char *name)
{
	auto it = real_paths.find(name);
	if (it != real_paths.end())
		return it->second;

	char *p = realpath(name, NULL);
	string s = p ? p : name;

	free(p);
	return real_paths[name] = s;
}

bool below_root(const string &file)
{
	return file.compare(0, root_dir.size() + 1, root_dir + "/") == 0;
}

/* What a macro expands to counts as where the macro is named */
place place_of(location_t loc)
{
	place p;
	size_t slash;

	if (LOCATION_LOCUS(loc) <= BUILTINS_LOCATION)
		return p;
	loc = linemap_resolve_location(line_table, loc, LRK_MACRO_EXPANSION_POINT, NULL);

	expanded_location x = expand_location(loc);

	if (!x.file)
		return p;
	p.file = real_path(x.file);
	if (below_root(p.file))
		p.file = p.file.substr(root_dir.size() + 1);
	else if ((slash = p.file.find("/include/")) != string::npos)
		p.file = p.file.substr(slash + 1);
	p.line = x.line;
	p.column = x.column;
	return p;
}

string name_of(tree decl)
{
	return decl && DECL_NAME(decl) ? IDENTIFIER_POINTER(DECL_NAME(decl)) : "?";
}

bool ends_with(const string &s, const char *end)
{
	size_t n = strlen(end);

	return s.size() > n && s.compare(s.size() - n, n, end) == 0;
}

/* The name that a person wrote: kmalloc, not kmalloc_noprof */
string source_name(tree fndecl)
{
	string s = name_of(fndecl);

	if (s.compare(0, 10, "__builtin_") == 0)
		s = s.substr(10);
	if (ends_with(s, "_noprof"))
		s = s.substr(0, s.size() - 7);
	return s;
}

/* gofoo has kfoo's contract, gokvfoo has kvfoo's */
string kernel_name(const string &s)
{
	if (s.compare(0, 4, "gokv") == 0)
		return s.substr(2);
	if (s.compare(0, 2, "go") == 0)
		return "k" + s.substr(2);
	return s;
}

/* @name is kfoo or gofoo, and kfoo allocates */
const allocator *allocator_named(const string &name)
{
	string k = kernel_name(name);

	for (const allocator &a : allocators)
		if (name == a.name || k == a.name)
			return &a;
	return NULL;
}

/* kcalloc() and others are macros: the outermost one that is an allocator */
string macro_name(location_t loc)
{
	const line_map *map;
	string name;

	while (IS_ADHOC_LOC(loc))
		loc = get_location_from_adhoc_loc(line_table, loc);
	while ((map = linemap_lookup(line_table, loc)) && linemap_macro_expansion_map_p(map)) {
		const line_map_macro *macro = linemap_check_macro(map);
		const char *n = linemap_map_get_macro_name(macro);

		if (n && allocator_named(n))
			name = n;
		loc = macro->expansion;
	}
	return name;
}

/* Public functions that the folder's other units define */
set<string> defined;

/* Has it another name for the linker, by an asm() behind its declaration? */
bool renamed(tree fndecl)
{
	const char *n = DECL_ASSEMBLER_NAME_SET_P(fndecl) ?
			IDENTIFIER_POINTER(DECL_ASSEMBLER_NAME(fndecl)) : "";

	return *n == '*' && source_name(fndecl) != n + 1 && name_of(fndecl) != n + 1;
}

/*
 * A function that the module defines itself may have a kernel function's name;
 * then only its body counts. goalloc's are taken by their names wherever they
 * are declared, and its header's inlines wherever that lies.
 */
bool is_the_kernels(tree fndecl)
{
	cgraph_node *node = cgraph_node::get(fndecl);
	string s = name_of(fndecl);

	if (renamed(fndecl))
		return false;
	/* Another file of the folder defines it; what is declared is the kernel's */
	if (TREE_PUBLIC(fndecl) && !(node && node->definition) && defined.count(source_name(fndecl)))
		return false;

	expanded_location x = expand_location(DECL_SOURCE_LOCATION(fndecl));

	if (!x.file || !below_root(real_path(x.file)) ||
	    (fndecl_built_in_p(fndecl) && !(node && node->definition)))
		return true;

	if (s.compare(0, 2, "go") && s.compare(0, 4, "__go"))
		return false;

	const char *base = x.file ? lbasename(x.file) : "";

	if (!node || !node->definition)
		return !defined.count(s);
	return !strncmp(base, "goalloc", 7) && ends_with(base, ".h");
}

const allocator *find_allocator(tree fndecl)
{
	if (!fndecl || !is_the_kernels(fndecl))
		return NULL;

	return allocator_named(source_name(fndecl));
}

const helper *find_helper(tree fndecl)
{
	static const helper trusted = { "", "n", -1 };

	if (trusted_names.count(source_name(fndecl)))
		return &trusted;
	if (!is_the_kernels(fndecl))
		return NULL;

	string s = source_name(fndecl), k = kernel_name(s);

	for (const helper &h : helpers)
		if (s == h.name || k == h.name)
			return &h;
	return NULL;
}

char helper_arg(const helper *h, unsigned i)
{
	size_t n = strlen(h->args);

	return h->args[i < n ? i : n - 1];
}

/* ---- expressions as text ---- */

string text_of_ref(tree ref, int depth);

string text_of(tree t, int depth = 0)
{
	if (!t || depth > 6)
		return "...";
	switch (TREE_CODE(t)) {
	case SSA_NAME: {
		if (SSA_NAME_VAR(t) && DECL_NAME(SSA_NAME_VAR(t)))
			return name_of(SSA_NAME_VAR(t));

		gimple *def = SSA_NAME_DEF_STMT(t);

		if (is_gimple_assign(def) &&
		    (gimple_assign_single_p(def) || gimple_assign_cast_p(def)))
			return text_of(gimple_assign_rhs1(def), depth + 1);
		if (is_gimple_assign(def) && gimple_assign_rhs_code(def) == POINTER_PLUS_EXPR)
			return text_of(gimple_assign_rhs1(def), depth + 1);
		if (is_gimple_call(def) && gimple_call_fndecl(def))
			return source_name(gimple_call_fndecl(def)) + "()";
		return "...";
	}
	case ADDR_EXPR:
		return "&" + text_of_ref(TREE_OPERAND(t, 0), depth + 1);
	case INTEGER_CST:
		if (tree_fits_shwi_p(t))
			return std::to_string(tree_to_shwi(t));
		return "...";
	default:
		return text_of_ref(t, depth + 1);
	}
}

string text_of_ref(tree ref, int depth)
{
	if (depth > 8)
		return "...";
	if (DECL_P(ref))
		return name_of(ref);
	switch (TREE_CODE(ref)) {
	case COMPONENT_REF: {
		tree base = TREE_OPERAND(ref, 0), field = TREE_OPERAND(ref, 1);
		string f = DECL_NAME(field) ? name_of(field) : "";

		/* Members of anonymous unions */
		if (f.empty())
			return text_of_ref(base, depth + 1);
		if (TREE_CODE(base) == MEM_REF && TREE_CODE(TREE_OPERAND(base, 0)) == SSA_NAME)
			return text_of(TREE_OPERAND(base, 0), depth + 1) + "->" + f;
		return text_of_ref(base, depth + 1) + "." + f;
	}
	case ARRAY_REF:
		return text_of_ref(TREE_OPERAND(ref, 0), depth + 1) + "[]";
	case MEM_REF: {
		tree p = TREE_OPERAND(ref, 0);

		if (TREE_CODE(p) == ADDR_EXPR)
			return text_of_ref(TREE_OPERAND(p, 0), depth + 1);
		/* *&dev->items is in *dev */
		if (TREE_CODE(p) == SSA_NAME && !SSA_NAME_VAR(p) &&
		    gimple_assign_single_p(SSA_NAME_DEF_STMT(p))) {
			tree rhs = gimple_assign_rhs1(SSA_NAME_DEF_STMT(p));
			tree base = TREE_CODE(rhs) == ADDR_EXPR ?
				    get_base_address(TREE_OPERAND(rhs, 0)) : NULL_TREE;

			if (base)
				return text_of_ref(base, depth + 1);
		}
		return "*" + text_of(p, depth + 1);
	}
	default:
		if (handled_component_p(ref))
			return text_of_ref(TREE_OPERAND(ref, 0), depth + 1);
		return text_of(ref, depth + 1);
	}
}

/* "*dev" for dev->a.b = p, "table" for table[3] = p */
string text_of_base(tree ref)
{
	tree base = get_base_address(ref);

	return base ? text_of_ref(base, 0) : "memory";
}

/* ---- sizes ---- */

/* The value of an integer expression, if it is a constant for sure */
bool const_value(tree t, widest_int *val, int depth = 0)
{
	if (!t || depth > 16)
		return false;
	if (TREE_CODE(t) == INTEGER_CST) {
		*val = wi::to_widest(t);
		return true;
	}
	if (TREE_CODE(t) != SSA_NAME || !INTEGRAL_TYPE_P(TREE_TYPE(t)))
		return false;

	gimple *def = SSA_NAME_DEF_STMT(t);
	widest_int a, b;

	if (is_gimple_call(def)) {
		tree fn = gimple_call_fndecl(def);

		if (!fn || !is_the_kernels(fn))
			return false;

		string s = name_of(fn);
		bool mul = s == "size_mul", add = s == "size_add";

		if ((!mul && !add) || !const_value(gimple_call_arg(def, 0), &a, depth + 1) ||
		    !const_value(gimple_call_arg(def, 1), &b, depth + 1))
			return false;
		*val = mul ? a * b : a + b;
		return true;
	}
	if (gphi *phi = dyn_cast<gphi *>(def)) {
		for (unsigned i = 0; i < gimple_phi_num_args(phi); i++) {
			if (!const_value(gimple_phi_arg_def(phi, i), &b, depth + 4))
				return false;
			if (i && a != b)
				return false;
			a = b;
		}
		*val = a;
		return true;
	}
	if (!is_gimple_assign(def))
		return false;

	tree_code code = gimple_assign_rhs_code(def);

	if (TREE_CODE_CLASS(code) != tcc_binary && !gimple_assign_single_p(def) &&
	    !gimple_assign_cast_p(def))
		return false;
	if (!const_value(gimple_assign_rhs1(def), &a, depth + 1))
		return false;
	if (TREE_CODE_CLASS(code) != tcc_binary) {
		*val = a;
		return wi::fits_to_tree_p(a, TREE_TYPE(t));
	}
	if (!const_value(gimple_assign_rhs2(def), &b, depth + 1))
		return false;

	tree type = TREE_TYPE(t);
	tree ta = wide_int_to_tree(type, a), tb = wide_int_to_tree(type, b);
	tree r = fold_binary(code, type, ta, tb);

	if (!r || TREE_CODE(r) != INTEGER_CST)
		return false;
	*val = wi::to_widest(r);
	return true;
}

/* ---- escapes ---- */

struct escape {
	string what;	/* "stored in *dev", "passed to foo()" */
	place where;
	string inner;	/* what the callee does with it, place included */

	/* One that has no place comes last */
	bool operator<(const escape &o) const
	{
		if (!where.line != !o.where.line)
			return where.line;
		return where < o.where || (!(o.where < where) && what < o.what);
	}

	string text() const
	{
		string s = what;

		if (where.line)
			s += " (" + where.file + ":" + std::to_string(where.line) + ")";
		if (!inner.empty())
			s += ", " + inner;
		return s;
	}
};

struct free_site {
	string function;
	place where;
};

/* What a function does with an argument */
struct summary {
	bool done = false;
	bool escapes = true;
	string why;
	int returned = 0;	/* kinds that may come back */
	bool self = false;	/* may store the pointer in the object */
	vector<free_site> frees;
};

struct key {
	tree fndecl;
	unsigned arg;
	int kind;

	bool operator<(const key &o) const
	{
		if (DECL_UID(fndecl) != DECL_UID(o.fndecl))
			return DECL_UID(fndecl) < DECL_UID(o.fndecl);
		return arg != o.arg ? arg < o.arg : kind < o.kind;
	}
};

map<key, summary> summaries;
/* "name arg kind" -> summary of a function in another unit */
map<string, summary> known;

const summary &summarize(tree fndecl, unsigned arg, int kind, unsigned depth);

/* A body that is what will run: not weak, not replaced at link time */
cgraph_node *followable(tree fndecl)
{
	cgraph_node *node = cgraph_node::get(fndecl);

	if (!node)
		return NULL;
	if (node->alias || node->thunk)
		return NULL;
	if (!node->has_gimple_body_p() || !DECL_STRUCT_FUNCTION(fndecl))
		return NULL;
	if (DECL_WEAK(fndecl) || lookup_attribute("ifunc", DECL_ATTRIBUTES(fndecl)))
		return NULL;
	/* Its assembly finds the arguments by itself */
	if (lookup_attribute("naked", DECL_ATTRIBUTES(fndecl)))
		return NULL;
	/* A body to be inlined only; what is called may be another one */
	if (DECL_EXTERNAL(fndecl) && !lookup_attribute("always_inline", DECL_ATTRIBUTES(fndecl)))
		return NULL;
	if (!gimple_in_ssa_p(DECL_STRUCT_FUNCTION(fndecl)))
		return NULL;
	return node;
}

/* ---- the walk over one function ---- */

/* Bits of a variable; all of it if @size is -1 */
struct bits {
	HOST_WIDE_INT offset = 0, size = -1;

	bool overlaps(const bits &o) const
	{
		return size < 0 || o.size < 0 ||
		       (offset < o.offset + o.size && o.offset < offset + size);
	}

	bool covers(const bits &o) const
	{
		return size < 0 || (o.size >= 0 && offset <= o.offset &&
				    offset + size >= o.offset + o.size);
	}
};

/* A local variable that holds the pointer, and where in it */
struct holder {
	int kind = 0;
	vector<bits> where;

	bool may_be_in(const bits &b) const
	{
		for (const bits &w : where)
			if (w.overlaps(b))
				return true;
		return false;
	}
};

bits bits_of(tree ref)
{
	HOST_WIDE_INT offset, size;
	bool reverse;
	bits b;
	tree base = get_ref_base_and_extent_hwi(ref, &offset, &size, &reverse);

	/* Null if the position or the size is not constant */
	if (base && size > 0 && offset >= 0) {
		b.offset = offset;
		b.size = size;
	}
	return b;
}

bool is_comparison(tree_code code)
{
	return TREE_CODE_CLASS(code) == tcc_comparison || code == TRUTH_NOT_EXPR;
}

/*
 * Is the number computed from a pointer? Such an offset may lead from one object
 * to any other.
 */
bool from_pointer(tree t, set<tree> *visited)
{
	if (!t || TREE_CODE(t) != SSA_NAME || !visited->insert(t).second)
		return false;
	if (POINTER_TYPE_P(TREE_TYPE(t)))
		return true;

	gimple *def = SSA_NAME_DEF_STMT(t);

	if (gphi *phi = dyn_cast<gphi *>(def)) {
		for (unsigned i = 0; i < gimple_phi_num_args(phi); i++)
			if (from_pointer(gimple_phi_arg_def(phi, i), visited))
				return true;
		return false;
	}
	if (!is_gimple_assign(def) || is_comparison(gimple_assign_rhs_code(def)))
		return false;
	for (unsigned i = 1; i < gimple_num_ops(def); i++) {
		tree op = gimple_op(def, i);

		if (op && (TREE_CODE(op) == ADDR_EXPR || from_pointer(op, visited)))
			return true;
	}
	return false;
}

/* Is an index in the reference computed from a pointer? */
bool odd_index(tree ref)
{
	set<tree> visited;

	for (; handled_component_p(ref); ref = TREE_OPERAND(ref, 0))
		if ((TREE_CODE(ref) == ARRAY_REF || TREE_CODE(ref) == ARRAY_RANGE_REF) &&
		    from_pointer(TREE_OPERAND(ref, 1), &visited))
			return true;
	return false;
}

/* What a pointer can point into */
struct roots {
	vector<tree> all;
	/* Or it may be NULL, or NULL and an offset */
	bool null = false;
	bool moved_null = false;
	set<tree> visited;
};

class flow {
public:
	flow(tree fndecl, tree start, unsigned depth)
		: fn(DECL_STRUCT_FUNCTION(fndecl)), start(start), depth(depth)
	{
	}

	void run(int kind);
	/* @param lives in memory and holds the argument */
	void run_param(tree param, int kind);
	/* The call's result goes straight to memory */
	void run_store(gimple *stmt, tree ref);

	bool outlives_iteration(gimple *call);

	vector<escape> escapes;
	vector<free_site> frees;
	map<tree, int> seen;
	map<tree, holder> holders;
	/* Arguments that were followed and found harmless */
	set<std::pair<gimple *, unsigned>> cleared;
	/* Calls that give one of their arguments back */
	set<gimple *> gives_back;
	bool self = false;
	int returned = 0;
	bool is_callee = false;

private:
	function *fn;
	tree start;
	tree start_param = NULL_TREE;
	unsigned depth;
	/* Arithmetic other than pointer plus offset was done on a pointer */
	bool odd = false;
	/* Some memory that holds the pointer also holds its own address */
	bool deep = false;
	vector<tree> work;
	vector<gimple *> diffs;

	void escape_at(gimple *stmt, const string &what, const string &inner = "");
	void track(tree name, int kind);
	void flow_to(gimple *stmt, tree lhs, int kind);
	void store(gimple *stmt, tree ref, int kind);
	void store_behind(gimple *stmt, tree ptr, int kind, const string &what);
	bool roots_of(tree ptr, roots *r);
	bool only_start(tree ptr);
	void hold(tree var, int kind, bits where = bits());
	void deepen();
	void settle();
	void use(gimple *stmt, tree name, int kind);
	void use_assign(gassign *stmt, tree name, int kind);
	void use_asm(gasm *stmt, tree name, int kind);
	void use_call(gcall *stmt, tree name, int kind);
	void call_arg(gcall *stmt, unsigned i, int kind);
	void hold_in(gimple *stmt, tree var, const holder &h);
	void returns(gimple *stmt, int kind);
};

void flow::escape_at(gimple *stmt, const string &what, const string &inner)
{
	escape e;

	e.what = what;
	e.inner = inner;
	if (stmt)
		e.where = place_of(gimple_location(stmt));
	escapes.push_back(e);
}

void flow::track(tree name, int kind)
{
	int &k = seen[name];

	if ((k | kind) == k)
		return;
	k |= kind;
	work.push_back(name);
}

void flow::flow_to(gimple *stmt, tree lhs, int kind)
{
	if (!lhs)
		return;
	if (TREE_CODE(lhs) == SSA_NAME)
		track(lhs, kind);
	else
		store(stmt, lhs, kind);
}

void flow::returns(gimple *stmt, int kind)
{
	returned |= kind;
	if (!is_callee)
		escape_at(stmt, "returned");
}

/* A pointer into the memory of one of its arguments: which, or -1 */
int returned_arg(gimple *call)
{
	tree fndecl = gimple_call_fndecl(call);
	const helper *h = fndecl ? find_helper(fndecl) : NULL;

	return h && h->ret < (int)gimple_call_num_args(call) ? h->ret : -1;
}

/*
 * Everything that @ptr can point into: addresses of local variables, results of
 * allocations, the object. False if that is not certain.
 */
bool flow::roots_of(tree ptr, roots *r)
{
	if (TREE_CODE(ptr) == INTEGER_CST) {
		r->null = true;
		return integer_zerop(ptr);
	}
	if (TREE_CODE(ptr) == ADDR_EXPR) {
		tree ref = TREE_OPERAND(ptr, 0), base = get_base_address(ref);

		if (!base || odd_index(ref))
			return false;
		if (DECL_P(base)) {
			r->all.push_back(base);
			return true;
		}
		return TREE_CODE(base) == MEM_REF && roots_of(TREE_OPERAND(base, 0), r);
	}
	if (TREE_CODE(ptr) != SSA_NAME)
		return false;
	if (!r->visited.insert(ptr).second)
		return true;
	if (ptr == start) {
		r->all.push_back(ptr);
		return true;
	}

	gimple *def = SSA_NAME_DEF_STMT(ptr);

	if (gphi *phi = dyn_cast<gphi *>(def)) {
		for (unsigned i = 0; i < gimple_phi_num_args(phi); i++)
			if (!roots_of(gimple_phi_arg_def(phi, i), r))
				return false;
		return true;
	}
	if (is_gimple_assign(def)) {
		tree rhs = gimple_assign_rhs1(def);
		tree_code code = gimple_assign_rhs_code(def);

		if (code == POINTER_PLUS_EXPR) {
			tree offset = gimple_assign_rhs2(def);
			set<tree> visited;

			if (from_pointer(offset, &visited))
				return false;
			if (TREE_CODE(offset) != INTEGER_CST)
				r->moved_null = true;
			return roots_of(rhs, r);
		}
		if (code == SSA_NAME || code == ADDR_EXPR)
			return roots_of(rhs, r);
		if (CONVERT_EXPR_CODE_P(code) && POINTER_TYPE_P(TREE_TYPE(rhs)))
			return roots_of(rhs, r);
		return false;
	}
	if (!is_gimple_call(def))
		return false;
	if (const allocator *a = find_allocator(gimple_call_fndecl(def))) {
		/* These may give back what they were given */
		if (strstr(a->name, "realloc") || !strcmp(a->name, "kstrdup_const"))
			return false;
		r->all.push_back(ptr);
		return true;
	}

	int arg = returned_arg(def);

	return arg >= 0 && roots_of(gimple_call_arg(def, arg), r);
}

/* Does it point into the object for certain? */
bool flow::only_start(tree ptr)
{
	roots r;

	if (!roots_of(ptr, &r) || r.null)
		return false;
	for (tree t : r.all)
		if (t != start)
			return false;
	return true;
}

/* A pointer of the kind is written to the memory behind @ptr */
void flow::store_behind(gimple *stmt, tree ptr, int kind, const string &what)
{
	roots to;

	/* An address that is none of a variable: an absolute one */
	if (!roots_of(ptr, &to) || to.all.empty() || (to.null && to.moved_null)) {
		escape_at(stmt, what);
		return;
	}
	for (tree r : to.all) {
		if (DECL_P(r)) {
			if (TREE_CODE(r) != RESULT_DECL && auto_var_in_fn_p(r, fn->decl))
				hold(r, kind);
			else
				escape_at(stmt, what);
		} else if (r == start) {
			self = true;
			if (seen[start] & HOLD)
				deepen();
		} else {
			track(r, HOLD);
		}
	}
}

void flow::store(gimple *stmt, tree ref, int kind)
{
	tree base = get_base_address(ref);
	string what = "stored in " + text_of_base(ref);

	if (odd_index(ref)) {
		escape_at(stmt, what);
	} else if (base && TREE_CODE(base) == RESULT_DECL) {
		escape_at(stmt, "returned");
	} else if (base && DECL_P(base)) {
		if (auto_var_in_fn_p(base, fn->decl))
			hold(base, kind, bits_of(ref));
		else
			escape_at(stmt, what);
	} else if (base && TREE_CODE(base) == MEM_REF) {
		store_behind(stmt, TREE_OPERAND(base, 0), kind, what);
	} else {
		escape_at(stmt, what);
	}
}

/* Does the reference start from the memory behind @name? */
bool based_on(tree ref, tree name)
{
	tree base = get_base_address(ref);

	return base && TREE_CODE(base) == MEM_REF && TREE_OPERAND(base, 0) == name;
}

/* Is @name in the expression? */
bool mentions(tree t, tree name)
{
	return walk_tree_without_duplicates(&t, [](tree *p, int *, void *n) {
		return *p == (tree)n ? *p : NULL_TREE; }, name);
}

tree bare(tree t)
{
	while (handled_component_p(t))
		t = TREE_OPERAND(t, 0);
	return t;
}

void flow::use_assign(gassign *stmt, tree name, int kind)
{
	tree lhs = gimple_assign_lhs(stmt), rhs1 = gimple_assign_rhs1(stmt);
	tree_code code = gimple_assign_rhs_code(stmt);

	if (gimple_clobber_p(stmt))
		return;
	if (gimple_assign_single_p(stmt)) {
		if (rhs1 == name || bare(rhs1) == name) {
			flow_to(stmt, lhs, kind);
		} else if (TREE_CODE(rhs1) == ADDR_EXPR) {
			tree ref = TREE_OPERAND(rhs1, 0);

			if (based_on(ref, name)) {
				flow_to(stmt, lhs, kind);
			} else if (mentions(rhs1, name)) {
				/* An index computed from the pointer */
				odd = true;
				flow_to(stmt, lhs, kind | HOLD);
			}
		} else if (TREE_CODE(rhs1) == CONSTRUCTOR) {
			flow_to(stmt, lhs, kind);
		} else if (based_on(rhs1, name)) {
			/* Loads are what HOLD is about */
			if (kind & HOLD)
				flow_to(stmt, lhs, OBJ | HOLD);
		} else if (mentions(rhs1, name)) {
			/* What a table has for the pointer stands for it */
			odd = true;
			flow_to(stmt, lhs, OBJ | HOLD);
		}
		/* Else it is the base or an index on the left */
		return;
	}
	if (is_comparison(code))
		return;
	if (code == COND_EXPR) {
		if (gimple_assign_rhs2(stmt) == name || gimple_assign_rhs3(stmt) == name)
			flow_to(stmt, lhs, kind);
		return;
	}
	/* The base of a store whose value is something else */
	if (rhs1 != name && (gimple_num_ops(stmt) < 3 || gimple_assign_rhs2(stmt) != name) &&
	    (gimple_num_ops(stmt) < 4 || gimple_assign_rhs3(stmt) != name))
		return;
	if (CONVERT_EXPR_CODE_P(code)) {
		flow_to(stmt, lhs, kind);
	} else if (code == POINTER_DIFF_EXPR) {
		diffs.push_back(stmt);
	} else if (code == POINTER_PLUS_EXPR && gimple_assign_rhs2(stmt) != name) {
		flow_to(stmt, lhs, kind);
	} else if (code == POINTER_PLUS_EXPR && rhs1 != name) {
		/* As above: what lies there may be a table */
		odd = true;
		flow_to(stmt, lhs, kind | HOLD);
	} else {
		tree other = rhs1 == name && gimple_num_ops(stmt) > 2 ? gimple_assign_rhs2(stmt) : rhs1;

		/* Added as a number to an address, that is a table again */
		odd = true;
		if (other != name && !CONSTANT_CLASS_P(other))
			kind |= HOLD;
		flow_to(stmt, lhs, kind);
	}
}

void flow::use_asm(gasm *stmt, tree name, int kind)
{
	/* It may take the address of a memory operand */
	if (*gimple_asm_string(stmt)) {
		escape_at(stmt, "used in inline assembly");
		return;
	}
	/* An empty one hides a value from the compiler, no more */
	for (unsigned i = 0; i < gimple_asm_ninputs(stmt); i++) {
		tree op = TREE_VALUE(gimple_asm_input_op(stmt, i));
		int k = 0;

		if (op == name || bare(op) == name || TREE_CODE(op) == ADDR_EXPR)
			k = kind;
		else if (based_on(op, name) ? kind & HOLD : mentions(op, name))
			k = OBJ | HOLD;
		for (unsigned o = 0; k && o < gimple_asm_noutputs(stmt); o++)
			flow_to(stmt, TREE_VALUE(gimple_asm_output_op(stmt, o)), k);
	}
}

/* Is the argument the string of a %s, and no pointer that is printed? */
bool formats_string(gcall *stmt, const helper *h, unsigned i)
{
	const char *t = strchr(h->args, 't');
	const char *text = t ? c_getstr(gimple_call_arg(stmt, t - h->args)) : NULL;
	/* How many arguments are before it; a width or a precision may be one */
	int before = t ? (int)i - (t + 1 - h->args) : 0;

	for (; text && *text; text++) {
		if (*text != '%' || *++text == '%')
			continue;
		for (; *text && strchr("-+ #0123456789.*hlLzjtq", *text); text++)
			if (*text == '*' && before-- == 0)
				return false;
		if (before-- == 0)
			return *text == 's';
		if (!*text)
			return false;
	}
	return false;
}

void flow::call_arg(gcall *stmt, unsigned i, int kind)
{
	tree lhs = gimple_call_lhs(stmt);

	if (gimple_call_internal_p(stmt)) {
		string s = internal_fn_name(gimple_call_internal_fn(stmt));

		if (s.compare(0, 6, "UBSAN_") && s.compare(0, 5, "ASAN_") &&
		    s != "BUILTIN_EXPECT")
			escape_at(stmt, "passed to the internal function " + s);
		else
			flow_to(stmt, lhs, kind);
		return;
	}

	tree fndecl = gimple_call_fndecl(stmt);

	if (!fndecl) {
		escape_at(stmt, "passed to (*" + text_of(gimple_call_fn(stmt)) + ")()");
		return;
	}

	string passed = "passed to " + source_name(fndecl) + "()";

	if (const helper *h = find_helper(fndecl)) {
		char c = helper_arg(h, i);

		switch (c) {
		case 'f': {
			free_site f;

			f.function = name_of(fn->decl);
			f.where = place_of(gimple_location(stmt));
			frees.push_back(f);
			break;
		}
		case 'n':
		case 'd':
			break;
		case 'b':
			if (kind & HOLD) {
				flow_to(stmt, lhs, OBJ | HOLD);
				gives_back.insert(stmt);
			}
			break;
		case 'c':
		case 't':
		case 'v':
		case 'w': {
			const char *d = strchr(h->args, 'd');
			bool value = c == 'v' || (c == 'w' && d && !formats_string(stmt, h, i));

			if (!value && !(kind & HOLD))
				break;
			if (!d) {
				escape_at(stmt, passed);
				return;
			}
			store_behind(stmt, gimple_call_arg(stmt, d - h->args), OBJ | HOLD, passed);
			break;
		}
		default:
			escape_at(stmt, passed);
			return;
		}
		/* A count, a limit, what is searched for: the result may tell it */
		bool number = c != 'v' && c != 'w' && !POINTER_TYPE_P(TREE_TYPE(gimple_call_arg(stmt, i)));

		if (h->ret == (int)i || number) {
			flow_to(stmt, lhs, kind);
			gives_back.insert(stmt);
		}
		cleared.insert({ stmt, i });
		return;
	}

	const summary *s = NULL;
	string k = name_of(fndecl) + " " + std::to_string(i) + " " + std::to_string(kind);

	if (followable(fndecl)) {
		s = &summarize(fndecl, i, kind, depth + 1);
	} else if (TREE_PUBLIC(fndecl) && !renamed(fndecl) && !is_the_kernels(fndecl) && known.count(k)) {
		s = &known[k];
	} else {
		escape_at(stmt, passed);
		return;
	}
	if (s->escapes) {
		escape_at(stmt, passed, s->why);
		return;
	}
	frees.insert(frees.end(), s->frees.begin(), s->frees.end());
	if (s->self) {
		self = true;
		if (kind & HOLD)
			deepen();
	}
	if (s->returned) {
		flow_to(stmt, lhs, s->returned);
		gives_back.insert(stmt);
	}
	cleared.insert({ stmt, i });
}

void flow::use_call(gcall *stmt, tree name, int kind)
{
	if (gimple_call_fn(stmt) == name || gimple_call_chain(stmt) == name) {
		escape_at(stmt, "called as a function");
		return;
	}
	for (unsigned i = 0; i < gimple_call_num_args(stmt); i++) {
		tree arg = gimple_call_arg(stmt, i);

		if (arg == name)
			call_arg(stmt, i, kind);
		/* The bytes behind it, by value, or what a table has for it */
		else if (TREE_CODE(arg) != SSA_NAME &&
			 (based_on(arg, name) ? kind & HOLD : mentions(arg, name)))
			escape_at(stmt, "passed by value to " +
				  (gimple_call_fndecl(stmt) ?
				   source_name(gimple_call_fndecl(stmt)) : string("a function")) + "()");
	}
}

void flow::use(gimple *stmt, tree name, int kind)
{
	switch (gimple_code(stmt)) {
	case GIMPLE_DEBUG:
	case GIMPLE_COND:
	case GIMPLE_SWITCH:
		break;
	case GIMPLE_PHI:
		track(gimple_phi_result(stmt), kind);
		break;
	case GIMPLE_ASSIGN:
		use_assign(as_a<gassign *>(stmt), name, kind);
		break;
	case GIMPLE_ASM:
		use_asm(as_a<gasm *>(stmt), name, kind);
		break;
	case GIMPLE_CALL:
		use_call(as_a<gcall *>(stmt), name, kind);
		break;
	case GIMPLE_RETURN:
		returns(stmt, kind);
		break;
	default:
		escape_at(stmt, "used in a way that is not known");
		break;
	}
}

bool is_base(tree ref, tree var)
{
	return ref && (DECL_P(ref) || handled_component_p(ref) || TREE_CODE(ref) == MEM_REF) &&
	       get_base_address(ref) == var;
}

bool is_address(tree t, tree var)
{
	return t && TREE_CODE(t) == ADDR_EXPR && get_base_address(TREE_OPERAND(t, 0)) == var;
}

/* One statement of the function, if it has to do with the holder */
void flow::hold_in(gimple *stmt, tree var, const holder &h)
{
	int kind = h.kind;

	switch (gimple_code(stmt)) {
	case GIMPLE_DEBUG:
	case GIMPLE_COND:
	case GIMPLE_SWITCH:
	case GIMPLE_LABEL:
	case GIMPLE_NOP:
	case GIMPLE_PREDICT:
		return;
	case GIMPLE_ASSIGN: {
		if (gimple_clobber_p(stmt))
			return;

		tree lhs = gimple_assign_lhs(stmt);

		if (gimple_assign_single_p(stmt) && is_base(gimple_assign_rhs1(stmt), var)) {
			if (h.may_be_in(bits_of(gimple_assign_rhs1(stmt))))
				flow_to(stmt, lhs, kind);
			return;
		}
		if (is_comparison(gimple_assign_rhs_code(stmt)))
			return;
		for (unsigned i = 1; i < gimple_num_ops(stmt); i++) {
			tree op = gimple_op(stmt, i);

			if (is_address(op, var))
				flow_to(stmt, lhs, HOLD);
			else if (op && TREE_CODE(op) == CONSTRUCTOR && CONSTRUCTOR_NELTS(op))
				flow_to(stmt, lhs, OBJ | HOLD);
		}
		return;
	}
	case GIMPLE_CALL: {
		gcall *call = as_a<gcall *>(stmt);

		if (is_address(gimple_call_chain(call), var))
			escape_at(stmt, "passed to " + (gimple_call_fndecl(call) ?
				  source_name(gimple_call_fndecl(call)) : string("a function")) +
				  "()", "which is nested");
		for (unsigned i = 0; i < gimple_call_num_args(call); i++) {
			tree arg = gimple_call_arg(call, i);

			if (is_address(arg, var))
				call_arg(call, i, HOLD);
			else if (is_base(arg, var))
				escape_at(stmt, "passed by value to " +
					  (gimple_call_fndecl(call) ?
					   source_name(gimple_call_fndecl(call)) :
					   string("a function")) + "()");
		}
		return;
	}
	case GIMPLE_RETURN: {
		tree val = gimple_return_retval(as_a<greturn *>(stmt));

		if (is_base(val, var) || is_address(val, var))
			escape_at(stmt, "returned");
		return;
	}
	case GIMPLE_ASM: {
		gasm *a = as_a<gasm *>(stmt);
		bool any = false, empty = !*gimple_asm_string(a);

		for (unsigned i = 0; i < gimple_asm_ninputs(a); i++) {
			tree op = TREE_VALUE(gimple_asm_input_op(a, i));

			any |= is_base(op, var) || is_address(op, var);
		}
		for (unsigned i = 0; i < gimple_asm_noutputs(a); i++)
			any |= is_base(TREE_VALUE(gimple_asm_output_op(a, i)), var);
		if (any && !empty)
			escape_at(stmt, "used in inline assembly");
		for (unsigned i = 0; any && empty && i < gimple_asm_noutputs(a); i++)
			if (!is_base(TREE_VALUE(gimple_asm_output_op(a, i)), var))
				flow_to(stmt, TREE_VALUE(gimple_asm_output_op(a, i)), OBJ | HOLD);
		return;
	}
	default:
		/* Rare enough to be an escape wherever it is */
		escape_at(stmt, "used in a way that is not known");
	}
}

void flow::hold(tree var, int kind, bits where)
{
	/* Assembly may use it without a word */
	if (VAR_P(var) && DECL_HARD_REGISTER(var)) {
		escape_at(NULL, "stored in the register " + name_of(var));
		return;
	}

	holder &known = holders[var];
	bool covered = false;

	if (deep)
		kind = OBJ | HOLD;
	for (const bits &w : known.where)
		covered |= w.covers(where);
	if (covered && (known.kind | kind) == known.kind)
		return;
	known.kind |= kind;
	if (!covered)
		known.where.push_back(where);

	/* The walk may come back here and change it */
	const holder h = known;
	basic_block bb;

	FOR_EACH_BB_FN(bb, fn) {
		for (gphi_iterator pi = gsi_start_phis(bb); !gsi_end_p(pi); gsi_next(&pi)) {
			gphi *phi = pi.phi();

			if (virtual_operand_p(gimple_phi_result(phi)))
				continue;
			for (unsigned i = 0; i < gimple_phi_num_args(phi); i++)
				if (is_address(gimple_phi_arg_def(phi, i), var))
					track(gimple_phi_result(phi), HOLD);
		}
		for (gimple_stmt_iterator gi = gsi_start_bb(bb); !gsi_end_p(gi); gsi_next(&gi))
			hold_in(gsi_stmt(gi), var, h);
	}
}

void flow::deepen()
{
	vector<tree> vars;

	if (deep)
		return;
	deep = true;
	for (auto &h : holders)
		vars.push_back(h.first);
	for (tree v : vars)
		hold(v, OBJ | HOLD);
}

void flow::settle()
{
	for (;;) {
		while (!work.empty()) {
			tree name = work.back();
			int kind = seen[name];
			imm_use_iterator it;
			use_operand_p use_p;
			vector<gimple *> stmts;

			work.pop_back();
			FOR_EACH_IMM_USE_FAST(use_p, it, name) {
				gimple *stmt = USE_STMT(use_p);

				if (!is_gimple_debug(stmt) &&
				    std::find(stmts.begin(), stmts.end(), stmt) == stmts.end())
					stmts.push_back(stmt);
			}
			for (gimple *stmt : stmts)
				use(stmt, name, kind);
		}

		/* The distance of two pointers into one object is a number */
		bool more = false;

		for (gimple *stmt : diffs) {
			auto a = seen.find(gimple_assign_rhs1(stmt));
			auto b = seen.find(gimple_assign_rhs2(stmt));

			if (!odd && a != seen.end() && b != seen.end() &&
			    a->second == OBJ && b->second == OBJ &&
			    only_start(gimple_assign_rhs1(stmt)) &&
			    only_start(gimple_assign_rhs2(stmt)))
				continue;

			int kind = (a != seen.end() ? a->second : 0) |
				   (b != seen.end() ? b->second : 0);
			tree lhs = gimple_assign_lhs(stmt);

			odd = true;
			if (TREE_CODE(lhs) != SSA_NAME || (seen[lhs] | kind) != seen[lhs]) {
				flow_to(stmt, lhs, kind);
				more = true;
			}
		}
		if (!more && work.empty())
			return;
	}
}

void flow::run(int kind)
{
	track(start, kind);
	settle();
	/* The object holds a pointer to itself: what it holds is tracked, too */
	if (self && !(kind & HOLD)) {
		bool callee = is_callee;

		*this = flow(fn->decl, start, depth);
		is_callee = callee;
		track(start, OBJ | HOLD);
		settle();
		self = true;
	}
}

void flow::run_param(tree param, int kind)
{
	hold(param, kind);
	settle();
	/* Its value is in a holder: what is loaded from there is not the start */
}

void flow::run_store(gimple *stmt, tree ref)
{
	store(stmt, ref, OBJ);
	settle();
}

/* ---- calls that are followed ---- */

const summary &summarize(tree fndecl, unsigned arg, int kind, unsigned depth)
{
	key k = { fndecl, arg, kind };
	auto it = summaries.find(k);

	if (it != summaries.end()) {
		/* Being computed: a recursion */
		if (!it->second.done)
			it->second.why = "which is recursive";
		return it->second;
	}

	summary &s = summaries[k];

	if (depth > max_depth) {
		s.done = true;
		s.why = "after too many calls";
		return s;
	}

	tree param = DECL_ARGUMENTS(fndecl);

	for (unsigned i = 0; i < arg && param; i++)
		param = DECL_CHAIN(param);
	if (!param) {
		s.done = true;
		s.why = "as a variable argument";
		return s;
	}

	summary r;
	function *fn = DECL_STRUCT_FUNCTION(fndecl);

	r.escapes = false;
	if (is_gimple_reg(param)) {
		tree name = ssa_default_def(fn, param);

		/* Without a default definition nobody reads it */
		if (name) {
			flow f(fndecl, name, depth);

			f.is_callee = true;
			f.run(kind);
			if (!f.escapes.empty()) {
				r.escapes = true;
				r.why = std::min_element(f.escapes.begin(), f.escapes.end())->text();
			}
			r.returned = f.returned;
			r.self = f.self;
			r.frees = f.frees;
		}
	} else {
		flow f(fndecl, NULL_TREE, depth);

		f.is_callee = true;
		f.run_param(param, kind);
		if (!f.escapes.empty()) {
			r.escapes = true;
			r.why = std::min_element(f.escapes.begin(), f.escapes.end())->text();
		}
		r.returned = f.returned;
		r.frees = f.frees;
	}
	r.done = true;
	/* The map may have grown, its nodes stay where they are */
	s = r;
	return s;
}

/* ---- loops and recursion ---- */

bool reaches_itself(basic_block start, function *fn)
{
	auto_sbitmap visited(last_basic_block_for_fn(fn));
	vector<basic_block> todo = { start };
	edge e;
	edge_iterator ei;

	bitmap_clear(visited);
	while (!todo.empty()) {
		basic_block bb = todo.back();

		todo.pop_back();
		FOR_EACH_EDGE(e, ei, bb->succs) {
			if (e->dest == start)
				return true;
			if (bitmap_set_bit(visited, e->dest->index))
				todo.push_back(e->dest);
		}
	}
	return false;
}

/* From the call, can it run again before the variable's scope has ended? */
bool runs_again_in_scope(gimple *call, tree var, function *fn)
{
	auto_sbitmap visited(last_basic_block_for_fn(fn));
	vector<gimple_stmt_iterator> todo;
	gimple_stmt_iterator gi = gsi_for_stmt(call);
	edge e;
	edge_iterator ei;

	bitmap_clear(visited);
	gsi_next(&gi);
	todo.push_back(gi);
	while (!todo.empty()) {
		bool ended = false;
		basic_block bb;

		gi = todo.back();
		todo.pop_back();
		bb = gi.bb;
		for (; !gsi_end_p(gi) && !ended; gsi_next(&gi)) {
			if (gsi_stmt(gi) == call)
				return true;
			ended = gimple_clobber_p(gsi_stmt(gi)) &&
				gimple_assign_lhs(gsi_stmt(gi)) == var;
		}
		if (ended)
			continue;
		FOR_EACH_EDGE(e, ei, bb->succs)
			if (e->dest->index >= NUM_FIXED_BLOCKS && bitmap_set_bit(visited, e->dest->index))
				todo.push_back(gsi_start_bb(e->dest));
	}
	return false;
}

/* The lines of a loop, exits that never come back included */
struct extent {
	string file;
	int first = 0, last = 0;

	bool has(gimple *stmt) const
	{
		place p = place_of(gimple_location(stmt));

		return !p.line || (p.file == file && p.line >= first && p.line <= last);
	}
};

extent extent_of(class loop *loop, gimple *call)
{
	extent x;
	basic_block *body = get_loop_body(loop);
	place at = place_of(gimple_location(call));

	x.file = at.file;
	x.first = x.last = at.line;
	for (unsigned i = 0; i < loop->num_nodes; i++) {
		gimple_stmt_iterator gi;

		for (gi = gsi_start_bb(body[i]); !gsi_end_p(gi); gsi_next(&gi)) {
			place p = place_of(gimple_location(gsi_stmt(gi)));

			if (!p.line || p.file != x.file || is_gimple_debug(gsi_stmt(gi)))
				continue;
			x.first = std::min(x.first, p.line);
			x.last = std::max(x.last, p.line);
		}
	}
	free(body);
	return x;
}

/*
 * Is the object of one iteration still in use in the next, or after the loop?
 * A value goes from one iteration to the next through a PHI in the header of a
 * loop, or through a variable in memory whose scope is larger than the loop.
 */
bool flow::outlives_iteration(gimple *call)
{
	basic_block bb = gimple_bb(call);

	if (!reaches_itself(bb, fn))
		return false;

	class loop *loop = bb->loop_father;

	if (!loop || !loop_outer(loop) || (bb->flags & BB_IRREDUCIBLE_LOOP))
		return true;

	extent lines = extent_of(loop, call);
	auto inside = [&](gimple *stmt) {
		return flow_bb_inside_loop_p(loop, gimple_bb(stmt)) || lines.has(stmt);
	};

	for (auto &it : seen) {
		gimple *def = SSA_NAME_DEF_STMT(it.first);
		imm_use_iterator ii;
		use_operand_p use_p;

		if (gimple_code(def) == GIMPLE_PHI)
			for (class loop *l = loop; loop_outer(l); l = loop_outer(l))
				if (gimple_bb(def) == l->header)
					return true;
		/* Another object, older than the loop, holds it */
		if (gimple_bb(def) && !flow_bb_inside_loop_p(loop, gimple_bb(def)) &&
		    dominated_by_p(CDI_DOMINATORS, loop->header, gimple_bb(def)))
			return true;
		FOR_EACH_IMM_USE_FAST(use_p, ii, it.first) {
			gimple *stmt = USE_STMT(use_p);

			if (!is_gimple_debug(stmt) && gimple_code(stmt) != GIMPLE_PHI &&
			    !inside(stmt))
				return true;
		}
	}
	for (auto &it : holders) {
		basic_block b;

		if (runs_again_in_scope(call, it.first, fn))
			return true;

		FOR_EACH_BB_FN(b, fn) {
			gimple_stmt_iterator gi;

			for (gi = gsi_start_bb(b); !gsi_end_p(gi); gsi_next(&gi)) {
				gimple *stmt = gsi_stmt(gi);
				std::pair<tree, bool> d = { it.first, false };
				walk_stmt_info wi;

				if (is_gimple_debug(stmt))
					continue;
				memset(&wi, 0, sizeof(wi));
				wi.info = &d;
				walk_gimple_op(stmt, [](tree *t, int *, void *data) -> tree {
					auto *w = (walk_stmt_info *)data;
					auto *p = (std::pair<tree, bool> *)w->info;

					if (*t == p->first)
						p->second = true;
					return NULL_TREE;
				}, &wi);
				if (!d.second)
					continue;
				if (!inside(stmt))
					return true;
			}
		}
	}
	return false;
}

/* Can the function come back to itself through calls that are known? */
bool is_recursive(cgraph_node *node)
{
	set<cgraph_node *> visited;
	vector<cgraph_node *> todo = { node };

	while (!todo.empty()) {
		cgraph_node *n = todo.back();

		todo.pop_back();
		for (cgraph_edge *e = n->callees; e; e = e->next_callee) {
			cgraph_node *to = e->callee->ultimate_alias_target();

			if (to == node)
				return true;
			if (visited.insert(to).second)
				todo.push_back(to);
		}
	}
	return false;
}

/* ---- GCC's points-to analysis ---- */

/* Adds GCC's internal attribute "fn spec", see its attr-fnspec.h, to one call */
void set_fnspec(gcall *stmt, const string &spec)
{
	tree type = gimple_call_fntype(stmt);

	if (!type)
		return;
	type = build_distinct_type_copy(type);
	TYPE_ATTRIBUTES(type) =
		tree_cons(get_identifier("fn spec"),
			  tree_cons(NULL_TREE, build_string(spec.size(), spec.c_str()), NULL_TREE),
			  remove_attribute("fn spec", TYPE_ATTRIBUTES(type)));
	gimple_call_set_fntype(stmt, type);
}

/*
 * The result of a call that gives none of its arguments back. "fn spec" has no
 * word for it, so the call loses its result, and another call, of a function of
 * which nothing is known, has it instead.
 */
gcall *detach_result(gcall *stmt)
{
	tree lhs = gimple_call_lhs(stmt);
	tree type = build_function_type_list(TREE_TYPE(lhs), NULL_TREE);
	gcall *other = gimple_build_call(build_fn_decl("goalloc_escape_result", type), 0);
	gimple_stmt_iterator gi = gsi_for_stmt(stmt);

	gimple_call_set_lhs(stmt, NULL_TREE);
	gimple_call_set_lhs(other, lhs);
	gsi_insert_after_without_update(&gi, other, GSI_SAME_STMT);
	return other;
}

void attach_result(gcall *stmt, gcall *other)
{
	tree lhs = gimple_call_lhs(other);
	gimple_stmt_iterator gi = gsi_for_stmt(other);

	gimple_call_set_lhs(other, NULL_TREE);
	gsi_remove(&gi, false);
	gimple_call_set_lhs(stmt, lhs);
}

/*
 * Does GCC think that the result of the call escapes? It is told that the
 * arguments that the walk has cleared do not, and nothing about all others.
 */
bool gcc_says_escapes(gcall *call, const flow &f)
{
	map<gcall *, set<unsigned>> clear;
	vector<std::pair<gcall *, tree>> undo;
	vector<std::pair<gcall *, gcall *>> detached;
	tree lhs = gimple_call_lhs(call);

	for (auto &c : f.cleared)
		clear[as_a<gcall *>(c.first)].insert(c.second);
	for (auto &c : clear) {
		gcall *stmt = c.first;
		string spec = ". ";

		for (unsigned i = 0; i < gimple_call_num_args(stmt); i++)
			spec += c.second.count(i) ? "w " : ". ";
		/* What GCC knows of its builtins is better */
		if (!gimple_call_builtin_p(stmt, BUILT_IN_NORMAL) ||
		    !gimple_call_fnspec(stmt).known_p()) {
			undo.push_back({ stmt, gimple_call_fntype(stmt) });
			set_fnspec(stmt, spec);
		}
		if (stmt != call && !f.gives_back.count(stmt) && gimple_call_lhs(stmt) &&
		    TREE_CODE(gimple_call_lhs(stmt)) == SSA_NAME)
			detached.push_back({ stmt, detach_result(stmt) });
	}
	if (!(gimple_call_flags(call) & ECF_MALLOC)) {
		string spec = "m ";

		for (unsigned i = 0; i < gimple_call_num_args(call); i++)
			spec += ". ";
		undo.push_back({ call, gimple_call_fntype(call) });
		set_fnspec(call, spec);
	}

	/*
	 * memset() with anything but 0 makes GCC assume pointers to anything in
	 * the memory. Equal bytes are no pointer, unless the walk says so.
	 */
	vector<std::pair<gcall *, tree>> bytes;

	for (auto &c : clear) {
		gcall *stmt = c.first;

		if (gimple_call_builtin_p(stmt, BUILT_IN_MEMSET) && !c.second.count(1)) {
			bytes.push_back({ stmt, gimple_call_arg(stmt, 1) });
			gimple_call_set_arg(stmt, 1, integer_zero_node);
		}
	}

	/* The kernel maps nothing at 0; with this GCC takes it for an address */
	int null_checks = flag_delete_null_pointer_checks;

	flag_delete_null_pointer_checks = 1;
	compute_may_aliases();
	flag_delete_null_pointer_checks = null_checks;

	bool yes = true;

	if (TREE_CODE(lhs) == SSA_NAME && POINTER_TYPE_P(TREE_TYPE(lhs))) {
		ptr_info_def *pi = SSA_NAME_PTR_INFO(lhs);

		if (pi)
			yes = pi->pt.anything || pi->pt.vars_contains_escaped ||
			      pi->pt.vars_contains_escaped_heap || pi->pt.vars_contains_nonlocal;
	}
	for (auto &b : bytes)
		gimple_call_set_arg(b.first, 1, b.second);
	for (auto &d : detached)
		attach_result(d.first, d.second);
	for (auto &u : undo)
		gimple_call_set_fntype(u.first, u.second);
	return yes;
}

/* ---- the report ---- */

string quote(const string &s)
{
	string r = "\"";

	for (char c : s) {
		if (c == '"' || c == '\\') {
			r += '\\';
			r += c;
		} else if ((unsigned char)c < 0x20) {
			r += ' ';
		} else {
			r += c;
		}
	}
	return r + "\"";
}

void report_call(FILE *out, cgraph_node *node, gcall *call)
{
	tree fndecl = gimple_call_fndecl(call), lhs = gimple_call_lhs(call);
	const allocator *a = find_allocator(fndecl);
	place at = place_of(gimple_location(call));
	widest_int size = 0, n = 1;
	bool constant = a->size >= 0 && (int)gimple_call_num_args(call) > a->size;
	string arg = "...", name = macro_name(gimple_location(call));

	if (name.empty())
		name = source_name(fndecl);

	if (constant) {
		constant = const_value(gimple_call_arg(call, a->size), &size);
		arg = text_of(gimple_call_arg(call, a->size));
		if (a->n >= 0) {
			bool cn = const_value(gimple_call_arg(call, a->n), &n);

			arg = text_of(gimple_call_arg(call, a->n)) + " * " + arg;
			constant = constant && cn;
		}
		size *= n;
		if (constant && wi::gtu_p(size, 1L << 40))
			constant = false;
	} else if (gimple_call_num_args(call)) {
		arg = text_of(gimple_call_arg(call, 0));
	}
	if (constant)
		arg = std::to_string(size.to_shwi());
	if (arg.find("...") != string::npos || arg.find("()") != string::npos)
		arg = "...";

	flow f(node->decl, lhs, 0);
	bool escapes, pta = false, loop = false;
	escape e;

	/* Without a result it is lost, which is a leak and no escape */
	if (!lhs) {
		escapes = false;
	} else {
		if (TREE_CODE(lhs) == SSA_NAME)
			f.run(OBJ);
		else
			f.run_store(call, lhs);
		escapes = !f.escapes.empty();
		if (escapes)
			e = *std::min_element(f.escapes.begin(), f.escapes.end());
		loop = !escapes && f.outlives_iteration(call);
		pta = gcc_says_escapes(call, f);
	}

	fprintf(out, "{\"file\": %s, \"line\": %d, \"column\": %d, \"function\": %s, \"call\": %s, ",
		quote(at.file).c_str(), at.line, at.column, quote(name_of(node->decl)).c_str(),
		quote(name + "(" + arg + ")").c_str());
	fprintf(out, "\"public\": %s, ", TREE_PUBLIC(node->decl) ? "true" : "false");
	if (constant)
		fprintf(out, "\"size\": %lld, ", (long long)size.to_shwi());
	else
		fprintf(out, "\"size\": null, ");
	fprintf(out, "\"escapes\": %s, \"reason\": %s, \"inner\": %s, ", escapes ? "true" : "false",
		quote(e.what).c_str(), quote(e.inner).c_str());
	fprintf(out, "\"where\": {\"file\": %s, \"line\": %d}, ", quote(e.where.file).c_str(),
		e.where.line);
	fprintf(out, "\"resized\": %s, ", name.find("realloc") != string::npos ? "true" : "false");
	fprintf(out, "\"gcc_escapes\": %s, \"outlives_iteration\": %s, \"recursive\": %s, ",
		pta ? "true" : "false", loop ? "true" : "false",
		is_recursive(node) ? "true" : "false");

	/* Frees that others do; __free() of <linux/cleanup.h> is the scope's */
	string frees;
	set<string> once;

	for (free_site &s : f.frees) {
		if (s.function == name_of(node->decl) || s.function.compare(0, 7, "__free_") == 0)
			continue;

		string t = s.function + "() (" + s.where.file + ":" + std::to_string(s.where.line) + ")";

		if (once.insert(t).second)
			frees += (frees.empty() ? "" : ", ") + quote(t);
	}
	fprintf(out, "\"freed_in\": [%s]}\n", frees.c_str());
}

/* What other units may assume about a function of this one */
void report_summaries(FILE *out, cgraph_node *node)
{
	unsigned i = 0;

	if (!TREE_PUBLIC(node->decl) || !followable(node->decl) || DECL_EXTERNAL(node->decl))
		return;
	for (tree p = DECL_ARGUMENTS(node->decl); p; p = DECL_CHAIN(p), i++) {
		for (int kind = 1; kind <= 3; kind++) {
			const summary &s = summarize(node->decl, i, kind, 0);

			if (s.escapes)
				continue;
			fprintf(out, "%s %u %d %d %d", name_of(node->decl).c_str(), i, kind,
				s.returned, s.self);
			for (const free_site &f : s.frees)
				fprintf(out, " %s:%d:%s", f.function.c_str(), f.where.line,
					f.where.file.c_str());
			fprintf(out, "\n");
		}
	}
}

/* A line for each direct call; a function of this unit only has the unit's name */
void report_edges(FILE *out, cgraph_node *node)
{
	auto unique = [](tree decl) {
		return TREE_PUBLIC(decl) ? name_of(decl) : string(main_input_filename) + ":" + name_of(decl);
	};

	for (cgraph_edge *e = node->callees; e; e = e->next_callee)
		if (!fndecl_built_in_p(e->callee->decl))
			fprintf(out, "[%s, %s]\n", quote(unique(node->decl)).c_str(),
				quote(unique(e->callee->ultimate_alias_target()->decl)).c_str());
}

bool defined_below_root(cgraph_node *node)
{
	expanded_location x = expand_location(DECL_SOURCE_LOCATION(node->decl));

	return x.file && below_root(real_path(x.file));
}

FILE *open_output(const char *suffix)
{
	string name = real_path(main_input_filename);

	if (below_root(name))
		name = name.substr(root_dir.size() + 1);
	for (char &c : name)
		if (c == '/')
			c = '!';

	FILE *f = fopen((out_dir + "/" + name + suffix).c_str(), "w");

	if (!f)
		_exit(3);
	return f;
}

/* In the child: every allocation of the unit */
void analyze()
{
	cgraph_node *node;
	FILE *calls = open_output(".calls"), *functions = open_output(".functions");
	FILE *edges = open_output(".edges");

	FOR_EACH_FUNCTION_WITH_GIMPLE_BODY(node) {
		function *fn = DECL_STRUCT_FUNCTION(node->decl);
		vector<gcall *> found;
		basic_block bb;

		if (!fn || !gimple_in_ssa_p(fn) || !defined_below_root(node))
			continue;
		report_edges(edges, node);
		/* A wrapper with an allocator's name is the allocator */
		if (find_allocator(node->decl))
			continue;
		FOR_EACH_BB_FN(bb, fn) {
			gimple_stmt_iterator gi;

			for (gi = gsi_start_bb(bb); !gsi_end_p(gi); gsi_next(&gi)) {
				gcall *call = dyn_cast<gcall *>(gsi_stmt(gi));

				if (call && !gimple_call_internal_p(call) &&
				    find_allocator(gimple_call_fndecl(call)))
					found.push_back(call);
			}
		}
		if (!found.empty()) {
			push_cfun(fn);
			calculate_dominance_info(CDI_DOMINATORS);
			loop_optimizer_init(AVOID_CFG_MODIFICATIONS |
					    LOOPS_HAVE_MARKED_IRREDUCIBLE_REGIONS);
			for (gcall *call : found)
				report_call(calls, node, call);
			loop_optimizer_finalize();
			pop_cfun();
		}
		report_summaries(functions, node);
	}
	/* Of a function that is defined twice nothing can be known in a third unit */
	FOR_EACH_FUNCTION(node)
		if (node->definition && TREE_PUBLIC(node->decl) && !DECL_EXTERNAL(node->decl))
			fprintf(functions, "= %s\n", name_of(node->decl).c_str());
	if (fclose(calls) || fclose(functions) || fclose(edges))
		_exit(3);
}

const pass_data escape_pass_data = {
	SIMPLE_IPA_PASS, "goalloc_escape", OPTGROUP_NONE, TV_NONE, PROP_ssa, 0, 0, 0, 0
};

class escape_pass : public simple_ipa_opt_pass {
public:
	escape_pass(gcc::context *ctxt) : simple_ipa_opt_pass(escape_pass_data, ctxt)
	{
	}

	unsigned int execute(function *) final override
	{
		int status;

		if (!optimize || seen_error())
			return 0;
		fflush(NULL);

		pid_t pid = fork();

		if (pid == 0) {
			analyze();
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			error("escape analysis of %qs failed", main_input_filename);
		else if (only)
			_exit(0);
		return 0;
	}
};

void read_known(const char *file)
{
	FILE *f = fopen(file, "r");
	char line[4096], name[256];

	if (!f)
		fatal_error(UNKNOWN_LOCATION, "escape: cannot read %s", file);
	while (fgets(line, sizeof(line), f)) {
		unsigned arg;
		int kind, returned, self, n;
		summary s;

		if (sscanf(line, "= %255s", name) == 1) {
			defined.insert(name);
			continue;
		}
		if (sscanf(line, "%255s %u %d %d %d%n", name, &arg, &kind, &returned, &self, &n) != 5)
			continue;
		s.done = true;
		s.escapes = false;
		s.returned = returned;
		s.self = self;
		for (char *t = strtok(line + n, " \n"); t; t = strtok(NULL, " \n")) {
			free_site fs;
			char *a = strchr(t, ':'), *b = a ? strchr(a + 1, ':') : NULL;

			if (!b)
				continue;
			fs.function = string(t, a - t);
			fs.where.line = atoi(a + 1);
			fs.where.file = b + 1;
			s.frees.push_back(fs);
		}
		known[string(name) + " " + std::to_string(arg) + " " + std::to_string(kind)] = s;
	}
	fclose(f);
}

} /* namespace */

int plugin_init(plugin_name_args *info, plugin_gcc_version *version)
{
	if (!plugin_default_version_check(version, &gcc_version)) {
		error("the escape plugin was built for another GCC: remove its build directory");
		return 1;
	}
	for (int i = 0; i < info->argc; i++) {
		string key = info->argv[i].key;
		const char *value = info->argv[i].value ? info->argv[i].value : "";

		if (key == "root") {
			root_dir = real_path(value);
		} else if (key == "out") {
			out_dir = value;
		} else if (key == "known") {
			read_known(value);
		} else if (key == "trust") {
			trusted_names.insert(value);
		} else if (key == "only") {
			only = true;
		} else {
			error("escape: there is no argument %qs", key.c_str());
			return 1;
		}
	}
	if (root_dir.empty() || out_dir.empty()) {
		error("escape: the arguments root= and out= are needed");
		return 1;
	}

	register_pass_info pass;

	pass.pass = new escape_pass(g);
	pass.reference_pass_name = "build_ssa_passes";
	pass.ref_pass_instance_number = 1;
	pass.pos_op = PASS_POS_INSERT_AFTER;
	register_callback(info->base_name, PLUGIN_PASS_MANAGER_SETUP, NULL, &pass);
	return 0;
}
