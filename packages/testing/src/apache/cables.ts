/**
 * Proxies between the servers of an ensemble and in front of them, so that tests can cut each server off without special rights.
 */
import { type Proxy, proxy } from '../proxy.ts'

/** The ports of one server. */
export interface Member {
  readonly client: number
  readonly quorum: number
  readonly election: number
}

/** A proxy in front of every client port, and a pair for every direction between two servers. */
export interface Cables {
  /** The ports through which clients reach the servers, in their order. */
  readonly clientPorts: readonly number[]
  /** The port through which server `from` reaches server `to`; undefined for itself. */
  between(from: number, to: number): { readonly quorum: number; readonly election: number } | undefined
  /** Cuts a server off from all others and from clients, or joins it again; what was under way arrives then. */
  set(index: number, isCut: boolean): void
  /** Closes every proxy. */
  close(): Promise<void>
}

export async function lay(members: readonly Member[]): Promise<Cables> {
  const clients = await Promise.all(members.map(({ client }) => proxy(client)))
  const pairs = new Map<
    string,
    { readonly quorum: Proxy; readonly election: Proxy; readonly ends: readonly number[] }
  >()
  for (const [from] of members.entries()) {
    for (const [to, { quorum, election }] of members.entries()) {
      if (from === to) continue
      // A server dials back to the address in the message, which must lead through a cable too.
      const opening = (bytes: Buffer): Buffer | undefined =>
        withElectionAddress(bytes, `127.0.0.1:${pairs.get(`${to} ${from}`)?.election.port}`)
      // A follower dials before its leader listens. After a refusal it waits; after an end of the connection it does not.
      const pair = {
        quorum: await proxy(quorum, { patience: 1_000 }),
        election: await proxy(election, { opening }),
        ends: [from, to],
      }
      pairs.set(`${from} ${to}`, pair)
    }
  }
  const off = new Set<number>()
  return {
    clientPorts: clients.map(({ port }) => port),
    between(from, to) {
      const pair = pairs.get(`${from} ${to}`)
      return pair && { quorum: pair.quorum.port, election: pair.election.port }
    },
    set(index, isCut) {
      if (isCut) off.add(index)
      else off.delete(index)
      const pull = (cable: Proxy, ends: readonly number[]): void => {
        if (ends.some((end) => off.has(end))) cable.hang()
        else cable.heal()
      }
      for (const [i, cable] of clients.entries()) pull(cable, [i])
      for (const { quorum, election, ends } of pairs.values()) {
        pull(quorum, ends)
        pull(election, ends)
      }
    },
    async close() {
      const all = [...clients, ...[...pairs.values()].flatMap(({ quorum, election }) => [quorum, election])]
      await Promise.all(all.map((cable) => cable.close()))
    },
  }
}

/**
 * The initial message of an election connection (QuorumCnxManager.java, InitialMessage: version, sid, length, address) with another
 * address; undefined until all of it has arrived.
 */
export function withElectionAddress(bytes: Buffer, address: string): Buffer | undefined {
  if (bytes.length < 20) return undefined
  const end = 20 + bytes.readInt32BE(16)
  if (bytes.length < end) return undefined
  const head = Buffer.from(bytes.subarray(0, 20))
  head.writeInt32BE(Buffer.byteLength(address), 16)
  return Buffer.concat([head, Buffer.from(address), bytes.subarray(end)])
}
