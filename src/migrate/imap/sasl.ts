/** SASL exchanges of one message (RFC 4616, RFC 7628, Google's XOAUTH2). Values are UTF-8 text; the wire carries their base64. */

export function plain(o: {
  readonly user: string
  readonly password: string
  readonly authzid?: string | undefined
}): string {
  return `${o.authzid ?? ''}\0${o.user}\0${o.password}`
}

/** https://developers.google.com/gmail/imap/xoauth2-protocol, as Exchange Online does it too. */
export function xoauth2(user: string, token: string): string {
  return `user=${user}\x01auth=Bearer ${token}\x01\x01`
}

/** RFC 7628 section 3.1; `=` and `,` of the name are written as RFC 5801 section 4 says. */
export function oauthBearer(o: {
  readonly user: string
  readonly token: string
  readonly host: string
  readonly port: number
}): string {
  const name = o.user.replaceAll('=', '=3D').replaceAll(',', '=2C')
  return `n,a=${name},\x01host=${o.host}\x01port=${o.port}\x01auth=Bearer ${o.token}\x01\x01`
}

export function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
