/**
 * Where a secret of an app may be sent. Whoever may use the API may not read secrets; a free choice of the authority would be a way
 * to have one sent to oneself.
 */

/** "National clouds", Microsoft identity platform. */
const authorities = new Set([
  'login.microsoftonline.com',
  'login.microsoftonline.us',
  'login.partner.microsoftonline.cn',
])
/** "Microsoft Graph national cloud deployments". */
const graphs = new Set([
  'graph.microsoft.com',
  'graph.microsoft.us',
  'dod-graph.microsoft.us',
  'microsoftgraph.chinacloudapi.cn',
])

export const isAuthority = (url: string): boolean => isOneOf(authorities, url)
export const isGraph = (url: string): boolean => isOneOf(graphs, url)

/** Or this machine, for rehearsals. */
function isOneOf(hosts: ReadonlySet<string>, text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  if (url.protocol === 'http:') return url.hostname === '127.0.0.1' || url.hostname === '[::1]'
  return url.protocol === 'https:' && hosts.has(url.hostname) && url.port === '' && url.username === ''
}
