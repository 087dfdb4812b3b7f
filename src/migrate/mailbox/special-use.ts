/** Folders that have a task, where the server does not say which (RFC 6154), by the names that mail programs gave them. */
import type { Folder, SpecialUse } from './mailbox.ts'

/** Lower case; the more usual ones first, because the first that is found has the task. */
const names: readonly { readonly use: SpecialUse; readonly known: readonly string[] }[] = [
  {
    use: 'sent',
    known: [
      'sent',
      'sent items',
      'sent messages',
      'sent mail',
      'sent-mail',
      'gesendet',
      'gesendete elemente',
      'gesendete objekte',
      'envoyés',
      'éléments envoyés',
      'messages envoyés',
      'enviados',
      'elementos enviados',
      'inviata',
      'posta inviata',
      'itens enviados',
      'verzonden items',
      'verzonden',
      'skickat',
      'sendt',
      'wysłane',
      'elementy wysłane',
      'отправленные',
      '送信済み',
      '送信済みアイテム',
      '已发送',
      '已发送邮件',
    ],
  },
  {
    use: 'drafts',
    known: [
      'drafts',
      'draft',
      'entwürfe',
      'entwurf',
      'brouillons',
      'borradores',
      'bozze',
      'rascunhos',
      'concepten',
      'utkast',
      'kladder',
      'robocze',
      'wersje robocze',
      'черновики',
      '下書き',
      '草稿',
    ],
  },
  {
    use: 'trash',
    known: [
      'trash',
      'deleted items',
      'deleted messages',
      'deleted',
      'papierkorb',
      'gelöschte elemente',
      'gelöschte objekte',
      'corbeille',
      'éléments supprimés',
      'papelera',
      'elementos eliminados',
      'cestino',
      'posta eliminata',
      'lixeira',
      'itens excluídos',
      'prullenbak',
      'verwijderde items',
      'papperskorgen',
      'kosz',
      'elementy usunięte',
      'корзина',
      'удаленные',
      'ゴミ箱',
      '削除済みアイテム',
      '已删除',
      '已删除邮件',
    ],
  },
  {
    use: 'junk',
    known: [
      'junk',
      'junk email',
      'junk e-mail',
      'spam',
      'bulk mail',
      'junk-e-mail',
      'werbung',
      'courrier indésirable',
      'pourriel',
      'correo no deseado',
      'posta indesiderata',
      'lixo eletrônico',
      'ongewenste e-mail',
      'skräppost',
      'wiadomości-śmieci',
      'спам',
      '迷惑メール',
      '垃圾邮件',
    ],
  },
  {
    use: 'archive',
    known: ['archive', 'archives', 'archiv', 'archivio', 'archivo', 'archief', 'arkiv', 'архив', 'アーカイブ', '归档'],
  },
]

/** Each task's folder: by the server's word, or else by name, at the top or directly below INBOX. */
export function usesOf(folders: readonly Folder[]): ReadonlyMap<Folder, SpecialUse> {
  const found = new Map<Folder, SpecialUse>()
  const taken = new Set<SpecialUse>()
  const give = (folder: Folder | undefined, use: SpecialUse): void => {
    if (folder === undefined || taken.has(use) || found.has(folder)) return
    found.set(folder, use)
    taken.add(use)
  }
  give(folders.find(isInbox), 'inbox')
  for (const folder of folders) if (folder.use !== undefined) give(folder, folder.use)
  const byName = new Map<string, Folder>()
  // From the back, so that the first of a name stays: at the top before one below INBOX.
  for (const folder of [...folders.filter(isTop), ...folders.filter(isBelowInbox)].toReversed()) {
    byName.set(lastName(folder), folder)
  }
  for (const { use, known } of names) for (const name of known) give(byName.get(name), use)
  return found
}

export function isInbox(folder: Folder): boolean {
  return folder.path.length === 1 && folder.path[0]?.toUpperCase() === 'INBOX'
}

function isTop(folder: Folder): boolean {
  return folder.path.length === 1 && folder.holdsMessages
}

function isBelowInbox(folder: Folder): boolean {
  return folder.path.length === 2 && folder.path[0]?.toUpperCase() === 'INBOX' && folder.holdsMessages
}

function lastName(folder: Folder): string {
  return (folder.path.at(-1) ?? '').normalize('NFC').trim().toLowerCase()
}
