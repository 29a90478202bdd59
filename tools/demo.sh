# ./dev demo [--once]: the whole way of a check on this machine, with everything real that can be. What it makes lies
# in demo/ and is used again the next time; remove demo/ to begin anew.

demo=${SHIKAKU_DEMO:-demo}
programs=build/src/programs
people=${SHIKAKU_DEMO_PEOPLE:-10000}
institution=2714206386
authority_port=${SHIKAKU_DEMO_AUTHORITY_PORT:-8440}
centre_port=${SHIKAKU_DEMO_PORT:-8443}
operations_port=${SHIKAKU_DEMO_OPERATIONS_PORT:-9443}

step() {
    printf '\n── %s\n' "$*"
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
    tries=$(($1 * 20))
    what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "$what did not come up; see $demo/*/logs"
        sleep 0.05
    done
}

centre_answers() {
    curl -sf --max-time 2 "http://127.0.0.1:$operations_port/healthz" | grep -q '"ok"'
}

pcscd_answers() {
    [ -S "$demo/reader/run/pcscd.comm" ]
}

start_authority() {
    "$programs/shikaku-authority" serve "$demo/authority" >"$demo/authority/logs/authority.log" 2>&1 &
    started="$started $!"
    wait_for 10 'the card authority' grep -q '^listening' "$demo/authority/logs/authority.log"
}

start_centre() {
    "$programs/shikakud" "$demo/centre" >>"$demo/centre/logs/shikakud.log" 2>&1 &
    started="$started $!"
    wait_for 15 'the centre' centre_answers
}

# A pcscd of the demonstration's own: its socket stands where pcscd wants it, in a mount namespace of its own, so
# that no other pcscd of this machine is disturbed.
start_reader() {
    mkdir -p /run/pcscd "$demo/reader/run" "$demo/reader/configuration" "$demo/reader/logs"
    rm -f "$demo/reader/run/pcscd.comm"
    cat >"$demo/reader/configuration/shikaku" <<END
FRIENDLYNAME "Shikaku Virtual Reader"
DEVICENAME   /dev/null:$root/$demo/reader/card.socket
LIBPATH      $root/build/src/card/ifd/libifdshikaku.so
CHANNELID    0
END
    unshare --mount sh -c 'mount --bind "$1" /run/pcscd && exec pcscd --foreground --config "$2"' pcscd \
        "$root/$demo/reader/run" "$root/$demo/reader/configuration" >>"$demo/reader/logs/pcscd.log" 2>&1 &
    started="$started $!"
    export PCSCLITE_CSOCK_NAME="$root/$demo/reader/run/pcscd.comm"
    wait_for 10 pcscd pcscd_answers
}

stop_all() {
    trap - EXIT INT TERM
    [ -z "${card:-}" ] || "$programs/shikaku-card" --cards "$demo/cards" eject "$card" >/dev/null 2>&1 || :
    # shellcheck disable=SC2086 # process numbers
    [ -z "$started" ] || kill $started 2>/dev/null || :
    wait
}

make_authority() {
    step "カード発行機関（模擬）を用意します / making the demonstration's card authority"
    "$programs/shikaku-authority" init "$demo/authority" --port "$authority_port"
}

make_centre() {
    step "中央のシステムを用意します / making the centre"
    "$programs/shikaku" init "$demo/centre" --authority "$demo/authority/public" \
        --authority-url "https://127.0.0.1:$authority_port" --port "$centre_port" \
        --operations-port "$operations_port" 2>>"$demo/setup.log"
    step "架空の住民${people}人を作ります / making $people synthetic people"
    "$programs/shikaku" synth --centre "$demo/centre" --authority "$demo/authority" --people "$people" --seed 1 \
        2>>"$demo/setup.log"
}

make_certificates() {
    step "証明書を発行します / issuing certificates: link, institution, terminal"
    mkdir -p "$demo/clinic/logs"
    "$programs/shikaku-authority" vault "$demo/authority" "$demo/centre/public/vault-sealing.pub" >/dev/null
    "$programs/shikaku-authority" machine "$demo/authority" link centre-1 "$demo/link" >/dev/null
    cp -p "$demo/link/machine.crt" "$demo/centre/keys/link.crt"
    cp -p "$demo/link/machine.key" "$demo/centre/keys/link.key"
    rm -r "$demo/link"
    "$programs/shikaku-authority" machine "$demo/authority" institution "$institution" "$demo/clinic" >/dev/null
    "$programs/shikaku-authority" terminal "$demo/authority" "$institution" "$demo/clinic" >/dev/null
    cp "$demo/centre/public/centre-ca.crt" "$demo/clinic/centre-ca.crt"
    cat >"$demo/clinic/clinic.json" <<END
{
  "centre_url": "https://127.0.0.1:$centre_port",
  "centre_ca": "centre-ca.crt",
  "machine_certificate": "machine.crt",
  "machine_key": "machine.key",
  "institution_code": "$institution",
  "terminal_certificate": "terminal.cv",
  "terminal_key": "terminal.key"
}
END
}

