/** Python's dkim as a second verifier of our signatures, asking the DNS server of the test. */
import { runTool } from './program.ts'

const script = `
import json, subprocess, sys, dkim
host, port, records = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
def txt(name, timeout=5):
    known = records.get(name.decode().rstrip('.'))
    if known is not None:
        return known.encode()
    asked = subprocess.run(['dig', '+short', '+time=2', '@' + host, '-p', port, name.decode().rstrip('.'), 'TXT'], capture_output=True, check=True)
    line = asked.stdout.split(b'\\n')[0]
    return b''.join(line.split(b'"')[1::2])
message = sys.stdin.buffer.read()
count = sum(1 for line in message.split(b'\\r\\n\\r\\n')[0].split(b'\\r\\n') if line.lower().startswith(b'dkim-signature:'))
for i in range(count):
    verifier = dkim.DKIM(message)
    try:
        ok = verifier.verify(idx=i, dnsfunc=txt)
    except dkim.DKIMException as e:
        ok = e
    print(verifier.domain.decode(), 'pass' if ok is True else 'fail ' + str(ok))
`

const arcScript = `${script.split('message = ')[0]}
print(dkim.arc_verify(sys.stdin.buffer.read(), dnsfunc=txt)[0].decode())
`

/** What arcverify of python3-dkim says of the chain: pass, fail or none. */
export function arcVerdict(message: string, dns: { readonly host: string; readonly port: number }): string {
  const wire = Buffer.from(message.replaceAll(/\r?\n/g, '\r\n'), 'latin1')
  const { code, out } = runTool(['/usr/bin/python3', '-c', arcScript, dns.host, `${dns.port}`, '{}'], wire)
  if (code !== 0) throw new Error(`python3-dkim: ${out}`)
  return out.trim()
}

/** TXT records by name, for who needs no server; it is asked for all others. */
export type KnownRecords = Readonly<Record<string, string>>

/** One line for each signature: its domain, and `pass` or `fail` with the reason. `message` as on the wire, or with LF. */
export function dkimVerdicts(
  message: string,
  dns: { readonly host: string; readonly port: number; readonly known?: KnownRecords },
): string[] {
  const wire = Buffer.from(message.replaceAll(/\r?\n/g, '\r\n'), 'latin1')
  const { code, out } = runTool(
    ['/usr/bin/python3', '-c', script, dns.host, `${dns.port}`, JSON.stringify(dns.known ?? {})],
    wire,
  )
  if (code !== 0) throw new Error(`python3-dkim: ${out}`)
  return out.trim() === '' ? [] : out.trim().split('\n')
}
