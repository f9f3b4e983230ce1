/*
 * proto_set.c - see proto_set.h
 *
 * Theory of operation. The files are copied, and names point into the copies;
 * only the full name of a type ("pkg.Outer.Inner") is put together. First
 * everything is read into arrays that grow, then the types are sorted by name
 * and what fields and methods say of types is looked up. A type that is not
 * there was imported by a file that is not in the set: that is an error, since
 * without it the field would be compared as bytes and no rule for what is in it would hold.
 *
 * Field numbers are those of descriptor.proto.
 */
#include "compare/grpc/proto_set.h"

#include <errno.h>
#include <stdlib.h>

#include "compare/grpc/protobuf.h"

struct draft_type {
	struct proto_type type; /* its name is made; @members: see @first */
	char *name;
	size_t first; /* of its members */
};

struct draft_member {
	struct proto_member member;
	struct span type_name;
};

struct method {
	char *service; /* "pkg.Service"; of the first of its methods, borrowed by the others */
	bool owns;
	struct span name, type_name;
	const struct proto_type *response;
};

struct array {
	void *at;
	size_t count, cap;
};

struct proto_set {
	struct array types, members, methods; /* draft_type, draft_member, method */
	struct proto_type *by_name;
	struct proto_member *all;
	uint8_t **copies;
	size_t copy_count;
};

/** add() - room for one more of @size bytes, zero; NULL: no memory */
static void *add(struct array *a, size_t size)
{
	if (a->count == a->cap) {
		size_t cap = a->cap ? 2 * a->cap : 16;
		void *more = reallocarray(a->at, cap, size);

		if (!more)
			return NULL;
		a->at = more;
		a->cap = cap;
	}
	return memset((uint8_t *)a->at + size * a->count++, 0, size);
}

/* ---- reading ---- */

/** joined() - "scope.name", or the name alone; given to the caller */
static char *joined(struct span scope, struct span name)
{
	char *text = malloc(scope.len + name.len + 2);
	char *at = text;

	if (!text)
		return NULL;
	if (scope.len > 0) {
		memcpy(at, scope.at, scope.len);
		at += scope.len;
		*at++ = '.';
	}
	if (name.len > 0)
		memcpy(at, name.at, name.len);
	at[name.len] = '\0';
	return text;
}

/** text_of() - the last field called @number that has bytes; empty if there is none */
static struct span text_of(struct span message, uint32_t number)
{
	struct span found = { NULL, 0 };
	struct proto_field f;

	while (proto_next(&message, &f) > 0)
		if (f.number == number && f.wire == PROTO_BYTES)
			found = f.bytes;
	return found;
}

/** label 3: repeated; a member of a oneof, or with a default of its own: optional */
static int read_member(struct proto_set *s, struct span field)
{
	struct draft_member *d = add(&s->members, sizeof(*d));
	struct proto_field f;
	int more;

	if (!d)
		return -ENOMEM;
	d->member.name = text_of(field, 1);
	while ((more = proto_next(&field, &f)) > 0) {
		if (f.wire == PROTO_BYTES) {
			if (f.number == 6)
				d->type_name = f.bytes;
			d->member.optional |= f.number == 7;
		} else if (f.wire == PROTO_VARINT) {
			if (f.number == 3)
				d->member.number = (uint32_t)f.value;
			else if (f.number == 4)
				d->member.repeated = f.value == 3;
			else if (f.number == 5 && f.value >= PROTO_KIND_DOUBLE && f.value <= PROTO_KIND_SINT64)
				d->member.kind = (enum proto_kind)f.value;
			d->member.optional |= f.number == 9;
		}
	}
	if (d->member.kind == 0 || d->member.number == 0 || d->member.name.len == 0)
		return -EBADMSG;
	return more;
}

static int read_type(struct proto_set *s, struct span scope, struct span message, unsigned depth);

