/** The bytes that are kept. */
import { headerText } from '../../mail/header/header.ts'
import type { Content, Message } from '../../mail/message/message.ts'
import type { Project } from '../../project/project.ts'
import { withoutSecrets } from '../rewrite/rewrite.ts'

/** Secrets proved whose the message is; that stands in the envelope now, and they need not lie on a disk. */
export function contentToKeep(project: Project, message: Message): Content {
  const header = withoutSecrets(project, message.header)
  if (header === message.header) return [message.raw]
  const rest = message.raw.subarray(headerText(message.header).length)
  return [Buffer.from(headerText(header), 'latin1'), rest]
}
