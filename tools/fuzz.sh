# ./dev fuzz [SECONDS]: every target, two at a time.

fuzz_names() {
    for program in build-asan/tests/fuzz/fuzz_*; do
        case $program in
        *.p | *'*') ;;
        *) printf '%s\n' "${program##*/fuzz_}" ;;
        esac
    done
}

# fuzz_all SECONDS SEED (0: a new one each time): a line a target.
fuzz_all() {
    fuzz_names | xargs -P "$jobs" -I NAME tools/fuzz-target "$1" "$2" NAME
}

command_fuzz() {
    . tools/setup.sh
    . tools/build.sh
    command_setup
    configure_sanitized >"$cache/fuzz-configure.log" 2>&1 || fail "configuring failed: .cache/fuzz-configure.log"
    ninja -C build-asan
    if fuzz_all "${1:-60}" 0; then
        say "no finding"
    else
        fail "see the logs named above; the inputs are in findings/ beside them"
    fi
}
