# ./dev setup: what this tree needs and this machine lacks. A second run changes nothing.

# Names of tools/packages.txt that apply here.
wanted_packages() {
    sed 's/#.*//' tools/packages.txt | while read -r name condition command; do
        [ -n "$name" ] || continue
        if [ "$condition" = unless ] && command -v "$command" >/dev/null 2>&1; then
            continue
        fi
        printf '%s\n' "$name"
    done
}

missing_packages() {
    wanted=$(wanted_packages | sort -u)
    # shellcheck disable=SC2086 # a list of names
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p' | sort -u)
    for name in $wanted; do
        case "
$installed
" in
        *"
$name
"*) ;;
        *) printf '%s ' "$name" ;;
        esac
    done
}

setup_debian() {
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    say "setup: installing Debian packages: $missing"
    if [ "$(id -u)" -ne 0 ]; then
        fail "not root: run as root: apt-get install --no-install-recommends $missing"
    fi
    mkdir -p "$cache"
    (
        export DEBIAN_FRONTEND=noninteractive
        apt-get -q update
        # shellcheck disable=SC2086 # a list of names
        apt-get -q -y --no-install-recommends install $missing
    ) >"$cache/apt.log" 2>&1 </dev/null || {
        tail -n 30 "$cache/apt.log" >&2
        fail "apt-get failed (whole log: .cache/apt.log)"
    }
}

# The lock file that node_modules was filled from is kept beside it.
setup_npm() {
    if cmp -s package-lock.json node_modules/.lock-installed && [ -x "$(pinned_node)" ]; then
        return 0
    fi
    say "setup: installing npm packages of package-lock.json"
    mkdir -p "$cache"
    npm ci >"$cache/npm.log" 2>&1 </dev/null || {
        tail -n 30 "$cache/npm.log" >&2
        fail "npm ci failed (whole log: .cache/npm.log)"
    }
    "$(pinned_node)" --version >/dev/null || fail "the pinned Node.js does not run on this machine"
    cp package-lock.json node_modules/.lock-installed
}

command_setup() {
    setup_debian
    setup_npm
}
