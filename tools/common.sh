# Shared by ./dev and tools/*.sh; the working directory is the tree's root ($root).

export LC_ALL=C.UTF-8
jobs=2 # tests at the same time, and half the sanitizer builds' memory: the machine this is sized for has two cores
cache=$root/.cache

say() {
    printf '%s\n' "$*"
}

fail() {
    printf '%s\n' "dev: $*" >&2
    exit 1
}

# The Node.js that package.json pins.
pinned_node() {
    printf '%s\n' "$root/node_modules/.bin/node"
}

seconds_now() {
    date +%s
}
