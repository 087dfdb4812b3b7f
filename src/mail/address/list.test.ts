import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAddressList } from './address.ts'

/** Each value with the spans and meanings expected, `spelling=text` or only the spelling where both are the same. */
const read: readonly (readonly [reason: string, value: string, ...mailboxes: string[]])[] = [
  ['a bare address', ' john@x.example', 'john@x.example'],
  ['an angle address', ' <john@x.example>', 'john@x.example'],
  ['a name in front', ' John Smith <john@x.example>', 'john@x.example'],
  ['a quoted name with a comma', '"Smith, John" <john@x.example>', 'john@x.example'],
  ['a quoted name that is an address', '"john@y.example" <john@x.example>', 'john@x.example'],
  ['the same address as unquoted name: both readings agree', 'john@x.example <John@X.example>', 'John@X.example'],
  ['a name with dots (obs-phrase)', 'John Q. Public <john@x.example>', 'john@x.example'],
  ['brackets in a name, as trackers write them', '[ops] John <john@x.example>', 'john@x.example'],
  ['quoted and plain words side by side', '"John"Smith"Jr"<john@x.example>', 'john@x.example'],
  ['a name in raw UTF-8', 'J\xc3\xb6rg <j@x.example>', 'j@x.example'],
  ['a name in Latin-1: the bytes stay, nobody decodes them', 'J\xf6rg <j@x.example>', 'j@x.example'],
  ['an encoded word is a name, whatever it holds', '=?utf-8?Q?a=40b=3Cc=3E?= <j@x.example>', 'j@x.example'],
  ['two addresses', 'a@x.example, b@y.example', 'a@x.example', 'b@y.example'],
  ['a bare one and an angle one are two', 'admin@legit,<b@evil>', 'admin@legit', 'b@evil'],
  ['no space after the comma', '<a@x>,"B" <b@y>,c@z', 'a@x', 'b@y', 'c@z'],
  ['folding between addresses', 'a@x,\r\n\tb@y,\r\n c@z', 'a@x', 'b@y', 'c@z'],
  ['folding with a line of nothing but white space (obs-FWS)', 'a@x,\r\n \r\n b@y', 'a@x', 'b@y'],
  ['empty list elements (obs-mbox-list)', ',, a@x , ,b@y,', 'a@x', 'b@y'],
  ['nothing', ''],
  ['only white space and comments', ' \r\n (nobody) \t'],
  ['only commas', ' , ,'],
  ['a comment behind: the old way to give a name', 'john@x.example (John)', 'john@x.example'],
  ['comments around', '(a) John (b) <(c)john@x.example(d)> (e)', 'john@x.example'],
  ['comments inside belong to the address', 'john(a)@(b)x(c).example', 'john(a)@(b)x(c).example=john@x.example'],
  ['comments nest and escape', 'j@x (a (b) \\) (c\\\\))', 'j@x'],
  ['a comment may hold an address', '<b@x> (<admin@legit>, c@y)', 'b@x'],
  ['white space around dots and @ (obs-local-part, obs-domain)', ' a . b @ c . com ', 'a . b @ c . com=a.b@c.com'],
  ['folding inside an address', 'a\r\n .b@c', 'a\r\n .b@c=a.b@c'],
  ['a quoted local part', '"john smith"@x', '"john smith"@x'],
  ['quoted words among others (obs-local-part)', 'a."b c".d@x', 'a."b c".d@x'],
  ['@ and > in a quoted local part', '<"a@b>,"@x>', '"a@b>,"@x'],
  ['folding in a quoted local part', '"a\r\n b"@x', '"a\r\n b"@x="a b"@x'],
  ['an empty quoted local part', '<""@x>', '""@x'],
  ['every character of an atom', "!#$%&'*+-/=?^_`{|}~@x", "!#$%&'*+-/=?^_`{|}~@x"],
  ['a percent sign means nothing', 'u%F@D', 'u%F@D'],
  ['a domain literal', 'u@[192.0.2.1], u@[IPv6:::1]', 'u@[192.0.2.1]', 'u@[IPv6:::1]'],
  ['white space in a domain literal', 'u@[ 192.0.2.1\r\n ]', 'u@[ 192.0.2.1\r\n ]=u@[192.0.2.1]'],
  ['a group', 'Team: a@x, "B" <b@y>;', 'a@x', 'b@y'],
  ['a group among mailboxes', 'c@z, Team: a@x;, d@w', 'c@z', 'a@x', 'd@w'],
  ['an empty group', 'undisclosed-recipients:;'],
  ['a group with comments and empty elements', '"A B": (x) ,, a@x , (y);(z)', 'a@x'],
  ['two groups', 'A: a@x;, B:;, C: c@x;', 'a@x', 'c@x'],
  [
    'an address in UTF-8 (RFC 6532)',
    '<j\xc3\xb6rg@b\xc3\xbccher.example>',
    'j\xc3\xb6rg@b\xc3\xbccher.example=j\u00f6rg@b\u00fccher.example',
  ],
  ['underscores in a domain', 'a@my_host.example', 'a@my_host.example'],
]

