/** The script is read by PowerShell's grammar, with data in it that tries to be more than data. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accountsScript, readAccounts } from '../../src/migrate/accounts/accounts.ts'
import { readPowerShell } from '../support/powershell.ts'

const calls = [
  'Connect-MgGraph',
  'Export-Csv',
  'Get-MgSubscribedSku',
  'Get-MgUser',
  'New-MgUser',
  'New-Object',
  'Out-Null',
  'Set-MgUserLicense',
  'Start-Transcript',
  'Stop-Transcript',
  'Where-Object',
  'Write-Output',
]

const scriptOf = (names: readonly string[]): string => {
  const rows = names.map((name, i) => `u${i}@c.example,"${name.replaceAll('"', '""')}"`)
  const { accounts, bad } = readAccounts(Buffer.from(`Email,Name\n${rows.join('\n')}\n`), {})
  assert.deepEqual(bad, [])
  return accountsScript(accounts, { usageLocation: 'DE', licence: 'BASIC' })
}

test('the script is PowerShell, and calls what it says it does', async () => {
  assert.deepEqual(await readPowerShell(scriptOf(['Mary Müller', 'Bob'])), { errors: [], commands: calls })
})

test('no name of anybody becomes a command', async () => {
  const hostile = [
    "'; Remove-MgUser -All; '",
    '’; Remove-MgUser; ’',
    '‘‚‛; Stop-Computer; ‚',
    '$(Stop-Computer)',
    '"; Stop-Computer; "',
    "@'",
    '`',
    '#> Stop-Computer',
    '}; Stop-Computer; @{',
    "O'Brien",
  ]
  assert.deepEqual(await readPowerShell(scriptOf(hostile)), { errors: [], commands: calls })
})

test('the reader would notice', async () => {
  const broken = scriptOf(['Mary']).replace("'Mary'", "''; Remove-MgUser -All; ''")
  assert.notDeepEqual(await readPowerShell(broken), { errors: [], commands: calls })
  assert.deepEqual((await readPowerShell("$x = ''\nStop-Computer ''\n")).commands, ['Stop-Computer'])
  assert.notDeepEqual((await readPowerShell("$x = 'open\n")).errors, [])
})
