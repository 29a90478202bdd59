# ./dev build, and the builds that check makes.

# configure DIRECTORY COMPILER OPTION...: once, and again from nothing when compiler or options changed.
configure() {
    directory=$1
    compiler=$2
    shift 2
    chosen="$compiler $*"
    if [ -f "$directory/build.ninja" ] && [ "$(cat "$directory/.chosen" 2>/dev/null)" = "$chosen" ]; then
        return 0
    fi
    rm -rf "$directory"
    CC=$compiler meson setup "$directory" "$@" && printf '%s\n' "$chosen" >"$directory/.chosen"
}

configure_normal() {
    # A build that somebody configured by hand is used as it is.
    [ -f build/build.ninja ] || configure build gcc
}

# clang, so that both compilers judge every line; also what the fuzz targets are.
configure_sanitized() {
    configure build-asan clang -Db_sanitize=address,undefined -Db_lundef=false -Dfuzz=true
}

configure_threads() {
    configure build-tsan gcc -Db_sanitize=thread
}

build_normal() {
    configure_normal && ninja -C build
}

command_build() {
    . tools/setup.sh
    command_setup
    build_normal
}
