#!/usr/bin/env python3
"""Makes of src/domain/catalogue.toml the C enum and table and docs/errors.md.

usage: generate-catalogue.py CATALOGUE --header FILE --table FILE
       generate-catalogue.py CATALOGUE --document FILE
       generate-catalogue.py CATALOGUE --check-document FILE     (fails when FILE is stale)

A catalogue that breaks a rule of its own (a code twice, a text missing, a step unknown, a text that proposes full
payment) stops the build.
"""
import argparse
import re
import sys
import tomllib

KINDS = ("answer", "refusal", "notice")
RESULTS = ("cannot_be_confirmed", "eligible", "not_eligible")
FAULTS = ("none", "reader", "card", "person", "institution", "insurer", "authority", "centre")
STEPS_MAX = 8
REQUIRED = ("number", "code", "kind", "fault", "status", "retry", "steps", "ja", "en", "developer")
OPTIONAL = ("result", "cd006")
CD006_OF = {"eligible": {1, 6}, "not_eligible": {2, 3}, "cannot_be_confirmed": {4, 5, None}}
FULL_PAYMENT_JA = re.compile("全額|10割|１０割|十割|100[%％]|１００[%％]")
FULL_PAYMENT_EN = re.compile(r"pay\w* in full|full payment|100 ?%|full (price|amount|cost)")
MAY_SAY_FULL = {"in_force_special_expense", "pay_in_full_first"}


class Wrong(Exception):
    pass


def check_texts(code, ja, en):
    if not ja.strip() or not en.strip():
        raise Wrong(f"{code}: a text is empty")
    if code not in MAY_SAY_FULL and (FULL_PAYMENT_JA.search(ja) or FULL_PAYMENT_EN.search(en)):
        raise Wrong(f"{code}: no text proposes full payment")


def check_code(code, seen):
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,47}", code):
        raise Wrong(f"{code}: not a stable snake_case code")
    if code in seen:
        raise Wrong(f"{code}: stands twice")
    seen.add(code)


def read_steps(document):
    seen = set()
    for step in document["step"]:
        check_code(step["code"], seen)
        check_texts(step["code"], step["ja"], step["en"])
        if set(step) != {"code", "ja", "en"}:
            raise Wrong(f"step {step['code']}: keys")
    return document["step"], seen


def check_entry(entry, seen, steps, ladder):
    code = entry.get("code", "?")
    missing = [key for key in REQUIRED if key not in entry]
    unknown = [key for key in entry if key not in REQUIRED + OPTIONAL]
    if missing or unknown:
        raise Wrong(f"{code}: missing {missing}, unknown {unknown}")
    check_code(code, seen)
    if not 0 < entry["number"] < 65536 or entry["number"] in seen:
        raise Wrong(f"{code}: number")
    seen.add(entry["number"])
    check_texts(code, entry["ja"], entry["en"])
    if entry["kind"] not in KINDS or entry["fault"] not in FAULTS:
        raise Wrong(f"{code}: kind or fault")
    if (entry["kind"] == "answer") != ("result" in entry):
        raise Wrong(f"{code}: answers, and only they, have a result")
    if "result" in entry and entry.get("cd006") not in CD006_OF[entry["result"]]:
        raise Wrong(f"{code}: cd006 does not go with its result")
    if entry["kind"] == "refusal" and not 400 <= entry["status"] <= 599:
        raise Wrong(f"{code}: a refusal's status is 4xx or 5xx")
    if not (entry["retry"] in ("no", "fixed") or (isinstance(entry["retry"], int) and entry["retry"] > 0)):
        raise Wrong(f"{code}: retry")
    expanded = []
    for step in entry["steps"]:
        expanded += ladder if step == "@ladder" else [step]
    if len(expanded) > STEPS_MAX or len(set(expanded)) != len(expanded) or not set(expanded) <= steps:
        raise Wrong(f"{code}: steps {expanded}")
    if entry.get("result") in ("not_eligible", "cannot_be_confirmed") and expanded[-len(ladder):] != ladder:
        raise Wrong(f"{code}: an answer that confirms nothing ends with the official ladder")
    entry["expanded"] = expanded


def read_catalogue(path):
    with open(path, "rb") as file:
        document = tomllib.load(file)
    steps, step_codes = read_steps(document)
    seen = set()
    for entry in document["entry"]:
        check_entry(entry, seen, step_codes, document["ladder"])
    return document, steps, document["entry"]


