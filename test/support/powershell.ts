/** PowerShell's grammar: is a script one at all, and which commands does it call? A value that broke out of its quotes shows as one more. */
import { createRequire } from 'node:module'
import { Language, type Node, Parser } from 'web-tree-sitter'

export type PowerShell = { readonly errors: readonly string[]; readonly commands: readonly string[] }

export async function readPowerShell(script: string): Promise<PowerShell> {
  await Parser.init()
  const language = await Language.load(
    createRequire(import.meta.url).resolve('tree-sitter-powershell/tree-sitter-powershell.wasm'),
  )
  const parser = new Parser()
  parser.setLanguage(language)
  const tree = parser.parse(script.replace(/^\ufeff/, '').replaceAll('\r\n', '\n'))
  if (tree === null) throw new Error('no tree')
  const errors: string[] = []
  const commands = new Set<string>()
  const walk = (node: Node): void => {
    if (node.isError || node.isMissing) errors.push(`line ${node.startPosition.row + 1}: ${node.text.slice(0, 80)}`)
    if (node.type === 'command_name') commands.add(node.text)
    for (const child of node.children) if (child !== null) walk(child)
  }
  walk(tree.rootNode)
  return { errors, commands: [...commands].toSorted() }
}
