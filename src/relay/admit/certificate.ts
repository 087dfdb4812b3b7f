/** Does a name of a verified certificate satisfy the name that a connector demands? `*.contoso.example` covers one label. */
export function nameMatches(demanded: string, presented: string): boolean {
  if (demanded === presented) return true
  const dot = presented.indexOf('.')
  return demanded.startsWith('*.') && dot > 0 && presented.slice(dot + 1) === demanded.slice(2)
}
