import type { Family } from './attack.ts'
import { attribution } from './attribution.ts'
import { balancer } from './balancer.ts'
import { control } from './control.ts'
import { dkim } from './dkim.ts'
import { from } from './from.ts'
import { others } from './others.ts'
import { relay } from './relay.ts'
import { reports } from './reports.ts'
import { secrets } from './secrets.ts'
import { sizes } from './sizes.ts'
import { smuggling } from './smuggling.ts'
import { starttls } from './starttls.ts'
import { tls } from './tls.ts'

/** In the order of docs/threat-model.md. */
export const families: readonly Family[] = [
  attribution,
  balancer,
  relay,
  smuggling,
  starttls,
  tls,
  from,
  sizes,
  dkim,
  reports,
  control,
  secrets,
  others,
]
