/**
 * How programs that watch ZooKeeper read its four-letter words. Each of these does what one of them does with an answer, written anew
 * from what its source takes and refuses. An answer that the program would not take is an Error.
 */

export type Fields = ReadonlyMap<string, string | number>

/** go-zookeeper, `FLWSrvr`: one expression over the whole answer, and the build time in one of two forms. */
export function goSrvr(answer: string): Fields {
  const date = String.raw`(\d\d/\d\d/\d{4} \d\d:\d\d [A-Z]{3,4}|\d{4}-\d\d-\d\d \d\d:\d\d [A-Z]{3,4})`
  const lines = [
    String.raw`^Zookeeper version: ([A-Za-z0-9.-]+), built on ${date}`,
    String.raw`^Latency min/avg/max: (\d+)/([0-9.]+)/(\d+)`,
    String.raw`^Received: (\d+)`,
    String.raw`^Sent: (\d+)`,
    String.raw`^Connections: (\d+)`,
    String.raw`^Outstanding: (\d+)`,
    String.raw`^Zxid: (0x[A-Za-z0-9]+)`,
    String.raw`^Mode: (\w+)`,
    String.raw`^Node count: (\d+)`,
  ]
  const found = new RegExp(lines.join(String.raw`.*\n`), 'm').exec(answer)
  if (found === null) throw new Error('unable to parse fields from zookeeper response')
  const names = 'version built min avg max received sent connections outstanding zxid mode nodes'.split(' ')
  return new Map(names.map((name, i) => [name, found[i + 1] as string]))
}

/** go-zookeeper, `FLWCons`: one client for each line with a session. */
export function goCons(answer: string): Fields[] {
  const octet = '(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)'
  const expression = new RegExp(
    `^ /((?:${octet}\\.){3}${octet}:\\d+)\\[\\d+\\]` +
      '\\(queued=(\\d+),recved=(\\d+),sent=(\\d+),sid=(0x[A-Za-z0-9]+),lop=(\\w+),est=(\\d+),to=(\\d+),' +
      'lcxid=(0x[A-Za-z0-9]+),lzxid=(0x[A-Za-z0-9]+),lresp=(\\d+),llat=(\\d+),minlat=(\\d+),avglat=(\\d+),maxlat=(\\d+)\\)',
  )
  const names = 'address queued recved sent sid lop est to lcxid lzxid lresp llat minlat avglat maxlat'.split(' ')
  return answer.split('\n').flatMap((line) => {
    const found = expression.exec(line)
    return found === null ? [] : [new Map(names.map((name, i) => [name, found[i + 1] as string]))]
  })
}

/** Telegraf: every line of `mntr` is a name with `zk_` in front, blanks, and a value without them; one that is not is an error. */
export function telegrafMntr(answer: string): Fields {
  const fields = new Map<string, string | number>()
  for (const line of linesOf(answer)) {
    const [, name, value] = /^zk_(\w[\w.-]*)\s+([\w.-]+)/.exec(line) ?? []
    if (name === undefined || value === undefined) throw new Error(`unexpected line in mntr response: ${line}`)
    fields.set(name, /^[+-]?\d+$/.test(value) ? Number(value) : value)
  }
  return fields
}

/** Datadog: `stat` line by line in a fixed order, each one name and one value around a colon. */
export function datadogStat(answer: string): Fields {
  const lines = answer.split('\n')
  const version = /\d+\.\d+\.\d+/.exec(lines.shift() ?? '')?.[0]
  if (version === undefined) throw new Error('could not parse the version')
  if (lines.shift() !== 'Clients:') throw new Error('no header of clients')
  let clients = 0
  while ((lines.shift() ?? '').trim() !== '') clients++
  const next = (): string => {
    const [, value, ...more] = (lines.shift() ?? '').split(':')
    if (value === undefined || more.length > 0) throw new Error('not a name and a value')
    return value.trim()
  }
  const fields = new Map<string, string | number>([['version', version]])
  const [min, avg, max] = next().split('/').map(Number)
  for (const [name, value] of Object.entries({ min, avg, max })) fields.set(name, numeric(value))
  for (const name of ['received', 'sent', 'connections', 'outstanding']) fields.set(name, numeric(Number(next())))
  fields.set('clients', clients)
  fields.set('zxid', numeric(Number(next())))
  fields.set('mode', next().toLowerCase())
  fields.set('nodes', numeric(Number(next())))
  return fields
}

/** Datadog: `mntr` behind its first line, two words a line; a value that is no number is only logged. */
export function datadogMntr(answer: string): Fields {
  const fields = new Map<string, string | number>()
  for (const line of linesOf(answer).slice(1)) {
    const words = line.split(/\s+/)
    if (words.length !== 2) throw new Error(`cannot format mntr value: ${line}`)
    const [name, value] = words as [string, string]
    if (name === 'zk_server_state') fields.set('mode', value.toLowerCase())
    else fields.set(name.replace(/^zk_/, 'zookeeper.'), numeric(Number(value)))
  }
  return fields
}

