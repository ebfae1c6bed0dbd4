/** An instance of a service: where to reach it, and what balancing needs to know of it. */

export interface ServiceInstance {
  /** Name of the service. */
  readonly name: string
  /** Unique within the service. */
  readonly id: string
  readonly address: string
  readonly port: number | undefined
  readonly sslPort: number | undefined
  /** Share of the calls, relative to the other instances. Default 1; 0 takes none. */
  readonly weight: number
  /** Where it runs, for those who call what is near. */
  readonly zone: string | undefined
  /** What else its maker says, as text. */
  readonly metadata: Readonly<Record<string, string>>
  /** False: it is there, and takes no calls. */
  readonly enabled: boolean
  /** When it was registered, where it says so. */
  readonly registeredAt: Date | undefined
  /** As the format has it; what a format does not know is undefined. */
  readonly payload: unknown
}

/** What a registration says of itself. */
export interface Registering {
  readonly name: string
  /** Default: a random UUID. One that stays the same over restarts takes the place of its own leftover at once. */
  readonly id?: string | undefined
  readonly address: string
  readonly port?: number | undefined
  readonly sslPort?: number | undefined
  readonly weight?: number | undefined
  readonly zone?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly enabled?: boolean | undefined
  /** Written as it is, in place of what a format makes of weight, zone and metadata. For consumers with classes of their own. */
  readonly payload?: unknown
}

/** @throws TypeError or RangeError that names what is wrong. */
export function checkRegistering(instance: Registering): void {
  const { name, id, address, weight = 1 } = instance
  if (name === '' || name.startsWith('/') || name.endsWith('/')) throw new TypeError(`no name of a service: '${name}'`)
  if (address === '') throw new TypeError('an instance needs an address')
  if (id !== undefined && (id === '' || id.includes('/'))) throw new TypeError(`no id of an instance: '${id}'`)
  for (const port of [instance.port, instance.sslPort]) {
    if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
      throw new RangeError(`a port is a whole number from 0 to 65535, not ${port}`)
    }
  }
  if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) throw new RangeError(`a weight is 0 or more, not ${weight}`)
}
