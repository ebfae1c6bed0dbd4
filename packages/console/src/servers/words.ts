/** The answers of servers to four-letter words, as values. Ours and Apache's write them alike (ServerCnxn.java, DumpCommand.java). */

/** `key\tvalue` lines of `mntr`, without the prefix `zk_`. */
export function figuresIn(text: string): Record<string, string> {
  const figures: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const [key = '', value] = line.split('\t')
    if (value !== undefined) figures[key.replace(/^zk_/, '')] = value
  }
  return figures
}

/** The lines of `srvr`. */
export interface ServerLines {
  readonly version?: string
  readonly zxid?: string
  readonly mode?: string
  readonly connections?: number
  readonly outstanding?: number
  readonly latency?: string
}

export function serverLinesIn(text: string): ServerLines {
  const line = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1]?.trim()
  const count = (name: string): number | undefined => {
    const value = line(name)
    return value === undefined || !/^\d+$/.test(value) ? undefined : Number(value)
  }
  return defined({
    version: line('Zookeeper version')
      ?.split(',')[0]
      ?.replace(/-[0-9a-f]{20,}$/, ''),
    zxid: line('Zxid'),
    mode: line('Mode'),
    connections: count('Connections'),
    outstanding: count('Outstanding'),
    latency: line('Latency min/avg/max'),
  })
}

/** One line of `cons`. */
export interface ConnectionLine {
  readonly address: string
  readonly session: string
  readonly queued: number
  readonly received: number
  readonly sent: number
  readonly lastOperation?: string
  readonly established?: number
  readonly timeout?: number
  readonly latency?: string
}

/** Connections with a session: ` /10.0.0.7:50606[1](queued=0,recved=1,sent=1,sid=0x1,lop=PING,est=…,to=30000,…)`. */
export function connectionsIn(text: string): ConnectionLine[] {
  return text.split('\n').flatMap((line) => {
    const [, address, rest] = /^\s*\/?(\S+)\[\d+\]\((.*)\)\s*$/.exec(line) ?? []
    if (address === undefined || rest === undefined) return []
    const facts = new Map(rest.split(',').map((pair) => pair.split('=', 2) as [string, string]))
    const session = facts.get('sid')
    if (session === undefined) return []
    const count = (name: string): number | undefined => {
      const value = Number(facts.get(name))
      return Number.isFinite(value) ? value : undefined
    }
    const times = ['minlat', 'avglat', 'maxlat'].map((name) => facts.get(name))
    return [
      {
        address,
        session: session.toLowerCase(),
        queued: count('queued') ?? 0,
        received: count('recved') ?? 0,
        sent: count('sent') ?? 0,
        ...defined({
          lastOperation: facts.get('lop'),
          established: count('est'),
          timeout: count('to'),
          latency: times.includes(undefined) ? undefined : times.join('/'),
        }),
      },
    ]
  })
}

/** The part of `dump` that says which session owns which ephemerals, and every session that it names. */
export function ephemeralsIn(text: string): ReadonlyMap<string, readonly string[]> {
  const owned = new Map<string, string[]>()
  for (const id of text.matchAll(/^\t(0x[0-9a-f]+)$/gim)) owned.set((id[1] ?? '').toLowerCase(), [])
  let session: string | undefined
  let isInside = false
  for (const line of text.split('\n')) {
    if (line.startsWith('Sessions with Ephemerals')) isInside = true
    else if (line.startsWith('Connections dump')) isInside = false
    if (!isInside) continue
    const head = /^(0x[0-9a-f]+):$/i.exec(line)?.[1]
    if (head !== undefined) {
      session = head.toLowerCase()
      owned.set(session, [])
    } else if (session !== undefined && line.startsWith('\t')) owned.get(session)?.push(line.slice(1))
  }
  return owned
}

/** `wchc`: the paths with watches of data, by session. */
export function watchesIn(text: string): ReadonlyMap<string, readonly string[]> {
  const watches = new Map<string, string[]>()
  let paths: string[] | undefined
  for (const line of text.split('\n')) {
    const head = /^(0x[0-9a-f]+)$/i.exec(line)?.[1]
    if (head !== undefined) {
      paths = []
      watches.set(head.toLowerCase(), paths)
    } else if (paths !== undefined && line.startsWith('\t')) paths.push(line.slice(1))
  }
  return watches
}

/** Why a server did not answer a word, where its answer says so. */
export function refusalIn(word: string, text: string): string | undefined {
  if (text.startsWith(`${word} is not executed`)) {
    return `the server does not allow the word ${word}; its setting 4lw.commands.whitelist says which it allows`
  }
  if (text.startsWith('This ZooKeeper instance is not currently serving'))
    return 'the server does not serve clients now'
  return undefined
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
