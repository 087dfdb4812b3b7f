import type { Part } from '../mime/mime.ts'

/**
 * Charsets in which every ASCII byte that delimits a calendar line is itself. Not in the list and left alone: UTF-16, UTF-7,
 * ISO-2022-*, HZ, EBCDIC.
 */
const asciiSuperset =
  /^(?:utf-?8|(?:us-)?ascii|ansi_x3\.4-1968|iso[-_]?8859-\d{1,2}(?:-[ie])?|latin-?\d|windows-(?:125\d|874|936|949|31j)|cp-?(?:125\d|874|93[26]|949|950)|koi8-[ru]|macintosh|tis-620|euc-(?:jp|kr|cn|tw)|gb2312|gbk|gb18030|big5(?:-hkscs)?|shift[-_]jis|ks_c_5601-1987)$/i

/** A calendar that may be touched: text/calendar, or any part whose file name ends in .ics. */
export function isCalendar(p: Part): boolean {
  if (p.sealed || !asciiSuperset.test(p.parameters.get('charset')?.trim() || 'utf-8')) return false
  return p.type === 'text/calendar' || /\.ics\s*$/i.test(p.filename)
}
