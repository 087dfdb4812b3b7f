"""Python's e-mail package reads delivery reports. A message in base64 a line in, one JSON object a line out."""
import base64
import email
import email.policy
import json
import sys


def blocks(part):
    """The groups of fields of a delivery status. The package knows the older of the two types only."""
    if part.get_content_type() == 'message/delivery-status':
        return [block.items() for block in part.get_payload()]
    text = part.get_payload()[0].as_bytes(policy=email.policy.SMTP)
    return [email.message_from_bytes(block).items() for block in text.split(b'\r\n\r\n') if block]


def judge(raw):
    message = email.message_from_bytes(raw)
    parts = message.get_payload()
    text, status, returned = parts
    modern = email.message_from_bytes(raw, policy=email.policy.default)
    return {
        'type': message.get_content_type(),
        'reportType': message.get_param('report-type'),
        'defects': [type(defect).__name__ for part in [message, *parts] for defect in part.defects],
        'parts': [part.get_content_type() for part in parts],
        'fields': message.keys(),
        'subject': str(modern['subject']),
        'text': text.get_payload(decode=True).decode(text.get_content_charset()),
        'blocks': [[[name, ' '.join(str(value).split())] for name, value in block] for block in blocks(status)],
    }


for line in sys.stdin:
    print(json.dumps(judge(base64.b64decode(line))))