# cast CASE MEMBER: what the cast of the nation says of a case.
cast() {
    "$programs/shikaku" synth --cast --centre "$demo/centre" --json |
        python3 -c 'import json, sys
case, member = sys.argv[1:]
print(next(one for one in json.load(sys.stdin) if one["case"] == case)[member])' "$1" "$2"
}

issue_card() {
    card=$1
    [ ! -f "$demo/cards/$card.card" ] || return 0
    step "マイナンバーカードを発行します / issuing a card"
    mkdir -p "$demo/cards"
    {
        cast "$2" my_number
        cast "$2" pin
        cast "$2" signature_password
        cast "$2" pin # the surface PIN, and the residents' register's: the same by the holder's choice
        cast "$2" pin
    } | "$programs/shikaku-card" --cards "$demo/cards" issue "$card" --authority "$demo/authority"
}

check_by_card() {
    step "マイナンバーカードによる資格確認 / a check by card: reader → chip → PIN → signature → centre"
    cast in_force pin | "$programs/shikaku-clinic" --settings "$demo/clinic/clinic.json" check --pin-stdin --trace
}

check_by_number() {
    step "番号による資格確認 / a check by number"
    "$programs/shikaku-clinic" --settings "$demo/clinic/clinic.json" check-number --trace \
        --insurer-number "$(cast in_force insurer_number)" --symbol "$(cast in_force symbol)" \
        --number "$(cast in_force number)" --branch "$(cast in_force branch)" \
        --birth-date "$(cast in_force birth_date)"
}

say_what_next() {
    cat <<END

── 稼働中です。Ctrl-C で終わります。 / Everything is up. Ctrl-C ends it.

次に試せること / what to try next, from another terminal in this directory:

  export PCSCLITE_CSOCK_NAME=$root/$demo/reader/run/pcscd.comm

  # この模擬住民の中の、さまざまな場合の人々 / people for every possible outcome
  $programs/shikaku synth --cast --centre $demo/centre

  # 端末から / from the institution's terminal
  $programs/shikaku-clinic --settings $demo/clinic/clinic.json check --trace
  $programs/shikaku-clinic --settings $demo/clinic/clinic.json diagnose

  # カードを失くした人の電話 / a lost card: it is refused a moment later
  $programs/shikaku-authority suspend $demo/authority card CERTIFICATE-ID

  # 市販のソフトからも同じカードが見えます / stock software sees the same card
  opensc-tool -l ; pkcs15-tool --dump

  # 記録と計器 / the log and the gauges
  $programs/shikaku list-log $demo/centre/log | tail
  curl -s http://127.0.0.1:$operations_port/metrics
END
}

command_demo() {
    . tools/setup.sh
    . tools/build.sh
    once=false
    [ "${1:-}" != --once ] || once=true
    command_setup
    build_normal >"$cache/demo-build.log" 2>&1 || {
        tail -40 "$cache/demo-build.log" >&2
        fail "the build failed"
    }
    started=
    card=
    trap stop_all EXIT
    trap 'exit 130' INT TERM
    if [ ! -f "$demo/.made" ]; then
        rm -rf "$demo"
        mkdir -p "$demo"
        make_authority
        make_centre
        start_authority
        make_certificates
        printf '%s_port=%s\n' authority "$authority_port" centre "$centre_port" operations "$operations_port" >"$demo/.made"
    else
        . "./$demo/.made" # on the ports of its making
        start_authority
    fi
    start_centre
    start_reader
    issue_card cast-in_force in_force
    "$programs/shikaku-card" --cards "$demo/cards" insert "$card" --reader "$root/$demo/reader/card.socket" --background
    result=0
    check_by_card || result=1
    check_by_number || result=1
    if [ "$result" -eq 0 ]; then
        say "確認できました。 / Both were confirmed."
    else
        say "確認できませんでした。 / Not both were confirmed."
    fi
    if ! $once; then
        say_what_next
        # shellcheck disable=SC2086 # process numbers
        wait $started
    fi
    exit "$result"
}