/** Apache's own check_zookeeper.py, for Nagios, Cacti and Ganglia: what the first 2048 bytes of `mntr` have, by tabs. */
export function nagiosMntr(answer: string): Fields {
  const fields = new Map<string, string | number>()
  const whole = answer.slice(0, 2048)
  for (const line of whole.slice(0, whole.lastIndexOf('\n')).split('\n')) {
    const parts = line.split('\t').map((each) => each.trim())
    if (parts.length !== 2 || parts[0] === '') continue
    const [name, value] = parts as [string, string]
    fields.set(name, Number.isNaN(Number(value)) ? value : Number(value))
  }
  return fields
}

/** The same program: what it takes from `stat` besides. */
export function nagiosStat(answer: string): Fields {
  const lines = answer.split('\n')
  const fields = new Map<string, string | number>()
  const first = lines.shift() ?? ''
  fields.set('zk_version', first.slice(first.indexOf(':') + 1).trim())
  while ((lines.shift() ?? '').trim() !== '');
  for (const line of lines) {
    const zxid = /^Zxid: (0x[0-9a-fA-F]+)/.exec(line)?.[1]
    if (zxid === undefined) continue
    fields.set('zk_zxid', zxid)
    fields.set('zk_zxid_counter', Number(BigInt(zxid) & 0xffff_ffffn))
    fields.set('zk_zxid_epoch', Number(BigInt(zxid) >> 32n))
  }
  return fields
}

/** dabealu/zookeeper-exporter: tabs become blanks; the word behind the name is the value, which Prometheus must take for a number. */
export function dabealuMntr(answer: string): Fields {
  const fields = new Map<string, string | number>()
  for (const line of answer.split('\n')) {
    const [name = '', value] = line.replaceAll('\t', ' ').split(' ')
    if (name === '') continue
    if (value === undefined) throw new Error(`no value: ${line}`)
    if (name === 'zk_version') fields.set(name, /^(\d+\.\d+\.\d+)/.exec(value)?.[1] ?? value)
    else if (name === 'zk_server_state') fields.set('zk_server_leader', value === 'leader' ? 1 : 0)
    else if (/^[a-zA-Z_:][\w:]*$/.test(name.replaceAll('-', '_'))) fields.set(name, numeric(Number(value)))
    else throw new Error(`no name of a metric: ${name}`)
  }
  return fields
}

/** carlpett/zookeeper_exporter: exactly one tab in each line, or the server counts as down. */
export function carlpettMntr(answer: string): Fields {
  const fields = new Map<string, string | number>([['zk_up', 1]])
  for (const line of answer.trim().split('\n')) {
    const parts = line.split('\t')
    if (parts.length === 2) fields.set(parts[0] as string, parts[1] as string)
    else fields.set('zk_up', 0)
  }
  return fields
}

/** Solr's status page: each line of `mntr` has a tab, each line of `conf` an equals sign with something behind it. */
export function solrStatus(answers: { ruok: string; mntr: string; conf: string }): { ok: boolean; errors: string[] } {
  const errors: string[] = []
  const check = (answer: string, separator: string, what: string): void => {
    const lines = linesOf(answer)
    if (lines.length === 0) throw new Error('Empty response from Zookeeper')
    if (lines.length === 1 && /not in the whitelist|not currently serving requests/.test(lines[0] as string)) {
      throw new Error(lines[0])
    }
    for (const line of lines) {
      // Java drops empty parts at the end.
      const parts = line.split(separator)
      while (parts.at(-1) === '') parts.pop()
      if (parts.length < 2 && !line.startsWith('membership:')) errors.push(`Unexpected line in '${what}': ${line}`)
    }
  }
  check(answers.mntr, '\t', 'mntr')
  check(answers.conf, '=', 'conf')
  return { ok: linesOf(answers.ruok)[0] === 'imok', errors }
}

/** kazoo, `server_version()`, which taskflow asks at its start: digits at the front of zookeeper.version. */
export function kazooVersion(answer: string): number[] {
  const pairs = new Map<string, string>()
  for (const line of answer.split(/\r?\n/)) {
    const at = line.indexOf('=')
    if (at > 0) pairs.set(line.slice(0, at).trim(), line.slice(at + 1).trim())
  }
  const digits = /^[\d.]*/.exec(pairs.get('zookeeper.version') ?? '')?.[0] ?? ''
  return digits.split('.').map(Number)
}

/** zk_shell, `session_endpoint` and `ephemeral_endpoint`: addresses by session and session by path, from `dump`. */
export function zkShellDump(answer: string): {
  addresses: ReadonlyMap<string, string>
  owners: ReadonlyMap<string, string>
} {
  const addresses = new Map<string, string>()
  const owners = new Map<string, string>()
  let session = ''
  for (const line of answer.split('\n')) {
    const id = /^(0x\w+):/.exec(line)?.[1]
    const path = /^\t((?:\/.*)+)$/.exec(line)?.[1]
    const [, ip, port, owner] = /^\tip:\s\/(\d+\.\d+\.\d+\.\d+):(\d+)\ssessionId:\s(0x\w+)$/.exec(line) ?? []
    if (id !== undefined) session = id
    else if (path !== undefined) owners.set(path, session)
    else if (owner !== undefined) addresses.set(owner, `${ip}:${port}`)
  }
  return { addresses, owners }
}

function linesOf(answer: string): string[] {
  const lines = answer.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function numeric(value: number | undefined): number {
  if (value === undefined || Number.isNaN(value)) throw new Error('not a number')
  return value
}