/** read_nested() - the types inside of one that is called @name */
static int read_nested(struct proto_set *s, struct span name, struct span message, unsigned depth)
{
	struct proto_field f;
	int more, err = 0;

	while (!err && (more = proto_next(&message, &f)) != 0) {
		if (more < 0)
			err = more;
		else if (f.number == 3 && f.wire == PROTO_BYTES)
			err = read_type(s, name, f.bytes, depth + 1);
	}
	return err;
}

/** map_entry() - do the options of a message say that it is an entry of a map? */
static bool map_entry(struct span options)
{
	struct proto_field f;
	bool yes = false;

	while (proto_next(&options, &f) > 0)
		if (f.number == 7 && f.wire == PROTO_VARINT)
			yes = f.value != 0;
	return yes;
}

static int read_type(struct proto_set *s, struct span scope, struct span message, unsigned depth)
{
	struct draft_type *d = add(&s->types, sizeof(*d));
	struct span rest = message;
	struct proto_field f;
	int more = 0, err = 0;
	char *name;

	if (!d)
		return -ENOMEM;
	if (depth > PROTO_DEPTH_MAX)
		return -EBADMSG;
	d->name = name = joined(scope, text_of(message, 1));
	if (!name)
		return -ENOMEM;
	d->type.name = span_str(name);
	d->type.is_map = map_entry(text_of(message, 7));
	d->first = s->members.count;
	while (!err && (more = proto_next(&rest, &f)) > 0)
		if (f.number == 2 && f.wire == PROTO_BYTES)
			err = read_member(s, f.bytes);
	if (err || more)
		return err ? err : more;
	d->type.count = s->members.count - d->first;
	return read_nested(s, span_str(name), message, depth);
}

static int read_service(struct proto_set *s, struct span package, struct span service)
{
	char *name = joined(package, text_of(service, 1));
	bool owned = false;
	struct proto_field f;
	int more, err = name ? 0 : -ENOMEM;

	while (!err && (more = proto_next(&service, &f)) != 0) {
		struct method *m;

		if (more < 0) {
			err = more;
		} else if (f.number == 2 && f.wire == PROTO_BYTES) {
			m = add(&s->methods, sizeof(*m));
			if (!m) {
				err = -ENOMEM;
				break;
			}
			*m = (struct method){ .service = name, .owns = !owned };
			m->name = text_of(f.bytes, 1);
			m->type_name = text_of(f.bytes, 3);
			owned = true;
		}
	}
	if (!owned)
		free(name);
	return err;
}

/** read_file() - a FileDescriptorProto */
static int read_file(struct proto_set *s, struct span file)
{
	struct span package = text_of(file, 2);
	struct proto_field f;
	int more, err = 0;

	while (!err && (more = proto_next(&file, &f)) != 0) {
		if (more < 0)
			err = more;
		else if (f.number == 4 && f.wire == PROTO_BYTES)
			err = read_type(s, package, f.bytes, 0);
		else if (f.number == 6 && f.wire == PROTO_BYTES)
			err = read_service(s, package, f.bytes);
	}
	return err;
}

static int read_files(struct proto_set *s, struct span set)
{
	struct proto_field f;
	int more, err = 0;

	while (!err && (more = proto_next(&set, &f)) != 0) {
		if (more < 0)
			err = more;
		else if (f.number != 1 || f.wire != PROTO_BYTES)
			err = -EBADMSG;
		else
			err = read_file(s, f.bytes);
	}
	return err;
}

static int read_copy(struct proto_set *s, struct span bytes)
{
	uint8_t *copy = malloc(bytes.len + 1);

	if (!copy)
		return -ENOMEM;
	if (bytes.len > 0)
		memcpy(copy, bytes.at, bytes.len);
	s->copies[s->copy_count++] = copy;
	return read_files(s, span_of(copy, bytes.len));
}

/* ---- what belongs to what ---- */

static int compare_names(struct span a, struct span b)
{
	size_t both = a.len < b.len ? a.len : b.len;
	int order = both > 0 ? memcmp(a.at, b.at, both) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
	return compare_names(((const struct proto_type *)a)->name, ((const struct proto_type *)b)->name);
}

