/** The one member that a standalone server may have: whether there is one, and what its line says about clients. */
import { ConfigError, Problems } from './config-error.ts'
import { parseProperties } from './java-properties.ts'
import { strictBoolean } from './java-values.ts'
import { type ClientAddress, type Member, parseMember } from './members.ts'
import { filePairs, overlaid } from './pairs.ts'
import { isOff, type ReadFile } from './room.ts'
import { refusals } from './rooms.ts'

type Values = ReadonlyMap<string, string>

/** Collects the keys that this server cannot honour. */
export function refuseWhatIsNotHonoured(values: Values, problems: Problems): void {
  for (const [key, value] of values) {
    for (const { keys, why, isHarmless = isOff } of refusals) {
      if (!keys.test(key) || isHarmless(value, (other) => values.get(other))) continue
      problems.add(ConfigError.refused(key, why))
    }
  }
}

/**
 * The one member there may be, under its key. With one line Apache stands alone too. A member's data must not be served by a server
 * that knows nothing of the others.
 * @throws ConfigError for more members than one, and for a line that Apache would not take.
 */
export function membersOf(values: Values, readFile: ReadFile | undefined): ReadonlyMap<string, Member> {
  const dynamicFile = values.get('dynamicConfigFile')
  const source = dynamicFile === undefined ? values : dynamicValues(values, dynamicFile, readFile)
  const lines = [...source].filter(([key]) => key.startsWith('server.'))
  if (lines.length > 1) {
    throw new ConfigError(
      'server.N',
      lines.map(([key, value]) => `${key}=${value}`).join(' '),
      'one line at the most: this server stands alone, in no ensemble',
    )
  }
  const standalone = values.get('standaloneEnabled') ?? 'true'
  if (lines.length === 0 && !strictBoolean(standalone, 'standaloneEnabled')) {
    throw ConfigError.refused('standaloneEnabled', 'is false, and there is no member, no server.N line')
  }
  const hasMany = strictBoolean(values.get('multiAddress.enabled') ?? 'false', 'multiAddress.enabled')
  return new Map(
    lines.map(([key, value]) => {
      const member = parseMember(key, value, hasMany)
      if (member.isObserver) throw ConfigError.refused(key, 'is an observer without participants, which serves nobody')
      return [key, member]
    }),
  )
}

/** What the file of members holds; nothing else may stand in it, and no member beside it. */
function dynamicValues(values: Values, path: string, readFile: ReadFile | undefined): Values {
  if (readFile === undefined) {
    throw ConfigError.refused('dynamicConfigFile', 'names a file with the members, which was not read')
  }
  for (const key of values.keys()) {
    if (key.startsWith('server.')) throw ConfigError.refused(key, `must be in the dynamicConfigFile, ${path}`)
  }
  let content: string
  try {
    content = readFile(path)
  } catch (error) {
    throw ConfigError.refused('dynamicConfigFile', `cannot be read: ${(error as Error).message}`)
  }
  const pairs = overlaid([filePairs(parseProperties(content), path)], () => {})
  const dynamic = new Map([...pairs].map(([key, { value }]) => [key, value]))
  const problems = new Problems()
  refuseWhatIsNotHonoured(dynamic, problems)
  problems.throwAny()
  for (const key of dynamic.keys()) {
    if (!key.startsWith('server.'))
      throw ConfigError.refused(key, `cannot stand in ${path}, which is for members alone`)
  }
  return dynamic
}

/**
 * The options that the line of the member, under `key`, gives: ports and addresses, but for those that a command line gave.
 * @throws ConfigError where `options` from elsewhere contradict them.
 */
export function listensAt(
  key: string,
  { client, secureClient }: Member,
  options: ReadonlyMap<string, unknown>,
  isOverridden: (option: string) => boolean,
): [option: string, value: unknown][] {
  const given = [
    ...(client === undefined ? [] : addressAt(key, client, 'clientPort', ';', options, isOverridden)),
    ...(secureClient === undefined
      ? []
      : addressAt(key, secureClient, 'secureClientPort', ';;', options, isOverridden)),
  ]
  return given.filter(([option]) => !isOverridden(option))
}

function addressAt(
  key: string,
  client: ClientAddress,
  portOption: 'clientPort' | 'secureClientPort',
  front: string,
  options: ReadonlyMap<string, unknown>,
  isOverridden: (option: string) => boolean,
): [option: string, value: unknown][] {
  const hostOption = `${portOption}Address`
  const port = options.get(portOption)
  const host = options.get(hostOption)
  const isAny = host === undefined || host === '0.0.0.0' || host === '::'
  const said = `${front}${client.host === undefined ? '' : `${client.host}:`}${client.port}`
  if (port !== undefined && port !== client.port && !isOverridden(portOption)) {
    throw new ConfigError(portOption, port, `${client.port}, since ${key} ends in ${said}`)
  }
  if (port !== undefined && !isAny && host !== client.host && !isOverridden(hostOption)) {
    throw new ConfigError(hostOption, host, `${client.host ?? 'all addresses'}, since ${key} ends in ${said}`)
  }
  // A port alone means all addresses, as in Apache.
  return [
    [portOption, client.port],
    [hostOption, client.host ?? '::'],
  ]
}
