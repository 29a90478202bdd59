#!/usr/bin/env python3
"""Turns a statement catalogue (SQL) into typed C for both database drivers.

usage: generate-statements.py --name X OUT.h OUT.c FILE.sql...

A file under schema/sqlite/ or schema/postgresql/ named NNN_*.sql is a step of the schema; every other file
holds statements. src/db/catalogue.h says how they are written and what comes out.
"""
import copy
import re
import sys
from pathlib import Path

DRIVERS = ("sqlite", "postgresql")
TYPES = {
    # declared: (enum, C type, C type where NULL is allowed, PostgreSQL type, binder, reader)
    "int": ("DB_INT", "int64_t", "struct db_optional_int", "bigint", "int", "int"),
    "bool": ("DB_BOOL", "bool", "struct db_optional_bool", "boolean", "bool", "bool"),
    "moment": ("DB_MOMENT", "moment", "struct db_optional_int", "bigint", "int", "int"),
    "date": ("DB_DATE", "struct date", "struct date", "integer", "date", "date"),
    "text": ("DB_TEXT", "struct bytes", "struct bytes", "text", "bytes", "bytes"),
    "bytes": ("DB_BYTES", "struct bytes", "struct bytes", "bytea", "bytes", "bytes"),
}
NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
# What can hide a colon or look like one: strings, quoted names, comments, casts; then a parameter.
TOKEN = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|::|:(?P<parameter>[a-z][a-z0-9_]*)|[^'\":/-]+|.",
    re.S)


class Mistake(Exception):
    pass


class Field:
    def __init__(self, text, where, group=None):
        self.group = group
        words = text.split()
        if len(words) != 2:
            raise Mistake(f"{where}: expected 'name type', found '{text.strip()}'")
        self.name, declared = words
        self.nullable = declared.endswith("?")
        self.declared = declared.rstrip("?")
        if not NAME.match(self.name):
            raise Mistake(f"{where}: '{self.name}' is not a name")
        if self.declared not in TYPES:
            raise Mistake(f"{where}: unknown type '{declared}'")

    @property
    def c_type(self):
        return TYPES[self.declared][2 if self.nullable else 1]

    @property
    def binder(self):
        kind = TYPES[self.declared][4]
        return f"db_value_optional_{kind}" if self.nullable and kind != "date" else f"db_value_{kind}"

    @property
    def reader(self):
        kind = TYPES[self.declared][5]
        return f"db_column_optional_{kind}" if self.nullable and kind in ("int", "bool") else f"db_column_{kind}"

    @property
    def member(self):
        return f"{self.group}.{self.name}" if self.group else self.name

    def __eq__(self, other):
        return ((self.member, self.declared, self.nullable) == (other.member, other.declared, other.nullable))


class Statement:
    def __init__(self, name, where):
        self.name, self.where = name, where
        self.comment, self.parameters, self.columns = [], [], None
        self.only, self.row = None, name
        self.sql = ""


def read_fields(text, where, groups):
    fields = []
    for part in text.split(",") if text.strip() else []:
        use = re.match(r"\s*([a-z][a-z0-9_]*)\.\*\s*\Z", part)
        if not use:
            fields.append(Field(part, where))
        elif use[1] in groups:
            fields += groups[use[1]]
        else:
            raise Mistake(f"{where}: there is no group {use[1]}")
    return fields


def check_names(fields, where):
    names = [field.name for field in fields]
    if len(set(names)) != len(names):
        raise Mistake(f"{where}: a name stands twice")


def expand(text, defined, where):
    def text_of(use):
        if use[1] not in defined:
            raise Mistake(f"{where}: @{use[1]} is not defined")
        return expand(defined[use[1]].strip(), defined, where)
    return re.sub(r"@([a-z][a-z0-9_]*)", text_of, text)


def read_lines(path):
    """The lines with every @use replaced by what '-- define: use' says."""
    defined, current = {}, None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path}:{number}"
        begin = re.match(r"--\s*(define|name|group):\s*(.*)", line)
        if begin and begin[1] == "define":
            current = begin[2].strip()
            if not NAME.match(current) or current in defined:
                raise Mistake(f"{where}: '{current}' is not a name, or defined twice")
            defined[current] = ""
            continue
        if begin:
            current = None
        if current is not None:
            defined[current] += "" if line.startswith("--") else line + "\n"
        else:
            whole = expand(line, defined, where)
            for part in [" ".join(whole.split())] if line.startswith("--") else whole.split("\n"):
                yield where, part


