# ./dev check: every stage runs, whatever failed before it; the last line is "N passed, N failed".
# A stage with test cases counts each case, any other stage counts as one.

results=$cache/check

# Processor seconds of everything that was started and has ended so far.
processor_seconds() {
    times >"$results/times"
    awk 'NR == 2 { split($1, user, /[ms]/); split($2, kernel, /[ms]/);
                   printf "%d\n", user[1] * 60 + user[2] + kernel[1] * 60 + kernel[2] }' "$results/times" >"$results/busy"
}

# stage NAME FUNCTION: runs it, keeps its output in $results/NAME.log and prints one line. FUNCTION may leave
# Meson's or JUnit's record of test cases in $cases/; then those are counted.
stage() {
    name=$1
    slug=$(printf '%s' "$name" | tr -c 'a-zA-Z0-9\n' '-')
    log=$results/$slug.log
    cases=$results/$slug.cases
    mkdir -p "$cases"
    began=$(seconds_now)
    processor_seconds
    read -r busy_before <"$results/busy"
    if ("$2") >"$log" 2>&1 </dev/null; then status=0; else status=$?; fi
    took=$(($(seconds_now) - began))
    processor_seconds
    read -r busy <"$results/busy"
    busy=$((busy - busy_before))

    passed=0 failed=0 skipped=0
    if [ -n "$(ls "$cases")" ]; then
        python3 tools/count-cases.py "$cases"/* >"$results/$slug.count" &&
            read -r passed failed skipped <"$results/$slug.count" || status=1
    elif [ "$status" -eq 0 ]; then
        passed=1
    fi
    if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        failed=1
    fi
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$took" "$busy" "$passed" "$failed" "$skipped" >>"$results/table"
    if [ "$failed" -eq 0 ]; then
        printf '%4d s  ok      %s (%d)\n' "$took" "$name" "$passed"
    else
        printf '%4d s  FAILED  %s (%d passed, %d failed): .cache/check/%s.log\n' \
            "$took" "$name" "$passed" "$failed" "$slug"
        [ ! -f "$results/$slug.count" ] || sed -n '2,20s/^/            /p' "$results/$slug.count"
        tail -n 40 "$log" | sed 's/^/        | /'
    fi
    return "$failed"
}

# stage_after NAME FUNCTION BROKEN: the stage, or its failure where the build before it is broken (1).
stage_after() {
    if [ "$3" -eq 0 ]; then
        stage "$1" "$2"
    else
        stage "$1" "did_not_build"
    fi
}

did_not_build() {
    echo "not run: its build is broken"
    return 1
}

check_setup() {
    command_setup
}

check_format() {
    laid_out=0
    format_c --dry-run -Werror || laid_out=1
    format_web --check || laid_out=1
    return "$laid_out"
}

check_types() {
    "$(pinned_node)" node_modules/typescript/bin/tsc -p .
}

check_layers() {
    python3 tools/check-layers.py
}

check_documents() {
    python3 tools/check-documents.py
}

# tools/generated.txt: a committed file that a program makes, and the command that prints it.
check_generated() {
    stale=0
    sed 's/#.*//' tools/generated.txt | while read -r file command; do
        [ -n "$file" ] || continue
        sh -c "$command" >"$results/generated"
        cmp "$results/generated" "$file" || exit 1
    done || stale=1
    return "$stale"
}

# suite NAME DIRECTORY [TEST...]: what failed is told by the cases that Meson recorded, not by its status.
suite() {
    suite=$1 directory=$2
    shift 2
    rm -f "$directory/meson-logs/testlog.json"
    meson test -C "$directory" --no-rebuild --num-processes "$jobs" --suite "$suite" --print-errorlogs \
        --timeout-multiplier 4 "$@" || :
    cp "$directory/meson-logs/testlog.json" "$cases/$suite.json"
}

# system_tests DIRECTORY
system_tests() {
    SHIKAKU_BUILD=$root/$1 "$(pinned_node)" --test --test-concurrency="$jobs" --test-timeout=120000 \
        --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=junit --test-reporter-destination="$cases/system.xml" \
        'tests/system/*.test.ts'
}

sanitizer_settings() {
    export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:allocator_may_return_null=1
    export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    export LSAN_OPTIONS="suppressions=$root/tests/suppressions/lsan.txt:print_suppressions=0"
    export TSAN_OPTIONS="suppressions=$root/tests/suppressions/tsan.txt:halt_on_error=1:second_deadlock_stack=1"
}

configure_all() {
    configured=0
    configure_normal &
    configure_sanitized || configured=1
    wait $! || configured=1
    configure_threads || configured=1
    return "$configured"
}

build_gcc() {
    ninja -C build
}

build_sanitized() {
    ninja -C build-asan
}

# Only the tests that start threads, as the build without sanitizers tells.
build_threads() {
    python3 tools/threaded-tests.py build targets >"$results/threaded-targets" &&
        xargs ninja -C build-tsan <"$results/threaded-targets"
}

unit_gcc() {
    suite unit build
}

unit_sanitized() {
    sanitizer_settings
    suite unit build-asan
}

unit_threads() {
    sanitizer_settings
    python3 tools/threaded-tests.py build names >"$results/threaded-names" || return 1
    set --
    while read -r test; do
        set -- "$@" "$test"
    done <"$results/threaded-names"
    suite unit build-tsan "$@"
}

system_gcc() {
    system_tests build
}

system_sanitized() {
    sanitizer_settings
    system_tests build-asan
}

power_cuts() {
    suite fault build
}

check_fuzz() {
    fuzz_all 10 1
}

# built NAME FUNCTION: builds, then leaves in $broken (1) that what needs it cannot run.
built() {
    stage "$1" "$2" && broken=0 || broken=1
}

command_check() {
    . tools/setup.sh
    . tools/build.sh
    . tools/format.sh
    . tools/fuzz.sh
    check_began=$(seconds_now)
    rm -rf "$results"
    mkdir -p "$results"
    : >"$results/table"

    stage 'setup' check_setup || :
    stage 'format' check_format || :
    stage 'types' check_types || :
    stage 'layers' check_layers || :
    stage 'configure' configure_all || :
    built 'build, gcc' build_gcc
    stage_after 'unit tests' unit_gcc "$broken" || :
    stage 'generated files' check_generated || :
    stage_after 'documents' check_documents "$broken" || :
    stage_after 'system tests' system_gcc "$broken" || :
    stage_after 'power cuts' power_cuts "$broken" || :
    if [ "$broken" -eq 0 ]; then
        built 'build, gcc, threads' build_threads
    fi
    stage_after 'unit tests, threads' unit_threads "$broken" || :
    built 'build, clang, addresses and undefined behaviour' build_sanitized
    stage_after 'unit tests, addresses and undefined behaviour' unit_sanitized "$broken" || :
    stage_after 'system tests, addresses and undefined behaviour' system_sanitized "$broken" || :
    stage_after 'fuzz targets, 10 s each' check_fuzz "$broken" || :

    say
    awk -F '\t' -v total=$(($(seconds_now) - check_began)) '
        BEGIN { print "   time  processor   passed  failed" }
        {
            printf "%5d s  %7d s  %7d %7d  %s\n", $2, $3, $4, $5, $1
            busy += $3; passed += $4; failed += $5; skipped += $6
        }
        END {
            printf "%5d s  %7d s  in all\n\n%d passed, %d failed%s\n", total, busy, passed, failed,
                skipped ? ", " skipped " skipped" : ""
            exit failed > 0
        }' "$results/table"
}
