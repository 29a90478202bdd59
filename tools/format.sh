# ./dev format, and the same question without changing anything for check.

c_files() {
    find src tests bench tools -name '*.[ch]' -not -path '*/corpus/*' | sort
}

format_c() {
    c_files | xargs clang-format "$@"
}

format_web() {
    "$(pinned_node)" node_modules/prettier/bin/prettier.cjs "$@" --log-level warn .
}

command_format() {
    . tools/setup.sh
    command_setup
    format_c -i
    format_web --write
}