def c_string(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
    return f'"{escaped}"'


NOTE = "Generated from src/domain/catalogue.toml by tools/generate-catalogue.py: do not edit."


def header(steps, entries):
    lines = [f"/* {NOTE} */", "#ifndef SHIKAKU_DOMAIN_REASON_CODES_H", "#define SHIKAKU_DOMAIN_REASON_CODES_H", ""]
    lines += ["enum reason {", "    REASON_NONE = 0, /* nothing is wrong */"]
    lines += [f"    REASON_{entry['code'].upper()} = {entry['number']}," for entry in entries]
    lines += ["};", f"enum {{ REASON_COUNT = {len(entries)}, REASON_LIMIT = {max(e['number'] for e in entries) + 1} }};", ""]
    lines += ["enum next_step {", "    NEXT_STEP_NONE = 0,"]
    lines += [f"    NEXT_STEP_{step['code'].upper()}," for step in steps]
    lines += ["};", f"enum {{ NEXT_STEP_COUNT = {len(steps) + 1} }};", "", "#endif", ""]
    return "\n".join(lines)


def table_entry(entry):
    retry = {"no": "RETRY_NO", "fixed": "RETRY_AFTER_FIXING"}.get(entry["retry"], "RETRY_AFTER")
    after = entry["retry"] if isinstance(entry["retry"], int) else 0
    steps = ", ".join(f"NEXT_STEP_{step.upper()}" for step in entry["expanded"]) or "NEXT_STEP_NONE"
    upper = entry["code"].upper()
    return [
        f"    [REASON_{upper}] = {{",
        f"        .reason = REASON_{upper}, .code = {c_string(entry['code'])},",
        f"        .kind = REASON_KIND_{entry['kind'].upper()},",
        f"        .result = RESULT_{entry.get('result', 'cannot_be_confirmed').upper()}, .cd006 = {entry.get('cd006', 0)},",
        f"        .fault = FAULT_{entry['fault'].upper()}, .http_status = {entry['status']},",
        f"        .retry = {retry}, .retry_after = {after},",
        f"        .next_steps = {{{steps}}}, .next_step_count = {len(entry['expanded'])},",
        f"        .staff_ja = {c_string(entry['ja'])},",
        f"        .staff_en = {c_string(entry['en'])},",
        f"        .developer = {c_string(entry['developer'])},",
        "    },",
    ]


def table(steps, entries):
    lines = [f"/* {NOTE} */", '#include "domain/reason_table.h"', ""]
    lines += ["const struct reason_entry reason_table[REASON_LIMIT] = {"]
    for entry in entries:
        lines += table_entry(entry)
    lines += ["};", "", "const struct next_step_entry next_step_table[NEXT_STEP_COUNT] = {"]
    for step in steps:
        lines += [f"    [NEXT_STEP_{step['code'].upper()}] = {{NEXT_STEP_{step['code'].upper()}, {c_string(step['code'])},",
                  f"        {c_string(step['ja'])},", f"        {c_string(step['en'])}}},"]
    # Binary search by code: positions in the order of the codes.
    order = sorted(entry["code"] for entry in entries)
    lines += ["};", "", "const enum reason reasons_by_code[REASON_COUNT] = {"]
    lines += [f"    REASON_{code.upper()}," for code in order]
    lines += ["};", ""]
    return "\n".join(lines)


FAULT_WORDS = {
    "none": "nobody", "reader": "reader", "card": "card", "person": "person", "institution": "institution",
    "insurer": "insurer", "authority": "card authority", "centre": "the centre (us)",
}


def retry_words(entry):
    if isinstance(entry["retry"], int):
        return f"after {entry['retry']} s"
    return {"no": "no", "fixed": "after putting it right"}[entry["retry"]]


def document_entry(entry):
    lines = [f"### `{entry['code']}`", ""]
    head = [entry["kind"]]
    if "result" in entry:
        head.append(entry["result"].replace("_", " "))
        head.append(f"CD006 {entry.get('cd006', '–')}")
    head += [f"fault: {FAULT_WORDS[entry['fault']]}", f"HTTP {entry['status']}", f"retry: {retry_words(entry)}"]
    lines += [" · ".join(head), "", f"- {entry['ja']}", f"- {entry['en']}", f"- For developers: {entry['developer']}"]
    if entry["expanded"]:
        lines.append("- Next: " + " → ".join(f"`{step}`" for step in entry["expanded"]))
    return lines + [""]


def document(catalogue, steps, entries):
    lines = [f"<!-- {NOTE} -->", "# Reasons, refusals and next steps", "",
             "Every answer about eligibility carries one of the *answers* as its `reason`; every refused request is an RFC 9457",
             "problem document whose `code` is one of the entries below. Codes are stable: a published code keeps its meaning.",
             "Where an answer is sent as an answer the HTTP status is 200; the status given here is for problem documents.", ""]
    lines += ["| code | kind | result | CD006 | fault | HTTP | retry |", "|---|---|---|---|---|---|---|"]
    for entry in entries:
        lines.append(f"| [`{entry['code']}`](#{entry['code']}) | {entry['kind']} | "
                     f"{entry.get('result', '').replace('_', ' ')} | {entry.get('cd006', '')} | {FAULT_WORDS[entry['fault']]} | "
                     f"{entry['status']} | {retry_words(entry)} |")
    for kind, title in (("answer", "Answers"), ("refusal", "Refusals"), ("notice", "Notices")):
        lines += ["", f"## {title}", ""]
        for entry in entries:
            if entry["kind"] == kind:
                lines += document_entry(entry)
    lines += ["## Next steps", "",
              "The official ladder when a check confirms nothing: " + " → ".join(f"`{step}`" for step in catalogue["ladder"]) + ".",
              "", "| code | 日本語 | English |", "|---|---|---|"]
    lines += [f"| `{step['code']}` | {step['ja']} | {step['en']} |" for step in steps]
    text = "\n".join(lines) + "\n"
    return re.sub(r"\n{3,}", "\n\n", text)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("catalogue")
    parser.add_argument("--header")
    parser.add_argument("--table")
    parser.add_argument("--document")
    parser.add_argument("--check-document")
    arguments = parser.parse_args()
    try:
        catalogue, steps, entries = read_catalogue(arguments.catalogue)
    except (Wrong, KeyError) as wrong:
        sys.exit(f"{arguments.catalogue}: {wrong}")
    if arguments.header:
        write(arguments.header, header(steps, entries))
    if arguments.table:
        write(arguments.table, table(steps, entries))
    if arguments.document:
        write(arguments.document, document(catalogue, steps, entries))
    if arguments.check_document:
        with open(arguments.check_document, encoding="utf-8") as file:
            if file.read() != document(catalogue, steps, entries):
                sys.exit(f"{arguments.check_document} is stale: run tools/generate-catalogue.py "
                         f"src/domain/catalogue.toml --document {arguments.check_document}")


if __name__ == "__main__":
    main()
