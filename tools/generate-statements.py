#!/usr/bin/env python3
"""Turns a statement catalogue (SQL) into typed C for both database drivers.

usage: generate-statements.py --name X OUT.h OUT.c FILE.sql...

A file under schema/sqlite/ or schema/postgresql/ named NNN_*.sql is a step of the schema; every other file
holds statements. src/db/catalogue.h says how they are written and what comes out.
"""
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
    def __init__(self, text, where):
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

    def __eq__(self, other):
        return (self.name, self.declared, self.nullable) == (other.name, other.declared, other.nullable)


class Statement:
    def __init__(self, name, where):
        self.name, self.where = name, where
        self.comment, self.parameters, self.columns = [], [], None
        self.only = None
        self.sql = ""


def read_fields(text, where):
    fields = [Field(part, where) for part in text.split(",")] if text.strip() else []
    names = [field.name for field in fields]
    if len(set(names)) != len(names):
        raise Mistake(f"{where}: a name stands twice")
    return fields


def read_statements(path):
    current, lines = None, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path}:{number}"
        header = re.match(r"--\s*(name|in|out|only):(.*)", line)
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
            current.parameters += read_fields(header[2], where)
        elif header and header[1] == "out":
            current.columns = (current.columns or []) + read_fields(header[2], where)
        elif header:
            current.only = header[2].strip()
            if current.only not in DRIVERS:
                raise Mistake(f"{where}: no such driver: '{current.only}'")
        elif line.startswith("--") and not current.sql.strip():
            current.comment.append(line[2:].strip())
        else:
            current.sql += line + "\n"
    if current:
        yield finish(current)


def finish(statement):
    statement.sql = statement.sql.strip()
    if not statement.sql.endswith(";"):
        raise Mistake(f"{statement.where}: {statement.name} does not end with ';'")
    statement.sql = statement.sql[:-1]
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


def c_struct(name, fields):
    body = "".join(f"    {field.c_type} {field.name};{' /* may be NULL */' if field.nullable else ''}\n"
                   for field in fields)
    return f"struct {name} {{\n{body}}};\n"


def header(name, joined):
    guard = f"SHIKAKU_{name.upper()}_SQL_H"
    out = [f"/* Generated by tools/generate-statements.py. */\n#ifndef {guard}\n#define {guard}\n\n"
           f'#include "db/catalogue.h"\n\nextern const struct db_catalogue {name}_catalogue;\n']
    for statement_name, entry in joined.items():
        first, base = entry["first"], f"{name}_sql_{statement_name}"
        if first.comment:
            out.append("\n/*\n" + "".join(f" * {line}\n" for line in first.comment) + " */\n")
        else:
            out.append("\n")
        given = ""
        if first.parameters:
            out.append(c_struct(f"{base}_in", first.parameters))
            given = f"const struct {base}_in *in, "
        if first.columns is None:
            out.append(f"enum status {base}(struct db *db, {given}int64_t *changed) MUST_CHECK;\n")
            continue
        out.append(c_struct(f"{base}_row", first.columns))
        out.append(f"enum status {base}(struct db *db, {given}struct db_rows *rows) MUST_CHECK;\n")
        out.append(f"bool {base}_next(struct db_rows *rows, struct {base}_row *row);\n")
        out.append(f"enum status {base}_submit(struct db *db, {given}int64_t deadline, db_done *done, "
                   f"void *argument) MUST_CHECK;\n")
    out.append("\n#endif\n")
    return "".join(out)


def field_table(symbol, fields):
    if not fields:
        return ""
    rows = "".join(f'    {{"{f.name}", {TYPES[f.declared][0]}, {str(f.nullable).lower()}}},\n' for f in fields)
    return f"static const struct db_field {symbol}[] = {{\n{rows}}};\n"


def functions(name, index, statement_name, first):
    base = f"{name}_sql_{statement_name}"
    given = f"const struct {base}_in *in, " if first.parameters else ""
    values, passed = "", "NULL"
    if first.parameters:
        binds = "".join(f"        {field.binder}(in->{field.name}),\n" for field in first.parameters)
        values, passed = f"    const struct db_value values[] = {{\n{binds}    }};\n", "values"
    at = f"&statements[{index}]"
    if first.columns is None:
        return (f"enum status {base}(struct db *db, {given}int64_t *changed)\n{{\n{values}"
                f"    return db_change(db, {at}, {passed}, changed);\n}}\n")
    reads = "".join(f"    row->{field.name} = {field.reader}(rows, {column});\n"
                    for column, field in enumerate(first.columns))
    return (f"enum status {base}(struct db *db, {given}struct db_rows *rows)\n{{\n{values}"
            f"    return db_run(db, {at}, {passed}, rows);\n}}\n\n"
            f"bool {base}_next(struct db_rows *rows, struct {base}_row *row)\n{{\n"
            f"    if (!db_rows_next(rows))\n        return false;\n{reads}    return rows->status == OK;\n}}\n\n"
            f"enum status {base}_submit(struct db *db, {given}int64_t deadline, db_done *done, void *argument)\n"
            f"{{\n{values}    return db_submit(db, {at}, {passed}, deadline, done, argument);\n}}\n")


def source(name, header_name, joined, steps):
    out = [f'/* Generated by tools/generate-statements.py. */\n#include "{header_name}"\n\n']
    table, code = [], []
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
        code.append("\n" + functions(name, index, statement_name, first))
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
        joined = join_variants([statement for path in catalogue for statement in read_statements(path)])
        if not joined:
            raise Mistake(f"{name}: no statements")
        steps = read_steps(schema)
        out_h.write_text(header(name, joined), encoding="utf-8")
        out_c.write_text(source(name, out_h.name, joined, steps), encoding="utf-8")
    except Mistake as mistake:
        sys.exit(str(mistake))


if __name__ == "__main__":
    main(sys.argv[1:])
