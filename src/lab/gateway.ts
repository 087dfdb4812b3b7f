/** How the lab starts the gateway under test. It is passed in: the lab stands below the composition root. */

export type Place = { readonly host: string; readonly port: number }

export type GatewayOptions = {
  readonly dataDir: string
  /** Port 0 lets the system choose. */
  readonly smtp: readonly (Place & { readonly implicitTls?: boolean })[]
  readonly http: Place
  readonly projectFile?: string
  /** The master key of the vault: a file, or `fd:N`. Default: `master.key` in the data folder. */
  readonly keyFile?: string
  /** `ip` or `ip:port`; empty: those of the machine. */
  readonly dnsServers: readonly string[]
  readonly workers: number
  /** Lines of the log below this are left out. Default info. */
  readonly logLevel?: 'info' | 'error'
}

export type RunningGateway = {
  /** Where it listens, with the ports that the system chose. */
  readonly smtp: readonly Place[]
  readonly http: { readonly url: string }
  stop(): Promise<void>
}

export type StartGateway = (o: GatewayOptions) => Promise<RunningGateway>
