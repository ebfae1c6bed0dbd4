/** Verbs that ask a server about itself or this connection, and `reconfig`. */
import { clientConfiguration } from '@lightkeeper/tools'
import { UsageError } from '../../command.ts'
import { printable } from '../../output.ts'
import type {
  config as configSpec,
  getEphemerals as ephemeralsSpec,
  sync as syncSpec,
  whoami as whoamiSpec,
} from '../../table/shell-read.ts'
import type { reconfig as reconfigSpec } from '../../table/shell-write.ts'
import { statText } from '../stat-text.ts'
import type { Verb, VerbCall } from '../verb.ts'
import { contentOf } from './data-argument.ts'

export const whoami: Verb<typeof whoamiSpec> = async ({ out, signal, connect }) => {
  const zk = await connect()
  const identities = await zk.whoAmI({ signal })
  const lines = identities.map(({ scheme, user }) => printable(`${scheme}: ${user}`))
  out.result({ identities }, ['Auth scheme: User', ...lines].join('\n'))
  return undefined
}

export const getEphemerals: Verb<typeof ephemeralsSpec> = async ({ args, out, signal, connect }) => {
  const zk = await connect()
  const paths = (await zk.ephemerals(args.prefix, { signal })).sort()
  out.result({ paths }, `[${paths.map(printable).join(', ')}]`)
  return undefined
}

export const sync: Verb<typeof syncSpec> = async ({ args, out, signal, connect }) => {
  const zk = await connect()
  await zk.sync(args.path, { signal })
  out.result({ path: args.path, synced: true }, 'Sync is OK')
  return undefined
}

const configPath = '/zookeeper/config'

export const config: Verb<typeof configSpec> = async ({ values, out, signal, connect, watch }) => {
  const zk = await connect()
  const { data, stat, changed } = await zk.get(configPath, { signal, watch: values.watch })
  const text = new TextDecoder().decode(data)
  const shown = values.client ? clientConfiguration(text) : text
  out.result(
    { config: text, client: clientConfiguration(text), stat },
    values.stat ? `${shown}\n${statText(stat)}` : shown,
  )
  watch('data', configPath, changed)
  return undefined
}

export const reconfig: Verb<typeof reconfigSpec> = async ({ values, out, signal, connect }) => {
  const change = await changeOf(values)
  const zk = await connect()
  const { config: text, stat } = await zk.reconfigure(change, { signal })
  const lines = ['Committed new configuration:', text, ...(values.stat ? [statText(stat)] : [])]
  out.result({ config: text, stat }, lines.join('\n'))
  return undefined
}

type ReconfigValues = VerbCall<typeof reconfigSpec>['values']

async function changeOf({ add, remove, members, file, version }: ReconfigValues): Promise<{
  readonly joining?: string
  readonly leaving?: string
  readonly members?: string
  readonly fromVersion?: bigint
}> {
  const isWhole = members !== undefined || file !== undefined
  const isStep = add !== undefined || remove !== undefined
  if (isWhole === isStep) throw new UsageError('needs either --add and --remove, or one of --members and --file')
  if (members !== undefined && file !== undefined) throw new UsageError('--members and --file exclude each other')
  const all = members ?? (file === undefined ? undefined : membersIn((await contentOf(file)).toString('utf8'), file))
  return {
    ...(add !== undefined && { joining: add.toLowerCase() }),
    ...(remove !== undefined && { leaving: remove }),
    ...(all !== undefined && { members: all.toLowerCase() }),
    ...(version !== undefined && { fromVersion: version }),
  }
}

function membersIn(text: string, file: string): string {
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  const found = lines.filter((line) => /^server\.\d+\s*=/.test(line))
  if (found.length === 0) throw new UsageError(`--file ${file} has no line server.N=…`)
  return found.map((line) => line.replace(/\s/g, '')).join(',')
}
