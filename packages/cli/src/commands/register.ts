/** `lightkeeper register`: registers an instance of a service for as long as a command runs. */
import { randomUUID } from 'node:crypto'
import { connect as dial } from 'node:net'
import type { Client } from '@lightkeeper/client'
import { type Discovery, discovery, type FormatName, type Registering, type Registration } from '@lightkeeper/recipes'
import { checkHost, connecting, connectingUsage, connectTo, milliseconds, parse, wholeNumber } from '../arguments.ts'
import { type Command, UsageError } from '../command.ts'
import { Reports } from '../reports.ts'
import { Signals } from '../signals.ts'
import { atMost, commandOf, exitCodeFor, leave, leaveMs, running, runningUsage } from '../supervise/running.ts'
import { supervise } from '../supervise/supervise.ts'
import { checkServiceName, placeOf, placing, placingUsage } from './discover.ts'

const usage = `usage: lightkeeper register NAME --address A --port P [options] [-- COMMAND [ARGUMENT…]]

Registers an instance of the service NAME, and again after its session was lost, until it is interrupted; or, with COMMAND, as
long as COMMAND runs. A signal to this process first removes the instance, and then stops COMMAND.

  --address A           the address of the instance
  --port P              its port, 0 to 65535
  --weight W            its share of the calls, 0 for none (default: 1)
  --zone Z              where it runs
  --id ID               unique within the service; an id that stays the same replaces the instance of an earlier process
                        (default: a random id)
  --metadata KEY=VALUE  another property for consumers; may be repeated
  --wait-port           registers only when something accepts connections at that address
  --drain MS            waits between the removal and the signal to COMMAND (default: 0)
${placingUsage}${runningUsage}${connectingUsage('reports as JSON, one line each; on standard error if there is a COMMAND')}
COMMAND finds in its environment: LIGHTKEEPER_SERVICE, LIGHTKEEPER_INSTANCE_ID and LIGHTKEEPER_SERVER.

Exit code: that of COMMAND, 128+n if signal n ended it; without COMMAND 0 when interrupted; 1 for a failure, 2 for wrong
usage, 126 if COMMAND cannot be run, 127 if it does not exist.
`

export const registerCommand: Command = {
  name: 'register',
  summary: 'register an instance of a service, for as long as a command runs',
  usage,
  async run(args) {
    const { values, positionals, command } = parse('register', args, {
      ...connecting,
      ...placing,
      ...running,
      address: { type: 'string' },
      port: { type: 'string' },
      weight: { type: 'string', default: '1' },
      zone: { type: 'string' },
      id: { type: 'string', default: randomUUID() },
      metadata: { type: 'string', multiple: true, default: [] as string[] },
      'wait-port': { type: 'boolean', default: false },
      drain: { type: 'string', default: '0' },
    })
    const place = placeOf(values)
    const instance = instanceOf(positionals, values, place.format)
    const drainMs = milliseconds('--drain', values.drain)
    const graceMs = milliseconds('--grace', values.grace)
    const wanted = command === undefined ? undefined : commandOf('register NAME …', command)
    const reports = new Reports('register', values)
    using signals = new Signals()
    let zk: Client | undefined
    let late: NodeJS.Timeout | undefined
    let presence: Presence | undefined
    try {
      zk = await connectTo(values, { signal: signals.signal })
      signals.signal.throwIfAborted()
      presence = new Presence(discovery(zk, place.base, { format: place.format }), instance, values['wait-port'])
      const { id, name } = instance
      const { present } = presence
      late = setTimeout(() => {
        const why = values['wait-port'] ? 'nothing listens at its port' : `another instance has the id ${id}`
        const isAway = zk !== undefined && zk.state.kind !== 'connected'
        const words = `${name} is not registered yet: ${isAway ? `no server is reached, the client is ${zk?.state.kind}` : why}`
        reports.warn('waiting', { name, id }, words)
      }, lateMs)
      const registered = present.then(({ path }) => {
        clearTimeout(late)
        const facts = { name, id, path }
        const words = `${name} is registered as ${id}`
        if (wanted !== undefined) reports.note('registered', facts, words)
        else process.stdout.write(values.json ? `${JSON.stringify({ event: 'registered', ...facts })}\n` : `${words}\n`)
      })
      if (wanted === undefined) {
        await Promise.race([registered.then(() => aborted(signals.signal)), aborted(signals.signal)])
        return 0
      }
      const failed = new AbortController()
      registered.catch((error: unknown) => {
        if (!presence?.isLeaving) failed.abort(error)
      })
      const { exitCode, wasStopped } = await supervise({
        command: wanted,
        environment: { LIGHTKEEPER_SERVER: values.server, LIGHTKEEPER_SERVICE: name, LIGHTKEEPER_INSTANCE_ID: id },
        signals,
        reports,
        graceMs,
        stop: failed.signal,
        async beforeSignal() {
          await atMost(leaveMs, presence?.leave() ?? Promise.resolve())
          reports.note('removed', { name, id }, `${id} is removed`)
          if (drainMs > 0) await new Promise((resolve) => setTimeout(resolve, drainMs))
        },
      })
      if (wasStopped) throw failed.signal.reason
      return exitCode
    } catch (error) {
      return exitCodeFor(error, signals)
    } finally {
      clearTimeout(late)
      if (zk !== undefined) await leave(zk, presence?.leave())
    }
  },
}

