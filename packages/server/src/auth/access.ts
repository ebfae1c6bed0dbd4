/** May this caller do that, and what becomes of the ACL a caller gives (ZooKeeperServer.java: checkACL, fixupACL). */
import type { Acl, Id } from '@lightkeeper/protocol'
import { openAcl, permission } from '@lightkeeper/protocol'
import type { AuthProvider } from './providers.ts'

/** How many bytes a transaction may still have beyond those of its request. */
export interface AclRoom {
  bytes: number
}

/** A list has few entries, as a rule; more of them are looked up. */
const fewEntries = 16
/** The permissions and the lengths of scheme and id. */
const entryBytes = 12
/** What a longer list gives to an identity is remembered: so many of these, for identities that are not long. */
const longEntries = 64
const grantsMax = 100_000
const knownIdMax = 128
const anyone: Id = { scheme: 'world', id: 'anyone' }
const encoder = new TextEncoder()
/** What stands for a byte that is no UTF-8; it has three. */
const replacement = /\ufffd/g

export class Access {
  readonly providers: ReadonlyMap<string, AuthProvider>
  readonly #skipAcl: boolean
  /** By list: what it gives, by identity. */
  #granted = new WeakMap<readonly Acl[], Map<string, number>>()
  #grants = 0

  constructor(providers: ReadonlyMap<string, AuthProvider>, skipAcl: boolean) {
    this.providers = providers
    this.#skipAcl = skipAcl
  }

  /** `wanted` is a set of permission bits of which one suffices. */
  allows(acl: readonly Acl[], wanted: number, identities: readonly Id[]): boolean {
    if (acl === openAcl || this.#skipAcl || acl.length === 0) return true
    for (const id of identities) if (id.scheme === 'super') return true
    if (acl.length > longEntries) return this.#allowsByLong(acl, wanted, identities)
    for (const { perms, id } of acl) {
      if ((perms & wanted) === 0) continue
      if (id.scheme === 'world' && id.id === 'anyone') return true
      const provider = this.providers.get(id.scheme)
      if (provider === undefined) continue
      for (const own of identities) if (own.scheme === id.scheme && provider.matches(own.id, id.id)) return true
    }
    return false
  }

  /** The same: a transaction may ask thousands of times for one list, and an event for each of its watchers. */
  #allowsByLong(acl: readonly Acl[], wanted: number, identities: readonly Id[]): boolean {
    if (this.#grants >= grantsMax) {
      this.#granted = new WeakMap()
      this.#grants = 0
    }
    let known = this.#granted.get(acl)
    if (known === undefined) {
      known = new Map()
      this.#granted.set(acl, known)
    }
    for (const own of [anyone, ...identities]) {
      const key = own.id.length <= knownIdMax ? `${own.scheme}:${own.id}` : undefined
      let perms = key === undefined ? undefined : known.get(key)
      if (perms === undefined) {
        perms = this.#permsOf(acl, own)
        if (key !== undefined) {
          known.set(key, perms)
          this.#grants++
        }
      }
      if ((perms & wanted) !== 0) return true
    }
    return false
  }

  /** All permissions that a list gives to an identity. */
  #permsOf(acl: readonly Acl[], own: Id): number {
    const provider = this.providers.get(own.scheme)
    let all = 0
    for (const { perms, id } of acl) {
      if (id.scheme !== own.scheme) continue
      if (own === anyone ? id.id === anyone.id : provider?.matches(own.id, id.id)) all |= perms
    }
    return all
  }

  /**
   * The list to store for the list a caller gave: duplicates removed, `auth` entries replaced by the caller's own ids. That takes from
   * `room`, and so do ids that were no UTF-8. Undefined when it is not valid, or has no room.
   */
  fixUp(given: readonly Acl[], identities: readonly Id[], room: AclRoom): readonly Acl[] | undefined {
    if (isOpenList(given)) return openAcl
    if (given.length === 0) return undefined
    const fixed = new Entries()
    /** The permissions of entries `auth` so far. */
    const own = new Set<number>()
    for (const entry of given) {
      const { scheme, id } = entry.id
      if (scheme === 'world') {
        if (id !== 'anyone') return undefined
        fixed.add(entry)
      } else if (scheme === 'auth') {
        if (own.has(entry.perms)) continue
        own.add(entry.perms)
        if (!this.#addOwn(entry.perms, identities, fixed, room)) return undefined
      } else {
        if (this.providers.get(scheme)?.isValid(id) !== true) return undefined
        fixed.add(entry)
        room.bytes -= 2 * (id.match(replacement)?.length ?? 0)
        if (room.bytes < 0) return undefined
      }
    }
    return fixed.list
  }

  /** Adds an entry for each identity that was proved. False where there is none, or no room. */
  #addOwn(perms: number, identities: readonly Id[], fixed: Entries, room: AclRoom): boolean {
    let isKnown = false
    for (const id of identities) {
      if (this.providers.get(id.scheme)?.isAuthenticated !== true) continue
      isKnown = true
      if (!fixed.add({ perms, id })) continue
      room.bytes -= entryBytes + id.scheme.length + encoder.encode(id.id).length
      if (room.bytes < 0) return false
    }
    return isKnown
  }

  /** What a caller without ADMIN sees of an ACL: digests cut off. */
  redact(acl: readonly Acl[]): readonly Acl[] {
    return acl.map((entry) =>
      entry.id.scheme === 'digest'
        ? { perms: entry.perms, id: { scheme: 'digest', id: entry.id.id.replace(/:.*/, ':x') } }
        : entry,
    )
  }
}

function isOpenList(list: readonly Acl[]): boolean {
  const only = list[0]
  return list.length === 1 && only?.perms === permission.all && only.id.scheme === 'world' && only.id.id === 'anyone'
}

/** Entries in their order, each once. A request has room for tens of thousands. */
class Entries {
  readonly list: Acl[] = []
  #known: Set<string> | undefined

  /** False where it is there already. */
  add(entry: Acl): boolean {
    if (this.list.length < fewEntries) {
      if (this.list.some((other) => isSameEntry(other, entry))) return false
    } else {
      this.#known ??= new Set(this.list.map(keyOf))
      const key = keyOf(entry)
      if (this.#known.has(key)) return false
      this.#known.add(key)
    }
    this.list.push(entry)
    return true
  }
}

function isSameEntry(one: Acl, other: Acl): boolean {
  return one.perms === other.perms && one.id.scheme === other.id.scheme && one.id.id === other.id.id
}

function keyOf({ perms, id }: Acl): string {
  return `${perms} ${id.scheme} ${id.id}`
}
