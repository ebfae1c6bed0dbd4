/** The answers of servers to `mntr` and `srvr`, as values. Ours and Apache's write them alike. */

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

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
