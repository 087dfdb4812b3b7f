/** Who a certificate is for: its DNS names. */
import type { X509Certificate } from 'node:crypto'

/** DNS names of a certificate in lower case; the common name counts only where there is no DNS name (RFC 6125 section 6.4.4). */
export function certificateNames(certificate: X509Certificate): readonly string[] {
  // Node writes a name with a comma, a quote or a NUL in quotes, which the pattern leaves out.
  const names = [...(certificate.subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^,"]+)/g)].map(
    (m) => m[1]?.toLowerCase() ?? '',
  )
  if (names.length > 0) return names
  const common = commonName(certificate)
  return common === undefined ? [] : [common.toLowerCase()]
}

export function commonName(certificate: X509Certificate): string | undefined {
  return /^CN=(.+)$/m.exec(certificate.subject)?.[1]
}

/** For sentences. */
export const subjectLine = (certificate: X509Certificate): string =>
  `"${certificate.subject.replaceAll('\n', ', ').slice(0, 200)}"`
