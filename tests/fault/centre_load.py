#!/usr/bin/env python3
"""Checks by number over mutual TLS, many clients at once, until the centre is gone: prints the event id of each answer
the moment that it is there.

usage: centre_load.py PORT CA CERTIFICATE KEY BODIES CLIENTS
"""
import http.client
import json
import ssl
import sys
import threading


def ask(port, context, bodies, offset, told):
    try:
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
        for number in range(offset, 1 << 40):
            connection.request("POST", "/v1/checks/number", bodies[number % len(bodies)],
                               {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
            if response.status == 200:
                with told:
                    sys.stdout.write(answer["event_id"] + "\n")
                    sys.stdout.flush()
    except (OSError, http.client.HTTPException, ValueError):
        return  # the centre was killed


def main():
    port, ca, certificate, key, bodies, clients = sys.argv[1:]
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(certificate, key)
    with open(bodies, encoding="utf-8") as file:
        lines = [line.strip().encode() for line in file]
    told = threading.Lock()
    threads = [threading.Thread(target=ask, args=(int(port), context, lines, 17 * number, told))
               for number in range(int(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