for (const [reason, value, ...expected] of read) {
  test(`read: ${reason}`, () => {
    const list = readAddressList(value)
    assert.equal(list.kind, 'list', JSON.stringify(list))
    assert.ok(list.kind === 'list')
    const seen = list.mailboxes.map(({ start, end, address }) => {
      const spelling = value.slice(start, end)
      return spelling === address.text ? spelling : `${spelling}=${address.text}`
    })
    assert.deepEqual(seen, expected)
  })
}

/** Values with two readings, and a word of the reason that must be given. */
const ambiguous: readonly (readonly [reason: string, value: string, why: RegExp])[] = [
  ['a source route', '<@evil,@any.example:admin@legit>', /source route/],
  ['a source route with one host', '<@a:c@d>', /source route/],
  ['text after the bracket', '<any@evil>admin@legit', /after an angle/],
  ['a second bracket', 'John <john@a> <jane@b>', /after an angle/],
  ['a word after the bracket', '<a@x> John', /after an angle/],
  ['another address as name: spoofing', 'any@evil <admin@legit>', /display name/],
  ['a handle as name', '@john <john@x>', /display name/],
  ['a name with @ that is no address', 'John @ Home <john@x>', /display name/],
  ['an encoded address without an address', '=?utf-8?B?PGFkbWluQGxlZ2l0Pg==?=,<b@evil>', /not an address/],
  ['an encoded word with brackets in it', '=?utf-8?Q?<admin@legit>?= <b@evil>', /after an angle/],
  ['an encoded word as local part: some parsers decode it', '=?utf-8?q?u=40F=3e?=@D', /not an address/],
  ['the same in quotes', '<"=?utf-8?q?u=40F=3e?="@D>', /without an address/],
  ['the same in the domain', 'u@=?utf-8?q?x?=', /not an address/],
  ['a quoted pair outside quotes', '<admin@legit>\\,<b@evil>', /quoted pair/],
  ['two @', 'a@b@c', /not an address/],
  ['two @ in brackets', '<a@b@c>', /without an address/],
  ['no domain', 'john', /not an address/],
  ['@ and no domain', 'john@', /not an address/],
  ['no local part', '@x', /not an address/],
  ['empty brackets', '<>', /without an address/],
  ['a name without address', 'John Smith, <a@x>', /not an address/],
  ['two words before @', 'John john@x', /not an address/],
  ['words after an address', 'john@x John', /not an address/],
  ['a dot too many', 'a..b@x', /not an address/],
  ['a dot before @', 'a.@x', /not an address/],
  ['a dot at the end of the domain', 'a@x.', /not an address/],
  ['a literal and more', 'a@[192.0.2.1].x', /not an address/],
  ['quotes in a domain', 'a@"x"', /not an address/],
  ['brackets that do not close', '<a@x', /not closed/],
  ['brackets in brackets', '<<a@x>>', /not closed/],
  ['two addresses in brackets', '<a@x,b@y>', /not closed/],
  ['a closing bracket alone', 'a@x>', /closing angle/],
  ['semicolons between addresses', 'a@x; b@y', /semicolon/],
  ['a group that does not end', 'Team: a@x', /does not end/],
  ['a group in a group', 'A: B: a@x;;', /inside a group/],
  ['a group without a name', ': a@x;', /without a name/],
  ['a group named by an address', 'admin@legit: b@evil;', /before a colon/],
  ['a group named by brackets', '<a@evil>: <admin@legit>;', /after an angle/],
  ['text after a group', 'A: a@x; b@y', /after a group/],
  ['a comma between brackets of a name', '[a,b] <a@x>', /not an address/],
  ['a comment that does not end', 'a@x (b', /comment/],
  ['a comment that ends twice', 'a@x (b))', /parenthesis/],
  ['a comment that hides the end', '<any@legit(a.evil>', /comment/],
  ['comments 51 deep', `a@x ${'('.repeat(51)}${')'.repeat(51)}`, /too deep/],
  ['a quoted string that does not end', '"a <a@x>', /quoted string/],
  ['a literal that does not end', 'a@[192.0.2.1', /literal/],
  ['a quoted pair in a literal', 'a@[\\1]', /literal/],
  ['NUL', 'a@x\0', /control/],
  ['NUL in a name', '"a\0b" <a@x>', /quoted string/],
  ['NUL in a comment', '(a\0b) a@x', /comment/],
  ['NUL behind a backslash in quotes', '"a\\\0" <a@x>', /quoted string/],
  ['DEL', 'a\x7f@x', /control/],
  ['a vertical tab', 'a@x\v', /control/],
  ['a bare LF', 'a@x,\n b@y', /line end/],
  ['a bare CR', 'a@x,\r b@y', /line end/],
  ['a line end without folding', 'a@x\r\nb@y', /line end/],
  ['a line end at the end', 'a@x\r\n', /line end/],
  ['a bare LF in quotes', '"a\nb" <a@x>', /quoted string/],
  ['a tab in the local part: makes no address that can be sent', '"a\tb"@x', /not an address/],
  ['an address that is not UTF-8', 'j\xf6rg@x', /not an address/],
  ['a name can be anything, a domain not', 'a@\xff', /not an address/],
  ['a C1 control in UTF-8', 'a\xc2\x85b@x', /not an address/],
  ['a mark that turns text around (U+202E)', '<a\xe2\x80\xaeb@x>', /without an address/],
  ['a line separator (U+2028)', 'a\xe2\x80\xa8@x', /not an address/],
  ['a character that is no byte', 'a\u0140@x', /control/],
]

