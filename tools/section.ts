// Parts of documents that are made from the source. They stand between two markers; around them people write freely.

/** A part that is made: in which document, under which name, and how it reads today. */
export type Section = { readonly document: string; readonly name: string; readonly text: string }

/** The document with the part as it reads today; undefined when it has no place for it. */
export function withSection(document: string, section: Section): string | undefined {
  const [begin, end] = markers(section.name)
  const start = document.indexOf(begin)
  const stop = document.indexOf(end, start)
  if (start === -1 || stop === -1) return undefined
  return `${document.slice(0, start + begin.length)}\n\n${section.text}\n\n${document.slice(stop)}`
}

/** What is wrong with the document's part, as a sentence that says what to do. `document` is undefined when there is none. */
export function sectionProblem(document: string | undefined, section: Section): string | undefined {
  if (document === undefined) return `${section.document}: is missing; write it, with ${placeFor(section)}`
  const wanted = withSection(document, section)
  if (wanted === undefined)
    return `${section.document}: has no place for what is made from the source; add ${placeFor(section)}`
  return wanted === document ? undefined : `${section.document}: is behind the source; run: npm run docs`
}

function placeFor(section: Section): string {
  return `these two lines: ${markers(section.name).join(' ')}`
}

function markers(name: string): readonly [string, string] {
  return [`<!-- begin ${name}: made from the source by npm run docs -->`, `<!-- end ${name} -->`]
}
