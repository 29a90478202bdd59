"""The statement generator refuses what would fail silently at run time. usage: test_generator.py GENERATOR"""
import pathlib
import subprocess
import sys
import tempfile

GOOD = "-- name: a\n-- in: x int\n-- out: y int\nselect y from t where x = :x;\n"
MISTAKES = {
    "a_parameter_that_is_not_declared": (GOOD.replace("= :x", "= :z"), "does not declare"),
    "a_parameter_that_is_not_used": (GOOD.replace("in: x int", "in: x int, z int"), "does not use z"),
    "an_unknown_type": (GOOD.replace("y int", "y integer"), "unknown type"),
    "a_name_that_stands_twice_among_the_fields": (GOOD.replace("in: x int", "in: x int, x text"), "stands twice"),
    "two_statements_under_one_name": (GOOD.replace(";", "; delete from t;"), "more than one statement"),
    "a_statement_without_an_end": (GOOD.replace(";", ""), "does not end"),
    "a_name_that_stands_twice": (GOOD + GOOD, "stands twice for"),
    "a_variant_for_one_driver_only": (GOOD.replace("-- out", "-- only: sqlite\n-- out"), "no variant for postgresql"),
    "a_variant_for_an_unknown_driver": (GOOD.replace("-- out", "-- only: oracle\n-- out"), "no such driver"),
    "variants_that_declare_different_fields": (
        GOOD.replace("-- out", "-- only: sqlite\n-- out")
        + GOOD.replace("-- out", "-- only: postgresql\n-- out").replace("y int", "y text"), "other fields"),
    "sql_before_the_first_name": ("select 1;\n" + GOOD, "before the first"),
    "an_empty_catalogue": ("-- nothing\n", "no statements"),
}


def generate(generator, folder, files):
    paths = []
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths.append(str(path))
    return subprocess.run([sys.executable, generator, "--name", "t", str(folder / "t_sql.h"), str(folder / "t_sql.c"),
                           *paths], capture_output=True, text=True, check=False)


def refuses(generator, text, words):
    with tempfile.TemporaryDirectory() as folder:
        run = generate(generator, pathlib.Path(folder), {"t.sql": text})
        return run.returncode != 0 and words in run.stderr


def takes_colons_in_quotes_for_text(generator, _text, _words):
    with tempfile.TemporaryDirectory() as folder:
        sql = ("-- name: a\n-- in: x int\n-- out: y text\nselect ':z' || \":w\" || 'it''s :v' -- :u\n"
               "/* :t */ as y from q where x = :x and x - 1 < :x;\n")
        run = generate(generator, pathlib.Path(folder), {"t.sql": sql})
        out = (pathlib.Path(folder) / "t_sql.c").read_text(encoding="utf-8")
        return run.returncode == 0 and "':z'" in out and "x = ?1" in out and "x = $1::bigint" in out and ":u" not in out


def refuses_a_gap_in_the_schema(generator, _text, _words):
    with tempfile.TemporaryDirectory() as folder:
        run = generate(generator, pathlib.Path(folder), {
            "t.sql": GOOD, "schema/sqlite/001_a.sql": "x;", "schema/sqlite/003_b.sql": "x;",
            "schema/postgresql/001_a.sql": "x;", "schema/postgresql/002_b.sql": "x;"})
        return run.returncode != 0 and "steps must be" in run.stderr


def refuses_a_step_on_one_driver_only(generator, _text, _words):
    with tempfile.TemporaryDirectory() as folder:
        run = generate(generator, pathlib.Path(folder), {"t.sql": GOOD, "schema/sqlite/001_a.sql": "x;"})
        return run.returncode != 0 and "steps must be" in run.stderr


def main():
    tests = [(f"{name}_is_refused", refuses, *mistake) for name, mistake in MISTAKES.items()]
    for test in (takes_colons_in_quotes_for_text, refuses_a_gap_in_the_schema, refuses_a_step_on_one_driver_only):
        tests.append((f"the_generator_{test.__name__}", test, "", ""))
    print(f"1..{len(tests)}")
    for number, (name, test, text, words) in enumerate(tests, 1):
        print(f"{'ok' if test(sys.argv[1], text, words) else 'not ok'} {number} - {name}")


if __name__ == "__main__":
    main()
