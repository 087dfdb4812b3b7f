/** Who plays in the demo, and where. */
import type { LabPlan } from '../start.ts'

export const gatewayHost = 'gw.causeway.example'

export const john = { name: 'John Smith', address: 'john.smith@tenant1.example' }
export const johnMoved = { name: 'John Smith', address: 'john.smith@tenant2.example' }
export const johnShared = 'john.smith@shared.example'
export const mary = { name: 'Mary Jones', address: 'mary.jones@tenant2.example' }
export const maryShared = 'mary.jones@shared.example'
/** Day One: not moved yet, shown as if. */
export const ann = { name: 'Ann Early', address: 'ann@source.example' }
export const annShown = 'ann@target.example'
/** Day Two: moved, shown as before. */
export const bob = { name: 'Bob Later', address: 'bob@target.example' }
export const bobShown = 'bob@source.example'
export const pat = { name: 'Pat Partner', address: 'pat@partner.example' }
export const lee = { name: 'Lee Customer', address: 'lee@customer.example' }

export const secret = { header: 'X-Causeway-Key', value: 'a secret that only tenant2 and the gateway know' }

export const plan: LabPlan = {
  gatewayHost,
  tenants: [
    { name: 'tenant1', domains: ['tenant1.example'], people: [{ person: john }] },
    { name: 'tenant2', domains: ['tenant2.example'], people: [{ person: mary }, { person: johnMoved }], secret },
    // Mail for Bob still comes to source by its MX; a transport rule there hands it to the gateway. For Ann it is target's.
    { name: 'source', domains: ['source.example'], people: [{ person: ann }], redirected: [bobShown] },
    { name: 'target', domains: ['target.example'], people: [{ person: bob }], redirected: [annShown] },
  ],
  outside: {
    hostname: 'mx.partner.example',
    domains: ['partner.example', 'customer.example'],
    people: [{ person: pat }, { person: lee }],
  },
}
