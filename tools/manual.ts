// Writes the JSON Schema and the manual of the project file from the one schema that also checks it.
import { writeFileSync } from 'node:fs'
import { manualText, schemaText } from '../src/project/project.ts'

writeFileSync(new URL('../docs/project.schema.json', import.meta.url), schemaText())
writeFileSync(new URL('../docs/project-file.md', import.meta.url), manualText())
