# Shared by ./dev and tools/*.sh; the working directory is the tree's root ($root).

export LC_ALL=C.UTF-8
jobs=$(nproc) # tests, and fuzz targets, at the same time
cache=$root/.cache

say() {
    printf '%s\n' "$*"
}

fail() {
    printf '%s\n' "dev: $*" >&2
    exit 1
}

# The Node.js that package.json pins. Named by its package: npm 9 leaves out the link in node_modules/.bin when
# the package of the other processor, which it skips, links the same name.
pinned_node() {
    for node in node_modules/node-linux-*/bin/node; do
        printf '%s\n' "$root/$node"
    done
}

seconds_now() {
    date +%s
}