def read_group(text, where):
    name, _, fields = text.partition("=")
    if not NAME.match(name.strip()):
        raise Mistake(f"{where}: '{name.strip()}' is not a name")
    return name.strip(), [Field(part, where, name.strip()) for part in fields.split(",")]


def read_statements(path, groups):
    current = None
    for where, line in read_lines(path):
        header = re.match(r"--\s*(name|in|out|only|row|group):(.*)", line)
        if header and header[1] == "group":
            name, fields = read_group(header[2], where)
            check_names(fields, where)
            groups[name] = fields
            continue
        if header and header[1] == "name":
            if current:
                yield finish(current)
            current = Statement(header[2].strip(), where)
            if not NAME.match(current.name):
                raise Mistake(f"{where}: '{current.name}' is not a name")
        elif current is None:
            if line.strip() and not line.startswith("--"):
                raise Mistake(f"{where}: SQL before the first '-- name:'")
        elif header and current.sql.strip():
            raise Mistake(f"{where}: '-- {header[1]}:' after the statement began")
        elif header and header[1] == "in":
            current.parameters += read_fields(header[2], where, groups)
        elif header and header[1] == "row":
            current.row = header[2].strip()
            if not NAME.match(current.row):
                raise Mistake(f"{where}: '{current.row}' is not a name")
        elif header and header[1] == "out":
            current.columns = (current.columns or []) + read_fields(header[2], where, groups)
        elif header:
            current.only = header[2].strip()
            if current.only not in DRIVERS:
                raise Mistake(f"{where}: no such driver: '{current.only}'")
        elif line.startswith("--") and not current.sql.strip():
            current.comment.append(line[2:].strip())
        elif line.startswith("--") and current.sql.rstrip().endswith(";"):
            pass  # a heading before the next statement
        else:
            current.sql += line + "\n"
    if current:
        yield finish(current)


def finish(statement):
    statement.sql = statement.sql.strip()
    if not statement.sql.endswith(";"):
        raise Mistake(f"{statement.where}: {statement.name} does not end with ';'")
    statement.sql = statement.sql[:-1]
    check_names(statement.parameters, statement.where)
    check_names(statement.columns or [], statement.where)
    return statement


def place(statement, driver):
    """The SQL with the driver's own placeholders: positions are those of the declaration, not of appearance."""
    position = {field.name: (index, field) for index, field in enumerate(statement.parameters, 1)}
    used, out = set(), []
    for token in TOKEN.finditer(statement.sql):
        name = token["parameter"]
        if token[0] == ";":
            raise Mistake(f"{statement.where}: {statement.name} holds more than one statement")
        if token[0].startswith("--") or token[0].startswith("/*"):
            out.append(" ")
        elif name is None:
            if ";" in token[0] and token[0][0] not in "'\"":
                raise Mistake(f"{statement.where}: {statement.name} holds more than one statement")
            out.append(token[0])
        elif name not in position:
            raise Mistake(f"{statement.where}: {statement.name} uses :{name}, which 'in' does not declare")
        else:
            index, field = position[name]
            used.add(name)
            out.append(f"?{index}" if driver == "sqlite" else f"${index}::{TYPES[field.declared][3]}")
    unused = set(position) - used
    if unused:
        raise Mistake(f"{statement.where}: {statement.name} declares but does not use {', '.join(sorted(unused))}")
    return re.sub(r"[ \t]+\n", "\n", "".join(out))


def join_variants(statements):
    """One entry a name, with the text for each driver."""
    joined = {}
    for statement in statements:
        entry = joined.setdefault(statement.name, {"first": statement, "text": {}})
        first = entry["first"]
        if (first.parameters, first.columns) != (statement.parameters, statement.columns):
            raise Mistake(f"{statement.where}: {statement.name} declares other fields than its first variant")
        for driver in [statement.only] if statement.only else DRIVERS:
            if driver in entry["text"]:
                raise Mistake(f"{statement.where}: {statement.name} stands twice for {driver}")
            entry["text"][driver] = place(statement, driver)
    for name, entry in joined.items():
        for driver in DRIVERS:
            if driver not in entry["text"]:
                raise Mistake(f"{entry['first'].where}: {name} has no variant for {driver}")
    return joined


