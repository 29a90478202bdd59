# ./dev crash [N]: tests/fault/run kills the service N times under load and compares what clients were told
# with what is there afterwards.

command_crash() {
    . tools/setup.sh
    . tools/build.sh
    command_setup
    build_normal
    exec sh tests/fault/run build "${1:-200}"
}
