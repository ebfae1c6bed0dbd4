/** Sessions from the four-letter words `cons`, `dump` and `wchc`, as Apache prints them and we do. */
import { formatAddress } from '@lightkeeper/runtime'
import type { ConnectedSession, SessionReport } from './session.ts'

/** Ours ends an answer so that would be too long. */
const cutMark = '... cut off, there is more'

/** ` /127.0.0.1:50606[1](queued=0,recved=1,sent=0,sid=0x1…,lop=SETD,est=…,to=…,…)` for each connection. */
export function readCons(text: string): SessionReport {
  const connections: ConnectedSession[] = []
  for (const line of text.split('\n')) {
    const [, where = '', list] = /^ ?[^/]*\/(.+)\[\d+\]\((.*)\)$/.exec(line) ?? []
    if (list === undefined) continue
    const facts = new Map(list.split(',').map((fact) => fact.split('=') as [string, string]))
    const number = (name: string): number | undefined => {
      const value = facts.get(name)
      return value === undefined ? undefined : Number(value)
    }
    const session = idOf(facts.get('sid'))
    if (session === undefined) continue
    connections.push({
      session,
      address: addressOf(where),
      timeoutMs: number('to'),
      connection: {
        established: number('est'),
        lastOperation: facts.get('lop'),
        queued: number('queued') ?? 0,
        received: number('recved') ?? 0,
        sent: number('sent') ?? 0,
        averageLatency: number('avglat'),
        maxLatency: number('maxlat'),
      },
    })
  }
  return { connections, isCut: text.includes(cutMark) }
}

/** Sessions by the time of their expiry, the ephemerals of each, and the addresses of the connected ones. */
export function readDump(text: string): SessionReport {
  const ids: bigint[] = []
  const ephemerals = new Map<bigint, string[]>()
  const connections: ConnectedSession[] = []
  let owner: string[] | undefined
  for (const line of text.split('\n')) {
    if (line.startsWith('ephemeral nodes dump')) {
      owner = []
      continue
    }
    if (line.startsWith('Connections dump')) owner = undefined
    const [, where, ofConnection] = /^\tip: [^/]*\/(.+) sessionId: (0x[0-9a-f]+)$/.exec(line) ?? []
    if (where !== undefined) {
      const session = idOf(ofConnection) ?? 0n
      connections.push({ session, address: addressOf(where), timeoutMs: undefined, connection: undefined })
    } else if (owner === undefined) {
      // A follower prints `0x1…\t30000ms`, a leader `\t0x1…`.
      const id = idOf(/^\t?(0x[0-9a-f]+)(?:\t\d+ms)?$/.exec(line)?.[1])
      if (id !== undefined) ids.push(id)
    } else if (line.startsWith('\t/')) {
      owner.push(line.slice(1))
    } else {
      const id = idOf(/^(0x[0-9a-f]+):$/.exec(line)?.[1])
      if (id === undefined) continue
      owner = []
      ephemerals.set(id, owner)
    }
  }
  return { ids, ephemerals, connections, isCut: text.includes(cutMark) }
}

/** A session, then the paths that it watches, each with a tab. */
export function readWchc(text: string): SessionReport {
  const watches = new Map<bigint, string[]>()
  let paths: string[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('\t')) {
      paths.push(line.slice(1))
      continue
    }
    const id = idOf(/^0x[0-9a-f]+$/.exec(line)?.[0])
    if (id === undefined) continue
    paths = []
    watches.set(id, paths)
  }
  return { watches, isCut: text.includes(cutMark) }
}

/** Ids are signed, as everywhere in the protocol. */
function idOf(text: string | undefined): bigint | undefined {
  return text !== undefined && /^0x[0-9a-f]{1,16}$/.test(text) ? BigInt.asIntN(64, BigInt(text)) : undefined
}

/** Java prints IPv6 without brackets: `0:0:0:0:0:0:0:1:50606`. */
export function addressOf(text: string): string {
  const at = text.lastIndexOf(':')
  const host = text.slice(0, at)
  const port = Number(text.slice(at + 1))
  return host.includes(':') && !host.startsWith('[') && Number.isInteger(port) ? formatAddress(host, port) : text
}
