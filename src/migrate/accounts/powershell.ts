/** The same accounts as a PowerShell script, for those who want to read what is done, or may not give an app the right to do it. */
import type { Account } from './account.ts'
import type { AccountSettings } from './plan.ts'

/** For Windows PowerShell 5.1 as well: UTF-8 with a byte order mark and CRLF. Data stands in single quotes and nowhere else. */
export function accountsScript(accounts: readonly Account[], { usageLocation, licence }: AccountSettings): string {
  const lines = [
    '#Requires -Modules Microsoft.Graph.Users, Microsoft.Graph.Identity.DirectoryManagement',
    '# Creates the accounts below in the tenant that you sign in to. What is there already is left as it is.',
    '# Temporary passwords go to the file that -PasswordFile names. -WhatIf shows what would be done.',
    '[CmdletBinding(SupportsShouldProcess)]',
    'param(',
    "    [string]$PasswordFile = 'passwords.csv'",
    ')',
    "$ErrorActionPreference = 'Stop'",
    "Start-Transcript -Path 'accounts.log' -Append | Out-Null",
    "Connect-MgGraph -Scopes 'User.ReadWrite.All', 'Organization.Read.All' -NoWelcome",
    ...(licence === undefined ? ['$sku = $null'] : skuLines(licence)),
    '$accounts = @(',
    ...accounts.map((account, i) => `    ${entryOf(account)}${i === accounts.length - 1 ? '' : ','}`),
    ')',
    ...loop(usageLocation),
    'Stop-Transcript | Out-Null',
  ]
  return `\ufeff${lines.join('\r\n')}\r\n`
}

function skuLines(licence: string): readonly string[] {
  return [
    `$sku = Get-MgSubscribedSku -All | Where-Object { $_.SkuPartNumber -eq ${quoted(licence)} }`,
    'if ($null -eq $sku) {',
    `    throw ${quoted(`The tenant has no licence ${licence}.`)}`,
    '}',
  ]
}

function entryOf(a: Account): string {
  const pairs: readonly (readonly [string, string])[] = [
    ['UserPrincipalName', a.userPrincipalName],
    ['DisplayName', a.displayName],
    ['MailNickname', a.userPrincipalName.slice(0, a.userPrincipalName.lastIndexOf('@'))],
    ['GivenName', a.given],
    ['Surname', a.family],
    ['Department', a.department],
    ['JobTitle', a.jobTitle],
    ['MobilePhone', a.mobilePhone],
  ]
  const said = pairs.filter(([, value]) => value !== '').map(([name, value]) => `${name} = ${quoted(value)}`)
  return `@{ ${said.join('; ')} }`
}

function loop(usageLocation: string): readonly string[] {
  return [
    'foreach ($account in $accounts) {',
    '    $name = $account.UserPrincipalName',
    "    $there = Get-MgUser -Filter ('userPrincipalName eq ''{0}''' -f $name.Replace('''', ''''''))",
    '    if ($null -ne $there) {',
    "        Write-Output ('{0}: is there already' -f $name)",
    '        continue',
    '    }',
    '    if (-not $PSCmdlet.ShouldProcess($name)) {',
    '        continue',
    '    }',
    '    $bytes = New-Object byte[] 18',
    '    $random = [System.Security.Cryptography.RandomNumberGenerator]::Create()',
    '    $random.GetBytes($bytes)',
    "    $password = [Convert]::ToBase64String($bytes) + 'a1!'",
    '    [pscustomobject]@{ UserPrincipalName = $name; Password = $password } | Export-Csv -Path $PasswordFile -Append -NoTypeInformation -Encoding UTF8',
    '    $profile = @{ Password = $password; ForceChangePasswordNextSignIn = $true }',
    `    $user = New-MgUser @account -AccountEnabled -UsageLocation ${quoted(usageLocation)} -PasswordProfile $profile`,
    '    if ($null -ne $sku) {',
    '        Set-MgUserLicense -UserId $user.Id -AddLicenses @(@{ SkuId = $sku.SkuId }) -RemoveLicenses @() | Out-Null',
    '    }',
    "    Write-Output ('{0}: created' -f $name)",
    '}',
  ]
}

/** PowerShell takes typographic quotes for quotes: all five are doubled. */
const quoted = (text: string): string => `'${text.replace(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`
