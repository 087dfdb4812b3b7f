/** Sequences that one server or another has taken for the end of a message (CVE-2023-51764, -51765, -51766 and their kin). Each character is one byte. */
export const falseEnds: readonly (readonly [name: string, bytes: string])[] = [
  ['LF.LF', '\n.\n'],
  ['LF.CRLF', '\n.\r\n'],
  ['CRLF.LF', '\r\n.\n'],
  ['CR.CR', '\r.\r'],
  ['CR.LF', '\r.\n'],
  ['LF.CR', '\n.\r'],
  ['CR.CRLF', '\r.\r\n'],
  ['CRLF.CR', '\r\n.\r'],
  ['CRLF NUL.CRLF', '\r\n\0.\r\n'],
  ['CRLF.NUL CRLF', '\r\n.\0\r\n'],
  ['CRLF.CRCRLF', '\r\n.\r\r\n'],
  ['CRCRLF.CRCRLF', '\r\r\n.\r\r\n'],
  ['VT.VT', '\v.\v'],
  ['FF.FF', '\f.\f'],
  ['NEL.NEL', '\xc2\x85.\xc2\x85'],
  ['LS.LS', '\xe2\x80\xa8.\xe2\x80\xa8'],
]