def read_steps(paths):
    steps = {driver: {} for driver in DRIVERS}
    for path in paths:
        version = re.match(r"(\d{3})_[a-z0-9_]+\.sql\Z", path.name)
        if not version:
            raise Mistake(f"{path}: a step of a schema is called NNN_name.sql")
        if int(version[1]) in steps[path.parent.name]:
            raise Mistake(f"{path}: step {version[1]} stands twice")
        steps[path.parent.name][int(version[1])] = path.read_text(encoding="utf-8")
    count = len(steps["sqlite"])
    for driver in DRIVERS:
        if sorted(steps[driver]) != list(range(1, count + 1)):
            raise Mistake(f"schema/{driver}: steps must be 001 to {count:03}, on both drivers")
    return [(version, steps["sqlite"][version], steps["postgresql"][version]) for version in range(1, count + 1)]


def literal(text, indent):
    lines = [line for line in text.strip().split("\n") if line.strip()]
    escaped = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return ("\n" + indent).join(f'"{line}\\n"' for line in escaped) if escaped else '""'


def c_struct(catalogue, name, fields):
    body, groups = "", []
    for field in fields:
        if not field.group:
            body += f"    {field.c_type} {field.name};{' /* may be NULL */' if field.nullable else ''}\n"
        elif field.group not in groups:
            groups.append(field.group)
            body += f"    struct {catalogue}_sql_{field.group} {field.group};\n"
    return f"struct {name} {{\n{body}}};\n"


def c_group(catalogue, name, fields):
    plain = [copy.copy(field) for field in fields]
    for field in plain:
        field.group = None
    return "\n" + c_struct(catalogue, f"{catalogue}_sql_{name}", plain)


def row_owners(joined):
    """row name -> the first statement that has it; all others must declare the same columns."""
    owners = {}
    for statement_name, entry in joined.items():
        first = entry["first"]
        if first.columns is None:
            if first.row != statement_name:
                raise Mistake(f"{first.where}: {statement_name} has a row but no columns")
            continue
        owner = owners.setdefault(first.row, statement_name)
        if joined[owner]["first"].columns != first.columns:
            raise Mistake(f"{first.where}: {statement_name} declares another row {first.row} than {owner}")
    return owners


def header(name, joined, groups):
    guard = f"SHIKAKU_{name.upper()}_SQL_H"
    out = [f"/* Generated by tools/generate-statements.py. */\n#ifndef {guard}\n#define {guard}\n\n"
           f'#include "db/catalogue.h"\n\nextern const struct db_catalogue {name}_catalogue;\n']
    owners = row_owners(joined)
    out += [c_group(name, group, fields) for group, fields in groups.items()]
    for statement_name, entry in joined.items():
        first, base = entry["first"], f"{name}_sql_{statement_name}"
        if first.comment:
            out.append("\n/*\n" + "".join(f" * {line}\n" for line in first.comment) + " */\n")
        else:
            out.append("\n")
        given = ""
        if first.parameters:
            out.append(c_struct(name, f"{base}_in", first.parameters))
            given = f"const struct {base}_in *in, "
        if first.columns is None:
            out.append(f"enum status {base}(struct db *db, {given}int64_t *changed) MUST_CHECK;\n")
            continue
        row = f"{name}_sql_{first.row}"
        if owners[first.row] == statement_name:
            out.append(c_struct(name, f"{row}_row", first.columns))
            out.append(f"bool {row}_next(struct db_rows *rows, struct {row}_row *row);\n")
        out.append(f"enum status {base}(struct db *db, {given}struct db_rows *rows) MUST_CHECK;\n")
        out.append(f"enum status {base}_submit(struct db *db, {given}int64_t deadline, db_done *done, "
                   f"void *argument) MUST_CHECK;\n")
    out.append("\n#endif\n")
    return "".join(out)


def field_table(symbol, fields):
    if not fields:
        return ""
    rows = "".join(f'    {{"{f.name}", {TYPES[f.declared][0]}, {str(f.nullable).lower()}}},\n' for f in fields)
    return f"static const struct db_field {symbol}[] = {{\n{rows}}};\n"


