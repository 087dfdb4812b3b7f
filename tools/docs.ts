// Writes what is made from the source into the documents: npm run docs. The test run only looks.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { failuresSection, repliesFile } from './failures.ts'
import { quirksSection } from './quirks.ts'
import { type Section, sectionProblem, withSection } from './section.ts'
import { readSourceTree, repositoryRoot } from './source-tree.ts'

/** Documents that are behind the source, each with what to do. Empty when all are in step. */
export function documentProblems(): readonly string[] {
  return sections().flatMap((section) => sectionProblem(documentOf(section), section) ?? [])
}

function sections(): readonly Section[] {
  const source = readSourceTree('src/**/*.ts')
  return [failuresSection(source.get(repliesFile) ?? ''), quirksSection(source)]
}

function documentOf(section: Section): string | undefined {
  const file = join(repositoryRoot, section.document)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

if (import.meta.main) {
  for (const section of sections()) {
    const renewed = withSection(documentOf(section) ?? '', section)
    if (renewed !== undefined) writeFileSync(join(repositoryRoot, section.document), renewed)
  }
  const problems = documentProblems()
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length === 0 ? 0 : 1
}
