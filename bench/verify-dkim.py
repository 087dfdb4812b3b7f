#!/usr/bin/python3
"""Verifies DKIM signatures with Debian's python3-dkim, code that is not ours.

Standard input: {"key": base64 of the public key, "messages": [base64, ...]}. Output: one `valid` or reason a line.
"""
import base64
import json
import sys

import dkim

asked = json.load(sys.stdin)
record = b"v=DKIM1; k=rsa; p=" + asked["key"].encode()
for message in asked["messages"]:
    try:
        is_valid = dkim.verify(base64.b64decode(message), dnsfunc=lambda name, timeout=5: record)
        print("valid" if is_valid else "invalid signature")
    except Exception as trouble:
        print(repr(trouble))