def functions(name, index, statement_name, first, owns_row):
    base = f"{name}_sql_{statement_name}"
    given = f"const struct {base}_in *in, " if first.parameters else ""
    values, passed = "", "NULL"
    if first.parameters:
        binds = "".join(f"        {field.binder}(in->{field.member}),\n" for field in first.parameters)
        values, passed = f"    const struct db_value values[] = {{\n{binds}    }};\n", "values"
    at = f"&statements[{index}]"
    if first.columns is None:
        return (f"enum status {base}(struct db *db, {given}int64_t *changed)\n{{\n{values}"
                f"    return db_change(db, {at}, {passed}, changed);\n}}\n")
    reads = "".join(f"    row->{field.member} = {field.reader}(rows, {column});\n"
                    for column, field in enumerate(first.columns))
    row = f"{name}_sql_{first.row}"
    reader = (f"bool {row}_next(struct db_rows *rows, struct {row}_row *row)\n{{\n"
              f"    if (!db_rows_next(rows))\n        return false;\n{reads}    return rows->status == OK;\n}}\n\n")
    return (f"enum status {base}(struct db *db, {given}struct db_rows *rows)\n{{\n{values}"
            f"    return db_run(db, {at}, {passed}, rows);\n}}\n\n"
            f"{reader if owns_row else ''}"
            f"enum status {base}_submit(struct db *db, {given}int64_t deadline, db_done *done, void *argument)\n"
            f"{{\n{values}    return db_submit(db, {at}, {passed}, deadline, done, argument);\n}}\n")


def source(name, header_name, joined, steps):
    out = [f'/* Generated by tools/generate-statements.py. */\n#include "{header_name}"\n\n']
    table, code, owners = [], [], row_owners(joined)
    for index, (statement_name, entry) in enumerate(joined.items()):
        first = entry["first"]
        columns = first.columns or []
        out.append(field_table(f"{statement_name}_parameters", first.parameters))
        out.append(field_table(f"{statement_name}_columns", columns))
        table.append(f'    {{.name = "{statement_name}",\n'
                     f'     .sqlite = {literal(entry["text"]["sqlite"], " " * 15)},\n'
                     f'     .postgresql = {literal(entry["text"]["postgresql"], " " * 19)},\n'
                     f'     .parameters = {statement_name + "_parameters" if first.parameters else "NULL"},\n'
                     f'     .columns = {statement_name + "_columns" if columns else "NULL"},\n'
                     f'     .parameter_count = {len(first.parameters)},\n'
                     f'     .column_count = {len(columns)},\n     .index = {index}}},\n')
        code.append("\n" + functions(name, index, statement_name, first,
                                      owners.get(first.row) == statement_name))
    out.append(f"\nstatic const struct db_statement statements[] = {{\n{''.join(table)}}};\n")
    rows = "".join(f"    {{{version}, {literal(sqlite, '     ')},\n     {literal(postgresql, '     ')}}},\n"
                   for version, sqlite, postgresql in steps)
    if steps:
        out.append(f"\nstatic const struct db_migration migrations[] = {{\n{rows}}};\n")
    out.append(f"\nconst struct db_catalogue {name}_catalogue = {{\n"
               f'    .name = "{name}",\n    .statements = statements,\n    .statement_count = {len(joined)},\n'
               f"    .migrations = {'migrations' if steps else 'NULL'},\n    .migration_count = {len(steps)},\n}};\n")
    return "".join(out + code)


def main(arguments):
    if len(arguments) < 5 or arguments[0] != "--name" or not NAME.match(arguments[1]):
        sys.exit(__doc__)
    name, out_h, out_c, inputs = arguments[1], Path(arguments[2]), Path(arguments[3]), map(Path, arguments[4:])
    schema, catalogue = [], []
    for path in inputs:
        (schema if path.parent.name in DRIVERS and path.parent.parent.name == "schema" else catalogue).append(path)
    try:
        groups = {}
        joined = join_variants([statement for path in catalogue for statement in read_statements(path, groups)])
        if not joined:
            raise Mistake(f"{name}: no statements")
        steps = read_steps(schema)
        out_h.write_text(header(name, joined, groups), encoding="utf-8")
        out_c.write_text(source(name, out_h.name, joined, steps), encoding="utf-8")
    except Mistake as mistake:
        sys.exit(str(mistake))


if __name__ == "__main__":
    main(sys.argv[1:])
