"""
Compares mailboxes on two IMAP servers, message by message. Not the copier's code and not its language: what it says can be
believed.

    compare-mailboxes.py HOST:PORT HOST:PORT    and lines `user<TAB>password<TAB>user<TAB>password` on standard input

Prints one JSON object a line for each pair: counts, and the first differences of each kind. Exit code 1 when anything differs.
A message is the same when every byte, every flag and keyword, and the moment of its internal date are the same; equal messages
are counted. Folders are compared by their decoded names, special-use attributes are not.
    --map SOURCE=TARGET   a folder of the source that has another name at the target (repeatable)
    --extra-ok            folders and messages that only the target has are no difference
    --extra-folders-ok    folders that only the target has are no difference, when they are empty
    --no-flags            flags are not compared
"""
import argparse
import collections
import base64
import hashlib
import imaplib
import json
import re
import sys

imaplib._MAXLINE = 100_000_000


def decoded(name):
    def part(match):
        if match[1] == "":
            return "&"
        text = match[1].replace(",", "/")
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-16-be")

    return re.sub(r"&([^-]*)-", part, name)


def names(lines):
    """(attributes, delimiter, raw name) of LIST and LSUB answers, names as literals among them."""
    for line in lines:
        if line is None:
            continue
        head = line[0] if isinstance(line, tuple) else line
        match = re.match(rb'\(([^)]*)\) (NIL|"(?:[^"\\]|\\.)*") (.*)', head, re.S)
        if not match:
            continue
        raw = line[1] if isinstance(line, tuple) else match[3]
        if not isinstance(line, tuple) and raw.startswith(b'"'):
            raw = re.sub(rb"\\(.)", rb"\1", raw[1:-1])
        delimiter = None if match[2] == b"NIL" else re.sub(rb"\\(.)", rb"\1", match[2][1:-1]).decode()
        yield match[1].decode().lower(), delimiter, raw.decode("latin1")


def quoted(raw):
    return '"' + raw.replace("\\", "\\\\").replace('"', '\\"') + '"'


def path(raw, delimiter):
    parts = [decoded(p) for p in (raw.split(delimiter) if delimiter else [raw])]
    if parts[0].upper() == "INBOX":
        parts[0] = "INBOX"
    return "/".join(parts)


def moment(text):
    return imaplib.Internaldate2tuple(b'INTERNALDATE "' + text + b'"')


def messages(client, raw, with_flags):
    _, [count] = client.select(quoted(raw), readonly=True)
    found = collections.Counter()
    total = int(count)
    for start in range(1, total + 1, 200):
        wanted = f"{start}:{min(total, start + 199)}"
        _, answers = client.fetch(wanted, "(FLAGS INTERNALDATE BODY.PEEK[])")
        for i, answer in enumerate(answers):
            if not isinstance(answer, tuple):
                continue
            # Items may stand before or behind the literal.
            rest = answers[i + 1] if i + 1 < len(answers) and isinstance(answers[i + 1], bytes) else b""
            head = answer[0] + rest
            flags = re.search(rb"FLAGS \(([^)]*)\)", head)[1].split()
            kept = sorted(f.decode("latin1") for f in flags if f != b"\\Recent")
            date = re.search(rb'INTERNALDATE "([^"]*)"', head)[1]
            digest = hashlib.sha256(answer[1]).hexdigest()[:24]
            found[(digest, len(answer[1]), tuple(moment(date)), tuple(kept) if with_flags else ())] += 1
    return found


def mailbox(address, user, password, options):
    host, port = address.rsplit(":", 1)
    client = imaplib.IMAP4(host, int(port))
    client.login(user, password)
    listed = list(names(client.list()[1]))
    subscribed = {path(raw, d) for _, d, raw in names(client.lsub()[1])}
    folders = {
        path(raw, d): messages(client, raw, not options.no_flags)
        for attributes, d, raw in listed
        if "\\noselect" not in attributes and "\\nonexistent" not in attributes
    }
    client.logout()
    return folders, subscribed


def compare(source, target, options):
    renames = dict(pair.split("=", 1) for pair in options.map)
    (folders, subscribed), (others, other_subscribed) = source, target
    said = {"folders": len(folders), "messages": sum(sum(f.values()) for f in folders.values()), "differences": []}
    differ = said["differences"].append
    wanted = {renames.get(name, name): found for name, found in folders.items()}
    for name in sorted(set(wanted) - set(others)):
        differ({"missing folder": name})
    for name in sorted(set(others) - set(wanted)):
        if not options.extra_ok and not (options.extra_folders_ok and not others[name]):
            differ({"extra folder": name})
    for name in sorted(set(wanted) & set(others)):
        lost, more = wanted[name] - others[name], others[name] - wanted[name]
        if lost:
            differ({"folder": name, "missing": sum(lost.values()), "first": list(lost)[:3]})
        if more and not options.extra_ok:
            differ({"folder": name, "extra": sum(more.values()), "first": list(more)[:3]})
    for name in sorted({renames.get(name, name) for name in subscribed} - other_subscribed):
        differ({"not subscribed": name})
    return said


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--map", action="append", default=[])
    parser.add_argument("--extra-ok", action="store_true")
    parser.add_argument("--extra-folders-ok", action="store_true")
    parser.add_argument("--no-flags", action="store_true")
    options = parser.parse_args()
    differs = False
    for line in sys.stdin:
        user, password, other, other_password = line.rstrip("\n").split("\t")
        source = mailbox(options.source, user, password, options)
        target = mailbox(options.target, other, other_password, options)
        said = {"user": user, **compare(source, target, options)}
        differs = differs or bool(said["differences"])
        print(json.dumps(said), flush=True)
    sys.exit(1 if differs else 0)


main()