const struct proto_type *proto_set_type(const struct proto_set *s, struct span name)
{
	const struct proto_type wanted = { .name = name };

	return s->types.count == 0 ? NULL
				   : bsearch(&wanted, s->by_name, s->types.count, sizeof(wanted), by_name);
}

/** resolve() - a name as fields have it: ".pkg.Message" */
static const struct proto_type *resolve(const struct proto_set *s, struct span name)
{
	if (span_starts(name, SPAN_LITERAL(".")))
		span_skip(&name, 1);
	return proto_set_type(s, name);
}

/** not_there() - the error for a type that is not in any file */
static int not_there(struct span type_name, struct buffer *error)
{
	buffer_printf(error,
		      "--proto: the message %.*s is not in any of the files; write them with: "
		      "protoc --include_imports --descriptor_set_out=FILE",
		      (int)(type_name.len < 200 ? type_name.len : 200), (const char *)type_name.at);
	return -EINVAL;
}

static int link_types(struct proto_set *s, struct buffer *error)
{
	const struct draft_type *types = s->types.at;
	const struct draft_member *members = s->members.at;
	struct method *methods = s->methods.at;

	s->by_name = calloc(s->types.count + 1, sizeof(*s->by_name));
	s->all = calloc(s->members.count + 1, sizeof(*s->all));
	if (!s->by_name || !s->all)
		return -ENOMEM;
	for (size_t i = 0; i < s->types.count; i++) {
		s->by_name[i] = types[i].type;
		s->by_name[i].members = s->all + types[i].first;
	}
	if (s->types.count > 0)
		qsort(s->by_name, s->types.count, sizeof(*s->by_name), by_name);
	for (size_t i = 0; i < s->members.count; i++) {
		s->all[i] = members[i].member;
		if (s->all[i].kind != PROTO_KIND_MESSAGE)
			continue;
		s->all[i].message = resolve(s, members[i].type_name);
		if (!s->all[i].message)
			return not_there(members[i].type_name, error);
	}
	for (size_t i = 0; i < s->methods.count; i++) {
		methods[i].response = resolve(s, methods[i].type_name);
		if (!methods[i].response)
			return not_there(methods[i].type_name, error);
	}
	return 0;
}

const struct proto_type *proto_set_response(const struct proto_set *s, struct span service, struct span method)
{
	const struct method *methods = s->methods.at;

	for (size_t i = 0; i < s->methods.count; i++)
		if (span_equal(methods[i].name, method) && span_equal(span_str(methods[i].service), service))
			return methods[i].response;
	return NULL;
}

int proto_set_new(const struct proto_file *files, size_t count, struct proto_set **out, struct buffer *error)
{
	struct proto_set *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	*out = NULL;
	if (!s)
		return err;
	s->copies = calloc(count + 1, sizeof(*s->copies));
	if (!s->copies)
		goto fail;
	err = 0;
	for (size_t i = 0; i < count && !err; i++) {
		size_t before = s->types.count;

		err = read_copy(s, files[i].bytes);
		if (err == -EBADMSG || (!err && s->types.count == before)) {
			buffer_printf(error,
				      "--proto %s: this is no set of descriptors with messages; write one with: "
				      "protoc --include_imports --descriptor_set_out=FILE",
				      files[i].name);
			err = -EINVAL;
		}
	}
	if (!err)
		err = link_types(s, error);
	if (!err) {
		*out = s;
		return 0;
	}
fail:
	proto_set_free(s);
	return err;
}

void proto_set_free(struct proto_set *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->types.count; i++)
		free(((struct draft_type *)s->types.at)[i].name);
	for (size_t i = 0; i < s->methods.count; i++)
		if (((struct method *)s->methods.at)[i].owns)
			free(((struct method *)s->methods.at)[i].service);
	for (size_t i = 0; i < s->copy_count; i++)
		free(s->copies[i]);
	free(s->copies);
	free(s->types.at);
	free(s->members.at);
	free(s->methods.at);
	free(s->by_name);
	free(s->all);
	free(s);
}
