"""shikaku-authority as its operators use it: made, served, asked, stopped. TAP; argument: the program."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
RESIDENT = {
    "my_number": "123456789018", "name": "髙橋　﨑子", "kana": "タカハシ　サキコ", "alias": "",
    "birth_date": "1985-05-17", "sex": "2", "address": "東京都千代田区霞が関一丁目２番２号",
    "municipality": "13101", "has_photo": True,
}


def run(*arguments, text=""):
    return subprocess.run([PROGRAM, *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def expect(result, code, *words):
    output = result.stdout + result.stderr
    assert result.returncode == code, (result.returncode, output)
    for word in words:
        assert word in output, (word, output)
    return result.stdout


def a_directory_is_made_once(home):
    expect(run("init", home, "--port", free_port()), 0)
    expect(run("init", home), 1, "already holds an authority")


def wrong_usage_is_said(home):
    expect(run(), 2, "usage:")
    expect(run("burn", home), 2, "usage:")
    expect(run("machine", home), 2, "machine DIR")
    expect(run("init", home / "x", "--port", "70000"), 2)


def an_authority_that_does_not_run_is_named_as_the_reason(home):
    expect(run("show", home, "00"), 1, "is it running?", "connect")


def a_machine_and_a_terminal_get_key_and_certificate(home):
    expect(run("machine", home, "institution", "0110113719", home / "clinic"), 0)
    expect(run("machine", home, "institution", "0110113718", home / "clinic"), 1, "code_refused")
    assert expect(run("terminal", home, "0110113719", home / "clinic"), 0).strip() == "0110113719000001"
    for name, mode in [("machine.key", 0o600), ("machine.crt", 0o644), ("terminal.key", 0o600), ("terminal.cv", 0o644)]:
        assert (home / "clinic" / name).stat().st_mode & 0o777 == mode, name
    assert (home / "clinic" / "terminal.cv").stat().st_size == 568


def a_resident_is_registered_and_shown_by_a_number_from_standard_input(home):
    path = home / "residents.json"
    path.write_text(json.dumps([RESIDENT]), encoding="utf-8")
    expect(run("resident", home, path), 0)
    expect(run("resident", home, path), 1, "number_taken", "entry 1")
    shown = json.loads(expect(run("show", home, text="123456789018\n"), 0))
    assert shown["name"] == RESIDENT["name"] and shown["state"] == "living" and shown["certificates"] == []
    expect(run("show", home, text="123456789012\n"), 1)
    path.unlink()


def a_renewal_needs_a_card(home):
    expect(run("renew", home, home / "new", home / "public" / "feed.pem", text="123456789018\n"), 1, "key_unsupported")
    key, public = home / "card.key", home / "card.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", key],
                   check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)
    expect(run("renew", home, home / "new", public, text="123456789018\n"), 1, "wrong_state")


def what_was_issued_is_suspended_lifted_and_revoked(home):
    subject = ("terminal", "0110113719000001")
    assert expect(run("suspend", home, *subject), 0) == "1 changed\n"
    assert expect(run("suspend", home, *subject), 0) == "0 changed\n"
    assert expect(run("lift", home, *subject), 0) == "1 changed\n"
    assert expect(run("revoke", home, *subject), 0) == "1 changed\n"
    expect(run("lift", home, *subject), 1, "wrong_state")
    expect(run("suspend", home, "card", "0" * 64), 1, "not_found")
    expect(run("suspend", home, "card", "zz"), 1, "malformed_request")


def a_vaults_key_is_registered(home):
    expect(run("vault", home, home / "public" / "sealing.pem"), 0)
    expect(run("vault", home, home / "authority.json"), 1)


def no_number_and_no_name_reaches_the_log(home):
    text = (home / "logs" / "authority.log").read_text(encoding="utf-8")
    assert "serving" in text
    for secret in ["123456789018", "髙橋", "高橋", "タカハシ", "千代田"]:
        assert secret not in text, secret


BEFORE = [a_directory_is_made_once, wrong_usage_is_said, an_authority_that_does_not_run_is_named_as_the_reason]
WHILE_SERVING = [
    a_machine_and_a_terminal_get_key_and_certificate,
    a_resident_is_registered_and_shown_by_a_number_from_standard_input,
    a_renewal_needs_a_card,
    what_was_issued_is_suspended_lifted_and_revoked,
    a_vaults_key_is_registered,
    no_number_and_no_name_reaches_the_log,
]


def sigterm_ends_it_in_order(server):
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=20) == 0


def report(number, test, argument):
    try:
        test(argument)
        print(f"ok {number} - {test.__name__}", flush=True)
        return True
    except Exception as error:  # whatever it is, this test failed
        print(f"not ok {number} - {test.__name__}\n# {error!r}", flush=True)
        return False


def main():
    print(f"1..{len(BEFORE) + len(WHILE_SERVING) + 1}")
    good = True
    with tempfile.TemporaryDirectory(prefix="shikaku-authority-") as directory:
        home = pathlib.Path(directory) / "authority"
        for number, test in enumerate(BEFORE, 1):
            good &= report(number, test, home)
        server = subprocess.Popen([PROGRAM, "serve", home], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout.readline().startswith("listening on 127.0.0.1 port ")
            for number, test in enumerate(WHILE_SERVING, len(BEFORE) + 1):
                good &= report(number, test, home)
            good &= report(len(BEFORE) + len(WHILE_SERVING) + 1, sigterm_ends_it_in_order, server)
        finally:
            server.kill()
            server.wait()
    sys.exit(not good)


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C.UTF-8"
    main()