for (const [reason, value, why] of ambiguous) {
  test(`ambiguous: ${reason}`, () => {
    const list = readAddressList(value)
    assert.equal(list.kind, 'ambiguous', JSON.stringify(list))
    assert.match(list.kind === 'ambiguous' ? list.why : '', why)
  })
}

test('comments 50 deep are read', () => {
  assert.equal(readAddressList(`a@x ${'('.repeat(50)}${')'.repeat(50)}`).kind, 'list')
})

test('what an address means is without quotes, escapes and folding', () => {
  const list = readAddressList('"a\\"b\\\\ @\r\n c" . d @ x')
  const address = list.kind === 'list' ? list.mailboxes[0]?.address : undefined
  assert.deepEqual(address, {
    local: 'a"b\\ @ c.d',
    domain: 'x',
    quoted: true,
    text: '"a\\"b\\\\ @ c".d@x',
    form: 'person',
  })
  assert.ok(Object.isFrozen(address))
})

/** Sizes at which anything worse than linear, or a call per level, would not come back. */
const huge: readonly (readonly [what: string, value: string])[] = [
  ['nested comments', '('.repeat(1e5)],
  ['comments side by side', `${'(a)'.repeat(1e5)}a@x`],
  ['angle brackets', '<'.repeat(1e5)],
  ['groups', 'a:'.repeat(1e5)],
  ['dots', `${'a.'.repeat(1e5)}a@x`],
  ['at signs', 'a@'.repeat(1e5)],
  ['words', `${'a '.repeat(1e5)}<a@x>`],
  ['quotes', '"'.repeat(1e5)],
  ['escapes', `"${'\\"'.repeat(1e5)}"@x`],
  ['beginnings of encoded words', `${'=?a?b?'.repeat(1e5)}@x`],
  ['folding', `${'\r\n '.repeat(1e5)}a@x`],
  ['addresses', 'a@x,'.repeat(1e5)],
]

for (const [what, value] of huge) {
  test(`a hundred thousand ${what} get an answer`, () => {
    assert.match(readAddressList(value).kind, /^(?:list|ambiguous)$/)
  })
}