/** The time after which the command reports what it waits for, milliseconds. */
const lateMs = 5_000

interface Values {
  readonly address?: string | undefined
  readonly port?: string | undefined
  readonly weight: string
  readonly zone?: string | undefined
  readonly id: string
  readonly metadata: readonly string[]
}

/** @throws UsageError that names what is wrong. */
function instanceOf(
  positionals: readonly string[],
  values: Values,
  format: FormatName,
): Registering & { readonly id: string } {
  const [name, ...more] = positionals
  if (name === undefined) throw new UsageError('wants the name of a service')
  if (more.length > 0) {
    throw new UsageError(`wants one name of a service, got ${positionals.join(' ')}; a command stands behind --`)
  }
  const { address, port, zone, id } = values
  checkServiceName(name, format)
  if (address === undefined || address === '') throw new UsageError('wants --address, where the instance is reached')
  checkHost('--address', address)
  if (port === undefined) throw new UsageError('wants --port, where the instance is reached')
  if (id === '' || id.includes('/')) throw new UsageError(`--id wants a name without /, got "${id}"`)
  const weight = values.weight.trim() === '' ? Number.NaN : Number(values.weight)
  if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
    throw new UsageError(`--weight wants a number, 0 or more, got "${values.weight}"`)
  }
  const metadata = Object.fromEntries(
    values.metadata.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw new UsageError(`--metadata wants KEY=VALUE, got "${pair}"`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
  return { name, id, address, port: wholeNumber('--port', port, 0, 65_535), weight, zone, metadata }
}

/** An instance that is being registered, is registered, or is being removed. */
class Presence {
  /** Rejects if the instance cannot be registered, or was removed before. */
  readonly present: Promise<Registration>
  readonly #end = new AbortController()
  #gone: Promise<void> | undefined

  get isLeaving(): boolean {
    return this.#end.signal.aborted
  }

  constructor(services: Discovery, instance: Registering, waitsForPort: boolean) {
    const { signal } = this.#end
    this.present = (async () => {
      if (waitsForPort) await untilOpen(instance.address, instance.port ?? 0, signal)
      return services.register(instance, { signal })
    })()
    this.present.catch(() => {})
  }

  /** Resolves when it is removed. Never rejects. */
  leave(): Promise<void> {
    this.#gone ??= (async () => {
      this.#end.abort(new Error('it was left before it was registered'))
      const registration = await this.present.catch(() => undefined)
      await registration?.close()
    })()
    return this.#gone
  }
}

/** How often a port that is closed is tried, milliseconds. */
const tryMs = 100

/** Resolves when something accepts connections there. @throws the signal's reason. */
async function untilOpen(host: string, port: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = dial({ host, port })
      socket.setTimeout(1_000, () => socket.destroy())
      socket.once('connect', () => {
        resolve(true)
        socket.destroy()
      })
      socket.once('error', () => resolve(false))
      socket.once('close', () => resolve(false))
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, tryMs))
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
