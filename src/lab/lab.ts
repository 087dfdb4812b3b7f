/**
 * The lab: whole tenants, an outside world and their DNS on one machine, around a real gateway.
 *
 * Promises: speaks to the gateway by SMTP and HTTP alone; everything that is started is closed again, in any order of failure.
 * Never: leaves loopback; judges SPF, DKIM and DMARC with code of our own. docs/lab-differences.md says what is not like the
 *   real thing.
 * On failure: `runDemo` and `runRehearsal` answer false and say what did not hold; what cannot start throws.
 */
export { runDemo } from './demo/demo.ts'
export type { GatewayOptions, Place, RunningGateway, StartGateway } from './gateway.ts'
export { runRehearsal } from './rehearsal/rehearsal.ts'
export { type Lab, type LabPlan, startLab, type TenantPlan } from './start.ts'
